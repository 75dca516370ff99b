/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk against web servers that fail, lie, or wish it ill: nothing wrong is ever written, it
 * ends in time, and the next source is asked.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "server.h"
#include "test.h"
#include "update/walk.h"
#include "walk-image.h"

#include <stdlib.h>
#include <time.h>

static ingot_error error;
static unsigned warnings, tries = 2;
static char last_warning[2048];

INGOT_DEFINE_CLEANUP(struct server, server_stop);

enum { BLOCKS = 300, BLOCK = 4096 };

/* The new image in a folder, of which a server gives; the old one has four blocks of five. */
struct scene {
        struct walk_image old, new;
        struct walk_target target;
        struct ingot_http_figures wire;
        char folder[4096];
};

static void make(struct scene *s, const char *name)
{
        uint32_t a[BLOCKS], n[BLOCKS];
        for (uint32_t i = 0; i < BLOCKS; i++) {
                a[i] = i + 1;
                n[i] = i % 10 < 2 ? i + 10000 : i + 1;
        }
        *s = (struct scene){0};
        walk_image_make(&s->old, a, BLOCKS, BLOCK, BLOCK, 1);
        walk_image_make(&s->new, n, BLOCKS, BLOCK, BLOCK, 1);
        walk_target_make(&s->target, &s->new);
        snprintf(s->folder, sizeof(s->folder), "%s/%s", test_folder(), name);
        if (ingot_make_directories(s->folder, 0755, &error) < 0 ||
            walk_image_save(&s->new, s->folder, &error) < 0)
                abort();
}

static void done(struct scene *s)
{
        walk_target_done(&s->target);
        walk_image_done(&s->old);
        walk_image_done(&s->new);
}
#define _cleanup_scene_ __attribute__((cleanup(done)))

static void note(void *context, const char *text)
{
        (void) context;
        warnings++;
        snprintf(last_warning, sizeof(last_warning), "%s", text);
}

static const struct ingot_log listener = {.warning = note};

/* From the server, and then, where it is not NULL, from the folder NEXT. */
static int walk(struct scene *s, struct server *server, const char *next)
{
        struct ingot_source_options o = {
                .http = {.tries = tries, .wait = 1, .timeout = 1, .figures = &s->wire},
                .log = &listener};
        struct ingot_source sources[2] = {0};
        struct ingot_walk_old old = walk_image_old(&s->old);
        struct ingot_walk_options options = {.old = &old,
                                             .old_count = 1,
                                             .sources = sources,
                                             .source_count = 1,
                                             .threads = 1,
                                             .log = &listener};
        struct ingot_walk_image wanted = walk_image_wanted(&s->new);
        struct ingot_walk_target target = walk_target_of(&s->target, false);
        _cleanup_(ingot_walk_free_p) struct ingot_walk *w = NULL;
        warnings = 0;
        int r = ingot_source_open(server_url(server), &o, &sources[0], &error);
        if (r >= 0 && next)
                r = ingot_source_open(next, &o, &sources[options.source_count++], &error);
        if (r >= 0)
                r = ingot_walk_plan(&wanted, &target, &options, &w, &error);
        if (r >= 0)
                r = ingot_walk_run(w, &error);
        for (size_t i = 0; i < 2; i++)
                ingot_source_close(&sources[i]);
        return r;
}

