/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What makes an image update itself, and fall back: the recipe's section [Update] as files of the
 * tree (docs/update.md). Nothing is written without Update.Source.
 *
 *     usr/lib/sysupdate.d/50-….transfer   for systemd-sysupdate and for our client
 *     usr/lib/ingot/update.conf           for our client: source, channel, threshold
 *     keys                                image/update-keys.h
 *     usr/lib/systemd/system/ingot-…      units of data/units, and the links that start them
 *     …/boot-complete.target.d/           what must be up, and how long that may take
 *     usr/lib/systemd/system.conf.d/      the watchdog, and what a crash of process 1 does
 *     …/systemd-sysusers.service.d/       the users of a new release, where /etc is an overlay
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "image/recipe.h"

struct ingot_build;

bool ingot_build_has_update(const struct ingot_recipe *recipe);

/* Before the long work: CONFLICT for keys without Source, without Key, or without a second slot;
 * FORMAT for a source that is no URL. */
int ingot_build_check_update(const struct ingot_recipe *recipe, ingot_error *reterr);

/* Into b->tree. NOTFOUND for a unit to check that the tree lacks, and without systemd-bless-boot.
 */
int ingot_build_update(struct ingot_build *b, ingot_error *reterr);

/* Seconds of the watchdog; 0: none. */
unsigned ingot_build_watchdog(const struct ingot_recipe *recipe);

/* Drivers of watchdogs that the initrd tries; NULL-terminated. "softdog", which stands in for them,
 * is the last. */
extern const char *const ingot_watchdog_modules[];

/* Adds the words of the kernel's command line that restart a machine after a panic, unless the
 * recipe has them. */
int ingot_build_update_words(const struct ingot_recipe *recipe, struct ingot_buffer *line,
                             ingot_error *reterr);
