/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dm-verity and the root file system. */
#include "os/verity-root.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "format/verity-signature.h"
#include "os/device-mapper.h"
#include "os/file.h"
#include "os/kernel.h"
#include "os/mount.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#define SIGNATURE_KEY "ingot:root"

static int device_open(const char *node, char **ret_path, struct ingot_file *ret,
                       ingot_error *reterr)
{
        int r = ingot_format(ret_path, reterr, "/dev/%s", node);
        return r < 0 ? r : ingot_file_open(ret, *ret_path, reterr);
}

int ingot_verity_root_table(const struct ingot_verity *verity, const struct ingot_verity_root *root,
                            uint64_t data_size, uint64_t hash_size, const char *options,
                            struct ingot_buffer *ret_table, char ret_uuid[64], ingot_error *reterr)
{
        _cleanup_free_ char *data = NULL, *hash = NULL;
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
        r = ingot_format(&data, reterr, "/dev/%s", root->data_node);
        if (r >= 0)
                r = ingot_format(&hash, reterr, "/dev/%s", root->hash_node);
        if (r < 0)
                return r;
        const struct ingot_dm_verity table = {
                .data_device = data,
                .hash_device = hash,
                .data_block_size = verity->data_block_size,
                .hash_block_size = verity->hash_block_size,
                .data_blocks = verity->data_blocks,
                /* The superblock has a hash block of its own. */
                .hash_start = 1,
                .algorithm = "sha256",
                .root_hash = root->root_hash,
                .root_hash_size = INGOT_VERITY_DIGEST_SIZE,
                .salt = verity->salt,
                .salt_size = verity->salt_size,
                .options = options,
        };
        char hex[33];
        ingot_hex(hex, verity->uuid.bytes, 16);
        snprintf(ret_uuid, 64, "CRYPT-VERITY-%s-%s", hex, root->name);
        return ingot_dm_verity_table(&table, ret_table, reterr);
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

static void warn_error(const struct ingot_log *log, const char *what, const ingot_error *error)
{
        ingot_warn(log, "%s: %s%s%s", what, error->text, error->os ? ": " : "",
                   error->os ? strerror(error->os) : "");
}

/* Is there a signature for the kernel? What cannot be read is none: whether one is needed, the
 * kernel decides. */
static bool find_signature(const struct ingot_verity_root *root, const struct ingot_log *log)
{
        for (size_t i = 0; i < root->signature_nodes.count; i++) {
                const char *node = root->signature_nodes.items[i];
                ingot_error error = {0};
                int r = take_signature(node, root->root_hash, &error);
                if (r == 0)
                        return true;
                if (r < 0)
                        warn_error(log, node, &error);
        }
        return false;
}

static int start_verity(const struct ingot_verity_root *root, const char *options,
                        unsigned *ret_minor, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file data = INGOT_FILE_NONE, hash = INGOT_FILE_NONE;
        _cleanup_free_ char *data_path = NULL, *hash_path = NULL;
        _cleanup_buffer_ struct ingot_buffer table = {0};
        uint8_t superblock[INGOT_VERITY_SUPERBLOCK_SIZE];
        struct ingot_verity verity;
        char uuid[64];
        int r = device_open(root->data_node, &data_path, &data, reterr);
        if (r >= 0)
                r = device_open(root->hash_node, &hash_path, &hash, reterr);
        if (r >= 0)
                r = ingot_file_pread(hash.fd, 0, superblock, sizeof(superblock), reterr);
        if (r >= 0)
                r = ingot_verity_decode(INGOT_SPAN(superblock, sizeof(superblock)), &verity,
                                        reterr);
        if (r < 0)
                return ingot_under(reterr, r, "verity tree on %s", root->hash_node);
        r = ingot_verity_root_table(&verity, root, data.size, hash.size, options, &table, uuid,
                                    reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s and %s", root->data_node, root->hash_node);
        const struct ingot_dm_device device = {
                .name = root->name,
                .uuid = uuid,
                .type = "verity",
                .parameters = (const char *) table.data,
                .size = verity.data_blocks * verity.data_block_size,
                .read_only = true,
        };
        return ingot_dm_create(&device, ret_minor, reterr);
}

/*
 * The root hash is trusted already. The signature is for kernels that ask for one
 * (dm_verity.require_signatures=1, IPE). A kernel that does not know the signer, or no signatures,
 * may start the root without. 1: with one.
 */
static int set_up_verity(const struct ingot_verity_root *root, const struct ingot_log *log,
                         unsigned *ret_minor, ingot_error *reterr)
{
        ingot_error error = {0};
        if (find_signature(root, log)) {
                if (start_verity(root, "root_hash_sig_key_desc " SIGNATURE_KEY, ret_minor,
                                 &error) >= 0)
                        return 1;
                warn_error(log, "the kernel does not take the signature of the root hash", &error);
        }
        return start_verity(root, NULL, ret_minor, reterr);
}

int ingot_verity_root_mount(const struct ingot_verity_root *root, const char *target,
                            const struct ingot_log *log, ingot_error *reterr)
{
        unsigned device_minor;
        char node[32];
        int with = set_up_verity(root, log, &device_minor, reterr);
        if (with < 0)
                return with;
        snprintf(node, sizeof(node), "/dev/dm-%u", device_minor);
        const struct ingot_mount m = {
                .source = node, .target = target, .type = "erofs", .flags = MS_RDONLY};
        int r = ingot_mount(&m, reterr);
        if (r >= 0)
                return with;
        ingot_warn(log,
                   "root on %s could not be mounted: when the kernel says \"corrupted\", its bytes "
                   "are not those of the root hash",
                   root->data_node);
        ingot_dm_remove(root->name, NULL);
        return r;
}
