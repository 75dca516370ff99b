/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of the commands that sign. */
#include "cli/sign.h"
#include "base/cleanup.h"
#include "cli/print.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Without echo, from the terminal alone: a pipe's content must not be taken for a secret. */
static int ask(void *context, const char *what, char *ret, size_t size, ingot_error *reterr)
{
        char prompt[200];
        (void) context;
        if (!isatty(STDIN_FILENO))
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "%s needs a passphrase, and there is no terminal to ask on", what);
        snprintf(prompt, sizeof(prompt), "Passphrase of %s: ", what);
        char *answer = getpass(prompt);
        size_t n = answer ? strlen(answer) : 0;
        if (!answer || n >= size)
                return ingot_fail(reterr, INGOT_E_LIMIT, "no passphrase, or one that is too long");
        memcpy(ret, answer, n + 1);
        explicit_bzero(answer, n);
        return 0;
}

int sign_load(const struct ingot_strings *keys, const struct ingot_strings *certificates,
              struct ingot_signers *ret, ingot_error *reterr)
{
        static const struct ingot_key_ask asker = {.ask = ask};
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
