/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenPGP signatures (RFC 4880, RFC 9580 as far as librnp), checked against keyring files and
 * nothing else: no keyring of the user, no network.
 *
 * A signature counts when its key stands in the keyrings, neither key nor signature is revoked or
 * expired, and neither its digest (MD5, SHA-1, RIPEMD-160) nor its key (RSA below 2048 bits) is
 * weak. One that counts is enough; those of keys that are not there are passed over, as an archive
 * signs with its next key before anyone has it.
 */
#pragma once

#include "base/buffer.h"

#define INGOT_OPENPGP_FINGERPRINT_MAX 64

struct ingot_openpgp_signer {
        char fingerprint[INGOT_OPENPGP_FINGERPRINT_MAX + 1]; /* primary key, upper-case hex */
        uint64_t created;                                    /* seconds since 1970 */
};

struct ingot_openpgp; /* loaded keyrings */

/* Reads binary or armoured keyring files. NOTFOUND: no such file; FORMAT: holds no key. */
int ingot_openpgp_open(struct ingot_openpgp **ret, const char *const *keyrings, size_t count,
                       ingot_error *reterr);
void ingot_openpgp_close(struct ingot_openpgp *o);
static inline void ingot_openpgp_close_p(struct ingot_openpgp **o)
{
        if (*o)
                ingot_openpgp_close(*o);
}

/* A clear-signed document: the text that is signed in *ret_text, and no other byte of it.
 * FORMAT: not such a document; REFUSED: no signature counts (each with its reason). */
int ingot_openpgp_verify_clear(struct ingot_openpgp *o, struct ingot_span document,
                               struct ingot_buffer *ret_text,
                               struct ingot_openpgp_signer *ret_signer, ingot_error *reterr);

/* A detached signature, binary or armoured, over DATA. */
int ingot_openpgp_verify_detached(struct ingot_openpgp *o, struct ingot_span data,
                                  struct ingot_span signature,
                                  struct ingot_openpgp_signer *ret_signer, ingot_error *reterr);
