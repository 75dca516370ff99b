/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The root file system, written straight to its place in the disk image while its verity tree is
 * computed. Only the ESP stands before it, so its place is known before its size.
 */
#include "base/cleanup.h"
#include "base/size.h"
#include "format/erofs.h"
#include "image/build-state.h"

#include <inttypes.h>
#include <string.h>

#define SLOT_STEP ((uint64_t) 16 << 20) /* root slots of their own size are multiples of it */
#define RECKONING 1.25 /* the rest may compress less, and the metadata comes at the end */

static int erofs_options(const struct ingot_build *b, struct ingot_erofs_options *ret,
                         ingot_error *reterr)
{
        int level;
        *ret = (struct ingot_erofs_options){
                .threads = b->options->threads,
                .build_time = b->timestamp,
                .like = b->like.given ? &b->like.root : NULL,
                .uuid = ingot_uuid_derive(&b->seed, "root-file-system", 16)};
        int r = ingot_erofs_compressor_parse(
                ingot_recipe_text(b->recipe, INGOT_PARTITIONS_COMPRESSION), &ret->compressor,
                &level, reterr);
        if (r < 0)
                return r;
        ret->level = (int) ingot_recipe_number(b->recipe, INGOT_PARTITIONS_LEVEL);
        return ingot_under(reterr, ingot_erofs_kernel_check(ret, b->kernel.version, reterr),
                           "Partitions.Compression");
}

/* No entry takes more in an erofs: content that does not compress, an inode with its attributes, a
 * name. The bound only reserves room for digests. */
static int add_to_bound(void *context, const char *path, struct ingot_inode *inode,
                        ingot_error *reterr)
{
        uint64_t *bound = context, more = inode->content.size + inode->content.size / 64 + 16384;
        for (size_t i = 0; i < inode->xattr_count; i++)
                more += inode->xattrs[i].size;
        if (!ingot_add_u64(*bound, more, bound) || *bound > (uint64_t) 2 << 40)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s: with it the tree has more than 2 TiB",
                                  path);
        return 0;
}

/* The bytes of one root slot: what the recipe says, or room for a release that grew. */
static int slot_size(const struct ingot_build *b, uint64_t *ret, ingot_error *reterr)
{
        uint64_t given = ingot_recipe_number(b->recipe, INGOT_PARTITIONS_ROOT_SIZE);
        uint64_t used = b->root_data_size;
        if (given > 0 && given < used)
                return ingot_build_fail_small(b, INGOT_PARTITIONS_ROOT_SIZE,
                                              "root file system needs", used, reterr);
        bool single = strcmp(ingot_recipe_text(b->recipe, INGOT_PARTITIONS_LAYOUT), "single") == 0;
        *ret = given ? given : single ? used : ingot_align_up(used + used / 4, SLOT_STEP);
        return 0;
}

/* The size of the hash area of a full slot. */
static int hash_slot_size(const struct ingot_build *b, uint64_t slot, uint64_t *ret,
                          ingot_error *reterr)
{
        struct ingot_verity largest = b->verity;
        struct ingot_verity_geometry geometry;
        largest.data_blocks = slot / INGOT_VERITY_BLOCK_SIZE;
        int r = ingot_verity_geometry_of(&largest, &geometry, reterr);
        if (r >= 0)
                *ret = geometry.size;
        return r;
}

/* Slot A into the table, now that the root hash is known. */
static int place_slot(struct ingot_build *b, ingot_error *reterr)
{
        struct ingot_uuid data_uuid = ingot_verity_data_uuid(b->root_hash),
                          hash_uuid = ingot_verity_hash_uuid(b->root_hash),
                          signature_uuid =
                                  ingot_uuid_derive(&b->seed, b->root_hash, sizeof(b->root_hash));
        int r = slot_size(b, &b->slot_size, reterr);
        if (r >= 0)
                r = hash_slot_size(b, b->slot_size, &b->hash_slot_size, reterr);
        if (r < 0)
                return r;
        struct ingot_build_slot slot = {.data_uuid = &data_uuid,
                                        .hash_uuid = &hash_uuid,
                                        .signature_uuid = &signature_uuid,
                                        .label = b->label};
        return ingot_build_add_slot(b, &slot, reterr);
}

/* Stops the writing of a file system that outgrows its partition, and reckons what it would take
 * from how much of it is written. */
