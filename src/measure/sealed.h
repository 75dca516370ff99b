/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A secret sealed by a TPM, with all that its policy needs: the token "systemd-tpm2" of LUKS2, as
 * systemd-cryptenroll writes it into a volume's header (systemd's src/shared/tpm2-util.c,
 * tpm2_make_luks2_json). One written here can be imported into a volume's header, and one exported
 * from there can be unsealed here. docs/formats/sealed.md lists the members.
 *
 * The policy of a blob, in the order in which a session goes through it:
 *     the signed policy, or the policy in the NV index (both: one blob for each, in this order, and
 *     the secret is what the two give, one behind the other)
 *     TPM2_PolicyPCR over `pcrs`
 *     TPM2_PolicyAuthValue with a PIN
 */
#pragma once

#include "base/buffer.h"
#include "base/json.h"
#include "measure/pcr-values.h"
#include "measure/policy.h"

#define INGOT_SEALED_SIZE_MAX ((size_t) 1 << 20)
#define INGOT_SEALED_BLOBS_MAX 2

struct ingot_sealed {
        struct ingot_buffer blobs[INGOT_SEALED_BLOBS_MAX]; /* TPM2B_PRIVATE ‖ TPM2B_PUBLIC */
        struct ingot_policy policies[INGOT_SEALED_BLOBS_MAX];
        size_t count;
        uint32_t pcrs; /* a bit for each */
        enum ingot_bank bank;
        bool pin;     /* a PIN is needed, too */
        bool pcrlock; /* by the policy in an NV index: pcrlock.json */
        bool rsa;     /* the storage root key is not of the usual kind */
        uint32_t public_key_pcrs;
        struct ingot_buffer public_key; /* PEM; empty: no signed policy */
        char *reference;                /* of the signed policy; or NULL */
        struct ingot_buffer srk;        /* by Esys_TR_Serialize; or empty */
        struct ingot_buffer nv;         /* likewise, of the NV index; or empty */
        struct ingot_pcr_sets values;   /* what `pcrs` had when it was sealed; only in ours */
};

void ingot_sealed_done(struct ingot_sealed *s);
#define _cleanup_sealed_ __attribute__((cleanup(ingot_sealed_done)))

/* FORMAT; LIMIT; UNSUPPORTED for a token of another type. */
int ingot_sealed_decode(struct ingot_span text, struct ingot_sealed *ret, ingot_error *reterr);
/* The same from an object, as the header of a volume has it. */
int ingot_sealed_decode_object(struct json_object *o, struct ingot_sealed *ret,
                               ingot_error *reterr);
/* Appends the text with a newline. */
int ingot_sealed_encode(const struct ingot_sealed *s, struct ingot_buffer *ret,
                        ingot_error *reterr);
