/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Read out of the slots themselves, where both versions stand side by side. */
#include "update/hidden.h"
#include "base/cleanup.h"
#include "format/version.h"
#include "image/open.h"
#include "os/root.h"

#include <stdlib.h>
#include <string.h>

#define ETC "etc/"
#define FILE_MAX ((size_t) 16 << 20) /* larger ones are compared by their size */

struct search {
        int root;
        const struct ingot_tree *old;
        struct ingot_strings *ret;
};

/* 1: the same content. */
static int same(const struct ingot_inode *a, const struct ingot_inode *b, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *x = NULL, *y = NULL;
        size_t size;
        if (a->content.size != b->content.size)
                return 0;
        if (a->content.size > FILE_MAX)
                return 1;
        int r = ingot_inode_read(a, FILE_MAX, &x, &size, reterr);
        if (r >= 0)
                r = ingot_inode_read(b, FILE_MAX, &y, &size, reterr);
        return r < 0 ? r : memcmp(x, y, size) == 0;
}

static int look_at(void *context, const char *path, struct ingot_inode *inode, ingot_error *reterr)
{
        const struct search *s = context;
        _cleanup_free_ char *upper = NULL;
        enum ingot_root_kind kind;
        if (!ingot_starts_with(path, ETC) || inode->type != INGOT_FILE_REGULAR)
                return strcmp(path, "etc") != 0 && !strchr(path, '/') ? 1 : 0;
        int r = ingot_format(&upper, reterr, INGOT_ETC_UPPER "/%s", path + strlen(ETC));
        if (r >= 0)
                r = ingot_root_look(s->root, upper, &kind, reterr);
        if (r < 0 || (kind != INGOT_ROOT_FILE && kind != INGOT_ROOT_EMPTY))
                return r < 0 ? r : 0;
        const struct ingot_inode *before = ingot_tree_lookup(s->old, path);
        r = before && before->type == INGOT_FILE_REGULAR ? same(before, inode, reterr) : 0;
        if (r != 0)
                return r < 0 ? ingot_under(reterr, r, "/%s", path) : 0;
        free(TAKE_PTR(upper));
        r = ingot_format(&upper, reterr, "/%s", path);
        return r < 0 ? r : ingot_strings_add(s->ret, upper, reterr);
}

int ingot_hidden_files(int root, const struct ingot_tree *old, const struct ingot_tree *new,
                       struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings found = {0};
        struct search s = {.root = root, .old = old, .ret = &found};
        int r = ingot_tree_walk(new, look_at, &s, reterr);
        if (r < 0)
                return r;
        *ret = found;
        found = (struct ingot_strings){0};
        return 0;
}

static int open_slot(struct ingot_machine *m, const struct ingot_slot *s, struct ingot_image *image,
                     struct ingot_reader *reader, const struct ingot_tree **ret,
                     ingot_error *reterr)
{
        const struct ingot_reader disk = ingot_file_reader(&m->disk);
        int r = ingot_reader_part(&disk, s->offset[INGOT_SLOT_DATA], s->size[INGOT_SLOT_DATA],
                                  reader, reterr);
        if (r >= 0)
                r = ingot_image_open_tree(reader, image, ret, reterr);
        return ingot_under(reterr, r, "version %s", s->version);
}

/* What NEW came after. */
static const struct ingot_slot *find_old(const struct ingot_machine *m,
                                         const struct ingot_slot *new)
{
        const struct ingot_slot *old = NULL;
        if (!new->running)
                return ingot_machine_running(m);
        for (size_t i = 0; i < m->slots.count; i++) {
                const struct ingot_slot *s = m->slots.items + i;
                if (s->state == INGOT_SLOT_WHOLE &&
                    ingot_version_compare(s->version, new->version) < 0 &&
                    (!old || ingot_version_compare(old->version, s->version) < 0))
                        old = s;
        }
        return old;
}

int ingot_hidden_in_slot(struct ingot_machine *m, const struct ingot_slot *new,
                         struct ingot_strings *ret, ingot_error *reterr)
{
        const struct ingot_slot *old = find_old(m, new);
        _cleanup_image_ struct ingot_image before = {0}, after = {0};
        struct ingot_reader readers[2];
        const struct ingot_tree *a, *b;
        enum ingot_root_kind kind;
        int r = ingot_root_look(m->root_fd, INGOT_ETC_UPPER, &kind, reterr);
        if (r < 0 || kind != INGOT_ROOT_FOLDER || !old)
                return r;
        r = open_slot(m, old, &before, &readers[0], &a, reterr);
        if (r >= 0)
                r = open_slot(m, new, &after, &readers[1], &b, reterr);
        return r < 0 ? r : ingot_hidden_files(m->root_fd, a, b, ret, reterr);
}
