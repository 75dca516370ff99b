/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The erofs writer from the outside: the order of its steps, and the superblock, which comes last so
 * that an image whose writing stopped is no file system. */
#include "format/erofs-write.h"

static int write_super(const struct ingot_erofs_plan *plan, const struct ingot_writer *writer,
                       ingot_error *reterr)
{
        const struct ingot_erofs_options *o = &plan->options;
        uint8_t block[INGOT_EROFS_BLOCK] = {0}, configuration[32];
        struct ingot_erofs_super s = {
                .feature_compat = INGOT_EROFS_COMPAT_CHECKSUM | INGOT_EROFS_COMPAT_MTIME,
                .block_bits = 12,
                .root_nid = (uint16_t) (plan->nodes[0].at / INGOT_EROFS_SLOT),
                .inodes = plan->node_count,
                .build_time = (uint64_t) o->build_time,
                .blocks = plan->blocks,
                .metadata_block = plan->metadata_block,
                .xattr_block = plan->metadata_block + plan->xattr_block,
                .uuid = o->uuid,
        };
        if (o->volume_name)
                memcpy(s.volume_name, o->volume_name, strlen(o->volume_name));
        if (o->compressor != INGOT_EROFS_NONE) {
                size_t size = ingot_erofs_configuration(o, configuration);
                s.feature_incompat =
                        INGOT_EROFS_INCOMPAT_ZERO_PADDING | INGOT_EROFS_INCOMPAT_BIG_PCLUSTER;
                s.algorithms = (uint16_t) (1u << ingot_erofs_algorithm_of(o->compressor));
                memcpy(block + INGOT_EROFS_SUPER_OFFSET + INGOT_EROFS_SUPER_SIZE, configuration,
                       size);
        }
        if (plan->packed != INGOT_EROFS_NONE_INDEX) {
                s.feature_incompat |= INGOT_EROFS_INCOMPAT_FRAGMENTS;
                s.packed_nid = plan->nodes[plan->packed].at / INGOT_EROFS_SLOT;
        }
        ingot_erofs_super_encode(&s, block + INGOT_EROFS_SUPER_OFFSET);
        s.checksum = ingot_erofs_super_checksum(block, sizeof(block));
        ingot_le32_store(block + INGOT_EROFS_SUPER_OFFSET + 4, s.checksum);
        return ingot_write_at(writer, 0, block, sizeof(block), reterr);
}

/* Blocks of inodes, of directories and of shared xattrs. */
static uint64_t count_metadata(const struct ingot_erofs_plan *plan)
{
        uint64_t blocks =
                plan->inode_block_count + ingot_div_up(plan->shared_size, INGOT_EROFS_BLOCK);
        for (size_t i = 0; i < plan->node_count; i++) {
                const struct ingot_inode *inode = plan->nodes[i].inode;
                if (inode &&
                    (inode->type == INGOT_FILE_DIRECTORY || inode->type == INGOT_FILE_SYMLINK))
                        blocks += plan->nodes[i].blocks;
        }
        return blocks;
}

static void count(const struct ingot_erofs_plan *plan, struct ingot_erofs_result *ret)
{
        uint64_t metadata = count_metadata(plan);
        *ret = (struct ingot_erofs_result){
                .size = (uint64_t) plan->blocks * INGOT_EROFS_BLOCK,
                .inodes = plan->node_count - (plan->packed != INGOT_EROFS_NONE_INDEX),
                .data_size = (plan->blocks - 1 - metadata) * INGOT_EROFS_BLOCK,
                .metadata_size = metadata * INGOT_EROFS_BLOCK,
        };
        if (plan->packed != INGOT_EROFS_NONE_INDEX)
                ret->packed_size = plan->nodes[plan->packed].size;
        for (size_t i = 0; i < ret->inodes; i++) {
                const struct ingot_inode *inode = plan->nodes[i].inode;
                switch (inode->type) {
                case INGOT_FILE_REGULAR:
                        ret->files++;
                        ret->content_size += inode->content.size;
                        break;
                case INGOT_FILE_DIRECTORY:
                        ret->directories++;
                        break;
                case INGOT_FILE_SYMLINK:
                        ret->symlinks++;
                        break;
                default:
                        ret->devices++;
                }
        }
        ingot_erofs_kernel_needed(plan->options.compressor, &ret->kernel_major,
                                  &ret->kernel_minor);
}

int ingot_erofs_write(const struct ingot_tree *tree, const struct ingot_erofs_options *options,
                      const struct ingot_writer *writer, struct ingot_erofs_result *ret,
                      ingot_error *reterr)
{
        _cleanup_(ingot_erofs_plan_done) struct ingot_erofs_plan plan = {0};
        int r = ingot_erofs_options_resolve(options, &plan.options, reterr);
        if (r >= 0)
                r = ingot_erofs_space_init(&plan.space, reterr);
        if (r >= 0 && options->like)
                r = ingot_under(reterr, ingot_erofs_like_open(&plan.options, &plan.like, reterr),
                                "image before");
        if (r >= 0)
                r = ingot_erofs_plan_tree(&plan, tree, reterr);
        if (r >= 0)
                r = ingot_erofs_lay_out(&plan, reterr);
        if (r >= 0)
                r = ingot_erofs_write_data(&plan, writer, reterr);
        if (r >= 0)
                r = ingot_erofs_write_metadata(&plan, writer, reterr);
        if (r >= 0)
                r = write_super(&plan, writer, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "write erofs");
        if (ret)
                count(&plan, ret);
        return 0;
}
