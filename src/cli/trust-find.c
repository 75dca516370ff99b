/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A lookup in VOA, and what trust anchors say of the verifiers that it finds. */
#include "base/cleanup.h"
#include "cli/trust.h"
#include "trust/voa-keys.h"
#if HAVE_PACKAGES
#include "trust/openpgp-anchor.h"
#endif

#include <stdlib.h>
#include <string.h>
#include <time.h>

void trust_found_done(struct trust_found *f)
{
        for (size_t i = 0; f->certifications && i < f->result.verifier_count; i++)
                ingot_strings_done(&f->certifications[i].anchors);
        free(f->certifications);
        ingot_voa_result_done(&f->result);
        *f = (struct trust_found){0};
}

bool trust_counts(const struct trust_found *f, size_t index)
{
        const struct trust_certification *c = f->certifications + index;
        return f->result.verifiers[index].state == INGOT_VOA_USED &&
               (!c->wanted || c->anchors.count > 0);
}

#if HAVE_PACKAGES
/* The verifiers and anchors of one purpose and context. */
struct group {
        const struct ingot_voa_verifier *of; /* one of them */
        struct ingot_key_files keys;
};

static void group_done(struct group *g)
{
        ingot_key_files_done(&g->keys);
}

static bool is_of_group(const struct group *g, const struct ingot_voa_verifier *v)
{
        return g->of && strcmp(g->of->os, v->os) == 0 && strcmp(g->of->purpose, v->purpose) == 0 &&
               strcmp(g->of->context, v->context) == 0;
}

/* All that a verification for the purpose and context of V would find. */
static int find_group(struct group *g, const struct ingot_voa_lookup *lookup,
                      const struct ingot_voa_verifier *v, ingot_error *reterr)
{
        _cleanup_voa_ struct ingot_voa_result result = {0};
        const char *os = v->os;
        struct ingot_voa_lookup l = *lookup;
        l.os = l.os_count ? l.os : &os;
        l.os_count = l.os_count ? l.os_count : 1;
        l.purpose = v->purpose;
        l.context = v->context;
        l.technology = INGOT_TECHNOLOGY_OPENPGP;
        l.name = NULL;
        l.anchors = true;
        int r = ingot_voa_find(&l, &result, reterr);
        if (r < 0)
                return r;
        ingot_key_files_done(&g->keys);
        g->of = v;
        return ingot_voa_keys(&result, l.paths, &g->keys, reterr);
}

static int certify(struct trust_found *f, const struct ingot_voa_lookup *lookup,
                   ingot_error *reterr)
{
        __attribute__((cleanup(group_done))) struct group g = {0};
        uint64_t now = (uint64_t) time(NULL);
        for (size_t i = 0; i < f->result.verifier_count; i++) {
                const struct ingot_voa_verifier *v = f->result.verifiers + i;
                struct trust_certification *c = f->certifications + i;
                _cleanup_free_ char *fingerprint = NULL;
                if (v->state != INGOT_VOA_USED || v->anchor ||
                    v->technology != INGOT_TECHNOLOGY_OPENPGP)
                        continue;
                int r = is_of_group(&g, v) ? 0 : find_group(&g, lookup, v, reterr);
                if (r >= 0)
                        r = ingot_format(&fingerprint, reterr, "%.*s", (int) strcspn(v->name, "."),
                                         v->name);
                if (r >= 0 && g.keys.anchored) {
                        c->wanted = true;
                        r = ingot_openpgp_certified(&g.keys, fingerprint, now, now, &c->anchors,
                                                    &c->fault, reterr);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}
#else
static int certify(struct trust_found *f, const struct ingot_voa_lookup *lookup,
                   ingot_error *reterr)
{
        (void) f, (void) lookup, (void) reterr; /* without OpenPGP there is none of its verifiers */
        return 0;
}
#endif

int trust_find(const struct ingot_voa_lookup *lookup, struct trust_found *ret, ingot_error *reterr)
{
        _cleanup_trust_found_ struct trust_found f = {.paths = lookup->paths};
        int r = ingot_voa_find(lookup, &f.result, reterr);
        if (r < 0)
                return r;
        f.certifications = calloc(f.result.verifier_count + 1, sizeof(*f.certifications));
        if (!f.certifications)
                return ingot_fail_nomem(reterr);
        r = certify(&f, lookup, reterr);
        if (r < 0)
                return r;
        *ret = f;
        f = (struct trust_found){0};
        return 0;
}
