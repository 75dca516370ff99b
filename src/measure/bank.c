/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/bank.h"

#include <openssl/evp.h>

static const struct {
        const char *name;
        size_t size;
        uint16_t algorithm;
        const EVP_MD *(*digest)(void);
} banks[INGOT_BANK_MAX] = {
        [INGOT_BANK_SHA1] = {"sha1", 20, 0x0004, EVP_sha1},
        [INGOT_BANK_SHA256] = {"sha256", 32, 0x000b, EVP_sha256},
        [INGOT_BANK_SHA384] = {"sha384", 48, 0x000c, EVP_sha384},
        [INGOT_BANK_SHA512] = {"sha512", 64, 0x000d, EVP_sha512},
};

const char *ingot_bank_name(enum ingot_bank bank)
{
        return banks[bank].name;
}

size_t ingot_bank_size(enum ingot_bank bank)
{
        return banks[bank].size;
}

uint16_t ingot_bank_algorithm(enum ingot_bank bank)
{
        return banks[bank].algorithm;
}

bool ingot_bank_parse(const char *name, enum ingot_bank *ret)
{
        for (unsigned i = 0; i < INGOT_BANK_MAX; i++)
                if (strcmp(banks[i].name, name) == 0) {
                        *ret = i;
                        return true;
                }
        return false;
}

bool ingot_bank_of_algorithm(uint16_t algorithm, enum ingot_bank *ret)
{
        for (unsigned i = 0; i < INGOT_BANK_MAX; i++)
                if (banks[i].algorithm == algorithm) {
                        *ret = i;
                        return true;
                }
        return false;
}

const struct evp_md_st *ingot_bank_md(enum ingot_bank bank)
{
        return banks[bank].digest();
}

int ingot_bank_digest(enum ingot_bank bank, struct ingot_span data, uint8_t *ret,
                      ingot_error *reterr)
{
        if (EVP_Digest(data.data, data.size, ret, NULL, banks[bank].digest(), NULL) != 1)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "OpenSSL does not make %s digests",
                                  banks[bank].name);
        return 0;
}

int ingot_pcr_extend_digest(struct ingot_pcr *pcr, enum ingot_bank bank, const uint8_t *digest,
                            ingot_error *reterr)
{
        uint8_t both[2 * INGOT_BANK_SIZE_MAX];
        size_t size = banks[bank].size;
        memcpy(both, pcr->value[bank], size);
        memcpy(both + size, digest, size);
        return ingot_bank_digest(bank, INGOT_SPAN(both, 2 * size), pcr->value[bank], reterr);
}

int ingot_pcr_extend(struct ingot_pcr *pcr, struct ingot_span data, ingot_error *reterr)
{
        uint8_t digest[INGOT_BANK_SIZE_MAX];
        int r = 0;
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++) {
                r = ingot_bank_digest(bank, data, digest, reterr);
                if (r >= 0)
                        r = ingot_pcr_extend_digest(pcr, bank, digest, reterr);
        }
        return r;
}
