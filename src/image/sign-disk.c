/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The disk image of a signed release. */
#include "image/sign-disk.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "format/fat.h"
#include "format/gpt.h"
#include "format/partition-type.h"
#include "image/esp.h"
#include "image/sign-program.h"
#include "os/copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOADER_MAX ((size_t) 64 << 20)
#define PIECE ((size_t) 256 << 10)

struct disk {
        const struct ingot_sign_disk *d;
        struct ingot_file source;
        struct ingot_reader reader;
        struct ingot_outfile *out;
        struct ingot_gpt gpt;
};

static struct ingot_gpt_partition *find_partition(struct disk *k, const char *type)
{
        const struct ingot_partition_type *t = ingot_partition_type_by_name(type);
        return t ? ingot_gpt_by_type(&k->gpt, &t->uuid) : NULL;
}

static bool changes_esp(const struct ingot_sign_disk *d)
{
        return d->uki_fd >= 0 || d->files || d->request->wishes[INGOT_PURPOSE_SECURE_BOOT].wanted;
}

/* All but the ESP, which is written anew. */
static int copy_rest(struct disk *k, const struct ingot_gpt_partition *esp, ingot_error *reterr)
{
        uint64_t size = k->source.size, from = ingot_gpt_offset(&k->gpt, esp),
                 to = from + ingot_gpt_size(&k->gpt, esp);
        if (!changes_esp(k->d))
                return ingot_copy_sparse(k->source.fd, 0, k->out->fd, 0, size, reterr);
        int r = ingot_copy_sparse(k->source.fd, 0, k->out->fd, 0, from, reterr);
        return r < 0 ? r : ingot_copy_sparse(k->source.fd, to, k->out->fd, to, size - to, reterr);
}

