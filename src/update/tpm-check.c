/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "update/tpm-check.h"
#include "base/cleanup.h"
#include "measure/pcr-mask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PCR_TABLE 5
/* The system goes on measuring into these: the TPM's value of now is not that of the initrd. */
#define PCRS_LATER (1u << 10 | 1u << 11 | 1u << 15)

void ingot_tpm_locks_done(struct ingot_tpm_locks *l)
{
        for (size_t i = 0; i < l->count; i++) {
                free(l->items[i].path);
                free(l->items[i].what);
                free(l->items[i].why);
        }
        free(l->items);
        *l = (struct ingot_tpm_locks){0};
}

/* Firmware measures the table of the disk that it starts from (TCG PC Client Platform Firmware
 * Profile 1.05, section 3.3.4.6); a log that has no such event is of one that does not. */
static bool measures_table(const struct ingot_boot_log *log)
{
        if (!log || log->firmware.count == 0)
                return true;
        for (size_t i = 0; i < log->firmware.count; i++)
                if (log->firmware.events[i].type == INGOT_EV_EFI_GPT_EVENT ||
                    log->firmware.events[i].type == INGOT_EV_EFI_GPT_EVENT2)
                        return true;
        return false;
}

struct ingot_next_boot ingot_tpm_check_next(const struct ingot_tpm_check *c)
{
        bool table = c->table && measures_table(c->log);
        return (struct ingot_next_boot){
                .profile = c->profile, .log = c->log, .changed = table ? 1u << PCR_TABLE : 0};
}

/* Good until the next one. */
static int add_lock(struct ingot_tpm_locks *l, const char *path, struct ingot_tpm_lock **ret,
                    ingot_error *reterr)
{
        struct ingot_tpm_lock *more = reallocarray(l->items, l->count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        l->items = more;
        *ret = more + l->count++;
        **ret = (struct ingot_tpm_lock){0};
        return ingot_strdup(&(*ret)->path, path, reterr);
}

static int keep_why(struct ingot_tpm_lock *lock, const struct ingot_buffer *why,
                    ingot_error *reterr)
{
        return lock->opens == INGOT_UNLOCK_YES
                       ? 0
                       : ingot_strdup(&lock->why, why->size ? (const char *) why->data : "",
                                      reterr);
}

int ingot_tpm_check_policy(const struct ingot_tpm_check *c, const char *path,
                           struct ingot_tpm_locks *ret, ingot_error *reterr)
{
        const struct ingot_pcrlock_policy *policy = c->facts->policy;
        const struct ingot_next_boot next = ingot_tpm_check_next(c);
        _cleanup_buffer_ struct ingot_buffer why = {0}, ignored = {0};
        char text[INGOT_PCR_MASK_TEXT_MAX];
        enum ingot_unlock now;
        uint32_t mask = 0;
        struct ingot_tpm_lock *lock;
        if (!policy)
                return 0;
        for (size_t i = 0; i < policy->sets.count; i++)
                mask |= 1u << policy->sets.items[i].pcr;
        int r = add_lock(ret, path, &lock, reterr);
        if (r < 0)
                return r;
        lock->policy = true;
        lock->opens = INGOT_UNLOCK_UNKNOWN;
        r = ingot_format(&lock->what, reterr, "the policy over PCR %s",
                         ingot_pcr_mask_text(mask, text));
        if (r >= 0)
                r = ingot_policy_unlocks(c->facts, &now, &ignored, reterr);
        if (r >= 0)
                r = ingot_policy_unlocks_next(policy, &next, &lock->opens, &why, reterr);
        lock->stale = r >= 0 && now == INGOT_UNLOCK_NO;
        return r < 0 ? r : keep_why(lock, &why, reterr);
}

/* Does it not unlock now? Of PCRs that grow while the system runs that is not known. */
static int is_stale(const struct ingot_sealed *s, const struct ingot_unlock_facts *f, bool *ret,
                    ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer ignored = {0};
        enum ingot_unlock now;
        *ret = false;
        if (s->pcrs & PCRS_LATER || s->public_key.size > 0)
                return 0;
        int r = ingot_sealed_unlocks(s, f, &now, &ignored, reterr);
        *ret = r >= 0 && now == INGOT_UNLOCK_NO;
        return r;
}

static int check_token(const struct ingot_tpm_check *c, const char *path,
                       const struct ingot_luks_token *token, struct ingot_tpm_locks *ret,
                       ingot_error *reterr)
{
        const struct ingot_sealed *s = &token->sealed;
        const struct ingot_next_boot next = ingot_tpm_check_next(c);
        _cleanup_buffer_ struct ingot_buffer words = {0}, why = {0};
        struct ingot_tpm_lock *lock;
        int r = add_lock(ret, path, &lock, reterr);
        if (r < 0)
                return r;
        lock->volume = true;
        lock->policy = s->pcrlock;
        lock->opens = INGOT_UNLOCK_UNKNOWN;
        r = ingot_sealed_text(s, &words, reterr);
        if (r >= 0)
                r = ingot_format(&lock->what, reterr, "token %" PRIu64 ", by %s", token->id,
                                 (const char *) words.data);
        if (r >= 0)
                r = is_stale(s, c->facts, &lock->stale, reterr);
        if (r >= 0)
                r = ingot_sealed_unlocks_next(s, c->facts, &next, &lock->opens, &why, reterr);
        return r < 0 ? r : keep_why(lock, &why, reterr);
}

static int add_unread(const char *path, const char *what, const char *why,
                      struct ingot_tpm_locks *ret, ingot_error *reterr)
{
        struct ingot_tpm_lock *lock;
        int r = add_lock(ret, path, &lock, reterr);
        if (r < 0)
                return r;
        lock->volume = true;
        lock->opens = INGOT_UNLOCK_UNKNOWN;
        r = ingot_strdup(&lock->what, what, reterr);
        return r < 0 ? r : ingot_strdup(&lock->why, why, reterr);
}

int ingot_tpm_check_unread(const char *path, const char *why, struct ingot_tpm_locks *ret,
                           ingot_error *reterr)
{
        return add_unread(path, "its tokens", why, ret, reterr);
}

int ingot_tpm_check_volume(const struct ingot_tpm_check *c, const char *path,
                           const struct ingot_luks_tokens *tokens, struct ingot_tpm_locks *ret,
                           ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < tokens->count; i++) {
                const struct ingot_luks_token *t = tokens->items + i;
                _cleanup_free_ char *what = NULL;
                if (t->sealed.count > 0)
                        r = check_token(c, path, t, ret, reterr);
                else if (t->problem)
                        r = ingot_format(&what, reterr, "token %" PRIu64, t->id);
                if (r >= 0 && what)
                        r = add_unread(path, what, t->problem, ret, reterr);
        }
        return r;
}

