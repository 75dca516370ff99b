/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot trust show FILE */
#include "base/base64.h"
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "format/minisign.h"
#include "format/ssh-krl.h"
#include "os/file.h"
#include "trust/certificate.h"
#include "trust/verdict.h"
#include "trust/verifier-kind.h"
#include "trust/voa-check.h"
#include "trust/voa-name.h"
#if HAVE_PACKAGES
#include "trust/openpgp-certificate.h"
#endif

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What there is to say of a verifier, in its order; a list's members have one key. */
struct fact {
        const char *label, *key;
        char *value;
        bool list;
};

enum { FACTS_MAX = 64 };

struct facts {
        struct fact items[FACTS_MAX];
        size_t count;
};

static void facts_done(struct facts *f)
{
        for (size_t i = 0; i < f->count; i++)
                free(f->items[i].value);
}
#define _cleanup_facts_ _cleanup_(facts_done)

static int add(struct facts *f, const char *label, const char *key, const char *value,
               ingot_error *reterr)
{
        if (!value || f->count >= FACTS_MAX)
                return 0;
        struct fact *x = &f->items[f->count];
        *x = (struct fact){.label = label, .key = key};
        int r = ingot_strdup(&x->value, value, reterr);
        f->count += r >= 0;
        return r;
}

static int add_time(struct facts *f, const char *label, const char *key, uint64_t seconds,
                    ingot_error *reterr)
{
        char text[32];
        ingot_time_text(seconds, text);
        return add(f, label, key, text, reterr);
}

static int add_member(struct facts *f, const char *label, const char *key, const char *value,
                      ingot_error *reterr)
{
        size_t before = f->count;
        int r = add(f, label, key, value, reterr);
        if (f->count > before)
                f->items[before].list = true;
        return r;
}

#if HAVE_PACKAGES
static int add_openpgp_key(struct facts *f, const struct ingot_openpgp_key *k, ingot_error *reterr)
{
        _cleanup_free_ char *algorithm = NULL;
        int r = ingot_format(&algorithm, reterr, "%s, %u bits", k->algorithm, k->bits);
        if (r >= 0)
                r = add(f, "Algorithm", "algorithm", algorithm, reterr);
        if (r >= 0)
                r = add_time(f, "Created", "created", k->created, reterr);
        if (r >= 0 && k->expires)
                r = add_time(f, "Expires", "expires", k->expires, reterr);
        return r < 0 ? r : add(f, "Revoked", "revoked", k->revoked ? "yes" : "no", reterr);
}

static int add_subkey(struct facts *f, const struct ingot_openpgp_key *k, ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        int r = ingot_format(&text, reterr, "%s %s, %u bits%s%s", k->fingerprint, k->algorithm,
                             k->bits, k->can_sign ? ", signs" : "", k->revoked ? ", revoked" : "");
        return r < 0 ? r : add_member(f, "Subkey", "subkeys", text, reterr);
}

static int show_openpgp(struct facts *f, struct ingot_span content, ingot_error *reterr)
{
        _cleanup_openpgp_certificate_ struct ingot_openpgp_certificate c = {0};
        _cleanup_free_ char *more = NULL;
        int r = ingot_openpgp_certificate_decode(content, &c, reterr);
        if (r >= 0)
                r = add(f, "Fingerprint", "fingerprint", c.primary.fingerprint, reterr);
        if (r >= 0)
                r = add_openpgp_key(f, &c.primary, reterr);
        for (size_t i = 0; r >= 0 && i < c.user_ids.count; i++)
                r = add_member(f, "User ID", "user_ids", c.user_ids.items[i], reterr);
        for (size_t i = 0; r >= 0 && i < c.subkey_count; i++)
                r = add_subkey(f, c.subkeys + i, reterr);
        if (r < 0 || c.certificate_count == 1)
                return r;
        r = ingot_format(&more, reterr, "%zu, of which the first is shown", c.certificate_count);
        return r < 0 ? r : add(f, "Certificates", "certificates", more, reterr);
}
#else
static int show_openpgp(struct facts *f, struct ingot_span content, ingot_error *reterr)
{
        (void) f, (void) content;
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "this build of ingot has no OpenPGP");
}
#endif

