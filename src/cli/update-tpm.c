/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Would an update lock this machine out? What locks it: the policy in the TPM's NV index
 * (pcrlock.json), and the tokens of LUKS2 volumes on its disk, of open ones, and of those named.
 */
#include "base/cleanup.h"
#include "cli/open-volumes.h"
#include "cli/pcr-status.h"
#include "cli/print.h"
#include "cli/tpm.h"
#include "cli/update-source.h"
#include "measure/measurement-loader.h"
#include "os/block.h"
#include "os/root.h"
#include "update/fetch-file.h"

#include <stdlib.h>
#include <string.h>

#define DEVICES "/dev/"

const char *const update_reseal_words[] = {"auto", "no", NULL};

/* ---- what locks ---- */

/* Volumes with what unlocks them, or why that cannot be read. */
struct volumes {
        struct {
                char *path, *problem;
                struct ingot_luks_tokens tokens;
        } * items;
        size_t count;
};

static void volumes_done(struct volumes *v)
{
        for (size_t i = 0; i < v->count; i++) {
                free(v->items[i].path);
                free(v->items[i].problem);
                ingot_luks_tokens_done(&v->items[i].tokens);
        }
        free(v->items);
}

/* Takes over the tokens. PROBLEM NULL: there is none. */
static int add_volume(struct volumes *v, const char *path, struct ingot_luks_tokens *tokens,
                      const char *problem, ingot_error *reterr)
{
        void *more = reallocarray(v->items, v->count + 1, sizeof(*v->items));
        if (!more)
                return ingot_fail_nomem(reterr);
        v->items = more;
        memset(v->items + v->count, 0, sizeof(*v->items));
        size_t i = v->count++;
        v->items[i].tokens = *tokens;
        *tokens = (struct ingot_luks_tokens){0};
        int r = ingot_strdup(&v->items[i].path, path, reterr);
        return r < 0 || !problem ? r : ingot_strdup(&v->items[i].problem, problem, reterr);
}

/* "/dev/vda5", or "partition 5 of disk.raw". */
static int name_partition(const struct ingot_machine *m, unsigned number, char **ret,
                          ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        if (m->live && ingot_starts_with(m->disk_path, DEVICES) &&
            ingot_block_partition(m->disk_path + strlen(DEVICES), number, &name, NULL) >= 0)
                return ingot_format(ret, reterr, DEVICES "%s", name);
        return ingot_format(ret, reterr, "partition %u of %s", number, m->disk_path);
}

/* Those of the machine's disk, open or not. */
static int find_on_disk(struct ingot_machine *m, struct volumes *v, ingot_error *reterr)
{
        const struct ingot_reader disk = ingot_file_reader(&m->disk);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->gpt->partition_count; i++) {
                const struct ingot_gpt_partition *p = m->gpt->partitions + i;
                _cleanup_luks_tokens_ struct ingot_luks_tokens tokens = {0};
                _cleanup_free_ char *path = NULL;
                struct ingot_reader part;
                ingot_error why = {0};
                r = ingot_reader_part(&disk, ingot_gpt_offset(m->gpt, p), ingot_gpt_size(m->gpt, p),
                                      &part, reterr);
                int e = r < 0 ? r : ingot_luks_tokens_of(&part, &tokens, &why);
                if (r < 0 || e == -INGOT_E_NOTFOUND)
                        continue;
                r = name_partition(m, p->number, &path, reterr);
                if (r >= 0)
                        r = add_volume(v, path, &tokens, e < 0 ? why.text : NULL, reterr);
        }
        return r;
}

static bool is_known(const struct volumes *v, const char *path)
{
        for (size_t i = 0; i < v->count; i++)
                if (strcmp(v->items[i].path, path) == 0)
                        return true;
        return false;
}

/* NAMED: they must be LUKS2 volumes. */
static int add_paths(const struct ingot_strings *paths, bool named, struct volumes *v,
                     ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < paths->count; i++) {
                _cleanup_luks_tokens_ struct ingot_luks_tokens tokens = {0};
                ingot_error why = {0};
                if (is_known(v, paths->items[i]))
                        continue;
                r = ingot_luks_tokens_read(paths->items[i], &tokens, &why);
                if (r < 0 && named) {
                        if (reterr)
                                *reterr = why;
                        return r;
                }
                r = add_volume(v, paths->items[i], &tokens, r < 0 ? why.text : NULL, reterr);
        }
        return r;
}

