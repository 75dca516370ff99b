/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder as a source: a USB stick, a mounted share, the release folder itself. */
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "os/file.h"
#include "update/source-kind.h"

#include <inttypes.h>

#define STEP ((size_t) 1 << 20)

struct send {
        struct ingot_reader reader;
        uint8_t *buffer;
        ingot_got_fn got;
        void *context;
};

/* A range, as far as it can be read: 1 when GOT wants no more of it. */
static int send_range(const struct send *s, size_t index, struct ingot_range range, bool *ret_read,
                      ingot_error *reterr)
{
        for (uint64_t end = range.offset + range.size; range.offset < end;) {
                size_t n = (size_t) ingot_min_u64(STEP, end - range.offset);
                int r = ingot_read_at(&s->reader, range.offset, s->buffer, n, reterr);
                *ret_read = r >= 0;
                if (r < 0)
                        return ingot_under(reterr, r, "at byte %" PRIu64, range.offset);
                r = s->got(s->context, index, range.offset, s->buffer, n, reterr);
                if (r != 0)
                        return r;
                range.offset += n;
        }
        return 0;
}

/* What cannot be read does not keep the other ranges from being had. */
static int fetch(void *context, const char *file, uint64_t file_size,
                 const struct ingot_range *ranges, size_t count, ingot_got_fn got,
                 void *got_context, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *buffer = malloc(STEP);
        _cleanup_file_ struct ingot_file f = INGOT_FILE_NONE;
        int r = ingot_source_check_name(file, reterr), result = 0;
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s/%s", (const char *) context, file);
        if (r >= 0)
                r = ingot_file_open(&f, path, reterr);
        if (r < 0)
                return r;
        if (!buffer)
                return ingot_fail_nomem(reterr);
        if (f.size != file_size)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "it has %" PRIu64 " bytes, the release says %" PRIu64, f.size,
                                  file_size);
        struct send s = {.reader = ingot_file_reader(&f),
                         .buffer = buffer,
                         .got = got,
                         .context = got_context};
        for (size_t i = 0; i < count; i++) {
                bool read = true;
                ingot_error why = {0};
                r = send_range(&s, i, ranges[i], &read, &why);
                if (r < 0 && result >= 0 && reterr)
                        *reterr = why;
                if (r < 0)
                        result = r;
                if (r < 0 && read)
                        break;
        }
        return result;
}

int ingot_source_open_folder(const char *path, struct ingot_source *ret, ingot_error *reterr)
{
        char *copy;
        int r = ingot_strdup(&copy, path, reterr);
        if (r < 0)
                return r;
        *ret = (struct ingot_source){.name = copy, .fetch = fetch, .close = free, .context = copy};
        return 0;
}
