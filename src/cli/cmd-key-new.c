/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot key new KIND: the one place where randomness and the clock make something. */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/passphrase.h"
#include "cli/print.h"
#include "os/file.h"
#include "trust/certificate.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define SECONDS_OF_A_DAY 86400
#define DAYS_MAX 36500
#define FILES_MAX 3 /* of one key */

enum { RSA2048, RSA3072, RSA4096, ECDSA256, ECDSA384, ED25519, ALGORITHMS };
static const char *const algorithm_words[] = {"rsa2048",  "rsa3072", "rsa4096", "ecdsa256",
                                              "ecdsa384", "ed25519", NULL};
static const struct {
        enum ingot_key_kind kind;
        unsigned bits;
} algorithms[ALGORITHMS] = {
        [RSA2048] = {INGOT_KEY_RSA, 2048},  [RSA3072] = {INGOT_KEY_RSA, 3072},
        [RSA4096] = {INGOT_KEY_RSA, 4096},  [ECDSA256] = {INGOT_KEY_EC, 256},
        [ECDSA384] = {INGOT_KEY_EC, 384},   [ED25519] = {INGOT_KEY_ED25519, 0},
};

#define ANY_RSA (1u << RSA2048 | 1u << RSA3072 | 1u << RSA4096)
#define ANY_ECDSA (1u << ECDSA256 | 1u << ECDSA384)

/* What each kind is made like. The files are NAME.key, NAME.crt and, where others want the bare
 * public key, NAME.pub. */
struct kind {
        const char *word;
        const char *name;
        const char *common_name;
        unsigned allowed; /* bits of algorithms */
        int algorithm;    /* unless another is asked for */
        const char *only; /* why no other */
        bool authority, code_signing, bare;
};
static const struct kind kinds[] = {
        {"PK", "PK", "Secure Boot PK", ANY_RSA, RSA2048, "firmware takes RSA", true, false, false},
        {"KEK", "KEK", "Secure Boot KEK", ANY_RSA, RSA2048, "firmware takes RSA", true, false,
         false},
        {"db", "db", "Secure Boot db", ANY_RSA, RSA2048, "firmware takes RSA", false, true, false},
        {"verity", "verity", "Verity root hashes", ANY_RSA | ANY_ECDSA, RSA2048,
         "the kernel takes RSA and ECDSA", false, true, false},
        {"pcr", "pcr", "PCR policies", 1u << RSA2048, RSA2048,
         "RSA with 2048 bits is what every TPM has", false, false, true},
        {"release", "release", "Releases", (1u << ALGORITHMS) - 1, RSA3072, "", false, true,
         false},
};
#define SECURE_BOOT_KINDS 3 /* the first of them */

struct key_new_options {
        const char *output, *subject, *token, *passphrase_file, *date, *serial;
        uint64_t days;
        int algorithm;
};

static const struct key_new_options defaults = {.output = ".", .days = 3650, .algorithm = -1};

static const struct option rows[] = {
        STRING('o', "output", "DIR", struct key_new_options, output,
               "Write the files there; default: the current folder"),
        STRING(0, "subject", "NAME", struct key_new_options, subject,
               "Whose keys they are: stands before their kind in the certificates"),
        UINT(0, "days", "DAYS", struct key_new_options, days,
             "How long the certificates are valid; default 3650"),
        CHOICE(0, "algorithm", "WORD", struct key_new_options, algorithm, algorithm_words,
               "Another algorithm than the kind's own"),
        STRING(0, "token", "URI", struct key_new_options, token,
               "Make the key in a token, where pkcs11:token=LABEL;object=NAME names it; of one "
             "that is there only the certificate"),
        OPTION_PASSPHRASE_FILE(struct key_new_options, passphrase_file),
        STRING(0, "date", "DATE", struct key_new_options, date,
               "First day of validity, as YYYY-MM-DD; default: today"),
        STRING(0, "serial", "HEX", struct key_new_options, serial,
               "Serial number, 32 hex digits; default: from the key"),
        OPTION_JSON,
        {0},
};

/* A key that was made, and what is to be written of it. */
struct made {
        const struct kind *kind;
        struct ingot_key *key;
        struct ingot_certificate *certificate;
        bool in_token;          /* the key was made there */
        char *paths[FILES_MAX]; /* .key, .crt, .pub; NULL: not written */
};

