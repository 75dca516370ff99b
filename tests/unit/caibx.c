/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Indexes and stores of chunks. tests/casync was made by desync 1.0.4: `file`, in chunks of 1 to 4
 * KiB, with SHA-512/256 ids, and below sha256/ with SHA-256 ones.
 */
#include "format/caibx.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "server.h"
#include "test.h"
#include "update/source.h"

#include <fcntl.h>
#include <stdlib.h>

static ingot_error error;

INGOT_DEFINE_CLEANUP(struct server, server_stop);

static int load(const char *path, uint8_t **ret, size_t *ret_size)
{
        return ingot_file_read(AT_FDCWD, test_source(path), 1 << 20, ret, ret_size, &error);
}

TEST(an_index_of_desync_is_read)
{
        static const char *const paths[] = {"tests/casync/file.caibx",
                                            "tests/casync/sha256/file.caibx"};
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                _cleanup_free_ uint8_t *bytes = NULL;
                _cleanup_caibx_ struct ingot_caibx index = {0};
                size_t size;
                CHECK_OK(load(paths[i], &bytes, &size));
                CHECK_OK(ingot_caibx_decode(INGOT_SPAN(bytes, size), &index, &error));
                CHECK_EQ(index.size, 12288);
                CHECK_EQ(index.count, 5);
                CHECK_EQ(index.digest, i == 0 ? INGOT_CAIBX_SHA512_256 : INGOT_CAIBX_SHA256);
        }
}

TEST(a_malformed_index_is_refused)
{
        static const struct {
                size_t offset;
                uint64_t value;
                int code;
                const char *words;
        } changes[] = {
                {0, 47, INGOT_E_FORMAT, "no index"},
                {8, 1, INGOT_E_FORMAT, "no index"},
                {24, 0, INGOT_E_FORMAT, "chunks of 0 to"},
                {24, 3000, INGOT_E_FORMAT, "chunks of 3000 to"},
                {32, 1 << 30, INGOT_E_FORMAT, "chunks of"},
                {40, 1 << 30, INGOT_E_LIMIT, "chunks of 1073741824 bytes"},
                {48, 256, INGOT_E_FORMAT, "without a table"},
                {56, 0, INGOT_E_FORMAT, "without a table"},
                {64, 0, INGOT_E_FORMAT, "chunk 0 ends at byte 0"},
                {64, 4097, INGOT_E_FORMAT, "chunk 0 ends at byte 4097"},
                {104, 5, INGOT_E_FORMAT, "chunk 1 ends at byte 5"},
                {104, UINT64_MAX, INGOT_E_FORMAT, "chunk 1 ends"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                _cleanup_free_ uint8_t *bytes = NULL;
                struct ingot_caibx index;
                size_t size;
                CHECK_OK(load("tests/casync/file.caibx", &bytes, &size));
                ingot_le64_store(bytes + changes[i].offset, changes[i].value);
                CHECK_FAILS(ingot_caibx_decode(INGOT_SPAN(bytes, size), &index, &error),
                            changes[i].code, changes[i].words);
        }
}

TEST(an_index_that_is_cut_off_is_refused)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        struct ingot_caibx index;
        size_t size;
        CHECK_OK(load("tests/casync/file.caibx", &bytes, &size));
        for (size_t n = 0; n < size; n++)
                CHECK_EQ(ingot_caibx_decode(INGOT_SPAN(bytes, n), &index, &error), -INGOT_E_FORMAT);
        for (size_t n = size - 40; n < size; n += 8) {
                uint64_t was = ingot_le64_load(bytes + n);
                ingot_le64_store(bytes + n, was + 1);
                CHECK_EQ(ingot_caibx_decode(INGOT_SPAN(bytes, size), &index, &error),
                         -INGOT_E_FORMAT);
                ingot_le64_store(bytes + n, was);
        }
}

/* What comes is compared with the file, and must come once and in order. */
struct sink {
        uint8_t *want;
        uint64_t next[8], bytes;
        const struct ingot_range *ranges;
        bool wrong;
        size_t refuse; /* this range is not wanted after its first bytes */
};

static int got(void *context, size_t index, uint64_t offset, const void *data, size_t size,
               ingot_error *reterr)
{
        struct sink *s = context;
        (void) reterr;
        s->wrong = s->wrong || offset != s->ranges[index].offset + s->next[index] ||
                   memcmp(s->want + offset, data, size) != 0;
        s->next[index] += size;
        s->bytes += size;
        return index == s->refuse;
}

