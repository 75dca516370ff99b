/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "format/cpio.h"
#include "format/init-config.h"
#include "image/initrd.h"
#include "make-module.h"
#include "test.h"

#define MODULE "usr/lib/modules/6.1/kernel/one.ko"

static struct ingot_tree *make_root(void)
{
        struct ingot_tree *t = NULL;
        _cleanup_buffer_ struct ingot_buffer b = {0};
        if (ingot_tree_new(&t, NULL) < 0)
                return NULL;
        make_module(&b, "license=GPL", 12);
        ingot_tree_put_bytes(t, MODULE, 0600, 77, b.data, b.size, NULL);
        return t;
}

static struct ingot_initrd_options make_options(void)
{
        static struct ingot_uuid var;
        static const char *const modules[] = {"one"};
        ingot_uuid_parse("979e9af7-1627-4b8e-a6a0-7019e578a8d7", &var);
        return (struct ingot_initrd_options){.version = "6.1",
                                             .init = INGOT_SPAN("program", 7),
                                             .etc = INGOT_ETC_VOLATILE,
                                             .shell = true,
                                             .var = &var,
                                             .var_size = 1 << 30,
                                             .timeout = 7,
                                             .reboot = 8,
                                             .restart = true,
                                             .watchdog = 9,
                                             .modules = modules,
                                             .module_count = 1,
                                             .missing_is_error = true,
                                             .mtime = 1700000000};
}

static int read_back(const struct ingot_buffer *b, struct ingot_span *span, struct ingot_tree **ret,
                     ingot_error *reterr)
{
        *span = ingot_buffer_span(b);
        struct ingot_reader r = ingot_reader_of_span(span);
        return ingot_cpio_read(&r, NULL, ret, reterr);
}

TEST(init_understands_its_configuration)
{
        ingot_error error = {0};
        struct ingot_span span;
        struct ingot_initrd_options o = make_options();
        _cleanup_init_config_ struct ingot_init_config c = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_free_ uint8_t *text = NULL;
        _cleanup_(ingot_tree_free_p) struct ingot_tree *root = make_root(), *t = NULL;
        size_t size;
        CHECK_OK(ingot_initrd_build(root, &o, &b, &error));
        CHECK_OK(read_back(&b, &span, &t, &error));
        struct ingot_inode *f = ingot_tree_lookup(t, "etc/init.conf");
        CHECK(f);
        CHECK_OK(ingot_inode_read(f, 10000, &text, &size, &error));
        CHECK_OK(ingot_init_config_parse(INGOT_SPAN(text, size), &c, &error));
        CHECK_EQ(c.etc, INGOT_ETC_VOLATILE);
        CHECK(c.shell && c.has_var && ingot_uuid_equal(&c.var, o.var));
        CHECK_EQ(c.var_size, 1 << 30);
        CHECK_EQ(c.timeout, 7);
        CHECK_EQ(c.reboot, 8);
        CHECK(c.restart);
        CHECK_EQ(c.watchdog, 9);
        CHECK_EQ(c.modules.count, 1);
        CHECK_STR(c.modules.items[0], "/" MODULE);
        /* What it names is there. */
        CHECK(ingot_tree_lookup(t, c.modules.items[0]));
}

TEST(it_holds_what_the_kernel_starts)
{
        static const char *const folders[] = {"dev", "proc", "run", "sys", "sysroot"};
        ingot_error error = {0};
        struct ingot_span span;
        struct ingot_initrd_options o = make_options();
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *root = make_root(), *t = NULL;
        CHECK_OK(ingot_initrd_build(root, &o, &b, &error));
        CHECK_EQ(ingot_le32_load(b.data), 0xfd2fb528); /* zstd */
        CHECK_OK(read_back(&b, &span, &t, &error));
        struct ingot_inode *init = ingot_tree_lookup(t, "init");
        CHECK(init && init->mode == 0755 && init->content.size == 7);
        CHECK_EQ(init->mtime, 1700000000);
        CHECK_EQ(ingot_tree_lookup(t, MODULE)->mtime, 1700000000);
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                struct ingot_inode *f = ingot_tree_lookup(t, folders[i]);
                CHECK(f && f->type == INGOT_FILE_DIRECTORY);
        }
}

TEST(it_holds_a_shell_where_one_is_allowed)
{
        ingot_error error = {0};
        struct ingot_span span;
        struct ingot_initrd_options o = make_options();
        _cleanup_buffer_ struct ingot_buffer with = {0}, without = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *root = make_root(), *t = NULL, *u = NULL;
        CHECK_OK(ingot_tree_put_bytes(root, "usr/bin/busybox", 0755, 77, "shell", 5, &error));
        CHECK_OK(ingot_initrd_build(root, &o, &with, &error));
        CHECK_OK(read_back(&with, &span, &t, &error));
        struct ingot_inode *shell = ingot_tree_lookup(t, "bin/busybox");
        CHECK(shell && shell->mode == 0755 && shell->content.size == 5);
        o.shell = false;
        CHECK_OK(ingot_initrd_build(root, &o, &without, &error));
        CHECK_OK(read_back(&without, &span, &u, &error));
        CHECK(!ingot_tree_lookup(u, "bin/busybox"));
}

TEST(the_same_twice_and_plain_on_request)
{
        ingot_error error = {0};
        struct ingot_initrd_options o = make_options();
        _cleanup_buffer_ struct ingot_buffer a = {0}, b = {0}, plain = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *root = make_root();
        CHECK_OK(ingot_initrd_build(root, &o, &a, &error));
        CHECK_OK(ingot_initrd_build(root, &o, &b, &error));
        CHECK_EQ(a.size, b.size);
        CHECK(memcmp(a.data, b.data, a.size) == 0);
        o.uncompressed = true;
        CHECK_OK(ingot_initrd_build(root, &o, &plain, &error));
        CHECK(memcmp(plain.data, "070701", 6) == 0);
}

TEST(a_missing_module_is_an_error_when_asked)
{
        static const char *const modules[] = {"two"};
        ingot_error error = {0};
        struct ingot_initrd_options o = make_options();
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *root = make_root();
        o.modules = modules;
        CHECK_FAILS(ingot_initrd_build(root, &o, &b, &error), INGOT_E_NOTFOUND, "two");
        o.missing_is_error = false;
        CHECK_OK(ingot_initrd_build(root, &o, &b, &error));
}

TEST(words_for_etc)
{
        enum ingot_etc_mode mode;
        CHECK(ingot_etc_mode_parse("read-only", &mode) && mode == INGOT_ETC_READ_ONLY);
        CHECK(!ingot_etc_mode_parse("readonly", &mode));
        CHECK_STR(ingot_etc_mode_name(INGOT_ETC_OVERLAY), "overlay");
}
