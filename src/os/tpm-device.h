/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's TPM device: one command in, its response out. */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#define INGOT_TPM_DEVICE "/dev/tpmrm0" /* with the kernel's resource manager */
#define INGOT_TPM_RESPONSE_MAX 4096

/* NOTFOUND when there is no TPM 2. */
int ingot_tpm_device_open(int *ret_fd, ingot_error *reterr);

/* Sends COMMAND and reads the response into RET, of INGOT_TPM_RESPONSE_MAX bytes. */
int ingot_tpm_device_transact(int fd, struct ingot_span command, uint8_t *ret, size_t *ret_size,
                              ingot_error *reterr);
