/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a signature partition: never a crash, and what is taken is no longer than the text.
 */
#include "format/verity-signature.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_verity_signature_ struct ingot_verity_signature s = {0};
        ingot_error error = {0};
        if (ingot_verity_signature_decode(INGOT_SPAN(data, size), &s, &error) < 0) {
                if (!error.code)
                        abort();
                return 0;
        }
        if (s.pkcs7.size > size)
                abort();
        return 0;
}
