/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Event logs: whatever is read lies within the input. Device paths: whatever comes out is text. */
#include "base/text.h"
#include "format/device-path.h"
#include "format/eventlog.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const struct ingot_event *e, const uint8_t *data, size_t size)
{
        const uint8_t *end = data + size;
        if (e->data.size && (e->data.data < data || e->data.data > end ||
                             e->data.size > (size_t) (end - e->data.data)))
                abort();
        for (size_t i = 0; i < e->digest_count; i++)
                if (e->digests[i].data < data || e->digests[i].data + e->digests[i].size > end)
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_eventlog_ struct ingot_eventlog log = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        struct ingot_acpi_log area;
        char *file = NULL;
        (void) ingot_ccel_decode(INGOT_SPAN(data, size), &area, NULL);
        (void) ingot_tpm2_table_decode(INGOT_SPAN(data, size), &area, NULL);
        if (ingot_eventlog_decode(INGOT_SPAN(data, size), &log, NULL) >= 0)
                for (size_t i = 0; i < log.count; i++)
                        check_event(log.events + i, data, size);
        if (ingot_device_path_text(INGOT_SPAN(data, size), &text, NULL) >= 0 &&
            !ingot_utf8_valid((const char *) text.data))
                abort();
        (void) ingot_device_path_file(INGOT_SPAN(data, size), &file, NULL);
        free(file);
        return 0;
}
