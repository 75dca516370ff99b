/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Armour, and strings with a length before them. */
#include "format/sshsig.h"
#include "base/base64.h"
#include "base/cleanup.h"

static const char begin[] = "-----BEGIN SSH SIGNATURE-----";
static const char end[] = "-----END SSH SIGNATURE-----";

enum { TEXT_MAX = 1 << 20, ED25519_KEY = 32, ED25519_SIGNATURE = 64 };

static const struct {
        const char *type, *curve, *curve_name;
        enum ingot_ssh_kind kind;
} kinds[] = {
        {"ssh-ed25519", NULL, NULL, INGOT_SSH_ED25519},
        {"ssh-rsa", NULL, NULL, INGOT_SSH_RSA},
        {"ecdsa-sha2-nistp256", "nistp256", "P-256", INGOT_SSH_ECDSA},
        {"ecdsa-sha2-nistp384", "nistp384", "P-384", INGOT_SSH_ECDSA},
        {"ecdsa-sha2-nistp521", "nistp521", "P-521", INGOT_SSH_ECDSA},
        {"sk-ssh-ed25519@openssh.com", NULL, NULL, INGOT_SSH_SK_ED25519},
        {"sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", "P-256", INGOT_SSH_SK_ECDSA},
};

static bool is(struct ingot_span s, const char *text)
{
        return s.size == strlen(text) && memcmp(s.data, text, s.size) == 0;
}

static bool starts(struct ingot_span s, const char *prefix)
{
        return s.size >= strlen(prefix) && memcmp(s.data, prefix, strlen(prefix)) == 0;
}

struct ingot_span ingot_ssh_string(struct ingot_cursor *c)
{
        uint32_t n = ingot_cursor_be32(c);
        return ingot_cursor_take(c, n);
}

struct ingot_span ingot_ssh_number(struct ingot_cursor *c)
{
        struct ingot_span s = ingot_ssh_string(c);
        bool zero = s.size > 0 && s.data[0] == 0;
        if (s.size == 0 || s.data[0] & 0x80 || (zero && (s.size == 1 || !(s.data[1] & 0x80))))
                c->failed = true;
        return zero && !c->failed ? INGOT_SPAN(s.data + 1, s.size - 1) : s;
}

static size_t point_size(const char *curve)
{
        return 1 + 2 * (strcmp(curve, "P-256") == 0 ? 32 : strcmp(curve, "P-384") == 0 ? 48 : 66);
}

static void decode_point(struct ingot_cursor *c, const char *curve_name, const char *curve,
                         struct ingot_ssh_key *key)
{
        if (!is(ingot_ssh_string(c), curve_name))
                c->failed = true;
        key->curve = curve;
        key->point = ingot_ssh_string(c);
        if (c->failed || key->point.size != point_size(curve) || key->point.data[0] != 4)
                c->failed = true;
}

int ingot_ssh_key_decode(struct ingot_span blob, struct ingot_ssh_key *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(blob);
        struct ingot_ssh_key key = {.blob = blob, .type = ingot_ssh_string(&c)};
        size_t i = 0;
        if (c.failed)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the SSH key is malformed");
        for (; i < ARRAY_SIZE(kinds) && !is(key.type, kinds[i].type); i++)
                ;
        if (i == ARRAY_SIZE(kinds))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "SSH keys of kind %.*s",
                                  (int) (key.type.size < 64 ? key.type.size : 64),
                                  (const char *) key.type.data);
        key.kind = kinds[i].kind;
        if (kinds[i].curve)
                decode_point(&c, kinds[i].curve, kinds[i].curve_name, &key);
        else if (key.kind == INGOT_SSH_RSA)
                key.e = ingot_ssh_number(&c), key.n = ingot_ssh_number(&c);
        else if ((key.point = ingot_ssh_string(&c)).size != ED25519_KEY)
                c.failed = true;
        if (key.kind >= INGOT_SSH_SK_ED25519)
                key.application = ingot_ssh_string(&c);
        if (c.failed || ingot_cursor_left(&c) > 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the SSH key is malformed");
        *ret = key;
        return 0;
}

void ingot_sshsig_done(struct ingot_sshsig *s)
{
        ingot_buffer_done(&s->blob);
        ingot_ssh_certificate_done(&s->certificate);
}

bool ingot_sshsig_recognise(struct ingot_span text)
{
        return starts(text, begin);
}

