/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The status of PCRs for programs: docs/formats/pcr-status-json.md. */
#include "cli/json.h"
#include "cli/pcr-status.h"
#include "measure/lock-choice.h"

static int add_tpm(struct json_object *o, const struct ingot_tpm_state *t, ingot_error *reterr)
{
        struct json_object *tpm, *banks;
        int r = ingot_json_add_object(o, "tpm", &tpm, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(tpm, "found", t->found, reterr);
        if (r >= 0)
                r = ingot_json_add_text(tpm, "problem", t->problem, reterr);
        if (r >= 0)
                r = ingot_json_add_array(tpm, "banks", &banks, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                if (t->banks >> bank & 1)
                        r = ingot_json_add_text(banks, NULL, ingot_bank_name(bank), reterr);
        if (r < 0 || !t->asked)
                return r;
        r = ingot_json_add_text(tpm, "manufacturer", t->manufacturer, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(tpm, "firmware",
                                       (uint64_t) t->firmware[0] << 32 | t->firmware[1], reterr);
        if (r >= 0)
                r = ingot_json_add_u64(tpm, "revision", t->revision, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(tpm, "nv_policies", t->nv_policies, reterr);
        return r < 0 ? r : ingot_json_add_bool(tpm, "locked_out", t->locked_out, reterr);
}

static int add_pcr(struct json_object *list, const struct status *s, unsigned pcr,
                   ingot_error *reterr)
{
        static const char *const words[] = {
                [INGOT_PCR_UNREAD] = "unread",   [INGOT_PCR_UNLOGGED] = "unlogged",
                [INGOT_PCR_EMPTY] = "empty",     [INGOT_PCR_EXPLAINED] = "explained",
                [INGOT_PCR_DIFFERS] = "differs",
        };
        struct json_object *o, *values;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "pcr", pcr, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "what", ingot_pcr_meaning(pcr), reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "log", words[s->pcrs[pcr]], reterr);
        if (r >= 0)
                r = ingot_json_add_object(o, "values", &values, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                if (s->tpm.have[bank] >> pcr & 1)
                        r = ingot_json_add_hex(values, ingot_bank_name(bank),
                                               s->tpm.values[pcr].value[bank],
                                               ingot_bank_size(bank), reterr);
        return r;
}

static int add_unlock(struct json_object *o, enum ingot_unlock unlock,
                      const struct ingot_buffer *why, ingot_error *reterr)
{
        static const char *const words[] = {[INGOT_UNLOCK_YES] = "yes",
                                            [INGOT_UNLOCK_NO] = "no",
                                            [INGOT_UNLOCK_UNKNOWN] = "unknown"};
        int r = ingot_json_add_text(o, "unlocks", words[unlock], reterr);
        return r < 0 || !why->size
                       ? r
                       : ingot_json_add_text(o, "reason", (const char *) why->data, reterr);
}

static int add_policy(struct json_object *o, const struct status *s, ingot_error *reterr)
{
        struct json_object *policy, *sets, *set;
        if (!s->facts.policy)
                return ingot_json_add_text(o, "policy", NULL, reterr);
        int r = ingot_json_add_object(o, "policy", &policy, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(policy, "nv_index", s->policy.nv_index, reterr);
        if (r >= 0 && s->tpm.policy_asked)
                r = ingot_json_add_bool(policy, "nv_index_agrees", s->tpm.policy_held, reterr);
        if (r >= 0)
                r = ingot_json_add_array(policy, "pcrs", &sets, reterr);
        for (size_t i = 0; r >= 0 && i < s->policy.sets.count; i++) {
                r = ingot_json_add_object(sets, NULL, &set, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(set, "pcr", s->policy.sets.items[i].pcr, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(set, "values", s->policy.sets.items[i].count,
                                               reterr);
        }
        return r < 0 ? r : add_unlock(policy, s->policy_unlocks, &s->policy_why, reterr);
}

static int add_token(struct json_object *list, const struct status *s,
                     const struct ingot_luks_token *t, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer words = {0}, why = {0};
        enum ingot_unlock unlocks;
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "token", t->id, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "type", t->type, reterr);
        if (r >= 0 && t->problem)
                r = ingot_json_add_text(o, "problem", t->problem, reterr);
        if (r < 0 || t->sealed.count == 0)
                return r;
        r = ingot_sealed_text(&t->sealed, &words, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "by", (const char *) words.data, reterr);
        if (r >= 0)
                r = ingot_sealed_unlocks(&t->sealed, &s->facts, &unlocks, &why, reterr);
        return r < 0 ? r : add_unlock(o, unlocks, &why, reterr);
}

static int add_volumes(struct json_object *o, const struct status *s, ingot_error *reterr)
{
        struct json_object *list, *volume, *tokens;
        int r = ingot_json_add_array(o, "volumes", &list, reterr);
        for (size_t i = 0; r >= 0 && i < s->volume_count; i++) {
                const struct ingot_luks_tokens *t = &s->volumes[i].tokens;
                r = ingot_json_add_object(list, NULL, &volume, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(volume, "path", s->volumes[i].path, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(volume, "keyslots", t->slots, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(volume, "passphrases", t->passphrases, reterr);
                if (r >= 0)
                        r = ingot_json_add_array(volume, "tokens", &tokens, reterr);
                for (size_t k = 0; r >= 0 && k < t->count; k++)
                        r = add_token(tokens, s, t->items + k, reterr);
        }
        return r;
}

static int add_rest(struct json_object *o, const struct status *s, ingot_error *reterr)
{
        struct json_object *list, *next;
        int r = ingot_json_add_array(o, "credentials", &list, reterr);
        for (size_t i = 0; r >= 0 && i < s->credentials.count; i++)
                r = ingot_json_add_text(list, NULL, s->credentials.items[i], reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "next", &list, reterr);
        for (size_t i = 0; r >= 0 && i < s->next_count; i++) {
                r = ingot_json_add_object(list, NULL, &next, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(next, "manifest", s->next[i].path, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(next, "signature",
                                                s->next[i].signer ? "holds" : "not-checked",
                                                reterr);
                if (r >= 0 && s->next[i].signer)
                        r = ingot_json_add_text(next, "signer", s->next[i].signer, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(next, "profile", s->next[i].profile, reterr);
                if (r >= 0)
                        r = add_unlock(next, s->next[i].unlocks, &s->next[i].why, reterr);
        }
        return r;
}

int status_print_json(const struct status *s, enum status_verdict v, const char *words,
                      ingot_error *reterr)
{
        static const char *const verdicts[] = {
                [STATUS_GOOD] = "good", [STATUS_DOUBTFUL] = "doubtful", [STATUS_BAD] = "bad"};
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "verdict", verdicts[v], reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "says", words, reterr);
        if (r >= 0)
                r = add_tpm(o, &s->tpm, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "log_problem", s->log_problem, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "pcrs", &list, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                r = add_pcr(list, s, i, reterr);
        if (r >= 0)
                r = add_policy(o, s, reterr);
        if (r >= 0)
                r = add_volumes(o, s, reterr);
        if (r >= 0)
                r = add_rest(o, s, reterr);
        return r < 0 ? r : json_print(o, reterr);
}