static int add_member_span(struct facts *f, const char *label, const char *key,
                           struct ingot_span text, ingot_error *reterr)
{
        _cleanup_free_ char *value = NULL;
        int r = ingot_format(&value, reterr, "%.*s", (int) text.size, (const char *) text.data);
        return r < 0 ? r : add_member(f, label, key, value, reterr);
}

/* As ssh-keygen -l prints it. */
static int openssh_fingerprint(struct ingot_span blob, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *digest = NULL;
        uint8_t sha256[INGOT_SHA256_SIZE];
        ingot_sha256_of(blob.data, blob.size, sha256);
        int r = ingot_base64_encode(INGOT_SPAN(sha256, sizeof(sha256)), &digest, reterr);
        return r < 0 ? r
                     : ingot_format(ret, reterr, "SHA256:%.*s", (int) strcspn(digest, "="), digest);
}

/* Its kind and its fingerprints. */
static int show_ssh_blob(struct facts *f, struct ingot_span blob, ingot_error *reterr)
{
        _cleanup_free_ char *fingerprint = NULL, *type = NULL;
        uint8_t sha256[INGOT_SHA256_SIZE];
        char hex[2 * INGOT_SHA256_SIZE + 1];
        struct ingot_cursor c = ingot_cursor_over(blob);
        struct ingot_span name = ingot_ssh_string(&c);
        ingot_sha256_of(blob.data, blob.size, sha256);
        ingot_hex(hex, sha256, sizeof(sha256));
        int r = openssh_fingerprint(blob, &fingerprint, reterr);
        if (r >= 0)
                r = ingot_format(&type, reterr, "%.*s", (int) name.size, (const char *) name.data);
        if (r >= 0)
                r = add(f, "Fingerprint", "fingerprint", hex, reterr);
        if (r >= 0)
                r = add(f, "OpenSSH's", "openssh_fingerprint", fingerprint, reterr);
        return r < 0 ? r : add(f, "Algorithm", "algorithm", type, reterr);
}

/* A certificate: its key as above, and what its authority says of it. */
static int show_ssh_certificate(struct facts *f, const struct ingot_ssh_certificate *c,
                                ingot_error *reterr)
{
        _cleanup_free_ char *id = NULL, *serial = NULL, *authority = NULL;
        struct ingot_span left = c->principals, one;
        int r = show_ssh_blob(f, c->key.blob, reterr);
        if (r >= 0)
                r = ingot_format(&id, reterr, "%.*s", (int) c->id.size, (const char *) c->id.data);
        if (r >= 0)
                r = ingot_format(&serial, reterr, "%" PRIu64, c->serial);
        if (r >= 0)
                r = openssh_fingerprint(c->authority.blob, &authority, reterr);
        if (r >= 0)
                r = add(f, "Certificate", "certificate",
                        c->type == INGOT_SSH_USER ? "user" : "host", reterr);
        if (r >= 0)
                r = add(f, "ID", "id", id, reterr);
        if (r >= 0)
                r = add(f, "Serial", "serial", serial, reterr);
        if (r >= 0)
                r = add(f, "Authority", "authority", authority, reterr);
        while (r >= 0 && ingot_ssh_string_next(&left, &one))
                r = add_member_span(f, "Principal", "principals", one, reterr);
        if (r >= 0)
                r = add_time(f, "Valid from", "not_before", c->after, reterr);
        if (r >= 0 && c->before != UINT64_MAX)
                r = add_time(f, "Valid to", "not_after", c->before, reterr);
        left = c->critical_options;
        while (r >= 0 && ingot_ssh_string_next(&left, &one)) {
                r = add_member_span(f, "Critical", "critical_options", one, reterr);
                ingot_ssh_string_next(&left, &one); /* its value */
        }
        return r;
}

static int show_krl(struct facts *f, struct ingot_span content, ingot_error *reterr)
{
        _cleanup_free_ char *version = NULL, *keys = NULL, *authorities = NULL, *comment = NULL;
        struct ingot_ssh_krl krl;
        int r = ingot_ssh_krl_decode(content, &krl, reterr);
        if (r >= 0)
                r = ingot_format(&version, reterr, "%" PRIu64, krl.version);
        if (r >= 0)
                r = ingot_format(&keys, reterr, "%zu", krl.keys);
        if (r >= 0)
                r = ingot_format(&authorities, reterr, "%zu", krl.authorities);
        if (r >= 0)
                r = ingot_format(&comment, reterr, "%.*s", (int) krl.comment.size,
                                 (const char *) krl.comment.data);
        if (r >= 0)
                r = add(f, "Version", "version", version, reterr);
        if (r >= 0)
                r = add_time(f, "Created", "created", krl.created, reterr);
        if (r >= 0 && krl.comment.size > 0)
                r = add(f, "Comment", "comment", comment, reterr);
        if (r >= 0)
                r = add(f, "Keys", "revoked_keys", keys, reterr);
        return r < 0 ? r : add(f, "Authorities", "authorities", authorities, reterr);
}

