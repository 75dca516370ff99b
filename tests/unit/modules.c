/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "image/expand.h"
#include "image/modules.h"
#include "make-module.h"
#include "test.h"

#include <zstd.h>

#define TOP "usr/lib/modules/6.1-test/"

static int warnings;

static void count_warning(void *context, const char *text)
{
        (void) context;
        (void) text;
        warnings++;
}

/* Puts a module whose .modinfo is INFO ('|' for NUL) at PATH. */
static void put(struct ingot_tree *t, const char *path, const char *info)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        char text[256], whole[256];
        size_t size = strlen(info) + 1;
        memcpy(text, info, size);
        for (char *p = text; (p = strchr(p, '|'));)
                *p++ = 0;
        make_module(&b, text, size);
        snprintf(whole, sizeof(whole), TOP "%s", path);
        ingot_tree_put_bytes(t, whole, 0644, 0, b.data, b.size, NULL);
}

static struct ingot_tree *make_tree(void)
{
        struct ingot_tree *t = NULL;
        static const char builtin[] = "kernel/fs/ext4/ext4.ko\nkernel/crypto/sha-two.ko\n";
        static const char info[] = "sha_two.alias=crypto-sha256\0sha_two.license=GPL";
        if (ingot_tree_new(&t, NULL) < 0)
                return NULL;
        put(t, "kernel/drivers/a.ko", "depends=b-one,c|firmware=a/one.bin|firmware=absent.bin");
        put(t, "kernel/drivers/b_one.ko", "depends=d");
        put(t, "kernel/drivers/c.ko", "depends=d|softdep=pre: crypto-x crypto-sha256 gone post: p");
        put(t, "kernel/drivers/d.ko", "depends=");
        put(t, "kernel/drivers/p.ko", "license=GPL");
        put(t, "kernel/crypto/x-generic.ko", "alias=crypto-x");
        put(t, "kernel/arch/x86/crypto/x-fast.ko", "alias=crypto-x|depends=ext4");
        put(t, "kernel/loop/one.ko", "depends=two");
        put(t, "kernel/loop/two.ko", "depends=one");
        put(t, "kernel/drivers/broken.ko", "depends=nowhere");
        put(t, "updates/d.ko", "license=ours");
        ingot_tree_put_bytes(t, TOP "modules.builtin", 0644, 0, builtin, sizeof(builtin) - 1, NULL);
        ingot_tree_put_bytes(t, TOP "modules.builtin.modinfo", 0644, 0, info, sizeof(info), NULL);
        ingot_tree_put_bytes(t, "usr/lib/firmware/a/one.bin", 0644, 0, "firm", 4, NULL);
        ingot_tree_put_symlink(t, "lib", "usr/lib", 0, NULL);
        return t;
}

static int closure(const struct ingot_tree *t, const char *wanted, bool strict,
                   struct ingot_modules *ret, ingot_error *reterr)
{
        static const struct ingot_log log = {.warning = count_warning};
        _cleanup_strings_ struct ingot_strings names = {0};
        ingot_strings_split(&names, wanted, " ", NULL);
        const struct ingot_modules_options o = {.version = "6.1-test",
                                                .wanted = (const char *const *) names.items,
                                                .wanted_count = names.count,
                                                .missing_is_error = strict,
                                                .log = &log};
        warnings = 0;
        return ingot_modules_closure(t, &o, ret, reterr);
}

/* The names in load order, with a blank behind each. */
static const char *order(const struct ingot_modules *m)
{
        static char text[512];
        text[0] = 0;
        for (size_t i = 0; i < m->module_count; i++)
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
                         m->items[i].name);
        return text;
}

TEST(what_is_needed_stands_before)
{
        ingot_error error = {0};
        _cleanup_modules_ struct ingot_modules m = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *t = make_tree();
        CHECK_OK(closure(t, "a", true, &m, &error));
        CHECK_STR(order(&m), "d b_one x_fast x_generic c p a ");
        CHECK_STR(m.items[6].path, TOP "kernel/drivers/a.ko");
        /* The module from outside goes before the kernel's own. */
        CHECK_STR(m.items[0].path, TOP "updates/d.ko");
        CHECK_EQ(m.count, 8);
        CHECK_STR(m.items[7].path, "usr/lib/firmware/a/one.bin");
        CHECK_EQ(m.items[7].size, 4);
}

