/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers to a signing request: judged, and made. */
#include "base/cleanup.h"
#include "image/sign-request.h"

#include <stdlib.h>
#include <string.h>

static bool same(const uint8_t *a, const uint8_t *b)
{
        return memcmp(a, b, INGOT_SHA256_SIZE) == 0;
}

static bool may_sign(const struct ingot_sign_wish *w, const uint8_t *identity)
{
        for (size_t i = 0; i < w->certificates.count; i++)
                if (same(ingot_certificate_fingerprint(w->certificates.items[i]), identity))
                        return true;
        for (size_t i = 0; i < w->openpgp_count; i++)
                if (same(w->openpgp[i]->identity, identity))
                        return true;
        return w->certificates.count + w->openpgp_count == 0;
}

static int check_answer(struct ingot_sign_request *q, const struct ingot_sign_thing *t, size_t i,
                        ingot_error *reterr)
{
        const struct ingot_sign_answer *a = t->answers + i;
        const uint8_t *identity = ingot_sign_answer_identity(a);
        const char *by = ingot_sign_answer_by(a);
        _cleanup_buffer_ struct ingot_buffer message = {0};
        struct ingot_span signature = ingot_buffer_span(&a->signature);
        int r = ingot_sign_to_be_signed(q, t, &message, reterr);
        if (r == 1)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "it is answered, but not all that it depends on");
        if (r < 0)
                return r;
        if (t->purpose == INGOT_PURPOSE_PCR)
                return ingot_key_verify(q->pcr_key, ingot_buffer_span(&message), signature, reterr);
        for (size_t k = 0; k < i; k++)
                if (same(ingot_sign_answer_identity(t->answers + k), identity))
                        return ingot_fail(reterr, INGOT_E_REFUSED, "\"%s\" answers twice", by);
        if (!may_sign(q->wishes + t->purpose, identity))
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "answered by \"%s\", whom the request does not name", by);
        r = a->openpgp ? ingot_openpgp_holder_verify(a->openpgp, ingot_buffer_span(&message),
                                                     signature, reterr)
                       : ingot_certificate_verify(a->certificate, ingot_buffer_span(&message),
                                                  signature, reterr);
        return ingot_under(reterr, r, "answer by \"%s\"", by);
}

int ingot_sign_check(struct ingot_sign_request *q, ingot_error *reterr)
{
        for (size_t i = 0; i < q->thing_count; i++)
                for (size_t k = 0; k < q->things[i].answer_count; k++) {
                        int r = check_answer(q, q->things + i, k, reterr);
                        if (r < 0)
                                return ingot_under(reterr, r, "%s", q->things[i].id);
                }
        return 0;
}

int ingot_sign_check_complete(struct ingot_sign_request *q, ingot_error *reterr)
{
        for (size_t i = 0; i < q->thing_count; i++) {
                const struct ingot_sign_thing *t = q->things + i;
                if (ingot_sign_is_answered(q, t))
                        continue;
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s has %zu of %llu answers: let the holder of a key run "
                                  "'ingot sign answer --key %s=KEY'",
                                  t->id, t->answer_count,
                                  (unsigned long long) q->wishes[t->purpose].threshold,
                                  ingot_purpose_word(t->purpose));
        }
        return ingot_sign_check(q, reterr);
}

static const uint8_t *signer_identity(const struct ingot_signer *s)
{
        return s->openpgp ? s->openpgp->identity : ingot_certificate_fingerprint(s->certificate);
}

/* Before any answer is made: a signer who can answer nothing of its purpose is a mistake. */
static int check_signer(const struct ingot_sign_request *q, const struct ingot_signer *s,
                        ingot_error *reterr)
{
        const struct ingot_sign_wish *w = q->wishes + s->purpose;
        const char *word = ingot_purpose_word(s->purpose);
        if (!w->wanted)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "key %s: the request wants no answer for %s", s->name, word);
        if (s->purpose == INGOT_PURPOSE_PCR)
                return ingot_key_equal(q->pcr_key, s->key)
                               ? 0
                               : ingot_fail(reterr, INGOT_E_REFUSED,
                                            "key %s: it is not the one whose public key is in the "
                                            "UKI (.pcrpkey)",
                                            s->name);
        if (!s->certificate && !s->openpgp)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "key %s: an answer for %s needs a certificate", s->name, word);
        if (!may_sign(w, signer_identity(s)))
                return ingot_fail(
                        reterr, INGOT_E_REFUSED,
                        "key %s: \"%s\" is not among those who may answer for %s", s->name,
                        s->openpgp ? s->openpgp->name : ingot_certificate_subject(s->certificate),
                        word);
        return 0;
}

