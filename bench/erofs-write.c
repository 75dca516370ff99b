/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench/erofs drives this: `erofs-write FOLDER IMAGE COMPRESSOR[:LEVEL] [THREADS [EXTENT]]` writes a
 * folder as an erofs image and prints what it took. No part of ingot.
 */
#include "base/cleanup.h"
#include "format/erofs.h"
#include "os/file.h"
#include "os/tree-load.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

static int run(char **argv, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        struct ingot_erofs_options o = {.build_time = 1700000000, .volume_name = "bench"};
        struct ingot_erofs_result result;
        struct ingot_tree_load load = {.dirfd = AT_FDCWD, .path = argv[1], .xattrs = true};
        uint64_t threads = 0, extent = 0;
        int r = ingot_erofs_compressor_parse(argv[3], &o.compressor, &o.level, reterr);
        if (r < 0)
                return r;
        if (argv[4] && ingot_parse_u64(argv[4], &threads) && argv[5])
                ingot_parse_size(argv[5], &extent);
        o.threads = (unsigned) threads;
        o.extent = (uint32_t) extent;
        r = ingot_tree_load(&load, &tree, reterr);
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
                fprintf(stderr, "usage: erofs-write FOLDER IMAGE COMPRESSOR[:LEVEL] [THREADS "
                                "[EXTENT]]\n");
                return 2;
        }
        if (run(argv, &error) >= 0)
                return 0;
        fprintf(stderr, "erofs-write: %s%s%s\n", error.text, error.os ? ": " : "",
                error.os ? strerror(error.os) : "");
        return 1;
}