static void made_done(struct made *m)
{
        ingot_key_free(m->key);
        ingot_certificate_free(m->certificate);
        for (size_t i = 0; i < FILES_MAX; i++)
                free(m->paths[i]);
}

struct all_made {
        struct made items[SECURE_BOOT_KINDS];
        size_t count;
};

static void all_made_done(struct all_made *all)
{
        for (size_t i = 0; i < all->count; i++)
                made_done(&all->items[i]);
}

static int choose_kinds(const char *word, const struct kind **ret, size_t *ret_count,
                        ingot_error *reterr)
{
        const char *words[ARRAY_SIZE(kinds) + 1] = {"secure-boot"};
        *ret = kinds;
        *ret_count = SECURE_BOOT_KINDS;
        if (strcmp(word, words[0]) == 0)
                return 0;
        *ret_count = 1;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                words[i + 1] = kinds[i].word;
                *ret = &kinds[i];
                if (strcmp(word, kinds[i].word) == 0)
                        return 0;
        }
        const char *near = ingot_nearest(word, words, ARRAY_SIZE(words));
        if (near)
                return ingot_fail(reterr, INGOT_E_USAGE, "no kind of key %s; did you mean %s?",
                                  word, near);
        return ingot_fail(reterr, INGOT_E_USAGE, "no kind of key %s: there are secure-boot (PK, "
                          "KEK and db), PK, KEK, db, verity, pcr, release", word);
}

/* Midnight of the first day, UTC. */
static int first_day(const char *date, int64_t *ret, ingot_error *reterr)
{
        struct tm tm = {0};
        int64_t now = (int64_t) time(NULL);
        *ret = now - now % SECONDS_OF_A_DAY;
        if (!date)
                return 0;
        const char *end = strptime(date, "%Y-%m-%d", &tm);
        if (!end || *end || tm.tm_year < 70)
                return ingot_fail(reterr, INGOT_E_USAGE, "\"%s\" is no date like 2026-05-01", date);
        *ret = timegm(&tm);
        return 0;
}

/* Out of the key, so that it is another for each; or as given. */
static int serial_of(const struct ingot_key *k, const char *given, uint8_t ret[16],
                     ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer spki = {0};
        uint8_t digest[INGOT_SHA256_SIZE];
        if (given)
                return ingot_unhex(ret, 16, given)
                               ? 0
                               : ingot_fail(reterr, INGOT_E_USAGE,
                                            "--serial: \"%s\" is not 32 hex digits", given);
        int r = ingot_key_public_spki(k, &spki, reterr);
        if (r < 0)
                return r;
        ingot_sha256_of(spki.data, spki.size, digest);
        memcpy(ret, digest, 16);
        return 0;
}

static int make_certificate(struct made *m, const struct key_new_options *o, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        struct ingot_certificate_profile p = {
                .authority = m->kind->authority,
                .code_signing = m->kind->code_signing,
        };
        int r = ingot_format(&name, reterr, "%s%s%s", o->subject ? o->subject : "",
                             o->subject ? " " : "",
                             o->subject ? m->kind->name : m->kind->common_name);
        if (r >= 0)
                r = first_day(o->date, &p.not_before, reterr);
        if (r >= 0)
                r = serial_of(m->key, o->serial, p.serial, reterr);
        if (r < 0)
                return r;
        p.common_name = name;
        p.not_after = p.not_before + (int64_t) o->days * SECONDS_OF_A_DAY - 1;
        return ingot_certificate_create(&m->certificate, m->key, &p, reterr);
}

static int choose_algorithm(const struct made *m, const struct key_new_options *o, int *ret,
                            ingot_error *reterr)
{
        int a = o->algorithm >= 0 ? o->algorithm : m->kind->algorithm;
        if (!(m->kind->allowed & 1u << a))
                return ingot_fail(reterr, INGOT_E_USAGE, "%s cannot be a key of %s: %s",
                                  m->kind->word, algorithm_words[a], m->kind->only);
        *ret = a;
        return 0;
}

static int make_key(struct made *m, const struct key_new_options *o, ingot_error *reterr)
{
        int a, r = choose_algorithm(m, o, &a, reterr);
        return r < 0 ? r
                     : ingot_key_generate(&m->key, algorithms[a].kind, algorithms[a].bits, reterr);
}

/* A token is opened twice, to make the key and to sign with it; its PIN is asked for once. */
struct remembered {
        const struct ingot_key_ask *ask;
        bool known;
        char text[256];
};

