/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole file of a release, checked against its digest before it has its name. */
#pragma once

#include "update/release.h"
#include "update/walk.h"

/* FILE is written to PATH, whose folder is made; it appears whole or not at all. What is there
 * already and right is left: 1. The sources are asked one after the other. REFUSED: what they have
 * is another file; else the last one's error. */
int ingot_fetch_file(const struct ingot_release_file *file, const char *path,
                     const struct ingot_walk_options *options, ingot_error *reterr);
/* The same into memory, up to MAX bytes (else LIMIT); *ret is empty before. */
int ingot_fetch_bytes(const struct ingot_release_file *file, size_t max,
                      const struct ingot_walk_options *options, struct ingot_buffer *ret,
                      ingot_error *reterr);
