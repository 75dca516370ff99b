/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One walk through a list both checks it and looks for what is asked. */
#include "format/ssh-krl.h"

static const char magic[] = "SSHKRL\n"; /* and the NUL behind it */

enum { VERSION = 1 };

enum section {
        SECTION_CERTIFICATES = 1,
        SECTION_KEYS = 2,
        SECTION_SHA1 = 3,
        SECTION_SIGNATURE = 4,
        SECTION_SHA256 = 5,
        SECTION_EXTENSION = 255
};

enum part {
        PART_SERIALS = 0x20,
        PART_RANGE = 0x21,
        PART_BITMAP = 0x22,
        PART_IDS = 0x23,
        PART_EXTENSION = 0x39
};

struct walk {
        const struct ingot_ssh_subject *subject; /* NULL: nothing is looked for */
        bool revoked;
        size_t keys, authorities;
        /* In a section of certificates: that of the subject when its authority's are meant. */
        const struct ingot_ssh_certificate *certificate;
};

static bool same(struct ingot_span a, struct ingot_span b)
{
        return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static int cut(const char *what, ingot_error *reterr)
{
        return ingot_fail(reterr, INGOT_E_FORMAT, "%s: malformed", what);
}

/* A kind of keys that ingot does not know may stand there: no signature is by one. */
static int check_key(struct ingot_span blob, ingot_error *reterr)
{
        struct ingot_ssh_key key;
        ingot_error error;
        if (ingot_ssh_certificate_recognise(blob))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a certificate where a key belongs");
        return ingot_ssh_key_decode(blob, &key, &error) == -INGOT_E_FORMAT
                       ? ingot_fail(reterr, INGOT_E_FORMAT, "%s", error.text)
                       : 0;
}

static int walk_keys(struct walk *w, struct ingot_span list, ingot_error *reterr)
{
        struct ingot_span one;
        while (ingot_ssh_string_next(&list, &one)) {
                int r = check_key(one, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "keys");
                w->keys++;
                w->revoked = w->revoked || (w->subject && same(one, w->subject->blob));
        }
        return list.size > 0 ? cut("keys", reterr) : 0;
}

static int walk_digests(struct walk *w, struct ingot_span list, const uint8_t *digest, size_t size,
                        ingot_error *reterr)
{
        struct ingot_span one;
        while (ingot_ssh_string_next(&list, &one)) {
                if (one.size != size)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "a digest of %zu bytes where %zu belong", one.size, size);
                w->keys++;
                w->revoked = w->revoked || (w->subject && same(one, INGOT_SPAN(digest, size)));
        }
        return list.size > 0 ? cut("digests of keys", reterr) : 0;
}

static int take_range(struct walk *w, uint64_t first, uint64_t last, ingot_error *reterr)
{
        if (first == 0 || first > last)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  first ? "serial numbers that end before they start"
                                        : "serial number 0, which is none");
        w->revoked = w->revoked || (w->certificate && w->certificate->serial >= first &&
                                    w->certificate->serial <= last);
        return 0;
}

static bool bit(struct ingot_span number, uint64_t n)
{
        return n / 8 < number.size && number.data[number.size - 1 - n / 8] >> n % 8 & 1;
}

static int walk_bitmap(struct walk *w, struct ingot_cursor *c, ingot_error *reterr)
{
        uint64_t first = ingot_cursor_be64(c);
        struct ingot_span bits = ingot_ssh_number(c);
        if (c->failed)
                return cut("serial numbers", reterr);
        uint64_t highest = 8 * (uint64_t) bits.size - 1;
        while (!bit(bits, highest))
                highest--;
        if (first == 0 && bit(bits, 0))
                return take_range(w, 0, 0, reterr);
        if (first + highest < first)
                return ingot_fail(reterr, INGOT_E_FORMAT, "serial numbers of more than 64 bits");
        w->revoked = w->revoked || (w->certificate && w->certificate->serial >= first &&
                                    bit(bits, w->certificate->serial - first));
        return 0;
}

static int walk_ids(struct walk *w, struct ingot_cursor *c)
{
        while (!c->failed && ingot_cursor_left(c) > 0) {
                struct ingot_span id = ingot_ssh_string(c);
                w->revoked = w->revoked ||
                             (!c->failed && w->certificate && same(id, w->certificate->id));
        }
        return 0;
}

static int walk_extension(struct ingot_cursor *c, ingot_error *reterr)
{
        struct ingot_span name = ingot_ssh_string(c);
        bool critical = ingot_cursor_u8(c) != 0;
        ingot_ssh_string(c);
        if (!c->failed && critical)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "the critical extension \"%.*s\"",
                                  (int) (name.size < 64 ? name.size : 64),
                                  (const char *) name.data);
        return 0;
}