static int ask_once(void *context, const char *what, char *ret, size_t size, ingot_error *reterr)
{
        struct remembered *m = context;
        int r = m->known ? 0 : m->ask->ask(m->ask->context, what, m->text, sizeof(m->text), reterr);
        if (r < 0)
                return r;
        m->known = true;
        snprintf(ret, size, "%s", m->text);
        return 0;
}

static int open_token(struct made *m, const struct key_new_options *o, ingot_error *reterr)
{
        struct ingot_key_ask asker = passphrase_from(o->passphrase_file);
        struct remembered secret = {.ask = &asker};
        struct ingot_key_ask once = {ask_once, &secret};
        int a, r;
        if (strncmp(o->token, "pkcs11:", 7) != 0)
                return ingot_fail(reterr, INGOT_E_USAGE, "--token: a URI starts with pkcs11:");
        r = choose_algorithm(m, o, &a, reterr);
        if (r >= 0)
                r = ingot_key_generate_in_token(o->token, algorithms[a].kind, algorithms[a].bits,
                                                &once, reterr);
        m->in_token = r == 0;
        if (r >= 0)
                r = ingot_key_open(&m->key, o->token, &once, reterr);
        explicit_bzero(secret.text, sizeof(secret.text));
        if (r < 0)
                return r;
        for (size_t i = 0; i < ALGORITHMS; i++)
                if (m->kind->allowed & 1u << i && algorithms[i].kind == ingot_key_kind(m->key) &&
                    (algorithms[i].bits == ingot_key_bits(m->key) || algorithms[i].bits == 0))
                        return 0;
        return ingot_fail(reterr, INGOT_E_REFUSED, "a key of %s cannot be %s: %s",
                          ingot_key_algorithm(m->key), m->kind->word, m->kind->only);
}

/* The files' names; what is there already is nobody's to overwrite. */
static int choose_paths(struct made *m, const struct key_new_options *o, ingot_error *reterr)
{
        static const char *const endings[FILES_MAX] = {"key", "crt", "pub"};
        for (size_t i = 0; i < FILES_MAX; i++) {
                if ((i == 0 && o->token) || (i == 2 && !m->kind->bare))
                        continue;
                int r = ingot_format(&m->paths[i], reterr, "%s/%s.%s", o->output, m->kind->name,
                                     endings[i]);
                if (r < 0)
                        return r;
                if (ingot_file_exists(m->paths[i]))
                        return ingot_fail(reterr, INGOT_E_CONFLICT,
                                          "%s is there already, and keys are never overwritten: "
                                          "move it away, or name another folder with --output",
                                          m->paths[i]);
        }
        return 0;
}

static int write_made(const struct made *m, const char *passphrase, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer key = {0}, certificate = {0}, bare = {0};
        struct ingot_buffer *texts[FILES_MAX] = {&key, &certificate, &bare};
        static const mode_t modes[FILES_MAX] = {0600, 0644, 0644};
        int r = 0;
        if (m->paths[0])
                r = ingot_key_private_pem(m->key, passphrase, &key, reterr);
        if (r >= 0)
                r = ingot_certificate_pem(m->certificate, &certificate, reterr);
        if (r >= 0)
                r = ingot_key_public_pem(m->key, &bare, reterr);
        for (size_t i = 0; i < FILES_MAX && r >= 0; i++)
                if (m->paths[i])
                        r = ingot_file_put_new(m->paths[i], texts[i]->data, texts[i]->size,
                                               modes[i], reterr);
        if (key.data)
                explicit_bzero(key.data, key.size);
        return r;
}

static int add_json(struct json_object *list, const struct made *m, ingot_error *reterr)
{
        static const char *const names[FILES_MAX] = {"key", "certificate", "public"};
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "kind", m->kind->word, reterr);
        for (size_t i = 0; i < FILES_MAX && r >= 0; i++)
                if (m->paths[i])
                        r = ingot_json_add_text(o, names[i], m->paths[i], reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "algorithm", ingot_key_algorithm(m->key), reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "subject", ingot_certificate_subject(m->certificate),
                                        reterr);
        if (r >= 0)
                r = ingot_json_add_hex(o, "fingerprint",
                                       ingot_certificate_fingerprint(m->certificate),
                                       INGOT_SHA256_SIZE, reterr);
        return r;
}

