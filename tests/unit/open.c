/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole disk in memory, by our own writers: what it is, what is in it, what differs. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "format/cpio.h"
#include "format/partition-type.h"
#include "image/compare.h"
#include "image/inspect.h"
#include "make-pe.h"
#include "os/unpack.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1u << 20)
#define DISK_SIZE (52 * MIB)
#define ESP_SIZE (36 * MIB)

static int write_memory(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *reterr)
{
        struct ingot_span *disk = context;
        if (offset + size > disk->size)
                return ingot_fail(reterr, INGOT_E_SPACE, "written behind the end");
        memcpy((uint8_t *) disk->data + offset, data, size);
        return 0;
}

static void free_span(struct ingot_span *s)
{
        free((void *) s->data);
}
#define _cleanup_span_ _cleanup_(free_span)

static void free_bytes(uint8_t **p)
{
        free(*p);
}

static struct ingot_span make_uki(const char *cmdline)
{
        const struct made_section sections[] = {
                {".text", "stub"}, {".osrel", "ID=x\n"}, {".cmdline", cmdline}, {".linux", "k"}};
        return make_pe(INGOT_PE_MACHINE_X86_64, sections, 4);
}

/* What the two disks of a test differ in. */
struct release {
        const char *version, *cmdline, *text;
        bool with_extra;
};

static int make_root(const struct release *v, struct ingot_tree *tree, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer status = {0};
        int e = ingot_buffer_printf(&status, reterr,
                                    "Package: base\nStatus: install ok installed\n"
                                    "Architecture: amd64\nVersion: 1\n\n"
                                    "Package: app\nStatus: install ok installed\n"
                                    "Architecture: all\nVersion: %s\n\n"
                                    "Package: gone\nStatus: deinstall ok config-files\n"
                                    "Architecture: all\nVersion: %s\n",
                                    v->version, v->version);
        if (e == 0)
                e = ingot_tree_put_bytes(tree, "usr/lib/sysimage/dpkg/status", 0644, 5, status.data,
                                         status.size, reterr);
        if (e == 0)
                e = ingot_tree_put_bytes(tree, "etc/file", 0644, 5, v->text, strlen(v->text),
                                         reterr);
        if (e == 0)
                e = ingot_tree_put_symlink(tree, "etc/link", "file", 5, reterr);
        if (e == 0 && v->with_extra)
                e = ingot_tree_put_bytes(tree, "extra", 0600, 5, "", 0, reterr);
        return e;
}

static int write_esp(const struct release *v, const struct ingot_writer *w, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_span_ struct ingot_span uki = make_uki(v->cmdline);
        _cleanup_free_ char *path = NULL;
        struct ingot_fat_options options = {.size = ESP_SIZE, .label = "ESP", .time = 1700000000};
        int e = ingot_tree_new(&tree, reterr);
        if (e == 0)
                e = ingot_format(&path, reterr, "EFI/Linux/x_%s.efi", v->version);
        if (e == 0)
                e = ingot_tree_put_bytes(tree, path, 0644, 0, uki.data, uki.size, reterr);
        return e < 0 ? e : ingot_fat_write(tree, &options, w, reterr);
}

static int write_root(const struct release *v, const struct ingot_writer *w, uint64_t *ret_size,
                      ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        struct ingot_erofs_options options = {.compressor = INGOT_EROFS_NONE, .build_time = 5};
        struct ingot_erofs_result result;
        int e = ingot_tree_new(&tree, reterr);
        if (e == 0)
                e = make_root(v, tree, reterr);
        if (e == 0)
                e = ingot_erofs_write(tree, &options, w, &result, reterr);
        *ret_size = result.size;
        return e;
}

static int add_partition(struct ingot_gpt *gpt, const char *type, const char *name, uint64_t size,
                         const struct ingot_uuid *uuid, uint64_t *ret_offset, ingot_error *reterr)
{
        static const struct ingot_uuid seed = {{1}};
        struct ingot_gpt_partition *p;
        struct ingot_gpt_request request = {
                .type = ingot_partition_type_by_name(type)->uuid,
                .uuid = uuid ? *uuid : (struct ingot_uuid){{0}},
                .seed = &seed, .size = size, .name = name};
        int e = ingot_gpt_add(gpt, &request, &p, reterr);
        if (e == 0)
                *ret_offset = ingot_gpt_offset(gpt, p);
        return e;
}

