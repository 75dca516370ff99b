/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signatures of root hashes: the JSON of a verity-sig partition (UAPI.2 "Verity", as systemd-repart
 * writes it), and the PKCS#7 inside over the root hash's 64 digits. It is read strictly, so that
 * each byte of it counts: the three members, NULs behind the text.
 */
#include "base/base64.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/text.h"
#include "image/verify-state.h"
#include "trust/pkcs7.h"

#include <stdlib.h>
#include <string.h>

#define CHECK "verity signature"
#define SIZE_MAX_READ ((size_t) 4 << 20) /* as systemd */
#define HEX (2 * INGOT_SHA256_SIZE)

struct signature {
        char root_hash[HEX + 1], fingerprint[HEX + 1];
        struct ingot_buffer der;
};

static void signature_done(struct signature *s)
{
        ingot_buffer_done(&s->der);
}

static int get_text(struct json_object *o, const char *key, const char **ret, ingot_error *reterr)
{
        struct json_object *member;
        if (!json_object_object_get_ex(o, key, &member) ||
            !json_object_is_type(member, json_type_string))
                return ingot_fail(reterr, INGOT_E_FORMAT, "\"%s\" is missing", key);
        *ret = json_object_get_string(member);
        return 0;
}

static int get_digest(struct json_object *o, const char *key, char ret[HEX + 1],
                      ingot_error *reterr)
{
        const char *text;
        int r = get_text(o, key, &text, reterr);
        if (r >= 0 && (strlen(text) != HEX || strspn(text, "0123456789abcdef") != HEX))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "\"%s\" is no SHA-256 digest", key);
        if (r >= 0)
                memcpy(ret, text, HEX + 1);
        return r;
}

static int parse(const char *text, size_t size, struct signature *ret, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        const char *base64;
        size_t end = strlen(text);
        for (size_t i = end; i < size; i++)
                if (text[i])
                        return ingot_fail(reterr, INGOT_E_FORMAT, "bytes behind the JSON text");
        if (end == 0 || text[end - 1] != '}')
                return ingot_fail(reterr, INGOT_E_FORMAT, "the text does not end with its object");
        int r = ingot_json_parse(INGOT_SPAN(text, end), SIZE_MAX_READ, &o, reterr);
        if (r < 0)
                return r;
        if (!json_object_is_type(o, json_type_object) || json_object_object_length(o) != 3)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no JSON object of three members");
        r = get_digest(o, "rootHash", ret->root_hash, reterr);
        if (r >= 0)
                r = get_digest(o, "certificateFingerprint", ret->fingerprint, reterr);
        if (r >= 0)
                r = get_text(o, "signature", &base64, reterr);
        return r < 0 ? r
                     : ingot_base64_decode(INGOT_SPAN(base64, strlen(base64)), &ret->der, reterr);
}

static int read_signature(const struct ingot_image *image, struct signature *ret,
                          ingot_error *reterr)
{
        size_t size = (size_t) image->reader.size;
        if (image->reader.size > SIZE_MAX_READ)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a signature of more than %zu MiB",
                                  SIZE_MAX_READ >> 20);
        _cleanup_free_ char *text = calloc(1, size + 1);
        if (!text)
                return ingot_fail_nomem(reterr);
        int r = ingot_read_at(&image->reader, 0, text, size, reterr);
        return r < 0 ? r : parse(text, size, ret, reterr);
}

static bool is_of(const struct ingot_verify_pair *p, const char *root_hash)
{
        char hex[HEX + 1];
        if (!p->hash->root_hash_known)
                return false;
        ingot_hex(hex, p->hash->root_hash, INGOT_SHA256_SIZE);
        return strcmp(hex, root_hash) == 0;
}

static bool find_pair(const struct ingot_verify *v, const char *root_hash)
{
        for (size_t i = 0; i < v->pair_count; i++)
                if (is_of(v->pairs + i, root_hash))
                        return true;
        return false;
}

/* A partition's signature is one of the trees of its disk, a file's of those in files: a release
 * has the same tree in both. */
static void note(struct ingot_verify *v, const struct ingot_verify_file *file,
                 const struct ingot_image *part, const char *root_hash,
                 enum ingot_finding_state state)
{
        for (size_t i = 0; i < v->pair_count; i++) {
                struct ingot_verify_pair *p = v->pairs + i;
                bool beside = part ? p->file == file : !p->hash->partition;
                if (beside && is_of(p, root_hash))
                        p->signature = state;
        }
}

