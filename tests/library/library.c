/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * library DISK ROOT-HASH RECIPE: what another program does with the library. Sees <ingot.h> alone,
 * and is linked with libingot.so. DISK is make-disk's, DISK.damaged the same with one byte of the
 * root changed; RECIPE is a folder with an ingot.conf. Prints TAP.
 */
#include <ingot.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned number, failed;

static void ok(bool condition, const char *name)
{
        printf("%sok %u - %s\n", condition ? "" : "not ", ++number, name);
        failed += !condition;
}

static bool same(const char *a, const char *b)
{
        return a && strcmp(a, b) == 0;
}

static void test_errors(void)
{
        static const char *const names[INGOT_E_CODE_MAX] = {
                [0] = "unknown",
                [INGOT_E_USAGE] = "usage",
                [INGOT_E_SYSTEM] = "system",
                [INGOT_E_NOMEM] = "nomem",
                [INGOT_E_FORMAT] = "format",
                [INGOT_E_REFUSED] = "refused",
                [INGOT_E_SPACE] = "space",
                [INGOT_E_LIMIT] = "limit",
                [INGOT_E_NOTFOUND] = "notfound",
                [INGOT_E_CONFLICT] = "conflict",
                [INGOT_E_UNSUPPORTED] = "unsupported",
                [INGOT_E_INTERNAL] = "internal",
        };
        bool right = true;
        for (int i = 0; i < INGOT_E_CODE_MAX; i++)
                right = right && same(ingot_error_name(i), names[i]);
        ok(right, "every code has its name");
        ok(same(ingot_error_name(-1), "unknown") &&
                   same(ingot_error_name(INGOT_E_CODE_MAX), "unknown"),
           "what is no code has none");

        /* The public error object is laid out as the library's own. */
        struct {
                ingot_error error;
                char guard[16];
        } box;
        struct ingot_view *view = NULL;
        struct ingot_recipe *recipe = NULL;
        memset(&box, 'x', sizeof(box));
        int r = ingot_view_open("/nonexistent/disk.raw", &view, &box.error);
        ok(r == -INGOT_E_NOTFOUND && box.error.code == INGOT_E_NOTFOUND && box.error.os == 0 &&
                   strstr(box.error.text, "/nonexistent/disk.raw") && box.guard[0] == 'x' && !view,
           "a file that is not there");
        r = ingot_recipe_open("/nonexistent", NULL, 0, &recipe, &box.error);
        ok(r == -INGOT_E_SYSTEM && box.error.code == INGOT_E_SYSTEM && box.error.os == ENOENT &&
                   box.guard[0] == 'x' && !recipe,
           "a system call's errno");
        ok(ingot_recipe_open("/dev", NULL, 0, &recipe, &box.error) == -INGOT_E_NOTFOUND,
           "a folder without a recipe");
        ok(ingot_view_open("/nonexistent", &view, NULL) < 0, "the error object may be NULL");
        ingot_view_close(NULL);
        ingot_recipe_close(NULL);
        ingot_product_free(NULL);
        ok(same(ingot_version(), "0.1.0"), "the version");
}

static void test_parts(const struct ingot_view *view, const char *root_hash)
{
        const struct ingot_part *root = ingot_view_part(view, 1), *tree = ingot_view_part(view, 2);
        ok(same(ingot_view_content(view), "disk") && ingot_view_part_count(view) == 3,
           "a disk with three partitions");
        ok(ingot_view_size(view) > (4 << 20), "its size");
        ok(!ingot_view_part(view, 3), "no fourth partition");
        if (!root || !tree)
                return;
        ok(root->number == 2 && same(root->type, "root-x86-64") && same(root->label, "root_1") &&
                   same(root->content, "erofs") && root->offset == 2 << 20 &&
                   root->size == 2 << 20 && root->uuid && !root->problem,
           "the root partition");
        ok(same(root->root_hash, root_hash) && same(tree->root_hash, root_hash),
           "the root hash of data and tree");
        ok(same(ingot_view_part(view, 0)->content, "empty") && !ingot_view_part(view, 0)->root_hash,
           "an empty partition has none");
}

static void test_verify(const struct ingot_view *view, const char *root_hash)
{
        ingot_error error = {0};
        char wrong[65];
        snprintf(wrong, sizeof(wrong), "%s", root_hash);
        wrong[63] = wrong[63] == '0' ? '1' : '0';
        ok(ingot_view_verify(view, 1, root_hash, 0, &error) == 0, "the data is what was hashed");
        ok(ingot_view_verify(view, 2, NULL, 1, &error) == 0, "the tree names the same");
        ok(ingot_view_verify(view, 1, wrong, 1, &error) == -INGOT_E_REFUSED,
           "another root hash is refused");
        ok(ingot_view_verify(view, 1, "12", 1, &error) == -INGOT_E_USAGE, "half a root hash");
        ok(ingot_view_verify(view, 0, NULL, 1, &error) == -INGOT_E_UNSUPPORTED, "nothing to check");
        ok(ingot_view_verify(view, 9, NULL, 1, &error) == -INGOT_E_USAGE, "no such part");
}

static int collect(void *context, const char *name, const struct ingot_file_facts *facts)
{
        char *text = context;
        size_t end = strlen(text);
        snprintf(text + end, 200 - end, "%s:%s ", name, facts->type);
        return strcmp(name, "usr/lib") == 0 ? 1 : 0;
}

static int stop(void *context, const char *name, const struct ingot_file_facts *facts)
{
        (void) context;
        (void) name;
        (void) facts;
        return -77;
}

