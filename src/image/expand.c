/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decompression by libarchive: its filters, around a file without a format. */
#include "image/expand.h"
#include "base/cleanup.h"

static bool is_compressed(struct ingot_span data)
{
        static const struct {
                const char *magic;
                size_t size;
        } magics[] = {
                {"\xfd""7zXZ\0", 6},
                {"\x28\xb5\x2f\xfd", 4},
                {"\x1f\x8b", 2},
                {"\x04\x22\x4d\x18", 4},
        };
        for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
                if (data.size >= magics[i].size &&
                    memcmp(data.data, magics[i].magic, magics[i].size) == 0)
                        return true;
        return false;
}

#if HAVE_PACKAGES

#include <archive.h>

#define PIECE (256 * 1024)

INGOT_DEFINE_CLEANUP(struct archive, archive_read_free);

static int fail_archive(struct archive *a, ingot_error *reterr)
{
        const char *text = archive_error_string(a);
        return ingot_fail(reterr, INGOT_E_FORMAT, "decompress: %s", text ? text : "unknown reason");
}

static int decompress(struct ingot_span data, size_t max, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        struct archive_entry *entry;
        _cleanup_(archive_read_free_p) struct archive *a = archive_read_new();
        if (!a)
                return ingot_fail_nomem(reterr);
        if (archive_read_support_filter_all(a) < ARCHIVE_WARN ||
            archive_read_support_format_raw(a) != ARCHIVE_OK ||
            archive_read_open_memory(a, data.data, data.size) != ARCHIVE_OK ||
            archive_read_next_header(a, &entry) != ARCHIVE_OK)
                return fail_archive(a, reterr);
        for (size_t total = 0;;) {
                int r = ingot_buffer_reserve(ret, PIECE, reterr);
                if (r < 0)
                        return r;
                la_ssize_t n = archive_read_data(a, ret->data + ret->size, PIECE);
                if (n < 0)
                        return fail_archive(a, reterr);
                if (n == 0)
                        return 0;
                total += (size_t) n;
                if (total > max)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "more than %zu bytes", max);
                ret->size += (size_t) n;
        }
}

#else

static int decompress(struct ingot_span data, size_t max, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        (void) data;
        (void) max;
        (void) ret;
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                          "compressed: this ingot was built without libarchive");
}

#endif

int ingot_expand(struct ingot_span data, size_t max, struct ingot_buffer *ret, ingot_error *reterr)
{
        if (is_compressed(data))
                return decompress(data, max, ret, reterr);
        return data.size > max ? ingot_fail(reterr, INGOT_E_LIMIT, "%zu bytes", data.size)
                               : ingot_buffer_append(ret, data.data, data.size, reterr);
}