/* ESP, root, its hash tree, its signature, an empty root; *disk has DISK_SIZE zeros. */
static int make_disk(const struct release *v, struct ingot_span *disk, ingot_error *reterr)
{
        static const struct ingot_uuid seed = {{2}};
        struct ingot_gpt gpt;
        struct ingot_writer w = {.write_at = write_memory, .context = disk};
        uint64_t esp, root, hash, signature, empty, size = 0;
        size_t area_size;
        uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE];
        _cleanup_(free_bytes) uint8_t *area = NULL;
        char text[200], hex[65];
        ingot_gpt_init(&gpt, 512, &seed);
        int e = add_partition(&gpt, "esp", "esp", ESP_SIZE, NULL, &esp, reterr);
        struct ingot_writer at = ingot_writer_part(&w, 38 * MIB);
        if (e == 0)
                e = write_root(v, &at, &size, reterr);
        struct ingot_reader r = ingot_reader_of_span(disk), data;
        struct ingot_verity_builder_options options = {.data_size = size, .threads = 1};
        ingot_verity_from_seed(&options.verity, &seed);
        if (e == 0)
                e = ingot_reader_part(&r, 38 * MIB, size, &data, reterr);
        if (e == 0)
                e = ingot_verity_build(&data, &options, &area, &area_size, root_hash, reterr);
        if (e < 0)
                return e;
        struct ingot_uuid u = ingot_verity_data_uuid(root_hash);
        e = add_partition(&gpt, "root-x86-64", v->version, 4 * MIB, &u, &root, reterr);
        u = ingot_verity_hash_uuid(root_hash);
        if (e == 0)
                e = add_partition(&gpt, "root-x86-64-verity", v->version, MIB, &u, &hash, reterr);
        if (e == 0)
                e = add_partition(&gpt, "root-x86-64-verity-sig", v->version, MIB, NULL, &signature,
                                  reterr);
        if (e == 0)
                e = add_partition(&gpt, "root-x86-64", "_empty", MIB, NULL, &empty, reterr);
        if (e == 0)
                e = ingot_gpt_set_size(&gpt, DISK_SIZE, 0, reterr);
        if (e == 0)
                e = ingot_gpt_write(&gpt, &w, reterr);
        at = ingot_writer_part(&w, esp);
        if (e == 0)
                e = write_esp(v, &at, reterr);
        if (e == 0)
                memmove((uint8_t *) disk->data + root, disk->data + 38 * MIB, (size_t) size);
        ingot_hex(hex, root_hash, sizeof(root_hash));
        snprintf(text, sizeof(text), "{\"rootHash\":\"%s\",\"certificateFingerprint\":\"ab\"}", hex);
        if (e == 0)
                e = ingot_write_at(&w, hash, area, area_size, reterr);
        return e < 0 ? e : ingot_write_at(&w, signature, text, strlen(text), reterr);
}

static const struct release one = {"1", "quiet", "text", true};
static const struct release two = {"2", "loud", "test", false};

TEST(a_disk_is_known_down_to_its_hash_tree)
{
        ingot_error error = {0};
        _cleanup_span_ struct ingot_span disk = INGOT_SPAN(calloc(1, DISK_SIZE), DISK_SIZE);
        _cleanup_image_ struct ingot_image image = {0};
        CHECK_OK(make_disk(&one, &disk, &error));
        struct ingot_reader r = ingot_reader_of_span(&disk);
        CHECK_OK(ingot_image_open(&r, &image, &error));
        CHECK_EQ(image.content, INGOT_CONTENT_DISK);
        CHECK_EQ(image.part_count, 5u);
        static const enum ingot_content want[] = {
                INGOT_CONTENT_FAT, INGOT_CONTENT_EROFS, INGOT_CONTENT_VERITY,
                INGOT_CONTENT_VERITY_SIGNATURE, INGOT_CONTENT_EMPTY};
        for (size_t i = 0; i < 5; i++) {
                CHECK_STR(image.parts[i].problem ? image.parts[i].problem : "", "");
                CHECK_EQ(image.parts[i].content, want[i]);
        }
        struct ingot_image *hash = image.parts + 2;
        char hex[65];
        CHECK(hash->root_hash_known && hash->data == image.parts + 1);
        CHECK(image.parts[1].hash == hash);
        ingot_hex(hex, hash->root_hash, 32);
        CHECK_STR(image.parts[3].signed_root_hash, hex);
        CHECK_EQ(image.parts[0].part_count, 1u);
        CHECK_STR(image.parts[0].parts[0].path, "EFI/Linux/x_1.efi");
        CHECK_EQ(image.parts[0].parts[0].content, INGOT_CONTENT_UKI);
}

