/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs of user space for tests, with SHA-1 and SHA-256. */
#pragma once

#include "base/buffer.h"
#include "measure/userspace-log.h"

static inline void make_userspace_digests(struct ingot_buffer *b, const char *measured)
{
        struct ingot_span data = INGOT_SPAN(measured, strlen(measured));
        for (enum ingot_bank bank = INGOT_BANK_SHA1; bank <= INGOT_BANK_SHA256; bank++) {
                uint8_t digest[INGOT_BANK_SIZE_MAX];
                char hex[2 * INGOT_BANK_SIZE_MAX + 1];
                (void) ingot_bank_digest(bank, data, digest, NULL);
                ingot_hex(hex, digest, ingot_bank_size(bank));
                (void) ingot_buffer_printf(b, NULL, "%s{\"hashAlg\":\"%s\",\"digest\":\"%s\"}",
                                           bank == INGOT_BANK_SHA1 ? "" : ",",
                                           ingot_bank_name(bank), hex);
        }
}

/* A record whose digests are those of MEASURED, and which says STRING. */
static inline void make_userspace_add(struct ingot_buffer *b, uint32_t pcr, const char *type,
                                      const char *string, const char *measured)
{
        (void) ingot_buffer_printf(b, NULL, "\x1e{\"pcr\":%u,\"digests\":[", (unsigned) pcr);
        make_userspace_digests(b, measured);
        (void) ingot_buffer_printf(b, NULL,
                                   "],\"content_type\":\"systemd\",\"content\":{\"string\":\"%s\","
                                   "\"bootId\":\"00112233445566778899aabbccddeeff\","
                                   "\"timestamp\":4711,\"eventType\":\"%s\"}}\n",
                                   string, type);
}

/* The same of an NV index that is used as a PCR. */
static inline void make_userspace_add_nv(struct ingot_buffer *b, uint32_t nv_index,
                                         const char *name, const char *type, const char *string)
{
        (void) ingot_buffer_printf(b, NULL, "\x1e{\"nv_index\":%u,\"digests\":[",
                                   (unsigned) nv_index);
        make_userspace_digests(b, string);
        (void) ingot_buffer_printf(b, NULL,
                                   "],\"content_type\":\"systemd\",\"content\":{\"nvIndexName\":"
                                   "\"%s\",\"string\":\"%s\",\"eventType\":\"%s\"}}\n",
                                   name, string, type);
}
