/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packages without their compression. */
#include "package/deb-cache.h"
#include "base/cleanup.h"
#include "format/deb.h"
#include "os/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>

#define BLOCK ((size_t) 1 << 17)

/* A compressed member as libarchive reads it. */
struct member {
        struct ingot_reader reader;
        uint64_t at;
        uint8_t *block;
        ingot_error *reterr;
        int r;
};

static void archive_free_p(struct archive **a)
{
        archive_read_free(*a);
}

static la_ssize_t read_member(struct archive *a, void *context, const void **ret)
{
        struct member *m = context;
        uint64_t left = m->reader.size - m->at;
        size_t n = left < BLOCK ? (size_t) left : BLOCK;
        if (n == 0)
                return 0;
        m->r = ingot_read_at(&m->reader, m->at, m->block, n, m->reterr);
        if (m->r < 0) {
                archive_set_error(a, EIO, "read");
                return -1;
        }
        m->at += n;
        *ret = m->block;
        return (la_ssize_t) n;
}

static int damaged(struct archive *a, const struct member *m, ingot_error *reterr)
{
        const char *why = archive_error_string(a);
        if (m->r < 0)
                return m->r;
        return ingot_fail(reterr, INGOT_E_FORMAT, "decompress: %s", why ? why : "damaged");
}

static int copy_data(struct archive *a, const struct member *m, const struct ingot_writer *out,
                     uint64_t max, uint64_t *ret_size, ingot_error *reterr)
{
        uint64_t done = 0;
        for (;;) {
                const void *data;
                size_t size;
                la_int64_t offset;
                int r = archive_read_data_block(a, &data, &size, &offset);
                if (r == ARCHIVE_EOF)
                        break;
                if (r != ARCHIVE_OK)
                        return damaged(a, m, reterr);
                if (size > max - done)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "more than %llu bytes",
                                          (unsigned long long) max);
                r = ingot_write_at(out, done, data, size, reterr);
                if (r < 0)
                        return r;
                done += size;
        }
        *ret_size = done;
        return 0;
}

/* Writes the member's plain content; *ret_size is how much it is. */
static int expand(const struct ingot_reader *reader, const struct ingot_writer *out, uint64_t max,
                  uint64_t *ret_size, ingot_error *reterr)
{
        __attribute__((cleanup(archive_free_p))) struct archive *a = archive_read_new();
        _cleanup_free_ uint8_t *block = malloc(BLOCK);
        struct archive_entry *entry;
        struct member m = {.reader = *reader, .block = block, .reterr = reterr};
        if (!a || !block)
                return ingot_fail_nomem(reterr);
        archive_read_support_filter_gzip(a);
        archive_read_support_filter_xz(a);
        archive_read_support_filter_lzma(a);
        archive_read_support_filter_zstd(a);
        archive_read_support_filter_bzip2(a);
        archive_read_support_format_raw(a);
        archive_read_support_format_empty(a);
        if (archive_read_open(a, &m, NULL, read_member, NULL) != ARCHIVE_OK)
                return damaged(a, &m, reterr);
        int r = archive_read_next_header(a, &entry);
        if (r == ARCHIVE_EOF) {
                *ret_size = 0;
                return 0;
        }
        if (r != ARCHIVE_OK)
                return damaged(a, &m, reterr);
        return copy_data(a, &m, out, max, ret_size, reterr);
}

/* Appends one member at *at, plain. */
static int add_member(const struct ingot_reader *package, const struct ingot_deb_part *part,
                      const char *name, uint64_t max, const struct ingot_writer *out, uint64_t *at,
                      ingot_error *reterr)
{
        uint8_t header[INGOT_DEB_HEADER_SIZE];
        struct ingot_reader reader;
        uint64_t size = 0;
        int r = ingot_reader_part(package, part->offset, part->size, &reader, reterr);
        if (r < 0)
                return r;
        const struct ingot_writer content = ingot_writer_part(out, *at + sizeof(header));
        r = expand(&reader, &content, max, &size, reterr);
        if (r >= 0)
                r = ingot_deb_member_encode(name, size, header, reterr);
        if (r >= 0)
                r = ingot_write_at(out, *at, header, sizeof(header), reterr);
        if (r >= 0 && size % 2)
                r = ingot_write_at(&content, size, "\n", 1, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", name);
        *at += sizeof(header) + size + size % 2;
        return 0;
}

static int write_plain(const struct ingot_reader *package, const struct ingot_writer *out,
                       ingot_error *reterr)
{
        static const char version[] = "2.0\n";
        struct ingot_deb deb;
        uint8_t header[INGOT_DEB_HEADER_SIZE];
        uint64_t at = strlen(INGOT_DEB_MAGIC);
        int r = ingot_deb_decode(package, &deb, reterr);
        if (r >= 0)
                r = ingot_write_at(out, 0, INGOT_DEB_MAGIC, (size_t) at, reterr);
        if (r >= 0)
                r = ingot_deb_member_encode("debian-binary", strlen(version), header, reterr);
        if (r >= 0)
                r = ingot_write_at(out, at, header, sizeof(header), reterr);
        at += sizeof(header);
        if (r >= 0)
                r = ingot_write_at(out, at, version, strlen(version), reterr);
        at += strlen(version);
        if (r >= 0)
                r = add_member(package, &deb.control, "control.tar", INGOT_DEB_CONTROL_MAX, out,
                               &at, reterr);
        if (r >= 0)
                r = add_member(package, &deb.data, "data.tar", INGOT_DEB_DATA_MAX, out, &at,
                               reterr);
        return r;
}

int ingot_deb_cache_get(const struct ingot_cache *cache, const char *path,
                        const uint8_t sha256[INGOT_SHA256_SIZE], char **ret, ingot_error *reterr)
{
        int r = ingot_cache_find(cache, INGOT_CACHE_PLAIN_DEB, sha256, ret, reterr);
        if (r <= 0)
                return r;
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        r = ingot_file_open(&file, path, reterr);
        if (r >= 0)
                r = ingot_cache_create(cache, INGOT_CACHE_PLAIN_DEB, sha256, &out, reterr);
        if (r < 0)
                return r;
        const struct ingot_reader reader = ingot_file_reader(&file);
        const struct ingot_writer writer = ingot_outfile_writer(&out);
        r = write_plain(&reader, &writer, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        r = ingot_outfile_commit(&out, reterr);
        return r < 0 ? r : ingot_cache_path(cache, INGOT_CACHE_PLAIN_DEB, sha256, ret, reterr);
}
