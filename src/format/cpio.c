/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing newc archives. Reading stands in cpio-read.c. */
#include "format/cpio.h"
#include "base/cleanup.h"
#include "base/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEADER_SIZE 110
/* With the NUL. The kernel takes 4096 (PATH_MAX); the last ones below it that leave data aligned
 * to 4 bytes end here. */
#define NAME_SIZE_MAX 4094
#define ARCHIVE_ALIGN 512
#define CHUNK 65536

struct writing {
        const struct ingot_tree *tree;
        const struct ingot_cpio_options *options;
        const struct ingot_writer *out;
        uint64_t at;
        uint64_t index; /* of the entry that is written, from 1 */
};

/* One member's header and name. */
struct member {
        uint32_t ino, mode, uid, gid, nlink, mtime, size, major, minor;
        const char *name;
        uint32_t name_size; /* with the NUL and what pads it */
};

static int write_header(struct writing *w, const struct member *m, ingot_error *reterr)
{
        char text[HEADER_SIZE + NAME_SIZE_MAX + 1] = {0};
        snprintf(text, sizeof(text),
                 "070701%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32
                 "%08" PRIX32 "%08" PRIX32 "%08X%08X%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08X",
                 m->ino, m->mode, m->uid, m->gid, m->nlink, m->mtime, m->size, 0u, 0u, m->major,
                 m->minor, m->name_size, 0u);
        memcpy(text + HEADER_SIZE, m->name, strlen(m->name));
        size_t size = HEADER_SIZE + m->name_size;
        int e = ingot_write_at(w->out, w->at, text, size, reterr);
        if (e < 0)
                return e;
        w->at = ingot_align_up(w->at + size, 4);
        return 0;
}

static uint32_t mode_of(const struct ingot_inode *inode)
{
        static const uint32_t types[] = {
                [INGOT_FILE_REGULAR] = S_IFREG,   [INGOT_FILE_DIRECTORY] = S_IFDIR,
                [INGOT_FILE_SYMLINK] = S_IFLNK,   [INGOT_FILE_CHARACTER] = S_IFCHR,
                [INGOT_FILE_BLOCK] = S_IFBLK,     [INGOT_FILE_FIFO] = S_IFIFO,
                [INGOT_FILE_SOCKET] = S_IFSOCK,
        };
        return types[inode->type] | (inode->type == INGOT_FILE_SYMLINK ? 0777 : inode->mode);
}

static int describe(const char *path, const struct ingot_inode *inode, struct member *ret,
                    ingot_error *reterr)
{
        if (inode->xattr_count > 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "it has the extended attribute %s, which cpio cannot hold",
                                  inode->xattrs[0].name);
        if (inode->mtime < 0 || inode->mtime > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "the time %" PRId64 " does not fit",
                                  inode->mtime);
        if (strlen(path) >= NAME_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "the path is over %d bytes",
                                  NAME_SIZE_MAX - 1);
        bool directory = inode->type == INGOT_FILE_DIRECTORY;
        bool device = inode->type == INGOT_FILE_CHARACTER || inode->type == INGOT_FILE_BLOCK;
        *ret = (struct member){
                .ino = (uint32_t) inode->mark + 1,
                .mode = mode_of(inode),
                .uid = inode->uid,
                .gid = inode->gid,
                .nlink = directory ? 2 : inode->links,
                .mtime = (uint32_t) inode->mtime,
                .major = device ? inode->major : 0,
                .minor = device ? inode->minor : 0,
                .name = path,
                .name_size = (uint32_t) strlen(path) + 1,
        };
        return 0;
}

static int write_root(struct writing *w, uint32_t name_size, ingot_error *reterr)
{
        struct member m;
        int e = describe(".", w->tree->root, &m, reterr);
        if (e < 0)
                return ingot_under(reterr, e, ".");
        m.name_size = name_size;
        m.ino = 1;
        return write_header(w, &m, reterr);
}

/*
 * Pads the name so that the data behind it is aligned. The kernel reads a name up to its first
 * NUL, and takes no more than PATH_MAX bytes of it; where the padding would need more, "." comes
 * in between, with its own name padded so that this one needs none.
 */
static int align_data(struct writing *w, struct member *m, ingot_error *reterr)
{
        uint32_t align = w->options->data_align;
        uint32_t least = m->name_size + (uint32_t) (-(HEADER_SIZE + (uint64_t) m->name_size) & 3);
        uint64_t wanted = least + (-(w->at + HEADER_SIZE + least) & (align - 1));
        if (wanted > NAME_SIZE_MAX) {
                uint64_t filler = 2 + (-(w->at + 2 * HEADER_SIZE + least + 2) & (align - 1));
                int e = write_root(w, (uint32_t) filler, reterr);
                if (e < 0)
                        return e;
                wanted = least;
        }
        m->name_size = (uint32_t) wanted;
        return 0;
}

