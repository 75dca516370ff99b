/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * install-list install FOLDER-OF-DEBS CACHE WORKDIR TIME [THREADS] [ASSUMED…]
 * install-list folder FOLDER
 *
 * Prints the tree that the packages give, or that a folder holds, one line an entry: path, type,
 * mode, owner and group (by name where the tree knows one, since system users get their numbers in
 * the order of installation), links, device, digest or target, extended attributes. For comparing
 * two.
 */
#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"
#include "os/file.h"
#include "os/tree-load.h"
#include "package/install.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

struct listing {
        const struct ingot_tree *tree;
        bool times;
};

/* The name of ID in passwd(5) or group(5) of the tree, or its number. */
static void owner_name(const struct ingot_tree *tree, const char *path, uint32_t id, char *ret,
                       size_t size)
{
        struct ingot_inode *file = ingot_tree_lookup(tree, path);
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_strings_ struct ingot_strings lines = {0};
        size_t n;
        snprintf(ret, size, "%u", id);
        if (!file || ingot_inode_read(file, 1 << 20, &data, &n, NULL) < 0 ||
            ingot_strings_split(&lines, (char *) data, "\n", NULL) < 0)
                return;
        for (size_t i = 0; i < lines.count; i++) {
                char *colon = strchr(lines.items[i], ':');
                char *second = colon ? strchr(colon + 1, ':') : NULL;
                if (second && strtoul(second + 1, NULL, 10) == id) {
                        *colon = 0;
                        snprintf(ret, size, "%s", lines.items[i]);
                        return;
                }
        }
}

static int print_content(const struct ingot_inode *inode, ingot_error *reterr)
{
        static uint8_t block[1 << 18];
        struct ingot_sha256 h;
        uint8_t digest[INGOT_SHA256_SIZE];
        char hex[2 * INGOT_SHA256_SIZE + 1];
        ingot_sha256_init(&h);
        for (uint64_t at = 0; at < inode->content.size;) {
                uint64_t left = inode->content.size - at;
                size_t n = left < sizeof(block) ? (size_t) left : sizeof(block);
                int r = ingot_read_at(&inode->content, at, block, n, reterr);
                if (r < 0)
                        return r;
                ingot_sha256_update(&h, block, n);
                at += n;
        }
        ingot_sha256_final(&h, digest);
        ingot_hex(hex, digest, 16);
        printf(" %s", hex);
        return 0;
}

static int print_entry(void *context, const char *path, struct ingot_inode *inode,
                       ingot_error *reterr)
{
        const struct listing *l = context;
        char user[64], group[64];
        int r = 0;
        owner_name(l->tree, "etc/passwd", inode->uid, user, sizeof(user));
        owner_name(l->tree, "etc/group", inode->gid, group, sizeof(group));
        printf("/%s %s %04o %s:%s", path, ingot_file_type_name(inode->type), inode->mode, user,
               group);
        if (inode->type != INGOT_FILE_DIRECTORY)
                printf(" x%u", inode->links);
        if (l->times)
                printf(" @%lld", (long long) inode->mtime);
        if (inode->type == INGOT_FILE_CHARACTER || inode->type == INGOT_FILE_BLOCK)
                printf(" %u:%u", inode->major, inode->minor);
        if (inode->type == INGOT_FILE_SYMLINK)
                printf(" -> %s", inode->target);
        if (inode->type == INGOT_FILE_REGULAR)
                r = print_content(inode, reterr);
        for (size_t i = 0; i < inode->xattr_count; i++) {
                printf(" %s=", inode->xattrs[i].name);
                for (size_t k = 0; k < inode->xattrs[i].size; k++)
                        printf("%02x", inode->xattrs[i].value[k]);
        }
        puts("");
        return r;
}

static int digest_of(const char *path, uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, (size_t) 4 << 30, &data, &size, reterr);
        if (r >= 0)
                ingot_sha256_of(data, size, ret);
        return r;
}

