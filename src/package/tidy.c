/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What differs between two installations of the same packages. docs/reproducibility.md has why. */
#include "package/tidy.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHADOW_MAX ((size_t) 16 << 20)

static const char *const removed[] = {
        "var/lib/dpkg/lock",
        "var/lib/dpkg/lock-frontend",
        "var/lib/dpkg/triggers/Lock",
        "var/lib/dpkg/status-old",
        "var/lib/dpkg/diversions-old",
        "var/lib/dpkg/statoverride-old",
        "var/lib/dpkg/available-old",
        "var/cache/debconf/config.dat-old",
        "var/cache/debconf/templates.dat-old",
        "var/cache/debconf/passwords.dat-old",
        "var/cache/ldconfig/aux-cache",
        "var/cache/apt/pkgcache.bin",
        "var/cache/apt/srcpkgcache.bin",
        "var/lib/systemd/random-seed",
        "var/lib/systemd/credential.secret",
        "var/lib/dbus/machine-id",
        "var/log/dpkg.log",
        "var/log/alternatives.log",
        "var/log/bootstrap.log",
        "var/log/fontconfig.log",
        "var/log/apt/history.log",
        "var/log/apt/term.log",
        "var/log/apt/eipp.log.xz",
        "etc/.updated",
        "var/.updated",
};

/* Folders of which nothing is kept. */
static const char *const emptied_folders[] = {
        "tmp",
        "var/tmp",
        "run",
};

/* Opened below the tree without leaving it by a link; -1 when it is not there, or not a TYPE. */
static int open_below(int root, const char *path, int flags)
{
        _cleanup_free_ char *copy = strdup(path);
        int at = copy ? fcntl(root, F_DUPFD_CLOEXEC, 3) : -1;
        char *rest = copy;
        for (char *name; at >= 0 && (name = strsep(&rest, "/"));) {
                int next = openat(at, name,
                                  (rest ? O_PATH | O_DIRECTORY : flags) | O_NOFOLLOW | O_CLOEXEC |
                                          O_NONBLOCK);
                close(at);
                at = next;
        }
        return at;
}

static int remove_file(int root, const char *path, ingot_error *reterr)
{
        const char *slash = strrchr(path, '/');
        char folder[256];
        snprintf(folder, sizeof(folder), "%.*s", (int) (slash - path), path);
        _cleanup_close_ int fd = open_below(root, folder, O_PATH | O_DIRECTORY);
        if (fd < 0)
                return 0;
        return ingot_under(reterr, ingot_remove_tree(fd, slash + 1, reterr), "%s", path);
}

