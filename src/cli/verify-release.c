/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Release files, verified: alone, and in a folder with what they name. */
#include "cli/verify-release.h"
#include "base/cleanup.h"
#include "cli/release-show.h"
#include "os/file.h"
#include "update/release-sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REFUSED = 3 };

bool verify_is_release(const char *name)
{
        return ingot_ends_with(name, INGOT_RELEASE_SUFFIX);
}

static int read_whole(const struct ingot_reader *r, struct ingot_buffer *ret, ingot_error *reterr)
{
        if (r->size > INGOT_RELEASE_FILE_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "release file of more than %zu MiB",
                                  INGOT_RELEASE_FILE_SIZE_MAX >> 20);
        int e = ingot_buffer_append_zeros(ret, (size_t) r->size, reterr);
        return e < 0 ? e : ingot_read_at(r, 0, ret->data, ret->size, reterr);
}

int verify_release(const struct invocation *in, const char *name, ingot_error *reterr)
{
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        _cleanup_channel_ struct ingot_channel channel = {0};
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        struct ingot_signature_request q;
        int r = verify_request(in->options, in->log, &keys, &q, reterr);
        if (r >= 0)
                r = ingot_file_open(&file, name, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&file);
        q.undated = true;
        r = read_whole(&reader, &text, reterr);
        if (r >= 0)
                r = ingot_channel_open(ingot_buffer_span(&text), &q, &channel, &verdict, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", name);
        int refused = r;
        q.content = &reader;
        r = verify_show(in, name, &q, &verdict, refused, reterr);
        if (r < 0 || refused)
                return r < 0 ? r : REFUSED;
        const struct ingot_channel_wish wish = {.now = q.now};
        r = in->json ? 0 : printf("\n") > 0 ? release_print(&channel, reterr) : 0;
        if (r >= 0)
                r = ingot_under(reterr, ingot_channel_acceptable(&channel, &wish, reterr), "%s",
                                name);
        return r;
}

void verify_listings_done(struct verify_listings *l)
{
        for (size_t i = 0; i < l->count; i++) {
                ingot_channel_done(&l->states[i].channel);
                free(l->states[i].listed);
                free(l->states[i].by);
                free(l->states[i].why);
        }
        free(l->states);
        free(l->items);
}

static void add_listed(struct ingot_verify_listing *l, struct ingot_verify_listed *items,
                       const struct ingot_release_file *f)
{
        for (size_t i = 0; i < l->count; i++)
                if (strcmp(items[i].name, f->name) == 0)
                        return;
        items[l->count++] =
                (struct ingot_verify_listed){.name = f->name, .size = f->size, .sha256 = f->sha256};
}

/* The files, each once. */
static int list_files(struct ingot_verify_listing *l, struct verify_listing_state *s,
                      ingot_error *reterr)
{
        const struct ingot_channel *c = &s->channel;
        const struct ingot_release_file *f;
        size_t most = 0;
        for (size_t i = 0; i < c->release_count; i++)
                most += INGOT_RELEASE_PARTS + c->releases[i].measurement_signature_count +
                        c->releases[i].extension_count;
        s->listed = calloc(most + 1, sizeof(*s->listed));
        if (!s->listed)
                return ingot_fail_nomem(reterr);
        l->items = s->listed;
        for (size_t i = 0; i < c->release_count; i++) {
                const struct ingot_release *r = c->releases + i;
                for (size_t k = 0; (f = ingot_release_part(r, k, NULL)); k++)
                        if (f->name)
                                add_listed(l, s->listed, f);
                for (size_t k = 0; k < r->extension_count; k++)
                        add_listed(l, s->listed, &r->extensions[k].file);
        }
        return 0;
}

static int judge_signatures(struct ingot_span text, const struct ingot_release_envelope *e,
                            const struct ingot_signature_request *q, struct ingot_verify_listing *l,
                            struct verify_listing_state *s, ingot_error *reterr)
{
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        if (!q->keys) {
                l->state = e->count > 0 ? INGOT_FINDING_NO_KEY : INGOT_FINDING_NOT_SIGNED;
                return e->count == 0
                               ? 0
                               : ingot_strdup(&s->by,
                                              ingot_technology_title(e->signatures->technology),
                                              reterr);
        }
        int r = ingot_channel_open(text, q, &s->channel, &verdict, reterr);
        if (r < 0)
                return r;
        l->state = r == 0 ? INGOT_FINDING_HOLDS : INGOT_FINDING_REFUSED;
        if (r == 1)
                return ingot_verdict_error(&verdict, reterr);
        return ingot_format(&s->by, reterr, "%zu of %zu signers", verdict.holding,
                            verdict.threshold);
}

/* A name that is not its own would be served in place of another channel's. */
static int check_place(const struct ingot_channel *c, const char *name, uint64_t now,
                       ingot_error *reterr)
{
        _cleanup_free_ char *want = NULL;
        const struct ingot_channel_wish wish = {.now = now};
        int r = ingot_channel_file_name(c->name, c->channel, &want, reterr);
        if (r >= 0 && strcmp(want, name) != 0)
                r = ingot_fail(reterr, INGOT_E_REFUSED, "it says that it is %s", want);
        return r < 0 ? r : ingot_channel_acceptable(c, &wish, reterr);
}

static int load_one(const struct ingot_artifact_file *file, const struct ingot_signature_request *q,
                    struct ingot_verify_listing *l, struct verify_listing_state *s,
                    ingot_error *reterr)
{
        _cleanup_release_envelope_ struct ingot_release_envelope e = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0}, again = {0};
        int r = read_whole(&file->reader, &text, reterr);
        if (r >= 0)
                r = ingot_release_envelope_decode(ingot_buffer_span(&text), &e, reterr);
        if (r >= 0)
                r = judge_signatures(ingot_buffer_span(&text), &e, q, l, s, reterr);
        if (r >= 0 && !s->channel.name)
                r = ingot_channel_decode(ingot_buffer_span(&e.payload), &s->channel, reterr);
        if (r >= 0)
                r = ingot_release_envelope_encode(&e, &again, reterr);
        if (r < 0)
                return r;
        l->covered = again.size == text.size && memcmp(again.data, text.data, text.size) == 0;
        r = list_files(l, s, reterr);
        return r < 0 ? r : check_place(&s->channel, file->name, q->now, reterr);
}

