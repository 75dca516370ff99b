/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event log of a confidential machine, and the ACPI table that says where it lies. Whatever the
 * events claim comes out as text; the ones that fill the rest of the log's area change nothing.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "measure/event.h"
#include "measure/explain.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(struct ingot_span bytes)
{
        struct ingot_acpi_log area;
        if (ingot_ccel_decode(bytes, &area, NULL) >= 0 && bytes.size < 56)
                abort();
}

static void check_event(const struct ingot_event *e)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        if (ingot_event_text(e, &text, NULL) >= 0 && !ingot_utf8_valid((const char *) text.data))
                abort();
        (void) ingot_event_match(e);
}

static void check_filled(struct ingot_span bytes, const struct ingot_eventlog *log)
{
        const struct ingot_event *last = log->events + log->count - 1;
        _cleanup_eventlog_ struct ingot_eventlog again = {0};
        _cleanup_buffer_ struct ingot_buffer area = {0};
        uint8_t ones[64];
        memset(ones, 0xff, sizeof(ones));
        if (last->data.size == 0 || last->data.data + last->data.size != bytes.data + bytes.size)
                return; /* filled already, or cut */
        if (ingot_buffer_append(&area, bytes.data, bytes.size, NULL) < 0 ||
            ingot_buffer_append(&area, ones, sizeof(ones), NULL) < 0)
                return;
        if (ingot_eventlog_decode(ingot_buffer_span(&area), &again, NULL) < 0 || again.problem ||
            again.count != log->count)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_boot_log_ struct ingot_boot_log log = {0};
        _cleanup_explain_side_ struct ingot_explain_side side = {0};
        struct ingot_span bytes = INGOT_SPAN(data, size);
        struct ingot_replay replay;
        check_table(bytes);
        if (ingot_eventlog_decode(bytes, &log.firmware, NULL) < 0 || !log.firmware.registers)
                return 0;
        for (size_t i = 0; i < log.firmware.count; i++)
                check_event(log.firmware.events + i);
        check_filled(bytes, &log.firmware);
        if (ingot_boot_log_replay(&log, &replay, NULL) < 0)
                abort();
        if (ingot_explain_side_of_log(&log, &side, NULL) >= 0 && !side.registers)
                abort();
        return 0;
}
