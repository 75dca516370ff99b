/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of an ESP, whatever it is given as: a disk image, a FAT, the folder where one is
 * mounted, or a UKI alone. */
#pragma once

#include "image/open.h"
#include "os/file.h"

struct ingot_esp_view {
        struct ingot_file file;
        struct ingot_reader reader;
        struct ingot_image image;
        struct ingot_tree *made;       /* of a folder or a UKI; else NULL */
        const struct ingot_tree *tree; /* the files */
};

#define INGOT_ESP_VIEW_NONE ((struct ingot_esp_view){.file = INGOT_FILE_NONE})

/* A UKI alone is EFI/Linux/NAME of a tree. NOTFOUND; FORMAT when it is none of these. */
int ingot_esp_view_open(struct ingot_esp_view *v, const char *where, ingot_error *reterr);
void ingot_esp_view_close(struct ingot_esp_view *v);
#define _cleanup_esp_view_ __attribute__((cleanup(ingot_esp_view_close)))

/* Lays a file of the host at FOLDER of the tree, under its own name. CONFLICT when there is one of
 * that name. */
int ingot_esp_view_add(struct ingot_esp_view *v, const char *folder, const char *file,
                       ingot_error *reterr);
