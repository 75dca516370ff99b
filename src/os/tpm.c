/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a TPM is, and its PCRs. */
#include "os/tpm.h"
#include "base/cleanup.h"
#include "os/tpm-esys.h"

#include <string.h>

static int capability(struct ingot_tpm *t, TPM2_CAP what, uint32_t first, uint32_t count,
                      TPMS_CAPABILITY_DATA **ret, ingot_error *reterr)
{
        TSS2_RC rc = t->call->Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                                 what, first, count, NULL, ret);
        return rc ? tpm_fail(t, rc, reterr, "ask what it can") : 0;
}

static void take_property(struct ingot_tpm_about *about, TPM2_PT property, uint32_t value)
{
        switch (property) {
        case TPM2_PT_MANUFACTURER:
                ingot_be32_store((uint8_t *) about->manufacturer, value);
                for (char *c = about->manufacturer; *c; c++)
                        if (*c < ' ' || *c > '~')
                                *c = '?';
                for (size_t n = strlen(about->manufacturer);
                     n > 0 && about->manufacturer[n - 1] == ' '; n--)
                        about->manufacturer[n - 1] = 0;
                break;
        case TPM2_PT_FIRMWARE_VERSION_1:
        case TPM2_PT_FIRMWARE_VERSION_2:
                about->firmware[property - TPM2_PT_FIRMWARE_VERSION_1] = value;
                break;
        case TPM2_PT_REVISION:
                about->revision = value;
                break;
        case TPM2_PT_NV_INDEX_MAX:
                about->nv_index_max = value;
                break;
        case TPM2_PT_PERMANENT:
                about->locked_out = value & TPMA_PERMANENT_INLOCKOUT;
                break;
        }
}

static int query_properties(struct ingot_tpm *t, struct ingot_tpm_about *about, uint32_t first,
                            ingot_error *reterr)
{
        TPMS_CAPABILITY_DATA *c = NULL;
        int r = capability(t, TPM2_CAP_TPM_PROPERTIES, first, TPM2_MAX_TPM_PROPERTIES, &c, reterr);
        if (r < 0)
                return r;
        const TPML_TAGGED_TPM_PROPERTY *list = &c->data.tpmProperties;
        for (uint32_t i = 0; i < list->count && i < TPM2_MAX_TPM_PROPERTIES; i++)
                take_property(about, list->tpmProperty[i].property, list->tpmProperty[i].value);
        t->call->Esys_Free(c);
        return 0;
}

static uint32_t select_load(const TPMS_PCR_SELECTION *s)
{
        uint32_t pcrs = 0;
        for (unsigned i = 0; i < s->sizeofSelect && i < INGOT_TPM_PCR_COUNT / 8; i++)
                pcrs |= (uint32_t) s->pcrSelect[i] << 8 * i;
        return pcrs;
}

static int query_banks(struct ingot_tpm *t, struct ingot_tpm_about *about, ingot_error *reterr)
{
        TPMS_CAPABILITY_DATA *c = NULL;
        int r = capability(t, TPM2_CAP_PCRS, 0, 1, &c, reterr);
        if (r < 0)
                return r;
        const TPML_PCR_SELECTION *list = &c->data.assignedPCR;
        for (uint32_t i = 0; i < list->count && i < TPM2_NUM_PCR_BANKS; i++) {
                uint32_t pcrs = select_load(list->pcrSelections + i);
                if (pcrs == 0 || about->bank_count == ARRAY_SIZE(about->banks))
                        continue;
                about->banks[about->bank_count].algorithm = list->pcrSelections[i].hash;
                about->banks[about->bank_count++].pcrs = pcrs;
        }
        t->call->Esys_Free(c);
        return 0;
}

static int query_command(struct ingot_tpm *t, TPM2_CC command, bool *ret, ingot_error *reterr)
{
        TPMS_CAPABILITY_DATA *c = NULL;
        int r = capability(t, TPM2_CAP_COMMANDS, command, 1, &c, reterr);
        if (r < 0)
                return r;
        const TPML_CCA *list = &c->data.command;
        *ret = list->count > 0 &&
               (list->commandAttributes[0] & TPMA_CC_COMMANDINDEX_MASK) == command;
        t->call->Esys_Free(c);
        return 0;
}