static int find_packages(const char *folder, struct ingot_strings *paths,
                         struct ingot_install_package **ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_list_directory(AT_FDCWD, folder, &names, reterr);
        struct ingot_install_package *packages = calloc(names.count + 1, sizeof(*packages));
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                char path[4096];
                if (!ingot_ends_with(names.items[i], ".deb"))
                        continue;
                snprintf(path, sizeof(path), "%s/%s", folder, names.items[i]);
                r = ingot_strings_add(paths, path, reterr);
                if (r >= 0)
                        r = digest_of(path, packages[paths->count - 1].sha256, reterr);
        }
        for (size_t i = 0; r >= 0 && i < paths->count; i++)
                packages[i].path = paths->items[i];
        *ret = packages;
        return r;
}

static void warn(void *context, const char *text)
{
        (void) context;
        fprintf(stderr, "warning: %s\n", text);
}

static void progress(void *context, const char *what, uint64_t done, uint64_t total)
{
        struct timespec now;
        struct rusage self, below;
        const char *want = getenv("INGOT_LIST_PROGRESS");
        (void) context;
        if (!want)
                return;
        clock_gettime(CLOCK_MONOTONIC, &now);
        getrusage(RUSAGE_SELF, &self);
        getrusage(RUSAGE_CHILDREN, &below);
        fprintf(stderr,
                "%ld.%02ld self %ld.%02ld+%ld.%02ld below %ld.%02ld+%ld.%02ld: %s %lu/%lu\n",
                (long) now.tv_sec % 1000, now.tv_nsec / 10000000, (long) self.ru_utime.tv_sec,
                self.ru_utime.tv_usec / 10000, (long) self.ru_stime.tv_sec,
                self.ru_stime.tv_usec / 10000, (long) below.ru_utime.tv_sec,
                below.ru_utime.tv_usec / 10000, (long) below.ru_stime.tv_sec,
                below.ru_stime.tv_usec / 10000, what, (unsigned long) done, (unsigned long) total);
}

static int install(char **argv, struct ingot_tree **ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings paths = {0};
        _cleanup_free_ struct ingot_install_package *packages = NULL;
        const struct ingot_log log = {.warning = warn, .progress = progress};
        struct timespec a, b;
        int r = find_packages(argv[0], &paths, &packages, reterr);
        const struct ingot_install install = {
                .packages = packages,
                .count = paths.count,
                .cache = argv[1],
                .workdir = argv[2],
                .timestamp = atoll(argv[3]),
                .threads = argv[4] ? (unsigned) atoi(argv[4]) : 0,
                .assumed = argv[4] ? (const char *const *) argv + 5 : NULL,
                .log = &log,
        };
        clock_gettime(CLOCK_MONOTONIC, &a);
        if (r >= 0)
                r = ingot_install_run(&install, ret, reterr);
        clock_gettime(CLOCK_MONOTONIC, &b);
        fprintf(stderr, "%zu packages in %.2f s\n", paths.count,
                (double) (b.tv_sec - a.tv_sec) + (double) (b.tv_nsec - a.tv_nsec) / 1e9);
        return r;
}

int main(int argc, char **argv)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        int r = -1;
        struct listing l = {.times = getenv("INGOT_LIST_TIMES")};
        if (argc >= 6 && strcmp(argv[1], "install") == 0)
                r = install(argv + 2, &tree, &error);
        else if (argc == 3 && strcmp(argv[1], "folder") == 0)
                r = ingot_tree_load(&(struct ingot_tree_load){.dirfd = AT_FDCWD,
                                                              .path = argv[2],
                                                              .xattrs = true},
                                    &tree, &error);
        else
                fprintf(stderr, "usage: see the source\n");
        l.tree = tree;
        if (r >= 0)
                r = ingot_tree_walk(tree, print_entry, &l, &error);
        if (r < 0)
                fprintf(stderr, "install-list: %s%s%s\n", error.text, error.os ? ": " : "",
                        error.os ? strerror(error.os) : "");
        return r < 0;
}
