/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as an SSH signature, and as a file of keys or allowed signers. */
#include "format/sshsig.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct ingot_span inner, struct ingot_span outer)
{
        if (inner.size > 0 &&
            (inner.data < outer.data || inner.data + inner.size > outer.data + outer.size))
                abort();
}

static void certificate(const struct ingot_ssh_certificate *c, struct ingot_span blob)
{
        const struct ingot_span parts[] = {
                c->authority.blob, c->raw.algorithm,   c->raw.signature, c->signed_bytes, c->id,
                c->principals,     c->critical_options};
        struct ingot_span left = c->principals, one;
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                check_inside(parts[i], blob);
        while (ingot_ssh_string_next(&left, &one))
                check_inside(one, blob);
        if (left.size > 0)
                abort(); /* it was checked to be strings */
}

static void signature(struct ingot_span text)
{
        _cleanup_sshsig_ struct ingot_sshsig s = {0};
        ingot_error error;
        if (ingot_sshsig_decode(text, &s, &error) < 0)
                return;
        struct ingot_span blob = ingot_buffer_span(&s.blob), n;
        const struct ingot_span of_key[] = {s.key.blob, s.key.type, s.key.point,
                                            s.key.e,    s.key.n,    s.key.application};
        const struct ingot_span parts[] = {s.name_space, s.reserved, s.hash, s.raw.algorithm,
                                           s.raw.signature};
        for (size_t i = 0; i < sizeof(of_key) / sizeof(of_key[0]); i++)
                check_inside(of_key[i],
                             s.certified ? ingot_buffer_span(&s.certificate.plain) : blob);
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                check_inside(parts[i], blob);
        if (s.certified)
                certificate(&s.certificate, blob);
        struct ingot_span left = s.raw.signature;
        while (ingot_sshsig_number(&left, &n, &error) == 0)
                check_inside(n, blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_span text = INGOT_SPAN(data, size), left = text;
        ingot_error error;
        unsigned line = 0;
        signature(text);
        for (;;) {
                _cleanup_ssh_signer_ struct ingot_ssh_signer s = {0};
                struct ingot_ssh_key key;
                if (ingot_ssh_signers_next(&left, &line, &s, &error) <= 0)
                        break;
                check_inside(s.principals, text);
                check_inside(s.namespaces, text);
                check_inside(s.comment, text);
                struct ingot_span blob = ingot_buffer_span(&s.blob);
                if (s.certified != ingot_ssh_certificate_recognise(blob) ||
                    (s.principals.size > 0 && !s.limited))
                        abort();
                if (s.certified)
                        certificate(&s.certificate, blob);
                else if (ingot_ssh_key_decode(blob, &key, &error) < 0)
                        abort();
                (void) ingot_ssh_patterns_match(s.principals, s.comment);
        }
        return 0;
}
