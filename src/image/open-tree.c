/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of an image, and the files in them. */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/cpio.h"
#include "format/partition-type.h"
#include "image/open.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path of a section as a file: "profile-1/.cmdline"; a second one of a name gets a number. */
static int section_path(const struct ingot_tree *tree, const struct ingot_uki_section *s,
                        char **ret, ingot_error *reterr)
{
        char folder[32] = "";
        if (s->profile != INGOT_UKI_BASE)
                snprintf(folder, sizeof(folder), "profile-%" PRIu32 "/", s->profile);
        for (unsigned n = 1;; n++) {
                _cleanup_free_ char *path = NULL;
                int e = n == 1 ? ingot_format(&path, reterr, "%s%s", folder, s->pe.name)
                               : ingot_format(&path, reterr, "%s%s-%u", folder, s->pe.name, n);
                if (e < 0)
                        return e;
                if (!ingot_tree_lookup(tree, path)) {
                        *ret = TAKE_PTR(path);
                        return 0;
                }
        }
}

static int add_section(struct ingot_image *image, struct ingot_tree *tree,
                       const struct ingot_uki_section *s, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int e = section_path(tree, s, &path, reterr);
        if (e == 0)
                e = ingot_tree_put_bytes(tree, path, 0444, image->uki->pe.timestamp, "", 0, reterr);
        if (e < 0)
                return e;
        struct ingot_inode *inode = ingot_tree_lookup(tree, path);
        return ingot_pe_section_reader(&image->reader, &s->pe, &inode->content, reterr);
}

static int uki_tree(struct ingot_image *image, struct ingot_tree **ret, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        int e = ingot_tree_new(&tree, reterr);
        for (size_t i = 0; e == 0 && i < image->uki->section_count; i++) {
                const char *name = image->uki->sections[i].pe.name;
                /* Names that no file can have come from a stranger's tools. */
                if (*name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, ".."))
                        e = add_section(image, tree, image->uki->sections + i, reterr);
        }
        if (e < 0)
                return e;
        *ret = TAKE_PTR(tree);
        return 0;
}

int ingot_image_tree(struct ingot_image *image, const struct ingot_tree **ret, ingot_error *reterr)
{
        int e = 0;
        if (image->problem)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s", image->problem);
        if (!image->tree && image->content == INGOT_CONTENT_CPIO)
                e = ingot_cpio_read(&image->reader, NULL, &image->tree, reterr);
        else if (!image->tree && image->uki)
                e = uki_tree(image, &image->tree, reterr);
        if (e < 0)
                return e;
        if (!image->tree)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "no files in it (%s); a disk, UKI, erofs, FAT or cpio has some",
                                  ingot_content_title(image->content));
        *ret = image->tree;
        return 0;
}

/* The image that the file at PATH is; opened once. */
static int enter(struct ingot_image *image, const char *path, const struct ingot_inode *file,
                 struct ingot_image **ret, ingot_error *reterr)
{
        for (size_t i = 0; i < image->entered_count; i++)
                if (strcmp(image->entered[i]->path, path) == 0) {
                        *ret = image->entered[i];
                        return 0;
                }
        struct ingot_image **list =
                reallocarray(image->entered, image->entered_count + 1, sizeof(*list));
        if (!list)
                return ingot_fail_nomem(reterr);
        image->entered = list;
        _cleanup_free_ struct ingot_image *inner = calloc(1, sizeof(*inner));
        if (!inner)
                return ingot_fail_nomem(reterr);
        int e = ingot_image_open(&file->content, inner, reterr);
        if (e == 0)
                e = ingot_strdup(&inner->path, path, reterr);
        if (e < 0) {
                ingot_image_done(inner);
                return e;
        }
        *ret = list[image->entered_count++] = TAKE_PTR(inner);
        return 0;
}

