/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two trees side by side: both are sorted by name, so one pass pairs them. */
#include "image/compare-tree.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/size.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct files {
        struct ingot_comparison *c;
        const char *where;
        struct ingot_buffer path;
};

static void files_done(struct files *f)
{
        ingot_buffer_done(&f->path);
}

static bool same_xattrs(const struct ingot_inode *a, const struct ingot_inode *b)
{
        if (a->xattr_count != b->xattr_count)
                return false;
        for (size_t i = 0; i < a->xattr_count; i++) {
                const struct ingot_xattr *x = a->xattrs + i, *y = b->xattrs + i;
                if (strcmp(x->name, y->name) != 0 || x->size != y->size ||
                    (x->size > 0 && memcmp(x->value, y->value, x->size) != 0))
                        return false;
        }
        return true;
}

/* What differs but for type and content, as words between commas. */
static int describe_metadata(const struct ingot_inode *a, const struct ingot_inode *b,
                             struct ingot_buffer *ret, ingot_error *reterr)
{
        int e = 0;
        if (a->mode != b->mode)
                e = ingot_buffer_printf(ret, reterr, "mode %04o -> %04o, ", a->mode, b->mode);
        if (e == 0 && (a->uid != b->uid || a->gid != b->gid))
                e = ingot_buffer_printf(ret, reterr,
                                        "owner %" PRIu32 ":%" PRIu32 " -> %" PRIu32 ":%" PRIu32
                                        ", ",
                                        a->uid, a->gid, b->uid, b->gid);
        if (e == 0 && (a->mtime != b->mtime || a->mtime_nsec != b->mtime_nsec))
                e = ingot_buffer_printf(ret, reterr, "time, ");
        if (e == 0 && !same_xattrs(a, b))
                e = ingot_buffer_printf(ret, reterr, "extended attributes, ");
        if (e == 0 && a->type != INGOT_FILE_DIRECTORY && a->links != b->links)
                e = ingot_buffer_printf(ret, reterr, "links %u -> %u, ", a->links, b->links);
        if (e == 0 && (a->major != b->major || a->minor != b->minor))
                e = ingot_buffer_printf(ret, reterr, "device, ");
        return e;
}

static int describe_content(const struct files *f, const struct ingot_inode *a,
                            const struct ingot_inode *b, struct ingot_buffer *ret,
                            ingot_error *reterr)
{
        if (a->type == INGOT_FILE_SYMLINK)
                return strcmp(a->target, b->target) == 0
                               ? 0
                               : ingot_buffer_printf(ret, reterr, "target %s -> %s, ", a->target,
                                                     b->target);
        if (a->type != INGOT_FILE_REGULAR)
                return 0;
        if (a->content.size != b->content.size)
                return ingot_buffer_printf(ret, reterr, "size %" PRIu64 " -> %" PRIu64 ", ",
                                           a->content.size, b->content.size);
        int e = ingot_compare_bytes(f->c, &a->content, &b->content, NULL, reterr);
        return e == 0 ? ingot_buffer_printf(ret, reterr, "content, ") : e < 0 ? e : 0;
}

/* Compares two inodes of one path, without what is below them. */
static int compare_inodes(struct files *f, const struct ingot_inode *a, const struct ingot_inode *b,
                          ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer what = {0};
        int e = 0;
        if (a->type != b->type) {
                e = ingot_buffer_printf(&what, reterr, "%s -> %s, ", ingot_file_type_name(a->type),
                                        ingot_file_type_name(b->type));
        } else {
                e = describe_metadata(a, b, &what, reterr);
                if (e == 0)
                        e = describe_content(f, a, b, &what, reterr);
        }
        const char *path = f->path.size ? (char *) f->path.data : "/";
        if (e < 0)
                return ingot_under(reterr, e, "%.400s", path);
        if (what.size == 0)
                return 0;
        return ingot_comparison_add(f->c, INGOT_DIFFERENCE_FILE, INGOT_CHANGE_CHANGED, f->where,
                                    path, reterr, "%.*s", (int) what.size - 2, what.data);
}

static int compare_directories(struct files *f, const struct ingot_inode *a,
                               const struct ingot_inode *b, ingot_error *reterr);

/* One name that one side or both have. */
static int compare_entries(struct files *f, const struct ingot_entry *a,
                           const struct ingot_entry *b, ingot_error *reterr)
{
        size_t before = f->path.size;
        const char *name = a ? a->name : b->name;
        int e = ingot_buffer_printf(&f->path, reterr, "%s%s", before ? "/" : "", name);
        if (e < 0)
                return e;
        if (!a || !b) {
                const struct ingot_inode *inode = a ? a->inode : b->inode;
                e = ingot_comparison_add(f->c, INGOT_DIFFERENCE_FILE,
                                         a ? INGOT_CHANGE_REMOVED : INGOT_CHANGE_ADDED, f->where,
                                         (char *) f->path.data, reterr, "%s",
                                         ingot_file_type_name(inode->type));
        } else {
                e = compare_inodes(f, a->inode, b->inode, reterr);
                if (e == 0 && a->inode->type == INGOT_FILE_DIRECTORY &&
                    b->inode->type == INGOT_FILE_DIRECTORY)
                        e = compare_directories(f, a->inode, b->inode, reterr);
        }
        f->path.size = before;
        f->path.data[before] = 0;
        return e;
}

static int compare_directories(struct files *f, const struct ingot_inode *a,
                               const struct ingot_inode *b, ingot_error *reterr)
{
        size_t i = 0, k = 0;
        while (i < a->entry_count || k < b->entry_count) {
                const struct ingot_entry *x = i < a->entry_count ? a->entries + i : NULL;
                const struct ingot_entry *y = k < b->entry_count ? b->entries + k : NULL;
                int order = !x ? 1 : !y ? -1 : strcmp(x->name, y->name);
                int e = compare_entries(f, order <= 0 ? x : NULL, order >= 0 ? y : NULL, reterr);
                if (e < 0)
                        return e;
                i += order <= 0;
                k += order >= 0;
        }
        return 0;
}

int ingot_compare_files(struct ingot_comparison *c, const char *where, const struct ingot_tree *a,
                        const struct ingot_tree *b, ingot_error *reterr)
{
        _cleanup_(files_done) struct files f = {.c = c, .where = where};
        int e = compare_inodes(&f, a->root, b->root, reterr);
        return e < 0 ? e : compare_directories(&f, a->root, b->root, reterr);
}
