/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kind of source a person named. */
#include "update/source.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "update/source-kind.h"

#include <ctype.h>
#include <string.h>

int ingot_source_check_name(const char *name, ingot_error *reterr)
{
        if (!name[0] || strchr(name, '/') || name[0] == '.')
                return ingot_fail(reterr, INGOT_E_USAGE, "'%s' is no name of a release's file",
                                  name);
        return 0;
}

int ingot_source_url(const char *folder, const char *name, char **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        size_t size = strlen(folder);
        while (size > 0 && folder[size - 1] == '/')
                size--;
        int r = ingot_buffer_printf(&b, reterr, "%.*s/", (int) size, folder);
        for (const char *p = name; *p && r >= 0; p++) {
                unsigned char c = (unsigned char) *p;
                bool plain = (c < 0x80 && isalnum(c)) || strchr("-._~/", c);
                r = ingot_buffer_printf(&b, reterr, plain ? "%c" : "%%%02X", c);
        }
        if (r < 0)
                return r;
        *ret = (char *) ingot_buffer_take(&b);
        return 0;
}

/* The path of a file:// URL: no host but localhost, %XX undone. */
static int path_of_url(const char *url, char **ret, ingot_error *reterr)
{
        const char *p = url + strlen("file://");
        if (ingot_starts_with(p, "localhost/"))
                p += strlen("localhost");
        if (*p != '/')
                return ingot_fail(reterr, INGOT_E_USAGE, "%s: a file URL is file:///PATH", url);
        char *path, *to;
        int r = ingot_strdup(&path, p, reterr);
        if (r < 0)
                return r;
        for (to = path; *p; to++) {
                uint8_t byte;
                char hex[3] = {0};
                if (*p == '%')
                        strncpy(hex, p + 1, 2);
                if (*p == '%' && ingot_unhex(&byte, 1, hex) && byte != 0) {
                        *to = (char) byte;
                        p += 3;
                } else {
                        *to = *p++;
                }
        }
        *to = 0;
        *ret = path;
        return 0;
}

int ingot_source_open(const char *where, const struct ingot_source_options *options,
                      struct ingot_source *ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        if (ingot_starts_with(where, "http://") || ingot_starts_with(where, "https://"))
                return ingot_source_open_http(where, options, ret, reterr);
        if (ingot_starts_with(where, "file://")) {
                int r = path_of_url(where, &path, reterr);
                return r < 0 ? r : ingot_source_open_folder(path, ret, reterr);
        }
        if (ingot_starts_with(where, "casync:"))
                return ingot_source_open_casync(where + strlen("casync:"), options, ret, reterr);
        if (!where[0] || strstr(where, "://"))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "'%s' is no source: give a folder, a URL with http, https or "
                                  "file, or casync:STORE",
                                  where);
        return ingot_source_open_folder(where, ret, reterr);
}

void ingot_source_close(struct ingot_source *s)
{
        if (s->close)
                s->close(s->context);
        *s = (struct ingot_source){0};
}
