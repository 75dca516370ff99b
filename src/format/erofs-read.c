/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The whole tree of an erofs image. Inodes are met by way of directories; one that is met again is
 * a hard link, or, when it is a directory, an error. What a hostile image can make this do is
 * bounded by its own size.
 */
#include "format/erofs-image.h"

#include <inttypes.h>

struct known {
        uint64_t nid; /* + 1; 0: free */
        struct ingot_inode *inode;
};

struct loading {
        struct ingot_erofs_image *image;
        struct ingot_erofs_info *info;
        struct known *known; /* a hash table, open addressing */
        size_t known_count, known_size;
        uint64_t bytes, bytes_max; /* of directories, names and xattrs so far */
};

static struct known *find_known(struct loading *l, uint64_t nid)
{
        size_t i = (size_t) ((nid + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 20);
        for (;; i++) {
                struct known *k = l->known + (i & (l->known_size - 1));
                if (k->nid == 0 || k->nid == nid + 1)
                        return k;
        }
}

static int grow_known(struct loading *l, ingot_error *reterr)
{
        struct loading before = *l;
        if (l->known_count * 2 < l->known_size)
                return 0;
        l->known_size = l->known_size ? l->known_size * 2 : 1024;
        l->known = calloc(l->known_size, sizeof(*l->known));
        if (!l->known) {
                *l = before;
                return ingot_fail_nomem(reterr);
        }
        for (size_t i = 0; i < before.known_size; i++)
                if (before.known[i].nid != 0)
                        *find_known(l, before.known[i].nid - 1) = before.known[i];
        free(before.known);
        return 0;
}

static int read_content(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        return ingot_erofs_file_read(context, offset, ret, size, reterr);
}

static void release_content(void *context)
{
        struct ingot_erofs_file *file = context;
        if (file)
                ingot_erofs_image_unref(file->image);
        free(file);
}

static int set_content(const struct ingot_erofs_file *file, struct ingot_inode *inode,
                       ingot_error *reterr)
{
        if (file->inode.size == 0)
                return 0;
        struct ingot_erofs_file *kept = malloc(sizeof(*kept));
        if (!kept)
                return ingot_fail_nomem(reterr);
        *kept = *file;
        ingot_erofs_image_ref(kept->image);
        inode->content = (struct ingot_reader){
                .read_at = read_content, .context = kept, .size = file->inode.size};
        inode->content_release = release_content;
        return 0;
}

static int set_target(const struct ingot_erofs_file *file, struct ingot_inode *inode,
                      ingot_error *reterr)
{
        size_t size = (size_t) file->inode.size;
        if (file->inode.size == 0 || file->inode.size > 4096)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a link's target has %" PRIu64 " bytes",
                                  file->inode.size);
        inode->target = calloc(1, size + 1);
        if (!inode->target)
                return ingot_fail_nomem(reterr);
        int r = ingot_erofs_file_read(file, 0, inode->target, size, reterr);
        if (r >= 0 && strlen(inode->target) != size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a link's target holds a NUL");
        return r;
}

static void count(struct loading *l, const struct ingot_erofs_file *f, enum ingot_file_type type)
{
        struct ingot_erofs_info *info = l->info;
        bool compressed = f->inode.layout == INGOT_EROFS_COMPRESSED_COMPACT ||
                          f->inode.layout == INGOT_EROFS_COMPRESSED_FULL;
        info->inodes++;
        info->files += type == INGOT_FILE_REGULAR;
        info->directories += type == INGOT_FILE_DIRECTORY;
        info->symlinks += type == INGOT_FILE_SYMLINK;
        info->devices += type > INGOT_FILE_SYMLINK;
        if (type == INGOT_FILE_REGULAR)
                info->content_size += f->inode.size;
        if (type == INGOT_FILE_REGULAR && compressed) {
                info->compressed_size += f->inode.size;
                info->compressed_blocks_size +=
                        (uint64_t) f->inode.address * l->image->block_size;
        }
}

static int make_inode(struct loading *l, const struct ingot_erofs_file *f, struct ingot_inode **ret,
                      ingot_error *reterr)
{
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        enum ingot_file_type type;
        if (!ingot_erofs_type_of_mode(f->inode.mode, &type))
                return ingot_fail(reterr, INGOT_E_FORMAT, "mode %#o has no type", f->inode.mode);
        int r = ingot_inode_new(type, f->inode.mode & 07777, &inode, reterr);
        if (r < 0)
                return r;
        inode->uid = f->inode.uid;
        inode->gid = f->inode.gid;
        inode->mtime = (int64_t) f->inode.mtime;
        inode->mtime_nsec = f->inode.mtime_nsec;
        inode->mark = f->nid;
        if (type == INGOT_FILE_CHARACTER || type == INGOT_FILE_BLOCK)
                ingot_erofs_device_decode(f->inode.address, &inode->major, &inode->minor);
        if (type == INGOT_FILE_REGULAR)
                r = set_content(f, inode, reterr);
        else if (type == INGOT_FILE_SYMLINK)
                r = set_target(f, inode, reterr);
        if (r >= 0)
                r = ingot_erofs_read_xattrs(f, inode, &l->bytes, reterr);
        if (r < 0)
                return r;
        count(l, f, type);
        *ret = TAKE_PTR(inode);
        return 0;
}

static int load_directory(struct loading *l, const struct ingot_erofs_file *file, uint64_t parent,
                          struct ingot_inode *directory, unsigned depth, ingot_error *reterr);

/* Enters what NAME stands for; *ret_file is set, and 1 returned, for a directory to go into. */
static int enter(struct loading *l, struct ingot_inode *directory, const char *name, uint64_t nid,
                 uint8_t file_type, struct ingot_erofs_file *ret_file, ingot_error *reterr)
{
        _cleanup_(ingot_inode_free_p) struct ingot_inode *made = NULL;
        int r = grow_known(l, reterr);
        if (r < 0)
                return r;
        struct known *k = find_known(l, nid);
        struct ingot_inode *inode = k->inode;
        if (!inode) {
                r = ingot_erofs_file_open(l->image, nid, ret_file, reterr);
                if (r >= 0)
                        r = make_inode(l, ret_file, &made, reterr);
                if (r < 0)
                        return r;
                inode = made;
        } else if (inode->type == INGOT_FILE_DIRECTORY) {
                return ingot_fail(reterr, INGOT_E_FORMAT, "a folder stands at two places");
        }
        if (file_type != 0 && file_type != ingot_erofs_file_type(inode->type))
                return ingot_fail(reterr, INGOT_E_FORMAT, "the entry says another type");
        r = ingot_tree_link(directory, name, inode, reterr);
        if (r < 0) {
                if (reterr && r == -INGOT_E_CONFLICT)
                        reterr->code = INGOT_E_FORMAT;
                return r == -INGOT_E_CONFLICT ? -INGOT_E_FORMAT : r;
        }
        if (!made)
                return 0;
        made = NULL;
        *k = (struct known){.nid = nid + 1, .inode = inode};
        l->known_count++;
        return inode->type == INGOT_FILE_DIRECTORY;
}

static int load_entry(struct loading *l, const struct ingot_erofs_file *file, uint64_t parent,
                      struct ingot_inode *directory, const uint8_t *entry, struct ingot_span name,
                      unsigned depth, ingot_error *reterr)
{
        char text[INGOT_NAME_MAX + 1];
        uint64_t nid = ingot_le64_load(entry);
        struct ingot_erofs_file child;
        if (name.size == 0 || name.size > INGOT_NAME_MAX || memchr(name.data, 0, name.size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "an entry has an impossible name");
        memcpy(text, name.data, name.size);
        text[name.size] = 0;
        if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
                if (nid != (text[1] ? parent : file->nid))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' points elsewhere", text);
                return 0;
        }
        int r = enter(l, directory, text, nid, entry[10], &child, reterr);
        if (r == 1)
                r = load_directory(l, &child, file->nid,
                                   ingot_tree_entry(directory, text)->inode, depth + 1, reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", text) : 0;
}

static int load_block(struct loading *l, const struct ingot_erofs_file *file, uint64_t parent,
                      struct ingot_inode *directory, struct ingot_span block, unsigned depth,
                      ingot_error *reterr)
{
        size_t first = block.size >= INGOT_EROFS_DIRENT_SIZE ? ingot_le16_load(block.data + 8) : 0;
        size_t count = first / INGOT_EROFS_DIRENT_SIZE;
        if (count == 0 || first % INGOT_EROFS_DIRENT_SIZE != 0 || first >= block.size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a block of entries is malformed");
        for (size_t i = 0; i < count; i++) {
                const uint8_t *entry = block.data + i * INGOT_EROFS_DIRENT_SIZE;
                size_t start = ingot_le16_load(entry + 8), end = block.size;
                if (i + 1 < count)
                        end = ingot_le16_load(entry + INGOT_EROFS_DIRENT_SIZE + 8);
                if (start < first || start > end || end > block.size)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "a name lies outside its block of entries");
                struct ingot_span name = INGOT_SPAN(block.data + start, end - start);
                if (i + 1 == count)
                        name.size = strnlen((const char *) name.data, name.size);
                int r = load_entry(l, file, parent, directory, entry, name, depth, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int load_directory(struct loading *l, const struct ingot_erofs_file *file, uint64_t parent,
                          struct ingot_inode *directory, unsigned depth, ingot_error *reterr)
{
        uint64_t size = file->inode.size;
        if (depth > INGOT_TREE_DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "folders are nested deeper than %d",
                                  INGOT_TREE_DEPTH_MAX);
        _cleanup_free_ uint8_t *block = malloc(l->image->block_size);
        if (!block)
                return ingot_fail_nomem(reterr);
        for (uint64_t at = 0; at < size; at += l->image->block_size) {
                size_t part = (size_t) ingot_min_u64(l->image->block_size, size - at);
                l->bytes += part;
                if (l->bytes > l->bytes_max)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "folders and xattrs take more than the image has");
                int r = ingot_erofs_file_read(file, at, block, part, reterr);
                if (r >= 0)
                        r = load_block(l, file, parent, directory, INGOT_SPAN(block, part), depth,
                                       reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void describe(const struct ingot_erofs_image *image, struct ingot_erofs_info *ret)
{
        const struct ingot_erofs_super *s = &image->super;
        *ret = (struct ingot_erofs_info){
                .size = image->size,
                .block_size = image->block_size,
                .build_time = (int64_t) s->build_time,
                .build_time_nsec = s->build_time_nsec,
                .uuid = s->uuid,
                .feature_compat = s->feature_compat,
                .feature_incompat = s->feature_incompat,
                .metadata_address = (uint64_t) s->metadata_block * image->block_size,
        };
        memcpy(ret->volume_name, s->volume_name, sizeof(ret->volume_name));
        if (s->feature_incompat & INGOT_EROFS_INCOMPAT_BIG_PCLUSTER)
                ret->algorithms = s->algorithms;
        else if (s->feature_incompat & INGOT_EROFS_INCOMPAT_ZERO_PADDING)
                ret->algorithms = 1u << INGOT_EROFS_ALGORITHM_LZ4;
        if (image->packed.image) {
                ret->packed_size = image->packed.inode.size;
                ret->compressed_blocks_size =
                        (uint64_t) image->packed.inode.address * image->block_size;
        }
}

static int load_root(struct loading *l, struct ingot_tree **ret, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        struct ingot_erofs_file root;
        struct ingot_inode *inode = NULL;
        int r = ingot_erofs_file_open(l->image, l->image->super.root_nid, &root, reterr);
        if (r >= 0)
                r = make_inode(l, &root, &inode, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "root");
        r = inode->type == INGOT_FILE_DIRECTORY
                    ? ingot_tree_new(&tree, reterr)
                    : ingot_fail(reterr, INGOT_E_FORMAT, "the root is no folder");
        if (r < 0) {
                ingot_inode_free(inode);
                return r;
        }
        inode->links = 1;
        inode->parent = inode;
        ingot_inode_free(tree->root);
        tree->root = inode;
        r = grow_known(l, reterr);
        if (r < 0)
                return r;
        *find_known(l, root.nid) = (struct known){.nid = root.nid + 1, .inode = inode};
        l->known_count++;
        r = load_directory(l, &root, root.nid, inode, 0, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tree);
        return 0;
}

int ingot_erofs_load_tree(struct ingot_erofs_image *image, struct ingot_tree **ret,
                          struct ingot_erofs_info *ret_info, ingot_error *reterr)
{
        struct loading l = {
                .image = image, .info = ret_info, .bytes_max = 4 * image->size + 256 * 1024};
        describe(image, ret_info);
        int r = load_root(&l, ret, reterr);
        free(l.known);
        return r;
}

int ingot_erofs_read_info(const struct ingot_reader *reader, struct ingot_erofs_info *ret,
                          ingot_error *reterr)
{
        _cleanup_(ingot_erofs_image_unref_p) struct ingot_erofs_image *image = NULL;
        int r = ingot_erofs_image_open(reader, &image, reterr);
        if (r >= 0)
                describe(image, ret);
        return ingot_under(reterr, r, "read erofs");
}

int ingot_erofs_read_tree(const struct ingot_reader *reader, struct ingot_tree **ret,
                          struct ingot_erofs_info *ret_info, ingot_error *reterr)
{
        _cleanup_(ingot_erofs_image_unref_p) struct ingot_erofs_image *image = NULL;
        struct ingot_erofs_info info;
        int r = ingot_erofs_image_open(reader, &image, reterr);
        if (r >= 0)
                r = ingot_erofs_load_tree(image, ret, &info, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "read erofs");
        if (ret_info)
                *ret_info = info;
        return 0;
}
