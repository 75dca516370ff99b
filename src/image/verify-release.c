/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signatures of a release: of SHA256SUMS and of manifests, each in a file beside it (NAME.p7s,
 * NAME.2.p7s …; NAME.gpg or NAME.asc of OpenPGP). Who may sign is asked as of any signature
 * (trust/signature.h), except that no clock is: certificates that are given count whatever their
 * dates.
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "image/manifest-read.h"
#include "image/measurement-file.h"
#include "image/verify-state.h"
#include "trust/pkcs7.h"
#include "trust/signature.h"

#include <stdio.h>
#include <string.h>

#define CHECK "release signature"
#define DER_SEQUENCE 0x30

/* What is signed, and by whom it turned out to be. */
struct thing {
        struct ingot_verify_file *file;
        struct ingot_buffer content;
        struct ingot_strings signers; /* different keys whose signatures hold */
        size_t count;                 /* files of signatures */
};

static void thing_done(struct thing *t)
{
        ingot_buffer_done(&t->content);
        ingot_strings_done(&t->signers);
}

static int read_whole(const struct ingot_reader *r, size_t most, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        if (r->size > most)
                return ingot_fail(reterr, INGOT_E_LIMIT, "larger than %zu MiB", most >> 20);
        int e = ingot_buffer_append_zeros(ret, (size_t) r->size, reterr);
        return e < 0 ? e : ingot_read_at(r, 0, ret->data, ret->size, reterr);
}

static bool is_der(const struct ingot_buffer *signature)
{
        return signature->size > 0 && signature->data[0] == DER_SEQUENCE;
}

/* 1: it fits the certificates that it brings along, or cannot be checked without its key. */
static int check_stranger(const struct thing *t, const struct ingot_buffer *signature,
                          char **ret_by, ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates inside = {0};
        enum ingot_technology technology;
        size_t which;
        int r = ingot_signature_recognise(ingot_buffer_span(signature), &technology, reterr);
        if (r >= 0 && is_der(signature))
                r = ingot_pkcs7_inside(ingot_buffer_span(signature), &inside, reterr);
        if (r >= 0 && inside.count == 0)
                r = ingot_strdup(ret_by, ingot_technology_title(technology), reterr);
        else if (r >= 0)
                r = ingot_pkcs7_verify_pinned(ingot_buffer_span(signature),
                                              ingot_buffer_span(&t->content), &inside, &which,
                                              reterr);
        if (r >= 0 && inside.count > 0)
                r = ingot_strdup(ret_by, ingot_certificate_subject(inside.items[which]), reterr);
        return r < 0 ? r : 1;
}

/* The certificates that a signature brings along prove nothing; the signer's own, alone, is one
 * whose bytes are known. With it the signature is read once more, to the byte. */
static int check_inside(const struct thing *t, const struct ingot_buffer *signature,
                        const struct ingot_judgement *j, bool *ret_covered, ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates inside = {0};
        bool found = false;
        size_t which;
        if (!is_der(signature))
                return 0;
        int r = ingot_pkcs7_inside(ingot_buffer_span(signature), &inside, reterr);
        for (size_t i = 0; i < inside.count && r >= 0; i++) {
                char hex[2 * INGOT_SHA256_SIZE + 1];
                ingot_hex(hex, ingot_certificate_fingerprint(inside.items[i]), INGOT_SHA256_SIZE);
                found = found || strcmp(hex, j->key) == 0;
        }
        if (r >= 0 && inside.count > 0 && !found)
                r = ingot_fail(reterr, INGOT_E_REFUSED,
                               "the certificate that it brings along is not the signer's");
        if (r >= 0 && inside.count == 1)
                r = ingot_pkcs7_verify_pinned(ingot_buffer_span(signature),
                                              ingot_buffer_span(&t->content), &inside, &which,
                                              reterr);
        *ret_covered = r >= 0 && inside.count == 1;
        return r;
}

/* Of a signature that holds: who, as one more signer of the thing. */
static int note_signers(struct thing *t, const struct ingot_verdict *verdict,
                        const struct ingot_buffer *signature, char **ret_by, bool *ret_covered,
                        ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < verdict->count && r >= 0; i++) {
                const struct ingot_judgement *j = verdict->items + i;
                const char *key = j->identity ? j->identity : j->key;
                if (j->reason)
                        continue;
                if (!*ret_by)
                        r = ingot_strdup(ret_by, j->signer ? j->signer : j->key, reterr);
                if (r >= 0 && j->technology == INGOT_TECHNOLOGY_X509)
                        r = check_inside(t, signature, j, ret_covered, reterr);
                if (r >= 0 && !ingot_strings_contains(&t->signers, key))
                        r = ingot_strings_add(&t->signers, key, reterr);
        }
        return r;
}

/* By a key that was given, though it does not hold? */
static bool is_known(const struct ingot_verdict *verdict)
{
        for (size_t i = 0; i < verdict->count; i++)
                if (verdict->items[i].verifier)
                        return true;
        return false;
}

