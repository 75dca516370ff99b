/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/measurement-compare.h"

#include <string.h>

const char *ingot_compared_name(enum ingot_compared compared)
{
        static const char *const names[INGOT_COMPARED_MAX] = {
                [INGOT_COMPARED_EQUAL] = "equal",
                [INGOT_COMPARED_DIFFERENT] = "different",
                [INGOT_COMPARED_UNKNOWN] = "unknown",
        };
        return names[compared];
}

static int compare_one(const struct ingot_measured_profile *p, enum ingot_phase phase,
                       bool secure_boot, const struct ingot_machine_pcrs *have,
                       struct ingot_compared_pcr *c, ingot_error *reterr)
{
        const struct ingot_measured_event *why;
        int r = ingot_measured_value(p, c->pcr, phase, secure_boot, &c->want, &why, reterr);
        c->result = INGOT_COMPARED_UNKNOWN;
        if (r < 0)
                return r;
        if (r == INGOT_MEASURED_UNKNOWN) {
                c->reason = why ? why->reason : NULL;
                return 0;
        }
        c->banks = have->banks[c->pcr];
        if (!c->banks) {
                c->reason = "the machine does not tell it";
                return 0;
        }
        c->result = INGOT_COMPARED_EQUAL;
        for (enum ingot_bank bank = INGOT_BANK_MAX; bank-- > 0;)
                if ((c->banks >> bank & 1) &&
                    memcmp(c->want.value[bank], have->pcrs[c->pcr].value[bank],
                           ingot_bank_size(bank)) != 0) {
                        c->result = INGOT_COMPARED_DIFFERENT;
                        c->bank = bank;
                }
        return 0;
}

int ingot_measurement_compare(const struct ingot_measured_profile *p, enum ingot_phase phase,
                              bool secure_boot, const struct ingot_machine_pcrs *have,
                              struct ingot_compared_pcr ret[INGOT_MEASURED_PCR_COUNT],
                              ingot_error *reterr)
{
        struct ingot_compared_pcr all[INGOT_MEASURED_PCR_COUNT] = {0};
        for (size_t i = 0; i < INGOT_MEASURED_PCR_COUNT; i++) {
                all[i].pcr = ingot_measured_pcrs[i];
                int r = compare_one(p, phase, secure_boot, have, all + i, reterr);
                if (r < 0)
                        return r;
        }
        memcpy(ret, all, sizeof(all));
        return 0;
}
