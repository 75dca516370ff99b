/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a signed update, and as signature lists: what was read is written, and reads as the
 * same. */
#include "format/efi-signature.h"
#include "format/efi-time-auth.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lists(struct ingot_span bytes)
{
        _cleanup_efi_signatures_ struct ingot_efi_signatures s = {0}, again = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        ingot_error error;
        if (ingot_efi_signatures_decode(bytes, &s, &error) < 0)
                return;
        if (ingot_efi_signatures_encode(&s, &b, &error) < 0 || b.size > bytes.size ||
            ingot_efi_signatures_decode(ingot_buffer_span(&b), &again, &error) < 0 ||
            again.count != s.count)
                abort();
        for (size_t i = 0; i < s.count; i++)
                if (s.items[i].kind != again.items[i].kind ||
                    !ingot_uuid_equal(&s.items[i].owner, &again.items[i].owner) ||
                    s.items[i].data.size != again.items[i].data.size ||
                    !ingot_efi_signatures_find(&s, &again.items[i].type, again.items[i].data))
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_efi_auth auth;
        _cleanup_buffer_ struct ingot_buffer b = {0};
        ingot_error error;
        lists(INGOT_SPAN(data, size));
        if (ingot_efi_auth_decode(INGOT_SPAN(data, size), &auth, &error) < 0)
                return 0;
        lists(auth.payload);
        uint64_t seconds = ingot_efi_time_to_unix(&auth.time);
        struct ingot_efi_time time;
        if (!ingot_efi_time_from_unix(seconds, &time) && auth.time.year <= 9999)
                abort();
        if (ingot_efi_auth_encode(&auth, &b, &error) < 0 || b.size != size)
                abort();
        return 0;
}
