/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times as options take them. */
#include "cli/option-time.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <time.h>

int option_time(const char *option, const char *text, uint64_t *ret, ingot_error *reterr)
{
        static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"};
        if (*text == '@' && ingot_parse_u64(text + 1, ret))
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                struct tm tm = {0};
                const char *end = strptime(text, forms[i], &tm);
                time_t t = end && *end == 0 ? timegm(&tm) : -1;
                if (t < 0)
                        continue;
                *ret = (uint64_t) t;
                return 0;
        }
        return ingot_fail(reterr, INGOT_E_USAGE,
                          "%s=%s is no time: write 2026-11-22, \"2026-11-22 13:48:29\" (UTC) "
                          "or @SECONDS",
                          option, text);
}
