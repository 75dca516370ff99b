/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/tpm-state.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/root.h"

#include <stdlib.h>

#define VALUE_SIZE_MAX 256 /* of a file of the kernel's */

void ingot_tpm_state_done(struct ingot_tpm_state *s)
{
        free(s->problem);
        free(s->policy_problem);
        *s = (struct ingot_tpm_state){0};
}

/* Hexadecimal digits and a newline. */
static bool take_value(struct ingot_buffer *text, enum ingot_bank bank, uint8_t *ret)
{
        if (text->size > 0 && text->data[text->size - 1] == '\n')
                text->data[text->size - 1] = 0;
        return text->size > 0 && memchr(text->data, 0, text->size) &&
               ingot_unhex(ret, ingot_bank_size(bank), (const char *) text->data);
}

static int read_value(int root, enum ingot_bank bank, unsigned pcr, struct ingot_tpm_state *s,
                      ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *path = NULL;
        enum ingot_root_kind kind;
        int r = ingot_format(&path, reterr, "/sys/class/tpm/tpm0/pcr-%s/%u", ingot_bank_name(bank),
                             pcr);
        if (r >= 0)
                r = ingot_root_look(root, path, &kind, reterr);
        if (r < 0 || kind != INGOT_ROOT_FILE)
                return r;
        r = ingot_root_read(root, path, VALUE_SIZE_MAX, &text, reterr);
        if (r < 0)
                return r;
        s->found = true;
        if (!take_value(&text, bank, s->values[pcr].value[bank]))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is no value of a PCR", path);
        s->banks |= 1u << bank;
        s->have[bank] |= 1u << pcr;
        return 0;
}

static int read_kernel(const char *folder, struct ingot_tpm_state *s, ingot_error *reterr)
{
        _cleanup_close_ int root = -1;
        int r = ingot_root_open(folder, &root, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                        r = read_value(root, bank, i, s, reterr);
        return r;
}

int ingot_tpm_state_read(const struct ingot_tpm_state_request *q, struct ingot_tpm_state *ret,
                         ingot_error *reterr)
{
        _cleanup_tpm_state_ struct ingot_tpm_state s = {0};
        ingot_error error = {0};
        int r = q->where ? 0 : read_kernel(q->root, &s, reterr);
        if (r < 0)
                return r;
        /* The device of this machine says nothing about a folder. */
        if (q->root && !q->where)
                r = ingot_fail(&error, INGOT_E_NOTFOUND, "the device was not asked, below --root");
        else
                r = ingot_tpm_state_ask(q, &s, &error);
        if (r < 0 && (q->where || error.code == INGOT_E_NOMEM)) {
                if (reterr)
                        *reterr = error;
                return r;
        }
        s.asked = r >= 0;
        s.found = s.found || s.asked;
        if (r < 0)
                r = ingot_strdup(&s.problem, error.text, reterr);
        if (r < 0)
                return r;
        *ret = s;
        s = (struct ingot_tpm_state){0};
        return 0;
}
