/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Banks of PCRs: a TPM keeps each PCR once for each hash algorithm that is switched on. The digests
 * are OpenSSL's.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

/* The hash algorithms of PCR banks. */
enum ingot_bank {
        INGOT_BANK_SHA1,
        INGOT_BANK_SHA256,
        INGOT_BANK_SHA384,
        INGOT_BANK_SHA512,
        INGOT_BANK_MAX
};
#define INGOT_BANK_SIZE_MAX 64

/* "sha256" …; the size of its digests in bytes; TPM_ALG_ID. */
const char *ingot_bank_name(enum ingot_bank bank);
size_t ingot_bank_size(enum ingot_bank bank);
uint16_t ingot_bank_algorithm(enum ingot_bank bank);
/* False when there is no such bank. */
bool ingot_bank_parse(const char *name, enum ingot_bank *ret);
bool ingot_bank_of_algorithm(uint16_t algorithm, enum ingot_bank *ret);

/* One PCR, in all banks. */
struct ingot_pcr {
        uint8_t value[INGOT_BANK_MAX][INGOT_BANK_SIZE_MAX];
};

/* Extends it, in every bank, with the digest of DATA. */
int ingot_pcr_extend(struct ingot_pcr *pcr, struct ingot_span data, ingot_error *reterr);
/* The same with a digest that is known, in one bank. */
int ingot_pcr_extend_digest(struct ingot_pcr *pcr, enum ingot_bank bank, const uint8_t *digest,
                            ingot_error *reterr);

/* The digest of DATA, ingot_bank_size() bytes. */
int ingot_bank_digest(enum ingot_bank bank, struct ingot_span data, uint8_t *ret,
                      ingot_error *reterr);

struct evp_md_st; /* OpenSSL's EVP_MD */
const struct evp_md_st *ingot_bank_md(enum ingot_bank bank);
