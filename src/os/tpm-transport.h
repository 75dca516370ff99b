/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of bytes to a TPM: a device of the kernel, or a socket of swtpm. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tpm_transport {
        int fd;
        bool stream; /* the bytes of a message come in any parts */
        int os;      /* errno of what failed last */
};
#define TPM_TRANSPORT_NONE ((struct tpm_transport){.fd = -1})

/* WHERE as for ingot_tpm_open(). */
int tpm_transport_open(struct tpm_transport *ret, const char *where, ingot_error *reterr);
void tpm_transport_close(struct tpm_transport *t);

/* False sets `os`. RET has room for INGOT_TPM_RESPONSE_MAX bytes. A TPM that says nothing for five
 * minutes has failed. */
bool tpm_transport_send(struct tpm_transport *t, const uint8_t *command, size_t size);
bool tpm_transport_receive(struct tpm_transport *t, uint8_t *ret, size_t *ret_size);
