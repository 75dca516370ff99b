/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a revocation list of OpenSSH; what is asked for is made of its last bytes. */
#include "format/ssh-krl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_span bytes = INGOT_SPAN(data, size);
        struct ingot_ssh_certificate c = {0};
        struct ingot_ssh_subject s = {.certificate = &c};
        struct ingot_ssh_krl krl;
        ingot_error error;
        if (ingot_ssh_krl_decode(bytes, &krl, &error) < 0)
                return 0;
        if (!ingot_ssh_krl_recognise(bytes) || krl.sections.size + krl.comment.size + 44 > size)
                abort();
        const uint8_t *tail = data + size - (size < 51 ? size : 51);
        s.blob = c.authority.blob = c.id = INGOT_SPAN(tail, (size_t) (data + size - tail));
        c.serial = ingot_be64_load(data + size - 8);
        memcpy(s.sha1, data + size - 20, sizeof(s.sha1));
        memcpy(s.sha256, data + size - 32, sizeof(s.sha256));
        bool with = ingot_ssh_krl_revokes(&krl, &s);
        /* A certificate is revoked by all that revokes its key. */
        s.certificate = NULL;
        if (ingot_ssh_krl_revokes(&krl, &s) && !with)
                abort();
        if (krl.sections.size == 0 && with)
                abort();
        return 0;
}
