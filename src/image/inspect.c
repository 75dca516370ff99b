/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures about a tree: one walk; directories are summed up on the way back. */
#include "image/inspect.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static int clear_mark(void *context, const char *path, struct ingot_inode *inode,
                      ingot_error *reterr)
{
        (void) context, (void) path, (void) reterr;
        inode->mark = 0;
        return 0;
}

/* Keeps the largest ones, in descending order. */
static int keep_largest(struct ingot_tree_statistics *s, const char *path, uint64_t size,
                        ingot_error *reterr)
{
        size_t at = s->largest_count;
        while (at > 0 && s->largest[at - 1].size < size)
                at--;
        if (at == INGOT_LARGEST_DIRECTORIES)
                return 0;
        char *copy;
        int e = ingot_strdup(&copy, path, reterr);
        if (e < 0)
                return e;
        if (s->largest_count == INGOT_LARGEST_DIRECTORIES)
                free(s->largest[--s->largest_count].path);
        memmove(s->largest + at + 1, s->largest + at,
                (s->largest_count - at) * sizeof(*s->largest));
        s->largest[at] = (struct ingot_directory_size){.path = copy, .size = size};
        s->largest_count++;
        return 0;
}

static void count(struct ingot_tree_statistics *s, const struct ingot_inode *inode)
{
        switch (inode->type) {
        case INGOT_FILE_REGULAR:
                s->files++;
                s->content_size += inode->content.size;
                break;
        case INGOT_FILE_DIRECTORY:
                s->directories++;
                break;
        case INGOT_FILE_SYMLINK:
                s->symlinks++;
                break;
        case INGOT_FILE_CHARACTER:
        case INGOT_FILE_BLOCK:
                s->devices++;
                break;
        default:
                s->others++;
        }
}

/* Depth is bounded by INGOT_TREE_DEPTH_MAX, which every reader keeps to. */
static int sum_directory(struct ingot_tree_statistics *s, const struct ingot_inode *directory,
                         struct ingot_buffer *path, uint64_t *ret, ingot_error *reterr)
{
        size_t here = path->size;
        uint64_t size = 0;
        count(s, directory);
        for (size_t i = 0; i < directory->entry_count; i++) {
                struct ingot_inode *inode = directory->entries[i].inode;
                uint64_t below = 0;
                if (inode->type == INGOT_FILE_DIRECTORY) {
                        int e = ingot_buffer_printf(path, reterr, "%s%s", here ? "/" : "",
                                                    directory->entries[i].name);
                        if (e == 0)
                                e = sum_directory(s, inode, path, &below, reterr);
                        if (e < 0)
                                return e;
                        path->size = here;
                } else if (inode->mark++ > 0) {
                        s->hard_links++;
                } else {
                        count(s, inode);
                        below = inode->type == INGOT_FILE_REGULAR ? inode->content.size : 0;
                }
                size += below;
        }
        *ret = size;
        if (here == 0)
                return 0;
        path->data[here] = 0;
        return keep_largest(s, (const char *) path->data, size, reterr);
}

int ingot_tree_statistics_of(const struct ingot_tree *tree, struct ingot_tree_statistics *ret,
                             ingot_error *reterr)
{
        _cleanup_statistics_ struct ingot_tree_statistics s = {0};
        _cleanup_buffer_ struct ingot_buffer path = {0};
        uint64_t size;
        int e = ingot_tree_walk(tree, clear_mark, NULL, reterr);
        if (e == 0)
                e = sum_directory(&s, tree->root, &path, &size, reterr);
        if (e < 0)
                return e;
        *ret = s;
        s = (struct ingot_tree_statistics){0};
        return 0;
}

void ingot_tree_statistics_done(struct ingot_tree_statistics *s)
{
        for (size_t i = 0; i < s->largest_count; i++)
                free(s->largest[i].path);
        *s = (struct ingot_tree_statistics){0};
}
