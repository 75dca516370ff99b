/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signatures of PE images: the attribute certificate table at the end of the file, and the digest
 * inside the PKCS#7 signature. No keys here: see trust/authenticode.h.
 *
 * Source: Microsoft "Windows Authenticode Portable Executable Signature Format" and "PE Format"
 * (WIN_CERTIFICATE); UEFI 2.10, 32.2.4 (several signatures, one behind the other).
 */
#pragma once

#include "base/buffer.h"
#include "format/pe.h"

#define INGOT_AUTHENTICODE_SIGNATURES_MAX 32
/* The type of an entry that is PKCS#7 SignedData: all that Secure Boot uses. */
#define INGOT_AUTHENTICODE_PKCS7 0x0002
/* SPC_INDIRECT_DATA: what PKCS#7 calls the content type. */
#define INGOT_AUTHENTICODE_CONTENT "1.3.6.1.4.1.311.2.1.4"

struct ingot_authenticode_entry {
        uint16_t revision, type;
        struct ingot_span data; /* in the table's bytes, with zeros behind the DER */
};

struct ingot_authenticode_table {
        struct ingot_authenticode_entry entries[INGOT_AUTHENTICODE_SIGNATURES_MAX];
        size_t count;
};

/* The bytes of a certificate table. FORMAT unless entries fill it to the byte, each padded with
 * zeros to 8; LIMIT above INGOT_AUTHENTICODE_SIGNATURES_MAX. */
int ingot_authenticode_decode(struct ingot_span table, struct ingot_authenticode_table *ret,
                              ingot_error *reterr);

/* SpcIndirectDataContent of a PE image, in DER, with its SHA-256 digest. */
int ingot_authenticode_encode_content(const uint8_t digest[INGOT_SHA256_SIZE],
                                      struct ingot_buffer *ret, ingot_error *reterr);
/* The digest in such DER. UNSUPPORTED when it is another than SHA-256. */
int ingot_authenticode_decode_content(struct ingot_span content, uint8_t ret[INGOT_SHA256_SIZE],
                                      ingot_error *reterr);
/* What is signed of it: the content of the outer SEQUENCE, without its header. */
int ingot_authenticode_signed_content(struct ingot_span content, struct ingot_span *ret,
                                      ingot_error *reterr);

/* The size of the table entry, and so by how much a file grows that is a multiple of 8 bytes long,
 * when a signature of SIZE bytes is attached. */
uint32_t ingot_authenticode_entry_size(size_t size);

struct ingot_authenticode_attachment {
        struct ingot_span signature; /* PKCS#7, DER */
        /* The size of the entry, a multiple of 8 and at least ingot_authenticode_entry_size():
         * zeros stand behind the signature. 0: no larger than needed. */
        uint32_t entry_size;
        bool keep; /* the image's signatures stay, this one comes behind them */
};

/*
 * Writes IMAGE (all of its bytes; PE is its decoded header) with the signature attached, and its
 * size to *ret_size: zeros up to a multiple of 8, the table, its directory entry, the right
 * CheckSum. Everything else stays. UNSUPPORTED for an image without room for the directory entry;
 * SPACE when the signature does not fit into entry_size.
 */
int ingot_authenticode_attach(const struct ingot_reader *image, const struct ingot_pe *pe,
                              const struct ingot_authenticode_attachment *a,
                              const struct ingot_writer *out, uint64_t *ret_size,
                              ingot_error *reterr);
