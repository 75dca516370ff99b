/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dpkg's database (dpkg 1.22, lib/dpkg; "info/format" 1), written for packages that we unpacked: as
 * if dpkg --unpack had done it in an empty tree. dpkg reads it and goes on from there.
 */
#pragma once

#include "package/deb-load.h"

/* Writes var/lib/dpkg below the tree DIRFD for those packages whose unpacker is OURS. */
int ingot_dpkg_database_write(int dirfd, const struct ingot_deb_package *packages, size_t count,
                              ingot_error *reterr);
