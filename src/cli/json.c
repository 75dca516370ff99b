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

int json_add_texts(struct json_object *o, const char *key, const struct ingot_strings *texts,
                   ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_add_array(o, key, &list, reterr);
        for (size_t i = 0; r >= 0 && i < texts->count; i++)
                r = ingot_json_add_text(list, NULL, texts->items[i], reterr);
        return r;
}
