/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counting and cleaning a folder. */
#include "os/sweep.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 16

struct sweeping {
        bool remove;
        int64_t until; /* last changed at this second since 1970, or before */
        struct ingot_sweep *result;
};

static int sweep_file(const struct sweeping *s, const char *path, const struct stat *st,
                      ingot_error *reterr)
{
        uint64_t size = (uint64_t) st->st_blocks * 512;
        if (!s->remove || st->st_mtime > s->until) {
                s->result->files++;
                s->result->bytes += size;
                return 0;
        }
        s->result->removed++;
        s->result->removed_bytes += size;
        return ingot_file_remove(path, reterr);
}

static int sweep_folder(const struct sweeping *s, const char *folder, unsigned depth,
                        ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_list_directory(AT_FDCWD, folder, &names, reterr);
        if (r == -INGOT_E_NOTFOUND)
                return 0;
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *path = NULL;
                struct stat st;
                r = ingot_format(&path, reterr, "%s/%s", folder, names.items[i]);
                if (r < 0)
                        return r;
                if (lstat(path, &st) < 0)
                        continue; /* another one cleans, too */
                if (!S_ISDIR(st.st_mode)) {
                        r = sweep_file(s, path, &st, reterr);
                } else if (depth < DEPTH_MAX) {
                        r = sweep_folder(s, path, depth + 1, reterr);
                        if (s->remove)
                                (void) rmdir(path); /* unless something is left in it */
                }
        }
        return r;
}

int ingot_sweep_measure(const char *folder, struct ingot_sweep *ret, ingot_error *reterr)
{
        struct sweeping s = {.result = ret};
        *ret = (struct ingot_sweep){0};
        return sweep_folder(&s, folder, 0, reterr);
}

int ingot_sweep_clean(const char *folder, uint64_t seconds, struct ingot_sweep *ret,
                      ingot_error *reterr)
{
        int64_t now = (int64_t) time(NULL);
        struct sweeping s = {.remove = true, .until = INT64_MAX, .result = ret};
        if (seconds > 0)
                s.until = seconds <= (uint64_t) now ? now - (int64_t) seconds : -1;
        *ret = (struct ingot_sweep){0};
        return sweep_folder(&s, folder, 0, reterr);
}
