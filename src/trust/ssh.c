/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may sign, and whether they did. */
#include "trust/ssh.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "format/sshsig.h"
#include "trust/evp.h"
#include "trust/ssh-anchor.h"
#include "trust/ssh-check.h"
#include "trust/ssh-revoked.h"

#include <inttypes.h>
#include <stdlib.h>

static bool is(struct ingot_span s, const char *text)
{
        return s.size == strlen(text) && memcmp(s.data, text, s.size) == 0;
}

/* 1: the signature does not match. */
static int check(const struct ingot_sshsig *s, const struct ingot_reader *content,
                 struct ingot_judgement *j, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        uint8_t digest[INGOT_EVP_DIGEST_MAX];
        size_t size;
        int r = ingot_evp_digest_reader(content, is(s->hash, "sha512") ? "SHA512" : "SHA256",
                                        digest, &size, reterr);
        if (r >= 0)
                r = ingot_sshsig_signed(s, INGOT_SPAN(digest, size), &bytes, reterr);
        return r < 0 ? r : ingot_ssh_check(&s->key, &s->raw, ingot_buffer_span(&bytes), j, reterr);
}

/* NULL when the limits of that line let the signature count, else why not. */
static const char *limit_fault(const struct ingot_signature_request *q,
                               const struct ingot_ssh_signer *line, const struct ingot_sshsig *s)
{
        if (line->namespaces.size > 0 && !ingot_ssh_patterns_match(line->namespaces, s->name_space))
                return "its key may not sign for this namespace";
        if (line->after && q->now < line->after)
                return "its key is not valid yet";
        if (line->before && q->now > line->before)
                return "its key is not valid any more";
        return NULL;
}

/* The same for a key that the line names itself. */
static const char *key_fault(const struct ingot_signature_request *q,
                             const struct ingot_ssh_signer *line)
{
        if (line->authority)
                return "its key is that of an authority, which signs nothing itself";
        if (q->identity && line->principals.size > 0 &&
            !ingot_ssh_patterns_match(line->principals,
                                      INGOT_SPAN(q->identity, strlen(q->identity))))
                return "its key is another signer's";
        if (q->identity && line->principals.size == 0)
                return "its key has no principal";
        return NULL;
}

/* What the key files say of the key; the first that allows it, or the first at all. */
struct allowed {
        const struct ingot_key_file *file; /* NULL: none has it */
        struct ingot_judgement says;       /* its signer, anchors, and reason */
};

static void allowed_done(struct allowed *a)
{
        ingot_judgement_done(&a->says);
}

/* Takes over what FILE says, if that is better than what is known. */
static void take(struct allowed *a, const struct ingot_key_file *file, struct ingot_judgement *says)
{
        if (a->file && (says->reason || !a->says.reason))
                return;
        struct ingot_judgement before = a->says;
        a->file = file;
        a->says = *says;
        *says = before; /* the caller frees it */
}

static bool same(struct ingot_span a, struct ingot_span b)
{
        return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static int judge_key(const struct ingot_signature_request *q, const struct ingot_ssh_signer *line,
                     const struct ingot_sshsig *s, struct ingot_judgement *j, ingot_error *reterr)
{
        _cleanup_free_ char *revoked = NULL;
        struct ingot_span text = line->principals.size ? line->principals : line->comment;
        const char *fault = key_fault(q, line);
        int r = text.size ? ingot_format(&j->signer, reterr, "%.*s", (int) text.size,
                                         (const char *) text.data)
                          : 0;
        if (r >= 0)
                r = ingot_ssh_revoked(q->keys, s->key.blob, NULL, &revoked, reterr);
        if (r < 0 || (!revoked && !fault))
                return r;
        return ingot_judgement_refuse(j, reterr, "%s", revoked ? revoked : fault);
}

/* What a line says that has the key, the key's certificate, or the key of the signature's
 * certificate's authority. */
static int take_line(const struct ingot_signature_request *q, const struct ingot_key_file *f,
                     const struct ingot_ssh_signer *line, const struct ingot_sshsig *s,
                     struct allowed *a, ingot_error *reterr)
{
        _cleanup_judgement_ struct ingot_judgement j = {0};
        const struct ingot_key_file *anchor;
        struct ingot_span blob =
                line->certified ? line->certificate.key.blob : ingot_buffer_span(&line->blob);
        const char *fault = limit_fault(q, line, s);
        int r = fault ? ingot_judgement_refuse(&j, reterr, "%s", fault) : 0;
        if (r < 0)
                return r;
        if (line->certified) {
                /* Beside its certificate a signature brings nothing; one that it brings counts by
                 * itself. Without VOA nothing says who certifies. */
                if (s->certified || !f->load_path || !same(blob, s->key.blob))
                        return 0;
                r = ingot_ssh_anchor_judge(q, &line->certificate, &j, &anchor, reterr);
        } else if (s->certified) {
                if (!line->authority || !same(blob, s->certificate.authority.blob))
                        return 0;
                r = ingot_ssh_certificate_judge(q, &s->certificate, &line->principals, &j, reterr);
        } else {
                if (!same(blob, s->key.blob))
                        return 0;
                r = judge_key(q, line, s, &j, reterr);
        }
        if (r >= 0)
                take(a, f, &j);
        return r;
}

/* What is wrong with the file itself is the file's fault, all else an error. */
static int read_file(const struct ingot_signature_request *q, const struct ingot_key_file *f,
                     const struct ingot_sshsig *s, struct ingot_verdict *v, struct allowed *a,
                     ingot_error *reterr)
{
        struct ingot_span left = ingot_buffer_span(&f->content);
        unsigned number = 0, count = 0;
        for (;;) {
                _cleanup_ssh_signer_ struct ingot_ssh_signer line = {0};
                int r = ingot_ssh_signers_next(&left, &number, &line, reterr);
                if (r < 0)
                        return ingot_verdict_bad_key(v, f, r, reterr);
                if (r == 0)
                        break;
                r = take_line(q, f, &line, s, a, reterr);
                if (r < 0)
                        return r;
                count += !line.certified || f->load_path;
        }
        if (count > 0)
                return 0;
        int r = ingot_fail(reterr, INGOT_E_FORMAT,
                           "holds no SSH key that is known; of a certificate name the authority, "
                           "in a line \"* cert-authority KEY\"");
        return ingot_verdict_bad_key(v, f, r, reterr);
}

static int find(const struct ingot_signature_request *q, const struct ingot_sshsig *s,
                struct ingot_verdict *v, struct allowed *a, ingot_error *reterr)
{
        _cleanup_judgement_ struct ingot_judgement j = {0};
        const struct ingot_key_file *anchor = NULL;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < q->keys->count; i++) {
                const struct ingot_key_file *f = &q->keys->items[i];
                if (f->technology != INGOT_TECHNOLOGY_SSH || f->anchor || f->revokes)
                        continue;
                r = read_file(q, f, s, v, a, reterr);
        }
        if (r >= 0 && s->certified)
                r = ingot_ssh_anchor_judge(q, &s->certificate, &j, &anchor, reterr);
        if (r >= 0 && anchor)
                take(a, anchor, &j);
        return r;
}

