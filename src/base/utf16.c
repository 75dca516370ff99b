/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UTF-16 from and to UTF-8. */
#include "base/utf16.h"
#include "base/cleanup.h"
#include "base/text.h"

/* The code point at *P, of valid UTF-8. */
static uint32_t next_point(const unsigned char **p)
{
        uint32_t c = *(*p)++;
        if (c < 0x80)
                return c;
        unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        c &= 0x3fu >> more;
        while (more-- > 0)
                c = c << 6 | (*(*p)++ & 0x3fu);
        return c;
}

bool ingot_utf16_from_utf8(const char *text, uint16_t *ret, size_t max, size_t *ret_count)
{
        size_t n = 0;
        if (!ingot_utf8_valid(text))
                return false;
        for (const unsigned char *p = (const unsigned char *) text; *p;) {
                uint32_t c = next_point(&p);
                if (max - n < (c > 0xffff ? 2 : 1))
                        return false;
                if (c > 0xffff) {
                        ret[n++] = (uint16_t) (0xd7c0 + (c >> 10));
                        c = 0xdc00 | (c & 0x3ff);
                }
                ret[n++] = (uint16_t) c;
        }
        *ret_count = n;
        return true;
}

static char *put_point(char *o, uint32_t c)
{
        if (c < 0x80) {
                *o++ = (char) c;
                return o;
        }
        if (c >= 0x10000) {
                *o++ = (char) (0xf0 | c >> 18);
                *o++ = (char) (0x80 | (c >> 12 & 0x3f));
        } else if (c >= 0x800) {
                *o++ = (char) (0xe0 | c >> 12);
        }
        if (c >= 0x800)
                *o++ = (char) (0x80 | (c >> 6 & 0x3f));
        else
                *o++ = (char) (0xc0 | c >> 6);
        *o++ = (char) (0x80 | (c & 0x3f));
        return o;
}

void ingot_utf16_to_utf8(const uint16_t *units, size_t count, char *ret)
{
        for (size_t i = 0; i < count && units[i]; i++) {
                uint32_t c = units[i];
                bool high = (c & 0xfc00) == 0xd800, surrogate = (c & 0xf800) == 0xd800;
                if (high && i + 1 < count && (units[i + 1] & 0xfc00) == 0xdc00)
                        c = 0x10000 + ((c & 0x3ff) << 10) + (units[++i] & 0x3ffu);
                else if (surrogate)
                        c = 0xfffd;
                ret = put_point(ret, c);
        }
        *ret = 0;
}

int ingot_utf16_text(struct ingot_span bytes, char **ret, ingot_error *reterr)
{
        size_t count = bytes.size / 2;
        _cleanup_free_ uint16_t *units = calloc(count + 1, sizeof(*units));
        _cleanup_free_ char *text = malloc(3 * count + 1);
        if (!units || !text)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++)
                units[i] = ingot_le16_load(bytes.data + 2 * i);
        ingot_utf16_to_utf8(units, count, text);
        *ret = TAKE_PTR(text);
        return 0;
}
