/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unpacking many packages at once into an empty tree.
 *
 * First a plan is made in memory, of all packages in order: where each file goes when links to
 * directories (/lib → usr/lib) are followed, which package makes a directory, and which packages
 * bring the same file. Then directories and links are made, then files, in parallel. The plan does
 * not depend on the number of threads, and no two threads write one path.
 */
#pragma once

#include "os/ledger.h"
#include "package/deb-load.h"

/*
 * Makes the files of all packages whose unpacker is OURS or BOTH below ROOT, an empty folder.
 * Configuration files of OURS get ".dpkg-new" behind their names, those of BOTH are left out. A
 * package of OURS that brings what an earlier one brought becomes DPKG: what then happens is its
 * matter (Replaces, or an error). Owners and devices go into the ledger.
 */
int ingot_packages_unpack(struct ingot_deb_package *packages, size_t count, int root,
                          unsigned threads, struct ingot_ledger *ledger, ingot_error *reterr);
