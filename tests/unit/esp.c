/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "image/esp.h"
#include "test.h"

static const struct ingot_span uki = {(const uint8_t *) "MZuki", 5};

static int system_tree(struct ingot_tree **ret, bool is_signed, ingot_error *reterr)
{
        int r = ingot_tree_new(ret, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(*ret, "usr/lib/systemd/boot/efi/systemd-bootx64.efi", 0644,
                                         1, "plain", 5, reterr);
        if (r >= 0 && is_signed)
                r = ingot_tree_put_bytes(*ret,
                                         "usr/lib/systemd/boot/efi/systemd-bootx64.efi.signed",
                                         0644, 1, "signed", 6, reterr);
        return r;
}

static int print(void *context, const char *path, struct ingot_inode *inode, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        if (inode->type == INGOT_FILE_DIRECTORY)
                return ingot_buffer_printf(context, reterr, "%s/\n", path);
        int r = ingot_inode_read(inode, 1000, &text, &size, reterr);
        return r < 0 ? r : ingot_buffer_printf(context, reterr, "%s=%s\n", path, (char *) text);
}

TEST(partition_holds_loader_configuration_and_uki)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *system = NULL, *esp = NULL;
        _cleanup_buffer_ struct ingot_buffer out = {0};
        const char *const lines[] = {"console-mode keep", NULL};
        CHECK_OK(system_tree(&system, true, &error));
        struct ingot_esp_options o = {.system = system,
                                      .name = "appliance",
                                      .version = "1.2",
                                      .uki = ingot_reader_of_span(&uki),
                                      .tries = 3,
                                      .loader_lines = lines,
                                      .mtime = 77};
        CHECK_OK(ingot_esp_tree(&o, &esp, &error));
        CHECK_OK(ingot_tree_walk(esp, print, &out, &error));
        CHECK_STR((char *) out.data,
                  "EFI/\nEFI/BOOT/\nEFI/BOOT/BOOTX64.EFI=signed\nEFI/Linux/\n"
                  "EFI/Linux/appliance_1.2+3-0.efi=MZuki\nEFI/systemd/\n"
                  "EFI/systemd/systemd-bootx64.efi=signed\nloader/\nloader/addons/\n"
                  "loader/credentials/\nloader/entries/\nloader/entries.srel=type1\n\n"
                  "loader/loader.conf=timeout 0\nconsole-mode keep\n\n");
        CHECK_EQ(ingot_tree_lookup(esp, "EFI/Linux")->mtime, 77);
}

TEST(unsigned_loader_serves_where_there_is_no_signed_one)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *system = NULL, *esp = NULL;
        CHECK_OK(system_tree(&system, false, &error));
        struct ingot_esp_options o = {.system = system,
                                      .name = "a",
                                      .version = "1",
                                      .uki = ingot_reader_of_span(&uki),
                                      .timeout = "menu-force"};
        CHECK_OK(ingot_esp_tree(&o, &esp, &error));
        CHECK_EQ(ingot_tree_lookup(esp, "EFI/BOOT/BOOTX64.EFI")->content.size, 5u);
        CHECK(ingot_tree_lookup(esp, "EFI/Linux/a_1.efi"));
}

TEST(counters_have_a_fixed_width)
{
        ingot_error error = {0};
        _cleanup_free_ char *one = NULL, *ten = NULL, *none = NULL, *plus = NULL;
        CHECK_OK(ingot_esp_uki_name("a", "1", 9, &one, &error));
        CHECK_STR(one, "a_1+9-0.efi");
        CHECK_OK(ingot_esp_uki_name("a", "1", 10, &ten, &error));
        CHECK_STR(ten, "a_1+10-00.efi");
        CHECK_OK(ingot_esp_uki_name("a", "1", 0, &none, &error));
        CHECK_STR(none, "a_1.efi");
        CHECK_OK(ingot_esp_uki_name("a", "1+git5", 0, &plus, &error));
        CHECK_STR(plus, "a_1+git5.efi");
}

TEST(names_outside_the_specification_are_refused)
{
        ingot_error error = {0};
        _cleanup_free_ char *name = NULL;
        char long_name[260];
        memset(long_name, 'a', 259);
        long_name[259] = 0;
        CHECK_FAILS(ingot_esp_uki_name("a b", "1", 0, &name, &error), INGOT_E_USAGE, "name 'a b'");
        CHECK_FAILS(ingot_esp_uki_name("a", "1~2", 0, &name, &error), INGOT_E_USAGE, "version");
        CHECK_FAILS(ingot_esp_uki_name("a", "", 0, &name, &error), INGOT_E_USAGE, "version");
        CHECK_FAILS(ingot_esp_uki_name("a", "1+3", 0, &name, &error), INGOT_E_USAGE, "counter");
        CHECK_FAILS(ingot_esp_uki_name("a", "1+3-0", 3, &name, &error), INGOT_E_USAGE, "counter");
        CHECK_FAILS(ingot_esp_uki_name("a", "1", 100, &name, &error), INGOT_E_USAGE, "99");
        CHECK_FAILS(ingot_esp_uki_name(long_name, "1", 0, &name, &error), INGOT_E_USAGE, "longer");
}

TEST(missing_loader_and_bad_lines_are_named)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *empty = NULL, *system = NULL, *esp = NULL;
        const char *const lines[] = {"a\nb", NULL};
        CHECK_OK(ingot_tree_new(&empty, &error));
        CHECK_OK(system_tree(&system, false, &error));
        struct ingot_esp_options o = {
                .system = empty, .name = "a", .version = "1", .uki = ingot_reader_of_span(&uki)};
        CHECK_FAILS(ingot_esp_tree(&o, &esp, &error), INGOT_E_NOTFOUND, "systemd-boot-efi");
        o.system = system;
        o.timeout = "1 2";
        CHECK_FAILS(ingot_esp_tree(&o, &esp, &error), INGOT_E_USAGE, "timeout");
        o.timeout = NULL;
        o.loader_lines = lines;
        CHECK_FAILS(ingot_esp_tree(&o, &esp, &error), INGOT_E_USAGE, "loader.conf");
}
