/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each step is told to who watches, and then done. */
#include "update/steps.h"
#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

static int tell(struct ingot_steps *s, const struct ingot_step *step, ingot_error *reterr)
{
        return s->watch ? s->watch(s->context, step, reterr) : 0;
}

static int write_disk(void *context, uint64_t offset, const void *data, size_t size,
                      ingot_error *reterr)
{
        struct ingot_steps *s = context;
        const struct ingot_step step = {
                .kind = INGOT_STEP_WRITE, .offset = offset, .data = data, .size = size};
        int r = tell(s, &step, reterr);
        return r < 0 ? r : ingot_file_pwrite(s->disk->fd, offset, data, size, reterr);
}

struct ingot_writer ingot_steps_disk(struct ingot_steps *s)
{
        return (struct ingot_writer){.write_at = write_disk, .context = s};
}

int ingot_steps_flush(struct ingot_steps *s, ingot_error *reterr)
{
        const struct ingot_step step = {.kind = INGOT_STEP_FLUSH};
        int r = tell(s, &step, reterr);
        return r < 0 ? r : ingot_under(reterr, ingot_file_flush(s->disk, reterr), "the disk");
}

/* A file system that is found damaged becomes read-only (fat(5), errors=remount-ro). */
static int of_esp(const struct ingot_steps *s, int r, ingot_error *reterr)
{
        if (r != -INGOT_E_SYSTEM || !reterr || (reterr->os != EIO && reterr->os != EROFS))
                return r;
        return ingot_under(reterr, r,
                           "the ESP is damaged or read-only (unmount %s, repair its device with "
                           "'fsck.vfat -a', and try again)",
                           s->esp);
}

static int full_path(const struct ingot_steps *s, const char *path, char **ret, ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%s/%s", s->esp, path);
}

int ingot_steps_open(struct ingot_steps *s, const char *path, ingot_error *reterr)
{
        const struct ingot_step step = {.kind = INGOT_STEP_ESP_OPEN, .path = path};
        _cleanup_free_ char *full = NULL, *folder = NULL;
        int r = tell(s, &step, reterr);
        if (r >= 0)
                r = full_path(s, path, &full, reterr);
        if (r >= 0)
                r = ingot_format(&folder, reterr, "%.*s", (int) (strrchr(full, '/') - full), full);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        if (r >= 0)
                r = ingot_file_open_new(&s->open, full, 0644, reterr);
        if (r >= 0)
                s->open_path = path;
        return of_esp(s, r, reterr);
}

static int write_file(void *context, uint64_t offset, const void *data, size_t size,
                      ingot_error *reterr)
{
        struct ingot_steps *s = context;
        const struct ingot_step step = {.kind = INGOT_STEP_ESP_WRITE,
                                        .path = s->open_path,
                                        .offset = offset,
                                        .data = data,
                                        .size = size};
        int r = tell(s, &step, reterr);
        if (r >= 0)
                r = ingot_file_pwrite(s->open.fd, offset, data, size, reterr);
        return of_esp(s, ingot_under(reterr, r, "%s", s->open_path), reterr);
}

struct ingot_writer ingot_steps_file(struct ingot_steps *s)
{
        return (struct ingot_writer){.write_at = write_file, .context = s};
}

struct ingot_reader ingot_steps_file_back(struct ingot_steps *s)
{
        return ingot_file_reader(&s->open);
}

int ingot_steps_close(struct ingot_steps *s, uint64_t size, ingot_error *reterr)
{
        struct ingot_step step = {.kind = INGOT_STEP_ESP_SIZE, .path = s->open_path, .size = size};
        int r = tell(s, &step, reterr);
        if (r >= 0)
                r = ingot_file_truncate(&s->open, size, reterr);
        step.kind = INGOT_STEP_ESP_SYNC;
        if (r >= 0)
                r = tell(s, &step, reterr);
        if (r >= 0)
                r = ingot_file_flush(&s->open, reterr);
        r = of_esp(s, ingot_under(reterr, r, "%s", s->open_path), reterr);
        ingot_steps_abandon(s);
        return r;
}

void ingot_steps_abandon(struct ingot_steps *s)
{
        ingot_file_close(&s->open);
        s->open_path = NULL;
}

/* FAT keeps where a file is, and how long, beside its name. Linux writes a new name without them
 * first, and the folder's flush makes that last: the file's own comes before it, and so both are
 * written at once. */
static int flush_entry(const char *path, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        int r = ingot_file_open(&file, path, reterr);
        return r < 0 ? r : ingot_under(reterr, ingot_file_flush(&file, reterr), "%s", path);
}

int ingot_steps_rename(struct ingot_steps *s, const char *path, const char *to, ingot_error *reterr)
{
        const struct ingot_step step = {.kind = INGOT_STEP_ESP_RENAME, .path = path, .to = to};
        _cleanup_free_ char *from = NULL, *full = NULL;
        int r = tell(s, &step, reterr);
        if (r >= 0)
                r = full_path(s, path, &from, reterr);
        if (r >= 0)
                r = full_path(s, to, &full, reterr);
        if (r >= 0)
                r = ingot_file_rename(from, full, reterr);
        if (r >= 0)
                r = flush_entry(full, reterr);
        return of_esp(s, r, reterr);
}

int ingot_steps_remove(struct ingot_steps *s, const char *path, ingot_error *reterr)
{
        const struct ingot_step step = {.kind = INGOT_STEP_ESP_REMOVE, .path = path};
        _cleanup_free_ char *full = NULL;
        int r = tell(s, &step, reterr);
        if (r >= 0)
                r = full_path(s, path, &full, reterr);
        if (r >= 0)
                r = ingot_file_remove(full, reterr);
        return of_esp(s, r, reterr);
}

int ingot_steps_flush_esp(struct ingot_steps *s, const char *folder, ingot_error *reterr)
{
        const struct ingot_step step = {.kind = INGOT_STEP_ESP_FLUSH, .path = folder};
        _cleanup_free_ char *full = NULL;
        int r = tell(s, &step, reterr);
        if (r >= 0)
                r = full_path(s, folder, &full, reterr);
        if (r >= 0)
                r = ingot_folder_flush(full, reterr);
        return of_esp(s, r, reterr);
}
