/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content on disk without a name. */
#include "os/spool.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>

#define SPOOL_SIZE_MAX ((uint64_t) 1 << 40)

struct ingot_spool {
        int fd;
        unsigned references;
        uint64_t size;
};

int ingot_spool_new(const char *folder, struct ingot_spool **ret, ingot_error *reterr)
{
        const char *where = folder ? folder : "/var/tmp";
        _cleanup_close_ int fd = open(where, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0) {
                /* Not every file system has nameless files. */
                _cleanup_free_ char *name = NULL;
                int r = ingot_format(&name, reterr, "%s/.ingot-spool.XXXXXX", where);
                if (r < 0)
                        return r;
                fd = mkostemp(name, O_CLOEXEC);
                if (fd < 0)
                        return ingot_fail_errno(reterr, "make a temporary file in %s", where);
                if (unlink(name) < 0)
                        return ingot_fail_errno(reterr, "unlink %s", name);
        }
        struct ingot_spool *spool = calloc(1, sizeof(*spool));
        if (!spool)
                return ingot_fail_nomem(reterr);
        spool->fd = TAKE_FD(fd);
        spool->references = 1;
        *ret = spool;
        return 0;
}

void ingot_spool_free(struct ingot_spool *spool)
{
        if (!spool || --spool->references > 0)
                return;
        close(spool->fd);
        free(spool);
}

int ingot_spool_reserve(struct ingot_spool *spool, uint64_t size, uint64_t *ret_offset,
                        ingot_error *reterr)
{
        if (size > SPOOL_SIZE_MAX - spool->size)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than 1 TiB of content");
        if (ftruncate(spool->fd, (off_t) (spool->size + size)) < 0)
                return ingot_fail_errno(reterr, "grow a temporary file");
        *ret_offset = spool->size;
        spool->size += size;
        return 0;
}

int ingot_spool_write(struct ingot_spool *spool, uint64_t offset, const void *data, size_t size,
                      ingot_error *reterr)
{
        if (!ingot_range_inside(offset, size, spool->size))
                return ingot_fail(reterr, INGOT_E_INTERNAL, "write behind what was reserved");
        return ingot_file_pwrite(spool->fd, offset, data, size, reterr);
}

static int read_spool(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct ingot_spool *spool = context;
        return ingot_file_pread(spool->fd, offset, ret, size, reterr);
}

static void release_spool(void *context)
{
        ingot_spool_free(context);
}

void ingot_spool_attach(struct ingot_spool *spool, uint64_t offset, uint64_t size,
                        struct ingot_inode *inode)
{
        if (size == 0)
                return;
        spool->references++;
        inode->content = (struct ingot_reader){
                .read_at = read_spool, .context = spool, .base = offset, .size = size};
        inode->content_release = release_spool;
}
