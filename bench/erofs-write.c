/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench/erofs and bench/update-layout drive this: `erofs-write FROM IMAGE COMPRESSOR[:LEVEL]
 * [THREADS [EXTENT [LIKE]]]` writes what is in a folder, or in another erofs image, as an erofs
 * image, and prints what it took; LIKE is a release before it. No part of ingot.
 */
#include "base/cleanup.h"
#include "format/erofs.h"
#include "os/file.h"
#include "os/tree-load.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

/* An input that is a file, with the reader that contents keep a pointer to. */
struct input {
        struct ingot_file file;
        struct ingot_reader reader;
};

static void input_close(struct input *i)
{
        ingot_file_close(&i->file);
}

static int input_open(struct input *i, const char *path, ingot_error *reterr)
{
        int r = ingot_file_open(&i->file, path, reterr);
        if (r >= 0)
                i->reader = ingot_file_reader(&i->file);
        return r;
}

static int load(const char *from, struct input *input, struct ingot_erofs_options *o,
                struct ingot_tree **ret, ingot_error *reterr)
{
        struct ingot_tree_load load = {.dirfd = AT_FDCWD, .path = from, .xattrs = true};
        struct ingot_erofs_info info;
        struct stat st;
        if (stat(from, &st) >= 0 && S_ISDIR(st.st_mode))
                return ingot_tree_load(&load, ret, reterr);
        int r = input_open(input, from, reterr);
        if (r >= 0)
                r = ingot_erofs_read_tree(&input->reader, ret, &info, reterr);
        if (r < 0)
                return r;
        o->build_time = info.build_time;
        o->uuid = info.uuid;
        return 0;
}

static int run(char **argv, ingot_error *reterr)
{
        __attribute__((cleanup(input_close))) struct input from = {.file = INGOT_FILE_NONE},
                                                           like = {.file = INGOT_FILE_NONE};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        struct ingot_erofs_options o = {.build_time = 1700000000, .volume_name = "bench"};
        struct ingot_erofs_result result;
        uint64_t threads = 0, extent = 0;
        int r = ingot_erofs_compressor_parse(argv[3], &o.compressor, &o.level, reterr);
        if (r < 0)
                return r;
        if (argv[4] && ingot_parse_u64(argv[4], &threads) && argv[5]) {
                ingot_parse_size(argv[5], &extent);
                if (argv[6]) {
                        r = input_open(&like, argv[6], reterr);
                        o.like = &like.reader;
                }
        }
        o.threads = (unsigned) threads;
        o.extent = (uint32_t) extent;
        if (r >= 0)
                r = load(argv[1], &from, &o, &tree, reterr);
        if (r >= 0)
                r = ingot_outfile_create(&out, argv[2], 0644, reterr);
        if (r < 0)
                return r;
        struct ingot_writer w = ingot_outfile_writer(&out);
        r = ingot_erofs_write(tree, &o, &w, &result, reterr);
        if (r < 0)
                return r;
        printf("size %" PRIu64 " data %" PRIu64 " metadata %" PRIu64 " packed %" PRIu64
               " content %" PRIu64 " inodes %" PRIu64 "\n",
               result.size, result.data_size, result.metadata_size, result.packed_size,
               result.content_size, result.inodes);
        return ingot_outfile_commit(&out, reterr);
}

int main(int argc, char **argv)
{
        ingot_error error = {0};
        if (argc < 4) {
                fprintf(stderr, "usage: erofs-write FROM IMAGE COMPRESSOR[:LEVEL] [THREADS "
                                "[EXTENT [LIKE]]]\n");
                return 2;
        }
        if (run(argv, &error) >= 0)
                return 0;
        fprintf(stderr, "erofs-write: %s%s%s\n", error.text, error.os ? ": " : "",
                error.os ? strerror(error.os) : "");
        return 1;
}
