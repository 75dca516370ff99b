/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-256 of many blocks with a common prefix: dm-verity's digests. One message alone waits for its
 * own last round; four interleaved keep the unit busy. See docs/decisions/015.
 */
#include "base/bytes.h"
#include "base/sha256-compress.h"
#include "base/sha256.h"

#include <string.h>

#define LANES 4

/* What is the same for all messages: the state behind the prefix's whole pieces, what is left of the
 * prefix, and how many bytes of a block fill its piece up. */
struct prefix {
        uint32_t state[8];
        uint8_t rest[64];
        size_t rest_size, fill;
        uint64_t total_bits;
};

static void begin(struct prefix *p, const uint8_t *prefix, size_t prefix_size, size_t size)
{
        size_t whole = prefix_size / 64;
        memcpy(p->state, ingot_sha256_start, sizeof(p->state));
        ingot_sha256_compress(p->state, prefix, whole);
        p->rest_size = prefix_size % 64;
        if (p->rest_size > 0)
                memcpy(p->rest, prefix + whole * 64, p->rest_size);
        p->fill = p->rest_size > 0 ? 64 - p->rest_size : 0;
        if (p->fill > size)
                p->fill = size;
        p->total_bits = ((uint64_t) prefix_size + size) * 8;
}

/* The message's end with its padding: one or two pieces; their number. */
static size_t end_of(const struct prefix *p, const uint8_t *rest, size_t size, uint8_t ret[128])
{
        size_t pieces = size + 9 > 64 ? 2 : 1;
        memset(ret, 0, 128);
        if (size > 0)
                memcpy(ret, rest, size);
        ret[size] = 0x80;
        ingot_be64_store(ret + 64 * pieces - 8, p->total_bits);
        return pieces;
}

#if defined(__x86_64__)
#include <immintrin.h>

/* As compress_ni of sha256.c, with every step done for each lane before the next step. */
__attribute__((target("sha,sse4.1,ssse3"))) static void
compress_lanes_ni(uint32_t state[LANES][8], const uint8_t *const data[LANES], size_t blocks)
{
        const __m128i flip = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
        __m128i abef[LANES], cdgh[LANES];
#pragma GCC unroll 4
        for (int l = 0; l < LANES; l++) {
                __m128i low = _mm_loadu_si128((const void *) state[l]);
                __m128i high = _mm_loadu_si128((const void *) (state[l] + 4));
                __m128i cdab = _mm_shuffle_epi32(low, 0xb1), efgh = _mm_shuffle_epi32(high, 0x1b);
                abef[l] = _mm_alignr_epi8(cdab, efgh, 8);
                cdgh[l] = _mm_blend_epi16(efgh, cdab, 0xf0);
        }
        for (size_t at = 0; at < blocks * 64; at += 64) {
                __m128i abef0[LANES], cdgh0[LANES], w[LANES][4];
#pragma GCC unroll 4
                for (int l = 0; l < LANES; l++) {
                        abef0[l] = abef[l];
                        cdgh0[l] = cdgh[l];
                }
#pragma GCC unroll 16
                for (int i = 0; i < 16; i++) {
                        __m128i k = _mm_loadu_si128((const void *) (ingot_sha256_k + 4 * i));
#pragma GCC unroll 4
                        for (int l = 0; l < LANES; l++) {
                                if (i < 4)
                                        w[l][i] = _mm_shuffle_epi8(
                                                _mm_loadu_si128(
                                                        (const void *) (data[l] + at + 16 * i)),
                                                flip);
                                __m128i now = w[l][i & 3], sum = _mm_add_epi32(now, k);
                                cdgh[l] = _mm_sha256rnds2_epu32(cdgh[l], abef[l], sum);
                                abef[l] = _mm_sha256rnds2_epu32(abef[l], cdgh[l],
                                                                _mm_shuffle_epi32(sum, 0x0e));
                                if (i < 3 || i >= 15)
                                        continue;
                                /* W of the next group, from this one and the three before it */
                                __m128i next = _mm_sha256msg1_epu32(w[l][(i + 1) & 3],
                                                                    w[l][(i + 2) & 3]);
                                next = _mm_add_epi32(next, _mm_alignr_epi8(now, w[l][(i + 3) & 3],
                                                                           4));
                                w[l][(i + 1) & 3] = _mm_sha256msg2_epu32(next, now);
                        }
                }
#pragma GCC unroll 4
                for (int l = 0; l < LANES; l++) {
                        abef[l] = _mm_add_epi32(abef[l], abef0[l]);
                        cdgh[l] = _mm_add_epi32(cdgh[l], cdgh0[l]);
                }
        }
#pragma GCC unroll 4
        for (int l = 0; l < LANES; l++) {
                __m128i feba = _mm_shuffle_epi32(abef[l], 0x1b);
                __m128i dchg = _mm_shuffle_epi32(cdgh[l], 0xb1);
                _mm_storeu_si128((void *) state[l], _mm_blend_epi16(feba, dchg, 0xf0));
                _mm_storeu_si128((void *) (state[l] + 4), _mm_alignr_epi8(dchg, feba, 8));
        }
}
#else
static void compress_lanes_ni(uint32_t state[LANES][8], const uint8_t *const data[LANES],
                              size_t blocks)
{
        for (int l = 0; l < LANES; l++)
                ingot_sha256_compress(state[l], data[l], blocks);
}
#endif

