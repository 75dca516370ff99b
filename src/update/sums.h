/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA256SUMS, as sha256sum(1) and systemd-sysupdate take it: lines of 64 hexadecimal digits, two
 * spaces, and the name of a file.
 */
#pragma once

#include "base/buffer.h"
#include "base/sha256.h"

#include <stdbool.h>

#define INGOT_SUMS_FILE "SHA256SUMS"
#define INGOT_SUMS_SIZE_MAX ((size_t) 4 << 20)

struct ingot_sum {
        char *name;
        uint8_t sha256[INGOT_SHA256_SIZE];
};

struct ingot_sums {
        struct ingot_sum *items;
        size_t count, allocated;
};

void ingot_sums_done(struct ingot_sums *s);
#define _cleanup_sums_ __attribute__((cleanup(ingot_sums_done)))

/* FORMAT, LIMIT. A '*' for the second space (binary mode) is taken, too. */
int ingot_sums_decode(struct ingot_span text, struct ingot_sums *ret, ingot_error *reterr);
/* In the order of names, each once. CONFLICT when one has two digests. */
int ingot_sums_encode(struct ingot_sums *s, struct ingot_buffer *ret, ingot_error *reterr);
int ingot_sums_add(struct ingot_sums *s, const char *name, const uint8_t sha256[INGOT_SHA256_SIZE],
                   ingot_error *reterr);
/* The digest, or NULL. */
const uint8_t *ingot_sums_find(const struct ingot_sums *s, const char *name);
