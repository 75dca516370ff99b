/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Authenticode: PE images signed for Secure Boot, and judged as firmware judges them.
 *
 * Signing in two steps: whoever has the key signs the bytes of ingot_authenticode_attributes() with
 * ingot_key_sign(), and ingot_authenticode_assemble() makes the PKCS#7 of the answer, to be attached
 * by ingot_authenticode_attach() (format/authenticode.h). There is no signing time in it: the same
 * image, key and certificate give the same bytes.
 */
#pragma once

#include "format/authenticode.h"
#include "format/efi-signature.h"
#include "trust/certificate.h"

/* The to-be-signed bytes for an image of that digest (ingot_pe_authenticode_sha256()). */
int ingot_authenticode_attributes(const uint8_t digest[INGOT_SHA256_SIZE],
                                  struct ingot_buffer *ret, ingot_error *reterr);

/* The PKCS#7 of an image of that digest. REFUSED when SIGNATURE is not one of those bytes by the
 * certificate's key. */
int ingot_authenticode_assemble(const uint8_t digest[INGOT_SHA256_SIZE],
                                const struct ingot_certificate *c, struct ingot_span signature,
                                struct ingot_buffer *ret, ingot_error *reterr);

/* Both at once. */
int ingot_authenticode_sign(const uint8_t digest[INGOT_SHA256_SIZE], const struct ingot_key *k,
                            const struct ingot_certificate *c, struct ingot_buffer *ret,
                            ingot_error *reterr);

/* What is known of one signature of an image. */
struct ingot_authenticode_signature {
        char *signer;                            /* subject of the signing certificate, or NULL */
        uint8_t fingerprint[INGOT_SHA256_SIZE];  /* of that certificate */
        char *anchor;                            /* subject of db's certificate it leads to */
        struct ingot_uuid anchor_owner;          /* who put that into db */
        const struct ingot_efi_signature *entry; /* the first of db that it leads to */
        bool holds;                              /* it leads to db, and nothing of it is in dbx */
        bool revoked;                            /* … is in dbx: the image does not boot */
        ingot_error why;                         /* unless it holds */
};

struct ingot_authenticode_report {
        uint8_t digest[INGOT_SHA256_SIZE]; /* of the image */
        struct ingot_authenticode_signature *signatures;
        size_t count;
        bool in_db, in_dbx; /* the digest itself is listed */
        bool allowed;
        /* The entry of db that edk2 finds for it and measures into PCR 7, also of an image that it
         * then does not allow; or NULL. */
        const struct ingot_efi_signature *entry;
        ingot_error why; /* unless it is allowed: REFUSED, in words */
};

/*
 * Judges an image by the lists db and dbx (which may be empty) as UEFI 2.10, 32.5.3.3 and edk2 do:
 * it may start when its digest is in db, or a signature leads, by certificates inside it, to one in
 * db, whatever their dates; never when its digest, or a certificate that a signature leads through,
 * is in dbx. < 0 only when it could not be judged; FORMAT: no PE image, or a malformed table. The
 * report points into DB.
 */
int ingot_authenticode_judge(const struct ingot_reader *image,
                             const struct ingot_efi_signatures *db,
                             const struct ingot_efi_signatures *dbx,
                             struct ingot_authenticode_report *ret, ingot_error *reterr);
/* The same as a question: REFUSED with the reason when it is not allowed. */
int ingot_authenticode_verify(const struct ingot_reader *image,
                              const struct ingot_efi_signatures *db,
                              const struct ingot_efi_signatures *dbx, ingot_error *reterr);
void ingot_authenticode_report_done(struct ingot_authenticode_report *r);

#define _cleanup_authenticode_report_ __attribute__((cleanup(ingot_authenticode_report_done)))
