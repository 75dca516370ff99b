/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images and folders of artifacts, verified: reading what is there, and showing what was found. */
#include "cli/verify-image.h"
#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/table.h"
#include "cli/verify-release.h"
#include "os/file.h"
#include "trust/secure-boot-files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED = 3, NOT_CHECKED = 1, FILES_MAX = 1024, BY_MAX = 20, PCR_KEY_MAX = 65536 };

/* What is verified: one file, or those of a folder. */
struct subject {
        struct ingot_strings names;
        struct ingot_file *files;
        struct ingot_artifact_file *artifacts;
        size_t count;
};

static void subject_done(struct subject *s)
{
        for (size_t i = 0; i < s->count; i++)
                ingot_file_close(s->files + i);
        free(s->files);
        free(s->artifacts);
        ingot_strings_done(&s->names);
}

bool verify_is_image(const char *name)
{
        _cleanup_strings_ struct ingot_strings files = {0};
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_image_ struct ingot_image image = {0};
        if (ingot_list_files(name, &files, NULL) == 0)
                return true;
        if (ingot_file_open(&file, name, NULL) < 0)
                return false;
        struct ingot_reader r = ingot_file_reader(&file);
        return ingot_image_open_flat(&r, &image, NULL) < 0 ||
               image.content != INGOT_CONTENT_UNKNOWN;
}

static int add_file(struct subject *s, const char *folder, const char *name, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "%s%s%s", folder ? folder : "", folder ? "/" : "",
                             name);
        if (r >= 0)
                r = ingot_file_open(s->files + s->count, path, reterr);
        if (r < 0)
                return r;
        s->artifacts[s->count] = (struct ingot_artifact_file){
                .name = name, .reader = ingot_file_reader(s->files + s->count)};
        s->count++;
        return 0;
}

static int open_subject(struct subject *s, const char *name, ingot_error *reterr)
{
        int r = ingot_list_files(name, &s->names, reterr);
        bool folder = r == 0;
        if (r > 0)
                r = ingot_strings_add(&s->names, name, reterr);
        if (r >= 0 && (s->names.count == 0 || s->names.count > FILES_MAX))
                r = ingot_fail(reterr, s->names.count ? INGOT_E_LIMIT : INGOT_E_NOTFOUND,
                               "%s has %zu files to verify", name, s->names.count);
        if (r < 0)
                return r;
        s->files = calloc(s->names.count, sizeof(*s->files));
        s->artifacts = calloc(s->names.count, sizeof(*s->artifacts));
        if (!s->files || !s->artifacts)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < s->names.count && r >= 0; i++)
                r = add_file(s, folder ? name : NULL, s->names.items[i], reterr);
        return r;
}

static int add_finding(struct json_object *list, const struct ingot_finding *f, ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "check", f->check, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "where", f->where, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "state", ingot_finding_state_name(f->state), reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "by", f->by, reterr);
        return r < 0 ? r : ingot_json_add_text(o, "why", f->why, reterr);
}

static int add_gap(struct json_object *list, const struct ingot_gap *g, ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "artifact", g->artifact, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "offset", g->offset, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "size", g->size, reterr);
        return r < 0 ? r : ingot_json_add_text(o, "reason", g->reason, reterr);
}

