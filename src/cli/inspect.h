/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `ingot inspect` says about an image: for people, and as JSON. */
#pragma once

#include "cli/json.h"
#include "image/open.h"

/* The partition map of a disk, to scale, WIDTH columns wide; nothing when it does not fit. */
int inspect_print_map(const struct ingot_image *disk, unsigned width, ingot_error *reterr);
/* Everything. NAME is the file's. */
int inspect_print(struct ingot_image *image, const char *name, ingot_error *reterr);
/* Adds what is known of the image to O: docs/formats/inspect-json.md. */
int inspect_json(struct ingot_image *image, struct json_object *o, ingot_error *reterr);

/* "no-auto", "read-only" …, between commas. */
void inspect_attributes(uint64_t attributes, char ret[128]);