/* A loader or an addon, signed, in place of the one on the ESP. */
static int sign_program(struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                        struct ingot_inode *inode, ingot_error *reterr)
{
        _cleanup_pe_ struct ingot_pe pe = {0};
        _cleanup_buffer_ struct ingot_buffer table = {0};
        _cleanup_free_ uint8_t *bytes = NULL;
        struct ingot_sign_program p;
        uint8_t digest[INGOT_SHA256_SIZE];
        int r = ingot_sign_program_open(&inode->content, t->table, &p, reterr);
        if (r >= 0)
                r = ingot_sign_table(q, t, &table, reterr);
        if (r < 0)
                return r;
        ingot_sign_program_put_table(&p, ingot_buffer_span(&table));
        struct ingot_reader whole = ingot_sign_program_reader(&p);
        if (whole.size > LOADER_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a program of more than 64 MiB");
        r = ingot_pe_decode(&whole, &pe, reterr);
        if (r >= 0)
                r = ingot_pe_authenticode_sha256(&whole, &pe, digest, reterr);
        if (r >= 0 && (p.size != t->size || memcmp(digest, t->digest, sizeof(digest)) != 0))
                r = ingot_fail(reterr, INGOT_E_REFUSED,
                               "it is not the program that the request was made for");
        if (r < 0)
                return r;
        bytes = malloc((size_t) whole.size);
        if (!bytes)
                return ingot_fail_nomem(reterr);
        r = ingot_read_at(&whole, 0, bytes, (size_t) whole.size, reterr);
        return r < 0 ? r : ingot_inode_set_bytes(inode, bytes, (size_t) whole.size, reterr);
}

static struct ingot_inode *find_file(const struct ingot_tree *tree, const char *path)
{
        struct ingot_inode *inode = ingot_tree_lookup(tree, path);
        return inode && inode->type == INGOT_FILE_REGULAR ? inode : NULL;
}

static int sign_programs(struct disk *k, struct ingot_tree *tree, ingot_error *reterr)
{
        struct ingot_sign_request *q = k->d->request;
        for (size_t i = 0; i < q->thing_count; i++) {
                const struct ingot_sign_thing *t = q->things + i;
                if (t->purpose != INGOT_PURPOSE_SECURE_BOOT || t->artifact)
                        continue;
                for (size_t p = 0; p < t->esp.count; p++) {
                        const char *path = t->esp.items[p];
                        struct ingot_inode *inode = find_file(tree, path);
                        int r = inode ? sign_program(q, t, inode, reterr)
                                      : ingot_fail(reterr, INGOT_E_REFUSED, "it is not there");
                        if (r < 0)
                                return ingot_under(reterr, r, "ESP: %s", path);
                }
        }
        return 0;
}

/* What an earlier attach, or the build, left there of this image. */
static int remove_files(const struct disk *k, struct ingot_tree *tree, struct ingot_inode *folder,
                        ingot_error *reterr)
{
        _cleanup_free_ char *stem = NULL;
        int r = ingot_format(&stem, reterr, "%s" INGOT_MEASUREMENT_SUFFIX, k->d->request->label);
        for (size_t i = folder->entry_count; r >= 0 && i > 0; i--) {
                _cleanup_free_ char *path = NULL;
                if (!ingot_starts_with(folder->entries[i - 1].name, stem))
                        continue;
                r = ingot_format(&path, reterr, INGOT_ESP_MEASUREMENTS "/%s",
                                 folder->entries[i - 1].name);
                if (r >= 0)
                        r = ingot_tree_remove(tree, path, reterr);
        }
        return r;
}

static int put_files(struct disk *k, struct ingot_tree *tree, ingot_error *reterr)
{
        int64_t mtime = (int64_t) k->d->request->timestamp;
        struct ingot_inode *folder;
        if (!k->d->files)
                return 0;
        int r = ingot_tree_make_directory(tree, INGOT_ESP_MEASUREMENTS, mtime, &folder, reterr);
        if (r >= 0)
                r = remove_files(k, tree, folder, reterr);
        const struct ingot_inode *from = k->d->files->root;
        for (size_t i = 0; r >= 0 && i < from->entry_count; i++) {
                _cleanup_free_ char *path = NULL;
                _cleanup_free_ uint8_t *data = NULL;
                size_t size;
                r = ingot_inode_read(from->entries[i].inode, INGOT_SIGN_REQUEST_MAX, &data, &size,
                                     reterr);
                if (r >= 0)
                        r = ingot_format(&path, reterr, INGOT_ESP_MEASUREMENTS "/%s",
                                         from->entries[i].name);
                if (r >= 0)
                        r = ingot_tree_put_bytes(tree, path, 0644, mtime, data, size, reterr);
        }
        return r;
}

static int read_fd(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        return ingot_file_pread(*(const int *) context, offset, ret, size, reterr);
}

/* The UKI is large: the ESP's writer reads it out of its new file. The old content is put back for
 * whoever frees it. */
static int write_with_uki(struct disk *k, struct ingot_tree *tree,
                          const struct ingot_fat_options *options, const struct ingot_writer *place,
                          ingot_error *reterr)
{
        int fd = k->d->uki_fd;
        if (fd < 0)
                return ingot_fat_write(tree, options, place, reterr);
        struct ingot_inode *uki = find_file(tree, k->d->request->esp_uki);
        off_t size = lseek(fd, 0, SEEK_END);
        if (!uki)
                return ingot_fail(reterr, INGOT_E_REFUSED, "there is no %s",
                                  k->d->request->esp_uki);
        if (size < 0)
                return ingot_fail_errno(reterr, "seek in the UKI");
        struct ingot_reader old = uki->content;
        uki->content =
                (struct ingot_reader){.read_at = read_fd, .context = &fd, .size = (uint64_t) size};
        int r = ingot_fat_write(tree, options, place, reterr);
        uki->content = old;
        return r;
}

static int write_esp(struct disk *k, const struct ingot_gpt_partition *esp, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        struct ingot_fat_info info;
        struct ingot_reader part;
        uint64_t offset = ingot_gpt_offset(&k->gpt, esp), size = ingot_gpt_size(&k->gpt, esp);
        int r = ingot_reader_part(&k->reader, offset, size, &part, reterr);
        if (r >= 0)
                r = ingot_fat_read(&part, &tree, &info, reterr);
        if (r >= 0)
                r = sign_programs(k, tree, reterr);
        if (r >= 0)
                r = put_files(k, tree, reterr);
        if (r < 0)
                return r;
        struct ingot_fat_options options = {.size = size,
                                            .volume_id = info.volume_id,
                                            .label = info.label[0] ? info.label : NULL,
                                            .sector_size = info.sector_size,
                                            .time = (int64_t) k->d->request->timestamp,
                                            .hidden_sectors = esp->first_lba};
        struct ingot_writer disk = ingot_outfile_writer(k->out);
        struct ingot_writer place = ingot_writer_part(&disk, offset);
        return ingot_under(reterr, write_with_uki(k, tree, &options, &place, reterr), "ESP");
}

static int write_verity(struct disk *k, ingot_error *reterr)
{
        struct ingot_gpt_partition *p = find_partition(k, "root-x86-64-verity-sig");
        struct ingot_writer disk = ingot_outfile_writer(k->out);
        const struct ingot_sign_request *q = k->d->request;
        char uuid[INGOT_UUID_TEXT_SIZE];
        const char *artifact = "";
        if (k->d->verity.size == 0)
                return 0;
        for (size_t i = 0; i < q->thing_count; i++)
                if (q->things[i].purpose == INGOT_PURPOSE_VERITY && q->things[i].artifact)
                        artifact = q->things[i].artifact;
        if (p)
                ingot_uuid_format(&p->uuid, uuid);
        if (!p || !strstr(artifact, uuid) || ingot_gpt_size(&k->gpt, p) < k->d->verity.size)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "it has no partition for the signature of the root hash");
        if (strlen(q->label) >= sizeof(p->name))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'label' is too long");
        snprintf(p->name, sizeof(p->name), "%s", q->label);
        p->attributes &= ~INGOT_GPT_NO_AUTO;
        int r = ingot_write_at(&disk, ingot_gpt_offset(&k->gpt, p), k->d->verity.data,
                               k->d->verity.size, reterr);
        return r < 0 ? r : ingot_gpt_write(&k->gpt, &disk, reterr);
}

