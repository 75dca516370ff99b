/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dpkg's lists of files (info/NAME.list) and of digests (info/NAME.md5sums). */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "image/hermetic.h"

#include <string.h>

#define LIST_SIZE_MAX ((size_t) 64 << 20)

static bool holds(const struct ingot_strings *sorted, const char *path, size_t size)
{
        size_t low = 0, high = sorted->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int d = strncmp(sorted->items[middle], path, size);
                if (d == 0 && sorted->items[middle][size] == 0)
                        return true;
                if (d < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return false;
}

/* Lists have "/usr/x", digests "HEX  usr/x"; PATHS have "usr/x". Before the merge of /usr a package
 * may say "lib/x" or "bin/x". */
static bool names(const struct ingot_strings *paths, const char *line, size_t size, bool digests)
{
        size_t skip = digests ? 34 : 1;
        if (size <= skip)
                return false;
        const char *path = line + skip;
        size_t n = size - skip;
        if (holds(paths, path, n))
                return true;
        char merged[4096];
        if (n + 5 > sizeof(merged))
                return false;
        memcpy(merged, "usr/", 4);
        memcpy(merged + 4, path, n);
        merged[n + 4] = 0;
        static const char *const folders[] = {"lib/", "bin/", "sbin/", "lib64/"};
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                if (strncmp(merged + 4, folders[i], strlen(folders[i])) == 0)
                        return holds(paths, merged, n + 4);
        return false;
}

static int filter(struct ingot_inode *inode, const struct ingot_strings *paths, bool digests,
                  int64_t mtime, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_buffer_ struct ingot_buffer kept = {0};
        size_t size;
        int r = ingot_inode_read(inode, LIST_SIZE_MAX, &data, &size, reterr);
        for (const char *p = (const char *) data; r >= 0 && *p;) {
                size_t n = strcspn(p, "\n"), whole = n + (p[n] == '\n');
                if (!names(paths, p, n, digests))
                        r = ingot_buffer_append(&kept, p, whole, reterr);
                p += whole;
        }
        if (r < 0 || kept.size == size)
                return r;
        inode->mtime = mtime;
        inode->mtime_nsec = 0;
        return ingot_inode_set_bytes(inode, kept.data, kept.size, reterr);
}

static struct ingot_inode *find_info(const struct ingot_tree *tree)
{
        struct ingot_inode *info = ingot_tree_resolve(tree, "usr/lib/sysimage/dpkg/info");
        if (!info)
                info = ingot_tree_resolve(tree, "var/lib/dpkg/info");
        return info && info->type == INGOT_FILE_DIRECTORY ? info : NULL;
}

static int forget(struct ingot_tree *tree, const struct ingot_strings *paths, bool lists,
                  int64_t mtime, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings sorted = {0};
        struct ingot_inode *info = find_info(tree);
        int r = 0;
        for (size_t i = 0; i < paths->count && r >= 0; i++)
                r = ingot_strings_add(&sorted, paths->items[i], reterr);
        if (r < 0 || !info || sorted.count == 0)
                return r;
        ingot_strings_sort(&sorted);
        for (size_t i = 0; i < info->entry_count; i++) {
                const struct ingot_entry *e = info->entries + i;
                bool digests = ingot_ends_with(e->name, ".md5sums");
                if (e->inode->type != INGOT_FILE_REGULAR ||
                    !(digests || (lists && ingot_ends_with(e->name, ".list"))))
                        continue;
                r = filter(e->inode, &sorted, digests, mtime, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "dpkg: %s", e->name);
        }
        return 0;
}

int ingot_dpkg_forget(struct ingot_tree *tree, const struct ingot_strings *paths, int64_t mtime,
                      ingot_error *reterr)
{
        return forget(tree, paths, true, mtime, reterr);
}

int ingot_dpkg_forget_digests(struct ingot_tree *tree, const struct ingot_strings *paths,
                              int64_t mtime, ingot_error *reterr)
{
        return forget(tree, paths, false, mtime, reterr);
}
