/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unpacking many packages at once: the plan, then folders and links, then files in parallel. */
#include "package/unpack.h"
#include "base/cleanup.h"
#include "base/parallel.h"
#include "os/make.h"

#include <stdio.h>
#include <stdlib.h>

/* What a planned inode is made from; inode->mark is one more than its index. */
struct source {
        struct ingot_deb_package *package;
        struct ingot_deb_content *file;
};

struct plan {
        struct ingot_deb_package *packages;
        size_t count;
        struct ingot_tree *tree;
        struct source *sources;
        size_t source_count, source_allocated;
        int root;
        struct ingot_ledger *ledger;
};

static int add_source(struct plan *plan, struct ingot_deb_package *package,
                      struct ingot_deb_content *file, uint64_t *ret_mark, ingot_error *reterr)
{
        if (plan->source_count == plan->source_allocated) {
                size_t grown = plan->source_allocated ? 2 * plan->source_allocated : 4096;
                struct source *sources = reallocarray(plan->sources, grown, sizeof(*sources));
                if (!sources)
                        return ingot_fail_nomem(reterr);
                plan->sources = sources;
                plan->source_allocated = grown;
        }
        plan->sources[plan->source_count++] = (struct source){.package = package, .file = file};
        *ret_mark = plan->source_count;
        return 0;
}

/* The name under which it is unpacked, in *ret; the caller frees. */
static int planned_path(const struct ingot_deb_package *package,
                        const struct ingot_deb_content *file, char **ret, ingot_error *reterr)
{
        bool apart = file->conffile && package->unpacker == INGOT_DEB_OURS;
        return ingot_format(ret, reterr, "%s%s", file->path, apart ? ".dpkg-new" : "");
}

static int plan_directory(struct plan *plan, struct ingot_deb_package *package,
                          struct ingot_deb_content *file, ingot_error *reterr)
{
        struct ingot_inode *directory;
        int r = ingot_tree_make_directory(plan->tree, file->path, 0, &directory, reterr);
        /* The first who brings a directory decides on its mode, as with dpkg. */
        if (r < 0 || directory->mark)
                return r;
        directory->mode = file->mode;
        return add_source(plan, package, file, &directory->mark, reterr);
}

/* The folder of PATH, made where it is absent, and PATH's last name. */
static int plan_parent(struct plan *plan, const char *path, struct ingot_inode **ret,
                       const char **ret_name, ingot_error *reterr)
{
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *folder = NULL;
        *ret_name = slash ? slash + 1 : path;
        int r = ingot_format(&folder, reterr, "%.*s", slash ? (int) (slash - path) : 0, path);
        return r < 0 ? r : ingot_tree_make_directory(plan->tree, folder, 0, ret, reterr);
}

static int plan_file(struct plan *plan, struct ingot_deb_package *package,
                     struct ingot_deb_content *file, ingot_error *reterr)
{
        struct ingot_inode *folder;
        const char *name;
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        _cleanup_free_ char *path = NULL;
        if (file->type == INGOT_FILE_DIRECTORY)
                return plan_directory(plan, package, file, reterr);
        int r = planned_path(package, file, &path, reterr);
        if (r >= 0)
                r = plan_parent(plan, path, &folder, &name, reterr);
        if (r < 0)
                return r;
        if (ingot_tree_entry(folder, name))
                return 0;
        r = ingot_inode_new(file->type, file->mode, &inode, reterr);
        if (r >= 0 && file->type == INGOT_FILE_SYMLINK)
                r = ingot_strdup(&inode->target, file->target, reterr);
        if (r >= 0)
                r = add_source(plan, package, file, &inode->mark, reterr);
        if (r >= 0)
                r = ingot_tree_link(folder, name, inode, reterr);
        if (r >= 0)
                inode = NULL;
        return r;
}

/* Does somebody else bring it, or is a file where this needs a folder? */
static bool clashes(const struct plan *plan, const struct ingot_deb_package *package,
                    const struct ingot_deb_content *file)
{
        struct ingot_inode *found = ingot_tree_resolve(plan->tree, file->path);
        if (file->type == INGOT_FILE_DIRECTORY)
                return found && found->type != INGOT_FILE_DIRECTORY;
        const char *slash = strrchr(file->path, '/');
        char folder[INGOT_DEB_PATH_MAX];
        snprintf(folder, sizeof(folder), "%.*s", slash ? (int) (slash - file->path) : 0,
                 file->path);
        struct ingot_inode *parent = ingot_tree_resolve(plan->tree, folder);
        if (!parent)
                return false;
        if (parent->type != INGOT_FILE_DIRECTORY)
                return true;
        struct ingot_entry *there = ingot_tree_entry(parent, slash ? slash + 1 : file->path);
        return there && there->inode->mark &&
               plan->sources[there->inode->mark - 1].package != package;
}

/* Links in the root first: whatever other packages call them, /bin and /lib are links. */
static int plan_root_link(struct plan *plan, struct ingot_deb_package *package,
                          struct ingot_deb_content *file, ingot_error *reterr)
{
        if (file->type != INGOT_FILE_SYMLINK || strchr(file->path, '/'))
                return 0;
        int r = plan_file(plan, package, file, reterr);
        /* Where it leads is there before anything goes through it. */
        if (r >= 0 && ingot_starts_with(file->target, "usr/"))
                r = ingot_tree_make_directory(plan->tree, file->target, 0, NULL, reterr);
        return r;
}