int ingot_tpm_check_nothing_known(struct ingot_measurement *ret, ingot_error *reterr)
{
        struct ingot_measured_profile *p;
        int r = ingot_measurement_add(ret, &p, reterr);
        for (size_t i = 0; r >= 0 && i < INGOT_MEASURED_PCR_COUNT; i++) {
                struct ingot_measured_event *e;
                r = ingot_measured_profile_add(p, &e, reterr);
                if (r < 0)
                        break;
                e->record.pcr = ingot_measured_pcrs[i];
                e->state = INGOT_MEASURED_UNKNOWN;
                r = ingot_strdup(&e->reason, "the release does not say what it measures", reterr);
        }
        return r;
}

/* Of the same volume there is a token that opens, or of which that is not known. */
static bool another_opens(const struct ingot_tpm_locks *l, const struct ingot_tpm_lock *lock)
{
        for (size_t i = 0; lock->volume && i < l->count; i++)
                if (l->items[i].volume && strcmp(l->items[i].path, lock->path) == 0 &&
                    l->items[i].opens != INGOT_UNLOCK_NO)
                        return true;
        return false;
}

bool ingot_tpm_locks_want_reseal(const struct ingot_tpm_locks *l)
{
        for (size_t i = 0; i < l->count; i++) {
                const struct ingot_tpm_lock *lock = l->items + i;
                if (lock->policy && !lock->volume)
                        return lock->opens == INGOT_UNLOCK_NO && !lock->stale;
        }
        return false;
}

static const char by_policy[] = "write the components of its UKI with 'ingot pcr predict "
                                "--pcrlock=/var/lib/pcrlock.d', and make the policy anew with "
                                "'ingot pcr lock'";
static const char by_values[] = "enroll it by what stays the same: 'ingot pcr lock', a key for "
                                "signed policies, or PCR 7";

int ingot_tpm_locks_check(const struct ingot_tpm_locks *l, const char *version, const char *why,
                          ingot_error *reterr)
{
        for (size_t i = 0; i < l->count; i++) {
                const struct ingot_tpm_lock *lock = l->items + i;
                bool tried = lock->policy && why;
                if (lock->opens != INGOT_UNLOCK_NO || lock->stale || another_opens(l, lock))
                        continue;
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "version %s would lock %s (%s): %s; %s%s%s%s, or have a "
                                  "passphrase or recovery key at hand and say --allow-lock-out",
                                  version, lock->path, lock->what, lock->why,
                                  tried ? "the policy cannot be made anew (" : "", tried ? why : "",
                                  tried ? "): " : "", lock->policy ? by_policy : by_values);
        }
        return 0;
}
