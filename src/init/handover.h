/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd-stub put into /.extra of the initramfs, brought to where systemd looks for it once
 * the initramfs is gone. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

#define INIT_CREDENTIALS "/run/credentials/@encrypted"

/*
 * Credentials (folder 0700, files 0400, ".cred" cut off, those of the entry before global ones) to
 * /run/credentials/@encrypted, the PCR signature and its key to /run/systemd. 1: there were
 * credentials, and CREDENTIALS asks for them. One that cannot be used is told and left out.
 */
int init_hand_over(bool credentials, ingot_error *reterr);
