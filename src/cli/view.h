/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking into an image: what list, cat and extract have in common. */
#pragma once

#include "cli/option.h"
#include "image/open.h"
#include "os/file.h"

struct view {
        struct ingot_file file;
        struct ingot_reader reader; /* of the file */
        struct ingot_image image;   /* the whole */
        struct ingot_image *part;   /* what was asked for */
};

#define VIEW_NONE ((struct view){.file = INGOT_FILE_NONE})

/* Opens FILE and finds the files of that partition (NULL: the usual one). */
int view_open(struct view *v, const char *file, const char *partition, ingot_error *reterr);
void view_close(struct view *v);
/* What stands at PATH, all links followed; NOTFOUND. */
int view_find(const struct view *v, const char *path, struct ingot_inode **ret,
              ingot_error *reterr);

#define OPTION_PARTITION(T, m)                                                                     \
        STRING('p', "partition", "PARTITION", T, m,                                                \
               "Which partition of a disk: its number, label or type; otherwise root")
#define _cleanup_view_ __attribute__((cleanup(view_close)))