/* What stands at REST in the file at PATH. */
static int find_inside(struct ingot_image *image, const char *path, const struct ingot_inode *file,
                       const char *rest, bool follow, struct ingot_inode **ret, ingot_error *reterr)
{
        struct ingot_image *inner = NULL, *part;
        int e = enter(image, path, file, &inner, reterr);
        if (e == 0)
                e = ingot_image_select(inner, NULL, &part, reterr);
        if (e == 0)
                e = ingot_image_find(part, rest, follow, ret, reterr);
        return ingot_under(reterr, e, "%.400s", path);
}

int ingot_image_find(struct ingot_image *image, const char *path, bool follow,
                     struct ingot_inode **ret, ingot_error *reterr)
{
        const struct ingot_tree *tree;
        int e = ingot_image_tree(image, &tree, reterr);
        if (e < 0)
                return e;
        struct ingot_inode *inode = ingot_tree_lookup(tree, path);
        if (!inode || (follow && inode->type == INGOT_FILE_SYMLINK))
                inode = ingot_tree_resolve(tree, path);
        if (inode && (inode->type != INGOT_FILE_REGULAR || !ingot_ends_with(path, "/"))) {
                *ret = inode;
                return 0;
        }
        for (const char *slash = path + strspn(path, "/"); (slash = strchr(slash, '/')); slash++) {
                _cleanup_free_ char *outer = strndup(path, (size_t) (slash - path));
                if (!outer)
                        return ingot_fail_nomem(reterr);
                inode = ingot_tree_resolve(tree, outer);
                if (inode && inode->type == INGOT_FILE_REGULAR)
                        return find_inside(image, outer, inode, slash + strspn(slash, "/"), follow,
                                           ret, reterr);
        }
        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no '%s' in it", path);
}

static bool has_files(const struct ingot_image *image)
{
        return image->tree || image->uki || image->content == INGOT_CONTENT_CPIO;
}

/* How well a partition answers to a selector: 0 not at all. */
static int matches(const struct ingot_image *part, const char *selector)
{
        const struct ingot_partition_type *type =
                ingot_partition_type_by_uuid(&part->partition->type);
        uint64_t number;
        if (ingot_parse_u64(selector, &number))
                return number == part->partition->number;
        return strcmp(part->partition->name, selector) == 0 ||
               (type && (strcmp(type->name, selector) == 0 ||
                         strcmp(ingot_designator_name(type->designator), selector) == 0));
}

static struct ingot_image *find_part(struct ingot_image *disk, const char *selector)
{
        struct ingot_image *found = NULL;
        for (size_t i = 0; i < disk->part_count; i++) {
                struct ingot_image *part = disk->parts + i;
                if (matches(part, selector) && (!found || found->content == INGOT_CONTENT_EMPTY))
                        found = part;
        }
        return found;
}

static struct ingot_image *default_part(struct ingot_image *disk)
{
        static const char *const usual[] = {"root", "usr"};
        struct ingot_image *only = NULL;
        for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
                struct ingot_image *part = find_part(disk, usual[i]);
                if (part && has_files(part))
                        return part;
        }
        for (size_t i = 0; i < disk->part_count; i++)
                if (has_files(disk->parts + i)) {
                        if (only)
                                return NULL;
                        only = disk->parts + i;
                }
        return only;
}

int ingot_image_select(struct ingot_image *image, const char *selector, struct ingot_image **ret,
                       ingot_error *reterr)
{
        struct ingot_image *found = image;
        if (image->content == INGOT_CONTENT_DISK)
                found = selector ? find_part(image, selector) : default_part(image);
        else if (selector)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no partition '%s': it is %s, no disk",
                                  selector, ingot_content_title(image->content));
        if (!found && selector)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no partition '%s'", selector);
        if (!found)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "no root partition with files; name one with --partition");
        *ret = found;
        return 0;
}

int ingot_image_open_tree(const struct ingot_reader *r, struct ingot_image *image,
                          const struct ingot_tree **ret, ingot_error *reterr)
{
        struct ingot_image *part;
        int e = ingot_image_open(r, image, reterr);
        if (e >= 0)
                e = ingot_image_select(image, NULL, &part, reterr);
        return e < 0 ? e : ingot_image_tree(part, ret, reterr);
}
