/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `update-clients URL RELEASE OLD-ROOT OLD-TREE OLD-UKI CLIENTS AT-ONCE`: so many clients take the
 * newest release of the folder at URL, AT-ONCE at a time, each by the walk that a machine does.
 * What they would write is checked by the walk and dropped; the release file is fetched by each,
 * and its signatures are not looked at. bench/update-clients drives this. No part of ingot.
 */
#include "base/cleanup.h"
#include "os/file.h"
#include "os/http.h"
#include "update/release-sign.h"
#include "update/walk.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
        const char *url, *release;
        struct ingot_walk_old old;
        struct ingot_reader uki;
        unsigned clients;
        atomic_uint next, failed;
        pthread_mutex_t lock;
        struct ingot_http_figures total, least, most;
};

/* The tree in memory, for the walk reads it back. */
struct tree {
        uint8_t *bytes;
};

static int write_tree(void *context, uint64_t offset, const void *data, size_t size, ingot_error *e)
{
        struct tree *t = context;
        (void) e;
        memcpy(t->bytes + offset, data, size);
        return 0;
}

static int read_tree(void *context, uint64_t offset, void *ret, size_t size, ingot_error *e)
{
        struct tree *t = context;
        (void) e;
        memcpy(ret, t->bytes + offset, size);
        return 0;
}

static int drop(void *context, uint64_t offset, const void *data, size_t size, ingot_error *e)
{
        (void) context, (void) offset, (void) data, (void) size, (void) e;
        return 0;
}

static int take(const struct work *w, const struct ingot_release *n, struct ingot_source *source,
                ingot_error *reterr)
{
        struct ingot_walk_image image = {
                .verity = n->verity, .data_file = n->root.name, .tree_file = n->tree.name};
        struct ingot_walk_options options = {
                .old = &w->old, .old_count = 1, .sources = source, .source_count = 1, .threads = 1};
        struct tree tree = {calloc(1, (size_t) n->tree.size)};
        struct ingot_walk_target target = {
                .data = {.write_at = drop},
                .tree = {.write_at = write_tree, .context = &tree},
                .tree_back = {.read_at = read_tree, .context = &tree, .size = n->tree.size}};
        struct ingot_walk_pieces pieces = {.file = n->uki.name,
                                           .size = n->uki.size,
                                           .piece_size = n->extent_size,
                                           .digests = n->extents};
        struct ingot_walk_figures figures;
        struct ingot_reader nothing = {0};
        struct ingot_walk *walk = NULL;
        memcpy(image.root_hash, n->root_hash, sizeof(image.root_hash));
        int r = tree.bytes ? ingot_walk_plan(&image, &target, &options, &walk, reterr)
                           : ingot_fail_nomem(reterr);
        if (r >= 0)
                r = ingot_walk_run(walk, reterr);
        if (r >= 0)
                r = ingot_walk_file(&pieces, &w->uki, 1, &target.data, &nothing, &options, &figures,
                                    reterr);
        ingot_walk_free(walk);
        free(tree.bytes);
        return r;
}

static int client(const struct work *w, struct ingot_http_figures *figures, ingot_error *reterr)
{
        _cleanup_channel_ struct ingot_channel channel = {0};
        _cleanup_release_envelope_ struct ingot_release_envelope envelope = {0};
        _cleanup_source_ struct ingot_source source = {0};
        struct ingot_source_options o = {.http = {.figures = figures, .timeout = 300, .tries = 20}};
        _cleanup_free_ char *url = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        if (asprintf(&url, "%s/%s", w->url, w->release) < 0)
                return ingot_fail_nomem(reterr);
        int r = ingot_http_get(url, &o.http, INGOT_RELEASE_SIZE_MAX, &text, &size, reterr);
        if (r >= 0)
                r = ingot_release_envelope_decode(INGOT_SPAN(text, size), &envelope, reterr);
        if (r >= 0)
                r = ingot_channel_decode(ingot_buffer_span(&envelope.payload), &channel, reterr);
        if (r >= 0)
                r = ingot_source_open(w->url, &o, &source, reterr);
        return r < 0 ? r : take(w, channel.releases, &source, reterr);
}

static void count(struct work *w, const struct ingot_http_figures *f)
{
        pthread_mutex_lock(&w->lock);
        w->total.requests += f->requests;
        w->total.sent += f->sent;
        w->total.received += f->received;
        if (w->least.requests == 0 || f->received < w->least.received)
                w->least = *f;
        if (f->received > w->most.received)
                w->most = *f;
        pthread_mutex_unlock(&w->lock);
}

static void *clients(void *context)
{
        struct work *w = context;
        while (atomic_fetch_add(&w->next, 1) < w->clients) {
                struct ingot_http_figures figures = {0};
                ingot_error error = {0};
                if (client(w, &figures, &error) < 0) {
                        fprintf(stderr, "%s\n", error.text);
                        atomic_fetch_add(&w->failed, 1);
                        continue;
                }
                count(w, &figures);
        }
        return NULL;
}

static int run(struct work *w, unsigned at_once)
{
        pthread_t *threads = calloc(at_once, sizeof(*threads));
        unsigned n = 0;
        if (!threads)
                return 1;
        for (; n < at_once; n++)
                if (pthread_create(threads + n, NULL, clients, w) != 0)
                        break;
        for (unsigned i = 0; i < n; i++)
                pthread_join(threads[i], NULL);
        free(threads);
        unsigned done = w->clients - w->failed;
        printf("%u clients, %u failed, %u at once\n", w->clients, w->failed, n);
        if (done > 0)
                printf("a client: %" PRIu64 " requests, %" PRIu64 " bytes received (%" PRIu64
                       " to %" PRIu64 "), %" PRIu64 " sent\n",
                       w->total.requests / done, w->total.received / done, w->least.received,
                       w->most.received, w->total.sent / done);
        return w->failed > 0 || n == 0;
}

int main(int argc, char **argv)
{
        struct work w = {.lock = PTHREAD_MUTEX_INITIALIZER};
        struct ingot_file root = INGOT_FILE_NONE, tree = INGOT_FILE_NONE, uki = INGOT_FILE_NONE;
        ingot_error error = {0};
        if (argc != 8) {
                fprintf(stderr, "update-clients: see the head of update-clients.c\n");
                return 2;
        }
        w.url = argv[1];
        w.release = argv[2];
        w.clients = (unsigned) strtoul(argv[6], NULL, 10);
        int r = ingot_file_open(&root, argv[3], &error);
        if (r >= 0)
                r = ingot_file_open(&tree, argv[4], &error);
        if (r >= 0)
                r = ingot_file_open(&uki, argv[5], &error);
        if (r >= 0) {
                w.old = (struct ingot_walk_old){ingot_file_reader(&root), ingot_file_reader(&tree)};
                w.uki = ingot_file_reader(&uki);
                r = run(&w, (unsigned) strtoul(argv[7], NULL, 10));
        } else
                fprintf(stderr, "update-clients: %s\n", error.text);
        ingot_file_close(&root);
        ingot_file_close(&tree);
        ingot_file_close(&uki);
        return r < 0 ? 1 : r;
}
