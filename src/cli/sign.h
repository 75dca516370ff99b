/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands that sign have in common: keys by purpose, and questions for their secrets. */
#pragma once

#include "image/sign-request.h"

/* Opens the keys of --key and --certificate; passphrases are in the file, or asked for on the
 * terminal when it is NULL. */
int sign_load(const struct ingot_strings *keys, const struct ingot_strings *certificates,
              const char *passphrase_file, struct ingot_signers *ret, ingot_error *reterr);

/* What each purpose lacks, a line each on stdout. */
void sign_print_missing(const struct ingot_sign_request *q);
