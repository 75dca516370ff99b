/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a certificate table, and as a signed image: never a crash; and what is allowed to
 * start was signed by a listed certificate. The table is hung on an image that is made for it, so
 * that the fuzzer gets at the PKCS#7 without a digest to guess; its digest in the signature is
 * checked last for that reason alone.
 */
#include "base/cleanup.h"
#include "trust/authenticode.h"
#include "trust/pkcs7.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* PE32+ without sections: headers of 512 bytes, then the table. */
#define HEADERS 512
static uint8_t *hang_on_image(const uint8_t *table, size_t size)
{
        uint8_t *p = calloc(1, HEADERS + size), *o = p + 0x40 + 24;
        if (!p)
                abort();
        memcpy(p, "MZ", 2);
        ingot_le32_store(p + 0x3c, 0x40);
        memcpy(p + 0x40, "PE\0\0", 4);
        ingot_le16_store(p + 0x44, INGOT_PE_MACHINE_X86_64);
        ingot_le16_store(p + 0x54, 240);
        ingot_le16_store(o, 0x20b);
        ingot_le32_store(o + 32, 0x1000);
        ingot_le32_store(o + 36, 0x200);
        ingot_le32_store(o + 60, HEADERS);
        ingot_le32_store(o + 108, 16);
        ingot_le32_store(o + 112 + 32, HEADERS);
        ingot_le32_store(o + 112 + 36, (uint32_t) size);
        memcpy(p + HEADERS, table, size);
        return p;
}

static void judge(struct ingot_span image)
{
        static const struct ingot_efi_signatures none = {0};
        _cleanup_authenticode_report_ struct ingot_authenticode_report report = {0};
        struct ingot_reader r = ingot_reader_of_span(&image);
        ingot_error error;
        if (ingot_authenticode_judge(&r, &none, &none, &report, &error) >= 0 && report.allowed)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_span span = INGOT_SPAN(data, size);
        struct ingot_authenticode_table table;
        struct ingot_certificates none = {0};
        uint8_t digest[INGOT_SHA256_SIZE];
        ingot_error error;
        size_t which;
        judge(span);
        if (size > 65536)
                return 0;
        _cleanup_free_ uint8_t *image = hang_on_image(data, size);
        judge(INGOT_SPAN(image, HEADERS + size));
        (void) ingot_authenticode_decode_content(span, digest, &error);
        if (ingot_authenticode_decode(span, &table, &error) < 0)
                return 0;
        for (size_t i = 0; i < table.count; i++)
                if (ingot_pkcs7_verify_pinned(table.entries[i].data, INGOT_SPAN("x", 1), &none,
                                              &which, &error) >= 0)
                        abort();
        return 0;
}
