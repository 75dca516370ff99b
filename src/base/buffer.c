/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A growing byte buffer: doubles, checks every size. */
#include "base/buffer.h"
#include "base/size.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void ingot_buffer_done(struct ingot_buffer *b)
{
        free(b->data);
        *b = (struct ingot_buffer){0};
}

int ingot_buffer_reserve(struct ingot_buffer *b, size_t extra, ingot_error *reterr)
{
        size_t need;
        if (!ingot_add_size(b->size, extra, &need))
                return ingot_fail_nomem(reterr);
        if (need <= b->allocated)
                return 0;
        size_t grown = b->allocated < 64 ? 64 : b->allocated;
        while (grown < need)
                if (!ingot_mul_size(grown, 2, &grown))
                        return ingot_fail_nomem(reterr);
        uint8_t *data = realloc(b->data, grown);
        if (!data)
                return ingot_fail_nomem(reterr);
        b->data = data;
        b->allocated = grown;
        return 0;
}

int ingot_buffer_append(struct ingot_buffer *b, const void *data, size_t size, ingot_error *reterr)
{
        int r = ingot_buffer_reserve(b, size, reterr);
        if (r < 0)
                return r;
        if (size > 0)
                memcpy(b->data + b->size, data, size);
        b->size += size;
        return 0;
}

int ingot_buffer_append_zeros(struct ingot_buffer *b, size_t size, ingot_error *reterr)
{
        int r = ingot_buffer_reserve(b, size, reterr);
        if (r < 0)
                return r;
        if (size > 0)
                memset(b->data + b->size, 0, size);
        b->size += size;
        return 0;
}

int ingot_buffer_align(struct ingot_buffer *b, size_t align, ingot_error *reterr)
{
        size_t over = b->size & (align - 1);
        return over ? ingot_buffer_append_zeros(b, align - over, reterr) : 0;
}

int ingot_buffer_printf(struct ingot_buffer *b, ingot_error *reterr, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        int n = vsnprintf(NULL, 0, format, args);
        va_end(args);
        if (n < 0)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "format '%s'", format);
        int r = ingot_buffer_reserve(b, (size_t) n + 1, reterr);
        if (r < 0)
                return r;
        va_start(args, format);
        vsnprintf((char *) b->data + b->size, (size_t) n + 1, format, args);
        va_end(args);
        b->size += (size_t) n;
        return 0;
}

uint8_t *ingot_buffer_take(struct ingot_buffer *b)
{
        uint8_t *data = b->data;
        *b = (struct ingot_buffer){0};
        return data;
}