/* 0: holds; 1: nobody says whose it is. */
static int check_signature(const struct ingot_verify *v, struct thing *t,
                           const struct ingot_verify_file *file, char **ret_by, bool *ret_covered,
                           ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer signature = {0};
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        const struct ingot_signature_request q = {
                .content = &t->file->reader, .keys = v->options->release, .undated = true};
        int r = read_whole(&file->reader, INGOT_SIGNATURE_SIZE_MAX, &signature, reterr);
        if (r < 0)
                return r;
        if (!q.keys)
                return check_stranger(t, &signature, ret_by, reterr);
        const struct ingot_signature_file one = {.name = file->name,
                                                 .content = ingot_buffer_span(&signature)};
        r = ingot_signature_verify(&q, &one, 1, &verdict, reterr);
        if (r == 0)
                return note_signers(t, &verdict, &signature, ret_by, ret_covered, reterr);
        if (r < 0)
                return r;
        return is_known(&verdict) ? ingot_verdict_error(&verdict, reterr)
                                  : check_stranger(t, &signature, ret_by, reterr);
}

static int visit_signature(struct ingot_verify *v, struct thing *t, struct ingot_verify_file *file,
                           bool openpgp, ingot_error *reterr)
{
        _cleanup_free_ char *by = NULL;
        ingot_error error = {0};
        char *where;
        int r = ingot_verify_where(v, file, NULL, NULL, &where, reterr);
        if (r < 0)
                return r;
        t->count++;
        int e = openpgp && !HAVE_PACKAGES
                        ? ingot_fail(&error, INGOT_E_UNSUPPORTED,
                                     "this ingot is built without OpenPGP")
                        : check_signature(v, t, file, &by, &file->covered, &error);
        file->is_signed = e == 0;
        file->is_signature = e >= 0;
        if (e == 1)
                return ingot_verify_add(v, CHECK, where, INGOT_FINDING_NO_KEY, by,
                                        "no key was given that says whose it is", reterr);
        return ingot_verify_result(v, CHECK, where, by, e, &error, reterr);
}

/* A manifest that too few signed, but signed sums name it. */
static const char *vouched_by(const struct thing *t, size_t wanted)
{
        const struct ingot_verify_file *sums = t->file->listed_by;
        return t->signers.count < wanted && sums && sums->is_signed ? sums->name : NULL;
}

/* Of all signatures together: did as many sign as must have? */
static int add_whole(struct ingot_verify *v, struct thing *t, ingot_error *reterr)
{
        size_t wanted = v->options->release_threshold ? v->options->release_threshold : 1;
        const char *sums = vouched_by(t, wanted);
        char by[64], why[128], *where;
        if (!v->options->release && t->count > 0)
                return 0;
        int r = ingot_verify_where(v, t->file, NULL, NULL, &where, reterr);
        if (r < 0)
                return r;
        if (sums)
                return ingot_verify_add(v, CHECK, where, INGOT_FINDING_HOLDS, sums, NULL, reterr);
        if (!v->options->release)
                return ingot_verify_add(v, CHECK, where, INGOT_FINDING_NOT_SIGNED, NULL,
                                        "it is not signed", reterr);
        /* A folder of releases has files that are not offered yet, or no more. */
        if (v->options->listing_count > 0 && t->count == 0 && !t->file->listed_by)
                return ingot_verify_add(v, CHECK, where, INGOT_FINDING_NOT_SIGNED, NULL,
                                        "no release file names it", reterr);
        snprintf(by, sizeof(by), "%zu of %zu signers", t->signers.count, wanted);
        snprintf(why, sizeof(why), "%zu of the given keys signed it; %zu must have",
                 t->signers.count, wanted);
        t->file->is_signed = t->signers.count >= wanted;
        t->file->covered = t->file->is_signed;
        return t->file->is_signed
                       ? ingot_verify_add(v, CHECK, where, INGOT_FINDING_HOLDS, by, NULL, reterr)
                       : ingot_verify_add(v, CHECK, where, INGOT_FINDING_REFUSED, by,
                                          t->count ? why : "it is not signed", reterr);
}

static int check_thing(struct ingot_verify *v, struct ingot_verify_file *file, ingot_error *reterr)
{
        __attribute__((cleanup(thing_done))) struct thing t = {.file = file};
        ingot_error error = {0};
        bool openpgp;
        char *where;
        int e = read_whole(&file->reader, INGOT_MANIFEST_SIZE_MAX, &t.content, &error), r = 0;
        if (e < 0) {
                r = ingot_verify_where(v, file, NULL, NULL, &where, reterr);
                return r < 0 ? r : ingot_verify_result(v, CHECK, where, NULL, e, &error, reterr);
        }
        for (size_t i = 0; i < v->file_count && r >= 0; i++)
                if (ingot_is_signature_name(v->files[i].name, file->name, &openpgp))
                        r = visit_signature(v, &t, v->files + i, openpgp, reterr);
        return r < 0 ? r : add_whole(v, &t, reterr);
}

/* The sums first: they may vouch for the manifests. */
int ingot_verify_releases(struct ingot_verify *v, ingot_error *reterr)
{
        int r = 0;
        for (int sums = 1; sums >= 0; sums--)
                for (size_t i = 0; i < v->file_count && r >= 0; i++)
                        if (v->files[i].is_release && v->files[i].is_sums == sums)
                                r = check_thing(v, v->files + i, reterr);
        return r;
}