int ingot_tpm_query(struct ingot_tpm *t, struct ingot_tpm_about *ret, ingot_error *reterr)
{
        struct ingot_tpm_about about = {0};
        int r = query_properties(t, &about, TPM2_PT_FIXED, reterr);
        if (r >= 0)
                r = query_properties(t, &about, TPM2_PT_VAR, reterr);
        if (r >= 0)
                r = query_banks(t, &about, reterr);
        if (r >= 0)
                r = query_command(t, TPM2_CC_PolicyAuthorizeNV, &about.policy_authorize_nv, reterr);
        if (r >= 0)
                *ret = about;
        return r;
}

/* ---- PCRs ---- */

void tpm_select(TPML_PCR_SELECTION *ret, uint16_t algorithm, uint32_t pcrs)
{
        *ret = (TPML_PCR_SELECTION){.count = 1};
        ret->pcrSelections[0].hash = algorithm;
        ret->pcrSelections[0].sizeofSelect = INGOT_TPM_PCR_COUNT / 8;
        for (unsigned i = 0; i < INGOT_TPM_PCR_COUNT / 8; i++)
                ret->pcrSelections[0].pcrSelect[i] = (BYTE) (pcrs >> 8 * i);
}

/* A TPM gives eight values at most at a time. */
static uint32_t take_values(struct ingot_tpm_pcrs *ret, const TPML_PCR_SELECTION *given,
                            const TPML_DIGEST *values)
{
        uint32_t pcrs = given->count == 1 ? select_load(given->pcrSelections) : 0, taken = 0, k = 0;
        for (unsigned i = 0; i < INGOT_TPM_PCR_COUNT && k < values->count; i++) {
                if (!(pcrs >> i & 1))
                        continue;
                const TPM2B_DIGEST *d = values->digests + k++;
                if (d->size > INGOT_TPM_DIGEST_MAX)
                        continue;
                memcpy(ret->value[i], d->buffer, d->size);
                taken |= 1u << i;
        }
        ret->have |= taken;
        return taken;
}

int ingot_tpm_pcr_read(struct ingot_tpm *t, uint16_t algorithm, uint32_t pcrs,
                       struct ingot_tpm_pcrs *ret, ingot_error *reterr)
{
        struct ingot_tpm_pcrs read = {0};
        while (pcrs) {
                TPML_PCR_SELECTION want, *given = NULL;
                TPML_DIGEST *values = NULL;
                tpm_select(&want, algorithm, pcrs);
                TSS2_RC rc = t->call->Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
                                                    ESYS_TR_NONE, &want, NULL, &given, &values);
                if (rc)
                        return tpm_fail(t, rc, reterr, "read PCRs");
                uint32_t taken = take_values(&read, given, values);
                t->call->Esys_Free(given);
                t->call->Esys_Free(values);
                if (!(taken & pcrs))
                        break; /* the bank does not have the rest */
                pcrs &= ~taken;
        }
        *ret = read;
        return 0;
}

int ingot_tpm_pcr_extend(struct ingot_tpm *t, unsigned pcr, uint16_t algorithm,
                         struct ingot_span digest, ingot_error *reterr)
{
        TPML_DIGEST_VALUES values = {.count = 1};
        if (pcr >= INGOT_TPM_PCR_COUNT || digest.size > sizeof(values.digests[0].digest))
                return ingot_fail(reterr, INGOT_E_USAGE, "no PCR %u, or no digest", pcr);
        values.digests[0].hashAlg = algorithm;
        memcpy(&values.digests[0].digest, digest.data, digest.size);
        TSS2_RC rc = t->call->Esys_PCR_Extend(t->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD,
                                              ESYS_TR_NONE, ESYS_TR_NONE, &values);
        return rc ? tpm_fail(t, rc, reterr, "extend PCR %u", pcr) : 0;
}
