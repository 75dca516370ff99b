/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/file.h"
#include "os/workdir.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char parent[4200];

static size_t entries(void)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        return ingot_list_directory(AT_FDCWD, parent, &names, NULL) < 0 ? 0 : names.count;
}

static const char *new_parent(void)
{
        snprintf(parent, sizeof(parent), "%s/a/work", test_folder());
        (void) ingot_remove_tree(AT_FDCWD, parent, NULL);
        return parent;
}

TEST(two_of_one_process_are_apart_and_both_go)
{
        ingot_error error = {0};
        struct ingot_workdir a = INGOT_WORKDIR_NONE, b = INGOT_WORKDIR_NONE;
        char path[4300];
        CHECK_OK(ingot_workdir_create(new_parent(), &a, &error));
        CHECK_OK(ingot_workdir_create(parent, &b, &error));
        CHECK(strcmp(a.path, b.path) != 0);
        snprintf(path, sizeof(path), "%s/full", a.path);
        CHECK_OK(ingot_outfile_put(path, "x", 1, 0400, &error));
        CHECK_EQ(chmod(a.path, 0500), 0);
        CHECK_EQ(entries(), 4);
        ingot_workdir_remove(&a);
        CHECK_EQ(entries(), 2);
        ingot_workdir_remove(&b);
        CHECK_EQ(entries(), 0);
        ingot_workdir_remove(&b);
}

/* A process that ends without clearing up. */
static int leave_one(void)
{
        int status;
        pid_t pid = fork();
        if (pid == 0) {
                struct ingot_workdir w;
                _exit(ingot_workdir_create(parent, &w, NULL) < 0);
        }
        return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

TEST(what_a_killed_process_left_is_removed_by_the_next)
{
        ingot_error error = {0};
        struct ingot_workdir a = INGOT_WORKDIR_NONE, b = INGOT_WORKDIR_NONE;
        struct stat st;
        new_parent();
        CHECK_EQ(leave_one(), 0);
        CHECK_EQ(entries(), 2);
        CHECK_OK(ingot_workdir_create(parent, &a, &error));
        CHECK_EQ(entries(), 2);
        CHECK_EQ(leave_one(), 0);
        CHECK_EQ(entries(), 4);
        CHECK_OK(ingot_workdir_create(parent, &b, &error));
        CHECK_EQ(entries(), 4);
        CHECK_EQ(stat(a.path, &st), 0);
        ingot_workdir_remove(&a);
        ingot_workdir_remove(&b);
}

TEST(a_link_for_a_lock_is_left_alone)
{
        ingot_error error = {0};
        struct ingot_workdir a = INGOT_WORKDIR_NONE;
        char path[4300], target[4300];
        snprintf(target, sizeof(target), "%s/precious", test_folder());
        CHECK_OK(ingot_make_directories(new_parent(), 0755, &error));
        CHECK_OK(ingot_outfile_put(target, "x", 1, 0644, &error));
        snprintf(path, sizeof(path), "%s/1.0.lock", parent);
        CHECK_EQ(symlink(target, path), 0);
        CHECK_OK(ingot_workdir_create(parent, &a, &error));
        CHECK_EQ(access(target, F_OK), 0);
        ingot_workdir_remove(&a);
}

TEST(a_parent_that_cannot_be_made_is_named)
{
        ingot_error error = {0};
        struct ingot_workdir a = INGOT_WORKDIR_NONE;
        char path[4300];
        snprintf(path, sizeof(path), "%s/file", test_folder());
        CHECK_OK(ingot_outfile_put(path, "x", 1, 0644, &error));
        snprintf(path, sizeof(path), "%s/file/work", test_folder());
        CHECK_FAILS(ingot_workdir_create(path, &a, &error), INGOT_E_SYSTEM, "file");
}
