/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dm-verity: the superblock, the tree's geometry, and what is derived from seed and root hash. */
#include "format/verity.h"
#include "base/size.h"

#include <inttypes.h>
#include <string.h>

static const uint8_t magic[8] = {'v', 'e', 'r', 'i', 't', 'y', 0, 0};
static const char algorithm[32] = "sha256";

static bool all_zeros(struct ingot_span s)
{
        for (size_t i = 0; i < s.size; i++)
                if (s.data[i])
                        return false;
        return true;
}

static bool block_size_ok(uint32_t size)
{
        return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

static int check_fields(const struct ingot_cursor *c, uint32_t version, uint32_t hash_type,
                        struct ingot_span name, bool zeros, const struct ingot_verity *v,
                        ingot_error *reterr)
{
        if (c->failed || version != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT, "verity superblock of version %u",
                                  version);
        if (hash_type != 1)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "verity hash type %u", hash_type);
        if (memcmp(name.data, algorithm, sizeof(algorithm)) != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "verity hash algorithm '%.32s'",
                                  (const char *) name.data);
        if (v->salt_size > INGOT_VERITY_SALT_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "verity salt of %u bytes", v->salt_size);
        if (!zeros)
                return ingot_fail(reterr, INGOT_E_FORMAT, "verity superblock with bytes in padding");
        return 0;
}

int ingot_verity_decode(struct ingot_span bytes, struct ingot_verity *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(bytes);
        struct ingot_verity v = {0};
        struct ingot_verity_geometry geometry;
        struct ingot_span m = ingot_cursor_take(&c, sizeof(magic));
        if (c.failed || memcmp(m.data, magic, sizeof(magic)) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no verity superblock");
        uint32_t version = ingot_cursor_le32(&c), hash_type = ingot_cursor_le32(&c);
        struct ingot_span uuid = ingot_cursor_take(&c, 16), name = ingot_cursor_take(&c, 32);
        v.data_block_size = ingot_cursor_le32(&c);
        v.hash_block_size = ingot_cursor_le32(&c);
        v.data_blocks = ingot_cursor_le64(&c);
        v.salt_size = ingot_cursor_le16(&c);
        struct ingot_span pad = ingot_cursor_take(&c, 6);
        struct ingot_span salt = ingot_cursor_take(&c, INGOT_VERITY_SALT_MAX);
        struct ingot_span rest = ingot_cursor_take(&c, 168);
        if (c.failed)
                return ingot_fail(reterr, INGOT_E_FORMAT, "verity superblock is cut off");
        size_t used = ingot_min_u64(v.salt_size, INGOT_VERITY_SALT_MAX);
        bool zeros = all_zeros(pad) && all_zeros(rest) &&
                     all_zeros(INGOT_SPAN(salt.data + used, INGOT_VERITY_SALT_MAX - used));
        int r = check_fields(&c, version, hash_type, name, zeros, &v, reterr);
        if (r < 0)
                return r;
        memcpy(v.uuid.bytes, uuid.data, 16);
        memcpy(v.salt, salt.data, INGOT_VERITY_SALT_MAX);
        r = ingot_verity_geometry_of(&v, &geometry, reterr);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

void ingot_verity_encode(const struct ingot_verity *verity,
                         uint8_t ret[INGOT_VERITY_SUPERBLOCK_SIZE])
{
        memset(ret, 0, INGOT_VERITY_SUPERBLOCK_SIZE);
        memcpy(ret, magic, sizeof(magic));
        ingot_le32_store(ret + 8, 1);
        ingot_le32_store(ret + 12, 1);
        memcpy(ret + 16, verity->uuid.bytes, 16);
        memcpy(ret + 32, algorithm, sizeof(algorithm));
        ingot_le32_store(ret + 64, verity->data_block_size);
        ingot_le32_store(ret + 68, verity->hash_block_size);
        ingot_le64_store(ret + 72, verity->data_blocks);
        ingot_le16_store(ret + 80, verity->salt_size);
        memcpy(ret + 88, verity->salt, verity->salt_size);
}

int ingot_verity_geometry_of(const struct ingot_verity *verity, struct ingot_verity_geometry *ret,
                             ingot_error *reterr)
{
        struct ingot_verity_geometry g = {0};
        if (!block_size_ok(verity->data_block_size) || !block_size_ok(verity->hash_block_size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "verity blocks of %u and %u bytes",
                                  verity->data_block_size, verity->hash_block_size);
        /* A 63-bit size: what a loff_t holds. The hash area is smaller than the data but for tiny
         * data blocks, so both are checked by the one that is larger. */
        uint64_t largest = ingot_max_u64(verity->data_block_size, verity->hash_block_size);
        if (verity->data_blocks == 0 || verity->data_blocks > INT64_MAX / 2 / largest)
                return ingot_fail(reterr, INGOT_E_FORMAT, "verity over %" PRIu64 " data blocks",
                                  verity->data_blocks);
        uint64_t per_block = verity->hash_block_size / INGOT_VERITY_DIGEST_SIZE;
        uint64_t blocks = verity->data_blocks;
        while (blocks > 1) {
                blocks = ingot_div_up(blocks, per_block);
                g.level[g.levels++].blocks = blocks;
        }
        g.size = verity->hash_block_size;
        for (unsigned l = g.levels; l-- > 0;) {
                g.level[l].offset = g.size;
                g.size += g.level[l].blocks * verity->hash_block_size;
        }
        *ret = g;
        return 0;
}

void ingot_verity_digest(const struct ingot_verity *verity, const void *blocks, size_t block_size,
                         size_t count, uint8_t *ret)
{
        ingot_sha256_of_blocks(verity->salt, verity->salt_size, blocks, block_size, count, ret);
}

void ingot_verity_from_seed(struct ingot_verity *verity, const struct ingot_uuid *seed)
{
        memset(verity->salt, 0, sizeof(verity->salt));
        ingot_hmac_sha256(seed->bytes, 16, "verity-salt", 11, verity->salt);
        verity->salt_size = INGOT_SHA256_SIZE;
        verity->uuid = ingot_uuid_derive(seed, "verity-uuid", 11);
}

static struct ingot_uuid uuid_of_bytes(const uint8_t *p)
{
        struct ingot_uuid u;
        memcpy(u.bytes, p, 16);
        return u;
}

struct ingot_uuid ingot_verity_data_uuid(const uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE])
{
        return uuid_of_bytes(root_hash);
}

struct ingot_uuid ingot_verity_hash_uuid(const uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE])
{
        return uuid_of_bytes(root_hash + INGOT_VERITY_DIGEST_SIZE - 16);
}