static int print_json(const struct ingot_verification *v, const char *name, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "subject", name, reterr);
        if (r >= 0)
                r = ingot_json_add_text(
                        o, "state", ingot_finding_state_name(ingot_verification_state(v)), reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "findings", &list, reterr);
        for (size_t i = 0; i < v->count && r >= 0; i++)
                r = add_finding(list, v->findings + i, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "not_covered", &list, reterr);
        for (size_t i = 0; i < v->gap_count && r >= 0; i++)
                r = add_gap(list, v->gaps + i, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

/* With spaces, for people. */
static int add_state(struct table *t, enum ingot_finding_state state, ingot_error *reterr)
{
        char word[32];
        snprintf(word, sizeof(word), "%s", ingot_finding_state_name(state));
        for (char *p = word; *p; p++)
                *p = *p == '-' ? ' ' : *p;
        return table_add(t, word, reterr);
}

/* Digests are cut; JSON has them whole. */
static int add_by(struct table *t, const char *by, ingot_error *reterr)
{
        bool longer = by && strlen(by) > BY_MAX;
        return longer ? table_addf(t, reterr, "%.*s…", BY_MAX - 1, by) : table_add(t, by, reterr);
}

static int print_findings(const struct ingot_verification *v, ingot_error *reterr)
{
        static const struct table_column columns[] = {
                {.title = "WHAT"},
                {.title = "WHERE", .shrink = true},
                {.title = "RESULT"},
                {.title = "BY WHAT OR WHOM"},
        };
        _cleanup_table_ struct table t = TABLE(columns);
        int r = 0;
        for (size_t i = 0; i < v->count && r >= 0; i++) {
                const struct ingot_finding *f = v->findings + i;
                r = table_add(&t, f->check, reterr);
                if (r >= 0)
                        r = table_add(&t, f->where, reterr);
                if (r >= 0)
                        r = add_state(&t, f->state, reterr);
                if (r >= 0)
                        r = add_by(&t, f->by, reterr);
        }
        if (r >= 0)
                table_print(&t, stdout);
        return r;
}

/* Why, for all that is not as it should be. */
static void print_reasons(const struct ingot_verification *v)
{
        bool first = true, no_key = false;
        for (size_t i = 0; i < v->count; i++) {
                const struct ingot_finding *f = v->findings + i;
                no_key = no_key || f->state == INGOT_FINDING_NO_KEY;
                if (!f->why || f->state == INGOT_FINDING_NOT_SIGNED ||
                    f->state == INGOT_FINDING_NO_KEY)
                        continue;
                printf("%s", first ? "\n" : "");
                first = false;
                print_styled(stdout, f->state == INGOT_FINDING_REFUSED ? STYLE_BAD : STYLE_PLAIN,
                             f->where);
                printf(": %s: ", f->check);
                print_text(stdout, f->why);
                printf("\n");
        }
        if (no_key)
                printf("\nWhose signatures these are, nobody says: name keys with "
                       "--key=PURPOSE=FILE.\n");
}

/* The gaps by reason, in the order in which they come first. */
static void print_gaps(const struct ingot_verification *v)
{
        for (size_t i = 0; i < v->gap_count; i++) {
                uint64_t size = 0;
                bool seen = false;
                char text[16];
                for (size_t k = 0; k < v->gap_count; k++) {
                        if (v->gaps[k].reason != v->gaps[i].reason)
                                continue;
                        seen = seen || k < i;
                        size += v->gaps[k].size;
                }
                if (seen)
                        continue;
                ingot_human_size(text, size);
                printf("%s%8s  %s\n", i == 0 ? "\nNot looked at:\n" : "", text, v->gaps[i].reason);
        }
}

static int print_all(const struct ingot_verification *v, const char *name, ingot_error *reterr)
{
        static const struct {
                enum style style;
                const char *text;
        } ends[INGOT_FINDING_STATE_MAX] = {
                [INGOT_FINDING_HOLDS] = {STYLE_GOOD, "holds"},
                [INGOT_FINDING_REFUSED] = {STYLE_BAD, "is refused"},
                [INGOT_FINDING_NOT_CHECKED] = {STYLE_WARN, "could not be checked in full"},
        };
        enum ingot_finding_state state = ingot_verification_state(v);
        int r = print_findings(v, reterr);
        if (r < 0)
                return r;
        print_reasons(v);
        print_gaps(v);
        printf("\n");
        print_text(stdout, name);
        printf(" ");
        print_styled(stdout, ends[state].style, ends[state].text);
        printf("\n");
        return 0;
}

/* Keys by purpose, and what else the check is told. */
struct keys {
        struct ingot_secure_boot programs;
        struct ingot_certificates verity;
        struct ingot_key *pcr;
        struct ingot_image_policy policy;
        struct ingot_sbat sbat_level;
        struct ingot_key_files release;
        struct ingot_secure_boot revoked; /* its dbx */
};

static void keys_done(struct keys *k)
{
        ingot_secure_boot_done(&k->programs);
        ingot_certificates_done(&k->verity);
        ingot_key_free(k->pcr);
        ingot_sbat_done(&k->sbat_level);
        ingot_key_files_done(&k->release);
        ingot_secure_boot_done(&k->revoked);
}

/* Certificates, or a list of them and of digests: db, MokListRT. */
static int read_program_keys(struct keys *k, const char *path, struct ingot_verify_options *options,
                             ingot_error *reterr)
{
        static const struct ingot_uuid nobody;
        const struct ingot_efi_signatures *db = &k->programs.variables[INGOT_SECURE_BOOT_DB].list;
        int r = ingot_secure_boot_add_file(&k->programs, INGOT_SECURE_BOOT_DB, path, &nobody,
                                           reterr);
        if (r >= 0 && db->count == 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "%s lists no key and no digest", path);
        options->db = db;
        return r;
}

static int read_verity_keys(struct keys *k, const char *path, struct ingot_verify_options *options,
                            ingot_error *reterr)
{
        options->verity = &k->verity;
        return ingot_certificates_load(&k->verity, path, reterr);
}

/* A public key, or a certificate of it. */
static int read_pcr_key(struct keys *k, const char *path, struct ingot_verify_options *options,
                        ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_certificate_ struct ingot_certificate *c = NULL;
        size_t size;
        if (k->pcr)
                return ingot_fail(reterr, INGOT_E_USAGE, "one key signs PCR values, and not two");
        int r = ingot_file_read(AT_FDCWD, path, PCR_KEY_MAX, &data, &size, reterr);
        if (r >= 0 && ingot_key_decode_public(&k->pcr, INGOT_SPAN(data, size), NULL) < 0) {
                r = ingot_certificate_decode(&c, INGOT_SPAN(data, size), reterr);
                if (r >= 0)
                        r = ingot_certificate_key(c, &k->pcr, reterr);
        }
        options->pcr_key = k->pcr;
        return r;
}

/* Certificates, of X.509 or OpenPGP. */
static int read_release_key(struct keys *k, const char *path, struct ingot_verify_options *options,
                            ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates certificates = {0};
        int r = ingot_key_files_add(&k->release, path, reterr);
        if (r < 0)
                return r;
        const struct ingot_key_file *f = k->release.items + k->release.count - 1;
        options->release = &k->release;
        if (f->technology == INGOT_TECHNOLOGY_X509)
                return ingot_certificates_decode(&certificates, ingot_buffer_span(&f->content),
                                                 reterr);
        return f->technology == INGOT_TECHNOLOGY_OPENPGP
                       ? 0
                       : ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                    "a release is signed by certificates, of X.509 or OpenPGP");
}

