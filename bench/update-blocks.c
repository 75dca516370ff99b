/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench/update-layout drives this: `update-blocks OLD NEW` says what an update from one image to
 * the other costs: the 4 KiB blocks of NEW that stand nowhere in OLD, in how many ranges they lie,
 * and the blocks of NEW's hash tree that stand nowhere in OLD's. Both trees have one salt. No part
 * of ingot.
 */
#include "base/cleanup.h"
#include "format/verity.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST INGOT_SHA256_SIZE
#define BLOCK INGOT_VERITY_BLOCK_SIZE

struct side {
        struct ingot_file file;
        uint8_t *area; /* the hash tree; its level 0 are the digests of the blocks */
        size_t area_size;
        uint64_t blocks;
        struct ingot_verity_geometry geometry;
};

static void side_done(struct side *s)
{
        ingot_file_close(&s->file);
        free(s->area);
}

static int side_open(const char *path, struct side *s, ingot_error *reterr)
{
        const struct ingot_uuid seed = {{1}};
        struct ingot_verity_builder_options o = {0};
        uint8_t root[DIGEST];
        int r = ingot_file_open(&s->file, path, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&s->file);
        reader.size -= reader.size % BLOCK;
        s->blocks = reader.size / BLOCK;
        ingot_verity_from_seed(&o.verity, &seed);
        o.data_size = reader.size;
        r = ingot_verity_build(&reader, &o, &s->area, &s->area_size, root, reterr);
        o.verity.data_blocks = s->blocks;
        o.verity.data_block_size = o.verity.hash_block_size = BLOCK;
        return r < 0 ? r : ingot_verity_geometry_of(&o.verity, &s->geometry, reterr);
}

static int compare(const void *a, const void *b)
{
        return memcmp(a, b, DIGEST);
}

/* COUNT digests of what lies in blocks from AT on, sorted. */
static uint8_t *digests_of(const uint8_t *at, uint64_t count)
{
        uint8_t *d = malloc((size_t) count * DIGEST + 1);
        for (uint64_t i = 0; d && i < count; i++)
                ingot_sha256_of(at + i * BLOCK, BLOCK, d + i * DIGEST);
        if (d)
                qsort(d, (size_t) count, DIGEST, compare);
        return d;
}

static void count_data(const struct side *old, const struct side *new)
{
        const uint8_t *digests = new->area + new->geometry.level[0].offset,
                      *before = old->area + old->geometry.level[0].offset;
        _cleanup_free_ uint8_t *sorted = malloc((size_t) old->blocks * DIGEST);
        uint64_t missing = 0, ranges = 0, stayed = 0;
        bool in_range = false;
        if (!sorted)
                abort();
        memcpy(sorted, before, (size_t) old->blocks * DIGEST);
        qsort(sorted, (size_t) old->blocks, DIGEST, compare);
        for (uint64_t i = 0; i < new->blocks; i++) {
                const uint8_t *d = digests + i * DIGEST;
                bool known = bsearch(d, sorted, (size_t) old->blocks, DIGEST, compare);
                missing += !known;
                ranges += !known && !in_range;
                in_range = !known;
                stayed += i < old->blocks && memcmp(d, before + i * DIGEST, DIGEST) == 0;
        }
        printf("blocks %" PRIu64 "  new %" PRIu64 " (%.2f MiB) in %" PRIu64
               " ranges  at their place %" PRIu64 "\n",
               new->blocks, missing, (double) missing * BLOCK / 1048576, ranges, stayed);
}

static void count_tree(const struct side *old, const struct side *new)
{
        uint64_t missing = 0, moved = 0, count = new->area_size / BLOCK - 1,
                 before = old->area_size / BLOCK - 1;
        _cleanup_free_ uint8_t *sorted = digests_of(old->area + BLOCK, before);
        if (!sorted)
                abort();
        for (uint64_t i = 0; i < count; i++) {
                uint8_t d[DIGEST];
                ingot_sha256_of(new->area + (i + 1) * BLOCK, BLOCK, d);
                missing += !bsearch(d, sorted, (size_t) before, DIGEST, compare);
        }
        /* By their place within the lowest level. */
        const struct side *const s[] = {old, new};
        const uint8_t *leaf[2];
        uint64_t leaves[2];
        for (size_t i = 0; i < 2; i++) {
                leaf[i] = s[i]->area + s[i]->geometry.level[0].offset;
                leaves[i] = s[i]->geometry.level[0].blocks;
        }
        for (uint64_t i = 0; i < leaves[1]; i++)
                moved += i >= leaves[0] || memcmp(leaf[0] + i * BLOCK, leaf[1] + i * BLOCK, BLOCK);
        printf("hash blocks %" PRIu64 "  new %" PRIu64 " (%.2f MiB)  leaves that differ at their "
               "place %" PRIu64 "\n",
               count, missing, (double) missing * BLOCK / 1048576, moved);
}

static int run(char **argv, ingot_error *reterr)
{
        __attribute__((cleanup(side_done))) struct side old = {.file = INGOT_FILE_NONE},
                                                        new = {.file = INGOT_FILE_NONE};
        int r = side_open(argv[1], &old, reterr);
        if (r >= 0)
                r = side_open(argv[2], &new, reterr);
        if (r < 0)
                return r;
        count_data(&old, &new);
        count_tree(&old, &new);
        return 0;
}

int main(int argc, char **argv)
{
        ingot_error error = {0};
        if (argc != 3) {
                fprintf(stderr, "usage: update-blocks OLD NEW\n");
                return 2;
        }
        if (run(argv, &error) >= 0)
                return 0;
        fprintf(stderr, "update-blocks: %s%s%s\n", error.text, error.os ? ": " : "",
                error.os ? strerror(error.os) : "");
        return 1;
}
