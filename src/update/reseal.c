/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "update/reseal.h"
#include "base/cleanup.h"
#include "measure/component-folder.h"
#include "measure/lock-facts.h"
#include "measure/lock.h"
#include "measure/measurement-components.h"
#include "update/components.h"

#include <stdlib.h>
#include <string.h>

/* The numbers of what a UKI's content decides begin here (measure/measurement-components.h). */
#define FIRST_OF_UKI 650

struct ingot_reseal {
        char *folder, *policy;        /* of components; pcrlock.json */
        struct ingot_components made; /* to be written */
        struct ingot_lock_facts facts;
        struct ingot_lock_choice choice;
        bool nested;
};

struct ingot_reseal *ingot_reseal_free(struct ingot_reseal *s)
{
        if (!s)
                return NULL;
        free(s->folder);
        free(s->policy);
        ingot_components_done(&s->made);
        ingot_lock_choice_done(&s->choice);
        ingot_lock_facts_done(&s->facts);
        free(s);
        return NULL;
}

/* ---- components ---- */

static bool is_of_uki(const char *component)
{
        return strtoul(component, NULL, 10) >= FIRST_OF_UKI;
}

struct filter {
        const struct ingot_reseal_request *request;
        int r;
        ingot_error error;
};

/* Of a version that cannot be started; or of an earlier try of this one. */
static bool is_out(const struct ingot_component *component, const struct ingot_variant *v,
                   void *context)
{
        struct filter *f = context;
        const struct ingot_reseal_request *q = f->request;
        _cleanup_free_ char *version = NULL;
        if (v->own || f->r < 0 || !is_of_uki(component->id))
                return false;
        f->r = ingot_update_component_version(q->machine, v->id, &version, &f->error);
        if (f->r < 0 || !version)
                return false;
        if (strcmp(version, q->version) == 0)
                return ingot_update_component_own(v->id);
        return !ingot_update_component_needed(q->machine, q->target, version);
}

/* Is it there already, by a file that stays as long as this version does? */
static int is_there(const struct ingot_reseal *s, const struct ingot_reseal_request *q,
                    const char *id, const struct ingot_variant *v, bool *ret, ingot_error *reterr)
{
        const struct ingot_component *c = ingot_components_find(&s->facts.components, id);
        int r = 0;
        *ret = false;
        for (size_t i = 0; r >= 0 && !*ret && c && i < c->count; i++) {
                _cleanup_free_ char *version = NULL;
                if (!ingot_records_equal(&c->variants[i].records, &v->records))
                        continue;
                r = ingot_update_component_version(q->machine, c->variants[i].id, &version, reterr);
                *ret = r >= 0 && (!version || strcmp(version, q->version) == 0);
        }
        return r;
}

static int add(struct ingot_reseal *s, const struct ingot_reseal_request *q, const char *id,
               const struct ingot_variant *v, ingot_error *reterr)
{
        struct ingot_variant named = {.records = v->records};
        _cleanup_free_ char *name = NULL;
        bool there;
        int r = is_there(s, q, id, v, &there, reterr);
        if (r < 0 || there)
                return r;
        r = ingot_format(&name, reterr, "%s" INGOT_UPDATE_COMPONENT_SUFFIX, v->id);
        named.id = name;
        if (r >= 0)
                r = ingot_components_copy(&s->made, id, &named, reterr);
        return r < 0 ? r : ingot_components_copy(&s->facts.components, id, &named, reterr);
}

/* Named as the UKI will be on this machine, whatever the manifest calls it. */
static int add_version(struct ingot_reseal *s, const struct ingot_reseal_request *q,
                       ingot_error *reterr)
{
        _cleanup_components_ struct ingot_components all = {0};
        struct ingot_measurement m = *q->measurement;
        m.uki.path = q->target->entry;
        int r = ingot_measurement_components(&m, &all, reterr);
        for (size_t i = 0; r >= 0 && i < all.count; i++)
                for (size_t k = 0; r >= 0 && k < all.items[i].count; k++) {
                        const struct ingot_variant *v = all.items[i].variants + k;
                        if (!v->own && is_of_uki(all.items[i].id))
                                r = add(s, q, all.items[i].id, v, reterr);
                }
        return r;
}

