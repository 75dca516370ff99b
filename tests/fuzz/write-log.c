/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is a log of writes (tests/write-log.h). */
#include "write-log.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct ingot_span span = INGOT_SPAN(data, size);
        const struct ingot_reader reader = ingot_reader_of_span(&span);
        struct write_log log;
        if (write_log_read(&reader, &log, NULL) < 0)
                return 0;
        for (size_t i = 0; i < log.count; i++) {
                const struct write_log_entry *x = log.entries + i;
                if (x->data > size || (!x->discard && x->size > size - x->data) ||
                    x->offset + x->size < x->offset)
                        abort();
        }
        write_log_done(&log);
        return 0;
}
