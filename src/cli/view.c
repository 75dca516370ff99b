/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening an image down to the files of one of its parts. */
#include "cli/view.h"

void view_close(struct view *v)
{
        ingot_image_done(&v->image);
        ingot_file_close(&v->file);
}

int view_open(struct view *v, const char *file, const char *partition, ingot_error *reterr)
{
        const struct ingot_tree *tree;
        int e = ingot_file_open(&v->file, file, reterr);
        if (e < 0)
                return e;
        v->reader = ingot_file_reader(&v->file);
        e = ingot_image_open(&v->reader, &v->image, reterr);
        if (e == 0)
                e = ingot_image_select(&v->image, partition, &v->part, reterr);
        if (e == 0)
                e = ingot_image_tree(v->part, &tree, reterr);
        return ingot_under(reterr, e, "%s", file);
}

int view_find(const struct view *v, const char *path, struct ingot_inode **ret,
              ingot_error *reterr)
{
        return ingot_image_find(v->part, path, true, ret, reterr);
}
