/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench/erofs drives this: `erofs-write FOLDER IMAGE COMPRESSOR[:LEVEL] [THREADS [EXTENT]]` writes a
 * folder as an erofs image and prints what it took. No part of ingot; it reads folders its own way.
 */
#include "base/cleanup.h"
#include "format/erofs.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

struct seen {
        dev_t device;
        ino_t number;
        struct ingot_inode *inode;
};

static struct seen *seen;
static size_t seen_count;

static int read_path(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        _cleanup_close_ int fd = open(context, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open %s", (char *) context);
        return ingot_file_pread(fd, offset, ret, size, reterr);
}

static void read_xattrs(const char *path, struct ingot_inode *inode)
{
        char names[65536], value[65536];
        ssize_t size = llistxattr(path, names, sizeof(names));
        for (char *name = names; size > 0 && name < names + size; name += strlen(name) + 1) {
                ssize_t n = lgetxattr(path, name, value, sizeof(value));
                if (n >= 0)
                        ingot_inode_set_xattr(inode, name, value, (size_t) n, NULL);
        }
}

static enum ingot_file_type type_of(mode_t mode)
{
        return S_ISDIR(mode)    ? INGOT_FILE_DIRECTORY
               : S_ISLNK(mode)  ? INGOT_FILE_SYMLINK
               : S_ISCHR(mode)  ? INGOT_FILE_CHARACTER
               : S_ISBLK(mode)  ? INGOT_FILE_BLOCK
               : S_ISFIFO(mode) ? INGOT_FILE_FIFO
               : S_ISSOCK(mode) ? INGOT_FILE_SOCKET
                                : INGOT_FILE_REGULAR;
}

static void describe(struct ingot_inode *inode, const char *path, const struct stat *st)
{
        char target[4096];
        inode->mode = st->st_mode & 07777;
        inode->uid = st->st_uid;
        inode->gid = st->st_gid;
        inode->mtime = st->st_mtim.tv_sec;
        inode->mtime_nsec = (uint32_t) st->st_mtim.tv_nsec;
        inode->major = major(st->st_rdev);
        inode->minor = minor(st->st_rdev);
        if (S_ISLNK(st->st_mode)) {
                ssize_t n = readlink(path, target, sizeof(target) - 1);
                target[n < 0 ? 0 : n] = 0;
                inode->target = strdup(target);
        }
        if (S_ISREG(st->st_mode) && st->st_size > 0)
                inode->content = (struct ingot_reader){.read_at = read_path,
                                                       .context = strdup(path),
                                                       .size = (uint64_t) st->st_size};
        inode->content_release = free;
        read_xattrs(path, inode);
}

static struct ingot_inode *find_seen(const struct stat *st)
{
        for (size_t i = 0; i < seen_count; i++)
                if (seen[i].device == st->st_dev && seen[i].number == st->st_ino)
                        return seen[i].inode;
        return NULL;
}

static int scan(const char *path, struct ingot_inode *directory, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_list_directory(AT_FDCWD, path, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *child = NULL;
                struct stat st;
                r = ingot_format(&child, reterr, "%s/%s", path, names.items[i]);
                if (r < 0)
                        return r;
                if (lstat(child, &st) < 0)
                        return ingot_fail_errno(reterr, "stat %s", child);
                bool several = st.st_nlink > 1 && !S_ISDIR(st.st_mode);
                struct ingot_inode *inode = several ? find_seen(&st) : NULL;
                if (!inode) {
                        r = ingot_inode_new(type_of(st.st_mode), 0, &inode, reterr);
                        if (r < 0)
                                return r;
                        describe(inode, child, &st);
                        if (several) {
                                seen = reallocarray(seen, seen_count + 1, sizeof(*seen));
                                seen[seen_count++] =
                                        (struct seen){st.st_dev, st.st_ino, inode};
                        }
                }
                r = ingot_tree_link(directory, names.items[i], inode, reterr);
                if (r >= 0 && S_ISDIR(st.st_mode))
                        r = scan(child, inode, reterr);
        }
        return r;
}

static int run(char **argv, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        struct ingot_erofs_options o = {.build_time = 1700000000, .volume_name = "bench"};
        struct ingot_erofs_result result;
        struct stat st;
        uint64_t threads = 0, extent = 0;
        int r = ingot_erofs_compressor_parse(argv[3], &o.compressor, &o.level, reterr);
        if (r < 0)
                return r;
        if (argv[4] && ingot_parse_u64(argv[4], &threads) && argv[5])
                ingot_parse_size(argv[5], &extent);
        o.threads = (unsigned) threads;
        o.extent = (uint32_t) extent;
        r = ingot_tree_new(&tree, reterr);
        if (r >= 0 && stat(argv[1], &st) < 0)
                r = ingot_fail_errno(reterr, "stat %s", argv[1]);
        if (r < 0)
                return r;
        describe(tree->root, argv[1], &st);
        r = scan(argv[1], tree->root, reterr);
        if (r >= 0)
                r = ingot_outfile_create(&out, argv[2], 0644, reterr);
        if (r < 0)
                return r;
        struct ingot_writer w = ingot_outfile_writer(&out);
        r = ingot_erofs_write(tree, &o, &w, &result, reterr);
        if (r < 0)
                return r;
        printf("size %" PRIu64 " data %" PRIu64 " metadata %" PRIu64 " packed %" PRIu64
               " content %" PRIu64 " inodes %" PRIu64 "\n",
               result.size, result.data_size, result.metadata_size, result.packed_size,
               result.content_size, result.inodes);
        return ingot_outfile_commit(&out, reterr);
}

int main(int argc, char **argv)
{
        ingot_error error = {0};
        if (argc < 4) {
                fprintf(stderr, "usage: erofs-write FOLDER IMAGE COMPRESSOR[:LEVEL] [THREADS "
                                "[EXTENT]]\n");
                return 2;
        }
        if (run(argv, &error) >= 0)
                return 0;
        fprintf(stderr, "erofs-write: %s%s%s\n", error.text, error.os ? ": " : "",
                error.os ? strerror(error.os) : "");
        return 1;
}
