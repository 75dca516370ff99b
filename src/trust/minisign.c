/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What minisign and signify sign. */
#include "trust/minisign.h"
#include "base/cleanup.h"
#include "format/minisign.h"
#include "trust/evp.h"
#include "trust/verifier-kind.h"

#include <inttypes.h>
#include <stdlib.h>

/* The bytes that are signed: the content, or its BLAKE2b-512. */
static int signed_bytes(const struct ingot_reader *content, bool prehashed,
                        struct ingot_buffer *ret, ingot_error *reterr)
{
        if (prehashed) {
                uint8_t digest[INGOT_EVP_DIGEST_MAX];
                size_t size;
                int r = ingot_evp_digest_reader(content, "BLAKE2B-512", digest, &size, reterr);
                return r < 0 ? r : ingot_buffer_append(ret, digest, size, reterr);
        }
        if (content->size > INGOT_MINISIGN_WHOLE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "the signature is over the file itself, which is checked up to "
                                  "%" PRIu64 " MiB only: sign it prehashed (minisign -S, "
                                  "version 0.9 or later, without -l)",
                                  INGOT_MINISIGN_WHOLE_MAX >> 20);
        int r = ingot_buffer_append_zeros(ret, (size_t) content->size, reterr);
        return r < 0 || ret->size == 0 ? r : ingot_read_at(content, 0, ret->data, ret->size, reterr);
}

static int check_comment(const struct ingot_minisign *m, const struct ingot_minisign_key *key,
                         struct ingot_judgement *j, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_buffer_append(&text, m->signature, sizeof(m->signature), reterr);
        if (r >= 0)
                r = ingot_buffer_append(&text, m->comment.data, m->comment.size, reterr);
        if (r >= 0)
                r = ingot_evp_ed25519_verify(
                        key->key, ingot_buffer_span(&text),
                        INGOT_SPAN(m->comment_signature, sizeof(m->comment_signature)), reterr);
        if (r > 0)
                return ingot_judgement_refuse(j, reterr, "the trusted comment was changed");
        if (r < 0)
                return r;
        return ingot_format(&j->comment, reterr, "%.*s", (int) m->comment.size,
                            (const char *) m->comment.data);
}

static int judge_key(const struct ingot_signature_request *q, const struct ingot_minisign *m,
                     const struct ingot_minisign_key *key, struct ingot_judgement *j,
                     ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = signed_bytes(q->content, m->prehashed, &text, reterr);
        if (r >= 0)
                r = ingot_evp_ed25519_verify(key->key, ingot_buffer_span(&text),
                                             INGOT_SPAN(m->signature, sizeof(m->signature)),
                                             reterr);
        if (r > 0)
                return ingot_judgement_refuse(j, reterr, "the signature does not match");
        return r < 0 || !m->has_comment ? r : check_comment(m, key, j, reterr);
}

/* The key file with that number; 1 when there is none. */
static int find_key(const struct ingot_signature_request *q, const struct ingot_minisign *m,
                    enum ingot_technology technology, struct ingot_verdict *v,
                    const struct ingot_key_file **ret, struct ingot_minisign_key *ret_key,
                    ingot_error *reterr)
{
        for (size_t i = 0; i < q->keys->count; i++) {
                const struct ingot_key_file *f = &q->keys->items[i];
                struct ingot_minisign_key key;
                if (f->anchor || (f->load_path ? f->technology != technology
                                               : !ingot_verifier_fits(f->technology, technology)))
                        continue;
                int r = ingot_minisign_decode_key(ingot_buffer_span(&f->content), &key, reterr);
                if (r < 0 && (r = ingot_verdict_bad_key(v, f, r, reterr)) < 0)
                        return r;
                if (r > 0 || memcmp(key.number, m->number, sizeof(key.number)) != 0)
                        continue;
                *ret = f;
                *ret_key = key;
                return 0;
        }
        return 1;
}

int ingot_minisign_judge(const struct ingot_signature_request *q, struct ingot_span signature,
                         struct ingot_verdict *v, ingot_error *reterr)
{
        struct ingot_minisign m;
        struct ingot_minisign_key key;
        struct ingot_judgement *j;
        const struct ingot_key_file *file = NULL;
        char number[17];
        int found = 0, r = ingot_minisign_decode(signature, &m, reterr);
        enum ingot_technology t =
                r >= 0 && m.has_comment ? INGOT_TECHNOLOGY_MINISIGN : INGOT_TECHNOLOGY_SIGNIFY;
        if (r >= 0)
                found = r = find_key(q, &m, t, v, &file, &key, reterr);
        if (r >= 0)
                r = ingot_verdict_add(v, t, &j, reterr);
        if (r < 0)
                return r;
        ingot_minisign_number_text(m.number, number);
        j->verifier = file;
        j->algorithm = m.prehashed ? "Ed25519 with BLAKE2b-512" : "Ed25519";
        r = ingot_strdup(&j->key, number, reterr);
        if (r < 0)
                return r;
        if (found > 0)
                return ingot_judgement_refuse(j, reterr, "no verifier has its key");
        j->identity = malloc(2 * sizeof(key.key) + 1);
        if (!j->identity)
                return ingot_fail_nomem(reterr);
        ingot_hex(j->identity, key.key, sizeof(key.key));
        return judge_key(q, &m, &key, j, reterr);
}
