/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders PARENT/PID.N with a lock file PARENT/PID.N.lock beside each. */
#include "os/workdir.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* Removes the folder of a lock that nobody holds. */
static void remove_leftover(const char *parent, const char *lock_name)
{
        _cleanup_free_ char *lock = NULL, *folder = NULL;
        size_t n = strlen(lock_name) - strlen(".lock");
        if (ingot_format(&lock, NULL, "%s/%s", parent, lock_name) < 0 ||
            ingot_format(&folder, NULL, "%s/%.*s", parent, (int) n, lock_name) < 0)
                return;
        _cleanup_close_ int fd = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
                return;
        if (ingot_remove_tree(AT_FDCWD, folder, NULL) >= 0)
                unlink(lock);
}

static void remove_leftovers(const char *parent)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        if (ingot_list_directory(AT_FDCWD, parent, &names, NULL) < 0)
                return;
        for (size_t i = 0; i < names.count; i++)
                if (ingot_ends_with(names.items[i], ".lock"))
                        remove_leftover(parent, names.items[i]);
}

/* 1 when the name is taken. */
static int try_create(const char *parent, unsigned attempt, struct ingot_workdir *ret,
                      ingot_error *reterr)
{
        _cleanup_free_ char *folder = NULL, *lock = NULL;
        int r = ingot_format(&folder, reterr, "%s/%d.%u", parent, (int) getpid(), attempt);
        if (r >= 0)
                r = ingot_format(&lock, reterr, "%s.lock", folder);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = open(lock, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return errno == EEXIST ? 1 : ingot_fail_errno(reterr, "create %s", lock);
        /* Between the two calls another process may have taken it for a leftover. */
        struct stat st;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0 || st.st_nlink == 0)
                return 1;
        if (mkdir(folder, 0700) < 0)
                return errno == EEXIST ? 1 : ingot_fail_errno(reterr, "make folder %s", folder);
        *ret = (struct ingot_workdir){.path = TAKE_PTR(folder), .lock = TAKE_FD(fd)};
        return 0;
}

int ingot_workdir_create(const char *parent, struct ingot_workdir *ret, ingot_error *reterr)
{
        int r = ingot_make_directories(parent, 0755, reterr);
        if (r < 0)
                return r;
        remove_leftovers(parent);
        for (unsigned attempt = 0; attempt < 1000; attempt++) {
                r = try_create(parent, attempt, ret, reterr);
                if (r <= 0)
                        return r;
        }
        return ingot_fail(reterr, INGOT_E_CONFLICT, "%s: no free name for a folder", parent);
}

void ingot_workdir_remove(struct ingot_workdir *w)
{
        if (w->path) {
                _cleanup_free_ char *lock = NULL;
                (void) ingot_remove_tree(AT_FDCWD, w->path, NULL);
                if (ingot_format(&lock, NULL, "%s.lock", w->path) >= 0)
                        unlink(lock);
        }
        if (w->lock >= 0)
                close(w->lock);
        free(w->path);
        *w = INGOT_WORKDIR_NONE;
}