static int find_volumes(struct update_offer *o, const struct update_wish *wish, struct volumes *ret,
                        ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings open = {0};
        int r = find_on_disk(&o->view.machine, ret, reterr);
        if (r >= 0)
                r = open_volumes_find(wish->machine.root, &open, reterr);
        if (r >= 0)
                r = add_paths(&open, false, ret, reterr);
        return r < 0 ? r : add_paths(&wish->luks, true, ret, reterr);
}

/* ---- what the release measures ---- */

/* An update leaves the loader as it is. */
static int put_loader(const struct ingot_machine *m, struct ingot_measurement *measurement,
                      ingot_error *reterr)
{
        _cleanup_close_ int esp = -1;
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        if (!measurement->loader.path)
                return 0;
        if (ingot_root_open(m->esp, &esp, NULL) < 0 ||
            ingot_root_open_file(esp, measurement->loader.path, &file, NULL) < 0)
                return ingot_measurement_put_loader(measurement, NULL, reterr);
        const struct ingot_reader reader = ingot_file_reader(&file);
        ingot_error why = {0};
        int r = ingot_measurement_put_loader(measurement, &reader, &why);
        if (r == -INGOT_E_FORMAT)
                return ingot_measurement_put_loader(measurement, NULL, reterr);
        if (r < 0 && reterr)
                *reterr = why;
        return r;
}

static int load_measurement(struct update_offer *o, const struct ingot_log *log,
                            struct ingot_measurement *ret, ingot_error *reterr)
{
        const struct ingot_walk_options options = {
                .sources = o->sources, .source_count = o->source_count, .log = log};
        const struct ingot_release_file *file = &o->choice.release->measurement;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        if (!file->name)
                return ingot_tpm_check_nothing_known(ret, reterr);
        int r = ingot_fetch_bytes(file, INGOT_MEASUREMENT_SIZE_MAX, &options, &text, reterr);
        if (r >= 0)
                r = ingot_measurement_decode(ingot_buffer_span(&text), ret, reterr);
        if (r >= 0)
                r = put_loader(&o->view.machine, ret, reterr);
        if (r >= 0 && !ingot_measurement_profile(ret, 0))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "it has no profile 0");
        return ingot_under(reterr, r, "measurement manifest");
}

/* ---- the two together ---- */

static int judge(struct update_offer *o, const struct ingot_tpm_check *c, const struct volumes *v,
                 ingot_error *reterr)
{
        ingot_tpm_locks_done(&o->locks);
        int r = ingot_tpm_check_policy(c, INGOT_PCRLOCK_POLICY_PATH, &o->locks, reterr);
        for (size_t i = 0; r >= 0 && i < v->count; i++)
                r = v->items[i].problem
                            ? ingot_tpm_check_unread(v->items[i].path, v->items[i].problem,
                                                     &o->locks, reterr)
                            : ingot_tpm_check_volume(c, v->items[i].path, &v->items[i].tokens,
                                                     &o->locks, reterr);
        return r;
}

/* ---- the policy, made anew ---- */

static int plan(struct update_offer *o, const struct update_wish *wish, const struct status *s,
                const struct ingot_tpm_check *c, const struct ingot_measurement *m,
                const struct ingot_log *log, ingot_error *reterr)
{
        const struct ingot_next_boot next = ingot_tpm_check_next(c);
        const struct ingot_reseal_request q = {.machine = &o->view.machine,
                                               .target = &o->target,
                                               .version = o->choice.release->version,
                                               .measurement = m,
                                               .next = &next,
                                               .old = &s->policy,
                                               .credentials = &s->credentials,
                                               .tpm = wish->machine.root ? wish->tpm
                                                                         : tpm_where(wish->tpm),
                                               .log = log};
        return ingot_reseal_plan(&q, &o->reseal, reterr);
}

/* The locks as they are once it is made. *ret_why: why it cannot be. */
static int reseal(struct update_offer *o, const struct update_wish *wish, struct status *s,
                  const struct ingot_tpm_check *c, const struct ingot_measurement *m,
                  const struct volumes *v, const struct ingot_log *log, char **ret_why,
                  ingot_error *reterr)
{
        ingot_error why = {0};
        int r = plan(o, wish, s, c, m, log, &why);
        if (r < 0)
                return ingot_strdup(ret_why, why.text, reterr);
        struct ingot_pcrlock_policy renewed = s->policy;
        struct ingot_unlock_facts facts = s->facts;
        struct ingot_tpm_check again = *c;
        renewed.sets = *ingot_reseal_sets(o->reseal);
        facts.policy = &renewed;
        again.facts = &facts;
        r = judge(o, &again, v, reterr);
        for (size_t i = 0; r >= 0 && i < o->locks.count; i++)
                o->locks.items[i].resealed =
                        o->locks.items[i].policy && o->locks.items[i].opens == INGOT_UNLOCK_YES;
        o->policy = s->policy;
        s->policy = (struct ingot_pcrlock_policy){0};
        s->facts.policy = &o->policy;
        return r;
}

