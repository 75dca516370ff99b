/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256: a portable compression function and one by the SHA instructions of x86. */
#include "base/sha256.h"
#include "base/bytes.h"
#include "base/sha256-compress.h"

#include <string.h>

const uint32_t ingot_sha256_start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

const uint32_t ingot_sha256_k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2};

static inline uint32_t ror(uint32_t v, unsigned n)
{
        return v >> n | v << (32 - n);
}

void ingot_sha256_compress_portable(uint32_t state[8], const uint8_t *data, size_t blocks)
{
        for (; blocks > 0; blocks--, data += 64) {
                uint32_t w[64], s[8];
                for (int i = 0; i < 16; i++)
                        w[i] = ingot_be32_load(data + 4 * i);
                for (int i = 16; i < 64; i++) {
                        uint32_t a = w[i - 15], b = w[i - 2];
                        w[i] = w[i - 16] + w[i - 7] + (ror(a, 7) ^ ror(a, 18) ^ a >> 3) +
                               (ror(b, 17) ^ ror(b, 19) ^ b >> 10);
                }
                memcpy(s, state, sizeof(s));
                for (int i = 0; i < 64; i++) {
                        uint32_t t1 = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) +
                                      ((s[4] & s[5]) ^ (~s[4] & s[6])) + ingot_sha256_k[i] + w[i];
                        uint32_t t2 = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) +
                                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
                        memmove(s + 1, s, 7 * sizeof(*s));
                        s[4] += t1;
                        s[0] = t1 + t2;
                }
                for (int i = 0; i < 8; i++)
                        state[i] += s[i];
        }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* Two rounds use words of one register, so a group of four takes two instructions. */
__attribute__((target("sha,sse4.1,ssse3"))) static void compress_ni(uint32_t state[8],
                                                                    const uint8_t *data,
                                                                    size_t blocks)
{
        const __m128i flip = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
        __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const void *) state), 0xb1);
        __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const void *) (state + 4)), 0x1b);
        __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
        __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

        for (; blocks > 0; blocks--, data += 64) {
                __m128i abef0 = abef, cdgh0 = cdgh, w[4];
                for (int i = 0; i < 4; i++)
                        w[i] = _mm_shuffle_epi8(
                                _mm_loadu_si128((const void *) (data + 16 * i)), flip);
#pragma GCC unroll 16
                for (int i = 0; i < 16; i++) {
                        __m128i now = w[i & 3];
                        __m128i sum = _mm_add_epi32(
                                now, _mm_loadu_si128((const void *) (ingot_sha256_k + 4 * i)));
                        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
                        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
                        if (i < 12) {
                                __m128i last = w[(i + 3) & 3];
                                __m128i next = _mm_sha256msg1_epu32(now, w[(i + 1) & 3]);
                                next = _mm_add_epi32(
                                        next, _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
                                w[i & 3] = _mm_sha256msg2_epu32(next, last);
                        }
                }
                abef = _mm_add_epi32(abef, abef0);
                cdgh = _mm_add_epi32(cdgh, cdgh0);
        }
        __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
        _mm_storeu_si128((void *) state, _mm_blend_epi16(feba, dchg, 0xf0));
        _mm_storeu_si128((void *) (state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

bool ingot_sha256_has_ni(void)
{
        static int has_ni = -1;
        int known = __atomic_load_n(&has_ni, __ATOMIC_RELAXED);
        if (known < 0) {
                unsigned a, b = 0, c, d;
                known = __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") &&
                        __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
                __atomic_store_n(&has_ni, known, __ATOMIC_RELAXED);
        }
        return known;
}

void ingot_sha256_compress(uint32_t state[8], const uint8_t *data, size_t blocks)
{
        if (ingot_sha256_has_ni())
                compress_ni(state, data, blocks);
        else
                ingot_sha256_compress_portable(state, data, blocks);
}
#else
bool ingot_sha256_has_ni(void)
{
        return false;
}

void ingot_sha256_compress(uint32_t state[8], const uint8_t *data, size_t blocks)
{
        ingot_sha256_compress_portable(state, data, blocks);
}
#endif

void ingot_sha256_init(struct ingot_sha256 *h)
{
        memcpy(h->state, ingot_sha256_start, sizeof(h->state));
        h->size = 0;
}

void ingot_sha256_update(struct ingot_sha256 *h, const void *data, size_t size)
{
        const uint8_t *p = data;
        size_t have = h->size % 64;
        h->size += size;
        if (have > 0) {
                size_t n = size < 64 - have ? size : 64 - have;
                memcpy(h->block + have, p, n);
                p += n;
                size -= n;
                if (have + n < 64)
                        return;
                ingot_sha256_compress(h->state, h->block, 1);
        }
        if (size >= 64)
                ingot_sha256_compress(h->state, p, size / 64);
        if (size % 64 > 0)
                memcpy(h->block, p + size / 64 * 64, size % 64);
}

void ingot_sha256_final(struct ingot_sha256 *h, uint8_t ret[INGOT_SHA256_SIZE])
{
        uint64_t bits = h->size * 8;
        size_t have = h->size % 64;
        h->block[have++] = 0x80;
        if (have > 56) {
                memset(h->block + have, 0, 64 - have);
                ingot_sha256_compress(h->state, h->block, 1);
                have = 0;
        }
        memset(h->block + have, 0, 56 - have);
        ingot_be64_store(h->block + 56, bits);
        ingot_sha256_compress(h->state, h->block, 1);
        for (int i = 0; i < 8; i++)
                ingot_be32_store(ret + 4 * i, h->state[i]);
}

void ingot_sha256_export(const struct ingot_sha256 *h, uint8_t ret[INGOT_SHA256_SIZE])
{
        for (int i = 0; i < 8; i++)
                ingot_be32_store(ret + 4 * i, h->state[i]);
}

void ingot_sha256_import(struct ingot_sha256 *h, const uint8_t state[INGOT_SHA256_SIZE],
                         uint64_t size)
{
        for (int i = 0; i < 8; i++)
                h->state[i] = ingot_be32_load(state + 4 * i);
        h->size = size;
}

void ingot_sha256_of(const void *data, size_t size, uint8_t ret[INGOT_SHA256_SIZE])
{
        struct ingot_sha256 h;
        ingot_sha256_init(&h);
        ingot_sha256_update(&h, data, size);
        ingot_sha256_final(&h, ret);
}

void ingot_hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                       uint8_t ret[INGOT_SHA256_SIZE])
{
        uint8_t pad[64] = {0}, inner[INGOT_SHA256_SIZE];
        struct ingot_sha256 h;
        if (key_size > 64)
                ingot_sha256_of(key, key_size, pad);
        else if (key_size > 0)
                memcpy(pad, key, key_size);
        for (int i = 0; i < 64; i++)
                pad[i] ^= 0x36;
        ingot_sha256_init(&h);
        ingot_sha256_update(&h, pad, 64);
        ingot_sha256_update(&h, data, size);
        ingot_sha256_final(&h, inner);
        for (int i = 0; i < 64; i++)
                pad[i] ^= 0x36 ^ 0x5c;
        ingot_sha256_init(&h);
        ingot_sha256_update(&h, pad, 64);
        ingot_sha256_update(&h, inner, sizeof(inner));
        ingot_sha256_final(&h, ret);
}