static void test_stat(const struct ingot_tree *tree)
{
        ingot_error error = {0};
        struct ingot_file_facts f;
        ok(ingot_tree_stat(tree, "/etc/hostname", &f, &error) == 0 && same(f.type, "file") &&
                   f.size == 5 && f.mode == 0644 && f.mtime == 7 && f.uid == 0 && f.links == 1,
           "the facts of a file");
        ok(ingot_tree_stat(tree, "lib", &f, &error) == 0 && same(f.type, "link") &&
                   same(f.target, "usr/lib"),
           "a link is not followed");
        ok(ingot_tree_stat(tree, "/lib/large", &f, &error) == 0 && f.size == 100000 &&
                   f.mode == 0600,
           "a link on the way is");
        ok(ingot_tree_stat(tree, "/", &f, &error) == 0 && same(f.type, "directory"), "the root");
        ok(ingot_tree_stat(tree, "etc/hostname/x", &f, &error) == -INGOT_E_NOTFOUND &&
                   ingot_tree_stat(tree, "none", &f, &error) == -INGOT_E_NOTFOUND &&
                   ingot_tree_stat(tree, "none/x", &f, &error) == -INGOT_E_NOTFOUND,
           "what is not there");
}

static void test_read(const struct ingot_tree *tree)
{
        ingot_error error = {0};
        unsigned char bytes[300];
        size_t size = 0;
        ok(ingot_tree_read(tree, "etc/hostname", 0, bytes, sizeof(bytes), &size, &error) == 0 &&
                   size == 5 && memcmp(bytes, "host\n", 5) == 0,
           "a file is read up to its end");
        ok(ingot_tree_read(tree, "lib/large", 70000, bytes, 300, &size, &error) == 0 &&
                   size == 300 && bytes[0] == 70000 % 251 && bytes[299] == 70299 % 251,
           "and from its middle");
        ok(ingot_tree_read(tree, "lib/large", 100000, bytes, 300, &size, &error) == 0 && size == 0,
           "nothing is behind the end");
        ok(ingot_tree_read(tree, "etc", 0, bytes, 1, &size, &error) == -INGOT_E_USAGE,
           "a folder is not read");
}

static void test_tree(struct ingot_view *view)
{
        ingot_error error = {0};
        const struct ingot_tree *tree = NULL;
        char names[200] = "";
        ok(ingot_view_tree(view, "nothing", &tree, &error) < 0 &&
                   ingot_view_tree(view, "swap", &tree, &error) == -INGOT_E_NOTFOUND,
           "partitions without files");
        ok(ingot_view_tree(view, NULL, &tree, &error) == 0, "the root's files");
        if (!tree)
                return;
        test_stat(tree);
        ok(ingot_tree_each(tree, "/", collect, names, &error) == 0 &&
                   same(names, "etc:directory etc/hostname:file lib:link usr:directory "
                               "usr/lib:directory "),
           "all files in their order, but for what is left out");
        names[0] = 0;
        ok(ingot_tree_each(tree, "/lib/", collect, names, &error) == 0 &&
                   same(names, "lib/large:file "),
           "the files of a folder");
        ok(ingot_tree_each(tree, "/", stop, NULL, &error) == -77, "the caller's own end");
        ok(ingot_tree_each(tree, "etc/hostname", stop, NULL, &error) == -INGOT_E_USAGE,
           "a file has none below it");
        test_read(tree);
}

static void test_disk(const char *path, const char *root_hash)
{
        ingot_error error = {0};
        struct ingot_view *view = NULL;
        char damaged[4096];
        ok(ingot_view_open(path, &view, &error) == 0, "the disk opens");
        if (!view)
                return;
        test_parts(view, root_hash);
        test_verify(view, root_hash);
        test_tree(view);
        ingot_view_close(view);
        view = NULL;
        snprintf(damaged, sizeof(damaged), "%s.damaged", path);
        ok(ingot_view_open(damaged, &view, &error) == 0 &&
                   ingot_view_verify(view, 1, root_hash, 0, &error) == -INGOT_E_REFUSED &&
                   strstr(error.text, "block"),
           "a changed block is found and named");
        ingot_view_close(view);
}

static void test_recipe(const char *path)
{
        static const char *const settings[] = {"Image.Version=7"}, *const bad[] = {"Image.Nmae=x"};
        const struct ingot_build_settings offline = {.offline = true, .cache = "/dev/null/none"};
        ingot_error error = {0};
        struct ingot_recipe *recipe = NULL;
        struct ingot_product *product = NULL;
        char *text = NULL;
        ok(ingot_recipe_open(path, bad, 1, &recipe, &error) < 0 && strstr(error.text, "Name") &&
                   !recipe,
           "a mistyped key, and what was meant");
        ok(ingot_recipe_open(path, settings, 1, &recipe, &error) == 0, "the recipe is read");
        if (!recipe)
                return;
        ok(ingot_recipe_show(recipe, false, &text, &error) == 0 && strstr(text, "Version=7\n"),
           "a setting stands in it");
        free(text);
        ok(ingot_recipe_build(recipe, &offline, &product, &error) < 0 && !product && error.text[0],
           "a build that cannot be says why");
        printf("# %s: %s\n", ingot_error_name(error.code), error.text);
        const struct ingot_build_settings like = {.offline = true, .like = "/nowhere/1"};
        ok(ingot_recipe_build(recipe, &like, &product, &error) < 0 && !product &&
                   strstr(error.text, "/nowhere/1"),
           "a release before that is not there is named");
        ingot_recipe_close(recipe);
}

int main(int argc, char **argv)
{
        if (argc != 4)
                return 2;
        test_errors();
        test_disk(argv[1], argv[2]);
        test_recipe(argv[3]);
        printf("1..%u\n", number);
        return failed > 0;
}
