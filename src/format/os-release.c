/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of assignments. */
#include "format/os-release.h"

#include <stdlib.h>
#include <string.h>

int ingot_os_release_field(struct ingot_span text, const char *key, char **ret, ingot_error *reterr)
{
        size_t key_size = strlen(key);
        const char *p = (const char *) text.data, *end = p ? p + text.size : p;
        *ret = NULL;
        while (p < end) {
                const char *line = p, *stop = memchr(p, '\n', (size_t) (end - p));
                stop = stop ? stop : end;
                p = stop + 1;
                while (line < stop && strchr(" \t\r", *line))
                        line++;
                if ((size_t) (stop - line) <= key_size || strncmp(line, key, key_size) != 0 ||
                    line[key_size] != '=')
                        continue;
                line += key_size + 1;
                while (stop > line && (stop[-1] == 0 || strchr(" \t\r", stop[-1])))
                        stop--;
                if (stop - line >= 2 && (*line == '"' || *line == '\'') && stop[-1] == *line) {
                        line++;
                        stop--;
                }
                free(*ret);
                *ret = strndup(line, (size_t) (stop - line));
                if (!*ret)
                        return ingot_fail_nomem(reterr);
        }
        return 0;
}
