/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file mapped for reading. It must not shrink meanwhile: for files that only appear by rename. */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct ingot_map {
        struct ingot_span span;
        void *mapped; /* NULL: an empty file */
};

int ingot_map_open(struct ingot_map *ret, const char *path, ingot_error *reterr);
void ingot_map_close(struct ingot_map *m);
#define _cleanup_map_ __attribute__((cleanup(ingot_map_close)))
