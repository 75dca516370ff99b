/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Downloads: every byte once, whatever the server does. */
#include "os/http.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "server.h"
#include "test.h"

#include <stdlib.h>
#include <time.h>

static ingot_error error;

INGOT_DEFINE_CLEANUP(struct server, server_stop);

static const struct ingot_http_options fast = {.wait = 1, .tries = 4, .timeout = 5};

static int append(void *context, const void *data, size_t size, ingot_error *reterr)
{
        return ingot_buffer_append(context, data, size, reterr);
}

/* A file of SIZE bytes in the folder of the test, the n-th byte of which is n % 251. */
static bool make_file(const char *name, size_t size)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *data = malloc(size);
        for (size_t i = 0; i < size; i++)
                data[i] = (uint8_t) (i % 251);
        return ingot_format(&path, &error, "%s/%s", test_folder(), name) >= 0 &&
               ingot_outfile_put(path, data, size, 0644, &error) >= 0;
}

static int get(struct server *s, const char *name, uint64_t offset, uint64_t length,
               struct ingot_buffer *ret)
{
        _cleanup_free_ char *url = NULL;
        struct ingot_http_job job = {
                .offset = offset, .length = length, .write = append, .context = ret};
        int r = s ? ingot_format(&url, &error, "%s/%s", server_url(s), name)
                  : ingot_format(&url, &error, "file://%s/%s", test_folder(), name);
        job.url = url;
        return r < 0 ? r : ingot_http_run(&fast, &job, 1, &error);
}

static bool is_part(const struct ingot_buffer *b, size_t offset, size_t size)
{
        for (size_t i = 0; i < b->size; i++)
                if (b->data[i] != (offset + i) % 251)
                        return false;
        return b->size == size;
}

TEST(a_part_is_had_by_every_kind_of_server)
{
        static const struct server_faults kinds[] = {
                {0}, {.no_ranges = true}, {.errors = 3}, {.breaks = 3, .break_after = 7000},
                {.breaks = 3, .break_after = 1000, .no_ranges = true}};
        CHECK(make_file("part", 20000));
        for (size_t i = 0; i <= ARRAY_SIZE(kinds); i++) {
                _cleanup_(server_stop_p) struct server *s =
                        i < ARRAY_SIZE(kinds) ? server_start(test_folder(), &kinds[i]) : NULL;
                _cleanup_buffer_ struct ingot_buffer all = {0}, part = {0}, end = {0};
                CHECK_OK(get(s, "part", 0, 0, &all));
                CHECK(is_part(&all, 0, 20000));
                CHECK_OK(get(s, "part", 5000, 300, &part));
                CHECK(is_part(&part, 5000, 300));
                CHECK_OK(get(s, "part", 19000, 0, &end));
                CHECK(is_part(&end, 19000, 1000));
        }
}

TEST(what_is_not_there_is_not_found_and_not_asked_for_again)
{
        _cleanup_(server_stop_p) struct server *s = server_start(test_folder(), NULL);
        _cleanup_buffer_ struct ingot_buffer b = {0};
        CHECK_FAILS(get(s, "nothing", 0, 0, &b), INGOT_E_NOTFOUND, "nothing");
        CHECK_EQ(server_requests(s), 1);
        CHECK_FAILS(get(NULL, "nothing", 0, 0, &b), INGOT_E_NOTFOUND, "nothing");
}

TEST(a_server_that_never_answers_well_could_not_be_asked)
{
        struct server_faults faults = {.errors = 1000};
        _cleanup_(server_stop_p) struct server *s = server_start(test_folder(), &faults);
        _cleanup_buffer_ struct ingot_buffer b = {0};
        CHECK_FAILS(get(s, "part", 0, 0, &b), INGOT_E_SYSTEM, "after 4 tries");
        CHECK(strstr(error.text, "503"));
        CHECK_EQ(server_requests(s), 4);
}

TEST(a_file_that_is_too_short_is_malformed)
{
        _cleanup_(server_stop_p) struct server *s = server_start(test_folder(), NULL);
        _cleanup_buffer_ struct ingot_buffer a = {0}, b = {0};
        CHECK(make_file("short", 100));
        CHECK_FAILS(get(s, "short", 0, 101, &a), INGOT_E_FORMAT, "has 100 bytes, not 101");
        CHECK_FAILS(get(s, "short", 200, 10, &b), INGOT_E_FORMAT, "ends before byte 200");
}

