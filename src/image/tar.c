/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Archives by libarchive; what may stand in a tree is decided here. */
#include "image/tar.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "os/spool.h"

#if HAVE_PACKAGES

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRIES_MAX ((size_t) 4000000)

struct loading {
        struct archive *archive;
        struct ingot_spool *spool;
        struct ingot_tree *tree;
        int64_t mtime;
};

static void archive_free_p(struct archive **a)
{
        if (*a)
                archive_read_free(*a);
}

static int fail_archive(struct archive *a, ingot_error *reterr)
{
        const char *text = archive_error_string(a);
        return ingot_fail(reterr, INGOT_E_FORMAT, "%s", text ? text : "not a whole archive");
}

/* Only filters that are libraries: those by programs would run what an archive asks for. */
static int open_archive(const struct ingot_file *file, struct archive **ret, ingot_error *reterr)
{
        _cleanup_(archive_free_p) struct archive *a = archive_read_new();
        if (!a)
                return ingot_fail_nomem(reterr);
        archive_read_support_filter_gzip(a);
        archive_read_support_filter_bzip2(a);
        archive_read_support_filter_xz(a);
        archive_read_support_filter_lzma(a);
        archive_read_support_filter_zstd(a);
        archive_read_support_filter_lz4(a);
        archive_read_support_filter_compress(a);
        archive_read_support_format_tar(a);
        if (archive_read_open_fd(a, file->fd, 1 << 16) != ARCHIVE_OK)
                return fail_archive(a, reterr);
        *ret = TAKE_PTR(a);
        return 0;
}

/* A name of the archive without what leads it; "" is the folder that it is laid over. */
static int clean_path(const char *name, char **ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        _cleanup_free_ char *path = NULL;
        int r = ingot_strings_split(&words, name, "/", reterr);
        if (r >= 0)
                r = ingot_strdup(&path, "", reterr);
        for (size_t i = 0; i < words.count && r >= 0; i++) {
                _cleanup_free_ char *lead = NULL;
                if (strcmp(words.items[i], ".") == 0)
                        continue;
                if (strcmp(words.items[i], "..") == 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a name with '..'");
                lead = TAKE_PTR(path);
                r = ingot_format(&path, reterr, "%s%s%s", lead, *lead ? "/" : "", words.items[i]);
        }
        if (r >= 0)
                *ret = TAKE_PTR(path);
        return r;
}

static int read_content(struct loading *l, struct ingot_inode *inode, uint64_t size,
                        ingot_error *reterr)
{
        uint64_t at;
        int r = ingot_spool_reserve(l->spool, size, &at, reterr);
        while (r >= 0) {
                const void *data;
                size_t n;
                int64_t offset;
                int got = archive_read_data_block(l->archive, &data, &n, &offset);
                if (got == ARCHIVE_EOF)
                        break;
                if (got != ARCHIVE_OK)
                        return fail_archive(l->archive, reterr);
                if (offset < 0 || (uint64_t) offset > size || n > size - (uint64_t) offset)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "more content than it has");
                r = ingot_spool_write(l->spool, at + (uint64_t) offset, data, n, reterr);
        }
        if (r >= 0)
                ingot_spool_attach(l->spool, at, size, inode);
        return r < 0 ? r : 0;
}

static int set_attributes(const struct loading *l, struct archive_entry *e,
                          struct ingot_inode *inode, ingot_error *reterr)
{
        int64_t uid = archive_entry_uid(e), gid = archive_entry_gid(e);
        if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "an owner that cannot be");
        if (archive_entry_acl_types(e) != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "it has a POSIX ACL");
        inode->mark = INGOT_TAR_STATED;
        inode->mode = archive_entry_perm(e) & 07777;
        inode->uid = (uint32_t) uid;
        inode->gid = (uint32_t) gid;
        inode->mtime = archive_entry_mtime(e);
        inode->mtime_nsec = (uint32_t) archive_entry_mtime_nsec(e);
        if (inode->mtime >= l->mtime || inode->mtime < 0) {
                inode->mtime = inode->mtime < 0 ? 0 : l->mtime;
                inode->mtime_nsec = 0;
        }
        const char *name;
        const void *value;
        size_t size;
        archive_entry_xattr_reset(e);
        while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
                int r = name ? ingot_inode_set_xattr(inode, name, value, size, reterr) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int type_of(struct archive_entry *e, enum ingot_file_type *ret, ingot_error *reterr)
{
        static const struct {
                unsigned type;
                enum ingot_file_type is;
        } types[] = {
                {AE_IFREG, INGOT_FILE_REGULAR}, {AE_IFDIR, INGOT_FILE_DIRECTORY},
                {AE_IFLNK, INGOT_FILE_SYMLINK}, {AE_IFCHR, INGOT_FILE_CHARACTER},
                {AE_IFBLK, INGOT_FILE_BLOCK},   {AE_IFIFO, INGOT_FILE_FIFO},
                {AE_IFSOCK, INGOT_FILE_SOCKET},
        };
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (archive_entry_filetype(e) == types[i].type) {
                        *ret = types[i].is;
                        return 0;
                }
        return ingot_fail(reterr, INGOT_E_FORMAT, "an unknown type of file");
}

