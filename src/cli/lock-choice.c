/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/lock-choice.h"
#include "cli/tpm.h"
#include "measure/pcr-mask.h"

void lock_state_done(struct lock_state *s)
{
        ingot_lock_facts_done(&s->facts);
        ingot_lock_choice_done(&s->choice);
}

int lock_choose(struct lock_state *s, const struct ingot_log *log, ingot_error *reterr)
{
        const struct lock_options *o = s->options;
        struct ingot_lock_facts_request q = {.firmware_log = o->log,
                                             .userspace_log = o->userspace,
                                             .root = o->root,
                                             .components = &o->components,
                                             .location = o->location,
                                             .tpm = tpm_where(o->tpm),
                                             .dry_run = o->dry_run,
                                             .log = log};
        uint32_t pcrs = 0;
        if (o->automatic == (o->pcrs != NULL))
                return ingot_fail(reterr, INGOT_E_USAGE, "either --auto or --pcrs");
        int r = tpm_parse_bank(o->bank, &q.bank, reterr);
        if (r >= 0 && o->pcrs)
                r = ingot_pcr_mask_parse(o->pcrs, &pcrs, reterr);
        if (r >= 0)
                r = ingot_lock_facts_read(&q, &s->facts, reterr);
        if (r < 0)
                return r;
        s->request = ingot_lock_facts_request(&s->facts);
        s->request.automatic = o->automatic;
        s->request.pcrs = pcrs;
        s->request.nested = o->nested;
        return ingot_lock_choose(&s->request, &s->choice, reterr);
}
