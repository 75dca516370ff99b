/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cut-disk.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define RUN_SECTORS 2048 /* that are written at once */

enum kind { HALF, NEARLY_ALL, WRITES, ALL, NONE, KINDS };

void cut_disk_close(struct cut_disk *d)
{
        ingot_map_close(&d->base);
        ingot_map_close(&d->log);
        write_log_done(&d->writes);
        free(d->from);
        *d = (struct cut_disk){0};
}

static int check_entries(const struct cut_disk *d, ingot_error *reterr)
{
        for (size_t i = 0; i < d->writes.count; i++) {
                const struct write_log_entry *x = d->writes.entries + i;
                if (x->offset + x->size > d->base.span.size)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "entry %zu writes behind the end of the disk", i);
                if (x->data / CUT_SECTOR + x->size / CUT_SECTOR >= CUT_UNKNOWN)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "the log is too large");
        }
        if (d->first >= d->end || d->end > d->writes.count)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "entries %zu to %zu are not in the log, which has %zu", d->first,
                                  d->end, d->writes.count);
        return 0;
}

int cut_disk_open(struct cut_disk *ret, const char *log, const char *base, size_t first, size_t end,
                  uint64_t seed, ingot_error *reterr)
{
        _cleanup_cut_disk_ struct cut_disk d = {.first = first, .seed = seed};
        int r = ingot_map_open(&d.log, log, reterr);
        if (r >= 0)
                r = ingot_map_open(&d.base, base, reterr);
        if (r < 0)
                return r;
        const struct ingot_reader reader = ingot_reader_of_span(&d.log.span);
        r = ingot_under(reterr, write_log_read(&reader, &d.writes, reterr), "%s", log);
        d.end = end ? end : d.writes.count;
        if (r >= 0)
                r = check_entries(&d, reterr);
        if (r < 0)
                return r;
        d.sectors = d.base.span.size / CUT_SECTOR;
        d.from = calloc(d.sectors + 1, sizeof(*d.from));
        if (!d.from)
                return ingot_fail_nomem(reterr);
        *ret = d;
        d = (struct cut_disk){0};
        return 0;
}

/* splitmix64: every number of cut and seed starts somewhere else. */
static uint64_t next(uint64_t *state)
{
        uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        return x ^ x >> 31;
}

/* Anywhere; or, each second time, between two flushes that are drawn first: where little is written
 * is what decides which version boots. */
static size_t choose_place(const struct cut_disk *d, unsigned number, uint64_t *random)
{
        size_t flushes = 0, start = d->first, n = d->end - d->first;
        for (size_t i = d->first; i < d->end; i++)
                flushes += d->writes.entries[i].flush;
        if (number % 2 == 1 && flushes > 0) {
                size_t wanted = (size_t) (next(random) % flushes);
                for (size_t i = d->first; i < d->end; i++) {
                        if (!d->writes.entries[i].flush)
                                continue;
                        n = i + 1 - start;
                        if (wanted-- == 0)
                                break;
                        start = i + 1;
                }
        }
        return start + (size_t) (next(random) % (n + 1));
}

static bool is_kept(enum kind kind, bool write_kept, uint64_t *random)
{
        switch (kind) {
        case HALF:
                return next(random) % 2;
        case NEARLY_ALL:
                return next(random) % 16 != 0;
        case WRITES:
                return write_kept;
        default:
                return kind == ALL;
        }
}

static void put_entry(struct cut_disk *d, const struct write_log_entry *x, bool durable,
                      uint64_t *random)
{
        bool write_kept = !durable && next(random) % 2;
        size_t sector = (size_t) (x->offset / CUT_SECTOR), n = (size_t) (x->size / CUT_SECTOR);
        for (size_t i = 0; i < n; i++)
                if (durable || is_kept(d->kind, write_kept, random))
                        d->from[sector + i] =
                                x->discard ? CUT_ZEROS : (uint32_t) (x->data / CUT_SECTOR + i);
}

/* The first AT entries were written. */
static void cut_at(struct cut_disk *d, size_t at, uint64_t *random)
{
        d->at = d->durable = at;
        while (d->durable > 0 && !d->writes.entries[d->durable - 1].flush)
                d->durable--;
        memset(d->from, 0, d->sectors * sizeof(*d->from));
        for (size_t i = 0; i < at; i++) {
                const struct write_log_entry *x = d->writes.entries + i;
                put_entry(d, x, i < d->durable || x->fua, random);
        }
}

