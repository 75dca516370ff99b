/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format/luks2.h"
#include "base/cleanup.h"
#include "base/sha256.h"

#define BINARY_SIZE 4096
#define SIZE_MIN 0x4000
#define SIZE_MAX_OF_COPY 0x400000
#define CHECKSUM_AT 448
#define CHECKSUM_SIZE 64

static const char first_magic[6] = {'L', 'U', 'K', 'S', '\xba', '\xbe'};
static const char second_magic[6] = {'S', 'K', 'U', 'L', '\xba', '\xbe'};

struct copy {
        uint64_t size, sequence, offset;
        struct ingot_buffer bytes;
};

static void copy_done(struct copy *c)
{
        ingot_buffer_done(&c->bytes);
}
#define _cleanup_copy_ _cleanup_(copy_done)

void ingot_luks2_done(struct ingot_luks2 *l)
{
        ingot_buffer_done(&l->json);
        *l = (struct ingot_luks2){0};
}

/* The numbers of the binary part, which say how much else is to be read. */
static int decode_start(const uint8_t *b, uint64_t at, struct copy *c, ingot_error *reterr)
{
        const char *magic = at == 0 ? first_magic : second_magic;
        if (memcmp(b, magic, sizeof(first_magic)) != 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no LUKS volume");
        unsigned version = ingot_be16_load(b + 6);
        if (version != 2)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "LUKS version %u: only version 2 has tokens", version);
        uint64_t size = ingot_be64_load(b + 8);
        c->sequence = ingot_be64_load(b + 16);
        c->offset = ingot_be64_load(b + 256);
        if (size < SIZE_MIN || size > SIZE_MAX_OF_COPY || (size & (size - 1)))
                return ingot_fail(reterr, INGOT_E_FORMAT, "LUKS header: no header has that size");
        c->size = size;
        if (c->offset != at)
                return ingot_fail(reterr, INGOT_E_FORMAT, "LUKS header: it is of another place");
        return 0;
}

static int check(struct copy *c, ingot_error *reterr)
{
        uint8_t *b = c->bytes.data, stored[CHECKSUM_SIZE], digest[INGOT_SHA256_SIZE];
        if (memcmp(b + 72, "sha256", 7) != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "LUKS header: its checksum is no SHA-256");
        memcpy(stored, b + CHECKSUM_AT, CHECKSUM_SIZE);
        memset(b + CHECKSUM_AT, 0, CHECKSUM_SIZE);
        ingot_sha256_of(b, c->bytes.size, digest);
        return memcmp(stored, digest, sizeof(digest)) == 0
                       ? 0
                       : ingot_fail(reterr, INGOT_E_FORMAT, "LUKS header: the checksum is wrong");
}

static int read_copy(const struct ingot_reader *r, uint64_t at, struct copy *c, ingot_error *reterr)
{
        uint8_t start[BINARY_SIZE];
        if (at > r->size || r->size - at < BINARY_SIZE)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no LUKS volume");
        int e = ingot_read_at(r, at, start, sizeof(start), reterr);
        if (e >= 0)
                e = decode_start(start, at, c, reterr);
        if (e < 0)
                return e;
        if (r->size - at < c->size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "LUKS header: it is cut short");
        e = ingot_buffer_append_zeros(&c->bytes, (size_t) c->size, reterr);
        if (e >= 0)
                e = ingot_read_at(r, at, c->bytes.data, (size_t) c->size, reterr);
        return e < 0 ? e : check(c, reterr);
}

static void text(char *ret, const uint8_t *field, size_t size)
{
        memcpy(ret, field, size);
        ret[size] = 0;
}

static int take(const struct copy *c, struct ingot_luks2 *ret, ingot_error *reterr)
{
        const uint8_t *b = c->bytes.data;
        size_t size = c->bytes.size - BINARY_SIZE;
        while (size > 0 && b[BINARY_SIZE + size - 1] == 0)
                size--;
        int r = ingot_buffer_append(&ret->json, b + BINARY_SIZE, size, reterr);
        if (r < 0)
                return r;
        text(ret->label, b + 24, sizeof(ret->label) - 1);
        text(ret->uuid, b + 168, sizeof(ret->uuid) - 1);
        return 0;
}

/* The second copy stands behind the first, whose size only the first tells. */
static int find_second(const struct ingot_reader *r, const struct copy *first, struct copy *ret,
                       ingot_error *reterr)
{
        int e = -INGOT_E_NOTFOUND;
        for (uint64_t at = SIZE_MIN; at <= SIZE_MAX_OF_COPY; at *= 2) {
                _cleanup_copy_ struct copy c = {0};
                if (first->size && at != first->size)
                        continue;
                e = read_copy(r, at, &c, reterr);
                if (e < 0)
                        continue;
                *ret = c;
                c = (struct copy){0};
                return 0;
        }
        return e;
}

int ingot_luks2_read(const struct ingot_reader *r, struct ingot_luks2 *ret, ingot_error *reterr)
{
        _cleanup_copy_ struct copy first = {0}, second = {0};
        _cleanup_luks2_ struct ingot_luks2 l = {0};
        ingot_error why = {0};
        int e = read_copy(r, 0, &first, &why), other = -1;
        if (e != -INGOT_E_UNSUPPORTED && e != -INGOT_E_SYSTEM && e != -INGOT_E_NOMEM)
                other = find_second(r, &first, &second, NULL);
        if (e < 0 && other < 0) {
                if (reterr)
                        *reterr = why;
                return e;
        }
        e = take(e < 0 || (other >= 0 && second.sequence > first.sequence) ? &second : &first, &l,
                 reterr);
        if (e < 0)
                return e;
        *ret = l;
        l = (struct ingot_luks2){0};
        return 0;
}