static const struct ingot_range ranges[] = {{0, 1}, {10, 5000}, {5500, 100}, {12000, 288}};

/* Fetches the ranges from WHERE. */
static int fetch(const char *where, struct sink *s)
{
        _cleanup_source_ struct ingot_source source = {0};
        int r = ingot_source_open(where, NULL, &source, &error);
        if (r < 0)
                return r;
        return source.fetch(source.context, "file", 12288, ranges, ARRAY_SIZE(ranges), got, s,
                            &error);
}

TEST(ranges_are_had_from_stores_of_either_digest_in_a_folder_or_on_a_server)
{
        _cleanup_free_ uint8_t *want = NULL;
        _cleanup_(server_stop_p) struct server *server =
                server_start(test_source("tests/casync"), NULL);
        size_t size;
        CHECK_OK(load("tests/casync/file", &want, &size));
        for (int i = 0; i < 5; i++) {
                struct sink s = {.want = want, .ranges = ranges, .refuse = SIZE_MAX};
                char where[10000];
                const char *folder =
                        i % 2 ? test_source("tests/casync/sha256") : test_source("tests/casync");
                if (i < 2)
                        snprintf(where, sizeof(where), "casync:%s/store", folder);
                else if (i < 4)
                        snprintf(where, sizeof(where), "casync:%s/store//,%s", folder, folder);
                else
                        snprintf(where, sizeof(where), "casync:%s/sha256/store",
                                 server_url(server));
                CHECK_OK(fetch(where, &s));
                CHECK(!s.wrong);
                CHECK_EQ(s.bytes, 1 + 5000 + 100 + 288);
        }
}

TEST(only_chunks_that_hold_something_wanted_are_fetched)
{
        _cleanup_free_ uint8_t *want = NULL, *bytes = NULL;
        _cleanup_caibx_ struct ingot_caibx index = {0};
        _cleanup_source_ struct ingot_source source = {0};
        _cleanup_(server_stop_p) struct server *server =
                server_start(test_source("tests/casync"), NULL);
        char where[200];
        size_t size;
        CHECK_OK(load("tests/casync/file", &want, &size));
        CHECK_OK(load("tests/casync/file.caibx", &bytes, &size));
        CHECK_OK(ingot_caibx_decode(INGOT_SPAN(bytes, size), &index, &error));
        struct ingot_range two[] = {{0, 10}, {index.chunks[3].offset, 1}};
        struct sink s = {.want = want, .ranges = two, .refuse = SIZE_MAX};
        snprintf(where, sizeof(where), "casync:%s/store", server_url(server));
        CHECK_OK(ingot_source_open(where, NULL, &source, &error));
        CHECK_OK(source.fetch(source.context, "file", 12288, two, 2, got, &s, &error));
        CHECK_OK(source.fetch(source.context, "file", 12288, NULL, 0, got, &s, &error));
        CHECK_EQ(s.bytes, 11);
        CHECK_EQ(server_requests(server), 3); /* the index once, two chunks */
}

/* A copy of the store in the folder of the test, with CONTENT for its chunk NUMBER (NULL: without
 * it). */
static int spoil(size_t number, const char *content)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_caibx_ struct ingot_caibx index = {0};
        size_t size;
        int r = load("tests/casync/file.caibx", &bytes, &size);
        if (r >= 0)
                r = ingot_outfile_put(test_path("file.caibx"), bytes, size, 0644, &error);
        if (r >= 0)
                r = ingot_caibx_decode(INGOT_SPAN(bytes, size), &index, &error);
        for (size_t i = 0; r >= 0 && i < index.count; i++) {
                char hex[65], name[200], path[300];
                _cleanup_free_ uint8_t *chunk = NULL;
                ingot_hex(hex, index.chunks[i].id, 32);
                snprintf(name, sizeof(name), "store/%.4s", hex);
                r = ingot_make_directories(test_path(name), 0755, &error);
                snprintf(name, sizeof(name), "store/%.4s/%s.cacnk", hex, hex);
                snprintf(path, sizeof(path), "tests/casync/%s", name);
                if (r >= 0)
                        r = load(path, &chunk, &size);
                if (r < 0)
                        break;
                r = i != number ? ingot_outfile_put(test_path(name), chunk, size, 0644, &error)
                    : content   ? ingot_outfile_put(test_path(name), content, strlen(content), 0644,
                                                    &error)
                                : ingot_file_remove(test_path(name), &error);
        }
        return r;
}

