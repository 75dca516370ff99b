/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A TPM 2.0: its PCRs, sealed secrets, policy sessions and NV indexes.
 *
 * libtss2-esys does the talking. It is loaded when a TPM is opened, so a machine without TPM needs
 * no library; UNSUPPORTED names the package where it is missing, or says that ingot was built
 * without. What the TPM answers is an error in words, with its code: REFUSED when a policy,
 * signature or authorization does not hold, NOTFOUND for an object that there is not, SPACE when it
 * is full, CONFLICT for one that is there already, UNSUPPORTED for a command that this TPM lacks,
 * SYSTEM for everything else. It is for one thread.
 *
 * Algorithms are TPM_ALG_ID (TPM 2.0 Library, part 2, section 6.3). Policies and names are SHA-256.
 */
#pragma once

#include "base/buffer.h"
#include "base/sha256.h"
#include "os/tpm-device.h"

#include <stdbool.h>

#define INGOT_TPM_SRK 0x81000001u /* the storage root key (TCG TPM v2.0 Provisioning Guidance) */
#define INGOT_TPM_PCR_COUNT 24
#define INGOT_TPM_DIGEST_MAX 64
#define INGOT_TPM_SECRET_MAX 128 /* bytes: MAX_SYM_DATA */
#define INGOT_TPM_NAME_SIZE (2 + INGOT_SHA256_SIZE)

struct ingot_tpm;

/*
 * WHERE: "device:/dev/tpmrm0" or only a path, "swtpm:host=HOST,port=PORT", "swtpm:path=SOCKET";
 * NULL is INGOT_TPM_DEVICE. NOTFOUND when there is no TPM; UNSUPPORTED when it is a TPM 1.2.
 */
int ingot_tpm_open(struct ingot_tpm **ret, const char *where, ingot_error *reterr);
void ingot_tpm_close(struct ingot_tpm *t);
static inline void ingot_tpm_close_p(struct ingot_tpm **t)
{
        ingot_tpm_close(*t);
}
#define _cleanup_tpm_ __attribute__((cleanup(ingot_tpm_close_p)))

/* What it is and can. */
struct ingot_tpm_about {
        char manufacturer[5];  /* "IBM", "STM": up to four letters */
        uint32_t firmware[2];  /* TPM_PT_FIRMWARE_VERSION_1, _2: the vendor's numbers */
        uint32_t revision;     /* of the specification, times 100: 138 */
        uint32_t nv_index_max; /* bytes of one index */
        bool policy_authorize_nv;
        bool locked_out; /* too many wrong authorizations */
        struct {
                uint16_t algorithm;
                uint32_t pcrs; /* a bit for each PCR below 24 that the bank has */
        } banks[8];            /* those with PCRs */
        size_t bank_count;
};
int ingot_tpm_query(struct ingot_tpm *t, struct ingot_tpm_about *ret, ingot_error *reterr);

/* PCRs of one bank; `have` has a bit for each that the TPM gave. */
struct ingot_tpm_pcrs {
        uint32_t have;
        uint8_t value[INGOT_TPM_PCR_COUNT][INGOT_TPM_DIGEST_MAX];
};
int ingot_tpm_pcr_read(struct ingot_tpm *t, uint16_t algorithm, uint32_t pcrs,
                       struct ingot_tpm_pcrs *ret, ingot_error *reterr);
int ingot_tpm_pcr_extend(struct ingot_tpm *t, unsigned pcr, uint16_t algorithm,
                         struct ingot_span digest, ingot_error *reterr);

/* Finds the storage root key at INGOT_TPM_SRK; makes the one of the TCG's ECC template (EK
 * Credential Profile 2.5, template L-2) where there is none. Appends how tpm2-tss serializes it, as
 * `tpm2_srk` of a LUKS2 token has it; RET may be NULL. */
int ingot_tpm_srk(struct ingot_tpm *t, struct ingot_buffer *ret, ingot_error *reterr);
/* REFUSED when the storage root key is not the one that was serialized: another TPM, or cleared. */
int ingot_tpm_srk_check(struct ingot_tpm *t, struct ingot_span serialized, ingot_error *reterr);

/* Seals SECRET (at most INGOT_TPM_SECRET_MAX bytes) to the storage root key and POLICY. Appends
 * TPM2B_PRIVATE and TPM2B_PUBLIC. */
int ingot_tpm_seal(struct ingot_tpm *t, const uint8_t policy[INGOT_SHA256_SIZE],
                   struct ingot_span secret, struct ingot_buffer *ret_private,
                   struct ingot_buffer *ret_public, ingot_error *reterr);

