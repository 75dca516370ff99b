/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What only the device tells. */
#include "base/cleanup.h"
#include "base/text.h"
#include "measure/pcrlock-nv.h"
#include "measure/super-policy.h"
#include "measure/tpm-state.h"
#include "os/tpm.h"

static int read_bank(struct ingot_tpm *t, enum ingot_bank bank, uint32_t mask,
                     struct ingot_tpm_state *s, ingot_error *reterr)
{
        struct ingot_tpm_pcrs pcrs;
        int r = ingot_tpm_pcr_read(t, ingot_bank_algorithm(bank), mask, &pcrs, reterr);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++)
                if (pcrs.have >> i & 1)
                        memcpy(s->values[i].value[bank], pcrs.value[i], ingot_bank_size(bank));
        s->have[bank] = pcrs.have;
        s->banks |= 1u << bank;
        return 0;
}

/* A policy that cannot be computed, or an index that is gone, is a finding, no failure. */
static int compare(struct ingot_tpm *t, const struct ingot_pcrlock_policy *p, bool *ret,
                   ingot_error *reterr)
{
        const struct ingot_super_policy_options nested = {.nested = true};
        _cleanup_buffer_ struct ingot_buffer held = {0};
        struct ingot_policy digest = {0};
        uint8_t data[INGOT_PCRLOCK_NV_DATA_SIZE];
        int r = ingot_super_policy(&digest, &p->sets, &nested, reterr);
        if (r >= 0)
                r = ingot_tpm_nv_read(t, p->nv_index, &held, reterr);
        if (r < 0)
                return r;
        ingot_pcrlock_nv_data(&digest, data);
        *ret = held.size == sizeof(data) && memcmp(held.data, data, sizeof(data)) == 0;
        return 0;
}

static int ask_policy(struct ingot_tpm *t, const struct ingot_pcrlock_policy *p,
                      struct ingot_tpm_state *s, ingot_error *reterr)
{
        ingot_error error = {0};
        if (!p)
                return 0;
        s->policy_asked = true;
        int r = compare(t, p, &s->policy_held, &error);
        return r < 0 ? ingot_strdup(&s->policy_problem, error.text, reterr) : 0;
}

int ingot_tpm_state_ask(const struct ingot_tpm_state_request *q, struct ingot_tpm_state *s,
                        ingot_error *reterr)
{
        _cleanup_tpm_ struct ingot_tpm *t = NULL;
        struct ingot_tpm_about about;
        int r = ingot_tpm_open(&t, q->where, reterr);
        if (r >= 0)
                r = ingot_tpm_query(t, &about, reterr);
        for (size_t i = 0; r >= 0 && i < about.bank_count; i++) {
                enum ingot_bank bank;
                if (ingot_bank_of_algorithm(about.banks[i].algorithm, &bank))
                        r = read_bank(t, bank, about.banks[i].pcrs, s, reterr);
        }
        if (r >= 0)
                r = ask_policy(t, q->policy, s, reterr);
        if (r < 0)
                return r;
        memcpy(s->manufacturer, about.manufacturer, sizeof(s->manufacturer));
        memcpy(s->firmware, about.firmware, sizeof(s->firmware));
        s->revision = about.revision;
        s->nv_policies = about.policy_authorize_nv;
        s->locked_out = about.locked_out;
        return 0;
}
