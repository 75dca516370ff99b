/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A lookup in VOA, and what trust anchors say of the verifiers that it finds. */
#include "base/cleanup.h"
#include "cli/trust.h"
#include "trust/ssh-anchor.h"
#include "trust/ssh-revoked.h"
#include "trust/voa-keys.h"
#include "trust/voa-name.h"
#if HAVE_PACKAGES
#include "trust/openpgp-anchor.h"
#endif

#include <stdlib.h>
#include <string.h>
#include <time.h>

void trust_found_done(struct trust_found *f)
{
        for (size_t i = 0; f->certifications && i < f->result.verifier_count; i++) {
                ingot_strings_done(&f->certifications[i].anchors);
                free(f->certifications[i].fault);
        }
        free(f->certifications);
        ingot_voa_result_done(&f->result);
        *f = (struct trust_found){0};
}

bool trust_counts(const struct trust_found *f, size_t index)
{
        const struct trust_certification *c = f->certifications + index;
        return f->result.verifiers[index].state == INGOT_VOA_USED && !c->fault;
}

/* The verifiers, anchors and revocations of one purpose, context and technology. */
struct group {
        const struct ingot_voa_verifier *of; /* one of them */
        struct ingot_key_files keys;
};

static void group_done(struct group *g)
{
        ingot_key_files_done(&g->keys);
}

/* The purpose of the artifacts, also of an anchor for them. */
static const char *role(const struct ingot_voa_verifier *v)
{
        return v->purpose + (v->anchor ? strlen(INGOT_VOA_ANCHOR_PREFIX) : 0);
}

static bool is_of_group(const struct group *g, const struct ingot_voa_verifier *v)
{
        return g->of && strcmp(g->of->os, v->os) == 0 && strcmp(role(g->of), role(v)) == 0 &&
               strcmp(g->of->context, v->context) == 0 && g->of->technology == v->technology;
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
        l.purpose = role(v);
        l.context = v->context;
        l.technology = (int) v->technology;
        l.name = NULL;
        l.anchors = true;
        int r = ingot_voa_find(&l, &result, reterr);
        if (r < 0)
                return r;
        ingot_key_files_done(&g->keys);
        g->of = v;
        return ingot_voa_keys(&result, l.paths, &g->keys, reterr);
}

#if HAVE_PACKAGES
static int certify_openpgp(const struct group *g, const struct ingot_voa_verifier *v, uint64_t now,
                           struct trust_certification *c, ingot_error *reterr)
{
        _cleanup_free_ char *fingerprint = NULL;
        const char *fault = NULL;
        if (!g->keys.anchored || v->anchor)
                return 0;
        c->wanted = true;
        int r = ingot_format(&fingerprint, reterr, "%.*s", (int) strcspn(v->name, "."), v->name);
        if (r >= 0)
                r = ingot_openpgp_certified(&g->keys, fingerprint, now, now, &c->anchors, &fault,
                                            reterr);
        if (r < 0 || c->anchors.count > 0)
                return r;
        return ingot_strdup(&c->fault, fault ? fault : "no trust anchor certifies its key", reterr);
}
#else
static int certify_openpgp(const struct group *g, const struct ingot_voa_verifier *v, uint64_t now,
                           struct trust_certification *c, ingot_error *reterr)
{
        (void) g, (void) v, (void) now, (void) c, (void) reterr; /* there are none */
        return 0;
}
#endif

static int judge_ssh(const struct group *g, const struct ingot_ssh_signer *line, uint64_t now,
                     struct trust_certification *c, ingot_error *reterr)
{
        const struct ingot_signature_request q = {.keys = &g->keys, .now = now};
        _cleanup_judgement_ struct ingot_judgement j = {0};
        const struct ingot_key_file *anchor;
        c->wanted = line->certified;
        int r = line->certified
                        ? ingot_ssh_anchor_judge(&q, &line->certificate, &j, &anchor, reterr)
                        : ingot_ssh_revoked(&g->keys, ingot_buffer_span(&line->blob), NULL,
                                            &j.reason, reterr);
        c->fault = TAKE_PTR(j.reason);
        c->anchors = j.anchors;
        j.anchors = (struct ingot_strings){0};
        return r;
}

static int certify_ssh(const struct group *g, const struct ingot_voa_verifier *v, uint64_t now,
                       struct trust_certification *c, ingot_error *reterr)
{
        _cleanup_ssh_signer_ struct ingot_ssh_signer line = {0};
        struct ingot_span left = ingot_buffer_span(&v->content);
        ingot_error error;
        unsigned number = 0;
        int r = ingot_ssh_signers_next(&left, &number, &line, &error);
        if (r > 0)
                r = judge_ssh(g, &line, now, c, &error);
        else if (r == 0)
                r = ingot_fail(&error, INGOT_E_UNSUPPORTED, "a kind of keys that is not known");
        if (r == -INGOT_E_FORMAT || r == -INGOT_E_UNSUPPORTED || r == -INGOT_E_LIMIT)
                return ingot_format(&c->fault, reterr, "it could not be checked: %s", error.text);
        if (r < 0 && reterr)
                *reterr = error;
        return r < 0 ? r : 0;
}

static int certify(struct trust_found *f, const struct ingot_voa_lookup *lookup,
                   ingot_error *reterr)
{
        __attribute__((cleanup(group_done))) struct group g = {0};
        uint64_t now = (uint64_t) time(NULL);
        for (size_t i = 0; i < f->result.verifier_count; i++) {
                const struct ingot_voa_verifier *v = f->result.verifiers + i;
                struct trust_certification *c = f->certifications + i;
                bool ssh = v->technology == INGOT_TECHNOLOGY_SSH;
                if (v->state != INGOT_VOA_USED ||
                    (!ssh && v->technology != INGOT_TECHNOLOGY_OPENPGP))
                        continue;
                int r = is_of_group(&g, v) ? 0 : find_group(&g, lookup, v, reterr);
                if (r >= 0)
                        r = ssh ? certify_ssh(&g, v, now, c, reterr)
                                : certify_openpgp(&g, v, now, c, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

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
