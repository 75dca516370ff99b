/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dm-verity and the root file system. */
#include "init/root.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "format/verity-signature.h"
#include "init/message.h"
#include "os/device-mapper.h"
#include "os/file.h"
#include "os/kernel.h"
#include "os/mount.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#define NAME "root"
#define SIGNATURE_KEY "ingot:root"

int init_verity_table(const struct ingot_verity *verity, const uint8_t *root_hash,
                      const char *data_device, const char *hash_device, uint64_t data_size,
                      uint64_t hash_size, const char *options, struct ingot_buffer *ret_table,
                      char ret_uuid[64], ingot_error *reterr)
{
        struct ingot_verity_geometry geometry;
        uint64_t size;
        int r = ingot_verity_geometry_of(verity, &geometry, reterr);
        if (r < 0)
                return r;
        if (!ingot_mul_u64(verity->data_blocks, verity->data_block_size, &size) ||
            size > data_size || geometry.size > hash_size)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "the verity tree is for %llu blocks of %u bytes: more than the "
                                  "partitions hold",
                                  (unsigned long long) verity->data_blocks,
                                  verity->data_block_size);
        const struct ingot_dm_verity table = {
                .data_device = data_device,
                .hash_device = hash_device,
                .data_block_size = verity->data_block_size,
                .hash_block_size = verity->hash_block_size,
                .data_blocks = verity->data_blocks,
                /* The superblock has a hash block of its own. */
                .hash_start = 1,
                .algorithm = "sha256",
                .root_hash = root_hash,
                .root_hash_size = INGOT_VERITY_DIGEST_SIZE,
                .salt = verity->salt,
                .salt_size = verity->salt_size,
                .options = options,
        };
        char hex[33];
        ingot_hex(hex, verity->uuid.bytes, 16);
        snprintf(ret_uuid, 64, "CRYPT-VERITY-%s-" NAME, hex);
        return ingot_dm_verity_table(&table, ret_table, reterr);
}

static int device_open(const char *node, char **ret_path, struct ingot_file *ret,
                       ingot_error *reterr)
{
        int r = ingot_format(ret_path, reterr, "/dev/%s", node);
        return r < 0 ? r : ingot_file_open(ret, *ret_path, reterr);
}

/* Takes the signature of this root hash from NODE, if it is there, and gives it to the kernel. 1:
 * it is none of this root. */
static int take_signature(const char *node, const uint8_t *root_hash, ingot_error *reterr)
{
        _cleanup_verity_signature_ struct ingot_verity_signature s = {0};
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_free_ char *path = NULL;
        int r = device_open(node, &path, &file, reterr);
        if (r < 0)
                return r;
        size_t size = (size_t) ingot_min_u64(file.size, INGOT_VERITY_SIGNATURE_MAX);
        _cleanup_free_ uint8_t *bytes = malloc(size + 1);
        if (!bytes)
                return ingot_fail_nomem(reterr);
        r = ingot_file_pread(file.fd, 0, bytes, size, reterr);
        if (r >= 0)
                r = ingot_verity_signature_decode(INGOT_SPAN(bytes, size), &s, reterr);
        if (r < 0)
                return r;
        if (memcmp(s.root_hash, root_hash, sizeof(s.root_hash)) != 0)
                return 1;
        return ingot_kernel_key_add(SIGNATURE_KEY, s.pkcs7.data, s.pkcs7.size, reterr);
}

/* Is there a signature for the kernel? What cannot be read is none: whether one is needed, the
 * kernel decides. */
static bool find_signature(const struct init_root_place *place, const uint8_t *root_hash)
{
        for (size_t i = 0; i < place->signature_nodes.count; i++) {
                const char *node = place->signature_nodes.items[i];
                ingot_error error = {0};
                int r = take_signature(node, root_hash, &error);
                if (r == 0)
                        return true;
                if (r < 0)
                        init_tell_error(node, &error);
        }
        return false;
}

static int start_verity(const struct init_root_place *place, const uint8_t *root_hash,
                        const char *options, unsigned *ret_minor, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file data = INGOT_FILE_NONE, hash = INGOT_FILE_NONE;
        _cleanup_free_ char *data_path = NULL, *hash_path = NULL;
        _cleanup_buffer_ struct ingot_buffer table = {0};
        uint8_t superblock[INGOT_VERITY_SUPERBLOCK_SIZE];
        struct ingot_verity verity;
        char uuid[64];
        int r = device_open(place->data_node, &data_path, &data, reterr);
        if (r >= 0)
                r = device_open(place->hash_node, &hash_path, &hash, reterr);
        if (r >= 0)
                r = ingot_file_pread(hash.fd, 0, superblock, sizeof(superblock), reterr);
        if (r >= 0)
                r = ingot_verity_decode(INGOT_SPAN(superblock, sizeof(superblock)), &verity,
                                        reterr);
        if (r < 0)
                return ingot_under(reterr, r, "verity tree on %s", place->hash_node);
        r = init_verity_table(&verity, root_hash, data_path, hash_path, data.size, hash.size,
                              options, &table, uuid, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s and %s", place->data_node, place->hash_node);
        const struct ingot_dm_device device = {
                .name = NAME,
                .uuid = uuid,
                .type = "verity",
                .parameters = (const char *) table.data,
                .size = verity.data_blocks * verity.data_block_size,
                .read_only = true,
        };
        return ingot_dm_create(&device, ret_minor, reterr);
}

/*
 * The root hash is trusted already: it stands in the command line, which is measured, and signed
 * with the UKI. The signature is for kernels that ask for one (dm_verity.require_signatures=1,
 * IPE). A kernel that does not know the signer, or no signatures, may start the root without.
 */
static int set_up_verity(const struct init_root_place *place, const uint8_t *root_hash,
                         unsigned *ret_minor, ingot_error *reterr)
{
        ingot_error error = {0};
        if (find_signature(place, root_hash)) {
                int r = start_verity(place, root_hash, "root_hash_sig_key_desc " SIGNATURE_KEY,
                                     ret_minor, &error);
                if (r >= 0) {
                        init_say("the kernel takes the signature of the root hash");
                        return r;
                }
                init_tell_error("the kernel does not take the signature of the root hash", &error);
        }
        return start_verity(place, root_hash, NULL, ret_minor, reterr);
}

int init_root_mount(const struct init_root_place *place,
                    const uint8_t root_hash[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        unsigned device_minor;
        char node[32];
        int r = set_up_verity(place, root_hash, &device_minor, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "root");
        snprintf(node, sizeof(node), "/dev/dm-%u", device_minor);
        const struct ingot_mount m = {
                .source = node, .target = INIT_SYSROOT, .type = "erofs", .flags = MS_RDONLY};
        r = ingot_mount(&m, reterr);
        if (r < 0) {
                init_tell("root on %s could not be mounted: when the kernel says \"corrupted\" "
                          "above, its bytes are not those of the root hash",
                          place->data_node);
                return ingot_under(reterr, r, "root");
        }
        init_say("root is on %s, protected by the tree on %s", place->data_node, place->hash_node);
        return 0;
}
