/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is asked for passphrases and PINs: a file that an option names, or else the terminal. */
#pragma once

#include "trust/key.h"

/* For the rows of commands that open keys: MEMBER of T is a const char *. */
#define OPTION_PASSPHRASE_FILE(T, MEMBER)                                                          \
        STRING(0, "passphrase-file", "FILE", T, MEMBER,                                            \
               "Take the passphrase of keys, or the token's PIN, from the file's first line")

/* FILE: NULL asks on the terminal, without echo. FILE outlives the result. */
struct ingot_key_ask passphrase_from(const char *file);
