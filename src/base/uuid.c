/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UUIDs in text order, and their derivation from a seed. */
#include "base/uuid.h"
#include "base/bytes.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

bool ingot_uuid_parse(const char *text, struct ingot_uuid *ret)
{
        char digits[33];
        size_t n = strlen(text), d = 0;
        if (n != 36 && n != 32)
                return false;
        for (size_t i = 0; i < n; i++) {
                bool dash = n == 36 && (i == 8 || i == 13 || i == 18 || i == 23);
                if (dash != (text[i] == '-'))
                        return false;
                if (!dash)
                        digits[d++] = text[i];
        }
        digits[d] = 0;
        return ingot_unhex(ret->bytes, 16, digits);
}

void ingot_uuid_format(const struct ingot_uuid *u, char ret[INGOT_UUID_TEXT_SIZE])
{
        char hex[33];
        ingot_hex(hex, u->bytes, 16);
        snprintf(ret, INGOT_UUID_TEXT_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                 hex + 16, hex + 20);
}

bool ingot_uuid_equal(const struct ingot_uuid *a, const struct ingot_uuid *b)
{
        return memcmp(a->bytes, b->bytes, 16) == 0;
}

bool ingot_uuid_is_null(const struct ingot_uuid *u)
{
        static const struct ingot_uuid null;
        return ingot_uuid_equal(u, &null);
}

/* The mixed-endian form is its own inverse: bytes 0-3, 4-5 and 6-7 reversed. */
static void swap(uint8_t to[16], const uint8_t from[16])
{
        static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
        for (int i = 0; i < 16; i++)
                to[i] = from[order[i]];
}

struct ingot_uuid ingot_uuid_gpt_load(const uint8_t p[16])
{
        struct ingot_uuid u;
        swap(u.bytes, p);
        return u;
}

void ingot_uuid_gpt_store(uint8_t p[16], const struct ingot_uuid *u)
{
        swap(p, u->bytes);
}

struct ingot_uuid ingot_uuid_derive(const struct ingot_uuid *key, const void *message, size_t size)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        struct ingot_uuid u;
        ingot_hmac_sha256(key->bytes, 16, message, size, digest);
        memcpy(u.bytes, digest, 16);
        u.bytes[6] = (u.bytes[6] & 0x0f) | 0x40;
        u.bytes[8] = (u.bytes[8] & 0x3f) | 0x80;
        return u;
}
