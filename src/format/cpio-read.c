/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading an initrd the way the kernel does: a row of newc archives, plain or compressed, unpacked
 * one over the other into one tree.
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "format/cpio.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#define HEADER_SIZE 110
#define NAME_SIZE_MAX 4096 /* the kernel's PATH_MAX, with the NUL */
#define TARGET_MAX 4096
#define ENTRIES_DEFAULT (1u << 20)
#define EXPANDED_DEFAULT (2ull << 30)
#define CHUNK 65536

/* An expanded archive, held by the files that lie in it. */
struct blob {
        size_t references;
        struct ingot_buffer bytes;
};

static void blob_unref(void *context)
{
        struct blob *b = context;
        if (--b->references > 0)
                return;
        ingot_buffer_done(&b->bytes);
        free(b);
}

static void blob_unref_p(struct blob **b)
{
        if (*b)
                blob_unref(*b);
}

static int blob_read(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct blob *b = context;
        if (!ingot_range_inside(offset, size, b->bytes.size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "read behind the end");
        memcpy(ret, b->bytes.data + offset, size);
        return 0;
}

/* A file of which more links may come: the kernel knows it by these numbers, up to the trailer. */
struct known_link {
        uint32_t ino, major, minor, type;
        struct ingot_inode *inode; /* NULL: a free place */
};

struct reading {
        struct ingot_tree *tree;
        size_t entries_left;
        uint64_t expanded_left;
        struct known_link *links; /* open addressing, at most half full */
        size_t link_count, link_places;
};

/* An archive that is read, and the blob that it lies in, if any. */
struct source {
        struct ingot_reader reader;
        struct blob *blob;
};

struct header {
        uint32_t ino, mode, uid, gid, nlink, mtime, size, major, minor, rmajor, rminor, name_size;
        uint32_t check;
        bool checked;
        uint64_t data; /* offset */
        char path[NAME_SIZE_MAX]; /* clean: no leading or double '/', no "." */
        bool trailer;
};

static void forget_links(struct reading *x)
{
        for (size_t i = 0; i < x->link_places; i++) {
                struct ingot_inode *inode = x->links[i].inode;
                if (inode && inode->links > 1)
                        inode->links--;
                else if (inode)
                        ingot_inode_free(inode);
        }
        free(x->links);
        x->links = NULL;
        x->link_count = x->link_places = 0;
}

static void reading_done(struct reading *x)
{
        forget_links(x);
        ingot_tree_free(x->tree);
}

static struct known_link *link_place(struct known_link *links, size_t places,
                                     const struct known_link *key)
{
        uint64_t hash = ((uint64_t) key->ino << 32 | (key->major << 20 ^ key->minor)) ^ key->type;
        hash *= 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
        for (size_t i = (size_t) hash;; i++) {
                struct known_link *l = links + (i & (places - 1));
                if (!l->inode || (l->ino == key->ino && l->major == key->major &&
                                  l->minor == key->minor && l->type == key->type))
                        return l;
        }
}

static int grow_links(struct reading *x, ingot_error *reterr)
{
        size_t places = x->link_places ? x->link_places * 2 : 64;
        struct known_link *links = calloc(places, sizeof(*links));
        if (!links)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < x->link_places; i++)
                if (x->links[i].inode)
                        *link_place(links, places, x->links + i) = x->links[i];
        free(x->links);
        x->links = links;
        x->link_places = places;
        return 0;
}

static struct known_link link_key(const struct header *h)
{
        return (struct known_link){
                .ino = h->ino, .major = h->major, .minor = h->minor, .type = h->mode & S_IFMT};
}

static struct ingot_inode *find_link(struct reading *x, const struct header *h)
{
        struct known_link key = link_key(h);
        return x->link_places ? link_place(x->links, x->link_places, &key)->inode : NULL;
}

/* The table holds the inode like one more entry of the tree, so that it cannot go away. */
static int remember_link(struct reading *x, const struct header *h, struct ingot_inode *inode,
                         ingot_error *reterr)
{
        if (x->link_count * 2 >= x->link_places) {
                int e = grow_links(x, reterr);
                if (e < 0)
                        return e;
        }
        struct known_link key = link_key(h);
        struct known_link *place = link_place(x->links, x->link_places, &key);
        key.inode = inode;
        *place = key;
        inode->links++;
        x->link_count++;
        return 0;
}

