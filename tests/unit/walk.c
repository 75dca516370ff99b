/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walk: what it fetches is what stands nowhere, and what it writes is right, whatever happens.
 */
#include "update/walk.h"
#include "base/cleanup.h"
#include "test.h"
#include "update/walk-index.h"
#include "walk-image.h"

#include <stdlib.h>

static ingot_error error;

/* A source in memory. It hands out pieces of all ranges in turns, of random size. */
struct memory {
        const struct walk_image *image;
        uint64_t bytes, random;
        size_t calls;
        bool missing;             /* has no file */
        uint64_t damaged, period; /* data blocks from DAMAGED on, each PERIOD-th, are wrong */
        const struct ingot_walk_pieces *pieces;
        const uint8_t *file; /* what `pieces` is of */
};

static const uint8_t *content_of(const struct memory *m, const char *file)
{
        if (m->file)
                return m->file;
        return strcmp(file, "tree") == 0 ? m->image->tree : m->image->data;
}

static int send_some(struct memory *m, const char *file, size_t index, struct ingot_range *left,
                     ingot_got_fn got, void *context, ingot_error *reterr)
{
        uint8_t piece[10000];
        size_t n = (size_t) (test_random(&m->random) % sizeof(piece)) + 1;
        if (n > left->size)
                n = (size_t) left->size;
        memcpy(piece, content_of(m, file) + left->offset, n);
        for (size_t i = 0; m->period && strcmp(file, "data") == 0 && i < n; i++) {
                uint64_t block = (left->offset + i) / m->image->verity.data_block_size;
                if (block >= m->damaged && (block - m->damaged) % m->period == 0)
                        piece[i] ^= 1;
        }
        m->bytes += n;
        int r = got(context, index, left->offset, piece, n, reterr);
        left->offset += n;
        left->size = r > 0 ? 0 : left->size - n;
        return r < 0 ? r : 0;
}

