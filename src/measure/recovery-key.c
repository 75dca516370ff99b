/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/recovery-key.h"

#include <openssl/rand.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BYTES 32
#define GROUP 8 /* letters */

static const char letters[] = "cbdefghijklnrtuv";

static char *put(char *at, size_t n, char letter)
{
        if (n > 0 && n % GROUP == 0)
                *at++ = '-';
        *at++ = letter;
        return at;
}

int ingot_recovery_key_new(char ret[INGOT_RECOVERY_KEY_LENGTH + 1], ingot_error *reterr)
{
        uint8_t random[BYTES];
        char *at = ret;
        if (RAND_priv_bytes(random, sizeof(random)) != 1)
                return ingot_fail(reterr, INGOT_E_SYSTEM, "OpenSSL has no randomness");
        for (size_t i = 0; i < BYTES; i++) {
                at = put(at, 2 * i, letters[random[i] >> 4]);
                at = put(at, 2 * i + 1, letters[random[i] & 15]);
        }
        *at = 0;
        explicit_bzero(random, sizeof(random));
        return 0;
}

bool ingot_recovery_key_normalize(const char *text, char ret[INGOT_RECOVERY_KEY_LENGTH + 1])
{
        size_t n = 0;
        char *at = ret;
        for (; *text; text++) {
                char c = (char) (*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text);
                if (c == '-' || c == ' ')
                        continue;
                if (!strchr(letters, c) || n == (size_t) 2 * BYTES)
                        return false;
                at = put(at, n++, c);
        }
        *at = 0;
        return n == (size_t) 2 * BYTES;
}