TEST(a_whole_file_has_a_limit)
{
        _cleanup_(server_stop_p) struct server *s = server_start(test_folder(), NULL);
        _cleanup_free_ char *url = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        CHECK(make_file("whole", 1000));
        CHECK_OK(ingot_format(&url, &error, "%s/whole", server_url(s)));
        CHECK_OK(ingot_http_get(url, NULL, 1000, &data, &size, &error));
        CHECK_EQ(size, 1000);
        CHECK_FAILS(ingot_http_get(url, NULL, 999, &data, &size, &error), INGOT_E_LIMIT, "999");
        CHECK_FAILS(ingot_http_get("gopher://x/", NULL, 9, &data, &size, &error), INGOT_E_SYSTEM,
                    "gopher");
}

/* The job that one test gets: all of a file, with OPTIONS. */
static int get_with(struct server *s, const char *name, const struct ingot_http_options *options,
                    struct ingot_http_job job)
{
        _cleanup_free_ char *url = NULL;
        int r = ingot_format(&url, &error, "%s/%s", server_url(s), name);
        job.url = url;
        return r < 0 ? r : ingot_http_run(options, &job, 1, &error);
}

static double seconds(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

TEST(a_server_that_wants_to_be_left_alone_is_but_not_for_ever)
{
        static const struct ingot_http_options patient = {.wait = 1, .tries = 4, .timeout = 2};
        static const struct {
                const char *after;
                double least, most;
        } cases[] = {{"1", 1, 1.9}, {"100000", 2, 4}, {"-5", 0, 1}, {"soon", 0, 1}};
        CHECK(make_file("busy", 1000));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct server_faults faults = {.errors = 1, .retry_after = cases[i].after};
                _cleanup_(server_stop_p) struct server *s = server_start(test_folder(), &faults);
                _cleanup_buffer_ struct ingot_buffer b = {0};
                double begin = seconds();
                CHECK_OK(get_with(s, "busy", &patient,
                                  (struct ingot_http_job){.write = append, .context = &b}));
                CHECK_EQ(b.size, 1000);
                CHECK(seconds() - begin >= cases[i].least);
                CHECK(seconds() - begin < cases[i].most);
        }
}

TEST(a_bandwidth_is_kept_over_all_connections)
{
        enum { COUNT = 20, SIZE = 10000 };
        struct ingot_http_figures wire = {0};
        const struct ingot_http_options slow = {
                .wait = 1, .timeout = 5, .bandwidth = 200000, .figures = &wire};
        _cleanup_(server_stop_p) struct server *s = server_start(test_folder(), NULL);
        _cleanup_free_ char *url = NULL;
        struct ingot_buffer parts[COUNT] = {0};
        struct ingot_http_job jobs[COUNT];
        CHECK(make_file("slow", COUNT * SIZE));
        CHECK_OK(ingot_format(&url, &error, "%s/slow", server_url(s)));
        for (size_t i = 0; i < COUNT; i++)
                jobs[i] = (struct ingot_http_job){.url = url,
                                                  .offset = i * SIZE,
                                                  .length = SIZE,
                                                  .file_size = COUNT * SIZE,
                                                  .write = append,
                                                  .context = &parts[i]};
        double begin = seconds();
        int r = ingot_http_run(&slow, jobs, COUNT, &error);
        double took = seconds() - begin;
        bool right = true;
        for (size_t i = 0; i < COUNT; i++) {
                right = right && is_part(&parts[i], i * SIZE, SIZE);
                ingot_buffer_done(&parts[i]);
        }
        CHECK_OK(r);
        CHECK(right);
        CHECK_EQ(wire.requests, COUNT);
        CHECK(took > 0.7 && took < 3); /* a second, less the quarter that may come at once */
        _cleanup_buffer_ struct ingot_buffer whole = {0};
        begin = seconds();
        CHECK_OK(get_with(s, "slow", &slow,
                          (struct ingot_http_job){.write = append, .context = &whole}));
        took = seconds() - begin;
        CHECK(is_part(&whole, 0, COUNT * SIZE));
        CHECK(took > 0.7 && took < 3);
}

/* Wants no more than the first bytes. */
static int take_once(void *context, const void *data, size_t size, ingot_error *reterr)
{
        unsigned *calls = context;
        (void) data, (void) size, (void) reterr;
        (*calls)++;
        return 1;
}

TEST(a_job_that_wants_no_more_ends_well)
{
        struct server_faults faults = {.endless = true};
        _cleanup_(server_stop_p) struct server *s = server_start(test_folder(), &faults);
        unsigned calls = 0;
        CHECK(make_file("part", 20000));
        CHECK_OK(get_with(s, "part", &fast,
                          (struct ingot_http_job){.write = take_once, .context = &calls}));
        CHECK_EQ(calls, 1);
        CHECK_EQ(server_requests(s), 1);
}
