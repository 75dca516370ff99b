/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of technologies, and the counting of their answers. */
#include "trust/signature.h"
#include "base/cleanup.h"
#include "format/minisign.h"
#include "format/sshsig.h"
#include "trust/minisign.h"
#include "trust/ssh.h"
#include "trust/x509.h"
#if HAVE_PACKAGES
#include "trust/openpgp.h"
#endif

typedef int (*judge_fn)(const struct ingot_signature_request *q, struct ingot_span signature,
                        struct ingot_verdict *v, ingot_error *reterr);

static const struct {
        enum ingot_technology technology;
        bool (*recognise)(struct ingot_span text);
        judge_fn judge;
} technologies[] = {
        {INGOT_TECHNOLOGY_SSH, ingot_sshsig_recognise, ingot_ssh_judge},
        {INGOT_TECHNOLOGY_X509, ingot_x509_recognise, ingot_x509_judge},
        {INGOT_TECHNOLOGY_MINISIGN, ingot_minisign_recognise, ingot_minisign_judge},
#if HAVE_PACKAGES
        {INGOT_TECHNOLOGY_OPENPGP, ingot_openpgp_recognise, ingot_openpgp_judge},
#endif
};

static int find(struct ingot_span signature, size_t *ret, ingot_error *reterr)
{
        for (*ret = 0; *ret < ARRAY_SIZE(technologies); ++*ret)
                if (technologies[*ret].recognise(signature))
                        return 0;
        return ingot_fail(reterr, INGOT_E_FORMAT, "no signature that ingot knows%s",
                          HAVE_PACKAGES ? "" : " (this ingot is built without OpenPGP)");
}

int ingot_signature_recognise(struct ingot_span signature, enum ingot_technology *ret,
                              ingot_error *reterr)
{
        size_t index;
        int r = find(signature, &index, reterr);
        if (r >= 0)
                *ret = technologies[index].technology;
        return r;
}

static int judge_file(const struct ingot_signature_request *q,
                      const struct ingot_signature_file *file, struct ingot_verdict *v,
                      ingot_error *reterr)
{
        size_t index, first = v->count;
        int r = find(file->content, &index, reterr);
        if (r >= 0)
                r = technologies[index].judge(q, file->content, v, reterr);
        ingot_under(reterr, r, "%s", file->name);
        for (size_t i = first; r >= 0 && i < v->count; i++)
                r = ingot_strdup(&v->items[i].signature, file->name, reterr);
        return r;
}

/* Hands the verdict out; 0 or 1. */
static int answer(const struct ingot_signature_request *q, struct ingot_verdict *v,
                  struct ingot_verdict *ret)
{
        v->threshold = q->threshold ? q->threshold : 1;
        ingot_verdict_count(v);
        *ret = *v;
        *v = (struct ingot_verdict){0};
        return ret->holding < ret->threshold;
}

int ingot_signature_verify(const struct ingot_signature_request *q,
                           const struct ingot_signature_file *signatures, size_t count,
                           struct ingot_verdict *ret, ingot_error *reterr)
{
        _cleanup_verdict_ struct ingot_verdict v = {0};
        for (size_t i = 0; i < count; i++) {
                int r = judge_file(q, &signatures[i], &v, reterr);
                if (r < 0)
                        return r;
        }
        return answer(q, &v, ret);
}

bool ingot_signature_inside(struct ingot_span document)
{
#if HAVE_PACKAGES
        return ingot_openpgp_recognise_clear(document);
#else
        (void) document;
        return false;
#endif
}

int ingot_signature_verify_inside(const struct ingot_signature_request *q,
                                  struct ingot_span document, struct ingot_buffer *ret_text,
                                  struct ingot_verdict *ret, ingot_error *reterr)
{
        _cleanup_verdict_ struct ingot_verdict v = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
#if HAVE_PACKAGES
        int r = ingot_openpgp_judge_clear(q, document, &text, &v, reterr);
#else
        int r = ingot_fail(reterr, INGOT_E_UNSUPPORTED, "%zu bytes: ingot is built without OpenPGP",
                           document.size);
#endif
        if (r < 0)
                return r;
        r = answer(q, &v, ret);
        if (r == 0 && ret_text) {
                *ret_text = text;
                text = (struct ingot_buffer){0};
        }
        return r;
}

static int say(struct ingot_buffer *b, const struct ingot_judgement *j, ingot_error *reterr)
{
        return ingot_buffer_printf(b, reterr, "%sby %s key %s: %s", b->size ? "; " : "",
                                   ingot_technology_title(j->technology), j->key ? j->key : "?",
                                   j->reason);
}

/* "CN=first, CN=second": whose signatures hold. */
static int name_holders(const struct ingot_verdict *v, struct ingot_buffer *b, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < v->count; i++) {
                const struct ingot_judgement *j = v->items + i;
                const char *name = j->signer ? j->signer : j->key ? j->key : "?";
                if (!j->reason)
                        r = ingot_buffer_printf(b, reterr, "%s%s", b->size ? ", " : ", by ", name);
        }
        return r;
}

int ingot_verdict_error(const struct ingot_verdict *v, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer reasons = {0}, holders = {0};
        for (size_t i = 0; i < v->count; i++) {
                int r = v->items[i].reason ? say(&reasons, &v->items[i], reterr) : 0;
                if (r < 0)
                        return r;
        }
        const char *text = reasons.data ? (char *) reasons.data : "there is none";
        int r = name_holders(v, &holders, reterr);
        if (r < 0)
                return r;
        if (v->threshold > 1)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%zu of %zu signatures hold%s; %zu of the other keys must sign, "
                                  "too%s%s",
                                  v->holding, v->threshold,
                                  holders.data ? (char *) holders.data : "",
                                  v->threshold - v->holding, reasons.data ? ": " : "",
                                  reasons.data ? text : "");
        return ingot_fail(reterr, INGOT_E_REFUSED, "no signature holds: %s", text);
}