struct bounded {
        struct ingot_build *b;
        struct ingot_writer out;
        uint64_t most;        /* 0: no bound */
        uint64_t end;         /* of what is written … */
        uint64_t done, total; /* … for so many bytes of the files */
        uint64_t done_end;    /* as END was then */
};

static void note_progress(void *context, const char *what, uint64_t done, uint64_t total)
{
        struct bounded *w = context;
        w->done = done;
        w->total = total;
        w->done_end = w->end;
        ingot_progress(w->b->options->log, what, done, total);
}

static void pass_warning(void *context, const char *text)
{
        const struct bounded *w = context;
        ingot_warn(w->b->options->log, "%s", text);
}

static int write_bounded(void *context, uint64_t offset, const void *data, size_t size,
                         ingot_error *reterr)
{
        struct bounded *w = context;
        w->end = ingot_max_u64(w->end, offset + size);
        if (w->most == 0 || w->end <= w->most)
                return ingot_write_at(&w->out, offset, data, size, reterr);
        double share = w->done > 0 ? (double) w->done_end / (double) w->done : 1;
        uint64_t needed = (uint64_t) (share * (double) w->total * RECKONING);
        return ingot_build_fail_small(w->b, INGOT_PARTITIONS_ROOT_SIZE,
                                      "root file system needs about", ingot_max_u64(w->end, needed),
                                      reterr);
}

static int write_root(struct ingot_build *b, struct ingot_erofs_options *options,
                      const struct ingot_writer *out, ingot_error *reterr)
{
        struct bounded bounded = {
                .b = b,
                .out = *out,
                .most = ingot_recipe_number(b->recipe, INGOT_PARTITIONS_ROOT_SIZE)};
        const struct ingot_writer writer = {.write_at = write_bounded, .context = &bounded};
        const struct ingot_log log = {
                .progress = note_progress, .warning = pass_warning, .context = &bounded};
        struct ingot_erofs_result written;
        options->log = &log;
        int r = ingot_erofs_write(b->tree, options, &writer, &written, reterr);
        options->log = NULL;
        if (r >= 0)
                b->root_data_size = written.size;
        return ingot_under(reterr, r, "root file system");
}

int ingot_build_root(struct ingot_build *b, ingot_error *reterr)
{
        struct ingot_erofs_options options;
        struct ingot_verity_builder_options verity = {.threads = b->options->threads};
        uint64_t most = 64 << 20;
        _cleanup_(ingot_verity_builder_free_p) struct ingot_verity_builder *builder = NULL;
        int r = erofs_options(b, &options, reterr);
        if (r < 0)
                return r;
        ingot_verity_from_seed(&verity.verity, &b->seed);
        r = ingot_tree_walk(b->tree, add_to_bound, &most, reterr);
        if (r < 0)
                return r;
        verity.data_size = ingot_align_up(most, INGOT_VERITY_BLOCK_SIZE);
        r = ingot_verity_builder_new(&verity, &builder, reterr);
        if (r < 0)
                return r;
        const struct ingot_gpt_partition *esp = ingot_gpt_last(&b->gpt);
        uint64_t offset = ingot_align_up(
                ingot_gpt_offset(&b->gpt, esp) + ingot_gpt_size(&b->gpt, esp), INGOT_GPT_ALIGN);
        struct ingot_writer disk = ingot_outfile_writer(&b->disk);
        struct ingot_writer place = ingot_writer_part(&disk, offset);
        struct ingot_writer tee = ingot_verity_builder_writer(builder, &place);
        r = write_root(b, &options, &tee, reterr);
        if (r < 0)
                return r;
        struct ingot_span area;
        r = ingot_verity_builder_truncate(builder, b->root_data_size, reterr);
        if (r >= 0)
                r = ingot_verity_builder_finish(builder, &area, b->root_hash, &b->verity, reterr);
        if (r >= 0)
                r = place_slot(b, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "verity");
        const struct ingot_gpt_partition *root = ingot_build_partition(b, "root-x86-64", 1);
        const struct ingot_gpt_partition *hash = ingot_build_partition(b, "root-x86-64-verity", 1);
        if (ingot_gpt_offset(&b->gpt, root) != offset)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "the root partition moved");
        b->hash_size = area.size;
        return ingot_write_at(&disk, ingot_gpt_offset(&b->gpt, hash), area.data, area.size, reterr);
}
