/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /dev/tpmrm0: a write is a command, the next read its response. */
#include "os/tpm-device.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>

int ingot_tpm_device_open(int *ret_fd, ingot_error *reterr)
{
        int fd = open(INGOT_TPM_DEVICE, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND,
                                                    "no TPM: no " INGOT_TPM_DEVICE)
                                       : ingot_fail_errno(reterr, "open " INGOT_TPM_DEVICE);
        *ret_fd = fd;
        return 0;
}

int ingot_tpm_device_transact(int fd, struct ingot_span command, uint8_t *ret, size_t *ret_size,
                              ingot_error *reterr)
{
        ssize_t n = write(fd, command.data, command.size);
        if (n < 0)
                return ingot_fail_errno(reterr, "send a TPM command");
        if ((size_t) n != command.size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the TPM took a part of the command");
        n = read(fd, ret, INGOT_TPM_RESPONSE_MAX);
        if (n < 0)
                return ingot_fail_errno(reterr, "read the TPM's response");
        *ret_size = (size_t) n;
        return 0;
}