static int fetch(void *context, const char *file, uint64_t file_size,
                 const struct ingot_range *ranges, size_t count, ingot_got_fn got,
                 void *got_context, ingot_error *reterr)
{
        struct memory *m = context;
        _cleanup_free_ struct ingot_range *left = malloc((count + 1) * sizeof(*left));
        memcpy(left, ranges, count * sizeof(*left));
        m->calls++;
        if (m->missing)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "there is none");
        for (size_t i = 0; i < count; i++)
                if (ranges[i].size == 0 || ranges[i].offset + ranges[i].size > file_size ||
                    (i > 0 && ranges[i - 1].offset + ranges[i - 1].size > ranges[i].offset))
                        return ingot_fail(reterr, INGOT_E_USAGE, "bad ranges");
        for (size_t done = 0; done < count;) {
                done = 0;
                for (size_t i = 0; i < count; i++) {
                        if (left[i].size == 0) {
                                done++;
                                continue;
                        }
                        if (test_random(&m->random) % 2)
                                continue;
                        int r = send_some(m, file, i, &left[i], got, got_context, reterr);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static struct ingot_source source_of(struct memory *m, const char *name)
{
        return (struct ingot_source){.name = name, .fetch = fetch, .context = m};
}

/* Plans and runs. */
static int walk(const struct walk_image *image, struct walk_target *t, bool begun,
                const struct ingot_walk_options *options, struct ingot_walk_figures *ret)
{
        struct ingot_walk_image wanted = walk_image_wanted(image);
        struct ingot_walk_target target = walk_target_of(t, begun);
        _cleanup_(ingot_walk_free_p) struct ingot_walk *w = NULL;
        int r = ingot_walk_plan(&wanted, &target, options, &w, &error);
        if (r >= 0)
                r = ingot_walk_run(w, &error);
        if (r >= 0 && ret)
                *ret = *ingot_walk_figures(w);
        return r;
}

/* Which blocks of NEW stand nowhere in OLD: asked of the contents, with no tree. */
static uint64_t missing_blocks(const uint32_t *new, size_t count, const uint32_t *old[],
                               const size_t *old_counts, size_t olds)
{
        uint64_t missing = 0;
        for (size_t i = 0; i < count; i++) {
                bool found = new[i] == 0;
                for (size_t o = 0; o < olds && !found; o++)
                        for (size_t j = 0; j < old_counts[o] && !found; j++)
                                found = old[o][j] == new[i];
                missing += !found;
        }
        return missing;
}

/* A new image out of parts of the old one, zeros, and new blocks. */
static size_t make_content(uint64_t *random, const uint32_t *old, size_t old_count, uint32_t *ret,
                           size_t room)
{
        size_t count = 2 + test_random(random) % (room - 2), n = 0;
        while (n < count) {
                size_t run = 1 + test_random(random) % 40, from = 0;
                unsigned kind = (unsigned) (test_random(random) % 8);
                if (old_count > 0)
                        from = test_random(random) % old_count;
                for (size_t i = 0; i < run && n < count; i++, n++) {
                        if (kind == 0)
                                ret[n] = 0;
                        else if (kind < 6 && from + i < old_count)
                                ret[n] = old[from + i];
                        else
                                ret[n] = (uint32_t) (test_random(random) | 1);
                }
        }
        return count;
}

enum { ROOM = 700 };
static const uint32_t sizes[][2] = {
        {4096, 4096}, {512, 512}, {1024, 4096}, {4096, 512}, {65536, 1024}};

TEST(a_walk_fetches_just_the_blocks_that_stand_nowhere)
{
        uint64_t random = test_seed();
        for (unsigned round = 0; round < 40; round++) {
                const uint32_t *size = sizes[round % ARRAY_SIZE(sizes)];
                size_t room = size[0] > 4096 ? 80 : ROOM;
                uint32_t a[ROOM], b[ROOM], n[ROOM];
                size_t counts[] = {make_content(&random, NULL, 0, a, room), 0};
                counts[1] = make_content(&random, a, counts[0], b, room);
                size_t count = make_content(&random, b, counts[1], n, room);
                bool foreign = round % 3 == 1, no_tree = round % 3 == 2;
                _cleanup_walk_image_ struct walk_image old = {0}, older = {0}, new = {0};
                walk_image_make(&older, a, counts[0], size[0], size[1], 1);
                walk_image_make(&old, b, counts[1], size[0], size[1], foreign ? 2 : 1);
                walk_image_make(&new, n, count, size[0], size[1], 1);
                struct ingot_walk_old olds[] = {walk_image_old(&older), walk_image_old(&old)};
                if (no_tree)
                        olds[1].tree.size = 0;
                const uint32_t *contents[] = {a, b};
                uint64_t want = missing_blocks(n, count, contents, counts, 2) * size[0];
                struct memory m = {.image = &new, .random = random};
                struct ingot_source source = source_of(&m, "memory");
                struct ingot_walk_options options = {.old = olds,
                                                     .old_count = 2,
                                                     .sources = &source,
                                                     .source_count = 1,
                                                     .threads = 1 + round % 3};
                struct ingot_walk_figures f;
                _cleanup_walk_target_ struct walk_target t;
                walk_target_make(&t, &new);
                CHECK_OK(walk(&new, &t, false, &options, &f));
                CHECK(walk_target_complete(&t));
                CHECK_EQ(f.fetched, want);
                CHECK_EQ(f.zeros + f.kept + f.copied + f.fetched, f.data_size);
                CHECK_EQ(m.bytes, f.fetched + f.tree_fetched);
                CHECK_EQ(f.tree_kept + f.tree_copied + f.tree_fetched + size[1], f.tree_size);
                CHECK_EQ(t.data_written, f.data_size);
        }
}

/* 600 blocks of which every fifth is new, and their old ones. */
struct pair {
        struct walk_image old, new;
        struct ingot_walk_old olds[1];
        struct memory memory;
        struct ingot_source source;
        struct ingot_walk_options options;
};

static void pair_make(struct pair *p)
{
        uint32_t a[600], n[600];
        for (uint32_t i = 0; i < 600; i++) {
                a[i] = i + 1;
                n[i] = i % 5 ? (i * 7) % 600 + 1 : i + 10000;
        }
        *p = (struct pair){.memory = {.image = &p->new, .random = 7}};
        walk_image_make(&p->old, a, 600, 4096, 4096, 1);
        walk_image_make(&p->new, n, 600, 4096, 4096, 1);
        p->olds[0] = walk_image_old(&p->old);
        p->source = source_of(&p->memory, "memory");
        p->options = (struct ingot_walk_options){.old = p->olds,
                                                 .old_count = 1,
                                                 .sources = &p->source,
                                                 .source_count = 1,
                                                 .threads = 1};
}

static void pair_done(struct pair *p)
{
        walk_image_done(&p->old);
        walk_image_done(&p->new);
}
#define _cleanup_pair_ __attribute__((cleanup(pair_done)))

TEST(a_walk_that_broke_off_at_any_write_goes_on_and_fetches_no_block_again)
{
        _cleanup_pair_ struct pair p;
        pair_make(&p);
        uint64_t writes = UINT64_MAX;
        for (uint64_t at = 1; at <= writes; at += at < 20 ? 1 : 13) {
                _cleanup_walk_target_ struct walk_target t;
                struct ingot_walk_figures f;
                walk_target_make(&t, &p.new);
                t.fail_at = at;
                p.memory.bytes = 0;
                int r = walk(&p.new, &t, false, &p.options, &f);
                if (r >= 0) {
                        CHECK(at > t.writes);
                        break;
                }
                CHECK_EQ(r, -INGOT_E_SYSTEM);
                CHECK_STR(error.text + strlen(error.text) - strlen("the disk is gone"),
                          "the disk is gone");
                uint64_t right = 0;
                for (size_t i = 0; i < 600 * 4096; i += 4096)
                        right += memcmp(t.data + i, p.new.data + i, 4096) == 0 ? 4096 : 0;
                t.fail_at = p.memory.bytes = 0;
                CHECK_OK(walk(&p.new, &t, true, &p.options, &f));
                CHECK(walk_target_complete(&t));
                CHECK_EQ(f.kept, right);
                CHECK_EQ(p.memory.bytes, f.fetched + f.tree_fetched);
                writes = 200;
        }
        CHECK(writes == 200);
}

TEST(what_stands_in_the_target_is_kept_and_not_written_again)
{
        _cleanup_pair_ struct pair p;
        _cleanup_walk_target_ struct walk_target t;
        struct ingot_walk_figures f;
        pair_make(&p);
        walk_target_make(&t, &p.new);
        CHECK_OK(walk(&p.new, &t, false, &p.options, NULL));
        t.data[300 * 4096] ^= 1;
        t.tree[4096 * 3] ^= 1;
        t.data_written = p.memory.bytes = 0;
        CHECK_OK(walk(&p.new, &t, true, &p.options, &f));
        CHECK(walk_target_complete(&t));
        CHECK_EQ(t.data_written, 4096);
        CHECK_EQ(f.kept, 599 * 4096);
        CHECK_EQ(p.memory.bytes, 2 * 4096);
        CHECK_EQ(f.tree_kept, f.tree_size - 2 * 4096);
}

TEST(a_damaged_old_block_is_fetched)
{
        for (unsigned threads = 1; threads <= 2; threads++) {
                _cleanup_pair_ struct pair p;
                _cleanup_walk_target_ struct walk_target t;
                struct ingot_walk_figures f;
                pair_make(&p);
                p.options.threads = threads;
                p.old.data[7 * 4096 + 5] ^= 1; /* block 1 of the new one */
                p.old.data[200 * 4096] ^= 1;   /* no multiple of 7 before 600: block 400 / 7 … */
                walk_target_make(&t, &p.new);
                CHECK_OK(walk(&p.new, &t, false, &p.options, &f));
                CHECK(walk_target_complete(&t));
                CHECK(f.fetched == 121 * 4096 || f.fetched == 122 * 4096);
                CHECK_EQ(f.zeros + f.copied + f.fetched, f.data_size);
        }
}

/* Block 21 of the old data, and the last block of its tree, cannot be read. */
static int read_with_holes(void *context, uint64_t offset, void *ret, size_t size,
                           ingot_error *reterr)
{
        const struct ingot_reader *r = context;
        uint64_t bad = r->size > 1000000 ? 21 * 4096 : r->size - 4096;
        if (offset < bad + 4096 && offset + size > bad)
                return ingot_fail(reterr, INGOT_E_SYSTEM, "bad sector");
        return ingot_read_at(r, offset, ret, size, reterr);
}

TEST(old_blocks_that_cannot_be_read_are_fetched)
{
        for (int with_tree = 0; with_tree < 2; with_tree++) {
                _cleanup_pair_ struct pair p;
                _cleanup_walk_target_ struct walk_target t;
                struct ingot_walk_figures f;
                pair_make(&p);
                struct ingot_walk_old inner = p.olds[0];
                p.olds[0].data.read_at = p.olds[0].tree.read_at = read_with_holes;
                p.olds[0].data.context = &inner.data;
                p.olds[0].tree.context = &inner.tree;
                if (!with_tree)
                        p.olds[0].tree.size = 0;
                walk_target_make(&t, &p.new);
                CHECK_OK(walk(&p.new, &t, false, &p.options, &f));
                CHECK(walk_target_complete(&t));
                /* Without the last hash block, its digests are not known, nor 2047 more that are
                 * read with them. */
                CHECK_EQ(f.fetched, with_tree ? 600 * 4096 : 121 * 4096);
        }
}

TEST(a_tree_that_lies_about_the_old_data_costs_bytes_and_nothing_else)
{
        _cleanup_pair_ struct pair p;
        _cleanup_walk_target_ struct walk_target t;
        struct ingot_walk_figures f;
        pair_make(&p);
        /* The old tree is that of the new image, the old data are not. */
        p.olds[0].tree = ingot_reader_of_span(&p.new.tree_span);
        walk_target_make(&t, &p.new);
        CHECK_OK(walk(&p.new, &t, false, &p.options, &f));
        CHECK(walk_target_complete(&t));
        CHECK_EQ(f.tree_fetched, 0);
        CHECK(f.fetched >= 120 * 4096);
}

TEST(what_one_source_has_not_or_has_wrong_is_asked_of_the_next)
{
        _cleanup_pair_ struct pair p;
        pair_make(&p);
        for (int kind = 0; kind < 3; kind++) {
                struct memory bad = {.image = &p.new, .random = 3};
                bad.missing = kind == 0;
                bad.period = kind == 1 ? 50 : kind == 2 ? 5 : 0; /* few blocks, and all */
                struct ingot_source sources[] = {source_of(&bad, "bad"), p.source};
                struct ingot_walk_options o = p.options;
                _cleanup_walk_target_ struct walk_target t;
                o.sources = sources;
                o.source_count = 2;
                p.memory.bytes = 0;
                walk_target_make(&t, &p.new);
                CHECK_OK(walk(&p.new, &t, false, &o, NULL));
                CHECK(walk_target_complete(&t));
                CHECK_EQ(p.memory.bytes > 0, true);
                CHECK(kind != 1 || p.memory.bytes == 12 * 4096);
        }
}

TEST(when_no_source_has_it_right_the_last_error_names_file_place_and_source)
{
        _cleanup_pair_ struct pair p;
        pair_make(&p);
        struct memory wrong = {.image = &p.new, .damaged = 100, .period = 100},
                      none = {.image = &p.new, .missing = true};
        struct ingot_source both[] = {source_of(&none, "none"), source_of(&wrong, "wrong")};
        struct ingot_walk_options o = p.options;
        _cleanup_walk_target_ struct walk_target t;
        walk_target_make(&t, &p.new);
        o.sources = both;
        o.source_count = 2;
        CHECK_FAILS(walk(&p.new, &t, false, &o, NULL), INGOT_E_REFUSED,
                    "wrong: data: the block at byte 409600 is not what the release says");
        CHECK(!t.wrong);
        o.source_count = 1;
        CHECK_FAILS(walk(&p.new, &t, false, &o, NULL), INGOT_E_NOTFOUND, "none: tree: there is");
        o.source_count = 0;
        CHECK_FAILS(walk(&p.new, &t, false, &o, NULL), INGOT_E_NOTFOUND, "no source");
}

TEST(a_root_hash_that_is_not_the_trees_lets_nothing_in)
{
        _cleanup_pair_ struct pair p;
        _cleanup_walk_target_ struct walk_target t;
        pair_make(&p);
        walk_target_make(&t, &p.new);
        p.new.root_hash[0] ^= 1;
        CHECK_FAILS(walk(&p.new, &t, false, &p.options, NULL), INGOT_E_REFUSED, "tree");
        CHECK_EQ(t.data_written, 0);
        CHECK_EQ(t.writes, 1); /* the superblock */
}

TEST(one_block_has_no_tree)
{
        uint32_t a[] = {1, 2, 3}, n[] = {5};
        _cleanup_walk_image_ struct walk_image old = {0}, new = {0};
        walk_image_make(&old, a, 3, 4096, 4096, 1);
        walk_image_make(&new, n, 1, 4096, 4096, 1);
        struct ingot_walk_old olds[] = {walk_image_old(&old), walk_image_old(&new)};
        struct memory m = {.image = &new};
        struct ingot_source source = source_of(&m, "memory");
        struct ingot_walk_options o = {
                .old = olds, .old_count = 2, .sources = &source, .source_count = 1, .threads = 2};
        _cleanup_walk_target_ struct walk_target t;
        walk_target_make(&t, &new);
        CHECK_OK(walk(&new, &t, false, &o, NULL));
        CHECK(walk_target_complete(&t));
        CHECK_EQ(m.bytes, 4096);
}

TEST(impossible_parameters_are_refused)
{
        _cleanup_pair_ struct pair p;
        _cleanup_walk_target_ struct walk_target t;
        pair_make(&p);
        walk_target_make(&t, &p.new);
        struct ingot_verity v = p.new.verity;
        p.new.verity.data_blocks = 0;
        CHECK_FAILS(walk(&p.new, &t, false, &p.options, NULL), INGOT_E_FORMAT, "0 data blocks");
        p.new.verity.data_blocks = UINT32_MAX;
        CHECK_FAILS(walk(&p.new, &t, false, &p.options, NULL), INGOT_E_LIMIT, "blocks");
        p.new.verity = v;
        p.new.verity.salt_size = 300;
        CHECK_FAILS(walk(&p.new, &t, false, &p.options, NULL), INGOT_E_FORMAT, "salt");
        p.new.verity = v;
}

/* A disk that forgets what it was told. */
static int write_nothing(void *context, uint64_t offset, const void *data, size_t size,
                         ingot_error *reterr)
{
        (void) context, (void) offset, (void) data, (void) size, (void) reterr;
        return 0;
}

TEST(a_disk_that_reads_back_something_else_is_noticed)
{
        _cleanup_pair_ struct pair p;
        _cleanup_walk_target_ struct walk_target t;
        _cleanup_(ingot_walk_free_p) struct ingot_walk *w = NULL;
        pair_make(&p);
        walk_target_make(&t, &p.new);
        struct ingot_walk_image wanted = walk_image_wanted(&p.new);
        struct ingot_walk_target target = walk_target_of(&t, false);
        target.tree.write_at = write_nothing;
        CHECK_FAILS(ingot_walk_plan(&wanted, &target, &p.options, &w, &error), INGOT_E_SYSTEM,
                    "reads back otherwise");
}

TEST(every_digest_is_found_in_the_index_and_no_other)
{
        enum { COUNT = 5000 };
        struct ingot_walk_index ix;
        uint64_t state = test_seed();
        uint8_t digest[INGOT_SHA256_SIZE] = {0};
        CHECK_OK(ingot_walk_index_init(&ix, COUNT, &error));
        for (uint32_t i = 0; i < COUNT; i++) {
                ingot_le32_store(digest, (uint32_t) test_random(&state) % 4000);
                ingot_walk_index_add(&ix, digest, i);
        }
        ingot_walk_index_add(&ix, digest, COUNT);
        CHECK_EQ(ix.count, COUNT);
        ingot_walk_index_sort(&ix);
        size_t found = 0;
        for (uint32_t value = 0; value < 4100; value++) {
                size_t at = SIZE_MAX;
                uint32_t number;
                ingot_le32_store(digest, value);
                for (; ingot_walk_index_next(&ix, digest, &at, &number); found++)
                        CHECK(number < COUNT && value < 4000);
        }
        CHECK_EQ(found, COUNT);
        ingot_walk_index_done(&ix);
}

/* A file of three and a half pieces of 1000 bytes, and its digests. */
struct file {
        uint8_t data[3500], digests[4 * INGOT_SHA256_SIZE];
        struct ingot_walk_pieces pieces;
};

static void file_make(struct file *f, const char *letters)
{
        for (size_t i = 0; i < sizeof(f->data); i++)
                f->data[i] = (uint8_t) letters[i / 1000];
        for (size_t i = 0; i < 4; i++)
                ingot_sha256_of(f->data + i * 1000, i < 3 ? 1000 : 500,
                                f->digests + i * INGOT_SHA256_SIZE);
        f->pieces = (struct ingot_walk_pieces){
                .file = "uki", .size = sizeof(f->data), .piece_size = 1000, .digests = f->digests};
}

static int write_memory(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *reterr)
{
        (void) reterr;
        memcpy((uint8_t *) context + offset, data, size);
        return 0;
}

TEST(a_file_is_made_of_pieces_that_old_files_have)
{
        struct file old, new;
        file_make(&old, "xabd");
        file_make(&new, "abcd");
        struct memory m = {.pieces = &new.pieces, .file = new.data};
        struct ingot_source source = source_of(&m, "memory");
        struct ingot_walk_options o = {.sources = &source, .source_count = 1};
        struct ingot_span span = INGOT_SPAN(old.data, sizeof(old.data));
        struct ingot_reader reader = ingot_reader_of_span(&span);
        uint8_t result[3500] = {0};
        struct ingot_writer target = {.write_at = write_memory, .context = result};
        struct ingot_span written = INGOT_SPAN(result, sizeof(result));
        struct ingot_reader back = ingot_reader_of_span(&written);
        struct ingot_walk_figures f;
        CHECK_OK(ingot_walk_file(&new.pieces, &reader, 1, NULL, NULL, &o, &f, &error));
        CHECK_EQ(f.copied, 2500);
        CHECK_EQ(f.fetched, 1000);
        CHECK_EQ(m.bytes, 0);
        CHECK_OK(ingot_walk_file(&new.pieces, &reader, 1, &target, &back, &o, &f, &error));
        CHECK(memcmp(result, new.data, sizeof(result)) == 0);
        CHECK_EQ(m.bytes, 1000);
        CHECK_EQ(f.ranges, 1);
        result[3400] = 'z';
        CHECK_OK(ingot_walk_file(&new.pieces, NULL, 0, &target, &back, &o, &f, &error));
        CHECK(memcmp(result, new.data, sizeof(result)) == 0);
        CHECK_EQ(f.kept, 3000);
        CHECK_EQ(m.bytes, 1500);
}

TEST(a_file_whose_pieces_are_wrong_is_refused)
{
        struct file new;
        file_make(&new, "abcd");
        uint8_t other[3500], result[3500] = {0};
        memcpy(other, new.data, sizeof(other));
        other[1500] = 'z';
        struct memory m = {.pieces = &new.pieces, .file = other};
        struct ingot_source source = source_of(&m, "memory");
        struct ingot_walk_options o = {.sources = &source, .source_count = 1};
        struct ingot_writer target = {.write_at = write_memory, .context = result};
        struct ingot_walk_figures f;
        CHECK_FAILS(ingot_walk_file(&new.pieces, NULL, 0, &target, NULL, &o, &f, &error),
                    INGOT_E_REFUSED, "memory: uki: the block at byte 1000 is not");
        CHECK_EQ(result[999], 'a');
        CHECK_EQ(result[1000], 0);
        new.pieces.piece_size = 0;
        CHECK_FAILS(ingot_walk_file(&new.pieces, NULL, 0, &target, NULL, &o, &f, &error),
                    INGOT_E_FORMAT, "pieces of 0 bytes");
}