static bool has_answered(const struct ingot_sign_thing *t, const struct ingot_signer *s)
{
        for (size_t i = 0; i < t->answer_count; i++)
                if (t->purpose == INGOT_PURPOSE_PCR ||
                    same(ingot_sign_answer_identity(t->answers + i), signer_identity(s)))
                        return true;
        return false;
}

/* Answers stand in the order of their identities, whoever came first. */
static int put_answer(struct ingot_sign_thing *t, struct ingot_sign_answer *a, ingot_error *reterr)
{
        struct ingot_sign_answer *more =
                reallocarray(t->answers, t->answer_count + 1, sizeof(*more));
        const uint8_t *identity = ingot_sign_answer_identity(a);
        size_t at = t->answer_count;
        if (!more)
                return ingot_fail_nomem(reterr);
        t->answers = more;
        for (; at > 0 && identity &&
               memcmp(ingot_sign_answer_identity(more + at - 1), identity, INGOT_SHA256_SIZE) > 0;
             at--)
                more[at] = more[at - 1];
        more[at] = *a;
        *a = (struct ingot_sign_answer){0};
        t->answer_count++;
        return 0;
}

static void answer_done(struct ingot_sign_answer *a)
{
        ingot_certificate_free(a->certificate);
        ingot_openpgp_holder_free(a->openpgp);
        ingot_buffer_done(&a->signature);
}

/* 1: it cannot be known yet what is to be signed. */
static int sign_thing(struct ingot_sign_request *q, struct ingot_sign_thing *t,
                      const struct ingot_signer *s, ingot_error *reterr)
{
        _cleanup_(answer_done) struct ingot_sign_answer a = {0};
        _cleanup_buffer_ struct ingot_buffer message = {0};
        int r = ingot_sign_to_be_signed(q, t, &message, reterr);
        if (r != 0)
                return r;
        r = s->openpgp ? ingot_openpgp_holder_sign(s->openpgp, ingot_buffer_span(&message),
                                                   q->timestamp, &a.signature, reterr)
                       : ingot_key_sign(s->key, ingot_buffer_span(&message), &a.signature, reterr);
        if (r >= 0 && s->openpgp)
                r = ingot_openpgp_holder_decode(
                        &a.openpgp, ingot_buffer_span(&s->openpgp->certificate), reterr);
        else if (r >= 0 && t->purpose != INGOT_PURPOSE_PCR)
                r = ingot_certificate_decode(&a.certificate, ingot_certificate_der(s->certificate),
                                             reterr);
        return r < 0 ? ingot_under(reterr, r, "key %s", s->name) : put_answer(t, &a, reterr);
}

/* One signer is enough for all but a release, of which each may give an answer. */
static int answer_thing(struct ingot_sign_request *q, struct ingot_sign_thing *t,
                        const struct ingot_signers *signers, size_t *made, ingot_error *reterr)
{
        const struct ingot_signer *s = NULL;
        while ((s = ingot_signers_find(signers, t->purpose, s))) {
                if (has_answered(t, s) ||
                    (t->purpose != INGOT_PURPOSE_RELEASE && t->answer_count > 0))
                        continue;
                int r = sign_thing(q, t, s, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", t->id);
                *made += r == 0;
        }
        return 0;
}

int ingot_sign_answer(struct ingot_sign_request *q, const struct ingot_signers *signers,
                      size_t *ret_made, ingot_error *reterr)
{
        size_t made = 0;
        int r = ingot_sign_check(q, reterr);
        for (size_t i = 0; r >= 0 && i < signers->count; i++)
                r = check_signer(q, signers->items + i, reterr);
        for (size_t i = 0; r >= 0 && i < q->thing_count; i++)
                r = answer_thing(q, q->things + i, signers, &made, reterr);
        if (r >= 0)
                r = ingot_sign_check(q, reterr);
        if (r >= 0)
                *ret_made = made;
        return r < 0 ? r : 0;
}
