/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is asked for passphrases and PINs: a file that an option names, or else the terminal. */
#pragma once

#include "trust/key.h"

/* For the rows of commands that open keys: a row with a member `const char *passphrase_file`. */
#define OPTION_PASSPHRASE_FILE(T)                                                                  \
        STRING(0, "passphrase-file", "FILE", T, passphrase_file,                                   \
               "Take the passphrase of keys, or the token's PIN, from the file's first line")

/* FILE: NULL asks on the terminal, without echo. FILE outlives the result. */
struct ingot_key_ask passphrase_from(const char *file);