void cut_disk_cut(struct cut_disk *d, unsigned number)
{
        uint64_t random = d->seed * UINT64_C(0x2545f4914f6cdd1d) + number;
        size_t at = choose_place(d, number, &random);
        d->kind = (unsigned) (next(&random) % KINDS);
        cut_at(d, at, &random);
}

void cut_disk_whole(struct cut_disk *d)
{
        uint64_t random = 0;
        d->kind = ALL;
        cut_at(d, d->writes.count, &random);
}

const char *cut_disk_kind(const struct cut_disk *d)
{
        static const char *const names[] = {[HALF] = "half of the sectors",
                                            [NEARLY_ALL] = "nearly all sectors",
                                            [WRITES] = "half of the writes",
                                            [ALL] = "all writes",
                                            [NONE] = "no write"};
        return names[d->kind];
}

const uint8_t *cut_disk_sector(const struct cut_disk *d, size_t sector)
{
        static const uint8_t zeros[CUT_SECTOR];
        uint32_t from = d->from[sector];
        if (from == CUT_ZEROS)
                return zeros;
        return from == CUT_BASE ? d->base.span.data + sector * CUT_SECTOR
                                : d->log.span.data + (size_t) from * CUT_SECTOR;
}

/* Sectors that stand one behind another are written at once. */
struct run {
        const struct cut_disk *disk;
        int fd;
        uint64_t moved; /* where the disk's sector 0 would stand in the file, below its start */
        uint8_t *data;
        size_t start, count; /* sectors of the disk */
};

static void run_done(struct run *run)
{
        free(run->data);
}

static int run_new(struct run *run, const struct cut_disk *d, int fd, uint64_t moved,
                   ingot_error *reterr)
{
        *run = (struct run){.disk = d, .fd = fd, .moved = moved};
        run->data = malloc((size_t) RUN_SECTORS * CUT_SECTOR);
        return run->data ? 0 : ingot_fail_nomem(reterr);
}

static int run_end(struct run *run, ingot_error *reterr)
{
        size_t n = run->count;
        run->count = 0;
        return n == 0 ? 0
                      : ingot_file_pwrite(run->fd, (uint64_t) run->start * CUT_SECTOR - run->moved,
                                          run->data, n * CUT_SECTOR, reterr);
}

static int run_add(struct run *run, size_t sector, ingot_error *reterr)
{
        int r = 0;
        if (run->count == RUN_SECTORS || run->start + run->count != sector)
                r = run_end(run, reterr);
        if (run->count == 0)
                run->start = sector;
        memcpy(run->data + run->count++ * CUT_SECTOR, cut_disk_sector(run->disk, sector),
               CUT_SECTOR);
        return r;
}

int cut_disk_write(const struct cut_disk *d, uint32_t *have, int fd, ingot_error *reterr)
{
        _cleanup_(run_done) struct run run = {0};
        int r = run_new(&run, d, fd, 0, reterr);
        for (size_t i = 0; r >= 0 && i < d->sectors; i++) {
                if (d->from[i] == have[i])
                        continue;
                have[i] = d->from[i];
                r = run_add(&run, i, reterr);
        }
        return r < 0 ? r : run_end(&run, reterr);
}

int cut_disk_write_part(const struct cut_disk *d, uint64_t offset, uint64_t size, const char *path,
                        ingot_error *reterr)
{
        static const uint8_t zeros[CUT_SECTOR];
        _cleanup_(run_done) struct run run = {0};
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        int r = ingot_file_open_new(&file, path, 0644, reterr);
        if (r >= 0)
                r = ingot_file_truncate(&file, 0, reterr);
        if (r >= 0)
                r = ingot_file_truncate(&file, size, reterr);
        if (r >= 0)
                r = run_new(&run, d, file.fd, offset, reterr);
        for (uint64_t at = offset; r >= 0 && at < offset + size; at += CUT_SECTOR) {
                size_t sector = (size_t) (at / CUT_SECTOR);
                if (memcmp(cut_disk_sector(d, sector), zeros, CUT_SECTOR) != 0)
                        r = run_add(&run, sector, reterr);
        }
        return r < 0 ? r : run_end(&run, reterr);
}