static double seconds(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* It fails with CODE and WORDS in time, and with a good source behind it is done. */
#define CHECK_HOSTILE(f, code, words)                                                              \
        do {                                                                                       \
                _cleanup_scene_ struct scene s_;                                                   \
                make(&s_, "release");                                                              \
                _cleanup_(server_stop_p) struct server *server_ = server_start(s_.folder, f);      \
                double begin_ = seconds();                                                         \
                CHECK_FAILS(walk(&s_, server_, NULL), code, words);                                \
                CHECK(!s_.target.wrong);                                                           \
                CHECK_OK(walk(&s_, server_, s_.folder));                                           \
                CHECK(walk_target_complete(&s_.target));                                           \
                CHECK(seconds() - begin_ < 20);                                                    \
        } while (0)

TEST(a_good_server_gives_just_the_blocks_and_its_bytes_are_counted)
{
        _cleanup_scene_ struct scene s;
        make(&s, "release");
        _cleanup_(server_stop_p) struct server *server = server_start(s.folder, NULL);
        CHECK_OK(walk(&s, server, NULL));
        CHECK(walk_target_complete(&s.target));
        CHECK_EQ(warnings, 0);
        CHECK_EQ(server_requests(server), 2 + 30); /* two levels of the tree */
        CHECK_EQ(s.wire.requests, server_requests(server));
        CHECK_EQ(s.wire.sent + s.wire.received, server_bytes(server));
        CHECK(s.wire.received < (60 + 4) * BLOCK + 32 * 200);
}

TEST(connections_are_used_again_from_the_tree_to_the_data)
{
        _cleanup_scene_ struct scene s;
        make(&s, "release");
        struct server_faults f = {.keeps = true};
        _cleanup_(server_stop_p) struct server *server = server_start(s.folder, &f);
        CHECK_OK(walk(&s, server, NULL));
        CHECK(walk_target_complete(&s.target));
        CHECK_EQ(server_requests(server), 2 + 30);
        CHECK(server_connections(server) <= 8); /* as many as there are at a time */
}

TEST(a_wrong_block_is_not_written)
{
        struct server_faults f = {.change = 10 * BLOCK + 7, .only_for = "data"};
        CHECK_HOSTILE(&f, INGOT_E_REFUSED, "data: the block at byte 40960 is not what the release");
}

TEST(a_wrong_hash_block_is_not_written)
{
        struct server_faults f = {.change = BLOCK + 7, .only_for = "tree"};
        CHECK_HOSTILE(&f, INGOT_E_REFUSED, "tree: the block at byte 4096 is not what the release");
}

TEST(a_truncated_range_is_an_error)
{
        struct server_faults f = {.half = true};
        CHECK_HOSTILE(&f, INGOT_E_FORMAT, "the server sends another part");
        f = (struct server_faults){.half = true, .content_range = "bytes 4096-8191/20480"};
        CHECK_HOSTILE(&f, INGOT_E_FORMAT, "bytes");
}

TEST(another_part_than_asked_for_is_an_error)
{
        static const char *const ranges[] = {"bytes 0-4095/20480",
                                             "bytes 4096-9999/20480",
                                             "bytes 4096-8191/99999",
                                             "bytes 4096-8191/x",
                                             "lines 4096-8191/20480",
                                             "bytes */20480",
                                             ""};
        for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
                struct server_faults f = {.content_range = ranges[i], .only_for = "tree"};
                CHECK_HOSTILE(&f, INGOT_E_FORMAT,
                              i == 2 || i == 3 ? "bytes there, not 20480" : "another part");
        }
}

TEST(an_ignored_range_header_costs_one_pass_over_the_file_and_a_warning)
{
        _cleanup_scene_ struct scene s;
        make(&s, "release");
        struct server_faults f = {.no_ranges = true};
        _cleanup_(server_stop_p) struct server *server = server_start(s.folder, &f);
        CHECK_OK(walk(&s, server, NULL));
        CHECK(walk_target_complete(&s.target));
        CHECK_EQ(warnings, 1);
        CHECK(strstr(last_warning, "ignores"));
        /* One request to learn it, then the tree twice (two levels), and the data once. */
        CHECK_EQ(server_requests(server), 4);
}

TEST(a_whole_pass_that_breaks_off_goes_on)
{
        _cleanup_scene_ struct scene s;
        make(&s, "release");
        struct server_faults f = {.no_ranges = true, .breaks = 4, .break_after = 200000};
        _cleanup_(server_stop_p) struct server *server = server_start(s.folder, &f);
        CHECK_OK(walk(&s, server, NULL));
        CHECK(walk_target_complete(&s.target));
}

TEST(an_endless_body_is_cut_off)
{
        struct server_faults f = {.endless = true};
        _cleanup_scene_ struct scene s;
        make(&s, "release");
        _cleanup_(server_stop_p) struct server *server = server_start(s.folder, &f);
        double begin = seconds();
        CHECK_OK(walk(&s, server, NULL)); /* what was asked for is right, and no more is read */
        CHECK(walk_target_complete(&s.target));
        CHECK(seconds() - begin < 5);
        f.no_ranges = true;
        _cleanup_(server_stop_p) struct server *whole = server_start(s.folder, &f);
        CHECK_OK(walk(&s, whole, NULL));
        CHECK(walk_target_complete(&s.target));
}

TEST(headers_that_do_not_end_are_cut_off)
{
        struct server_faults f = {.endless_head = true};
        CHECK_HOSTILE(&f, INGOT_E_LIMIT, "headers do not end");
}

TEST(a_redirect_loop_ends)
{
        struct server_faults f = {.redirect = "/again"};
        CHECK_HOSTILE(&f, INGOT_E_SYSTEM, "redirects");
}

TEST(a_redirect_to_a_file_of_this_machine_is_not_followed)
{
        struct server_faults f = {.redirect = "file:///etc/passwd"};
        CHECK_HOSTILE(&f, INGOT_E_SYSTEM, "download");
}

TEST(a_slow_loris_is_left)
{
        struct server_faults f = {.trickle = 100, .only_for = "tree"};
        tries = 1; /* each costs two seconds */
        CHECK_HOSTILE(&f, INGOT_E_SYSTEM, "after 1 tries");
        f.trickle_head = true;
        CHECK_HOSTILE(&f, INGOT_E_SYSTEM, "after 1 tries");
        tries = 2;
}

