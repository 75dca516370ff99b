/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox and its supervisor, from inside: tests/unit/sandbox-guest.c checks what the calls
 * answer, this checks what is known afterwards. As root everything is tried a second time as
 * somebody who is not.
 */
#include "base/cleanup.h"
#include "os/copy.h"
#include "os/file.h"
#include "os/sandbox.h"
#include "os/tree-load.h"
#include "test.h"

#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static char root[4200], given[4200];

/* The guest's program, read once: nobody may not be let into the folder that it was built in. */
static uint8_t *program;
static size_t program_size;

static int read_guest(ingot_error *reterr)
{
        char path[4200];
        const char *build = getenv("INGOT_BUILD");
        snprintf(path, sizeof(path), "%s/tests/unit/sandbox-guest", build ? build : ".");
        return program ? 0
                       : ingot_file_read(AT_FDCWD, path, 64 << 20, &program, &program_size, reterr);
}

static int make_root(ingot_error *reterr)
{
        static const char *const folders[] = {"dev", "proc", "tmp", "sys"};
        char path[4300];
        snprintf(root, sizeof(root), "%s/root", test_folder());
        snprintf(given, sizeof(given), "%s/given", test_folder());
        ingot_remove_tree(AT_FDCWD, root, NULL);
        int r = ingot_make_directories(root, 0755, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(folders); i++) {
                snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
                r = ingot_make_directories(path, 0755, reterr);
        }
        if (r >= 0)
                r = read_guest(reterr);
        snprintf(path, sizeof(path), "%s/guest", root);
        if (r >= 0)
                r = ingot_outfile_put(path, program, program_size, 0755, reterr);
        if (r >= 0)
                r = ingot_outfile_put(given, "given", 5, 0644, reterr);
        return r;
}

static int run_guest(const char *scenario, struct ingot_ledger *ledger,
                     struct ingot_sandbox_result *ret, ingot_error *reterr)
{
        const char *argv[] = {"/guest", scenario, NULL};
        const char *environment[] = {"GIVEN=1", NULL};
        const struct ingot_sandbox_file file = {.path = given, .name = "given"};
        const struct ingot_sandbox sandbox = {
                .root = root,
                .argv = argv,
                .environment = environment,
                .files = &file,
                .file_count = 1,
                .ledger = ledger,
                .max_output = 1000,
        };
        return ingot_sandbox_run(&sandbox, ret, reterr);
}

/* Runs one scenario in a new root; the tree as it is afterwards is in *ret. */
static void play(const char *scenario, struct ingot_tree **ret)
{
        ingot_error error = {0};
        _cleanup_(ingot_ledger_free_p) struct ingot_ledger *ledger = NULL;
        _cleanup_sandbox_result_ struct ingot_sandbox_result result = {0};
        CHECK_OK(make_root(&error));
        CHECK_OK(ingot_ledger_new(&ledger, &error));
        int r = run_guest(scenario, ledger, &result, &error);
        if (r < 0 && strstr(error.text, "make a "))
                SKIP("no user namespaces, or no /proc of one's own, here");
        CHECK_OK(r);
        if (result.exit_status != 0)
                test_report(__FILE__, __LINE__, "%s: %s", scenario, (char *) result.output.data);
        const struct ingot_tree_load load = {
                .dirfd = AT_FDCWD, .path = root, .ledger = ledger, .xattrs = true};
        CHECK_OK(ingot_tree_load(&load, ret, &error));
}

/* BODY with the tree of SCENARIO, as we are, and as nobody when we are root. */
static void play_twice(const char *scenario, void (*body)(const struct ingot_tree *tree))
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        play(scenario, &tree);
        if (tree)
                body(tree);
        if (geteuid() != 0 || test_failed || test_skipped)
                return;
        ingot_remove_tree(AT_FDCWD, root, NULL);
        unlink(given);
        CHECK(chown(test_folder(), NOBODY, NOBODY) == 0);
        pid_t pid = fork();
        if (pid == 0) {
                if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                    setresuid(NOBODY, NOBODY, NOBODY) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
                        _exit(1);
                struct ingot_tree *other = NULL;
                play(scenario, &other);
                if (other)
                        body(other);
                _exit(test_failed || !other);
        }
        int status = 1;
        CHECK(waitpid(pid, &status, 0) == pid);
        ingot_remove_tree(AT_FDCWD, root, NULL);
        CHECK(chown(test_folder(), 0, 0) == 0);
        CHECK_EQ(status, 0);
}

#define CHECK_OWNER(path, u, g)                                                                    \
        do {                                                                                       \
                const struct ingot_inode *i_ = ingot_tree_lookup(tree, path);                      \
                CHECK(i_);                                                                         \
                CHECK_EQ(i_->uid, u);                                                              \
                CHECK_EQ(i_->gid, g);                                                              \
        } while (0)

