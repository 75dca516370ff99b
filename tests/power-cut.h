/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * After a cut (cut-disk.h) of a disk that was being updated: which release boots, is it whole, and
 * does the next update end what was begun without fetching again what was there?
 */
#pragma once

#include "cut-disk.h"
#include "update/release.h"

struct power_cut_figures {
        unsigned cuts, failures;
        unsigned booted[2];        /* the old release, the new one */
        unsigned slots, entries;   /* of the next updates: that wrote a slot, a UKI alone */
        unsigned clean, dirty;     /* of the ESPs, by fsck.vfat */
        uint64_t fetched, there;   /* bytes, of all next updates; bytes that were there */
        double worst;              /* the largest share of what was there that was fetched again */
        unsigned tables_of_others; /* looked at by sfdisk */
};

struct power_cut_options {
        struct cut_disk *disk;
        const char *releases; /* the folder that ingot release made; its newest is the new one */
        const char *name;     /* of the product */
        const char *versions[2];
        const char *root; /* what the machine's root brings for updates: usr/lib/sysupdate.d … */
        const char *folder; /* for what is made here */
        unsigned from, to;  /* numbers of the cuts */
};

/* Says each cut that fails on stdout, and goes on. < 0: the check itself could not be made. */
int power_cut_check(const struct power_cut_options *o, struct power_cut_figures *ret,
                    ingot_error *reterr);
