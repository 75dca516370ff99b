/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs of user space (JSON text sequences): what is read of a record lies within it, and is text. */
#include "base/text.h"
#include "measure/userspace-log.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const struct ingot_userspace_event *e, const uint8_t *data, size_t size)
{
        if (e->text.data < data || e->text.data + e->text.size > data + size ||
            e->record.banks == 0 || (e->string && !ingot_utf8_valid(e->string)))
                abort();
        (void) ingot_userspace_event_match(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_userspace_log_ struct ingot_userspace_log log = {0};
        if (ingot_userspace_log_decode(INGOT_SPAN(data, size), &log, NULL) < 0)
                return 0;
        if (log.problems.count > INGOT_USERSPACE_PROBLEMS_MAX ||
            log.problems.count > log.problem_count)
                abort();
        for (size_t i = 0; i < log.count; i++)
                check_event(log.events + i, data, size);
        return 0;
}
