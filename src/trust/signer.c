/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificates are matched to keys by their public key, never by name or order. */
#include "trust/signer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "trust/verifier-kind.h"

#include <fcntl.h>

#define KEY_FILE_SIZE_MAX ((size_t) 1 << 20)
#define SIGNERS_MAX 64

static const struct {
        const char *word;
        unsigned kinds; /* bits of enum ingot_key_kind */
        bool bare;      /* needs no certificate */
} purposes[INGOT_PURPOSES] = {
        [INGOT_PURPOSE_SECURE_BOOT] = {"secure-boot", 1 << INGOT_KEY_RSA, false},
        [INGOT_PURPOSE_VERITY] = {"verity", 1 << INGOT_KEY_RSA | 1 << INGOT_KEY_EC, false},
        [INGOT_PURPOSE_PCR] = {"pcr", 1 << INGOT_KEY_RSA, true},
        [INGOT_PURPOSE_RELEASE] = {"release",
                                   1 << INGOT_KEY_RSA | 1 << INGOT_KEY_EC | 1 << INGOT_KEY_ED25519,
                                   false},
};

const char *ingot_purpose_word(enum ingot_purpose purpose)
{
        return purposes[purpose].word;
}

int ingot_purpose_parse(const char *word, enum ingot_purpose *ret, ingot_error *reterr)
{
        const char *words[INGOT_PURPOSES];
        for (size_t i = 0; i < INGOT_PURPOSES; i++) {
                words[i] = purposes[i].word;
                if (strcmp(word, words[i]) == 0) {
                        *ret = (enum ingot_purpose) i;
                        return 0;
                }
        }
        const char *near = ingot_nearest(word, words, INGOT_PURPOSES);
        return ingot_fail(reterr, INGOT_E_USAGE, "\"%s\" is no purpose of a key%s%s%s", word,
                          near ? ": did you mean \"" : " (secure-boot, verity, pcr, release)",
                          near ? near : "", near ? "\"?" : "");
}

/* "PURPOSE=REST" */
static int split(const char *text, enum ingot_purpose *ret_purpose, const char **ret_rest,
                 ingot_error *reterr)
{
        _cleanup_free_ char *word = NULL;
        const char *equals = strchr(text, '=');
        if (!equals || !equals[1])
                return ingot_fail(reterr, INGOT_E_USAGE, "\"%s\" is not PURPOSE=FILE", text);
        word = strndup(text, (size_t) (equals - text));
        if (!word)
                return ingot_fail_nomem(reterr);
        *ret_rest = equals + 1;
        return ingot_purpose_parse(word, ret_purpose, reterr);
}

/* The first of them that fits takes its place at the signer. */
static void take_fitting(struct ingot_signer *s, struct ingot_certificates *all)
{
        for (size_t i = 0; i < all->count && !s->certificate; i++)
                if (all->items[i] && ingot_certificate_fits(all->items[i], s->key))
                        s->certificate = TAKE_PTR(all->items[i]);
}

/* The file of the key may hold it; a file without certificates is none's fault. */
static int find_inside(struct ingot_signer *s, const char *where, ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates all = {0};
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, where, KEY_FILE_SIZE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        if (ingot_certificates_decode(&all, INGOT_SPAN(data, size), NULL) >= 0)
                take_fitting(s, &all);
        explicit_bzero(data, size);
        return 0;
}

static int find_beside(struct ingot_signer *s, const char *where, ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates all = {0};
        _cleanup_free_ char *path = NULL;
        size_t stem = strlen(where);
        if (ingot_ends_with(where, ".key") || ingot_ends_with(where, ".pem"))
                stem -= 4;
        int r = ingot_format(&path, reterr, "%.*s.crt", (int) stem, where);
        if (r < 0)
                return r;
        ingot_error error;
        r = ingot_certificates_load(&all, path, &error);
        if (r == -INGOT_E_NOTFOUND)
                return 0;
        if (r < 0)
                return ingot_fail(reterr, -r, "%s", error.text);
        take_fitting(s, &all);
        if (!s->certificate)
                return ingot_fail(reterr, INGOT_E_REFUSED, "%s does not fit the key %s", path,
                                  s->name);
        return 0;
}

/* A certificate of the command line: it must fit one of the keys of its purpose. */
static int assign(struct ingot_signers *all, const char *text, ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates found = {0};
        enum ingot_purpose purpose;
        const char *path;
        bool fits = false;
        int r = split(text, &purpose, &path, reterr);
        if (r >= 0)
                r = ingot_certificates_load(&found, path, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "--certificate");
        for (size_t i = 0; i < all->count; i++) {
                struct ingot_signer *s = &all->items[i];
                if (s->purpose != purpose || s->certificate || s->openpgp)
                        continue;
                take_fitting(s, &found);
                fits = fits || s->certificate;
        }
        return fits ? 0
                    : ingot_fail(reterr, INGOT_E_REFUSED, "certificate %s fits no key for %s", path,
                                 ingot_purpose_word(purpose));
}

