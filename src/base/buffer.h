/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A growing byte buffer. `data` is NULL only while `size` is 0. After a text function the byte
 * behind the text is NUL (not counted in `size`), so `(char *) data` is a C string.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct ingot_buffer {
        uint8_t *data;
        size_t size;
        size_t allocated;
};

void ingot_buffer_done(struct ingot_buffer *b);

/* Room for EXTRA more bytes behind the end; the content keeps its size. */
int ingot_buffer_reserve(struct ingot_buffer *b, size_t extra, ingot_error *reterr);
int ingot_buffer_append(struct ingot_buffer *b, const void *data, size_t size,
                        ingot_error *reterr);
int ingot_buffer_append_zeros(struct ingot_buffer *b, size_t size, ingot_error *reterr);

/* Zeros up to the next multiple of ALIGN, a power of two. */
int ingot_buffer_align(struct ingot_buffer *b, size_t align, ingot_error *reterr);
int ingot_buffer_printf(struct ingot_buffer *b, ingot_error *reterr, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The bytes, which the caller frees; the buffer is empty afterwards. */
uint8_t *ingot_buffer_take(struct ingot_buffer *b);

static inline struct ingot_span ingot_buffer_span(const struct ingot_buffer *b)
{
        return (struct ingot_span){.data = b->data, .size = b->size};
}

#define _cleanup_buffer_ __attribute__((cleanup(ingot_buffer_done)))
