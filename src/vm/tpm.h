/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A TPM 2.0 for a virtual machine: swtpm, with its state in a folder. */
#pragma once

#include "os/process.h"

/*
 * Starts swtpm with the state in FOLDER, which is made when it is new. *ret_fd is the socket that
 * QEMU inherits as its TPM; swtpm ends when QEMU closes it. NOTFOUND names the missing package.
 */
int ingot_tpm_start(const char *folder, struct ingot_process *ret, int *ret_fd,
                    ingot_error *reterr);