static int plan_root_links(struct plan *plan, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < plan->count; i++) {
                struct ingot_deb_package *p = plan->packages + i;
                for (size_t k = 0; r >= 0 && k < p->file_count; k++)
                        if (p->unpacker != INGOT_DEB_DPKG)
                                r = plan_root_link(plan, p, p->files + k, reterr);
        }
        return r;
}

static int plan_package(struct plan *plan, struct ingot_deb_package *package, ingot_error *reterr)
{
        int r = 0;
        if (package->unpacker == INGOT_DEB_DPKG)
                return 0;
        for (size_t k = 0; package->unpacker == INGOT_DEB_OURS && k < package->file_count; k++)
                if (clashes(plan, package, package->files + k))
                        package->unpacker = INGOT_DEB_DPKG;
        for (size_t k = 0; package->unpacker != INGOT_DEB_DPKG && r >= 0 && k < package->file_count;
             k++) {
                struct ingot_deb_content *file = package->files + k;
                bool left_out = package->unpacker == INGOT_DEB_BOTH &&
                                (file->conffile || clashes(plan, package, file));
                if (!left_out)
                        r = plan_file(plan, package, file, reterr);
        }
        return ingot_under(reterr, r, "%s", package->name);
}

/* Essential packages decide on the modes of folders before others do. */
static int make_plan(struct plan *plan, ingot_error *reterr)
{
        int r = plan_root_links(plan, reterr);
        for (int essential = 1; essential >= 0; essential--)
                for (size_t i = 0; r >= 0 && i < plan->count; i++)
                        if (plan->packages[i].essential == (essential == 1))
                                r = plan_package(plan, plan->packages + i, reterr);
        return r;
}

static int note_owner(const struct plan *plan, const char *path,
                      const struct ingot_deb_content *file, ingot_error *reterr)
{
        struct ingot_make_owner owner = {.uid = file->uid, .gid = file->gid};
        if (file->type == INGOT_FILE_CHARACTER || file->type == INGOT_FILE_BLOCK) {
                owner.type = file->type;
                owner.major = file->major;
                owner.minor = file->minor;
        }
        return ingot_make_note_owner(plan->root, path, &owner, plan->ledger, reterr);
}

/* Folders and links at once; files learn their place. */
static int make_skeleton(void *context, const char *path, struct ingot_inode *inode,
                         ingot_error *reterr)
{
        struct plan *plan = context;
        const struct ingot_deb_content none = {0};
        struct source *source = inode->mark ? plan->sources + inode->mark - 1 : NULL;
        const struct ingot_deb_content *file = source ? source->file : &none;
        if (inode->type == INGOT_FILE_DIRECTORY) {
                int r = ingot_make_directory_at(plan->root, path, inode->mode, reterr);
                return r < 0 ? r : note_owner(plan, path, file, reterr);
        }
        if (inode->type == INGOT_FILE_SYMLINK) {
                int r = ingot_make_symlink_at(plan->root, path, inode->target, file->mtime, reterr);
                return r < 0 ? r : note_owner(plan, path, file, reterr);
        }
        return ingot_strdup(&source->file->place, path, reterr);
}

/* Where the file that PATH names in this package went. */
static const char *place_of(const struct ingot_deb_package *package, const char *path)
{
        for (size_t i = 0; i < package->file_count; i++)
                if (strcmp(package->files[i].path, path) == 0)
                        return package->files[i].place;
        return NULL;
}

static int make_file(const struct plan *plan, const struct ingot_deb_package *package,
                     const struct ingot_deb_content *file, ingot_error *reterr)
{
        int r;
        if (!file->place)
                return 0;
        if (file->hard_link) {
                const char *target = place_of(package, file->target);
                if (!target)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "a link to %s, which is not there", file->target);
                return ingot_make_link_at(plan->root, target, file->place, reterr);
        }
        if (file->type == INGOT_FILE_FIFO)
                r = ingot_make_fifo_at(plan->root, file->place, file->mode, file->mtime, reterr);
        else
                r = ingot_make_file_at(plan->root, file->place, file->mode, file->mtime,
                                       package->file.fd, file->offset, file->size, reterr);
        return r < 0 ? r : note_owner(plan, file->place, file, reterr);
}

static int make_files(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        const struct plan *plan = context;
        struct ingot_deb_package *package = plan->packages + index;
        (void) slot;
        if (package->unpacker == INGOT_DEB_DPKG)
                return 0;
        int r = ingot_file_open(&package->file, package->path, reterr);
        for (size_t i = 0; r >= 0 && i < package->file_count; i++)
                r = ingot_under(reterr, make_file(plan, package, package->files + i, reterr), "%s",
                                package->files[i].path);
        ingot_file_close(&package->file);
        return ingot_under(reterr, r, "%s", package->name);
}

static void plan_done(struct plan *plan)
{
        ingot_tree_free(plan->tree);
        free(plan->sources);
}

int ingot_packages_unpack(struct ingot_deb_package *packages, size_t count, int root,
                          unsigned threads, struct ingot_ledger *ledger, ingot_error *reterr)
{
        _cleanup_(plan_done) struct plan plan = {
                .packages = packages, .count = count, .root = root, .ledger = ledger};
        int r = ingot_tree_new(&plan.tree, reterr);
        if (r >= 0)
                r = make_plan(&plan, reterr);
        if (r >= 0)
                r = ingot_tree_walk(plan.tree, make_skeleton, &plan, reterr);
        const struct ingot_parallel job = {
                .threads = threads, .count = count, .work = make_files, .context = &plan};
        return r < 0 ? r : ingot_parallel_run(&job, reterr);
}