/* Who of them signed it; the fingerprint beside the signature is that one's. */
static int check_by(const struct signature *s, const struct ingot_certificates *by, char **ret,
                    ingot_error *reterr)
{
        char hex[HEX + 1];
        size_t which;
        int r = ingot_pkcs7_verify_pinned(ingot_buffer_span(&s->der), INGOT_SPAN(s->root_hash, HEX),
                                          by, &which, reterr);
        if (r < 0)
                return r;
        ingot_hex(hex, ingot_certificate_fingerprint(by->items[which]), INGOT_SHA256_SIZE);
        if (strcmp(hex, s->fingerprint) != 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "the fingerprint beside the signature is another certificate's");
        return ingot_strdup(ret, ingot_certificate_subject(by->items[which]), reterr);
}

/* The certificate that it brings along is the very one of the key, or it brings none. */
static int check_inside(const struct signature *s, const struct ingot_certificates *inside,
                        ingot_error *reterr)
{
        char hex[HEX + 1];
        for (size_t i = 0; i < inside->count; i++) {
                ingot_hex(hex, ingot_certificate_fingerprint(inside->items[i]), INGOT_SHA256_SIZE);
                if (strcmp(hex, s->fingerprint) == 0)
                        return 0;
        }
        return inside->count == 0
                       ? 0
                       : ingot_fail(reterr, INGOT_E_REFUSED,
                                    "the certificate that it brings along is not the signer's");
}

/* 0: holds; 1: it fits the certificate that it brings along, which nobody vouches for. All its
 * bytes count when nothing else than that certificate is beside the signature. */
static int check_signature(const struct ingot_verify *v, const struct signature *s, char **ret_by,
                           bool *ret_covered, ingot_error *reterr)
{
        const struct ingot_certificates *keys = v->options->verity;
        _cleanup_certificates_ struct ingot_certificates inside = {0};
        if (v->pair_count > 0 && !find_pair(v, s->root_hash))
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "it signs a root hash that no hash tree here has");
        int r = ingot_pkcs7_inside(ingot_buffer_span(&s->der), &inside, reterr);
        if (r >= 0 && !keys && inside.count == 0)
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                               "no certificate is in it: give it with --key=verity=FILE");
        if (r >= 0)
                r = check_by(s, keys ? keys : &inside, ret_by, reterr);
        if (r >= 0)
                r = check_inside(s, &inside, reterr);
        *ret_covered = r >= 0 && inside.count == 1;
        return r < 0 || keys ? r : 1;
}

static int visit(struct ingot_verify *v, struct ingot_verify_file *file, struct ingot_image *part,
                 struct ingot_image *program, struct ingot_image *image, ingot_error *reterr)
{
        __attribute__((cleanup(signature_done))) struct signature s = {.der = {0}};
        _cleanup_free_ char *by = NULL;
        ingot_error error = {0};
        bool covered = false;
        char *where;
        if (image->content != INGOT_CONTENT_VERITY_SIGNATURE || program ||
            (part && ingot_verify_is_empty_slot(part)))
                return 0;
        int r = ingot_verify_where(v, file, part, NULL, &where, reterr);
        if (r < 0)
                return r;
        int e = read_signature(image, &s, &error);
        if (e >= 0)
                e = check_signature(v, &s, &by, &covered, &error);
        if (s.root_hash[0])
                note(v, file, part, s.root_hash,
                     e == 0   ? INGOT_FINDING_HOLDS
                     : e == 1 ? INGOT_FINDING_NO_KEY
                              : INGOT_FINDING_REFUSED);
        if (covered)
                r = ingot_verify_cover(v, (struct ingot_verify_covered){.image = image}, reterr);
        if (r < 0) {
                free(where);
                return r;
        }
        if (e == 1)
                return ingot_verify_add(v, CHECK, where, INGOT_FINDING_NO_KEY, by,
                                        "no key was given that says whose it is", reterr);
        return ingot_verify_result(v, CHECK, where, by, e, &error, reterr);
}

/* A tree that nobody signed: refused when a key was given that should have. */
static int check_unsigned(struct ingot_verify *v, const struct ingot_verify_pair *p,
                          ingot_error *reterr)
{
        bool wanted = v->options->verity;
        char *where;
        if (p->signature != INGOT_FINDING_NOT_SIGNED)
                return 0;
        int r = ingot_verify_where(v, p->file, p->data->partition ? p->data : NULL, NULL, &where,
                                   reterr);
        return r < 0 ? r
                     : ingot_verify_add(v, CHECK, where,
                                        wanted ? INGOT_FINDING_REFUSED : INGOT_FINDING_NOT_SIGNED,
                                        NULL, "its root hash is not signed", reterr);
}

int ingot_verify_root_signatures(struct ingot_verify *v, ingot_error *reterr)
{
        int r = ingot_verify_each(v, visit, reterr);
        for (size_t i = 0; i < v->pair_count && r >= 0; i++)
                r = check_unsigned(v, v->pairs + i, reterr);
        return r;
}
