/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Event logs of a TPM, and the ACPI table that names one: whatever is read lies within the input. */
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
        struct ingot_acpi_log area;
        (void) ingot_tpm2_table_decode(INGOT_SPAN(data, size), &area, NULL);
        if (ingot_eventlog_decode(INGOT_SPAN(data, size), &log, NULL) >= 0)
                for (size_t i = 0; i < log.count; i++)
                        check_event(log.events + i, data, size);
        return 0;
}
