/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd-stub put into /.extra of the initramfs, brought to where systemd looks for it once
 * the initramfs is gone. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

#define INIT_CREDENTIALS "/run/credentials/@encrypted"

/* May a credential have this name? (systemd: a file name of at most 255 bytes, printable ASCII,
 * with none of the characters of paths and lists.) */
bool init_credential_name_valid(const char *name);

/*
 * Credentials (folder 0700, files 0400, ".cred" cut off, those of the entry before global ones) to
 * /run/credentials/@encrypted, the PCR signature and its key to /run/systemd. 1: there were
 * credentials. One that cannot be used is told and left out.
 */
int init_hand_over(ingot_error *reterr);
