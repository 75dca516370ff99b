/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/update-source.h"
#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/verify.h"
#include "os/http.h"
#include "update/release-sign.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHANNEL_DEFAULT "stable"
#define PURPOSE "image"

void update_offer_close(struct update_offer *o)
{
        ingot_reseal_free(o->reseal);
        ingot_pcrlock_policy_done(&o->policy);
        ingot_tpm_locks_done(&o->locks);
        ingot_extension_moves_done(&o->moves);
        ingot_extensions_done(&o->extensions);
        ingot_update_target_done(&o->target);
        ingot_update_choice_done(&o->choice);
        ingot_channel_done(&o->channel);
        for (size_t i = 0; i < o->source_count; i++)
                ingot_source_close(o->sources + i);
        ingot_update_config_done(&o->config);
        update_view_close(&o->view);
        *o = UPDATE_OFFER_NONE;
}

/* ---- sources ---- */

static int list_sources(const struct update_offer *o, const struct update_wish *wish,
                        struct ingot_strings *ret, ingot_error *reterr)
{
        const struct ingot_strings *from =
                wish->sources.count ? &wish->sources : &o->config.sources;
        const char *transfer = o->view.machine.transfers.source;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < from->count; i++)
                r = ingot_strings_add(ret, from->items[i], reterr);
        if (r >= 0 && ret->count == 0 && transfer)
                r = ingot_strings_add(ret, transfer, reterr);
        if (r >= 0 && ret->count == 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "nothing says where releases come from: name a URL with "
                                  "--source=URL, or write Source= into /etc/ingot/update.conf");
        if (r >= 0 && ret->count > UPDATE_SOURCES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d sources",
                                  UPDATE_SOURCES_MAX);
        return r;
}

static int open_sources(struct update_offer *o, const struct update_wish *wish,
                        const struct ingot_strings *where, const struct ingot_log *log,
                        ingot_error *reterr)
{
        const struct ingot_source_options options = {
                .http.bandwidth = wish->limit ? wish->limit : o->config.limit, .log = log};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < where->count; i++) {
                r = ingot_source_open(where->items[i], &options, o->sources + i, reterr);
                o->source_count += r >= 0;
        }
        return r;
}

static bool is_url(const char *where)
{
        return ingot_starts_with(where, "http://") || ingot_starts_with(where, "https://") ||
               ingot_starts_with(where, "file://");
}

static int get_file(const char *where, const char *name, uint8_t **ret, size_t *ret_size,
                    ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        bool slash = ingot_ends_with(where, "/");
        int r = ingot_format(&path, reterr, "%s%s%s", where, slash ? "" : "/", name);
        if (r < 0)
                return r;
        return is_url(where) ? ingot_http_get(path, NULL, INGOT_RELEASE_FILE_SIZE_MAX, ret,
                                              ret_size, reterr)
                             : ingot_file_read(AT_FDCWD, path, INGOT_RELEASE_FILE_SIZE_MAX, ret,
                                               ret_size, reterr);
}

/* ---- trust ---- */

static int find_keys(const struct update_offer *o, const struct update_wish *wish,
                     const struct ingot_log *log, struct ingot_key_files *keys,
                     struct ingot_signature_request *q, ingot_error *reterr)
{
        struct verify_options v = {.purpose = PURPOSE,
                                   .root = wish->machine.root,
                                   .keys = wish->keys.count ? wish->keys : o->config.keys,
                                   .threshold =
                                           wish->threshold ? wish->threshold : o->config.threshold};
        _cleanup_free_ char *id = NULL;
        _cleanup_strings_ struct ingot_strings os = {0};
        int r = 0;
        if (v.keys.count == 0) {
                r = ingot_machine_field(&o->view.machine, "ID", &id, reterr);
                if (r >= 0)
                        r = ingot_strings_add(&os, id ? id : "linux", reterr);
                v.os = os;
        }
        if (r >= 0)
                r = verify_request(&v, log, keys, q, reterr);
        q->undated = true;
        return r;
}

static int open_channel(struct update_offer *o, const struct ingot_signature_request *q,
                        struct ingot_span file, ingot_error *reterr)
{
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        int r = ingot_channel_open(file, q, &o->channel, &verdict, reterr);
        return r > 0 ? ingot_verdict_error(&verdict, reterr) : r;
}

/* Is it for this machine, and not an old one? */
static int accept_channel(struct update_offer *o, const char *name, ingot_error *reterr)
{
        struct update_view *v = &o->view;
        _cleanup_free_ char *key = NULL;
        int r = ingot_format(&key, reterr, "%s.%s", v->machine.name, name);
        if (r < 0)
                return r;
        const struct ingot_channel_wish wish = {.name = v->machine.name,
                                                .channel = name,
                                                .architecture = v->machine.architecture,
                                                .now = (uint64_t) time(NULL),
                                                .serial = ingot_update_serial(&v->state, key)};
        r = ingot_channel_acceptable(&o->channel, &wish, reterr);
        if (r >= 0)
                r = ingot_update_serial_set(&v->state, key, o->channel.serial, reterr);
        v->state.checked = wish.now;
        return r;
}

