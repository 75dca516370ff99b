/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of the commands that sign. */
#include "cli/sign.h"
#include "cli/passphrase.h"
#include "cli/print.h"

#include <stdio.h>

int sign_load(const struct ingot_strings *keys, const struct ingot_strings *certificates,
              const char *passphrase_file, struct ingot_signers *ret, ingot_error *reterr)
{
        struct ingot_key_ask asker = passphrase_from(passphrase_file);
        return ingot_signers_load(ret, (const char *const *) keys->items, keys->count,
                                  (const char *const *) certificates->items, certificates->count,
                                  &asker, reterr);
}

void sign_print_missing(const struct ingot_sign_request *q)
{
        size_t missing[INGOT_PURPOSES] = {0};
        bool any = false;
        for (size_t i = 0; i < q->thing_count; i++)
                missing[q->things[i].purpose] += !ingot_sign_is_answered(q, q->things + i);
        for (unsigned i = 0; i < INGOT_PURPOSES; i++) {
                if (missing[i] == 0)
                        continue;
                printf("missing: %zu by a key for %s\n", missing[i], ingot_purpose_word(i));
                any = true;
        }
        if (!any)
                puts("nothing is missing: 'ingot sign attach' puts the answers in");
}