static int walk_part(struct walk *w, uint8_t kind, struct ingot_span content, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(content);
        int r = 0;
        switch (kind) {
        case PART_SERIALS:
                while (r >= 0 && !c.failed && ingot_cursor_left(&c) > 0) {
                        uint64_t serial = ingot_cursor_be64(&c);
                        r = c.failed ? 0 : take_range(w, serial, serial, reterr);
                }
                break;
        case PART_RANGE: {
                uint64_t first = ingot_cursor_be64(&c), last = ingot_cursor_be64(&c);
                r = c.failed ? 0 : take_range(w, first, last, reterr);
                break;
        }
        case PART_BITMAP:
                r = walk_bitmap(w, &c, reterr);
                break;
        case PART_IDS:
                r = walk_ids(w, &c);
                break;
        case PART_EXTENSION:
                r = walk_extension(&c, reterr);
                break;
        default:
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "revocations of certificates of kind 0x%02x", kind);
        }
        return r < 0 ? r : c.failed || ingot_cursor_left(&c) > 0 ? cut("certificates", reterr) : 0;
}

/* The subject's certificate, when the section is about those of AUTHORITY. */
static const struct ingot_ssh_certificate *meant(const struct walk *w, struct ingot_span authority)
{
        const struct ingot_ssh_certificate *c = w->subject ? w->subject->certificate : NULL;
        return c && (authority.size == 0 || same(authority, c->authority.blob)) ? c : NULL;
}

static int walk_certificates(struct walk *w, struct ingot_span section, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(section);
        struct ingot_span authority = ingot_ssh_string(&c);
        ingot_ssh_string(&c); /* reserved */
        int r = c.failed              ? cut("certificates", reterr)
                : authority.size == 0 ? 0
                                      : check_key(authority, reterr);
        w->certificate = meant(w, authority);
        w->authorities++;
        while (r >= 0 && ingot_cursor_left(&c) > 0) {
                uint8_t kind = ingot_cursor_u8(&c);
                struct ingot_span content = ingot_ssh_string(&c);
                r = c.failed ? cut("certificates", reterr) : walk_part(w, kind, content, reterr);
        }
        return r;
}

static int walk_section(struct walk *w, uint8_t kind, struct ingot_span content,
                        ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(content);
        int r;
        switch (kind) {
        case SECTION_CERTIFICATES:
                return walk_certificates(w, content, reterr);
        case SECTION_KEYS:
                return walk_keys(w, content, reterr);
        case SECTION_SHA1:
                return walk_digests(w, content, w->subject ? w->subject->sha1 : NULL,
                                    sizeof(w->subject->sha1), reterr);
        case SECTION_SHA256:
                return walk_digests(w, content, w->subject ? w->subject->sha256 : NULL,
                                    sizeof(w->subject->sha256), reterr);
        case SECTION_EXTENSION:
                r = walk_extension(&c, reterr);
                return r < 0                                   ? r
                       : c.failed || ingot_cursor_left(&c) > 0 ? cut("an extension", reterr)
                                                               : 0;
        case SECTION_SIGNATURE:
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "it is signed in itself, as OpenSSH does not have it any more: "
                                  "write it anew with ssh-keygen -k");
        default:
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "revocations of kind %u", kind);
        }
}

static int walk(struct walk *w, struct ingot_span sections, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(sections);
        while (ingot_cursor_left(&c) > 0) {
                uint8_t kind = ingot_cursor_u8(&c);
                struct ingot_span content = ingot_ssh_string(&c);
                int r = c.failed ? cut("a section", reterr)
                                 : walk_section(w, kind, content, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

bool ingot_ssh_krl_recognise(struct ingot_span bytes)
{
        return bytes.size >= sizeof(magic) && memcmp(bytes.data, magic, sizeof(magic)) == 0;
}

int ingot_ssh_krl_decode(struct ingot_span bytes, struct ingot_ssh_krl *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(bytes);
        struct walk w = {0};
        if (!ingot_ssh_krl_recognise(bytes))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no key revocation list of OpenSSH");
        ingot_cursor_skip(&c, sizeof(magic));
        uint32_t version = ingot_cursor_be32(&c);
        struct ingot_ssh_krl krl = {.version = ingot_cursor_be64(&c)};
        krl.created = ingot_cursor_be64(&c);
        ingot_cursor_be64(&c); /* flags */
        ingot_ssh_string(&c);  /* reserved */
        krl.comment = ingot_ssh_string(&c);
        if (c.failed)
                return cut("the revocation list's header", reterr);
        if (version != VERSION)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "revocation lists of version %u",
                                  version);
        krl.sections = INGOT_SPAN(bytes.data + c.at, bytes.size - c.at);
        int r = walk(&w, krl.sections, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "the revocation list");
        krl.keys = w.keys;
        krl.authorities = w.authorities;
        *ret = krl;
        return 0;
}

bool ingot_ssh_krl_revokes(const struct ingot_ssh_krl *krl, const struct ingot_ssh_subject *s)
{
        struct walk w = {.subject = s};
        return walk(&w, krl->sections, NULL) < 0 || w.revoked;
}
