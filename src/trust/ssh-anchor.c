/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a certificate says of itself is judged before its authority's signature, which costs. */
#include "trust/ssh-anchor.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "trust/ssh-check.h"
#include "trust/ssh-revoked.h"

#include <stdlib.h>

static bool is(struct ingot_span s, const char *text)
{
        return s.size == strlen(text) && memcmp(s.data, text, s.size) == 0;
}

/* The principals that may sign, with commas between them; none: NULL. */
static int principals_of(const struct ingot_signature_request *q, const struct ingot_span *patterns,
                         const struct ingot_ssh_certificate *c, char **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer names = {0};
        struct ingot_span left = c->principals, one;
        int r = 0;
        while (r >= 0 && ingot_ssh_string_next(&left, &one))
                if ((!patterns || ingot_ssh_patterns_match(*patterns, one)) &&
                    (!q->identity || is(one, q->identity)))
                        r = ingot_buffer_printf(&names, reterr, "%s%.*s", names.size ? "," : "",
                                                (int) one.size, (const char *) one.data);
        *ret = r < 0 || names.size == 0 ? NULL : (char *) ingot_buffer_take(&names);
        return r;
}

/* NULL when the certificate lets its key sign; NAMES are its principals. */
static const char *certificate_fault(const struct ingot_signature_request *q,
                                     const struct ingot_ssh_certificate *c, const char *names)
{
        if (c->type != INGOT_SSH_USER)
                return "its certificate is a host's";
        if (c->critical_options.size > 0)
                return "its certificate has critical options, which are for logging in";
        if (q->now < c->after)
                return "its certificate is not valid yet";
        if (q->now >= c->before)
                return "its certificate is not valid any more";
        if (c->principals.size == 0)
                return "its certificate has no principal";
        return names ? NULL : "its certificate is another signer's";
}

int ingot_ssh_certificate_judge(const struct ingot_signature_request *q,
                                const struct ingot_ssh_certificate *c,
                                const struct ingot_span *patterns, struct ingot_judgement *j,
                                ingot_error *reterr)
{
        _cleanup_free_ char *names = NULL, *revoked = NULL;
        int r = principals_of(q, patterns, c, &names, reterr);
        if (r >= 0)
                r = ingot_ssh_revoked(q->keys, c->key.blob, c, &revoked, reterr);
        if (r < 0)
                return r;
        const char *fault = revoked ? revoked : certificate_fault(q, c, names);
        free(j->signer);
        j->signer = TAKE_PTR(names);
        if (fault)
                return ingot_judgement_refuse(j, reterr, "%s", fault);
        r = ingot_ssh_check(&c->authority, &c->raw, c->signed_bytes, j, reterr);
        return r > 0 ? ingot_judgement_refuse(j, reterr,
                                              "the authority's signature in its certificate does "
                                              "not match")
                     : r;
}

static bool holds_key(const struct ingot_key_file *f, struct ingot_span blob)
{
        struct ingot_span left = ingot_buffer_span(&f->content);
        _cleanup_ssh_signer_ struct ingot_ssh_signer line = {0};
        unsigned number = 0;
        return ingot_ssh_signers_next(&left, &number, &line, NULL) > 0 && !line.certified &&
               !line.limited && line.blob.size == blob.size &&
               memcmp(line.blob.data, blob.data, blob.size) == 0;
}

static const struct ingot_key_file *find_anchor(const struct ingot_key_files *files,
                                                struct ingot_span blob)
{
        for (size_t i = 0; i < files->count; i++) {
                const struct ingot_key_file *f = files->items + i;
                if (f->technology == INGOT_TECHNOLOGY_SSH && f->anchor && !f->revokes &&
                    holds_key(f, blob))
                        return f;
        }
        return NULL;
}

static bool is_masked(const struct ingot_key_files *files, struct ingot_span blob)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        char name[2 * INGOT_SHA256_SIZE + sizeof(".pub")];
        ingot_sha256_of(blob.data, blob.size, digest);
        ingot_hex(name, digest, sizeof(digest));
        memcpy(name + 2 * INGOT_SHA256_SIZE, ".pub", sizeof(".pub"));
        return ingot_strings_contains(&files->masked, name);
}

int ingot_ssh_anchor_judge(const struct ingot_signature_request *q,
                           const struct ingot_ssh_certificate *c, struct ingot_judgement *j,
                           const struct ingot_key_file **ret_anchor, ingot_error *reterr)
{
        const struct ingot_key_file *anchor = find_anchor(q->keys, c->authority.blob);
        *ret_anchor = anchor;
        if (!anchor)
                return ingot_judgement_refuse(j, reterr, "no trust anchor issued its certificate");
        if (is_masked(q->keys, c->key.blob))
                return ingot_judgement_refuse(j, reterr, "its key is masked");
        int r = ingot_ssh_certificate_judge(q, c, NULL, j, reterr);
        return r < 0 || j->reason ? r : ingot_strings_add(&j->anchors, anchor->path, reterr);
}
