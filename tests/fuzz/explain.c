/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two firmware logs that are compared: the first 4 bytes say where the second begins. Whatever they
 * hold, the sentences are text, no log differs from itself, and no difference is left without words.
 */
#include "base/text.h"
#include "measure/explain.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_side(struct ingot_span bytes, struct ingot_boot_log *log,
                     struct ingot_explain_side *side)
{
        int r = ingot_eventlog_decode(bytes, &log->firmware, NULL);
        return r < 0 ? r : ingot_explain_side_of_log(log, side, NULL);
}

static void check_causes(const struct ingot_causes *causes)
{
        for (size_t i = 0; i < causes->count; i++)
                if (!ingot_utf8_valid(causes->items[i].text) || !causes->items[i].advice ||
                    !*causes->items[i].id || causes->items[i].removed + causes->items[i].added == 0)
                        abort();
}

static void compare(const struct ingot_explain_side *a, const struct ingot_explain_side *b,
                    bool same)
{
        _cleanup_causes_ struct ingot_causes causes = {0};
        if (ingot_explain(a, b, &causes, NULL) < 0)
                return;
        check_causes(&causes);
        if (same && causes.count > 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_boot_log_ struct ingot_boot_log a = {0}, b = {0};
        _cleanup_explain_side_ struct ingot_explain_side before = {0}, after = {0};
        if (size < 4)
                return 0;
        size_t middle = ingot_le32_load(data) % (size - 3);
        if (read_side(INGOT_SPAN(data + 4, middle), &a, &before) < 0)
                return 0;
        compare(&before, &before, true);
        if (read_side(INGOT_SPAN(data + 4 + middle, size - 4 - middle), &b, &after) >= 0)
                compare(&before, &after, false);
        return 0;
}