/* A policy session, or a trial of one. Its parameters are encrypted between here and the TPM. */
struct ingot_tpm_session {
        struct ingot_tpm *tpm; /* NULL: none */
        uint32_t handle;
};
int ingot_tpm_session_start(struct ingot_tpm *t, struct ingot_tpm_session *ret,
                            ingot_error *reterr);
void ingot_tpm_session_end(struct ingot_tpm_session *s);
#define _cleanup_tpm_session_ __attribute__((cleanup(ingot_tpm_session_end)))

/* The values that the PCRs (a bit for each) have at this moment. */
int ingot_tpm_policy_pcr(const struct ingot_tpm_session *s, uint16_t algorithm, uint32_t pcrs,
                         ingot_error *reterr);
/* The digest so far is one of 2 to 8. */
int ingot_tpm_policy_or(const struct ingot_tpm_session *s,
                        const uint8_t (*branches)[INGOT_SHA256_SIZE], size_t count,
                        ingot_error *reterr);
/* The digest so far is what an NV index of ours holds, and the index is readable by the owner. */
int ingot_tpm_policy_authorize_nv(const struct ingot_tpm_session *s, uint32_t index,
                                  ingot_error *reterr);
/* The digest so far was signed, with REFERENCE behind it, by this RSA key (RSASSA, SHA-256). */
struct ingot_tpm_rsa {
        struct ingot_span modulus; /* big-endian, without leading zeros */
        uint32_t exponent;
};
int ingot_tpm_policy_authorize(const struct ingot_tpm_session *s, const struct ingot_tpm_rsa *key,
                               struct ingot_span reference, struct ingot_span signature,
                               ingot_error *reterr);
/* Who has the session knows this secret: TPM2_PolicySigned by a key of HMAC. */
int ingot_tpm_policy_signed(const struct ingot_tpm_session *s, struct ingot_span secret,
                            ingot_error *reterr);
int ingot_tpm_policy_digest(const struct ingot_tpm_session *s, uint8_t ret[INGOT_SHA256_SIZE],
                            ingot_error *reterr);

/* Appends the secret: BLOB is TPM2B_PRIVATE and TPM2B_PUBLIC, with nothing behind. REFUSED when the
 * session does not fulfil the policy, or when another storage root key sealed it. */
int ingot_tpm_unseal(const struct ingot_tpm_session *s, struct ingot_span blob,
                     struct ingot_buffer *ret, ingot_error *reterr);

/* The public area of such a key, whose SHA-256 is its name: for policies computed without a TPM.
 * Appends TPMT_PUBLIC. */
int ingot_tpm_rsa_public(const struct ingot_tpm_rsa *key, struct ingot_buffer *ret,
                         ingot_error *reterr);

/*
 * NV indexes. A new one holds SIZE bytes; it is written whole and by POLICY, and read by the owner.
 * INDEX 0: the first that is free from INGOT_TPM_NV_FIRST on.
 */
#define INGOT_TPM_NV_FIRST 0x01800000u
#define INGOT_TPM_NV_LAST 0x01bfffffu
int ingot_tpm_nv_define(struct ingot_tpm *t, uint32_t index,
                        const uint8_t policy[INGOT_SHA256_SIZE], uint16_t size, uint32_t *ret_index,
                        ingot_error *reterr);
int ingot_tpm_nv_undefine(struct ingot_tpm *t, uint32_t index, ingot_error *reterr);
/* The session fulfils the index's policy. */
int ingot_tpm_nv_write(const struct ingot_tpm_session *s, uint32_t index, struct ingot_span data,
                       ingot_error *reterr);
/* Appends what it holds; 1 when it was never written. */
int ingot_tpm_nv_read(struct ingot_tpm *t, uint32_t index, struct ingot_buffer *ret,
                      ingot_error *reterr);
/* Its name, its public area (TPM2B_NV_PUBLIC) and how tpm2-tss serializes it; appended. */
struct ingot_tpm_nv {
        uint8_t name[INGOT_TPM_NAME_SIZE];
        struct ingot_buffer public_area, serialized;
};
void ingot_tpm_nv_done(struct ingot_tpm_nv *nv);
#define _cleanup_tpm_nv_ __attribute__((cleanup(ingot_tpm_nv_done)))
int ingot_tpm_nv_public(struct ingot_tpm *t, uint32_t index, struct ingot_tpm_nv *ret,
                        ingot_error *reterr);