int verify_listings_load(const struct ingot_artifact_file *files, size_t count,
                         const struct ingot_key_files *keys, size_t threshold,
                         struct verify_listings *ret, ingot_error *reterr)
{
        const struct ingot_signature_request q = {.keys = keys,
                                                  .undated = true,
                                                  .threshold = threshold,
                                                  .now = (uint64_t) time(NULL)};
        ret->items = calloc(count + 1, sizeof(*ret->items));
        ret->states = calloc(count + 1, sizeof(*ret->states));
        if (!ret->items || !ret->states)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++) {
                ingot_error error = {0};
                if (!verify_is_release(files[i].name))
                        continue;
                struct ingot_verify_listing *l = ret->items + ret->count;
                struct verify_listing_state *s = ret->states + ret->count++;
                l->file = files[i].name;
                int e = load_one(files + i, &q, l, s, &error);
                if (e == -INGOT_E_NOMEM)
                        return ingot_fail_nomem(reterr);
                if (e < 0) {
                        bool refused = e == -INGOT_E_FORMAT || e == -INGOT_E_REFUSED;
                        l->state = refused ? INGOT_FINDING_REFUSED : INGOT_FINDING_NOT_CHECKED;
                        e = ingot_strdup(&s->why, error.text, reterr);
                }
                if (e < 0)
                        return e;
                l->by = s->by;
                l->why = s->why;
        }
        return 0;
}
