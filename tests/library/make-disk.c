/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * make-disk FILE: a small disk for tests of the library: an empty partition, a root of three files
 * at 1 MiB behind it, and its hash tree. Prints the root hash.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/erofs.h"
#include "format/gpt.h"
#include "format/partition-type.h"
#include "format/tree.h"
#include "format/verity.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1u << 20)
#define ROOT_AT (2 * MIB)
#define HASH_AT (4 * MIB)

static int fill_tree(struct ingot_tree *tree, ingot_error *reterr)
{
        static uint8_t large[100000];
        for (size_t i = 0; i < sizeof(large); i++)
                large[i] = (uint8_t) (i % 251);
        int r = ingot_tree_put_bytes(tree, "etc/hostname", 0644, 7, "host\n", 5, reterr);
        if (r == 0)
                r = ingot_tree_put_bytes(tree, "usr/lib/large", 0600, 7, large, sizeof(large),
                                         reterr);
        if (r == 0)
                r = ingot_tree_put_symlink(tree, "lib", "usr/lib", 7, reterr);
        return r;
}

static int add(struct ingot_gpt *gpt, const char *type, const char *name, uint64_t size,
               ingot_error *reterr)
{
        static const struct ingot_uuid seed = {{1}};
        struct ingot_gpt_partition *p;
        const struct ingot_gpt_request request = {.type = ingot_partition_type_by_name(type)->uuid,
                                                  .seed = &seed,
                                                  .size = size,
                                                  .name = name};
        return ingot_gpt_add(gpt, &request, &p, reterr);
}

static int write_root(const struct ingot_writer *disk, uint64_t *ret_size, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        const struct ingot_erofs_options options = {.compressor = INGOT_EROFS_LZ4};
        const struct ingot_writer w = ingot_writer_part(disk, ROOT_AT);
        struct ingot_erofs_result result;
        int r = ingot_tree_new(&tree, reterr);
        if (r == 0)
                r = fill_tree(tree, reterr);
        if (r == 0)
                r = ingot_erofs_write(tree, &options, &w, &result, reterr);
        *ret_size = r < 0 ? 0 : result.size;
        return r;
}

static int write_table(const struct ingot_writer *disk, ingot_error *reterr)
{
        static const struct ingot_uuid uuid = {{2}};
        struct ingot_gpt gpt;
        ingot_gpt_init(&gpt, 512, &uuid);
        int r = add(&gpt, "linux-generic", "nothing", MIB, reterr);
        if (r == 0)
                r = add(&gpt, "root-x86-64", "root_1", HASH_AT - ROOT_AT, reterr);
        if (r == 0)
                r = add(&gpt, "root-x86-64-verity", "root_1_verity", MIB, reterr);
        if (r == 0)
                r = ingot_gpt_set_size(&gpt, 0, 0, reterr);
        return r < 0 ? r : ingot_gpt_write(&gpt, disk, reterr);
}

static int write_disk(const char *path, ingot_error *reterr)
{
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        _cleanup_free_ uint8_t *area = NULL;
        uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE];
        char hex[2 * INGOT_VERITY_DIGEST_SIZE + 1];
        uint64_t size;
        size_t area_size;
        int r = ingot_outfile_create(&out, path, 0644, reterr);
        if (r < 0)
                return r;
        const struct ingot_writer disk = ingot_outfile_writer(&out);
        struct ingot_file file = {.fd = out.fd, .size = HASH_AT};
        const struct ingot_reader all = ingot_file_reader(&file);
        struct ingot_reader data;
        r = write_root(&disk, &size, reterr);
        if (r == 0)
                r = ingot_reader_part(&all, ROOT_AT, size, &data, reterr);
        struct ingot_verity_builder_options options = {.data_size = size, .threads = 1};
        if (r == 0)
                r = ingot_verity_build(&data, &options, &area, &area_size, root_hash, reterr);
        if (r == 0)
                r = ingot_write_at(&disk, HASH_AT, area, area_size, reterr);
        if (r == 0)
                r = write_table(&disk, reterr);
        if (r < 0)
                return r;
        ingot_hex(hex, root_hash, sizeof(root_hash));
        puts(hex);
        return ingot_outfile_commit(&out, reterr);
}

int main(int argc, char **argv)
{
        ingot_error error = {0};
        if (argc != 2)
                return 2;
        if (write_disk(argv[1], &error) == 0)
                return 0;
        fprintf(stderr, "make-disk: %s\n", error.text);
        return 1;
}
