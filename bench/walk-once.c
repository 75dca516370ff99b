/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench/walk drives this. `walk-once SOURCE NEW-DATA NEW-TREE OLD-DATA OLD-TREE TARGET` makes
 * TARGET/data and TARGET/tree out of the old image and what SOURCE has; the new tree says only what
 * is wanted. `walk-once SOURCE NEW OLD PIECE TARGET` does the same for one file by pieces of PIECE
 * bytes. "-" is an old tree that is not there. The target is on the disk at the end. No part of
 * ingot.
 */
#include "base/cleanup.h"
#include "os/file.h"
#include "update/walk.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct ingot_http_figures wire;

static const char *base_of(const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

static double seconds(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static int open_target(const char *folder, const char *name, uint64_t size, struct ingot_file *ret,
                       ingot_error *reterr)
{
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        ret->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        ret->size = size;
        if (ret->fd < 0 || ftruncate(ret->fd, (off_t) size) < 0)
                return ingot_fail_errno(reterr, "make %s", path);
        return 0;
}

static void print(const struct ingot_walk_figures *f, double planned, double took)
{
        printf("data %" PRIu64 " tree %" PRIu64 "\n", f->data_size, f->tree_size);
        printf("tree: kept %" PRIu64 " copied %" PRIu64 " fetched %" PRIu64 "\n", f->tree_kept,
               f->tree_copied, f->tree_fetched);
        printf("data: zeros %" PRIu64 " kept %" PRIu64 " copied %" PRIu64 " fetched %" PRIu64
               " in %" PRIu64 " ranges\n",
               f->zeros, f->kept, f->copied, f->fetched, f->ranges);
        printf("wire: %" PRIu64 " requests, %" PRIu64 " bytes sent, %" PRIu64 " received\n",
               wire.requests, wire.sent, wire.received);
        printf("seconds: plan %.3f run %.3f\n", planned, took);
}

/* The root hash: the digest of the highest hash block. */
static int read_wanted(char **argv, struct ingot_walk_image *image, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file tree = INGOT_FILE_NONE;
        uint8_t block[65536];
        int r = ingot_file_open(&tree, argv[3], reterr);
        if (r >= 0)
                r = ingot_file_pread(tree.fd, 0, block, 512, reterr);
        if (r >= 0)
                r = ingot_verity_decode(INGOT_SPAN(block, 512), &image->verity, reterr);
        if (r >= 0)
                r = ingot_file_pread(tree.fd, image->verity.hash_block_size, block,
                                     image->verity.hash_block_size, reterr);
        if (r < 0)
                return r;
        ingot_verity_digest(&image->verity, block, image->verity.hash_block_size, 1,
                            image->root_hash);
        image->data_file = base_of(argv[2]);
        image->tree_file = base_of(argv[3]);
        return 0;
}

static int walk_tree(char **argv, struct ingot_walk_options *o, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file data = INGOT_FILE_NONE, tree = INGOT_FILE_NONE,
                                         to_data = INGOT_FILE_NONE, to_tree = INGOT_FILE_NONE;
        _cleanup_(ingot_walk_free_p) struct ingot_walk *w = NULL;
        struct ingot_walk_image image = {0};
        struct ingot_verity_geometry g;
        struct ingot_walk_old old = {0};
        int r = read_wanted(argv, &image, reterr);
        if (r >= 0)
                r = ingot_verity_geometry_of(&image.verity, &g, reterr);
        if (r >= 0)
                r = ingot_file_open(&data, argv[4], reterr);
        if (r >= 0 && strcmp(argv[5], "-") != 0)
                r = ingot_file_open(&tree, argv[5], reterr);
        if (r >= 0)
                r = open_target(argv[6], "data",
                                image.verity.data_blocks * image.verity.data_block_size, &to_data,
                                reterr);
        if (r >= 0)
                r = open_target(argv[6], "tree", g.size, &to_tree, reterr);
        if (r < 0)
                return r;
        old.data = ingot_file_reader(&data);
        if (tree.fd >= 0)
                old.tree = ingot_file_reader(&tree);
        o->old = &old;
        o->old_count = 1;
        struct ingot_walk_target target = {.data = ingot_file_writer(&to_data),
                                           .tree = ingot_file_writer(&to_tree),
                                           .data_back = ingot_file_reader(&to_data),
                                           .tree_back = ingot_file_reader(&to_tree)};
        double begin = seconds();
        r = ingot_walk_plan(&image, &target, o, &w, reterr);
        double planned = seconds();
        if (r >= 0)
                r = ingot_walk_run(w, reterr);
        if (r >= 0 && (fsync(to_data.fd) < 0 || fsync(to_tree.fd) < 0))
                r = ingot_fail_errno(reterr, "flush");
        if (r >= 0)
                print(ingot_walk_figures(w), planned - begin, seconds() - planned);
        return r;
}

/* The digests of all pieces of PATH; the caller frees. */
static int digest_pieces(const char *path, struct ingot_walk_pieces *p, uint8_t **ret,
                         ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, (size_t) 1 << 30, &data, &size, reterr);
        if (r < 0)
                return r;
        uint8_t *digests = calloc(size / p->piece_size + 1, INGOT_SHA256_SIZE);
        for (size_t at = 0, n; at < size && digests; at += n) {
                n = size - at < p->piece_size ? size - at : p->piece_size;
                ingot_sha256_of(data + at, n, digests + at / p->piece_size * INGOT_SHA256_SIZE);
        }
        p->file = base_of(path);
        p->size = size;
        p->digests = *ret = digests;
        return digests ? 0 : ingot_fail_nomem(reterr);
}

static int walk_file(char **argv, struct ingot_walk_options *o, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file old = INGOT_FILE_NONE, to = INGOT_FILE_NONE;
        _cleanup_free_ uint8_t *digests = NULL;
        struct ingot_walk_pieces p = {.piece_size = (uint32_t) atoi(argv[4])};
        struct ingot_walk_figures f;
        int r = digest_pieces(argv[2], &p, &digests, reterr);
        if (r >= 0)
                r = ingot_file_open(&old, argv[3], reterr);
        if (r >= 0)
                r = open_target(argv[5], "file", p.size, &to, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&old), back = ingot_file_reader(&to);
        struct ingot_writer writer = ingot_file_writer(&to);
        double begin = seconds();
        r = ingot_walk_file(&p, &reader, 1, &writer, &back, o, &f, reterr);
        if (r >= 0 && fsync(to.fd) < 0)
                r = ingot_fail_errno(reterr, "flush");
        if (r >= 0)
                print(&f, 0, seconds() - begin);
        return r;
}

int main(int argc, char **argv)
{
        _cleanup_source_ struct ingot_source source = {0};
        struct ingot_source_options so = {.http.figures = &wire};
        struct ingot_walk_options o = {.sources = &source, .source_count = 1};
        ingot_error error = {0};
        if (argc != 6 && argc != 7)
                return 2;
        int r = ingot_source_open(argv[1], &so, &source, &error);
        if (r >= 0)
                r = argc == 7 ? walk_tree(argv, &o, &error) : walk_file(argv, &o, &error);
        if (r < 0)
                fprintf(stderr, "walk-once: %s\n", error.text);
        return r < 0;
}