/* "PURPOSE=FILE". */
static int read_key(struct keys *k, const char *text, struct ingot_verify_options *options,
                    ingot_error *reterr)
{
        static const char *const purposes[] = {"secure-boot", "verity", "pcr", "release"};
        static int (*const readers[])(struct keys *, const char *, struct ingot_verify_options *,
                                      ingot_error *) = {read_program_keys, read_verity_keys,
                                                        read_pcr_key, read_release_key};
        const char *file = strchr(text, '=');
        _cleanup_free_ char *purpose = NULL;
        if (!file)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "--key=%s: of an image say what it is for: --key=PURPOSE=%s, "
                                  "with secure-boot, verity, pcr or release",
                                  text, text);
        int r = ingot_format(&purpose, reterr, "%.*s", (int) (file - text), text);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(purposes); i++)
                if (strcmp(purpose, purposes[i]) == 0)
                        return ingot_under(reterr, readers[i](k, file + 1, options, reterr),
                                           "--key=%s", text);
        const char *nearest = ingot_nearest(purpose, purposes, ARRAY_SIZE(purposes));
        return ingot_fail(reterr, INGOT_E_USAGE, "--key=%s: no purpose '%s'%s%s", text, purpose,
                          nearest ? "; did you mean " : "", nearest ? nearest : "");
}