/* A file that is an OpenPGP secret key by its content. 1: it is something else. */
static int open_openpgp(struct ingot_signer *s, const char *where, const struct ingot_key_ask *ask,
                        ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        if (ingot_starts_with(where, "pkcs11:"))
                return 1;
        int r = ingot_file_read(AT_FDCWD, where, KEY_FILE_SIZE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        if (!ingot_verifier_is_openpgp_secret(INGOT_SPAN(data, size)))
                r = 1;
        else if (s->purpose != INGOT_PURPOSE_RELEASE)
                r = ingot_fail(reterr, INGOT_E_REFUSED,
                               "%s is an OpenPGP key, which cannot serve %s, only release", where,
                               ingot_purpose_word(s->purpose));
        else
                r = ingot_openpgp_holder_open(&s->openpgp, INGOT_SPAN(data, size), where, ask,
                                              reterr);
        explicit_bzero(data, size);
        return r;
}

static int open_key(struct ingot_signer *s, const char *text, const struct ingot_key_ask *ask,
                    const char **ret_where, ingot_error *reterr)
{
        int r = split(text, &s->purpose, ret_where, reterr);
        if (r >= 0)
                r = ingot_key_name(&s->name, *ret_where, reterr);
        if (r >= 0)
                r = open_openpgp(s, *ret_where, ask, reterr);
        if (r == 1)
                r = ingot_key_open(&s->key, *ret_where, ask, reterr);
        if (r < 0 || s->openpgp)
                return ingot_under(reterr, r, "--key");
        if (purposes[s->purpose].kinds & 1u << ingot_key_kind(s->key))
                return 0;
        return ingot_fail(reterr, INGOT_E_REFUSED, "%s is a key of %s, which cannot serve %s%s",
                          s->name, ingot_key_algorithm(s->key), ingot_purpose_word(s->purpose),
                          s->purpose == INGOT_PURPOSE_VERITY ? "" : ": take an RSA key");
}

static int find_certificate(struct ingot_signer *s, const char *where, ingot_error *reterr)
{
        bool file = !ingot_starts_with(where, "pkcs11:");
        int r = 0;
        if (s->openpgp)
                return 0;
        if (!s->certificate && file)
                r = find_inside(s, where, reterr);
        if (r >= 0 && !s->certificate && file)
                r = find_beside(s, where, reterr);
        if (r < 0 || s->certificate || purposes[s->purpose].bare ||
            ingot_key_kind(s->key) == INGOT_KEY_ED25519)
                return r;
        return ingot_fail(reterr, INGOT_E_NOTFOUND,
                          "no certificate of %s: give it with --certificate %s=FILE", s->name,
                          ingot_purpose_word(s->purpose));
}

int ingot_signers_load(struct ingot_signers *ret, const char *const *keys, size_t key_count,
                       const char *const *certificates, size_t certificate_count,
                       const struct ingot_key_ask *ask, ingot_error *reterr)
{
        _cleanup_signers_ struct ingot_signers all = {0};
        const char *where[SIGNERS_MAX];
        int r = 0;
        if (key_count > SIGNERS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d keys", SIGNERS_MAX);
        all.items = calloc(key_count > 0 ? key_count : 1, sizeof(*all.items));
        if (!all.items)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < key_count && r >= 0; i++) {
                all.count = i + 1;
                r = open_key(&all.items[i], keys[i], ask, &where[i], reterr);
        }
        for (size_t i = 0; i < certificate_count && r >= 0; i++)
                r = assign(&all, certificates[i], reterr);
        for (size_t i = 0; i < key_count && r >= 0; i++)
                r = find_certificate(&all.items[i], where[i], reterr);
        if (r < 0)
                return r;
        *ret = all;
        all = (struct ingot_signers){0};
        return 0;
}

void ingot_signers_done(struct ingot_signers *s)
{
        for (size_t i = 0; i < s->count; i++) {
                free(s->items[i].name);
                ingot_key_free(s->items[i].key);
                ingot_certificate_free(s->items[i].certificate);
                ingot_openpgp_holder_free(s->items[i].openpgp);
        }
        free(s->items);
        *s = (struct ingot_signers){0};
}

const struct ingot_signer *ingot_signers_find(const struct ingot_signers *s,
                                              enum ingot_purpose purpose,
                                              const struct ingot_signer *after)
{
        for (size_t i = after ? (size_t) (after - s->items) + 1 : 0; i < s->count; i++)
                if (s->items[i].purpose == purpose)
                        return &s->items[i];
        return NULL;
}
