/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/machine-image.h"
#include "base/cleanup.h"

int machine_image_open(struct machine_image *m, const char *path, ingot_error *reterr)
{
        m->name = path;
        int r = ingot_file_open(&m->file, path, reterr);
        if (r < 0)
                return r;
        m->reader = ingot_file_reader(&m->file);
        return ingot_under(reterr, ingot_image_open(&m->reader, &m->image, reterr), "%s", path);
}

void machine_image_close(struct machine_image *m)
{
        ingot_image_done(&m->image);
        ingot_file_close(&m->file);
}

static bool has_files(const struct ingot_image *part)
{
        return !part->problem &&
               (part->content == INGOT_CONTENT_EROFS || part->content == INGOT_CONTENT_FAT ||
                part->content == INGOT_CONTENT_CPIO);
}

/* 1: it is not there. */
static int read_from(struct ingot_image *part, const char *path, size_t max, uint8_t **ret,
                     size_t *ret_size, ingot_error *reterr)
{
        struct ingot_inode *inode;
        ingot_error error = {0};
        int r = ingot_image_find(part, path, true, &inode, &error);
        if (r == -INGOT_E_NOTFOUND || (r >= 0 && inode->type != INGOT_FILE_REGULAR))
                return 1;
        if (r < 0 && reterr)
                *reterr = error;
        return r < 0 ? r : ingot_inode_read(inode, max, ret, ret_size, reterr);
}

int machine_image_read(struct machine_image *m, const char *path, size_t max, uint8_t **ret,
                       size_t *ret_size, ingot_error *reterr)
{
        bool disk = m->image.content == INGOT_CONTENT_DISK;
        struct ingot_image *parts = disk ? m->image.parts : &m->image;
        int r = 1;
        for (size_t i = 0; r == 1 && i < (disk ? m->image.part_count : 1); i++)
                if (has_files(parts + i))
                        r = read_from(parts + i, path, max, ret, ret_size, reterr);
        return r < 0 ? ingot_under(reterr, r, "%s: %s", m->name, path) : r;
}

/* 1: there is none. */
static int take_log(struct machine_image *m, const char *path, bool userspace,
                    struct ingot_boot_log *log, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        uint8_t *bytes;
        size_t size, max = userspace ? INGOT_USERSPACE_LOG_SIZE_MAX : INGOT_EVENTLOG_SIZE_MAX;
        int r = ingot_format(&name, reterr, "%s: %s", m->name, path);
        if (r >= 0)
                r = machine_image_read(m, path, max, &bytes, &size, reterr);
        if (r != 0)
                return r;
        return userspace ? ingot_boot_log_take_userspace(log, bytes, size, name, reterr)
                         : ingot_boot_log_take_firmware(log, bytes, size, name, reterr);
}

int machine_image_log(struct machine_image *m, struct ingot_boot_log *ret, ingot_error *reterr)
{
        _cleanup_boot_log_ struct ingot_boot_log log = {0};
        int r = take_log(m, INGOT_BOOT_LOG_FIRMWARE, false, &log, reterr);
        if (r == 1)
                r = take_log(m, INGOT_BOOT_LOG_CCEL, false, &log, reterr);
        if (r == 1)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "%s has no event log: a machine keeps it in memory only "
                                  "(" INGOT_BOOT_LOG_FIRMWARE
                                  "). Of a saved copy name the file; one "
                                  "inside the image is had by 'ingot cat %s PATH >boot.log'",
                                  m->name, m->name);
        if (r >= 0)
                r = take_log(m, INGOT_BOOT_LOG_USERSPACE, true, &log, reterr);
        if (r < 0)
                return r;
        *ret = log;
        log = (struct ingot_boot_log){0};
        return 0;
}

int machine_image_esp(struct machine_image *m, const struct ingot_tree **ret, ingot_error *reterr)
{
        struct ingot_image *part = NULL;
        bool disk = m->image.content == INGOT_CONTENT_DISK;
        if (ingot_image_select(&m->image, disk ? "esp" : NULL, &part, NULL) < 0 ||
            part->content != INGOT_CONTENT_FAT)
                return 1;
        return ingot_under(reterr, ingot_image_tree(part, ret, reterr), "%s", m->name);
}
