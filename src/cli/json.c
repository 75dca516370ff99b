/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON on stdout. */
#include "cli/json.h"

#include <stdio.h>
#include <unistd.h>

int json_print(struct json_object *o, ingot_error *reterr)
{
        const char *text;
        int r = ingot_json_text(o, isatty(STDOUT_FILENO), &text, reterr);
        if (r >= 0)
                puts(text);
        return r;
}
