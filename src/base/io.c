/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readers and writers: the bounds are checked here, once. */
#include "base/io.h"
#include "base/size.h"

#include <inttypes.h>

int ingot_read_at(const struct ingot_reader *r, uint64_t offset, void *ret, size_t size,
                  ingot_error *reterr)
{
        if (!ingot_range_inside(offset, size, r->size))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%zu bytes at %" PRIu64 " lie behind the end (%" PRIu64 ")", size,
                                  offset, r->size);
        if (size == 0)
                return 0;
        return r->read_at(r->context, r->base + offset, ret, size, reterr);
}

int ingot_write_at(const struct ingot_writer *w, uint64_t offset, const void *data, size_t size,
                   ingot_error *reterr)
{
        return size == 0 ? 0 : w->write_at(w->context, w->base + offset, data, size, reterr);
}

int ingot_reader_part(const struct ingot_reader *r, uint64_t offset, uint64_t size,
                      struct ingot_reader *ret, ingot_error *reterr)
{
        if (!ingot_range_inside(offset, size, r->size))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%" PRIu64 " bytes at %" PRIu64 " lie behind the end (%" PRIu64
                                  ")",
                                  size, offset, r->size);
        *ret = *r;
        ret->base += offset;
        ret->size = size;
        return 0;
}

struct ingot_writer ingot_writer_part(const struct ingot_writer *w, uint64_t offset)
{
        struct ingot_writer part = *w;
        part.base += offset;
        return part;
}

static int read_span(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct ingot_span *span = context;
        if (!ingot_range_inside(offset, size, span->size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "read behind the end");
        memcpy(ret, span->data + offset, size);
        return 0;
}

struct ingot_reader ingot_reader_of_span(const struct ingot_span *span)
{
        return (struct ingot_reader){
                .read_at = read_span, .context = (void *) span, .size = span->size};
}
