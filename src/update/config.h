/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where updates come from, and who signs them: ingot/update.conf in /etc, /run, /usr/local/lib or
 * /usr/lib, with drop-ins ingot/update.conf.d/NAME.conf (UAPI.6). One section, [Update]:
 *
 *     Source=     URLs or folders of releases, in the order in which they are asked
 *     Channel=    default: stable
 *     Key=        files of keys that may sign releases; none: what VOA has for this OS
 *                 (purpose image)
 *     Threshold=  so many different keys must have signed; default 1
 *     Limit=      bytes a second, with K, M or G; default: none
 */
#pragma once

#include "base/text.h"

struct ingot_update_config {
        struct ingot_strings sources, keys;
        char *channel;             /* NULL: not said */
        uint64_t threshold, limit; /* 0: not said */
};

void ingot_update_config_done(struct ingot_update_config *c);
#define _cleanup_update_config_ __attribute__((cleanup(ingot_update_config_done)))

/* ROOT: os/root.h. FORMAT names file and line. */
int ingot_update_config_load(int root, struct ingot_update_config *ret, ingot_error *reterr);
