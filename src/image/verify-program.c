/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs that firmware starts (loaders, UKIs, addons): their Authenticode signatures, judged as
 * firmware does with the db that was given, or with one of the certificates that a signature brings
 * along. What shim's list of the machine owner's keys vouches for is said to be by a MOK.
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "image/verify-state.h"
#include "trust/authenticode.h"
#include "trust/pkcs7.h"
#include "trust/secure-boot.h"

#include <string.h>

#define CHECK "Authenticode"
#define TABLE_MAX (32u << 20)

static int add_certificates(struct ingot_efi_signatures *db, const struct ingot_certificates *all,
                            ingot_error *reterr)
{
        static const struct ingot_uuid nobody;
        int r = 0;
        for (size_t i = 0; i < all->count && r >= 0; i++)
                r = ingot_efi_signatures_add(db, INGOT_EFI_SIGNATURE_X509, &nobody,
                                             ingot_certificate_der(all->items[i]), reterr);
        return r;
}

/* The certificates that the signatures of a program bring along. */
static int read_inside(const struct ingot_image *image, struct ingot_certificates *ret,
                       ingot_error *reterr)
{
        struct ingot_pe_directory d = ingot_pe_certificates(&image->uki->pe);
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        struct ingot_authenticode_table table;
        if (d.size > TABLE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "signatures of more than 32 MiB");
        int r = ingot_buffer_append_zeros(&bytes, d.size, reterr);
        if (r >= 0)
                r = ingot_read_at(&image->reader, d.address, bytes.data, d.size, reterr);
        if (r >= 0)
                r = ingot_authenticode_decode(ingot_buffer_span(&bytes), &table, reterr);
        for (size_t i = 0; r >= 0 && i < table.count; i++)
                r = ingot_pkcs7_inside(table.entries[i].data, ret, reterr);
        return r;
}

/* "MOK " where a machine owner put it into the list. */
static const char *mok(const struct ingot_uuid *owner)
{
        return ingot_uuid_equal(owner, &ingot_secure_boot_shim) ? "MOK " : "";
}

/* What lists the digest of the program: "MOK digest", "digest". */
static int name_digest(const struct ingot_efi_signatures *db,
                       const struct ingot_authenticode_report *report, struct ingot_buffer *text,
                       ingot_error *reterr)
{
        for (size_t i = 0; i < db->count; i++)
                if (db->items[i].kind == INGOT_EFI_SIGNATURE_SHA256 &&
                    memcmp(db->items[i].data.data, report->digest, INGOT_SHA256_SIZE) == 0)
                        return ingot_buffer_printf(text, reterr, "%sdigest",
                                                   mok(&db->items[i].owner));
        return 0;
}

/* "CN = one; MOK CN = two": who signed it, and by whose certificate that counts. Of a
 * program that may not start, whoever signed it. */
static int name_signers(const struct ingot_efi_signatures *db,
                        const struct ingot_authenticode_report *report, char **ret,
                        ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = report->in_db ? name_digest(db, report, &text, reterr) : 0;
        for (size_t i = 0; i < report->count && r >= 0; i++)
                if (report->signatures[i].signer &&
                    (!report->allowed || report->signatures[i].holds))
                        r = ingot_buffer_printf(&text, reterr, "%s%s%s", text.size ? "; " : "",
                                                mok(&report->signatures[i].anchor_owner),
                                                report->signatures[i].signer);
        if (r >= 0 && text.size > 0)
                *ret = (char *) ingot_buffer_take(&text);
        return r;
}

/* What a program rests on. */
struct grounds {
        char *by;
        bool nobody; /* it fits the certificates that it brings along, for which nobody vouches */
        bool signatures; /* one of its signatures holds, and not only its digest is listed */
};

static int check_program(const struct ingot_verify *v, const struct ingot_image *image,
                         struct grounds *ret, ingot_error *reterr)
{
        const struct ingot_efi_signatures *db = v->options->db;
        static const struct ingot_efi_signatures no_dbx;
        const struct ingot_efi_signatures *dbx = v->options->dbx ? v->options->dbx : &no_dbx;
        _cleanup_certificates_ struct ingot_certificates inside = {0};
        _cleanup_efi_signatures_ struct ingot_efi_signatures own = {0};
        _cleanup_authenticode_report_ struct ingot_authenticode_report report = {0};
        int r = db ? 0 : read_inside(image, &inside, reterr);
        if (r >= 0 && !db)
                r = add_certificates(&own, &inside, reterr);
        if (r >= 0)
                r = ingot_authenticode_judge(&image->reader, db ? db : &own, dbx, &report, reterr);
        if (r >= 0)
                r = name_signers(db ? db : &own, &report, &ret->by, reterr);
        if (r >= 0 && !report.allowed)
                r = ingot_fail(reterr, INGOT_E_REFUSED, "%s", report.why.text);
        ret->nobody = !db;
        for (size_t i = 0; i < report.count; i++)
                ret->signatures = ret->signatures || (db && report.signatures[i].holds);
        return r;
}

/* It is not signed, and nobody asked for that; but dbx may have its digest. */
static int add_unsigned(struct ingot_verify *v, const struct ingot_image *image, char *where,
                        ingot_error *reterr)
{
        static const struct ingot_efi_signatures nothing;
        _cleanup_authenticode_report_ struct ingot_authenticode_report report = {0};
        ingot_error error = {0};
        int e = v->options->dbx ? ingot_authenticode_judge(&image->reader, &nothing,
                                                           v->options->dbx, &report, &error)
                                : 0;
        if (e >= 0 && report.in_dbx)
                e = ingot_fail(&error, INGOT_E_REFUSED, "%s", report.why.text);
        if (e < 0)
                return ingot_verify_result(v, CHECK, where, NULL, e, &error, reterr);
        return ingot_verify_add(v, CHECK, where, INGOT_FINDING_NOT_SIGNED, NULL, "it is not signed",
                                reterr);
}

static int visit(struct ingot_verify *v, struct ingot_verify_file *file, struct ingot_image *part,
                 struct ingot_image *program, struct ingot_image *image, ingot_error *reterr)
{
        struct grounds on = {0};
        ingot_error error = {0};
        char *where;
        if (!image->uki || image->problem)
                return 0;
        int r = ingot_verify_where(v, file, part, program, &where, reterr);
        if (r < 0)
                return r;
        if (!v->options->db && ingot_pe_certificates(&image->uki->pe).size == 0)
                return add_unsigned(v, image, where, reterr);
        int e = check_program(v, image, &on, &error);
        _cleanup_free_ char *by = on.by;
        if (e >= 0)
                r = ingot_verify_cover(
                        v, (struct ingot_verify_covered){image, .signatures = on.signatures},
                        reterr);
        if (r < 0) {
                free(where);
                return r;
        }
        if (e >= 0 && on.nobody)
                return ingot_verify_add(v, CHECK, where, INGOT_FINDING_NO_KEY, by,
                                        "no key was given that says whose it is", reterr);
        return ingot_verify_result(v, CHECK, where, by, e, &error, reterr);
}

int ingot_verify_programs(struct ingot_verify *v, ingot_error *reterr)
{
        return ingot_verify_each(v, visit, reterr);
}
