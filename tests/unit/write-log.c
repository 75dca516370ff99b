/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs of writes, and the disks that power cuts leave of them. */
#include "write-log.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "cut-disk.h"
#include "os/file.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>

#define SECTORS 64 /* of the disk */

static ingot_error error;

/* ---- a log that is made ---- */

static void add_word(struct ingot_buffer *b, uint64_t word)
{
        uint8_t bytes[8];
        ingot_le64_store(bytes, word);
        (void) ingot_buffer_append(b, bytes, sizeof(bytes), NULL);
}

static void pad(struct ingot_buffer *b)
{
        (void) ingot_buffer_append_zeros(b, (512 - b->size % 512) % 512, NULL);
}

static void make_super(struct ingot_buffer *b, uint64_t entries)
{
        add_word(b, UINT64_C(0x6a736677736872));
        add_word(b, 1);
        add_word(b, entries);
        add_word(b, 512);
        pad(b);
}

/* Sectors that are full of one byte. */
static void make_entry(struct ingot_buffer *b, uint64_t sector, uint64_t count, uint64_t flags,
                       uint8_t byte)
{
        uint8_t data[512];
        memset(data, byte, sizeof(data));
        add_word(b, sector);
        add_word(b, count);
        add_word(b, flags);
        pad(b);
        for (uint64_t i = 0; i < count && !(flags & 4); i++)
                (void) ingot_buffer_append(b, data, sizeof(data), NULL);
}

enum { FLUSH = 1, FUA = 2, DISCARD = 4 };

static int read_log(const struct ingot_buffer *b, struct write_log *ret)
{
        const struct ingot_span span = ingot_buffer_span(b);
        const struct ingot_reader reader = ingot_reader_of_span(&span);
        return write_log_read(&reader, ret, &error);
}

TEST(entries_are_read_with_where_their_data_stands)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_write_log_ struct write_log log = {0};
        make_super(&b, 4);
        make_entry(&b, 3, 2, 0, 'a');
        make_entry(&b, 0, 0, FLUSH, 0);
        make_entry(&b, 8, 4, DISCARD, 0);
        make_entry(&b, 9, 1, FUA, 'b');
        CHECK_OK(read_log(&b, &log));
        CHECK_EQ(log.count, 4);
        CHECK_EQ(log.sector_size, 512);
        CHECK_EQ(log.entries[0].offset, 3 * 512);
        CHECK_EQ(log.entries[0].size, 1024);
        CHECK(b.data[log.entries[0].data] == 'a' && !log.entries[0].flush);
        CHECK(log.entries[1].flush && log.entries[1].size == 0);
        CHECK(log.entries[2].discard && log.entries[2].size == 4 * 512);
        CHECK(log.entries[3].fua && b.data[log.entries[3].data] == 'b');
}

TEST(logs_that_cannot_be_are_refused)
{
        static const struct {
                size_t at;
                uint64_t word;
                int code;
                const char *words;
        } bad[] = {
                {0, 1, INGOT_E_FORMAT, "not a log"},
                {8, 2, INGOT_E_UNSUPPORTED, "version 2"},
                {16, UINT64_C(1) << 40, INGOT_E_LIMIT, "entries"},
                {16, 100, INGOT_E_FORMAT, "more entries"},
                {16, 3, INGOT_E_FORMAT, "entry 2"},
                {24, 500, INGOT_E_FORMAT, "sectors of 500"},
                {24, 256, INGOT_E_FORMAT, "sectors of 256"},
                {512, UINT64_MAX / 2, INGOT_E_FORMAT, "behind the end of every disk"},
                {520, 1 << 20, INGOT_E_FORMAT, "behind the end of the log"},
                {528, 64, INGOT_E_UNSUPPORTED, "flags"},
                {536, 481, INGOT_E_FORMAT, "mark"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_buffer_ struct ingot_buffer b = {0};
                struct write_log log;
                make_super(&b, 2);
                make_entry(&b, 3, 2, 0, 'a');
                make_entry(&b, 0, 0, FLUSH, 0);
                ingot_le64_store(b.data + bad[i].at, bad[i].word);
                CHECK_FAILS(read_log(&b, &log), bad[i].code, bad[i].words);
        }
}

/* ---- cuts ---- */

/* A disk of 'o', and the log. */
static int open_disk(const struct ingot_buffer *log, size_t first, size_t end, uint64_t seed,
                     struct cut_disk *ret)
{
        uint8_t base[SECTORS * 512];
        memset(base, 'o', sizeof(base));
        int r = ingot_outfile_put(test_path("base"), base, sizeof(base), 0644, &error);
        if (r >= 0)
                r = ingot_outfile_put(test_path("log"), log->data, log->size, 0644, &error);
        return r < 0 ? r
                     : cut_disk_open(ret, test_path("log"), test_path("base"), first, end, seed,
                                     &error);
}

/* Sector 1 is flushed; 2 is written with FUA; of sectors 10 to 49 some are lost. */
static void make_log(struct ingot_buffer *b)
{
        make_super(b, 5);
        make_entry(b, 1, 1, 0, 'a');
        make_entry(b, 0, 0, FLUSH, 0);
        make_entry(b, 2, 1, FUA, 'b');
        make_entry(b, 10, 40, 0, 'c');
        make_entry(b, 10, 20, 0, 'd');
}

TEST(what_was_flushed_is_there_and_of_the_rest_any_part)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_cut_disk_ struct cut_disk d = {0};
        bool lost = false, kept = false, older = false, all = false;
        make_log(&b);
        CHECK_OK(open_disk(&b, 4, 5, 7, &d));
        for (unsigned number = 0; number < 200; number++) {
                unsigned c = 0;
                cut_disk_cut(&d, number);
                CHECK(d.at >= 4 && d.at <= 5);
                CHECK_EQ(d.durable, 2);
                CHECK_EQ(cut_disk_sector(&d, 0)[0], 'o');
                CHECK_EQ(cut_disk_sector(&d, 1)[0], 'a');
                CHECK_EQ(cut_disk_sector(&d, 2)[511], 'b');
                for (size_t i = 10; i < 50; i++) {
                        uint8_t byte = cut_disk_sector(&d, i)[0];
                        CHECK(byte == 'o' || byte == 'c' || (byte == 'd' && d.at == 5 && i < 30));
                        lost |= byte == 'o';
                        kept |= byte == 'd';
                        older |= byte == 'c' && d.at == 5 && i < 30;
                        c += byte == 'c';
                }
                all |= c == 40;
        }
        CHECK(lost && kept && older && all);
}

