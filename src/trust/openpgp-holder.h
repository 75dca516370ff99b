/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who signs by OpenPGP: an OpenPGP certificate, with or without its secret key. In a build without
 * packages there is no librnp, and all of this fails with UNSUPPORTED.
 */
#pragma once

#include "base/sha256.h"
#include "trust/key.h"

struct ingot_openpgp_holder {
        uint8_t identity[INGOT_SHA256_SIZE]; /* the primary key's fingerprint, and zeros */
        char *name;                          /* its user ID, escaped; or the fingerprint */
        struct ingot_buffer certificate;     /* binary, without secrets */
        struct rnp_ffi_st *keys;             /* with the secret key, opened; NULL: none */
        char *signs;                         /* fingerprint of the key that signs, or NULL */
};

/* A file of one certificate, armoured or not. FORMAT: of none, of several. */
int ingot_openpgp_holder_decode(struct ingot_openpgp_holder **ret, struct ingot_span content,
                                ingot_error *reterr);
/* A file of one secret key; NAME is what errors and questions call it. NOTFOUND: no key in it may
 * sign; FORMAT: not opened by that passphrase. Of several that may sign, the newest subkey does. */
int ingot_openpgp_holder_open(struct ingot_openpgp_holder **ret, struct ingot_span content,
                              const char *name, const struct ingot_key_ask *ask,
                              ingot_error *reterr);
void ingot_openpgp_holder_free(struct ingot_openpgp_holder *h);
static inline void ingot_openpgp_holder_free_p(struct ingot_openpgp_holder **h)
{
        ingot_openpgp_holder_free(*h);
}
#define _cleanup_openpgp_holder_ __attribute__((cleanup(ingot_openpgp_holder_free_p)))

/* A detached signature, binary, with SHA-256, appended to RET. It says to be made at TIME (seconds
 * since 1970), or when its key was, where that is later: nobody takes it otherwise. */
int ingot_openpgp_holder_sign(const struct ingot_openpgp_holder *h, struct ingot_span message,
                              uint64_t time, struct ingot_buffer *ret, ingot_error *reterr);
/* REFUSED unless it is one signature, by this holder, of MESSAGE. */
int ingot_openpgp_holder_verify(const struct ingot_openpgp_holder *h, struct ingot_span message,
                                struct ingot_span signature, ingot_error *reterr);