static int read_keys(struct keys *k, const struct verify_options *o,
                     struct ingot_verify_options *options, ingot_error *reterr)
{
        static const struct ingot_uuid nobody;
        int r = 0;
        for (size_t i = 0; i < o->keys.count && r >= 0; i++)
                r = read_key(k, o->keys.items[i], options, reterr);
        for (size_t i = 0; i < o->dbx.count && r >= 0; i++) {
                r = ingot_secure_boot_add_file(&k->revoked, INGOT_SECURE_BOOT_DBX, o->dbx.items[i],
                                               &nobody, reterr);
                ingot_under(reterr, r, "--dbx");
                options->dbx = &k->revoked.variables[INGOT_SECURE_BOOT_DBX].list;
        }
        if (r >= 0 && o->threshold && !options->release)
                r = ingot_fail(reterr, INGOT_E_USAGE,
                               "--threshold counts the signers of a release: name those who may "
                               "with --key=release=FILE");
        options->release_threshold = (size_t) o->threshold;
        return r;
}

static int read_policy(struct keys *k, const char *policy, struct ingot_verify_options *options,
                       ingot_error *reterr)
{
        if (!policy)
                return 0;
        if (!*policy)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "--policy is empty; \"-\" is the policy "
                                  "that ignores everything");
        int r = ingot_image_policy_parse(policy, &k->policy, reterr);
        options->policy = &k->policy;
        options->policy_text = policy;
        return ingot_under(reterr, r, "--policy");
}

/* The text, or the variable SbatLevelRT as efivarfs shows it. */
static int read_sbat_level(struct keys *k, const char *path, struct ingot_verify_options *options,
                           ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        if (!path)
                return 0;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_SBAT_MAX, &data, &size, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "--sbat-level");
        r = ingot_sbat_decode(ingot_efi_variable_data(INGOT_SPAN(data, size)), &k->sbat_level,
                              reterr);
        if (r >= 0 && k->sbat_level.count == 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "it names no component");
        options->sbat_level = &k->sbat_level;
        options->sbat_level_name = path;
        return ingot_under(reterr, r, "--sbat-level=%s", path);
}

int verify_image(const struct invocation *in, const char *name, const struct verify_options *o,
                 ingot_error *reterr)
{
        static const int exits[INGOT_FINDING_STATE_MAX] = {
                [INGOT_FINDING_REFUSED] = REFUSED, [INGOT_FINDING_NOT_CHECKED] = NOT_CHECKED};
        _cleanup_(subject_done) struct subject subject = {0};
        _cleanup_verification_ struct ingot_verification v = {0};
        _cleanup_(keys_done) struct keys given = {0};
        _cleanup_(verify_listings_done) struct verify_listings listings = {0};
        struct ingot_verify_options options = {.log = in->log};
        int r = read_policy(&given, o->policy, &options, reterr);
        if (r >= 0)
                r = read_sbat_level(&given, o->sbat_level, &options, reterr);
        if (r >= 0)
                r = read_keys(&given, o, &options, reterr);
        if (r >= 0)
                r = open_subject(&subject, name, reterr);
        if (r >= 0)
                r = verify_listings_load(subject.artifacts, subject.count, options.release,
                                         options.release_threshold, &listings, reterr);
        options.listings = listings.items;
        options.listing_count = listings.count;
        if (r >= 0)
                r = ingot_verify(subject.artifacts, subject.count, &options, &v, reterr);
        print_progress_end();
        if (r >= 0)
                r = in->json ? print_json(&v, name, reterr) : print_all(&v, name, reterr);
        return r < 0 ? r : exits[ingot_verification_state(&v)];
}