static int namespace_of(const struct ingot_signature_request *q, char **ret, ingot_error *reterr)
{
        if (!q->purpose)
                return ingot_strdup(ret, "file", reterr);
        return ingot_format(ret, reterr, "%s/%s", q->purpose, q->context ? q->context : "default");
}

static int describe_certificate(const struct ingot_ssh_certificate *c, struct ingot_judgement *j,
                                ingot_error *reterr)
{
        _cleanup_free_ char *before = TAKE_PTR(j->comment);
        return ingot_format(&j->comment, reterr, "%s, certificate \"%.*s\", serial %" PRIu64,
                            before, (int) c->id.size, (const char *) c->id.data, c->serial);
}

static int describe(const struct ingot_sshsig *s, struct ingot_judgement *j, ingot_error *reterr)
{
        static const char *const names[] = {"Ed25519", "RSA", "ECDSA", "Ed25519 in a token",
                                            "ECDSA in a token"};
        _cleanup_free_ char *text = NULL;
        uint8_t digest[INGOT_EVP_DIGEST_MAX];
        size_t size;
        int r = ingot_evp_digest(s->key.blob, "SHA256", digest, &size, reterr);
        if (r >= 0)
                r = ingot_base64_encode(INGOT_SPAN(digest, size), &text, reterr);
        if (r >= 0)
                r = ingot_format(&j->key, reterr, "SHA256:%.*s", (int) strcspn(text, "="), text);
        if (r >= 0)
                r = ingot_format(&j->comment, reterr, "namespace %.*s", (int) s->name_space.size,
                                 (const char *) s->name_space.data);
        if (r >= 0 && s->certified)
                r = describe_certificate(&s->certificate, j, reterr);
        j->algorithm = names[s->key.kind];
        return r;
}

int ingot_ssh_judge(const struct ingot_signature_request *q, struct ingot_span signature,
                    struct ingot_verdict *v, ingot_error *reterr)
{
        _cleanup_sshsig_ struct ingot_sshsig s = {0};
        _cleanup_(allowed_done) struct allowed a = {0};
        _cleanup_free_ char *name = NULL;
        struct ingot_judgement *j;
        int r = ingot_sshsig_decode(signature, &s, reterr);
        if (r >= 0)
                r = namespace_of(q, &name, reterr);
        if (r >= 0)
                r = find(q, &s, v, &a, reterr);
        if (r >= 0)
                r = ingot_verdict_add(v, INGOT_TECHNOLOGY_SSH, &j, reterr);
        if (r >= 0)
                r = describe(&s, j, reterr);
        if (r < 0)
                return r;
        j->verifier = a.file;
        j->signer = TAKE_PTR(a.says.signer);
        j->reason = TAKE_PTR(a.says.reason);
        j->anchors = a.says.anchors;
        a.says.anchors = (struct ingot_strings){0};
        if (!a.file)
                return ingot_judgement_refuse(
                        j, reterr, "no verifier has its key%s",
                        s.certified ? " or that of its certificate's authority" : "");
        if (j->reason)
                return 0;
        if (!is(s.name_space, name))
                return ingot_judgement_refuse(j, reterr, "it is for namespace \"%.*s\", not \"%s\"",
                                              (int) s.name_space.size,
                                              (const char *) s.name_space.data, name);
        r = check(&s, q->content, j, reterr);
        return r > 0 ? ingot_judgement_refuse(j, reterr, "the signature does not match") : r;
}
