/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Digests of PCR banks that can be left off behind a whole number of blocks and gone on with
 * somewhere else, by somebody who has only the end of what is digested. SHA-1 to SHA-512 are
 * FIPS 180-4; a state is its words, big-endian, one behind the other: 20, 32, 64 and 64 bytes.
 */
#pragma once

#include "measure/bank.h"

#define INGOT_DIGEST_STATE_MAX 64

struct ingot_digest;
int ingot_digest_new(enum ingot_bank bank, struct ingot_digest **ret, ingot_error *reterr);
void ingot_digest_free(struct ingot_digest *d);
static inline void ingot_digest_free_p(struct ingot_digest **d)
{
        ingot_digest_free(*d);
}
#define _cleanup_digest_ __attribute__((cleanup(ingot_digest_free_p)))

void ingot_digest_update(struct ingot_digest *d, const void *data, size_t size);
/* ingot_bank_size() bytes; nothing but freeing comes after it. */
void ingot_digest_final(struct ingot_digest *d, uint8_t *ret);

/* Bytes of a block, and of a state. */
size_t ingot_digest_block_size(enum ingot_bank bank);
size_t ingot_digest_state_size(enum ingot_bank bank);
/* Only behind a whole number of blocks. */
void ingot_digest_export(const struct ingot_digest *d, uint8_t *ret);
/* As if SIZE bytes, a multiple of the block's, had been digested. */
void ingot_digest_import(struct ingot_digest *d, const uint8_t *state, uint64_t size);