static int show_ssh_key(struct facts *f, struct ingot_span blob, ingot_error *reterr)
{
        _cleanup_ssh_certificate_ struct ingot_ssh_certificate c = {0};
        if (!ingot_ssh_certificate_recognise(blob))
                return show_ssh_blob(f, blob, reterr);
        int r = ingot_ssh_certificate_decode(blob, &c, reterr);
        return r < 0 ? r : show_ssh_certificate(f, &c, reterr);
}

static int show_ssh(struct facts *f, struct ingot_span content, ingot_error *reterr)
{
        size_t count = 0;
        int r = 0;
        if (ingot_ssh_krl_recognise(content))
                return show_krl(f, content, reterr);
        for (size_t at = 0; r >= 0 && at < content.size;) {
                _cleanup_buffer_ struct ingot_buffer blob = {0};
                const uint8_t *end = memchr(content.data + at, '\n', content.size - at);
                size_t n = end ? (size_t) (end - content.data) - at : content.size - at;
                struct ingot_span line = INGOT_SPAN(content.data + at, n);
                at += n + 1;
                if (n > 0 && line.data[n - 1] == '\r')
                        line.size--;
                if (n > 0 && *line.data != '#' && ingot_verifier_ssh_blob(line, &blob, NULL) == 0 &&
                    count++ == 0)
                        r = show_ssh_key(f, ingot_buffer_span(&blob), reterr);
        }
        _cleanup_free_ char *more = NULL;
        if (r >= 0 && count > 1)
                r = ingot_format(&more, reterr, "%zu, of which the first is shown", count);
        return r < 0 ? r : add(f, "Keys", "keys", more, reterr);
}

static int show_public_key(struct facts *f, struct ingot_span content, ingot_error *reterr)
{
        struct ingot_key *key = NULL;
        int r = ingot_key_decode_public(&key, content, reterr);
        if (r < 0)
                return r;
        r = add(f, "Algorithm", "algorithm", ingot_key_algorithm(key), reterr);
        ingot_key_free(key);
        return r;
}

static int show_certificate(struct facts *f, const struct ingot_certificate *c, ingot_error *reterr)
{
        struct ingot_key *key = NULL;
        char hex[2 * INGOT_SHA256_SIZE + 1];
        ingot_hex(hex, ingot_certificate_fingerprint(c), INGOT_SHA256_SIZE);
        int r = add(f, "Fingerprint", "fingerprint", hex, reterr);
        if (r >= 0)
                r = add(f, "Subject", "subject", ingot_certificate_subject(c), reterr);
        if (r >= 0)
                r = add(f, "Issuer", "issuer", ingot_certificate_issuer(c), reterr);
        if (r >= 0)
                r = add_time(f, "Valid from", "not_before",
                             (uint64_t) ingot_certificate_not_before(c), reterr);
        if (r >= 0)
                r = add_time(f, "Valid to", "not_after", (uint64_t) ingot_certificate_not_after(c),
                             reterr);
        if (r >= 0 && ingot_certificate_key(c, &key, NULL) >= 0)
                r = add(f, "Algorithm", "algorithm", ingot_key_algorithm(key), reterr);
        ingot_key_free(key);
        return r;
}

static int show_x509(struct facts *f, struct ingot_span content, ingot_error *reterr)
{
        static const char begin[] = "-----BEGIN CERTIFICATE-----";
        _cleanup_certificate_ struct ingot_certificate *c = NULL;
        if (!memmem(content.data, content.size, begin, strlen(begin)))
                return show_public_key(f, content, reterr);
        int r = ingot_certificate_decode(&c, content, reterr);
        return r < 0 ? r : show_certificate(f, c, reterr);
}

