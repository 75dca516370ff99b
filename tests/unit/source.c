/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "image/source.h"
#include "os/file.h"
#include "os/process.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

static int put(const char *path, const char *text, mode_t mode, ingot_error *reterr)
{
        char whole[700];
        snprintf(whole, sizeof(whole), "%s/%s", test_folder(), path);
        *strrchr(whole, '/') = 0;
        int r = ingot_make_directories(whole, 0755, reterr);
        snprintf(whole, sizeof(whole), "%s/%s", test_folder(), path);
        return r < 0 ? r : ingot_outfile_put(whole, text, strlen(text), mode, reterr);
}

static int apply(struct ingot_tree *tree, enum ingot_source_kind kind, const char *text,
                 const struct ingot_source_options *o, ingot_error *reterr)
{
        _cleanup_source_ struct ingot_source s = {0};
        _cleanup_free_ char *whole = NULL;
        int r = kind == INGOT_SOURCE_REMOVAL
                        ? ingot_strdup(&whole, text, reterr)
                        : ingot_format(&whole, reterr, "%s/%s", test_folder(), text);
        if (r >= 0)
                r = ingot_source_parse(kind, whole, &s, reterr);
        return r < 0 ? r : ingot_source_apply(tree, &s, o, reterr);
}

static const struct ingot_source_options options = {.mtime = 1000};

static int print(void *context, const char *path, struct ingot_inode *inode, ingot_error *reterr)
{
        if (inode->type == INGOT_FILE_DIRECTORY)
                return 0;
        return ingot_buffer_printf(context, reterr, "%s %o %u;", path, inode->mode, inode->uid);
}

/* A root with merged /usr. */
static int base_tree(struct ingot_tree **ret, ingot_error *reterr)
{
        int r = ingot_tree_new(ret, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(*ret, "usr/bin/tool", 04755, 1, "old", 3, reterr);
        if (r >= 0)
                r = ingot_tree_put_symlink(*ret, "bin", "usr/bin", 1, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(*ret, "root/.profile", 0600, 1, "p", 1, reterr);
        if (r >= 0)
                ingot_tree_lookup(*ret, "root")->mode = 0700;
        return r;
}

TEST(folder_lands_through_links_and_keeps_directories_as_they_are)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_buffer_ struct ingot_buffer out = {0};
        CHECK_OK(base_tree(&tree, &error));
        CHECK_OK(put("one/bin/tool", "new!", 0700, &error));
        CHECK_OK(put("one/root/notes", "n", 0600, &error));
        CHECK_OK(put("one/srv/www/index.html", "hello", 0666, &error));
        CHECK_OK(apply(tree, INGOT_SOURCE_FOLDER, "one", &options, &error));
        CHECK_OK(ingot_tree_walk(tree, print, &out, &error));
        CHECK_STR((char *) out.data, "bin 777 0;root/.profile 600 0;root/notes 644 0;"
                                     "srv/www/index.html 644 0;usr/bin/tool 755 0;");
        CHECK_EQ(ingot_tree_lookup(tree, "root")->mode, 0700);
        CHECK_EQ(ingot_tree_lookup(tree, "srv/www")->mtime, 1000);
        CHECK_EQ(ingot_tree_lookup(tree, "usr/bin/tool")->content.size, 4u);
}

TEST(kept_modes_are_those_on_disk)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_source_ struct ingot_source s = {0};
        char text[700];
        CHECK_OK(base_tree(&tree, &error));
        CHECK_OK(put("kept/root/secret", "n", 0600, &error));
        snprintf(text, sizeof(text), "%s/kept", test_folder());
        CHECK_OK(ingot_source_parse(INGOT_SOURCE_FOLDER, text, &s, &error));
        s.keep_modes = true;
        CHECK_OK(ingot_source_apply(tree, &s, &options, &error));
        CHECK_EQ(ingot_tree_lookup(tree, "root/secret")->mode, 0600);
        CHECK_EQ(ingot_tree_lookup(tree, "root")->mode, 0755);
}

TEST(target_is_where_a_folder_goes)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(base_tree(&tree, &error));
        CHECK_OK(put("page/index.html", "hello", 0644, &error));
        CHECK_OK(apply(tree, INGOT_SOURCE_FOLDER, "page:/var/www/html", &options, &error));
        CHECK(ingot_tree_lookup(tree, "var/www/html/index.html"));
}

