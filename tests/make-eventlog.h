/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Event logs for tests: with SHA-1 and SHA-256, whose digests are right where the data is known. */
#pragma once

#include "base/buffer.h"
#include "format/eventlog.h"
#include "measure/bank.h"

static inline void put16(struct ingot_buffer *b, uint16_t v)
{
        uint8_t bytes[2];
        ingot_le16_store(bytes, v);
        (void) ingot_buffer_append(b, bytes, sizeof(bytes), NULL);
}

static inline void put32(struct ingot_buffer *b, uint32_t v)
{
        uint8_t bytes[4];
        ingot_le32_store(bytes, v);
        (void) ingot_buffer_append(b, bytes, sizeof(bytes), NULL);
}

static inline void put64(struct ingot_buffer *b, uint64_t v)
{
        put32(b, (uint32_t) v);
        put32(b, (uint32_t) (v >> 32));
}

static inline void put_sized(struct ingot_buffer *b, const void *data, size_t size)
{
        put32(b, (uint32_t) size);
        (void) ingot_buffer_append(b, data, size, NULL);
}

/* The first event, which names the algorithms of all the others. */
static inline void make_eventlog_start_with(struct ingot_buffer *b, unsigned banks)
{
        _cleanup_buffer_ struct ingot_buffer spec = {0};
        (void) ingot_buffer_append(&spec, "Spec ID Event03", 16, NULL);
        put32(&spec, 0);
        (void) ingot_buffer_append(&spec, "\0\2\0\2", 4, NULL);
        put32(&spec, (uint32_t) __builtin_popcount(banks));
        for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++)
                if (banks & 1u << bank) {
                        put16(&spec, ingot_bank_algorithm(bank));
                        put16(&spec, (uint16_t) ingot_bank_size(bank));
                }
        (void) ingot_buffer_append(&spec, "", 1, NULL);
        put32(b, 0);
        put32(b, INGOT_EV_NO_ACTION);
        (void) ingot_buffer_append_zeros(b, 20, NULL);
        put_sized(b, spec.data, spec.size);
}

static inline void make_eventlog_start(struct ingot_buffer *b)
{
        make_eventlog_start_with(b, 1u << INGOT_BANK_SHA1 | 1u << INGOT_BANK_SHA256);
}

/* An event whose digests are those of MEASURED, and whose data is DATA. */
static inline void make_eventlog_add(struct ingot_buffer *b, uint32_t pcr, uint32_t type,
                                     struct ingot_span measured, struct ingot_span data)
{
        static const enum ingot_bank banks[] = {INGOT_BANK_SHA1, INGOT_BANK_SHA256};
        put32(b, pcr);
        put32(b, type);
        put32(b, 2);
        for (unsigned i = 0; i < 2; i++) {
                uint8_t digest[INGOT_BANK_SIZE_MAX];
                (void) ingot_bank_digest(banks[i], measured, digest, NULL);
                put16(b, ingot_bank_algorithm(banks[i]));
                (void) ingot_buffer_append(b, digest, ingot_bank_size(banks[i]), NULL);
        }
        put_sized(b, data.data, data.size);
}