TEST(parts_are_found_by_number_label_type_and_designator)
{
        ingot_error error = {0};
        _cleanup_span_ struct ingot_span disk = INGOT_SPAN(calloc(1, DISK_SIZE), DISK_SIZE);
        _cleanup_image_ struct ingot_image image = {0};
        struct ingot_image *found = NULL;
        CHECK_OK(make_disk(&one, &disk, &error));
        struct ingot_reader r = ingot_reader_of_span(&disk);
        CHECK_OK(ingot_image_open(&r, &image, &error));
        static const struct {
                const char *selector;
                size_t part;
        } cases[] = {{NULL, 1}, {"root", 1}, {"root-x86-64", 1}, {"5", 4}, {"_empty", 4},
                     {"esp", 0}, {"root-verity", 2}, {"3", 2}};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                CHECK_OK(ingot_image_select(&image, cases[i].selector, &found, &error));
                CHECK_EQ(found - image.parts, (ptrdiff_t) cases[i].part);
        }
        CHECK_FAILS(ingot_image_select(&image, "home", &found, &error), INGOT_E_NOTFOUND, "home");
        const struct ingot_tree *tree;
        CHECK_OK(ingot_image_tree(image.parts + 1, &tree, &error));
        CHECK(ingot_tree_lookup(tree, "etc/file"));
        CHECK_OK(ingot_image_tree(image.parts[0].parts, &tree, &error));
        CHECK(ingot_tree_lookup(tree, ".cmdline"));
        CHECK_FAILS(ingot_image_tree(image.parts + 4, &tree, &error), INGOT_E_UNSUPPORTED, "empty");
}

static int describe(const struct ingot_comparison *c, struct ingot_buffer *ret, ingot_error *reterr)
{
        int e = 0;
        for (size_t i = 0; e == 0 && i < c->count; i++)
                e = ingot_buffer_printf(ret, reterr, "%s|%s|%s|%s|%.60s\n", c->items[i].where,
                                        ingot_difference_kind_name(c->items[i].kind),
                                        ingot_change_name(c->items[i].change), c->items[i].name,
                                        c->items[i].what);
        return e;
}

static int compare(struct ingot_span *a, struct ingot_span *b, struct ingot_buffer *ret,
                   ingot_error *reterr)
{
        _cleanup_image_ struct ingot_image x = {0}, y = {0};
        _cleanup_comparison_ struct ingot_comparison c = {0};
        struct ingot_reader r = ingot_reader_of_span(a), s = ingot_reader_of_span(b);
        int e = ingot_image_open(&r, &x, reterr);
        if (e == 0)
                e = ingot_image_open(&s, &y, reterr);
        if (e == 0)
                e = ingot_image_compare(&x, &y, NULL, &c, reterr);
        return e < 0 ? e : describe(&c, ret, reterr);
}

TEST(what_differs_between_two_releases_is_named)
{
        ingot_error error = {0};
        _cleanup_span_ struct ingot_span a = INGOT_SPAN(calloc(1, DISK_SIZE), DISK_SIZE);
        _cleanup_span_ struct ingot_span b = INGOT_SPAN(calloc(1, DISK_SIZE), DISK_SIZE);
        _cleanup_buffer_ struct ingot_buffer same = {0}, text = {0};
        CHECK_OK(make_disk(&one, &a, &error));
        CHECK_OK(make_disk(&two, &b, &error));
        CHECK_OK(compare(&a, &a, &same, &error));
        CHECK_EQ(same.size, 0u);
        CHECK_OK(compare(&a, &b, &text, &error));
        static const char *const want[] = {
                "partition 1 (esp)|file|removed|EFI/Linux/x_1.efi|file\n",
                "partition 1 (esp)|file|added|EFI/Linux/x_2.efi|file\n",
                "partition 1 (esp): EFI/Linux/x_1.efi|section|changed|.cmdline|content, 5B -> 4B\n",
                "|partition|changed|partition 2 (root-x86-64)|UUID, label 1 -> 2\n",
                "partition 2 (root-x86-64)|package|changed|app:all|1 -> 2\n",
                "partition 2 (root-x86-64)|file|changed|etc/file|content\n",
                "partition 2 (root-x86-64)|file|removed|extra|file\n",
                "partition 3 (root-x86-64-verity)|content|changed|root hash|",
        };
        for (size_t i = 0; i < ARRAY_SIZE(want); i++)
                if (!strstr((char *) text.data, want[i])) {
                        test_report(__FILE__, __LINE__, "no %s in\n%s", want[i], text.data);
                        return;
                }
        CHECK(!strstr((char *) text.data, "gone") && !strstr((char *) text.data, "base:"));
        CHECK(!strstr((char *) text.data, "_empty"));
}