TEST(directory_and_file_in_one_place_are_a_conflict)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(base_tree(&tree, &error));
        CHECK_OK(put("dir-over-file/root/.profile/x", "n", 0644, &error));
        CHECK_OK(put("file-over-dir/root", "n", 0644, &error));
        CHECK_FAILS(apply(tree, INGOT_SOURCE_FOLDER, "dir-over-file", &options, &error),
                    INGOT_E_CONFLICT, "root/.profile");
        CHECK_FAILS(apply(tree, INGOT_SOURCE_FOLDER, "file-over-dir", &options, &error),
                    INGOT_E_CONFLICT, "cannot replace a directory");
}

TEST(single_file_takes_name_and_mode)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(base_tree(&tree, &error));
        CHECK_OK(put("single", "text", 0644, &error));
        CHECK_OK(apply(tree, INGOT_SOURCE_FILE, "single:/etc/motd:0600", &options, &error));
        CHECK_EQ(ingot_tree_lookup(tree, "etc/motd")->mode, 0600);
        CHECK_OK(apply(tree, INGOT_SOURCE_FILE, "single:/bin", &options, &error));
        CHECK_EQ(ingot_tree_lookup(tree, "usr/bin/single")->mode, 0644);
        CHECK_OK(apply(tree, INGOT_SOURCE_FILE, "single:/opt/new/", &options, &error));
        CHECK(ingot_tree_lookup(tree, "opt/new/single"));
        CHECK_FAILS(apply(tree, INGOT_SOURCE_FILE, "single:/../x", &options, &error),
                    INGOT_E_FORMAT, "..");
        CHECK_FAILS(apply(tree, INGOT_SOURCE_FILE, "absent:/x", &options, &error), INGOT_E_NOTFOUND,
                    "absent");
}

static void note(void *context, const char *text)
{
        snprintf(context, 200, "%s", text);
}

TEST(removals_match_globs_and_follow_links)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_strings_ struct ingot_strings removed = {0};
        char warning[200] = "";
        const struct ingot_log log = {.warning = note, .context = warning};
        const struct ingot_source_options o = {.mtime = 1, .log = &log, .removed = &removed};
        CHECK_OK(base_tree(&tree, &error));
        CHECK_OK(ingot_tree_put_bytes(tree, "usr/share/doc/a/b", 0644, 1, "", 0, &error));
        CHECK_OK(ingot_tree_put_bytes(tree, "usr/share/doc/c", 0644, 1, "", 0, &error));
        CHECK_OK(apply(tree, INGOT_SOURCE_REMOVAL, "/usr/share/doc/**", &o, &error));
        CHECK_EQ(ingot_tree_lookup(tree, "usr/share/doc")->entry_count, 0u);
        CHECK_EQ(removed.count, 3u);
        CHECK_STR(removed.items[0], "usr/share/doc/a");
        CHECK_STR(removed.items[1], "usr/share/doc/a/b");
        CHECK_STR(warning, "");
        CHECK_OK(apply(tree, INGOT_SOURCE_REMOVAL, "/bin/t*", &o, &error));
        CHECK(!ingot_tree_lookup(tree, "usr/bin/tool"));
        CHECK_OK(apply(tree, INGOT_SOURCE_REMOVAL, "bin", &o, &error));
        CHECK(!ingot_tree_lookup(tree, "bin"));
        CHECK(ingot_tree_lookup(tree, "usr/bin"));
        CHECK_OK(apply(tree, INGOT_SOURCE_REMOVAL, "nothing/here", &o, &error));
        CHECK(strstr(warning, "nothing/here"));
        CHECK_FAILS(apply(tree, INGOT_SOURCE_REMOVAL, "///", &o, &error), INGOT_E_USAGE,
                    "everything");
}

TEST(malformed_sources_are_usage_errors)
{
        ingot_error error = {0};
        _cleanup_source_ struct ingot_source s = {0};
        static const char *const files[] = {"a", "a:b", ":/b", "a:/b:9999", "a:/b:", "a:/b:07777"};
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                CHECK_FAILS(ingot_source_parse(INGOT_SOURCE_FILE, files[i], &s, &error),
                            INGOT_E_USAGE, files[i]);
        CHECK_FAILS(ingot_source_parse(INGOT_SOURCE_FOLDER, "a:/b:644", &s, &error), INGOT_E_USAGE,
                    "a:/b");
        CHECK_FAILS(ingot_source_parse(INGOT_SOURCE_ARCHIVE, "", &s, &error), INGOT_E_USAGE, "''");
}