/* Enters INODE at PATH, over what the archive had there before; gives it to the tree. */
static int enter(struct loading *l, const char *path, struct ingot_inode *inode,
                 ingot_error *reterr)
{
        struct ingot_inode *parent;
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        _cleanup_free_ char *folder = strndup(path, slash ? (size_t) (slash - path) : 0);
        if (!folder)
                return ingot_fail_nomem(reterr);
        int r = ingot_tree_make_directory(l->tree, folder, l->mtime, &parent, reterr);
        if (r < 0)
                return r;
        const struct ingot_entry *there = ingot_tree_entry(parent, name);
        if (there && there->inode->type == INGOT_FILE_DIRECTORY)
                return ingot_fail(reterr, INGOT_E_CONFLICT, "it was a directory before");
        if (there && there->inode == inode)
                return 0;
        if (there)
                r = ingot_tree_unlink(parent, name, reterr);
        return r < 0 ? r : ingot_tree_link(parent, name, inode, reterr);
}

static int load_directory(struct loading *l, struct archive_entry *e, const char *path,
                          ingot_error *reterr)
{
        struct ingot_inode *inode;
        int r = ingot_tree_make_directory(l->tree, path, l->mtime, &inode, reterr);
        return r < 0 || !*path ? r : set_attributes(l, e, inode, reterr);
}

static int load_hard_link(struct loading *l, const char *target, const char *path,
                          ingot_error *reterr)
{
        _cleanup_free_ char *clean = NULL;
        int r = clean_path(target, &clean, reterr);
        if (r < 0)
                return r;
        struct ingot_inode *inode = ingot_tree_lookup(l->tree, clean);
        if (!inode || inode->type == INGOT_FILE_DIRECTORY)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "a hard link to %s, which is not before it in the archive",
                                  clean);
        return enter(l, path, inode, reterr);
}

static int load_other(struct loading *l, struct archive_entry *e, enum ingot_file_type type,
                      const char *path, ingot_error *reterr)
{
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        int r = ingot_inode_new(type, 0, &inode, reterr);
        if (r >= 0)
                r = set_attributes(l, e, inode, reterr);
        if (r < 0)
                return r;
        if (type == INGOT_FILE_SYMLINK) {
                const char *target = archive_entry_symlink(e);
                if (!target)
                        target = archive_entry_symlink_utf8(e);
                if (!target || !*target)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a link to nothing");
                inode->mode = 0777;
                r = ingot_strdup(&inode->target, target, reterr);
        } else if (type == INGOT_FILE_CHARACTER || type == INGOT_FILE_BLOCK) {
                inode->major = (uint32_t) archive_entry_rdevmajor(e);
                inode->minor = (uint32_t) archive_entry_rdevminor(e);
        } else if (type == INGOT_FILE_REGULAR && archive_entry_size(e) > 0) {
                r = read_content(l, inode, (uint64_t) archive_entry_size(e), reterr);
        }
        if (r >= 0)
                r = enter(l, path, inode, reterr);
        if (r < 0)
                return r;
        TAKE_PTR(inode);
        return 0;
}

static int load_entry(struct loading *l, struct archive_entry *e, const char *path,
                      ingot_error *reterr)
{
        enum ingot_file_type type = INGOT_FILE_REGULAR;
        const char *link = archive_entry_hardlink(e);
        if (!link)
                link = archive_entry_hardlink_utf8(e);
        if (link && *path)
                return load_hard_link(l, link, path, reterr);
        int r = type_of(e, &type, reterr);
        if (r < 0)
                return r;
        if (type == INGOT_FILE_DIRECTORY)
                return load_directory(l, e, path, reterr);
        if (!*path)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a %s without a name",
                                  ingot_file_type_name(type));
        return load_other(l, e, type, path, reterr);
}

static int load_entries(struct loading *l, ingot_error *reterr)
{
        for (size_t count = 0;; count++) {
                struct archive_entry *e;
                _cleanup_free_ char *path = NULL;
                int got = archive_read_next_header(l->archive, &e);
                if (got == ARCHIVE_EOF)
                        return 0;
                if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
                        return fail_archive(l->archive, reterr);
                if (count == ENTRIES_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "more than %zu entries",
                                          ENTRIES_MAX);
                /* Names of pax headers are UTF-8, which has no other form in the C locale. */
                const char *name = archive_entry_pathname(e);
                if (!name)
                        name = archive_entry_pathname_utf8(e);
                if (!name)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "an entry without a name");
                int r = clean_path(name, &path, reterr);
                if (r >= 0)
                        r = load_entry(l, e, path, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", name);
        }
}

int ingot_tar_load(const char *path, const char *spool, int64_t mtime, struct ingot_tree **ret,
                       ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_(archive_free_p) struct archive *archive = NULL;
        _cleanup_(ingot_spool_free_p) struct ingot_spool *content = NULL;
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        int r = ingot_file_open(&file, path, reterr);
        if (r < 0)
                return r;
        r = open_archive(&file, &archive, reterr);
        if (r >= 0)
                r = ingot_spool_new(spool, &content, reterr);
        if (r >= 0)
                r = ingot_tree_new(&tree, reterr);
        if (r >= 0) {
                struct loading l = {archive, content, tree, mtime};
                r = load_entries(&l, reterr);
        }
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        *ret = TAKE_PTR(tree);
        return 0;
}

#else

int ingot_tar_load(const char *path, const char *spool, int64_t mtime, struct ingot_tree **ret,
                       ingot_error *reterr)
{
        (void) spool;
        (void) mtime;
        (void) ret;
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                          "%s: this ingot was built without libarchive", path);
}

#endif
