/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "make-image.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "format/erofs.h"
#include "format/fat.h"
#include "make-pe.h"
#include "os/file.h"

#include <stdio.h>

#define MIB ((size_t) 1 << 20)
#define ESP_SIZE (34 * MIB)

static int write_buffer(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *reterr)
{
        struct ingot_buffer *b = context;
        int r = offset + size <= b->size
                        ? 0
                        : ingot_buffer_append_zeros(b, (size_t) offset + size - b->size, reterr);
        if (r >= 0)
                memcpy(b->data + offset, data, size);
        return r;
}

static struct ingot_writer writer_of(struct ingot_buffer *b)
{
        return (struct ingot_writer){.write_at = write_buffer, .context = b};
}

static int make_root(struct made_image *m, uint8_t root_hash[INGOT_SHA256_SIZE],
                     ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        static uint8_t large[150000];
        const struct ingot_erofs_options options = {.compressor = INGOT_EROFS_NONE};
        const struct ingot_writer w = writer_of(m->bytes + MADE_ROOT);
        struct ingot_erofs_result result;
        _cleanup_free_ uint8_t *area = NULL;
        size_t size;
        for (size_t i = 0; i < sizeof(large); i++)
                large[i] = (uint8_t) (i % 251 + i / 4096);
        int r = ingot_tree_new(&tree, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, "etc/hostname", 0644, 7, "host\n", 5, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, "usr/lib/large", 0644, 7, large, sizeof(large),
                                         reterr);
        if (r >= 0)
                r = ingot_erofs_write(tree, &options, &w, &result, reterr);
        if (r < 0)
                return r;
        struct ingot_span span = ingot_buffer_span(m->bytes + MADE_ROOT);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        static const struct ingot_uuid seed = {{1, 2, 3}};
        struct ingot_verity_builder_options verity = {.data_size = span.size, .threads = 1};
        ingot_verity_from_seed(&verity.verity, &seed);
        r = ingot_verity_build(&reader, &verity, &area, &size, root_hash, reterr);
        return r < 0 ? r : ingot_buffer_append(m->bytes + MADE_HASH, area, size, reterr);
}

static int make_program(struct ingot_buffer *ret, const struct made_section *sections, size_t count,
                        const struct made_signer *signer, ingot_error *reterr)
{
        struct ingot_span pe = make_pe(INGOT_PE_MACHINE_X86_64, sections, count);
        int r = ingot_buffer_append(ret, pe.data, pe.size, reterr);
        free((void *) pe.data);
        return r < 0 || !signer->program ? r : signer->program(signer->context, ret, reterr);
}