static int copy_content(struct writing *w, const struct ingot_inode *inode, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        if (!chunk)
                return ingot_fail_nomem(reterr);
        for (uint64_t done = 0; done < inode->content.size;) {
                size_t n = (size_t) ingot_min_u64(inode->content.size - done, CHUNK);
                int e = ingot_read_at(&inode->content, done, chunk, n, reterr);
                if (e < 0)
                        return e;
                e = ingot_write_at(w->out, w->at + done, chunk, n, reterr);
                if (e < 0)
                        return e;
                done += n;
        }
        w->at = ingot_align_up(w->at + inode->content.size, 4);
        return 0;
}

static int write_file(struct writing *w, struct member *m, const struct ingot_inode *inode,
                      ingot_error *reterr)
{
        bool last = inode->mark == w->index; /* of its links */
        uint64_t size = last ? inode->content.size : 0;
        if (size > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "the file is over 4 GiB");
        m->size = (uint32_t) size;
        if (size > 0 && w->options->data_align > 0 && size >= w->options->data_align_from) {
                int e = align_data(w, m, reterr);
                if (e < 0)
                        return e;
        }
        int e = write_header(w, m, reterr);
        if (e < 0 || size == 0)
                return e;
        return copy_content(w, inode, reterr);
}

static int write_symlink(struct writing *w, struct member *m, const struct ingot_inode *inode,
                         ingot_error *reterr)
{
        size_t size = strlen(inode->target);
        if (size > 4095)
                return ingot_fail(reterr, INGOT_E_LIMIT, "the link's target is over 4095 bytes");
        m->size = (uint32_t) size;
        int e = write_header(w, m, reterr);
        if (e < 0)
                return e;
        e = ingot_write_at(w->out, w->at, inode->target, size, reterr);
        w->at = ingot_align_up(w->at + size, 4);
        return e;
}

static int write_entry(void *context, const char *path, struct ingot_inode *inode,
                       ingot_error *reterr)
{
        struct writing *w = context;
        struct member m;
        w->index++;
        int e = describe(path, inode, &m, reterr);
        if (e == 0 && inode->type == INGOT_FILE_REGULAR)
                e = write_file(w, &m, inode, reterr);
        else if (e == 0 && inode->type == INGOT_FILE_SYMLINK)
                e = write_symlink(w, &m, inode, reterr);
        else if (e == 0)
                e = write_header(w, &m, reterr);
        return ingot_under(reterr, e, "%.200s", path);
}

/* In the end an inode's mark is the index of the last entry that names it. */
static int mark_last(void *context, const char *path, struct ingot_inode *inode,
                     ingot_error *reterr)
{
        (void) path;
        uint64_t *index = context;
        inode->mark = ++*index;
        if (*index >= UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "too many files");
        return 0;
}

static int write_trailer(struct writing *w, ingot_error *reterr)
{
        struct member m = {.nlink = 1, .name = "TRAILER!!!", .name_size = 11};
        int e = write_header(w, &m, reterr);
        if (e < 0)
                return e;
        uint64_t end = ingot_align_up(w->at, ARCHIVE_ALIGN);
        /* A last byte, so that the archive is as long as it says. */
        e = end > w->at ? ingot_write_at(w->out, end - 1, "", 1, reterr) : 0;
        w->at = end;
        return e;
}

int ingot_cpio_write(const struct ingot_tree *tree, const struct ingot_cpio_options *options,
                     const struct ingot_writer *out, uint64_t *ret_size, ingot_error *reterr)
{
        static const struct ingot_cpio_options none;
        struct writing w = {.tree = tree, .options = options ? options : &none, .out = out};
        uint32_t align = w.options->data_align;
        uint64_t index = 0;
        if (align != 0 && (align < 8 || align > 4096 || (align & (align - 1)) != 0))
                return ingot_fail(reterr, INGOT_E_USAGE, "cpio cannot align data to %" PRIu32,
                                  align);
        int e = ingot_tree_walk(tree, mark_last, &index, reterr);
        if (e < 0)
                return e;
        e = write_root(&w, 2, reterr);
        if (e < 0)
                return e;
        e = ingot_tree_walk(tree, write_entry, &w, reterr);
        if (e < 0)
                return e;
        e = write_trailer(&w, reterr);
        if (e < 0)
                return e;
        *ret_size = w.at;
        return 0;
}