TEST(a_part_that_cannot_be_read_is_a_finding)
{
        ingot_error error = {0};
        _cleanup_span_ struct ingot_span disk = INGOT_SPAN(calloc(1, DISK_SIZE), DISK_SIZE);
        _cleanup_image_ struct ingot_image image = {0};
        CHECK_OK(make_disk(&one, &disk, &error));
        struct ingot_reader r = ingot_reader_of_span(&disk);
        CHECK_OK(ingot_image_open(&r, &image, &error));
        uint64_t at = image.parts[2].reader.base;
        ingot_image_done(&image);
        memset((uint8_t *) disk.data + at + 64, 0xff, 16); /* block sizes, number of blocks */
        CHECK_OK(ingot_image_open(&r, &image, &error));
        CHECK_EQ(image.parts[2].content, INGOT_CONTENT_VERITY);
        CHECK(image.parts[2].problem && !image.parts[2].root_hash_known);
}

TEST(figures_of_a_tree)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_statistics_ struct ingot_tree_statistics s = {0};
        char path[20];
        CHECK_OK(ingot_tree_new(&tree, &error));
        for (int i = 0; i < 20; i++) {
                snprintf(path, sizeof(path), "d%d/e/f", i);
                CHECK_OK(ingot_tree_put_bytes(tree, path, 0644, 0, "0123456789012345678901234567890",
                                              (size_t) i, &error));
        }
        struct ingot_inode *f = ingot_tree_lookup(tree, "d7/e/f");
        CHECK_OK(ingot_tree_link(tree->root, "again", f, &error));
        CHECK_OK(ingot_tree_put_symlink(tree, "s", "d1", 0, &error));
        CHECK_OK(ingot_tree_statistics_of(tree, &s, &error));
        CHECK_EQ(s.files, 20u);
        CHECK_EQ(s.hard_links, 1u);
        CHECK_EQ(s.directories, 41u);
        CHECK_EQ(s.symlinks, 1u);
        CHECK_EQ(s.content_size, 190u);
        CHECK_EQ(s.largest_count, 10u);
        CHECK_EQ(s.largest[0].size, 19u);
        CHECK(strncmp(s.largest[0].path, "d19", 3) == 0);
        CHECK_EQ(s.largest[9].size, 15u);
}

TEST(nothing_is_unpacked_through_a_link_or_over_a_file)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        struct ingot_unpack_options options = {0};
        char folder[300], outside[300], path[400], target[300] = "";
        struct stat st;
        snprintf(folder, sizeof(folder), "%s/unpacked", test_folder());
        snprintf(outside, sizeof(outside), "%s/outside", test_folder());
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(ingot_tree_put_bytes(tree, "d/f", 06755, 77, "text", 4, &error));
        CHECK_OK(ingot_tree_link(tree->root, "hard", ingot_tree_lookup(tree, "d/f"), &error));
        CHECK_OK(ingot_tree_put_symlink(tree, "s", "/etc", 0, &error));
        CHECK_OK(ingot_unpack(tree->root, "", folder, &options, &error));
        snprintf(path, sizeof(path), "%s/d/f", folder);
        CHECK_EQ(stat(path, &st), 0);
        CHECK_EQ(st.st_mode & 07777, 0755u);
        CHECK_EQ(st.st_nlink, 2u);
        CHECK_EQ(st.st_mtime, 77);
        snprintf(path, sizeof(path), "%s/s", folder);
        CHECK_EQ(readlink(path, target, sizeof(target) - 1), 4);
        CHECK_FAILS(ingot_unpack(tree->root, "", folder, &options, &error), INGOT_E_CONFLICT,
                    "'d/f' is there already");
        /* Where the image has a folder, someone has put a link. */
        CHECK_EQ(mkdir(outside, 0755), 0);
        snprintf(folder, sizeof(folder), "%s/trap", test_folder());
        CHECK_EQ(mkdir(folder, 0755), 0);
        snprintf(path, sizeof(path), "%s/d", folder);
        CHECK_EQ(symlink(outside, path), 0);
        CHECK_FAILS(ingot_unpack(tree->root, "", folder, &options, &error), INGOT_E_SYSTEM,
                    "open 'd'");
        snprintf(path, sizeof(path), "%s/f", outside);
        CHECK(access(path, F_OK) < 0);
}