TEST(names_may_have_either_dash_and_be_built_in)
{
        ingot_error error = {0};
        _cleanup_modules_ struct ingot_modules m = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *t = make_tree();
        CHECK_OK(closure(t, "b-one ext4 sha-two", true, &m, &error));
        CHECK_STR(order(&m), "d b_one ");
}

TEST(a_circle_ends)
{
        ingot_error error = {0};
        _cleanup_modules_ struct ingot_modules m = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *t = make_tree();
        CHECK_OK(closure(t, "one", true, &m, &error));
        CHECK_STR(order(&m), "two one ");
}

TEST(missing_is_a_warning_or_an_error)
{
        ingot_error error = {0};
        _cleanup_modules_ struct ingot_modules m = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *t = make_tree();
        CHECK_OK(closure(t, "d unheard-of -also-not", false, &m, &error));
        CHECK_EQ(warnings, 1);
        CHECK_EQ(m.missing.count, 1);
        CHECK_STR(m.missing.items[0], "unheard_of");
        ingot_modules_done(&m);
        CHECK_FAILS(closure(t, "d unheard-of", true, &m, &error), INGOT_E_NOTFOUND, "unheard_of");
        CHECK_OK(closure(t, "-also-not", true, &m, &error));
        CHECK_EQ(m.count, 0);
}

TEST(a_missing_dependency_is_always_an_error)
{
        ingot_error error = {0};
        _cleanup_modules_ struct ingot_modules m = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *t = make_tree();
        CHECK_FAILS(closure(t, "broken", false, &m, &error), INGOT_E_NOTFOUND,
                    "broken: no module nowhere");
        CHECK_EQ(m.count, 0);
}

TEST(a_kernel_that_is_not_there_is_named)
{
        ingot_error error = {0};
        _cleanup_modules_ struct ingot_modules m = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *t = make_tree();
        const struct ingot_modules_options o = {.version = "9.9"};
        CHECK_FAILS(ingot_modules_closure(t, &o, &m, &error), INGOT_E_NOTFOUND, "9.9");
}

TEST(a_file_that_is_no_module_is_named)
{
        ingot_error error = {0};
        _cleanup_modules_ struct ingot_modules m = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *t = make_tree();
        CHECK_OK(ingot_tree_put_bytes(t, TOP "kernel/bad.ko", 0644, 0, "bad", 3, &error));
        CHECK_FAILS(closure(t, "bad", true, &m, &error), INGOT_E_FORMAT, "kernel/bad.ko");
}

TEST(compressed_modules_are_expanded)
{
        ingot_error error = {0};
        _cleanup_modules_ struct ingot_modules m = {0};
        _cleanup_buffer_ struct ingot_buffer plain = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *t = make_tree();
        uint8_t packed[1024];
        make_module(&plain, "depends=d", 10);
        size_t size = ZSTD_compress(packed, sizeof(packed), plain.data, plain.size, 3);
        CHECK(!ZSTD_isError(size));
        CHECK_OK(ingot_tree_put_bytes(t, TOP "kernel/z.ko.zst", 0644, 0, packed, size, &error));
        CHECK_OK(closure(t, "z", true, &m, &error));
        CHECK_STR(order(&m), "d z ");
        CHECK_STR(m.items[1].path, TOP "kernel/z.ko");
        CHECK_EQ(m.items[1].size, plain.size);
        CHECK(memcmp(m.items[1].data, plain.data, plain.size) == 0);
}

TEST(damage_and_size_of_what_is_expanded)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        static uint8_t zeros[100000], packed[1024];
        size_t size = ZSTD_compress(packed, sizeof(packed), zeros, sizeof(zeros), 3);
        CHECK_FAILS(ingot_expand(INGOT_SPAN(packed, size), 99999, &b, &error), INGOT_E_LIMIT,
                    "99999");
        CHECK_FAILS(ingot_expand(INGOT_SPAN(packed, size / 2), 1 << 20, &b, &error),
                    INGOT_E_FORMAT, "decompress");
        CHECK_FAILS(ingot_expand(INGOT_SPAN(zeros, 100), 99, &b, &error), INGOT_E_LIMIT, "100");
}
