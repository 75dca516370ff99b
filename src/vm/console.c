/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes go through as they are; only the last ones are remembered, for the error message. */
#include "vm/console.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "os/event.h"
#include "os/file.h"

#include <string.h>

/* Looked for only where new bytes are; the words may be split between two reads. */
static bool tail_ends_in_panic(const struct ingot_console *c, size_t added)
{
        static const char words[] = "Kernel panic - not syncing";
        size_t length = sizeof(words) - 1, have = added + length - 1;
        have = have < c->written ? have : c->written;
        have = have < INGOT_CONSOLE_TAIL ? have : INGOT_CONSOLE_TAIL;
        for (size_t at = c->written - have; at + length <= c->written; at++) {
                size_t i = 0;
                while (i < length && c->tail[(at + i) % INGOT_CONSOLE_TAIL] == (uint8_t) words[i])
                        i++;
                if (i == length)
                        return true;
        }
        return false;
}

int ingot_console_output(struct ingot_console *c, ingot_error *reterr)
{
        uint8_t data[INGOT_CONSOLE_TAIL / 2];
        size_t size;
        int r = ingot_read_some(c->machine, data, sizeof(data), &size, reterr);
        if (r != 0)
                return ingot_under(reterr, r, "console");
        for (size_t i = 0; i < size; i++)
                c->tail[c->written++ % INGOT_CONSOLE_TAIL] = data[i];
        c->panicked = c->panicked || tail_ends_in_panic(c, size);
        if (c->output < 0)
                return 0;
        return ingot_under(reterr, ingot_file_write_all(c->output, data, size, reterr), "console");
}

int ingot_console_input(struct ingot_console *c, ingot_error *reterr)
{
        uint8_t data[256];
        size_t size, sent;
        int r = ingot_read_some(c->input, data, sizeof(data), &size, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "terminal");
        if (r > 0) {
                c->input = -1;
                return 0;
        }
        const uint8_t *escape = c->escape ? memchr(data, INGOT_CONSOLE_ESCAPE, size) : NULL;
        if (escape)
                size = (size_t) (escape - data);
        /* what a stuck machine does not take is lost, as on a real line */
        if (size > 0)
                r = ingot_write_some(c->machine, data, size, &sent, reterr);
        return r < 0 ? ingot_under(reterr, r, "console") : escape != NULL;
}

/* The length of an ECMA-48 escape sequence at P, or 1. */
static size_t skip_escape(const uint8_t *p, size_t size)
{
        size_t i = 1;
        if (size < 2 || p[0] != 0x1b)
                return 1;
        if (p[1] != '[')
                return 2;
        for (i = 2; i < size && (p[i] < 0x40 || p[i] > 0x7e); i++)
                ;
        return i < size ? i + 1 : size;
}

/* The tail in its order, printable bytes and line ends only. */
static int plain_tail(const struct ingot_console *c, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint8_t bytes[INGOT_CONSOLE_TAIL];
        size_t n = c->written < INGOT_CONSOLE_TAIL ? c->written : INGOT_CONSOLE_TAIL;
        for (size_t i = 0; i < n; i++)
                bytes[i] = c->tail[(c->written - n + i) % INGOT_CONSOLE_TAIL];
        int r = 0;
        for (size_t i = 0; r >= 0 && i < n;) {
                if (bytes[i] == '\n' || (bytes[i] >= ' ' && bytes[i] != 0x7f))
                        r = ingot_buffer_append(ret, bytes + i, 1, reterr);
                i += skip_escape(bytes + i, n - i);
        }
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s", "");
}

int ingot_console_last_lines(const struct ingot_console *c, size_t lines,
                             struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_strings_ struct ingot_strings all = {0};
        int r = plain_tail(c, &text, reterr);
        if (r >= 0)
                r = ingot_strings_split(&all, (const char *) text.data, "\n", reterr);
        size_t first = all.count > lines ? all.count - lines : 0;
        for (size_t i = first; r >= 0 && i < all.count; i++)
                r = ingot_strings_add(ret, all.items[i], reterr);
        return r;
}
