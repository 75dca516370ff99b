/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that grow over several runs. */
#include "os/partial.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens and locks PATH: 0 it is ours, 1 another one has it, or just made something else of it. */
static int open_locked(const char *path, struct ingot_partial *ret, ingot_error *reterr)
{
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        struct stat ours, there;
        if (fd < 0)
                return ingot_fail_errno(reterr, "create %s", path);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? 1 : ingot_fail_errno(reterr, "lock %s", path);
        if (fstat(fd, &ours) < 0)
                return ingot_fail_errno(reterr, "stat %s", path);
        if (stat(path, &there) < 0 || ours.st_ino != there.st_ino || ours.st_dev != there.st_dev)
                return 1;
        ret->fd = TAKE_FD(fd);
        ret->size = (uint64_t) ours.st_size;
        return 0;
}

int ingot_partial_open(struct ingot_partial *ret, const char *path, ingot_error *reterr)
{
        struct ingot_partial p = INGOT_PARTIAL_NONE;
        _cleanup_free_ char *name = NULL;
        int r = ingot_strdup(&name, path, reterr);
        if (r >= 0)
                r = open_locked(name, &p, reterr);
        for (unsigned attempt = 0; r > 0 && attempt < 1000; attempt++) {
                free(name);
                name = NULL;
                r = ingot_format(&name, reterr, "%s.%d-%u", path, (int) getpid(), attempt);
                if (r >= 0)
                        r = open_locked(name, &p, reterr);
        }
        if (r > 0)
                r = ingot_fail(reterr, INGOT_E_CONFLICT, "%s is in use", path);
        if (r < 0)
                return r;
        p.path = TAKE_PTR(name);
        *ret = p;
        return 0;
}

int ingot_partial_append(struct ingot_partial *p, const void *data, size_t size,
                         ingot_error *reterr)
{
        int r = ingot_file_pwrite(p->fd, p->size, data, size, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", p->path);
        p->size += size;
        return 0;
}

int ingot_partial_empty(struct ingot_partial *p, ingot_error *reterr)
{
        if (ftruncate(p->fd, 0) < 0)
                return ingot_fail_errno(reterr, "truncate %s", p->path);
        p->size = 0;
        return 0;
}

int ingot_partial_publish(struct ingot_partial *p, const char *path, ingot_error *reterr)
{
        if (rename(p->path, path) < 0)
                return ingot_fail_errno(reterr, "rename %s to %s", p->path, path);
        free(p->path);
        p->path = NULL;
        ingot_partial_close(p);
        return 0;
}

void ingot_partial_close(struct ingot_partial *p)
{
        if (p->fd >= 0 && p->path && p->size == 0)
                unlink(p->path);
        if (p->fd >= 0)
                close(p->fd);
        free(p->path);
        *p = INGOT_PARTIAL_NONE;
}
