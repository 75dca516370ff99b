/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "image/kernel.h"
#include "test.h"

static int put(struct ingot_tree *tree, const char *path, const char *text, ingot_error *reterr)
{
        return ingot_tree_put_bytes(tree, path, 0644, 1, text, strlen(text), reterr);
}

TEST(newest_kernel_is_newest_by_number)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_kernel_ struct ingot_kernel k = {0};
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(put(tree, "boot/vmlinuz-6.9.10-amd64", "nine", &error));
        CHECK_OK(put(tree, "boot/vmlinuz-6.12.9-amd64", "twelve", &error));
        CHECK_OK(put(tree, "boot/vmlinuz-6.13.0-amd64", "without modules", &error));
        CHECK_OK(put(tree, "usr/lib/modules/6.9.10-amd64/modules.dep", "", &error));
        CHECK_OK(put(tree, "usr/lib/modules/6.12.9-amd64/modules.dep", "", &error));
        CHECK_OK(put(tree, "usr/lib/modules/6.12.9-rc3-amd64/vmlinuz", "rc", &error));
        CHECK_OK(ingot_kernel_find(tree, NULL, &k, &error));
        CHECK_STR(k.version, "6.12.9-amd64");
        CHECK_STR(k.path, "boot/vmlinuz-6.12.9-amd64");
        CHECK_EQ(k.image->content.size, 6u);
}

TEST(release_candidate_is_older_than_its_release)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_kernel_ struct ingot_kernel k = {0};
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(put(tree, "usr/lib/modules/6.12/vmlinuz", "a", &error));
        CHECK_OK(put(tree, "usr/lib/modules/6.12-rc7/vmlinuz", "b", &error));
        CHECK_OK(ingot_kernel_find(tree, NULL, &k, &error));
        CHECK_STR(k.version, "6.12");
}

TEST(wanted_kernel_is_taken_and_a_missing_one_names_the_others)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_kernel_ struct ingot_kernel k = {0};
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_FAILS(ingot_kernel_find(tree, NULL, &k, &error), INGOT_E_NOTFOUND, "has no kernel");
        CHECK_OK(put(tree, "usr/lib/modules/6.1/vmlinuz", "a", &error));
        CHECK_OK(put(tree, "usr/lib/modules/6.2/vmlinuz", "b", &error));
        CHECK_FAILS(ingot_kernel_find(tree, "5.9", &k, &error), INGOT_E_NOTFOUND, "has 6.1 6.2)");
        CHECK_OK(ingot_kernel_find(tree, "6.1", &k, &error));
        CHECK_STR(k.path, "usr/lib/modules/6.1/vmlinuz");
}

TEST(stub_says_its_version)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_free_ char *info = NULL;
        struct ingot_inode *stub;
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_FAILS(ingot_stub_find(tree, "x64", &stub, &error), INGOT_E_NOTFOUND,
                    "systemd-boot-efi");
        CHECK_OK(put(tree, "usr/lib/systemd/boot/efi/linuxx64.efi.stub",
                     "MZ#### LoaderInfo: systemd-stub 257.9-1~deb13u1 ####", &error));
        CHECK_OK(ingot_stub_find(tree, "x64", &stub, &error));
        CHECK_OK(ingot_loader_info(stub, &info, &error));
        CHECK_STR(info, "systemd-stub 257.9-1~deb13u1");
        CHECK_EQ(ingot_loader_major(info), 257u);
        CHECK_EQ(ingot_loader_major("other"), 0u);
}

TEST(program_without_a_mark_is_malformed)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_free_ char *info = NULL;
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(put(tree, "a", "MZ", &error));
        CHECK_OK(put(tree, "b", "#### LoaderInfo: systemd-stub 2", &error));
        CHECK_OK(put(tree, "c", "#### LoaderInfo: systemd\n1 ####", &error));
        CHECK_FAILS(ingot_loader_info(ingot_tree_lookup(tree, "a"), &info, &error), INGOT_E_FORMAT,
                    "no mark");
        CHECK_FAILS(ingot_loader_info(ingot_tree_lookup(tree, "b"), &info, &error), INGOT_E_FORMAT,
                    "no end");
        CHECK_FAILS(ingot_loader_info(ingot_tree_lookup(tree, "c"), &info, &error), INGOT_E_FORMAT,
                    "no text");
}

TEST(boot_is_emptied_and_stays)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_strings_ struct ingot_strings removed = {0};
        CHECK_OK(ingot_tree_new(&tree, &error));
        CHECK_OK(ingot_kernel_empty_boot(tree, &removed, &error));
        CHECK_OK(put(tree, "boot/vmlinuz-6", "k", &error));
        CHECK_OK(put(tree, "boot/grub/grub.cfg", "g", &error));
        CHECK_OK(put(tree, "bin/boot", "g", &error));
        CHECK_OK(ingot_kernel_empty_boot(tree, &removed, &error));
        CHECK_EQ(ingot_tree_lookup(tree, "boot")->entry_count, 0u);
        CHECK(ingot_tree_lookup(tree, "bin/boot"));
        CHECK_EQ(removed.count, 3u);
        CHECK_STR(removed.items[1], "boot/grub/grub.cfg");
}