static bool parse_hex(const char *text, uint32_t *ret)
{
        uint32_t value = 0;
        for (int i = 0; i < 8; i++) {
                char c = text[i];
                unsigned digit = c >= '0' && c <= '9'   ? (unsigned) (c - '0')
                                 : c >= 'a' && c <= 'f' ? (unsigned) (c - 'a') + 10
                                 : c >= 'A' && c <= 'F' ? (unsigned) (c - 'A') + 10
                                                        : 16;
                if (digit > 15)
                        return false;
                value = value << 4 | digit;
        }
        *ret = value;
        return true;
}

/* The path as the tree wants it: "/a/./b//" becomes "a/b". */
static int clean_path(const char *name, char ret[NAME_SIZE_MAX], ingot_error *reterr)
{
        size_t depth = 0;
        char *out = ret;
        for (const char *p = name;;) {
                p += strspn(p, "/");
                size_t n = strcspn(p, "/");
                if (n == 0)
                        break;
                if (n == 2 && memcmp(p, "..", 2) == 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "'%.200s' leads out of the tree",
                                          name);
                if (n > INGOT_NAME_MAX)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a name in '%.200s' is too long",
                                          name);
                if (n != 1 || *p != '.') {
                        if (++depth >= INGOT_TREE_DEPTH_MAX)
                                return ingot_fail(reterr, INGOT_E_LIMIT, "'%.200s' is too deep",
                                                  name);
                        if (out > ret)
                                *out++ = '/';
                        memcpy(out, p, n);
                        out += n;
                }
                p += n;
        }
        *out = 0;
        return 0;
}

static int parse_fields(const char *text, struct header *h, uint64_t at, ingot_error *reterr)
{
        if (memcmp(text, "070707", 6) == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "an archive of the old portable cpio format");
        if (memcmp(text, "070701", 6) != 0 && memcmp(text, "070702", 6) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no cpio header at %" PRIu64, at);
        h->checked = text[5] == '2';
        uint32_t *const fields[] = {&h->ino,    &h->mode,   &h->uid,       &h->gid,   &h->nlink,
                                    &h->mtime,  &h->size,   &h->major,     &h->minor, &h->rmajor,
                                    &h->rminor, &h->name_size, &h->check};
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
                if (!parse_hex(text + 6 + 8 * i, fields[i]))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "a cpio header at %" PRIu64 " that is not hexadecimal",
                                          at);
        if (h->name_size == 0 || h->name_size > NAME_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "a cpio header at %" PRIu64 " with a name of %" PRIu32 " bytes",
                                  at, h->name_size);
        return 0;
}