static int empty_folder(int root, const char *path, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_close_ int fd = open_below(root, path, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return 0;
        int r = ingot_list_directory(fd, ".", &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++)
                r = ingot_remove_tree(fd, names.items[i], reterr);
        return ingot_under(reterr, r, "%s", path);
}

static int tidy_files(int fd, bool keep_empty, unsigned depth, ingot_error *reterr);

static int tidy_file(int fd, const char *name, bool keep_empty, unsigned depth, ingot_error *reterr)
{
        struct stat st;
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return ingot_fail_errno(reterr, "stat %s", name);
        bool folder = S_ISDIR(st.st_mode);
        /* What its owner may not write is no log, and no cache. */
        mode_t needed = folder ? 0700 : 0200;
        if ((!folder && !S_ISREG(st.st_mode)) || (st.st_mode & needed) != needed)
                return 0;
        if (!folder && !keep_empty)
                return unlinkat(fd, name, 0) < 0 ? ingot_fail_errno(reterr, "remove %s", name) : 0;
        _cleanup_close_ int below = openat(fd, name,
                                           (folder ? O_RDONLY | O_DIRECTORY : O_WRONLY | O_TRUNC) |
                                                   O_NOFOLLOW | O_CLOEXEC);
        if (below < 0)
                return ingot_fail_errno(reterr, "empty %s", name);
        return folder ? tidy_files(below, keep_empty, depth + 1, reterr) : 0;
}

/* Empties, or removes, every file below; folders stay: somebody chose their owner and mode, as
 * those of logs. */
static int tidy_files(int fd, bool keep_empty, unsigned depth, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = depth > 16 ? 0 : ingot_list_directory(fd, ".", &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++)
                r = tidy_file(fd, names.items[i], keep_empty, depth, reterr);
        return r;
}

static int tidy_folder(int root, const char *path, bool keep_empty, ingot_error *reterr)
{
        _cleanup_close_ int fd = open_below(root, path, O_RDONLY | O_DIRECTORY);
        return fd < 0 ? 0 : ingot_under(reterr, tidy_files(fd, keep_empty, 0, reterr), "%s", path);
}

/* The third field of a line of shadow(5): the day of the last change, of no later day than DAY. */
static int fix_line(struct ingot_buffer *out, const char *line, size_t size, uint64_t day,
                    ingot_error *reterr)
{
        const char *end = line + size, *name = memchr(line, ':', size);
        const char *start = name ? memchr(name + 1, ':', (size_t) (end - name - 1)) : NULL;
        const char *stop = start ? memchr(start + 1, ':', (size_t) (end - start - 1)) : NULL;
        char number[24] = "";
        uint64_t value;
        if (stop && (size_t) (stop - start) < sizeof(number))
                memcpy(number, start + 1, (size_t) (stop - start - 1));
        if (!stop || !ingot_parse_u64(number, &value) || value <= day)
                return ingot_buffer_append(out, line, size, reterr);
        int r = ingot_buffer_append(out, line, (size_t) (start + 1 - line), reterr);
        if (r >= 0)
                r = ingot_buffer_printf(out, reterr, "%" PRIu64, day);
        return r < 0 ? r : ingot_buffer_append(out, stop, (size_t) (end - stop), reterr);
}

/* The bytes of a whole shadow file with its days bounded; 1 when nothing had to be changed. */
static int bound_days(struct ingot_span file, uint64_t day, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        const char *at = (const char *) file.data, *end = at + file.size;
        int r = 0;
        while (r >= 0 && at < end) {
                const char *newline = memchr(at, '\n', (size_t) (end - at));
                size_t line = newline ? (size_t) (newline + 1 - at) : (size_t) (end - at);
                r = fix_line(ret, at, line, day, reterr);
                at += line;
        }
        return r < 0 ? r : ret->size == file.size && memcmp(ret->data, file.data, file.size) == 0;
}

static int rewrite_shadow(int fd, uint64_t day, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_buffer_ struct ingot_buffer fixed = {0};
        struct stat st;
        if (fstat(fd, &st) < 0)
                return ingot_fail_errno(reterr, "stat");
        if (st.st_size == 0 || (size_t) st.st_size > SHADOW_MAX)
                return 0;
        size_t size = (size_t) st.st_size;
        data = malloc(size);
        if (!data)
                return ingot_fail_nomem(reterr);
        int r = ingot_file_pread(fd, 0, data, size, reterr);
        if (r >= 0)
                r = bound_days(INGOT_SPAN(data, size), day, &fixed, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        r = ingot_file_pwrite(fd, 0, fixed.data, fixed.size, reterr);
        if (r >= 0 && ftruncate(fd, (off_t) fixed.size) < 0)
                r = ingot_fail_errno(reterr, "cut");
        return r;
}

/* The file may be one that not even its owner reads (mode 0000). */
static int fix_shadow(int root, const char *path, int64_t timestamp, ingot_error *reterr)
{
        struct stat st;
        uint64_t day = timestamp > 86400 ? (uint64_t) timestamp / 86400 : 1;
        if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                return 0;
        if (fchmodat(root, path, 0600, 0) < 0)
                return ingot_fail_errno(reterr, "open %s for its owner", path);
        _cleanup_close_ int fd = open_below(root, path, O_RDWR);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open %s", path);
        int r = rewrite_shadow(fd, day, reterr);
        if (r >= 0 && fchmod(fd, st.st_mode & 07777) < 0)
                r = ingot_fail_errno(reterr, "set the mode");
        return ingot_under(reterr, r, "%s", path);
}

/*
 * /etc/aliases.db as postfix makes it: a Berkeley DB hash (magic at 12, unique file id of 20 bytes
 * at 52 of each metadata page, which repeats in others) with an entry that holds the time of day.
 */
static void fix_aliases(uint8_t *data, size_t size, int64_t timestamp)
{
        static const char key[] = "\1YP_LAST_MODIFIED";
        char now[24];
        uint8_t id[20];
        memcpy(id, data + 52, sizeof(id));
        for (size_t at = 0; at + 72 <= size; at += 512)
                if (memcmp(data + at + 52, id, sizeof(id)) == 0)
                        memset(data + at + 52, 0, sizeof(id));
        int n = snprintf(now, sizeof(now), "%010" PRId64, timestamp);
        uint8_t *found = memmem(data, size, key, sizeof(key) - 1);
        if (found && n == 10 && found - data >= 11 && found[-11] == 1)
                memcpy(found - 10, now, 10);
}

static int tidy_aliases(int root, int64_t timestamp, ingot_error *reterr)
{
        struct stat st;
        _cleanup_close_ int fd = open_below(root, "etc/aliases.db", O_RDWR);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 72 ||
            (size_t) st.st_size > SHADOW_MAX)
                return 0;
        size_t size = (size_t) st.st_size;
        _cleanup_free_ uint8_t *data = malloc(size);
        if (!data)
                return ingot_fail_nomem(reterr);
        int r = ingot_file_pread(fd, 0, data, size, reterr);
        if (r < 0 || ingot_le32_load(data + 12) != 0x061561)
                return r;
        fix_aliases(data, size, timestamp);
        return ingot_file_pwrite(fd, 0, data, size, reterr);
}

static int empty_machine_id(int root, ingot_error *reterr)
{
        struct stat st;
        _cleanup_close_ int etc = open_below(root, "etc", O_PATH | O_DIRECTORY);
        if (etc < 0 || fstatat(etc, "machine-id", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(st.st_mode) || st.st_size == 0)
                return 0;
        /* Nobody may write it as it is (mode 0444). */
        if (fchmodat(etc, "machine-id", 0600, 0) < 0)
                return ingot_fail_errno(reterr, "open etc/machine-id for its owner");
        _cleanup_close_ int fd =
                openat(etc, "machine-id", O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fchmod(fd, st.st_mode & 07777) < 0)
                return ingot_fail_errno(reterr, "empty etc/machine-id");
        return 0;
}

int ingot_tidy(int root, int64_t timestamp, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(removed); i++)
                r = remove_file(root, removed[i], reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(emptied_folders); i++)
                r = empty_folder(root, emptied_folders[i], reterr);
        if (r >= 0)
                r = tidy_folder(root, "var/log", true, reterr);
        if (r >= 0)
                r = tidy_folder(root, "var/cache/man", false, reterr);
        if (r >= 0)
                r = fix_shadow(root, "etc/shadow", timestamp, reterr);
        if (r >= 0)
                r = fix_shadow(root, "etc/shadow-", timestamp, reterr);
        if (r >= 0)
                r = empty_machine_id(root, reterr);
        if (r >= 0)
                r = tidy_aliases(root, timestamp, reterr);
        return ingot_under(reterr, r, "tidy");
}