static int show_minisign(struct facts *f, struct ingot_span content, ingot_error *reterr)
{
        struct ingot_minisign_key key;
        char number[17];
        int r = ingot_minisign_decode_key(content, &key, reterr);
        if (r < 0)
                return r;
        ingot_minisign_number_text(key.number, number);
        r = add(f, "Key number", "key_number", number, reterr);
        return r < 0 ? r : add(f, "Algorithm", "algorithm", "Ed25519", reterr);
}

static int show_content(struct facts *f, enum ingot_technology t, struct ingot_span content,
                        ingot_error *reterr)
{
        switch (t) {
        case INGOT_TECHNOLOGY_OPENPGP:
                return show_openpgp(f, content, reterr);
        case INGOT_TECHNOLOGY_SSH:
                return show_ssh(f, content, reterr);
        case INGOT_TECHNOLOGY_X509:
                return show_x509(f, content, reterr);
        default:
                return show_minisign(f, content, reterr);
        }
}

/* Whether VOA would take the file by its name, and under which one it would. */
static int add_name(struct facts *f, enum ingot_technology t, const char *file,
                    struct ingot_span content, ingot_error *reterr)
{
        const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
        const char *bad = ingot_voa_file_fault(t, name);
        _cleanup_free_ char *fingerprint = NULL, *detail = NULL, *text = NULL;
        enum ingot_voa_fault fault;
        int r = bad ? 1 : ingot_voa_check(t, name, false, content, &fault, &detail, reterr);
        if (r < 0)
                return r;
        if (r == 0)
                return add(f, "VOA's name", "voa_name", name, reterr);
        r = add(f, "Name", "name_fault", bad ? bad : detail, reterr);
        /* Not one key in it: then it has no name at all. */
        if (r < 0 || ingot_voa_fingerprint(t, content, &fingerprint, NULL) < 0)
                return r;
        r = ingot_format(&text, reterr, "%s%s", fingerprint ? fingerprint : "NAME",
                         ingot_voa_suffix(t, content));
        return r < 0 ? r : add(f, "VOA's name", "voa_name", text, reterr);
}

static int print_json(const struct facts *f, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list = NULL;
        int r = ingot_json_new_object(&o, reterr);
        for (size_t i = 0; r >= 0 && i < f->count; i++) {
                const struct fact *x = f->items + i;
                bool first = i == 0 || strcmp(f->items[i - 1].key, x->key) != 0;
                if (x->list && first)
                        r = ingot_json_add_array(o, x->key, &list, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(x->list ? list : o, x->list ? NULL : x->key,
                                                x->value, reterr);
        }
        return r < 0 ? r : json_print(o, reterr);
}

static void print_facts(const struct facts *f)
{
        for (size_t i = 0; i < f->count; i++) {
                printf("%-12s  ", f->items[i].label);
                print_text(stdout, f->items[i].value);
                putchar('\n');
        }
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const char *file = in->operands[0];
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_facts_ struct facts facts = {0};
        enum ingot_technology technology = 0;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, file, INGOT_VERIFIER_SIZE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        struct ingot_span content = INGOT_SPAN(data, size);
        r = ingot_verifier_recognise(content, &technology, reterr);
        if (r >= 0)
                r = add(&facts, "Technology", "technology", ingot_technology_name(technology),
                        reterr);
        if (r >= 0)
                r = show_content(&facts, technology, content, reterr);
        if (r >= 0 && !ingot_ssh_krl_recognise(content)) /* whose name says nothing */
                r = add_name(&facts, technology, file, content, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", file);
        if (in->json)
                return print_json(&facts, reterr);
        print_facts(&facts);
        return 0;
}

static const struct option rows[] = {
        OPTION_JSON,
        {0},
};

static const struct example examples[] = {
        {"ingot trust show arch.pub", "What kind of key a file holds, and which one"},
        {"ingot trust show arch.pub --json", "The same for a program"},
        {0},
};

const struct command cmd_trust_show = {
        .name = "trust show",
        .synopsis = "FILE",
        .summary = "Show what a key or certificate is",
        .details = "FILE is an OpenPGP certificate, an SSH public key, certificate or revocation "
                   "list, an X.509 certificate or public key in PEM, or a key of minisign or "
                   "signify; its content says which. Shown are fingerprint, algorithm, validity "
                   "and names, and how the file has to be called in a VOA hierarchy.\n"
                   "\n"
                   "Nothing is verified by this: what a certificate says of itself is shown as it "
                   "stands.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .run = run,
};