static int add_verity(struct json_object *o, const struct made_image *m,
                      const struct ingot_verity *verity, ingot_error *reterr)
{
        struct json_object *part;
        int r = ingot_json_add_object(o, "verity", &part, reterr);
        if (r >= 0)
                r = ingot_json_add_text(part, "root_hash", m->root_hash, reterr);
        if (r >= 0)
                r = ingot_json_add_hex(part, "salt", verity->salt, verity->salt_size, reterr);
        if (r >= 0)
                r = ingot_json_add_uuid(part, "uuid", &verity->uuid, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(part, "data_block_size", 4096, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(part, "hash_block_size", 4096, reterr);
        return r < 0 ? r
                     : ingot_json_add_u64(part, "data_blocks", m->bytes[MADE_ROOT].size / 4096,
                                          reterr);
}

static int add_uki(struct json_object *o, const struct made_image *m, const char *line,
                   ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        struct json_object *part, *extents;
        const struct ingot_buffer *uki = m->bytes + MADE_UKI;
        ingot_sha256_of(uki->data, uki->size, digest);
        int r = ingot_json_add_object(o, "uki", &part, reterr);
        if (r >= 0)
                r = ingot_json_add_text(part, "artifact", m->names[MADE_UKI], reterr);
        if (r >= 0)
                r = ingot_json_add_u64(part, "size", uki->size, reterr);
        if (r >= 0)
                r = ingot_json_add_text(part, "command_line", line, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(part, "extent_size", 1 << 20, reterr);
        if (r >= 0)
                r = ingot_json_add_array(part, "extents", &extents, reterr);
        return r < 0 ? r : ingot_json_add_hex(extents, NULL, digest, sizeof(digest), reterr);
}

static int make_uki(struct made_image *m, const struct made_signer *signer, ingot_error *reterr)
{
        char line[128];
        snprintf(line, sizeof(line), "roothash=%s quiet", m->root_hash);
        const struct made_section sections[] = {
                {".text", "stub"},    {".osrel", "ID=test\nVERSION_ID=1\n"},
                {".cmdline", line},   {".uname", "6.1"},
                {".linux", "kernel"}, {".initrd", "initrd"}};
        return make_program(m->bytes + MADE_UKI, sections, ARRAY_SIZE(sections), signer, reterr);
}

static int make_addon(struct made_image *m, const struct made_signer *signer, ingot_error *reterr)
{
        static const struct made_section sections[] = {
                {".sbat", "sbat,1,SBAT Version,sbat,1,https://example.org\n"},
                {".cmdline", "debug"},
                {".uname", "6.1"}};
        return make_program(&m->addon, sections, ARRAY_SIZE(sections), signer, reterr);
}

static int make_esp(struct made_image *m, const struct made_signer *signer, uint64_t offset,
                    ingot_error *reterr)
{
        static const struct made_section loader[] = {{".text", "loader"}};
        const struct ingot_fat_options options = {.size = ESP_SIZE, .time = 1700000000};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_buffer_ struct ingot_buffer program = {0};
        const struct ingot_writer disk = writer_of(m->bytes + MADE_DISK);
        const struct ingot_writer w = ingot_writer_part(&disk, offset);
        const struct ingot_buffer *uki = m->bytes + MADE_UKI;
        int r = ingot_tree_new(&tree, reterr);
        if (r >= 0)
                r = make_program(&program, loader, 1, signer, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, "EFI/BOOT/BOOTX64.EFI", 0644, 7, program.data,
                                         program.size, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, "EFI/Linux/test_1.efi", 0644, 7, uki->data,
                                         uki->size, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, "EFI/Linux/test_1.efi.extra.d/debug.addon.efi", 0644,
                                         7, m->addon.data, m->addon.size, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, "loader/loader.conf", 0644, 7, "timeout 0\n", 10,
                                         reterr);
        return r < 0 ? r : ingot_fat_write(tree, &options, &w, reterr);
}

static int add(struct ingot_gpt *gpt, const char *type, const char *name,
               const struct ingot_uuid *uuid, uint64_t size, uint64_t *ret, ingot_error *reterr)
{
        static const struct ingot_uuid seed = {{1}};
        struct ingot_gpt_partition *p;
        const struct ingot_gpt_request request = {
                .type = ingot_partition_type_by_name(type)->uuid,
                .uuid = uuid ? *uuid : (struct ingot_uuid){{0}},
                .seed = &seed,
                .size = size,
                .attributes = strncmp(type, "root", 4) == 0 ? INGOT_GPT_READ_ONLY : 0,
                .name = name};
        int r = ingot_gpt_add(gpt, &request, &p, reterr);
        if (r >= 0)
                *ret = ingot_gpt_offset(gpt, p);
        return r;
}

static int make_disk(struct made_image *m, const struct made_signer *signer,
                     const uint8_t *root_hash, ingot_error *reterr)
{
        static const struct ingot_uuid disk_uuid = {{2}};
        const struct ingot_uuid data = ingot_verity_data_uuid(root_hash);
        const struct ingot_uuid hash = ingot_verity_hash_uuid(root_hash);
        const struct {
                const char *type, *name;
                const struct ingot_uuid *uuid;
                size_t size;
                int content;
        } parts[] = {
                {"esp", "esp", NULL, ESP_SIZE, -1},
                {"root-x86-64", "test_1", &data, MIB / 4, MADE_ROOT},
                {"root-x86-64-verity", "test_1", &hash, MIB / 16, MADE_HASH},
                {"root-x86-64-verity-sig", "test_1", NULL, 16384, MADE_SIGNATURE},
                {"root-x86-64", "_empty", NULL, MIB / 16, -2},
                {"var", "var", NULL, MIB / 16, -2},
        };
        struct ingot_gpt gpt;
        const struct ingot_writer w = writer_of(m->bytes + MADE_DISK);
        uint64_t at;
        int r = 0;
        ingot_gpt_init(&gpt, 512, &disk_uuid);
        for (size_t i = 0; i < ARRAY_SIZE(parts) && r >= 0; i++) {
                const struct ingot_buffer *b = m->bytes + parts[i].content;
                if (parts[i].content == MADE_SIGNATURE && b->size == 0)
                        continue;
                r = add(&gpt, parts[i].type, parts[i].name, parts[i].uuid, parts[i].size, &at,
                        reterr);
                if (r >= 0 && parts[i].content >= 0)
                        r = ingot_write_at(&w, at, b->data, b->size, reterr);
                else if (r >= 0 && parts[i].content == -1)
                        r = make_esp(m, signer, at, reterr);
        }
        if (r >= 0)
                r = ingot_gpt_set_size(&gpt, 0, 0, reterr);
        return r < 0 ? r : ingot_gpt_write(&gpt, &w, reterr);
}

static int add_artifact(struct json_object *list, const struct made_image *m, int which,
                        ingot_error *reterr)
{
        struct json_object *o;
        uint8_t digest[INGOT_SHA256_SIZE];
        const struct ingot_buffer *b = m->bytes + which;
        ingot_sha256_of(b->data, b->size, digest);
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "name", m->names[which], reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "size", b->size, reterr);
        return r < 0 ? r : ingot_json_add_hex(o, "sha256", digest, sizeof(digest), reterr);
}

/* What the reader demands, of the parts by themselves: the disk is left out, for speed. */
static int make_manifest(struct made_image *m, ingot_error *reterr)
{
        static const struct ingot_uuid disk_uuid = {{2}}, verity_seed = {{1, 2, 3}};
        struct ingot_verity verity;
        char line[128];
        snprintf(line, sizeof(line), "roothash=%s quiet", m->root_hash);
        ingot_verity_from_seed(&verity, &verity_seed);
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *part;
        const char *text;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "format", 1, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "generator", "ingot", reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "name", "test", reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "version", "1", reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "architecture", "x86-64", reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "timestamp", 0, reterr);
        if (r >= 0)
                r = ingot_json_add_uuid(o, "disk_uuid", &disk_uuid, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "partitions", &part, reterr);
        if (r >= 0)
                r = add_verity(o, m, &verity, reterr);
        if (r >= 0)
                r = add_uki(o, m, line, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "artifacts", &part, reterr);
        for (int i = MADE_UKI; i <= MADE_HASH && r >= 0; i++)
                r = add_artifact(part, m, i, reterr);
        if (r >= 0)
                r = ingot_json_text(o, true, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(m->bytes + MADE_MANIFEST, reterr, "%s\n", text);
}

static int make_sums(struct made_image *m, ingot_error *reterr)
{
        int r = 0;
        for (int i = MADE_UKI; i < MADE_SUMS && r >= 0; i++) {
                uint8_t digest[INGOT_SHA256_SIZE];
                char hex[2 * INGOT_SHA256_SIZE + 1];
                if (m->bytes[i].size == 0)
                        continue;
                ingot_sha256_of(m->bytes[i].data, m->bytes[i].size, digest);
                ingot_hex(hex, digest, sizeof(digest));
                r = ingot_buffer_printf(m->bytes + MADE_SUMS, reterr, "%s  %s\n", hex, m->names[i]);
        }
        return r;
}

static void name_all(struct made_image *m, const uint8_t *root_hash)
{
        static const char *const forms[MADE_COUNT] = {
                "test_1.raw",
                "test_1.efi",
                "test_1.root-x86-64.%s.raw",
                "test_1.root-x86-64-verity.%s.raw",
                "test_1.root-x86-64-verity-sig.raw",
                "test_1.manifest.json",
                "SHA256SUMS",
        };
        const struct ingot_uuid u[] = {ingot_verity_data_uuid(root_hash),
                                       ingot_verity_hash_uuid(root_hash)};
        for (int i = 0; i < MADE_COUNT; i++) {
                char uuid[INGOT_UUID_TEXT_SIZE];
                const char *hole = strstr(forms[i], "%s");
                ingot_uuid_format(u + (i == MADE_HASH), uuid);
                snprintf(m->names[i], sizeof(m->names[i]), "%.*s%s%s",
                         (int) (hole ? hole - forms[i] : 100), forms[i], hole ? uuid : "",
                         hole ? hole + 2 : "");
        }
}

int make_image(struct made_image *m, const struct made_signer *signer, ingot_error *reterr)
{
        static const struct made_signer nobody;
        uint8_t root_hash[INGOT_SHA256_SIZE];
        memset(m, 0, sizeof(*m));
        signer = signer ? signer : &nobody;
        int r = make_root(m, root_hash, reterr);
        if (r < 0)
                return r;
        ingot_hex(m->root_hash, root_hash, sizeof(root_hash));
        name_all(m, root_hash);
        if (signer->root)
                r = signer->root(signer->context, m->root_hash, m->bytes + MADE_SIGNATURE, reterr);
        if (r >= 0)
                r = make_uki(m, signer, reterr);
        if (r >= 0)
                r = make_addon(m, signer, reterr);
        if (r >= 0)
                r = make_disk(m, signer, root_hash, reterr);
        if (r >= 0)
                r = make_manifest(m, reterr);
        return r < 0 ? r : make_sums(m, reterr);
}

void made_image_done(struct made_image *m)
{
        for (int i = 0; i < MADE_COUNT; i++)
                ingot_buffer_done(m->bytes + i);
        ingot_buffer_done(&m->addon);
}

size_t made_files(struct made_image *m, unsigned which, struct ingot_artifact_file *ret)
{
        size_t n = 0;
        for (int i = 0; i < MADE_COUNT; i++) {
                if (!(which & 1u << i) || m->bytes[i].size == 0)
                        continue;
                m->spans[i] = ingot_buffer_span(m->bytes + i);
                ret[n++] = (struct ingot_artifact_file){
                        .name = m->names[i], .reader = ingot_reader_of_span(m->spans + i)};
        }
        return n;
}
