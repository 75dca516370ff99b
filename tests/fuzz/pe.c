/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a PE image: never a crash; and what is taken can be read, hashed and extended. */
#include "base/cleanup.h"
#include "format/uki.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int discard(void *context, uint64_t offset, const void *data, size_t size,
                   ingot_error *reterr)
{
        (void) reterr;
        const volatile uint8_t *bytes = data;
        uint64_t *end = context;
        if (size > 0)
                (void) (bytes[0] + bytes[size - 1]);
        if (offset + size > *end)
                *end = offset + size;
        return 0;
}

static void build(struct ingot_span span)
{
        struct ingot_span text = INGOT_SPAN("quiet", 5), sbat = INGOT_SPAN("uki,1\nx,1\n", 10);
        struct ingot_uki_input inputs[] = {
                {INGOT_UKI_LINUX, ingot_reader_of_span(&span)},
                {INGOT_UKI_CMDLINE, ingot_reader_of_span(&text)},
                {INGOT_UKI_SBAT, ingot_reader_of_span(&sbat)},
        };
        uint64_t end = 0, written = 0;
        struct ingot_writer w = {.write_at = discard, .context = &end};
        ingot_error error;
        if (ingot_uki_build(span, inputs, ARRAY_SIZE(inputs), &w, &written, &error) == 0 &&
            written != end)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_span span = INGOT_SPAN(data, size);
        struct ingot_reader r = ingot_reader_of_span(&span);
        _cleanup_uki_ struct ingot_uki uki = {0};
        ingot_error error;
        uint8_t digest[INGOT_SHA256_SIZE];
        uint32_t checksum;
        if (ingot_uki_read(&r, &uki, &error) < 0)
                return 0;
        (void) ingot_pe_authenticode_sha256(&r, &uki.pe, digest, &error);
        (void) ingot_pe_checksum(&r, &uki.pe, &checksum, &error);
        for (size_t i = 0; i < uki.section_count && i < 16; i++) {
                _cleanup_free_ uint8_t *text = NULL;
                size_t n;
                (void) ingot_pe_section_read(&r, &uki.sections[i].pe, 4096, &text, &n, &error);
                if (uki.sections[i].pe.virtual_size < 65536)
                        (void) ingot_pe_section_sha256(&r, &uki.sections[i].pe, digest, &error);
        }
        build(span);
        return 0;
}
