/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recovery keys: 256 random bits in 64 letters that are at the same place on all keyboards
 * ("modhex", as YubiKeys write), eight groups of eight with dashes between them. systemd's are the
 * same (systemd-cryptenroll --recovery-key; the PIN of systemd-pcrlock).
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

#define INGOT_RECOVERY_KEY_LENGTH 71

/* From the system's randomness. The caller wipes it. */
int ingot_recovery_key_new(char ret[INGOT_RECOVERY_KEY_LENGTH + 1], ingot_error *reterr);
/* As somebody typed it: upper case, spaces and missing dashes are put right. False: it is none. */
bool ingot_recovery_key_normalize(const char *text, char ret[INGOT_RECOVERY_KEY_LENGTH + 1]);