TEST(a_server_in_trouble_is_asked_again_and_then_left)
{
        struct server_faults f = {.errors = 1000};
        CHECK_HOSTILE(&f, INGOT_E_SYSTEM, "503");
        _cleanup_scene_ struct scene s;
        make(&s, "release");
        f.errors = 1;
        _cleanup_(server_stop_p) struct server *server = server_start(s.folder, &f);
        CHECK_OK(walk(&s, server, NULL));
        CHECK(walk_target_complete(&s.target));
}

TEST(connections_that_break_or_are_reset_go_on_inside_the_range)
{
        for (int reset = 0; reset < 2; reset++) {
                struct server_faults f = {.breaks = 1, .break_after = 1000, .reset = reset};
                _cleanup_scene_ struct scene s;
                make(&s, "release");
                _cleanup_(server_stop_p) struct server *server = server_start(s.folder, &f);
                CHECK_OK(walk(&s, server, NULL));
                CHECK(walk_target_complete(&s.target));
                CHECK_EQ(server_requests(server), 33);
                struct server_faults always = {
                        .dead_for = "data", .break_after = 1000, .reset = reset};
                CHECK_HOSTILE(&always, INGOT_E_SYSTEM, "after 2 tries");
        }
}

TEST(an_encoded_answer_is_refused)
{
        struct server_faults f = {.encoding = "gzip"};
        CHECK_HOSTILE(&f, INGOT_E_FORMAT, "encoded as gzip");
}

TEST(a_release_of_another_size_is_refused)
{
        _cleanup_scene_ struct scene s;
        make(&s, "shorter");
        char path[5000];
        snprintf(path, sizeof(path), "%s/data", s.folder);
        CHECK_OK(ingot_outfile_put(path, s.old.data, s.old.data_size - BLOCK, 0644, &error));
        _cleanup_(server_stop_p) struct server *server = server_start(s.folder, NULL);
        CHECK_FAILS(walk(&s, server, NULL), INGOT_E_FORMAT, "bytes there, not 1228800");
        CHECK(!s.target.wrong);
}

TEST(two_releases_mixed_let_nothing_wrong_in)
{
        /* The tree is the new release's, the data are the old one's, of the same size. */
        _cleanup_scene_ struct scene s;
        make(&s, "mixed");
        char path[5000];
        snprintf(path, sizeof(path), "%s/data", s.folder);
        CHECK_OK(ingot_outfile_put(path, s.old.data, s.old.data_size, 0644, &error));
        _cleanup_(server_stop_p) struct server *server = server_start(s.folder, NULL);
        CHECK_FAILS(walk(&s, server, NULL), INGOT_E_REFUSED,
                    "16 blocks are not what the release says");
        CHECK(!s.target.wrong);
        CHECK(server_requests(server) < 30); /* it is not asked for all of them */
}

TEST(a_file_that_is_not_there_is_not_found)
{
        _cleanup_scene_ struct scene s;
        make(&s, "empty");
        char path[5000];
        snprintf(path, sizeof(path), "%s/data", s.folder);
        CHECK_OK(ingot_file_remove(path, &error));
        _cleanup_(server_stop_p) struct server *server = server_start(s.folder, NULL);
        CHECK_FAILS(walk(&s, server, NULL), INGOT_E_NOTFOUND, "data: there is no http://");
}

TEST(a_source_is_what_its_name_says)
{
        struct ingot_source source = {0};
        char url[5000];
        CHECK_FAILS(ingot_source_open("ftp://x/", NULL, &source, &error), INGOT_E_USAGE, "ftp");
        CHECK_FAILS(ingot_source_open("", NULL, &source, &error), INGOT_E_USAGE, "no source");
        CHECK_FAILS(ingot_source_open("file://host/x", NULL, &source, &error), INGOT_E_USAGE,
                    "file:///PATH");
        _cleanup_scene_ struct scene s;
        make(&s, "a folder+");
        snprintf(url, sizeof(url), "file://%s/a%%20folder%%2b", test_folder());
        CHECK_OK(ingot_source_open(url, NULL, &source, &error));
        CHECK_STR(source.name, s.folder);
        CHECK_FAILS(source.fetch(source.context, "../x", 1, NULL, 0, NULL, NULL, &error),
                    INGOT_E_USAGE, "no name");
        CHECK_FAILS(source.fetch(source.context, "data", 1, NULL, 0, NULL, NULL, &error),
                    INGOT_E_FORMAT, "the release says 1");
        CHECK_FAILS(source.fetch(source.context, "none", 1, NULL, 0, NULL, NULL, &error),
                    INGOT_E_NOTFOUND, "none");
        ingot_source_close(&source);
        _cleanup_(server_stop_p) struct server *server = server_start(test_folder(), NULL);
        snprintf(url, sizeof(url), "%s/a%%20folder+//", server_url(server));
        CHECK_OK(ingot_source_open(url, NULL, &source, &error));
        CHECK_FAILS(source.fetch(source.context, "a/b", 1, NULL, 0, NULL, NULL, &error),
                    INGOT_E_USAGE, "no name");
        ingot_source_close(&source);
}