static int digest_of(int fd, uint64_t size, uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        _cleanup_free_ uint8_t *piece = malloc(PIECE);
        struct ingot_sha256 h;
        if (!piece)
                return ingot_fail_nomem(reterr);
        ingot_sha256_init(&h);
        for (uint64_t at = 0; at < size;) {
                size_t n = (size_t) ingot_min_u64(PIECE, size - at);
                int r = ingot_file_pread(fd, at, piece, n, reterr);
                if (r < 0)
                        return r;
                ingot_sha256_update(&h, piece, n);
                at += n;
        }
        ingot_sha256_final(&h, ret);
        return 0;
}

int ingot_sign_disk_write(const struct ingot_sign_disk *d, const char *path,
                          struct ingot_outfile *out, uint8_t ret[INGOT_SHA256_SIZE],
                          ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file source = INGOT_FILE_NONE;
        _cleanup_free_ struct disk *k = calloc(1, sizeof(*k));
        if (!k)
                return ingot_fail_nomem(reterr);
        int r = ingot_file_open(&source, path, reterr);
        if (r < 0)
                return r;
        k->d = d;
        k->out = out;
        k->source = source;
        k->reader = ingot_file_reader(&source);
        r = ingot_gpt_read(&k->reader, &k->gpt, reterr);
        if (r < 0)
                return r;
        const struct ingot_gpt_partition *esp = find_partition(k, "esp");
        if (!esp)
                return ingot_fail(reterr, INGOT_E_REFUSED, "it has no EFI System Partition");
        r = copy_rest(k, esp, reterr);
        if (r >= 0 && ftruncate(out->fd, (off_t) source.size) < 0)
                r = ingot_fail_errno(reterr, "set the size of %s", out->name);
        if (r >= 0 && changes_esp(d))
                r = write_esp(k, esp, reterr);
        if (r >= 0)
                r = write_verity(k, reterr);
        return r < 0 ? r : digest_of(out->fd, source.size, ret, reterr);
}