static void owners_kept(const struct ingot_tree *tree)
{
        CHECK_OWNER("f", 35, 44);
        CHECK_OWNER("moved", 35, 44);
        CHECK_OWNER("soft", 5, 6);
        CHECK_OWNER("gone", 0, 0);
        CHECK(ingot_tree_lookup(tree, "f") == ingot_tree_lookup(tree, "moved"));
}

TEST(owners_are_what_scripts_made_them)
{
        play_twice("owners", owners_kept);
}

static void paths_kept(const struct ingot_tree *tree)
{
        CHECK_OWNER("d/x", 17, 18);
        CHECK_OWNER("d/inner/x", 21, 22);
        CHECK_OWNER("d/inner/d/x", 23, 24);
}

TEST(paths_are_followed_as_the_script_sees_them)
{
        play_twice("paths", paths_kept);
}

static void devices_kept(const struct ingot_tree *tree)
{
        const struct ingot_inode *null = ingot_tree_lookup(tree, "null");
        const struct ingot_inode *disk = ingot_tree_lookup(tree, "disk");
        CHECK(null && null->type == INGOT_FILE_CHARACTER);
        CHECK_EQ(null->major, 1);
        CHECK_EQ(null->mode, 0644);
        CHECK(disk && disk->type == INGOT_FILE_BLOCK);
        CHECK_EQ(disk->minor, 70000);
        CHECK_EQ(ingot_tree_lookup(tree, "pipe")->type, INGOT_FILE_FIFO);
        CHECK_EQ(ingot_tree_lookup(tree, "dev")->entry_count, 0);
}

TEST(devices_are_pretended)
{
        play_twice("devices", devices_kept);
}

static void identity_kept(const struct ingot_tree *tree)
{
        CHECK_OWNER("w/dir", 10, 9);
        CHECK_OWNER("w/link", 10, 9);
        CHECK_OWNER("w/fifo", 10, 9);
        CHECK_OWNER("w/excl", 10, 9);
        CHECK_OWNER("w/file", 10, 8);
        CHECK_OWNER("w/effective", 12, 0);
}

TEST(a_pretended_user_owns_what_he_makes)
{
        play_twice("identity", identity_kept);
}

static void groups_kept(const struct ingot_tree *tree)
{
        CHECK_OWNER("mail/box", 0, 8);
        CHECK_OWNER("mail/sub/box", 0, 8);
        CHECK_EQ(ingot_tree_lookup(tree, "mail/sub")->mode, 02755);
}

TEST(set_gid_folders_pass_their_group_on)
{
        play_twice("groups", groups_kept);
}

static void lists_kept(const struct ingot_tree *tree)
{
        const struct ingot_inode *l = ingot_tree_lookup(tree, "l");
        CHECK(l);
        CHECK_EQ(l->mode, 0700);
        const struct ingot_xattr *acl = ingot_inode_xattr(l, "system.posix_acl_access");
        CHECK(acl && acl->size == 44);
        CHECK_EQ(acl->value[4 + 3 * 8 + 2], 0); /* the mask followed the mode */
        CHECK(!ingot_inode_xattr(ingot_tree_lookup(tree, "m"), "system.posix_acl_access"));
}

TEST(access_control_lists_name_anybody)
{
        play_twice("lists", lists_kept);
}

static void nothing_to_check(const struct ingot_tree *tree)
{
        CHECK(tree);
}

TEST(nothing_of_the_host_is_in_reach)
{
        play_twice("walls", nothing_to_check);
}

TEST(the_end_of_the_output_is_kept)
{
        ingot_error error = {0};
        _cleanup_(ingot_ledger_free_p) struct ingot_ledger *ledger = NULL;
        _cleanup_sandbox_result_ struct ingot_sandbox_result result = {0};
        CHECK_OK(make_root(&error));
        CHECK_OK(ingot_ledger_new(&ledger, &error));
        CHECK_OK(run_guest("noise", ledger, &result, &error));
        CHECK_EQ(result.exit_status, 128 + 15);
        CHECK(result.output.size <= 1000 && result.output.size > 500);
        CHECK(strstr((char *) result.output.data, "line 99999\n"));
}

TEST(what_cannot_be_run_says_why)
{
        ingot_error error = {0};
        _cleanup_(ingot_ledger_free_p) struct ingot_ledger *ledger = NULL;
        _cleanup_sandbox_result_ struct ingot_sandbox_result result = {0};
        char path[4300];
        CHECK_OK(make_root(&error));
        CHECK_OK(ingot_ledger_new(&ledger, &error));
        snprintf(path, sizeof(path), "%s/guest", root);
        unlink(path);
        CHECK_FAILS(run_guest("owners", ledger, &result, &error), INGOT_E_SYSTEM, "run /guest");
        unlink(given);
        CHECK_FAILS(run_guest("owners", ledger, &result, &error), INGOT_E_SYSTEM, "given");
        ingot_remove_tree(AT_FDCWD, root, NULL);
        CHECK_OK(ingot_outfile_put(given, "", 0, 0644, &error));
        CHECK_FAILS(run_guest("owners", ledger, &result, &error), INGOT_E_SYSTEM, "open folder");
}