TEST(a_cut_is_the_same_for_the_same_seed_and_number)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_cut_disk_ struct cut_disk d = {0}, e = {0}, f = {0};
        const size_t size = (SECTORS) * sizeof(uint32_t);
        bool other = false;
        make_log(&b);
        CHECK_OK(open_disk(&b, 0, 0, 7, &d));
        CHECK_OK(open_disk(&b, 0, 0, 7, &e));
        CHECK_OK(open_disk(&b, 0, 0, 8, &f));
        for (unsigned number = 0; number < 50; number++) {
                cut_disk_cut(&d, number);
                cut_disk_cut(&e, 1000);
                cut_disk_cut(&e, number);
                cut_disk_cut(&f, number);
                CHECK(memcmp(d.from, e.from, size) == 0 && d.at == e.at);
                other |= memcmp(d.from, f.from, size) != 0;
        }
        CHECK(other);
}

TEST(the_disk_is_written_from_whatever_stands_in_the_file)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_cut_disk_ struct cut_disk d = {0};
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        uint32_t have[SECTORS] = {0};
        uint8_t all[SECTORS * 512];
        make_log(&b);
        CHECK_OK(open_disk(&b, 0, 0, 7, &d));
        CHECK_OK(cut_disk_write_part(&d, 0, sizeof(all), test_path("disk"), &error));
        CHECK_OK(ingot_file_open_update(&file, test_path("disk"), &error));
        for (unsigned number = 0; number < 50; number++) {
                const size_t spoilt = number % SECTORS;
                CHECK_OK(ingot_file_pwrite(file.fd, spoilt * 512, "spoilt", 6, &error));
                have[spoilt] = CUT_UNKNOWN;
                cut_disk_cut(&d, number);
                CHECK_OK(cut_disk_write(&d, have, file.fd, &error));
                CHECK_OK(ingot_file_pread(file.fd, 0, all, sizeof(all), &error));
                for (size_t i = 0; i < SECTORS; i++)
                        CHECK(memcmp(all + i * 512, cut_disk_sector(&d, i), 512) == 0);
        }
        cut_disk_whole(&d);
        CHECK_EQ(cut_disk_sector(&d, 10)[0], 'd');
        CHECK_EQ(cut_disk_sector(&d, 49)[0], 'c');
}

TEST(a_log_of_another_disk_is_refused)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        struct cut_disk d;
        make_super(&b, 1);
        make_entry(&b, SECTORS - 1, 2, 0, 'a');
        CHECK_FAILS(open_disk(&b, 0, 0, 7, &d), INGOT_E_FORMAT, "behind the end of the disk");
        b.size = 0;
        make_log(&b);
        CHECK_FAILS(open_disk(&b, 5, 5, 7, &d), INGOT_E_FORMAT, "entries 5 to 5");
        CHECK_FAILS(open_disk(&b, 0, 6, 7, &d), INGOT_E_FORMAT, "entries 0 to 6");
}