/* What WHERE has of the channel NAME. */
static int take_channel(struct update_offer *o, const struct ingot_signature_request *q,
                        const char *where, const char *name, ingot_error *reterr)
{
        _cleanup_free_ char *file = NULL;
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size = 0;
        int r = ingot_channel_file_name(o->view.machine.name, name, &file, reterr);
        if (r >= 0)
                r = get_file(where, file, &bytes, &size, reterr);
        if (r >= 0)
                r = ingot_under(reterr, open_channel(o, q, INGOT_SPAN(bytes, size), reterr), "%s",
                                where);
        if (r < 0)
                return r;
        r = ingot_under(reterr, accept_channel(o, name, reterr), "%s", where);
        if (r < 0)
                ingot_channel_done(&o->channel);
        return r;
}

/* From the first source whose release file counts. One that has none, or one that does not count,
 * is no reason not to ask the next; where none has any, the first one's reason is told. */
static int get_channel(struct update_offer *o, const struct update_wish *wish,
                       const struct ingot_log *log, ingot_error *reterr)
{
        const char *name = wish->channel       ? wish->channel
                           : o->config.channel ? o->config.channel
                                               : CHANNEL_DEFAULT;
        _cleanup_strings_ struct ingot_strings where = {0};
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        struct ingot_signature_request q = {0};
        ingot_error first = {0};
        int r = list_sources(o, wish, &where, reterr);
        if (r >= 0)
                r = open_sources(o, wish, &where, log, reterr);
        if (r >= 0)
                r = ingot_under(reterr, find_keys(o, wish, log, &keys, &q, reterr), "release file");
        if (r < 0)
                return r;
        for (size_t i = 0; i < where.count; i++) {
                ingot_error why = {0};
                if (take_channel(o, &q, where.items[i], name, &why) >= 0)
                        return 0;
                if (i + 1 < where.count)
                        ingot_warn(log, "release file: %s; the next source is asked", why.text);
                if (!first.code)
                        first = why;
        }
        if (reterr)
                *reterr = first;
        return ingot_under(reterr, -first.code, "release file");
}

static int check_extensions(struct update_offer *o, const struct update_wish *wish,
                            ingot_error *reterr)
{
        const struct ingot_machine *m = &o->view.machine;
        int r = ingot_extensions_find(m->root_fd, m->version, &o->extensions, reterr);
        if (r >= 0)
                r = ingot_extension_moves_plan(&o->extensions, o->choice.release, m->architecture,
                                               &wish->drop, &o->moves, reterr);
        return r < 0 ? r : ingot_extension_moves_check(&o->moves, reterr);
}

static int choose(struct update_offer *o, const struct update_wish *wish,
                  const struct ingot_log *log, ingot_error *reterr)
{
        const struct ingot_machine *m = &o->view.machine;
        uint64_t space = 0;
        int r = ingot_update_choose(m, &o->channel, &o->view.state, wish->version, &o->choice,
                                    reterr);
        if (r < 0 || !o->choice.release)
                return r;
        r = ingot_update_target_choose(m, o->choice.release, &o->target, reterr);
        if (r >= 0)
                r = ingot_file_space(m->esp, &space, reterr);
        if (r >= 0)
                r = ingot_update_target_check_esp(m, o->choice.release, &o->target, space, reterr);
        if (r < 0 || o->target.work == INGOT_UPDATE_NOTHING)
                return r;
        r = check_extensions(o, wish, reterr);
        return r < 0 ? r : update_check_tpm(o, wish, log, reterr);
}

int update_offer_open(struct update_offer *o, const struct update_wish *wish, bool writable,
                      const struct ingot_log *log, ingot_error *reterr)
{
        int r = update_view_open(&o->view, &wish->machine, writable, log, reterr);
        if (r >= 0)
                r = ingot_update_config_load(o->view.machine.root_fd, &o->config, reterr);
        if (r >= 0)
                r = get_channel(o, wish, log, reterr);
        if (r >= 0 && writable)
                r = ingot_update_state_save(wish->machine.root, &o->view.state, reterr);
        return r < 0 ? r : choose(o, wish, log, reterr);
}

void update_print_nothing(const struct update_offer *o)
{
        const struct ingot_release *release = o->choice.release;
        if (!release) {
                print_text(stdout, o->view.machine.name);
                printf(" ");
        }
        print_text(stdout, release                   ? release->version
                           : o->view.machine.version ? o->view.machine.version
                                                     : "");
        printf(!release                  ? ": nothing is to be installed\n"
               : o->target.slot->running ? ": runs already\n"
                                         : ": is installed; restart to run it\n");
}