/* LANES messages at once. */
static void digest_lanes(const struct prefix *p, const uint8_t *blocks, size_t size, uint8_t *ret)
{
        uint32_t state[LANES][8];
        uint8_t buffer[LANES][128];
        const uint8_t *at[LANES], *ends[LANES];
        size_t middle = (size - p->fill) / 64, pieces = 0;
        for (int l = 0; l < LANES; l++) {
                const uint8_t *block = blocks + (size_t) l * size;
                memcpy(state[l], p->state, sizeof(state[l]));
                memcpy(buffer[l], p->rest, p->rest_size);
                memcpy(buffer[l] + p->rest_size, block, p->fill);
                ends[l] = buffer[l];
                at[l] = block + p->fill;
        }
        if (p->fill > 0)
                compress_lanes_ni(state, ends, 1);
        compress_lanes_ni(state, at, middle);
        for (int l = 0; l < LANES; l++)
                pieces = end_of(p, at[l] + middle * 64, size - p->fill - middle * 64, buffer[l]);
        compress_lanes_ni(state, ends, pieces);
        for (int l = 0; l < LANES; l++)
                for (int i = 0; i < 8; i++)
                        ingot_be32_store(ret + l * INGOT_SHA256_SIZE + 4 * i, state[l][i]);
}

static void digest_one(const void *prefix, size_t prefix_size, const uint8_t *block, size_t size,
                       uint8_t *ret)
{
        struct ingot_sha256 h;
        ingot_sha256_init(&h);
        ingot_sha256_update(&h, prefix, prefix_size);
        ingot_sha256_update(&h, block, size);
        ingot_sha256_final(&h, ret);
}

void ingot_sha256_of_blocks(const void *prefix, size_t prefix_size, const void *blocks, size_t size,
                            size_t count, uint8_t *ret)
{
        const uint8_t *p = blocks;
        /* The lanes want a block that fills the prefix's piece up. */
        if (ingot_sha256_has_ni() && size >= 64 && count >= LANES) {
                struct prefix state;
                begin(&state, prefix, prefix_size, size);
                for (; count >= LANES; count -= LANES) {
                        digest_lanes(&state, p, size, ret);
                        p += LANES * size;
                        ret += LANES * INGOT_SHA256_SIZE;
                }
        }
        for (; count > 0; count--, p += size, ret += INGOT_SHA256_SIZE)
                digest_one(prefix, prefix_size, p, size, ret);
}
