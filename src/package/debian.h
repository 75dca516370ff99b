/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the Debian parts tell each other; nobody else includes this. */
#pragma once

#include "package/distribution.h"

/*
 * The mirror as the host's apt configuration in FOLDER ("/etc/apt") names it: the first archive URI
 * with a folder "debian" in it; for suites "…-security", one with "debian-security", or else the
 * former with "-security" appended. NOTFOUND when there is none.
 */
int ingot_debian_host_mirror(const char *folder, const char *suite, char **ret,
                             ingot_error *reterr);

int ingot_debian_lock(const struct ingot_package_request *r, struct ingot_lock *ret,
                      ingot_error *reterr);