static int decode_armour(struct ingot_span text, struct ingot_buffer *ret, ingot_error *reterr)
{
        if (text.size > TEXT_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%zu bytes are too many", text.size);
        if (!starts(text, begin))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no SSH signature");
        const uint8_t *from = text.data + sizeof(begin) - 1;
        const uint8_t *last = text.data + text.size;
        const uint8_t *to = memmem(from, (size_t) (last - from), end, sizeof(end) - 1);
        if (!to)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the end of the signature is missing");
        for (const uint8_t *p = to + sizeof(end) - 1; p < last; p++)
                if (*p != '\n' && *p != '\r')
                        return ingot_fail(reterr, INGOT_E_FORMAT, "%zu bytes behind the signature",
                                          (size_t) (last - p));
        return ingot_base64_decode(INGOT_SPAN(from, (size_t) (to - from)), ret, reterr);
}

int ingot_ssh_raw_decode(struct ingot_span bytes, const struct ingot_ssh_key *key,
                         struct ingot_ssh_raw *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(bytes);
        bool token = key->kind >= INGOT_SSH_SK_ED25519;
        struct ingot_ssh_raw raw = {.algorithm = ingot_ssh_string(&c)};
        raw.signature = ingot_ssh_string(&c);
        if (token) {
                struct ingot_span flags = ingot_cursor_take(&c, 1);
                raw.flags = flags.data ? *flags.data : 0;
                raw.counter = ingot_cursor_be32(&c);
        }
        bool ed25519 = key->kind == INGOT_SSH_ED25519 || key->kind == INGOT_SSH_SK_ED25519;
        if (c.failed || ingot_cursor_left(&c) > 0 ||
            (ed25519 && raw.signature.size != ED25519_SIGNATURE))
                return ingot_fail(reterr, INGOT_E_FORMAT, "the signature in it is malformed");
        if (key->kind != INGOT_SSH_RSA &&
            (raw.algorithm.size != key->type.size ||
             memcmp(raw.algorithm.data, key->type.data, raw.algorithm.size) != 0))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the signature is of another kind than its key");
        *ret = raw;
        return 0;
}

static int decode_key(struct ingot_span blob, struct ingot_sshsig *s, ingot_error *reterr)
{
        s->certified = ingot_ssh_certificate_recognise(blob);
        if (!s->certified)
                return ingot_ssh_key_decode(blob, &s->key, reterr);
        int r = ingot_ssh_certificate_decode(blob, &s->certificate, reterr);
        s->key = s->certificate.key;
        return r;
}

int ingot_sshsig_decode(struct ingot_span text, struct ingot_sshsig *ret, ingot_error *reterr)
{
        _cleanup_sshsig_ struct ingot_sshsig s = {0};
        int r = decode_armour(text, &s.blob, reterr);
        if (r < 0)
                return r;
        struct ingot_cursor c = ingot_cursor_over(ingot_buffer_span(&s.blob));
        bool magic = is(ingot_cursor_take(&c, 6), "SSHSIG");
        uint32_t version = ingot_cursor_be32(&c);
        struct ingot_span key = ingot_ssh_string(&c);
        s.name_space = ingot_ssh_string(&c);
        s.reserved = ingot_ssh_string(&c);
        s.hash = ingot_ssh_string(&c);
        struct ingot_span raw = ingot_ssh_string(&c);
        if (!magic || c.failed || ingot_cursor_left(&c) > 0 || s.name_space.size == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the SSH signature is malformed");
        if (version != 1)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "SSH signatures of version %u",
                                  version);
        if (!is(s.hash, "sha256") && !is(s.hash, "sha512"))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "an SSH signature of another digest than sha256 and sha512");
        r = decode_key(key, &s, reterr);
        if (r >= 0)
                r = ingot_ssh_raw_decode(raw, &s.key, &s.raw, reterr);
        if (r < 0)
                return r;
        *ret = s;
        s = (struct ingot_sshsig){0};
        return 0;
}

static int put_string(struct ingot_buffer *b, struct ingot_span s, ingot_error *reterr)
{
        uint8_t size[4];
        ingot_be32_store(size, (uint32_t) s.size);
        int r = ingot_buffer_append(b, size, sizeof(size), reterr);
        return r < 0 ? r : ingot_buffer_append(b, s.data, s.size, reterr);
}

int ingot_sshsig_signed(const struct ingot_sshsig *s, struct ingot_span digest,
                        struct ingot_buffer *ret, ingot_error *reterr)
{
        const struct ingot_span parts[] = {s->name_space, s->reserved, s->hash, digest};
        int r = ingot_buffer_append(ret, "SSHSIG", 6, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(parts); i++)
                r = put_string(ret, parts[i], reterr);
        return r;
}

int ingot_sshsig_number(struct ingot_span *left, struct ingot_span *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(*left);
        struct ingot_span n = ingot_ssh_number(&c);
        if (c.failed)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a number in the signature is malformed");
        *left = INGOT_SPAN(left->data + c.at, left->size - c.at);
        *ret = n;
        return 0;
}
