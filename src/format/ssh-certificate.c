/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A certificate of OpenSSH is the key's blob with a nonce in front and more behind it. */
#include "base/cleanup.h"
#include "format/sshsig.h"

static const struct {
        const char *type, *plain;
        unsigned fields; /* strings of the key */
} kinds[] = {
        {"ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1},
        {"ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2},
        {"ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2},
        {"ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2},
        {"ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2},
        {"sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", 2},
        {"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", 3},
};

static size_t kind_of(struct ingot_span type)
{
        size_t i = 0;
        while (i < ARRAY_SIZE(kinds) && (strlen(kinds[i].type) != type.size ||
                                         memcmp(kinds[i].type, type.data, type.size) != 0))
                i++;
        return i;
}

bool ingot_ssh_certificate_recognise(struct ingot_span blob)
{
        struct ingot_cursor c = ingot_cursor_over(blob);
        struct ingot_span type = ingot_ssh_string(&c);
        return !c.failed && kind_of(type) < ARRAY_SIZE(kinds);
}

bool ingot_ssh_string_next(struct ingot_span *left, struct ingot_span *ret)
{
        struct ingot_cursor c = ingot_cursor_over(*left);
        struct ingot_span s = ingot_ssh_string(&c);
        if (left->size == 0 || c.failed)
                return false;
        *ret = s;
        *left = INGOT_SPAN(left->data + c.at, left->size - c.at);
        return true;
}

/* Nothing but strings, as many as fit a multiple of EACH. */
static bool is_list(struct ingot_span list, unsigned each)
{
        struct ingot_span one;
        unsigned count = 0;
        while (ingot_ssh_string_next(&list, &one))
                count++;
        return list.size == 0 && count % each == 0;
}

/* The key behind the nonce, as the blob that it has without a certificate. */
static int decode_key(struct ingot_cursor *c, size_t kind, struct ingot_span blob,
                      struct ingot_ssh_certificate *ret, ingot_error *reterr)
{
        uint8_t size[4];
        size_t from = c->at;
        for (unsigned i = 0; i < kinds[kind].fields; i++)
                ingot_ssh_string(c);
        if (c->failed)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the key in it is malformed");
        ingot_be32_store(size, (uint32_t) strlen(kinds[kind].plain));
        int r = ingot_buffer_append(&ret->plain, size, sizeof(size), reterr);
        if (r >= 0)
                r = ingot_buffer_append(&ret->plain, kinds[kind].plain, strlen(kinds[kind].plain),
                                        reterr);
        if (r >= 0)
                r = ingot_buffer_append(&ret->plain, blob.data + from, c->at - from, reterr);
        return r < 0 ? r : ingot_ssh_key_decode(ingot_buffer_span(&ret->plain), &ret->key, reterr);
}

static int decode_rest(struct ingot_cursor *c, struct ingot_span blob,
                       struct ingot_ssh_certificate *ret, ingot_error *reterr)
{
        ret->serial = ingot_cursor_be64(c);
        ret->type = ingot_cursor_be32(c);
        ret->id = ingot_ssh_string(c);
        ret->principals = ingot_ssh_string(c);
        ret->after = ingot_cursor_be64(c);
        ret->before = ingot_cursor_be64(c);
        ret->critical_options = ingot_ssh_string(c);
        struct ingot_span extensions = ingot_ssh_string(c);
        ingot_ssh_string(c); /* reserved */
        struct ingot_span authority = ingot_ssh_string(c);
        ret->signed_bytes = INGOT_SPAN(blob.data, c->at);
        struct ingot_span raw = ingot_ssh_string(c);
        if (c->failed || ingot_cursor_left(c) > 0 || !is_list(ret->principals, 1) ||
            !is_list(ret->critical_options, 2) || !is_list(extensions, 2))
                return ingot_fail(reterr, INGOT_E_FORMAT, "it is malformed");
        int r = ingot_ssh_key_decode(authority, &ret->authority, reterr);
        if (r >= 0)
                r = ingot_ssh_raw_decode(raw, &ret->authority, &ret->raw, reterr);
        return ingot_under(reterr, r, "its authority");
}

int ingot_ssh_certificate_decode(struct ingot_span blob, struct ingot_ssh_certificate *ret,
                                 ingot_error *reterr)
{
        _cleanup_ssh_certificate_ struct ingot_ssh_certificate certificate = {0};
        struct ingot_cursor c = ingot_cursor_over(blob);
        size_t kind = kind_of(ingot_ssh_string(&c));
        if (c.failed || kind == ARRAY_SIZE(kinds))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "no SSH certificate that is known");
        ingot_ssh_string(&c); /* a nonce */
        int r = decode_key(&c, kind, blob, &certificate, reterr);
        if (r >= 0)
                r = decode_rest(&c, blob, &certificate, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "the SSH certificate");
        *ret = certificate;
        certificate = (struct ingot_ssh_certificate){0};
        return 0;
}

void ingot_ssh_certificate_done(struct ingot_ssh_certificate *c)
{
        ingot_buffer_done(&c->plain);
}
