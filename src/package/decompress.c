/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decompression by libarchive's filters, of files that are no archives. */
#include "package/decompress.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>

#define BLOCK ((size_t) 1 << 18)

static void archive_free_p(struct archive **a)
{
        archive_read_free(*a);
}

static int broken(struct archive *a, const char *path, ingot_error *reterr)
{
        const char *why = archive_error_string(a);
        return ingot_fail(reterr, INGOT_E_FORMAT, "decompress %s: %s", path,
                          why ? why : "it is damaged");
}

int ingot_decompress(const char *path, uint64_t max,
                     int (*write)(void *context, const void *data, size_t size,
                                  ingot_error *reterr),
                     void *context, ingot_error *reterr)
{
        __attribute__((cleanup(archive_free_p))) struct archive *a = archive_read_new();
        struct archive_entry *entry;
        uint64_t done = 0;
        if (!a)
                return ingot_fail_nomem(reterr);
        archive_read_support_filter_all(a);
        archive_read_support_format_raw(a);
        archive_read_support_format_empty(a);
        if (archive_read_open_filename(a, path, BLOCK) != ARCHIVE_OK)
                return broken(a, path, reterr);
        int r = archive_read_next_header(a, &entry);
        if (r == ARCHIVE_EOF)
                return 0;
        if (r != ARCHIVE_OK)
                return broken(a, path, reterr);
        for (;;) {
                const void *data;
                size_t size;
                la_int64_t offset;
                r = archive_read_data_block(a, &data, &size, &offset);
                if (r == ARCHIVE_EOF)
                        return 0;
                if (r != ARCHIVE_OK)
                        return broken(a, path, reterr);
                if (size > max - done)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "%s has more than %" PRIu64
                                                                 " bytes", path, max);
                done += size;
                r = write(context, data, size, reterr);
                if (r < 0)
                        return r;
        }
}