static int print_all_json(const struct all_made *all, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "keys", &list, reterr);
        for (size_t i = 0; i < all->count && r >= 0; i++)
                r = add_json(list, &all->items[i], reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static void print_made(const struct made *m)
{
        char until[32] = "";
        time_t end = (time_t) ingot_certificate_not_after(m->certificate);
        struct tm tm;
        if (gmtime_r(&end, &tm))
                strftime(until, sizeof(until), "%Y-%m-%d", &tm);
        if (m->in_token)
                printf("private key made in the token, %s\n", ingot_key_algorithm(m->key));
        for (size_t i = 0; i < FILES_MAX; i++) {
                if (!m->paths[i])
                        continue;
                print_text(stdout, m->paths[i]);
                printf(i == 0   ? ": private key, %s\n"
                       : i == 2 ? ": public key, %s\n"
                                : ": certificate, ",
                       ingot_key_algorithm(m->key));
                if (i != 1)
                        continue;
                print_text(stdout, ingot_certificate_subject(m->certificate));
                printf(", until %s\n", until);
        }
}

/* The passphrase that new keys are encrypted with, into RET; NULL when none was given. */
static int take_passphrase(const struct key_new_options *o, char ret[256], const char **ret_given,
                           ingot_error *reterr)
{
        *ret_given = NULL;
        if (!o->passphrase_file || o->token)
                return 0;
        struct ingot_key_ask asker = passphrase_from(o->passphrase_file);
        int r = asker.ask(asker.context, "the new keys", ret, 256, reterr);
        if (r >= 0)
                *ret_given = ret;
        return r;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct key_new_options *o = in->options;
        _cleanup_(all_made_done) struct all_made all = {0};
        const struct kind *first;
        const char *passphrase;
        char secret[256];
        size_t count;
        int r = choose_kinds(in->operands[0], &first, &count, reterr);
        if (r < 0)
                return r;
        if (o->token && count > 1)
                return ingot_fail(reterr, INGOT_E_USAGE, "a token's key is one of PK, KEK and db: "
                                  "name which, each by itself");
        if (o->days == 0 || o->days > DAYS_MAX)
                return ingot_fail(reterr, INGOT_E_USAGE, "--days: from 1 to %d", DAYS_MAX);
        for (size_t i = 0; i < count && r >= 0; i++) {
                struct made *m = &all.items[all.count++];
                m->kind = &first[i];
                r = choose_paths(m, o, reterr);
                if (r >= 0)
                        r = o->token ? open_token(m, o, reterr) : make_key(m, o, reterr);
                if (r >= 0)
                        r = make_certificate(m, o, reterr);
        }
        if (r >= 0)
                r = take_passphrase(o, secret, &passphrase, reterr);
        if (r >= 0)
                r = ingot_make_directories(o->output, 0777, reterr);
        for (size_t i = 0; i < all.count && r >= 0; i++)
                r = write_made(&all.items[i], passphrase, reterr);
        explicit_bzero(secret, sizeof(secret));
        if (r < 0)
                return r;
        if (in->json)
                return print_all_json(&all, reterr);
        for (size_t i = 0; i < all.count; i++)
                print_made(&all.items[i]);
        return 0;
}

static const struct example examples[] = {
        {"ingot key new secure-boot --subject=Example --output=keys",
         "PK, KEK and db of Secure Boot, each with its certificate"},
        {"ingot key new verity --output=keys", "The key that signs root hashes"},
        {"ingot key new pcr --output=keys", "The key that signs PCR policies"},
        {"ingot key new release --algorithm=ed25519 --output=keys", "The key that signs releases"},
        {0},
};

const struct command cmd_key_new = {
        .name = "key new",
        .synopsis = "KIND",
        .summary = "Make the keys that sign images, and their certificates",
        .details = "KIND is secure-boot (which makes PK, KEK and db), one of PK, KEK, db, or "
                   "verity, pcr, release. Each key is written as NAME.key (PEM, PKCS#8, readable "
                   "by its owner alone) beside its certificate NAME.crt, and pcr.pub, the bare "
                   "public key that enrolling a TPM wants. Nothing is ever overwritten.\n\n"
                   "Keys are encrypted when --passphrase-file is given. A key that should never "
                   "lie in a file is made in a token by --token; of a key that is there already "
                   "only the certificate is made. Every command takes a token's URI where it "
                   "takes a key's file.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .options_size = sizeof(struct key_new_options),
        .defaults = &defaults,
        .run = run,
};
