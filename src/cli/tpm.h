/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands that talk to a TPM have in common. */
#pragma once

#include "cli/option.h"
#include "measure/pcrlock-policy.h"
#include "measure/pcrsig.h"

#define OPTION_TPM(T, m)                                                                           \
        STRING(0, "tpm", "TPM", T, m,                                                              \
               "Which TPM: a device, or swtpm:path=SOCKET; default: SYSTEMD_TPM2_DEVICE, "         \
               "/dev/tpmrm0")

/* What to open when an option says GIVEN (or NULL: nothing). */
const char *tpm_where(const char *given);

int tpm_read_policy(const char *path, struct ingot_pcrlock_policy *ret, ingot_error *reterr);
int tpm_read_signatures(const char *path, struct ingot_pcrsig *ret, ingot_error *reterr);
/* A bank's name; NULL is sha256. USAGE. */
int tpm_parse_bank(const char *name, enum ingot_bank *ret, ingot_error *reterr);