TEST(a_chunk_that_is_missing_or_wrong_costs_only_its_ranges)
{
        _cleanup_free_ uint8_t *want = NULL;
        char where[5000];
        size_t size;
        CHECK_OK(load("tests/casync/file", &want, &size));
        snprintf(where, sizeof(where), "casync:%s", test_path("store"));
        for (int missing = 0; missing < 2; missing++) {
                struct sink s = {.want = want, .ranges = ranges, .refuse = SIZE_MAX};
                CHECK_OK(spoil(0, missing ? NULL : "no zstd"));
                CHECK_FAILS(fetch(where, &s), missing ? INGOT_E_NOTFOUND : INGOT_E_FORMAT,
                            ".cacnk");
                CHECK(!s.wrong);
                CHECK_EQ(s.next[0] + s.next[1], 0);
                CHECK_EQ(s.next[3], 288);
        }
}

TEST(a_chunk_in_anothers_place_is_refused)
{
        _cleanup_free_ uint8_t *want = NULL, *bytes = NULL;
        _cleanup_caibx_ struct ingot_caibx index = {0};
        char where[5000], a[65], b[65];
        size_t size;
        CHECK_OK(load("tests/casync/file", &want, &size));
        CHECK_OK(spoil(SIZE_MAX, NULL));
        CHECK_OK(load("tests/casync/file.caibx", &bytes, &size));
        /* The index says another id for the first chunk, which has the content of the old one. */
        CHECK_OK(ingot_caibx_decode(INGOT_SPAN(bytes, size), &index, &error));
        ingot_hex(a, index.chunks[0].id, 32);
        bytes[72] ^= 1;
        index.chunks[0].id[0] ^= 1;
        ingot_hex(b, index.chunks[0].id, 32);
        _cleanup_free_ uint8_t *chunk = NULL;
        size_t chunk_size;
        char name[300];
        snprintf(name, sizeof(name), "tests/casync/store/%.4s/%s.cacnk", a, a);
        CHECK_OK(load(name, &chunk, &chunk_size));
        snprintf(name, sizeof(name), "store/%.4s", b);
        CHECK_OK(ingot_make_directories(test_path(name), 0755, &error));
        snprintf(name, sizeof(name), "store/%.4s/%s.cacnk", b, b);
        CHECK_OK(ingot_outfile_put(test_path(name), chunk, chunk_size, 0644, &error));
        CHECK_OK(ingot_outfile_put(test_path("file.caibx"), bytes, size, 0644, &error));
        struct sink s = {.want = want, .ranges = ranges, .refuse = SIZE_MAX};
        snprintf(where, sizeof(where), "casync:%s", test_path("store"));
        CHECK_FAILS(fetch(where, &s), INGOT_E_REFUSED, "not what its name says");
        CHECK(!s.wrong);
        CHECK_EQ(s.next[0] + s.next[1], 0);
}

TEST(a_range_that_is_not_wanted_any_more_does_not_keep_others_from_coming)
{
        _cleanup_free_ uint8_t *want = NULL;
        char where[5000];
        size_t size;
        CHECK_OK(load("tests/casync/file", &want, &size));
        struct sink s = {.want = want, .ranges = ranges, .refuse = 1};
        snprintf(where, sizeof(where), "casync:%s/store", test_source("tests/casync"));
        CHECK_OK(fetch(where, &s));
        CHECK(!s.wrong);
        CHECK(s.next[1] < 5000);
        CHECK_EQ(s.next[2] + s.next[3], 388);
}

TEST(an_index_of_another_size_or_none_is_an_error)
{
        _cleanup_source_ struct ingot_source source = {0};
        char where[5000];
        CHECK_FAILS(ingot_source_open("casync:", NULL, &source, &error), INGOT_E_USAGE, "STORE");
        CHECK_FAILS(ingot_source_open("casync:x,", NULL, &source, &error), INGOT_E_USAGE, "STORE");
        snprintf(where, sizeof(where), "casync:%s/store", test_source("tests/casync"));
        CHECK_OK(ingot_source_open(where, NULL, &source, &error));
        CHECK_FAILS(source.fetch(source.context, "file", 5, NULL, 0, got, NULL, &error),
                    INGOT_E_FORMAT, "the release says 5");
        CHECK_FAILS(source.fetch(source.context, "none", 5, NULL, 0, got, NULL, &error),
                    INGOT_E_NOTFOUND, "none.caibx");
}