static int take_components(struct ingot_reseal *s, const struct ingot_reseal_request *q,
                           ingot_error *reterr)
{
        struct filter f = {.request = q};
        ingot_components_filter(&s->facts.components, is_out, &f);
        if (f.r < 0 && reterr)
                *reterr = f.error;
        return f.r < 0 ? f.r : add_version(s, q, reterr);
}

/* ---- the policy ---- */

/* systemd-pcrlock brings the policy to the initrd by a credential, which only it writes. */
static int check_credentials(const struct ingot_reseal_request *q, ingot_error *reterr)
{
        for (size_t i = 0; i < q->credentials->count; i++)
                if (ingot_starts_with(q->credentials->items[i], "pcrlock."))
                        return ingot_fail(reterr, INGOT_E_REFUSED,
                                          "loader/credentials/%s on the ESP has the policy for the "
                                          "initrd, and only systemd-pcrlock make-policy writes it",
                                          q->credentials->items[i]);
        return 0;
}

static int read_facts(struct ingot_reseal *s, const struct ingot_reseal_request *q,
                      ingot_error *reterr)
{
        const struct ingot_lock_facts_request request = {
                .root = q->machine->root, .bank = q->old->bank, .tpm = q->tpm, .log = q->log};
        const char *root = q->machine->root ? q->machine->root : "";
        if (q->machine->root && !q->tpm)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the TPM of another machine is not known: name it with --tpm");
        int r = ingot_format(&s->folder, reterr, "%s" INGOT_UPDATE_COMPONENTS, root);
        if (r >= 0)
                r = ingot_format(&s->policy, reterr, "%s" INGOT_PCRLOCK_POLICY_PATH, root);
        return r < 0 ? r : ingot_lock_facts_read(&request, &s->facts, reterr);
}

/* Over the PCRs that it is over now. */
static int choose(struct ingot_reseal *s, const struct ingot_pcr_sets *old, ingot_error *reterr)
{
        struct ingot_lock_choice_request request = ingot_lock_facts_request(&s->facts);
        for (size_t i = 0; i < old->count; i++) {
                request.pcrs |= 1u << old->items[i].pcr;
                s->nested = s->nested || old->items[i].count > INGOT_POLICY_OR_MAX;
        }
        request.nested = s->nested;
        int r = ingot_lock_choose(&request, &s->choice, reterr);
        return r < 0 ? r : ingot_lock_choice_check(&s->choice, &request, reterr);
}

/* What components predict and what the manifest says must come to the same. */
static int check_next(const struct ingot_reseal *s, const struct ingot_reseal_request *q,
                      ingot_error *reterr)
{
        const struct ingot_pcrlock_policy renewed = {.bank = q->old->bank, .sets = s->choice.sets};
        _cleanup_buffer_ struct ingot_buffer why = {0};
        enum ingot_unlock opens;
        int r = ingot_policy_unlocks_next(&renewed, q->next, &opens, &why, reterr);
        if (r < 0 || opens == INGOT_UNLOCK_YES)
                return r;
        return ingot_fail(reterr, INGOT_E_REFUSED, "a new one would not open for sure, either: %s",
                          why.data ? (const char *) why.data : "");
}

int ingot_reseal_plan(const struct ingot_reseal_request *q, struct ingot_reseal **ret,
                      ingot_error *reterr)
{
        _cleanup_reseal_ struct ingot_reseal *s = calloc(1, sizeof(*s));
        if (!s)
                return ingot_fail_nomem(reterr);
        int r = check_credentials(q, reterr);
        if (r >= 0)
                r = read_facts(s, q, reterr);
        if (r >= 0)
                r = take_components(s, q, reterr);
        if (r >= 0)
                r = choose(s, &q->old->sets, reterr);
        if (r >= 0)
                r = check_next(s, q, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

const struct ingot_pcr_sets *ingot_reseal_sets(const struct ingot_reseal *s)
{
        return &s->choice.sets;
}

int ingot_reseal_run(struct ingot_reseal *s, const struct ingot_pcrlock_policy *old,
                     ingot_error *reterr)
{
        const struct ingot_lock_options options = {
                .sets = &s->choice.sets, .old = old, .nested = s->nested};
        uint32_t nv_index;
        int r = ingot_components_write(&s->made, s->folder, reterr);
        if (r >= 0)
                r = ingot_lock_make(s->facts.tpm, &options, s->policy, &nv_index, reterr);
        ingot_tpm_close(s->facts.tpm);
        s->facts.tpm = NULL;
        return r;
}
