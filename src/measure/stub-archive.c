/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/stub-archive.h"
#include "base/text.h"

#include <stdlib.h>

#define HEADER_SIZE (6 + 13 * 8)
#define FOLDER_TYPE 0040000u
#define FILE_TYPE 0100000u

void ingot_stub_archive_done(struct ingot_stub_archive *a)
{
        ingot_buffer_done(&a->frame);
        free(a->pieces);
        free(a->folder);
        *a = (struct ingot_stub_archive){0};
}

static int add_header(struct ingot_stub_archive *a, uint32_t mode, uint32_t size, const char *name,
                      ingot_error *reterr)
{
        int r = ingot_buffer_printf(&a->frame, reterr,
                                    "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                                    a->next_inode++, mode, 0u, 0u, 1u, 0u, size, 0u, 0u, 0u, 0u,
                                    (uint32_t) strlen(name) + 1, 0u);
        if (r >= 0)
                r = ingot_buffer_append(&a->frame, name, strlen(name) + 1, reterr);
        return r < 0 ? r
                     : ingot_buffer_append_zeros(&a->frame, -(HEADER_SIZE + strlen(name) + 1) & 3,
                                                 reterr);
}

int ingot_stub_archive_start(struct ingot_stub_archive *a, const char *folder, uint32_t folder_mode,
                             uint32_t file_mode, ingot_error *reterr)
{
        int r = ingot_strdup(&a->folder, folder, reterr);
        a->file_mode = file_mode;
        a->next_inode = 1;
        for (char *slash = r < 0 ? NULL : strchr(a->folder, '/'); r >= 0 && slash;
             slash = strchr(slash + 1, '/')) {
                *slash = 0;
                r = add_header(a, FOLDER_TYPE | 0555, 0, a->folder, reterr);
                *slash = '/';
        }
        return r < 0 ? r : add_header(a, FOLDER_TYPE | folder_mode, 0, a->folder, reterr);
}

int ingot_stub_archive_add(struct ingot_stub_archive *a, const char *name,
                           const struct ingot_reader *content, ingot_error *reterr)
{
        char *path = NULL;
        if (content->size > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s has 4 GiB or more", name);
        struct ingot_stub_archive_piece *more =
                reallocarray(a->pieces, a->count + 1, sizeof(*a->pieces));
        if (!more)
                return ingot_fail_nomem(reterr);
        a->pieces = more;
        int r = ingot_format(&path, reterr, "%s/%s", a->folder, name);
        if (r >= 0)
                r = add_header(a, FILE_TYPE | a->file_mode, (uint32_t) content->size, path, reterr);
        free(path);
        if (r < 0)
                return r;
        a->pieces[a->count++] = (struct ingot_stub_archive_piece){a->frame.size, *content};
        return ingot_buffer_append_zeros(&a->frame, -content->size & 3, reterr);
}

int ingot_stub_archive_finish(struct ingot_stub_archive *a, ingot_error *reterr)
{
        static const char trailer[] = "070701"
                                      "00000000000000000000000000000000"
                                      "00000001"
                                      "000000000000000000000000000000000000000000000000"
                                      "0000000B"
                                      "00000000"
                                      "TRAILER!!!\0\0\0";
        _Static_assert(sizeof(trailer) == 6 + 13 * 8 + 14, "13 numbers");
        return ingot_buffer_append(&a->frame, trailer, sizeof(trailer), reterr);
}

uint64_t ingot_stub_archive_size(const struct ingot_stub_archive *a)
{
        uint64_t size = a->frame.size;
        for (size_t i = 0; i < a->count; i++)
                size += a->pieces[i].content.size;
        return size;
}

int ingot_stub_archive_digest(const struct ingot_stub_archive *a, struct ingot_digests *d,
                              ingot_error *reterr)
{
        size_t at = 0;
        for (size_t i = 0; i < a->count; i++) {
                const struct ingot_stub_archive_piece *piece = a->pieces + i;
                ingot_digests_update(d, a->frame.data + at, piece->frame_end - at);
                int r = ingot_digests_read(d, &piece->content, reterr);
                if (r < 0)
                        return r;
                at = piece->frame_end;
        }
        ingot_digests_update(d, a->frame.data + at, a->frame.size - at);
        return 0;
}
