/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public face: opened images, their parts, and the check of their hash trees. */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/partition-type.h"
#include "image/open.h"
#include "library/public.h"
#include "os/file.h"

#include <stdlib.h>

/* What the pointers of a part point to. */
struct part_text {
        char type[INGOT_UUID_TEXT_SIZE], uuid[INGOT_UUID_TEXT_SIZE];
        char root_hash[2 * INGOT_VERITY_DIGEST_SIZE + 1];
};

struct ingot_view {
        struct ingot_file file;
        struct ingot_reader reader; /* of the file */
        struct ingot_image image;
        struct ingot_part *parts;
        struct part_text *texts;
        size_t part_count;
};

void ingot_view_close(struct ingot_view *view)
{
        if (!view)
                return;
        ingot_image_done(&view->image);
        ingot_file_close(&view->file);
        free(view->parts);
        free(view->texts);
        free(view);
}
INGOT_DEFINE_CLEANUP(struct ingot_view, ingot_view_close);

static const struct ingot_image *image_of(const struct ingot_view *view, size_t index)
{
        return view->image.content == INGOT_CONTENT_DISK ? view->image.parts + index : &view->image;
}

/* The hash tree that IMAGE is, or has; NULL. */
static const struct ingot_image *tree_of(const struct ingot_image *image)
{
        return image->content == INGOT_CONTENT_VERITY ? image : image->hash;
}

static const char *type_text(const struct ingot_gpt_partition *p, struct part_text *text)
{
        const struct ingot_partition_type *type = ingot_partition_type_by_uuid(&p->type);
        if (type)
                return type->name;
        ingot_uuid_format(&p->type, text->type);
        return text->type;
}

static void fill_part(const struct ingot_view *view, size_t index)
{
        const struct ingot_image *image = image_of(view, index), *tree = tree_of(image);
        const struct ingot_gpt_partition *p = image->partition;
        struct part_text *text = view->texts + index;
        struct ingot_part *part = view->parts + index;
        *part = (struct ingot_part){.content = ingot_content_name(image->content),
                                    .problem = image->problem,
                                    .size = image->reader.size};
        if (p) {
                part->number = p->number;
                part->type = type_text(p, text);
                part->label = p->name;
                ingot_uuid_format(&p->uuid, text->uuid);
                part->uuid = text->uuid;
                part->offset = ingot_gpt_offset(view->image.gpt, p);
                part->size = ingot_gpt_size(view->image.gpt, p);
        }
        if (tree && tree->root_hash_known) {
                ingot_hex(text->root_hash, tree->root_hash, sizeof(tree->root_hash));
                part->root_hash = text->root_hash;
        }
}

static int open_view(struct ingot_view *view, const char *path, ingot_error *reterr)
{
        int r = ingot_file_open(&view->file, path, reterr);
        if (r < 0)
                return r;
        view->reader = ingot_file_reader(&view->file);
        r = ingot_image_open(&view->reader, &view->image, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        bool disk = view->image.content == INGOT_CONTENT_DISK;
        view->part_count = disk ? view->image.part_count : 1;
        view->parts = calloc(view->part_count + 1, sizeof(*view->parts));
        view->texts = calloc(view->part_count + 1, sizeof(*view->texts));
        if (!view->parts || !view->texts)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < view->part_count; i++)
                fill_part(view, i);
        return 0;
}

int ingot_view_open(const char *path, struct ingot_view **ret, ingot_error *reterr)
{
        _cleanup_(ingot_view_close_p) struct ingot_view *view = calloc(1, sizeof(*view));
        if (!view)
                return ingot_fail_nomem(reterr);
        view->file = INGOT_FILE_NONE;
        int r = open_view(view, path, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(view);
        return 0;
}

const char *ingot_view_content(const struct ingot_view *view)
{
        return ingot_content_name(view->image.content);
}

uint64_t ingot_view_size(const struct ingot_view *view)
{
        return view->file.size;
}

size_t ingot_view_part_count(const struct ingot_view *view)
{
        return view->part_count;
}

const struct ingot_part *ingot_view_part(const struct ingot_view *view, size_t index)
{
        return index < view->part_count ? view->parts + index : NULL;
}

int ingot_view_verify(const struct ingot_view *view, size_t index, const char *root_hash,
                      unsigned threads, ingot_error *reterr)
{
        const struct ingot_verity_check_options options = {.threads = threads};
        uint8_t root[INGOT_VERITY_DIGEST_SIZE];
        if (index >= view->part_count)
                return ingot_fail(reterr, INGOT_E_USAGE, "no part %zu", index);
        const struct ingot_image *image = image_of(view, index), *tree = tree_of(image);
        const struct ingot_image *data = tree == image ? image->data : image;
        if (root_hash && !ingot_unhex(root, sizeof(root), root_hash))
                return ingot_fail(reterr, INGOT_E_USAGE, "no root hash: '%.80s'", root_hash);
        if (!tree || !data || (!root_hash && !tree->root_hash_known))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "part %zu has no hash tree with its data on this disk", index);
        int r = ingot_verity_check(&data->reader, &tree->reader, root_hash ? root : tree->root_hash,
                                   &options, reterr);
        return ingot_under(reterr, r < 0 ? r : 0, "part %zu", index);
}

int ingot_view_tree(struct ingot_view *view, const char *selector, const struct ingot_tree **ret,
                    ingot_error *reterr)
{
        struct ingot_image *part;
        int r = ingot_image_select(&view->image, selector, &part, reterr);
        return r < 0 ? r : ingot_image_tree(part, ret, reterr);
}