/* Runs a shell script in the test's folder. */
static int shell(const char *script, ingot_error *reterr)
{
        const char *const argv[] = {"sh", "-ec", script, NULL};
        const struct ingot_program p = {.argv = argv, .directory = test_folder()};
        return ingot_process_run(&p, NULL, reterr);
}

#if HAVE_PACKAGES

TEST(archive_brings_owners_links_devices_and_attributes)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        CHECK_OK(base_tree(&tree, &error));
        CHECK_OK(shell("mkdir -p tar/root tar/bin && cd tar && echo new >bin/tool && "
                       "ln bin/tool bin/zool && ln -s tool bin/link && mkfifo bin/pipe && "
                       "mkdir 'bin/\303\274' && chmod 750 root . && touch -d @5 bin/tool && "
                       "tar --format=pax --owner=:33 --group=:44 -czf ../over.tar.gz ./",
                       &error));
        CHECK_OK(apply(tree, INGOT_SOURCE_ARCHIVE, "over.tar.gz", &options, &error));
        const struct ingot_inode *tool = ingot_tree_lookup(tree, "usr/bin/tool");
        CHECK_EQ(tool->uid, 33u);
        CHECK_EQ(tool->gid, 44u);
        CHECK_EQ(tool->links, 2u);
        CHECK_EQ(tool->mtime, 5);
        CHECK(tool == ingot_tree_lookup(tree, "usr/bin/zool"));
        CHECK_STR(ingot_tree_lookup(tree, "usr/bin/link")->target, "tool");
        CHECK_EQ(ingot_tree_lookup(tree, "usr/bin/pipe")->type, INGOT_FILE_FIFO);
        CHECK_EQ(ingot_tree_lookup(tree, "usr/bin/pipe")->mtime, 1000);
        CHECK(ingot_tree_lookup(tree, "usr/bin/\303\274"));
        CHECK_EQ(ingot_tree_lookup(tree, "root")->mode, 0750);
        CHECK_EQ(tree->root->mode, 0755);
        CHECK_EQ(tree->root->uid, 0u);
        CHECK_OK(ingot_inode_read(tool, 100, &data, &size, &error));
        CHECK_STR((char *) data, "new\n");
}

TEST(every_compression_is_read)
{
        static const char *const programs[] = {"gzip", "bzip2", "xz", "zstd", "lz4", "cat"};
        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
                ingot_error error = {0};
                _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
                char script[300];
                snprintf(script, sizeof(script),
                         "mkdir -p z && echo x >z/file && command -v %s >/dev/null || exit 0; "
                         "tar -c z | %s >z.tar",
                         programs[i], programs[i]);
                CHECK_OK(shell(script, &error));
                CHECK_OK(base_tree(&tree, &error));
                CHECK_OK(apply(tree, INGOT_SOURCE_ARCHIVE, "z.tar:/opt", &options, &error));
                CHECK(ingot_tree_lookup(tree, "opt/z/file"));
        }
}

TEST(archive_that_is_none_or_climbs_out_is_refused)
{
        ingot_error error = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        CHECK_OK(base_tree(&tree, &error));
        CHECK_OK(put("no.tar", "This is no archive at all, whatever its name says.", 0644, &error));
        CHECK_FAILS(apply(tree, INGOT_SOURCE_ARCHIVE, "no.tar", &options, &error), INGOT_E_FORMAT,
                    "no.tar");
        CHECK_OK(shell("echo x >up; mkdir -p in; cd in; tar -Pcf ../up.tar ../up", &error));
        CHECK_FAILS(apply(tree, INGOT_SOURCE_ARCHIVE, "up.tar", &options, &error), INGOT_E_FORMAT,
                    "../up");
        CHECK_OK(shell("head -c 100000 /dev/zero >big; tar -czf cut.tar.gz big; "
                       "truncate -s -20 cut.tar.gz",
                       &error));
        CHECK_FAILS(apply(tree, INGOT_SOURCE_ARCHIVE, "cut.tar.gz", &options, &error),
                    INGOT_E_FORMAT, "cut.tar.gz");
}

#endif