/* The header at *at; *at is behind its data afterwards. */
static int read_header(const struct ingot_reader *r, uint64_t *at, struct header *h,
                       ingot_error *reterr)
{
        char text[HEADER_SIZE], name[NAME_SIZE_MAX];
        int e = ingot_read_at(r, *at, text, sizeof(text), reterr);
        if (e < 0)
                return ingot_under(reterr, e, "cpio header");
        e = parse_fields(text, h, *at, reterr);
        if (e < 0)
                return e;
        e = ingot_read_at(r, *at + HEADER_SIZE, name, h->name_size, reterr);
        if (e < 0)
                return ingot_under(reterr, e, "cpio name");
        if (name[h->name_size - 1] != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a name at %" PRIu64 " without an end",
                                  *at);
        h->trailer = strcmp(name, "TRAILER!!!") == 0;
        h->data = ingot_align_up(*at + HEADER_SIZE + h->name_size, 4);
        if (h->size > 0 && !ingot_range_inside(h->data, h->size, r->size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.200s' is cut off", name);
        *at = ingot_min_u64(ingot_align_up(h->data + h->size, 4), r->size);
        return clean_path(name, h->path, reterr);
}

static int check_sum(const struct ingot_reader *r, const struct header *h, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        if (!chunk)
                return ingot_fail_nomem(reterr);
        uint32_t sum = 0;
        for (uint64_t done = 0; done < h->size;) {
                size_t n = (size_t) ingot_min_u64(h->size - done, CHUNK);
                int e = ingot_read_at(r, h->data + done, chunk, n, reterr);
                if (e < 0)
                        return e;
                for (size_t i = 0; i < n; i++)
                        sum += chunk[i];
                done += n;
        }
        if (sum != h->check)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.200s' has a wrong checksum", h->path);
        return 0;
}

static int type_of(const struct header *h, enum ingot_file_type *ret, ingot_error *reterr)
{
        static const struct {
                uint32_t mode;
                enum ingot_file_type type;
        } types[] = {
                {S_IFREG, INGOT_FILE_REGULAR},   {S_IFDIR, INGOT_FILE_DIRECTORY},
                {S_IFLNK, INGOT_FILE_SYMLINK},   {S_IFCHR, INGOT_FILE_CHARACTER},
                {S_IFBLK, INGOT_FILE_BLOCK},     {S_IFIFO, INGOT_FILE_FIFO},
                {S_IFSOCK, INGOT_FILE_SOCKET},
        };
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if ((h->mode & S_IFMT) == types[i].mode) {
                        *ret = types[i].type;
                        return 0;
                }
        return ingot_fail(reterr, INGOT_E_FORMAT, "'%.200s' is of no known type", h->path);
}

static void set_metadata(struct ingot_inode *inode, const struct header *h)
{
        inode->mode = h->mode & 07777;
        inode->uid = h->uid;
        inode->gid = h->gid;
        inode->mtime = h->mtime;
        if (inode->type == INGOT_FILE_CHARACTER || inode->type == INGOT_FILE_BLOCK) {
                inode->major = h->rmajor;
                inode->minor = h->rminor;
        }
}

static int set_content(const struct source *s, struct ingot_inode *inode, const struct header *h,
                       ingot_error *reterr)
{
        struct ingot_reader content = {0};
        int e = h->size > 0 ? ingot_reader_part(&s->reader, h->data, h->size, &content, reterr) : 0;
        if (e < 0)
                return e;
        if (inode->content_release)
                inode->content_release(inode->content.context);
        inode->content = content;
        inode->content_release = NULL;
        if (h->size > 0 && s->blob) {
                s->blob->references++;
                inode->content_release = blob_unref;
        }
        return 0;
}

static int set_target(const struct source *s, struct ingot_inode *inode, const struct header *h,
                      ingot_error *reterr)
{
        if (h->size == 0 || h->size > TARGET_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.200s' links to %" PRIu32 " bytes",
                                  h->path, h->size);
        char *target = calloc(1, (size_t) h->size + 1);
        if (!target)
                return ingot_fail_nomem(reterr);
        inode->target = target;
        int e = ingot_read_at(&s->reader, h->data, target, h->size, reterr);
        if (e < 0)
                return e;
        if (*target == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.200s' links to nothing", h->path);
        return 0;
}

/* The directory that the entry stands in, and the entry's name. */
static int find_place(struct reading *x, const struct header *h, struct ingot_inode **ret_parent,
                      const char **ret_name, ingot_error *reterr)
{
        char parent[NAME_SIZE_MAX];
        const char *slash = strrchr(h->path, '/');
        size_t n = slash ? (size_t) (slash - h->path) : 0;
        memcpy(parent, h->path, n);
        parent[n] = 0;
        int e = ingot_tree_make_directory(x->tree, parent, h->mtime, ret_parent, reterr);
        if (e < 0)
                return e;
        /* Links to directories may have led deeper than the path says. */
        unsigned depth = 1;
        for (struct ingot_inode *d = *ret_parent; d != x->tree->root; d = d->parent)
                if (++depth >= INGOT_TREE_DEPTH_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "'%.200s' is too deep", h->path);
        *ret_name = slash ? slash + 1 : h->path;
        return 0;
}

/* Makes the place free, unless what is there stays: a directory for a directory, a file for a
 * file. */
static int clear_place(struct ingot_inode *parent, const char *name, enum ingot_file_type type,
                       struct ingot_inode **ret_kept, ingot_error *reterr)
{
        struct ingot_entry *entry = ingot_tree_entry(parent, name);
        *ret_kept = NULL;
        if (!entry)
                return 0;
        if (entry->inode->type == type &&
            (type == INGOT_FILE_DIRECTORY || type == INGOT_FILE_REGULAR)) {
                *ret_kept = entry->inode;
                return 0;
        }
        if (entry->inode->entry_count > 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.200s' replaces a full directory",
                                  name);
        return ingot_tree_unlink(parent, name, reterr);
}

/* A new inode of the header's type in the place. */
static int make_inode(const struct source *s, const struct header *h, enum ingot_file_type type,
                      struct ingot_inode *parent, const char *name, struct ingot_inode **ret,
                      ingot_error *reterr)
{
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        int e = ingot_inode_new(type, 0, &inode, reterr);
        if (e == 0 && type == INGOT_FILE_SYMLINK)
                e = set_target(s, inode, h, reterr);
        if (e == 0)
                e = ingot_tree_link(parent, name, inode, reterr);
        if (e < 0)
                return e;
        *ret = TAKE_PTR(inode);
        return 0;
}

/* Another name for a file that came before. */
static int enter_link(const struct source *s, const struct header *h, struct ingot_inode *parent,
                      const char *name, struct ingot_inode *inode, ingot_error *reterr)
{
        struct ingot_entry *entry = ingot_tree_entry(parent, name);
        int e = 0;
        if (entry && entry->inode == inode)
                entry = NULL;
        else if (entry && entry->inode->entry_count > 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.200s' replaces a full directory",
                                  h->path);
        else if (entry)
                e = ingot_tree_unlink(parent, name, reterr);
        if (e == 0 && !ingot_tree_entry(parent, name))
                e = ingot_tree_link(parent, name, inode, reterr);
        if (e < 0)
                return e;
        set_metadata(inode, h);
        if (inode->type == INGOT_FILE_REGULAR && h->size > 0)
                return set_content(s, inode, h, reterr);
        return 0;
}

static int enter(struct reading *x, const struct source *s, const struct header *h,
                 ingot_error *reterr)
{
        enum ingot_file_type type = INGOT_FILE_REGULAR;
        struct ingot_inode *parent, *inode;
        const char *name;
        int e = type_of(h, &type, reterr);
        if (e < 0)
                return e;
        if (*h->path == 0) {
                if (type != INGOT_FILE_DIRECTORY)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "the root is not a directory");
                set_metadata(x->tree->root, h);
                return 0;
        }
        e = find_place(x, h, &parent, &name, reterr);
        if (e < 0)
                return e;
        bool linkable = h->nlink > 1 && type != INGOT_FILE_DIRECTORY && type != INGOT_FILE_SYMLINK;
        if (linkable && (inode = find_link(x, h)))
                return enter_link(s, h, parent, name, inode, reterr);
        e = clear_place(parent, name, type, &inode, reterr);
        if (e == 0 && !inode)
                e = make_inode(s, h, type, parent, name, &inode, reterr);
        if (e < 0)
                return e;
        set_metadata(inode, h);
        if (linkable) {
                e = remember_link(x, h, inode, reterr);
                if (e < 0)
                        return e;
        }
        return type == INGOT_FILE_REGULAR ? set_content(s, inode, h, reterr) : 0;
}

/* One archive, up to its trailer. */
static int read_archive(struct reading *x, const struct source *s, uint64_t *at,
                        ingot_error *reterr)
{
        _cleanup_free_ struct header *h = malloc(sizeof(*h));
        if (!h)
                return ingot_fail_nomem(reterr);
        if (*at % 4 != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "an archive at %" PRIu64 ", which is no multiple of 4", *at);
        for (;;) {
                int e = read_header(&s->reader, at, h, reterr);
                if (e < 0)
                        return e;
                if (h->trailer) {
                        forget_links(x);
                        return 0;
                }
                if (x->entries_left-- == 0)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "too many files");
                if (h->checked && (h->mode & S_IFMT) == S_IFREG && h->size > 0) {
                        e = check_sum(&s->reader, h, reterr);
                        if (e < 0)
                                return e;
                }
                e = enter(x, s, h, reterr);
                if (e < 0)
                        return e;
        }
}

static const struct compression {
        const char *name;
        size_t size;
        uint8_t magic[6];
} compressions[] = {
        {"zstd", 4, {0x28, 0xb5, 0x2f, 0xfd}},
        {"gzip", 2, {0x1f, 0x8b}},
        {"xz", 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
        {"bzip2", 3, {'B', 'Z', 'h'}},
        {"lzma", 3, {0x5d, 0, 0}},
        {"lzo", 4, {0x89, 'L', 'Z', 'O'}},
        {"lz4", 4, {0x02, 0x21, 0x4c, 0x18}},
};

static const struct compression *compression_of(struct ingot_span start)
{
        for (size_t i = 0; i < ARRAY_SIZE(compressions); i++)
                if (start.size >= compressions[i].size &&
                    memcmp(start.data, compressions[i].magic, compressions[i].size) == 0)
                        return compressions + i;
        return NULL;
}

bool ingot_cpio_detect(struct ingot_span start)
{
        if (start.size >= 6 && (memcmp(start.data, "070701", 6) == 0 ||
                                memcmp(start.data, "070702", 6) == 0))
                return true;
        return compression_of(start) != NULL;
}

static void free_context(ZSTD_DCtx **context)
{
        ZSTD_freeDCtx(*context);
}

/* Feeds IN to the decompressor; *done when the frame has ended. */
static int expand_chunk(struct reading *x, ZSTD_DCtx *context, ZSTD_inBuffer *in,
                        struct ingot_buffer *out, bool *done, ingot_error *reterr)
{
        size_t before;
        do {
                int e = ingot_buffer_reserve(out, CHUNK, reterr);
                if (e < 0)
                        return e;
                before = in->pos;
                ZSTD_outBuffer o = {.dst = out->data + out->size, .size = CHUNK};
                size_t left = ZSTD_decompressStream(context, &o, in);
                if (ZSTD_isError(left))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "zstd archive: %s",
                                          ZSTD_getErrorName(left));
                if (o.pos > x->expanded_left)
                        return ingot_fail(reterr, INGOT_E_LIMIT,
                                          "a compressed archive expands to too much");
                x->expanded_left -= o.pos;
                out->size += o.pos;
                *done = left == 0;
                if (o.pos == o.size)
                        before = SIZE_MAX; /* there may be more to come out */
        } while (!*done && (in->pos < in->size || before == SIZE_MAX));
        return 0;
}

/* The zstd frame at *at into a new blob. */
static int expand(struct reading *x, const struct ingot_reader *r, uint64_t *at, struct blob **ret,
                  ingot_error *reterr)
{
        _cleanup_(blob_unref_p) struct blob *blob = calloc(1, sizeof(*blob));
        _cleanup_(free_context) ZSTD_DCtx *context = ZSTD_createDCtx();
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        if (!blob || !context || !chunk) {
                if (blob)
                        blob->references = 1;
                return ingot_fail_nomem(reterr);
        }
        blob->references = 1;
        for (bool done = false; !done;) {
                size_t n = (size_t) ingot_min_u64(r->size - *at, CHUNK);
                if (n == 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "zstd archive: cut off");
                int e = ingot_read_at(r, *at, chunk, n, reterr);
                if (e < 0)
                        return e;
                ZSTD_inBuffer in = {.src = chunk, .size = n};
                e = expand_chunk(x, context, &in, &blob->bytes, &done, reterr);
                if (e < 0)
                        return e;
                *at += in.pos;
        }
        *ret = TAKE_PTR(blob);
        return 0;
}

/* Moves *at over zeros and gives what stands behind them, up to 6 bytes; none at the end. */
static int next_start(const struct ingot_reader *r, uint64_t *at, uint8_t start[6],
                      size_t *ret_size, ingot_error *reterr)
{
        uint8_t chunk[4096];
        for (;;) {
                size_t n = (size_t) ingot_min_u64(r->size - *at, sizeof(chunk)), i = 0;
                int e = ingot_read_at(r, *at, chunk, n, reterr);
                if (e < 0)
                        return e;
                while (i < n && chunk[i] == 0)
                        i++;
                *at += i;
                if (i == n && n > 0)
                        continue;
                *ret_size = (size_t) ingot_min_u64(r->size - *at, 6);
                return ingot_read_at(r, *at, start, *ret_size, reterr);
        }
}

/* All archives of an expanded one; the kernel takes only plain ones in there. */
static int read_expanded(struct reading *x, struct blob *blob, ingot_error *reterr)
{
        struct source s = {.blob = blob};
        s.reader = (struct ingot_reader){
                .read_at = blob_read, .context = blob, .size = blob->bytes.size};
        for (uint64_t at = 0;;) {
                uint8_t start[6];
                size_t n;
                int e = next_start(&s.reader, &at, start, &n, reterr);
                if (e < 0 || n == 0)
                        return e;
                e = read_archive(x, &s, &at, reterr);
                if (e < 0)
                        return e;
        }
}

static int read_segment(struct reading *x, const struct source *s, uint64_t *at,
                        struct ingot_span start, ingot_error *reterr)
{
        const struct compression *c = compression_of(start);
        if (!c)
                return read_archive(x, s, at, reterr);
        if (strcmp(c->name, "zstd") != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "an archive at %" PRIu64 " that is compressed with %s", *at,
                                  c->name);
        _cleanup_(blob_unref_p) struct blob *blob = NULL;
        int e = expand(x, &s->reader, at, &blob, reterr);
        return e < 0 ? e : read_expanded(x, blob, reterr);
}

int ingot_cpio_read(const struct ingot_reader *r, const struct ingot_cpio_limits *limits,
                    struct ingot_tree **ret, ingot_error *reterr)
{
        _cleanup_(reading_done) struct reading x = {
                .entries_left = limits && limits->entries ? limits->entries : ENTRIES_DEFAULT,
                .expanded_left = limits && limits->expanded ? limits->expanded : EXPANDED_DEFAULT,
        };
        struct source s = {.reader = *r};
        int e = ingot_tree_new(&x.tree, reterr);
        if (e < 0)
                return e;
        for (uint64_t at = 0;;) {
                uint8_t start[6];
                size_t n;
                e = next_start(r, &at, start, &n, reterr);
                if (e < 0)
                        return e;
                if (n == 0)
                        break;
                e = read_segment(&x, &s, &at, INGOT_SPAN(start, n), reterr);
                if (e < 0)
                        return e;
        }
        *ret = TAKE_PTR(x.tree);
        return 0;
}
