/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/esp-open.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/folder.h"

#include <fcntl.h>
#include <string.h>

void ingot_esp_view_close(struct ingot_esp_view *v)
{
        ingot_tree_free_p(&v->made);
        ingot_image_done(&v->image);
        ingot_file_close(&v->file);
        *v = INGOT_ESP_VIEW_NONE;
}

static const char *name_of(const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

static int put_file(struct ingot_tree *tree, const char *folder, const char *file, const char *name,
                    ingot_error *reterr)
{
        static const struct ingot_folder_options options;
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        struct ingot_inode *directory;
        int r = ingot_folder_load_file(file, &options, &inode, reterr);
        if (r >= 0)
                r = ingot_tree_make_directory(tree, folder, 0, &directory, reterr);
        if (r >= 0)
                r = ingot_tree_link(directory, name, inode, reterr);
        if (r >= 0)
                inode = NULL;
        return r;
}

static int open_uki(struct ingot_esp_view *v, const char *where, ingot_error *reterr)
{
        const char *name = name_of(where);
        _cleanup_free_ char *entry = NULL;
        int r = ingot_tree_new(&v->made, reterr);
        if (r >= 0)
                r = ingot_format(&entry, reterr, "%s%s", name,
                                 ingot_ends_with(name, ".efi") ? "" : ".efi");
        return r < 0 ? r : put_file(v->made, "EFI/Linux", where, entry, reterr);
}

static int open_image(struct ingot_esp_view *v, const char *where, ingot_error *reterr)
{
        struct ingot_image *part;
        int r = ingot_file_open(&v->file, where, reterr);
        if (r < 0)
                return r;
        v->reader = ingot_file_reader(&v->file);
        r = ingot_image_open(&v->reader, &v->image, reterr);
        if (r >= 0 && v->image.content == INGOT_CONTENT_UKI)
                return open_uki(v, where, reterr);
        if (r >= 0)
                r = ingot_image_select(&v->image,
                                       v->image.content == INGOT_CONTENT_DISK ? "esp" : NULL, &part,
                                       reterr);
        if (r >= 0 && part->content != INGOT_CONTENT_FAT)
                r = ingot_fail(reterr, INGOT_E_FORMAT,
                               "no ESP and no UKI, but: %s; name the image of a disk, an ESP, its "
                               "folder, or a UKI",
                               ingot_content_title(part->content));
        return r < 0 ? r : ingot_image_tree(part, &v->tree, reterr);
}

int ingot_esp_view_open(struct ingot_esp_view *v, const char *where, ingot_error *reterr)
{
        static const struct ingot_folder_options options;
        _cleanup_strings_ struct ingot_strings names = {0};
        int r;
        if (ingot_list_directory(AT_FDCWD, where, &names, NULL) >= 0)
                r = ingot_folder_load(where, &options, &v->made, reterr);
        else
                r = ingot_under(reterr, open_image(v, where, reterr), "%s", where);
        if (r >= 0 && v->made)
                v->tree = v->made;
        return r < 0 ? r : 0;
}

int ingot_esp_view_add(struct ingot_esp_view *v, const char *folder, const char *file,
                       ingot_error *reterr)
{
        /* The tree belongs to the view in every case; others only read it. */
        struct ingot_tree *tree = (struct ingot_tree *) v->tree;
        return ingot_under(reterr, put_file(tree, folder, file, name_of(file), reterr), "%s", file);
}
