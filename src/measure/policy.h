/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies of a TPM: the digests that a session has after policy commands, computed without a TPM.
 * Each function is what a command does to the session's digest. The digest is SHA-256, whatever
 * the bank of the PCRs.
 *
 * Source: TPM 2.0 Library, part 3, section 23 (PolicyUpdate and each command's "new policyDigest");
 * part 2, sections 6.5.2 (command codes), 10.6.2 (TPMS_PCR_SELECTION), 12.2.4 (TPMT_PUBLIC), 13.5
 * (TPMS_NV_PUBLIC); part 1, section 16 (names).
 */
#pragma once

#include "base/sha256.h"
#include "measure/bank.h"

#define INGOT_POLICY_OR_MAX 8       /* digests in one TPM2_PolicyOR */
#define INGOT_POLICY_OR_DEPTH_MAX 5 /* of nested ones, by ingot_policy_or_path() */
/* The name of a TPM object or NV index: the algorithm, and a digest by it. */
#define INGOT_POLICY_NAME_SIZE (2 + INGOT_SHA256_SIZE)

/* A session's digest; a new session's is zeros. */
struct ingot_policy {
        uint8_t digest[INGOT_SHA256_SIZE];
};

/*
 * TPM2_PolicyPCR over the PCRs of MASK (a bit for each below 24) of one bank. VALUES are theirs,
 * ascending, one behind another.
 */
void ingot_policy_pcr(struct ingot_policy *p, enum ingot_bank bank, uint32_t mask,
                      struct ingot_span values);

/* The digest of a policy that is nothing but TPM2_PolicyPCR over one PCR, below 24. */
void ingot_policy_of_pcr(enum ingot_bank bank, unsigned pcr, const uint8_t *value,
                         uint8_t ret[INGOT_SHA256_SIZE]);

/* TPM2_PolicyAuthValue: the object's password is to be known, too. */
void ingot_policy_auth_value(struct ingot_policy *p);
/* TPM2_PolicyNvWritten: the index has, or has not, been written since it was made. */
void ingot_policy_nv_written(struct ingot_policy *p, bool written);
/* TPM2_PolicySigned by the key of that name; REFERENCE may be empty. */
void ingot_policy_signed(struct ingot_policy *p, struct ingot_span key_name,
                         struct ingot_span reference);

/* What follows throws away what the session had and puts something in its place. */

/* TPM2_PolicyAuthorize: any policy that the key of that name has signed, with that reference. */
void ingot_policy_authorize(struct ingot_policy *p, struct ingot_span key_name,
                            struct ingot_span reference);
/* TPM2_PolicyAuthorizeNV: any policy that stands in the NV index of that name. */
void ingot_policy_authorize_nv(struct ingot_policy *p, struct ingot_span nv_name);
/* TPM2_PolicyOR. USAGE for fewer than 2; LIMIT for more than INGOT_POLICY_OR_MAX. */
int ingot_policy_or(struct ingot_policy *p, const struct ingot_policy *branches, size_t count,
                    ingot_error *reterr);

/*
 * The same over any number of branches from 2 on, as TPM2_PolicyORs of TPM2_PolicyORs: groups of 8
 * in order, then groups of 8 of these; a group of one is its only member. Up to 8 it is
 * ingot_policy_or(). systemd does not know this.
 */
int ingot_policy_or_nested(struct ingot_policy *p, const struct ingot_policy *branches,
                           size_t count, ingot_error *reterr);

/* One TPM2_PolicyOR, as a session is to run it. */
struct ingot_policy_or {
        struct ingot_policy branches[INGOT_POLICY_OR_MAX];
        size_t count;
};
/* Those that a session runs, first to last, whose digest is BRANCHES[INDEX]. LIMIT for more
 * branches than INGOT_POLICY_OR_DEPTH_MAX levels hold. */
int ingot_policy_or_path(const struct ingot_policy *branches, size_t count, size_t index,
                         struct ingot_policy_or ret[INGOT_POLICY_OR_DEPTH_MAX], size_t *ret_count,
                         ingot_error *reterr);

/* The name of a public area (TPMT_PUBLIC) whose name algorithm is SHA-256. */
void ingot_policy_name(struct ingot_span public_area, uint8_t ret[INGOT_POLICY_NAME_SIZE]);
