/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-log.h"

#include <stdlib.h>

#define MAGIC UINT64_C(0x6a736677736872)
#define SUPER_SIZE 28
#define ENTRY_SIZE 32
#define SECTOR_SIZE_MIN 512
#define SECTOR_SIZE_MAX 65536

enum flags {
        FLUSH = 1 << 0,
        FUA = 1 << 1,
        DISCARD = 1 << 2,
        MARK = 1 << 3,
        METADATA = 1 << 4, /* what a file system said of the write; says nothing here */
        KNOWN = (1 << 5) - 1,
};

void write_log_done(struct write_log *log)
{
        free(log->entries);
        *log = (struct write_log){0};
}

static int read_super(const struct ingot_reader *r, uint32_t *ret_sector_size, uint64_t *ret_count,
                      ingot_error *reterr)
{
        uint8_t b[SUPER_SIZE];
        if (r->size < sizeof(b))
                return ingot_fail(reterr, INGOT_E_FORMAT, "too short for a log of writes");
        int e = ingot_read_at(r, 0, b, sizeof(b), reterr);
        if (e < 0)
                return e;
        if (ingot_le64_load(b) != MAGIC)
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a log of writes");
        if (ingot_le64_load(b + 8) != 1)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "a log of writes of version %llu",
                                  (unsigned long long) ingot_le64_load(b + 8));
        uint64_t count = ingot_le64_load(b + 16);
        uint32_t size = ingot_le32_load(b + 24);
        if (size < SECTOR_SIZE_MIN || size > SECTOR_SIZE_MAX || (size & (size - 1)))
                return ingot_fail(reterr, INGOT_E_FORMAT, "sectors of %u bytes", size);
        if (count > WRITE_LOG_ENTRIES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a log of %llu entries",
                                  (unsigned long long) count);
        /* Each has a sector of its own: what is not there needs no memory. */
        if (count > r->size / size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "more entries than the log can hold");
        *ret_sector_size = size;
        *ret_count = count;
        return 0;
}

/* At *at, which then is behind it. */
static int read_entry(const struct ingot_reader *r, uint32_t sector_size, uint64_t *at,
                      struct write_log_entry *ret, ingot_error *reterr)
{
        uint8_t b[ENTRY_SIZE];
        int e = ingot_read_at(r, *at, b, sizeof(b), reterr);
        if (e < 0)
                return e;
        uint64_t sector = ingot_le64_load(b), sectors = ingot_le64_load(b + 8);
        uint64_t flags = ingot_le64_load(b + 16);
        if (flags & ~(uint64_t) KNOWN)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "unknown flags %#llx",
                                  (unsigned long long) flags);
        if (ingot_le64_load(b + 24) > sector_size - ENTRY_SIZE)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a mark longer than its sector");
        struct write_log_entry x = {.data = *at + sector_size,
                                    .flush = flags & FLUSH,
                                    .fua = flags & FUA,
                                    .discard = flags & DISCARD};
        if (__builtin_mul_overflow(sector, sector_size, &x.offset) ||
            __builtin_mul_overflow(sectors, sector_size, &x.size) || x.offset + x.size < x.offset)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a write behind the end of every disk");
        if (x.data > r->size || (!x.discard && x.size > r->size - x.data))
                return ingot_fail(reterr, INGOT_E_FORMAT, "data behind the end of the log");
        *at = x.data + (x.discard ? 0 : x.size);
        *ret = x;
        return 0;
}

int write_log_read(const struct ingot_reader *r, struct write_log *ret, ingot_error *reterr)
{
        _cleanup_write_log_ struct write_log log = {0};
        uint64_t count;
        int e = read_super(r, &log.sector_size, &count, reterr);
        if (e < 0)
                return e;
        log.entries = calloc((size_t) count + 1, sizeof(*log.entries));
        if (!log.entries)
                return ingot_fail_nomem(reterr);
        uint64_t at = log.sector_size;
        for (; e >= 0 && log.count < count; log.count++)
                e = ingot_under(
                        reterr,
                        read_entry(r, log.sector_size, &at, log.entries + log.count, reterr),
                        "entry %zu", log.count);
        if (e < 0)
                return e;
        *ret = log;
        log = (struct write_log){0};
        return 0;
}