/* What would then be locked is not known, and every release touches it. */
static int demand_manifest(const struct update_offer *o, ingot_error *reterr)
{
        const struct ingot_release *release = o->choice.release;
        for (size_t i = 0; !release->measurement.name && i < o->locks.count; i++)
                if (o->locks.items[i].opens == INGOT_UNLOCK_UNKNOWN)
                        return ingot_fail(
                                reterr, INGOT_E_REFUSED,
                                "%s (%s) is locked to the TPM, and version %s does not say what it "
                                "measures: publish it with its measurement manifest, or say "
                                "--allow-lock-out",
                                o->locks.items[i].path, o->locks.items[i].what, release->version);
        return 0;
}

int update_check_tpm(struct update_offer *o, const struct update_wish *wish,
                     const struct ingot_log *log, ingot_error *reterr)
{
        const struct status_options options = {.root = wish->machine.root, .tpm = wish->tpm};
        _cleanup_status_ struct status s = {.options = &options};
        _cleanup_(volumes_done) struct volumes v = {0};
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_free_ char *why = NULL;
        if (wish->allow_lock_out)
                return 0;
        int r = find_volumes(o, wish, &v, reterr);
        if (r >= 0)
                r = status_gather(&s, log, reterr);
        if (r < 0 || (v.count == 0 && !s.facts.policy))
                return r;
        r = load_measurement(o, log, &m, reterr);
        if (r < 0)
                return r;
        const struct ingot_tpm_check c = {.profile = ingot_measurement_profile(&m, 0),
                                          .facts = &s.facts,
                                          .log = s.has_log ? &s.log : NULL,
                                          .table = o->target.work == INGOT_UPDATE_SLOT};
        r = judge(o, &c, &v, reterr);
        if (r >= 0 && wish->reseal == UPDATE_RESEAL_AUTO && ingot_tpm_locks_want_reseal(&o->locks))
                r = reseal(o, wish, &s, &c, &m, &v, log, &why, reterr);
        if (r >= 0)
                r = demand_manifest(o, reterr);
        return r < 0 ? r
                     : ingot_tpm_locks_check(&o->locks, o->choice.release->version, why, reterr);
}

/* ---- what is said ---- */

static const char *opens_text(const struct ingot_tpm_lock *lock)
{
        return lock->resealed                    ? "is made anew for it, and opens with it"
               : lock->opens == INGOT_UNLOCK_YES ? "opens with it"
               : lock->opens == INGOT_UNLOCK_NO  ? "will not open with it"
                                                 : "cannot be known";
}

void update_print_locks(const struct update_offer *o)
{
        for (size_t i = 0; i < o->locks.count; i++) {
                const struct ingot_tpm_lock *lock = o->locks.items + i;
                print_text(stdout, lock->path);
                printf(" (");
                print_text(stdout, lock->what);
                printf("): %s", opens_text(lock));
                if (lock->why) {
                        printf(": ");
                        print_text(stdout, lock->why);
                }
                printf("%s\n", lock->stale ? "; it does not open now, either" : "");
        }
}

void update_warn_locks(const struct update_offer *o, const struct ingot_log *log)
{
        for (size_t i = 0; i < o->locks.count; i++) {
                const struct ingot_tpm_lock *lock = o->locks.items + i;
                if (lock->opens == INGOT_UNLOCK_UNKNOWN)
                        ingot_warn(log,
                                   "whether %s (%s) opens after the restart cannot be known: %s",
                                   lock->path, lock->what, lock->why);
        }
}

int update_add_locks(const struct update_offer *o, struct json_object *json, ingot_error *reterr)
{
        static const char *const words[] = {[INGOT_UNLOCK_YES] = "yes",
                                            [INGOT_UNLOCK_NO] = "no",
                                            [INGOT_UNLOCK_UNKNOWN] = "unknown"};
        struct json_object *list, *one;
        int r = ingot_json_add_array(json, "locks", &list, reterr);
        for (size_t i = 0; r >= 0 && i < o->locks.count; i++) {
                const struct ingot_tpm_lock *lock = o->locks.items + i;
                r = ingot_json_add_object(list, NULL, &one, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "path", lock->path, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "what", lock->what, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "opens", words[lock->opens], reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "reason", lock->why, reterr);
                if (r >= 0)
                        r = ingot_json_add_bool(one, "resealed", lock->resealed, reterr);
        }
        return r;
}
