/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tree that needs nothing but itself and an empty /var. */
#include "image/hermetic.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "image/accounts.h"
#include "image/factory.h"
#include "image/sysusers.h"
#include "image/unit.h"

#include <stdio.h>
#include <string.h>

#define TEXT_SIZE_MAX ((size_t) 1 << 20)
#define SECONDS_A_DAY 86400

/* Takes PATH's entry out of the tree, without freeing its inode; NULL when it is not there. */
static struct ingot_inode *detach(struct ingot_tree *tree, const char *path)
{
        const char *slash = strrchr(path, '/');
        char parent[256] = "";
        if (slash)
                snprintf(parent, sizeof(parent), "%.*s", (int) (slash - path), path);
        struct ingot_inode *directory = ingot_tree_resolve(tree, parent);
        struct ingot_entry *e = directory && directory->type == INGOT_FILE_DIRECTORY
                                        ? ingot_tree_entry(directory, slash ? slash + 1 : path)
                                        : NULL;
        if (!e)
                return NULL;
        struct ingot_inode *inode = e->inode;
        inode->links++; /* so that unlinking does not free it */
        ingot_tree_unlink(directory, slash ? slash + 1 : path, NULL);
        inode->links--;
        return inode;
}

/* Enters INODE at PATH; it is freed when that fails. */
static int attach(struct ingot_tree *tree, const char *path, struct ingot_inode *inode,
                  int64_t mtime, ingot_error *reterr)
{
        struct ingot_inode *directory;
        const char *slash = strrchr(path, '/');
        _cleanup_(ingot_inode_free_p) struct ingot_inode *owned = inode;
        _cleanup_free_ char *parent = strndup(path, slash ? (size_t) (slash - path) : 0);
        if (!parent)
                return ingot_fail_nomem(reterr);
        int r = ingot_tree_make_directory(tree, parent, mtime, &directory, reterr);
        if (r >= 0)
                r = ingot_tree_link(directory, slash ? slash + 1 : path, inode, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        TAKE_PTR(owned);
        return 0;
}

static int move_dpkg(struct ingot_tree *tree, int64_t mtime, ingot_error *reterr)
{
        const struct ingot_inode *there = ingot_tree_lookup(tree, "var/lib/dpkg");
        if (!there || there->type != INGOT_FILE_DIRECTORY)
                return 0;
        return attach(tree, "usr/lib/sysimage/dpkg", detach(tree, "var/lib/dpkg"), mtime, reterr);
}

static const struct {
        const char *path, *link, *place;
        uint16_t mode;
} moved[] = {
        {"home", "var/home", "var/home", 0755},
        {"root", "var/roothome", "var/roothome", 0700},
        {"srv", "var/srv", "var/srv", 0755},
        {"usr/local", "../var/usrlocal", "var/usrlocal", 0755},
};

/* /home and its like become links into /var. */
static int move_homes(struct ingot_tree *tree, int64_t mtime, ingot_error *reterr)
{
        for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
                struct ingot_inode *inode = ingot_tree_lookup(tree, moved[i].path);
                int r = 0;
                if (inode && inode->type == INGOT_FILE_SYMLINK)
                        continue;
                if (inode && inode->type != INGOT_FILE_DIRECTORY)
                        return ingot_fail(reterr, INGOT_E_CONFLICT, "%s is no directory",
                                          moved[i].path);
                if (inode)
                        inode = detach(tree, moved[i].path);
                else
                        r = ingot_inode_new(INGOT_FILE_DIRECTORY, moved[i].mode, &inode, reterr);
                if (r >= 0)
                        r = attach(tree, moved[i].place, inode, mtime, reterr);
                if (r >= 0)
                        r = ingot_tree_put_symlink(tree, moved[i].path, moved[i].link, mtime,
                                                   reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Where a path of a package's tmpfiles.d is now: 1 with *ret, 0 when it stays, 2 when it is one of
 * the links, which the factory's lines make. */
static int moved_path(const char *path, size_t size, char **ret, ingot_error *reterr)
{
        for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
                size_t n = strlen(moved[i].path);
                if (size < n + 1 || path[0] != '/' || strncmp(path + 1, moved[i].path, n) != 0)
                        continue;
                if (size == n + 1 || (size == n + 2 && path[n + 1] == '/'))
                        return 2;
                if (path[n + 1] != '/')
                        continue;
                int r = ingot_format(ret, reterr, "/%s%.*s", moved[i].place, (int) (size - n - 1),
                                     path + n + 1);
                return r < 0 ? r : 1;
        }
        return 0;
}

/* Appends one line of a tmpfiles.d file, changed where it must be; 1 when it was. */
static int move_line(const char *line, size_t size, struct ingot_buffer *out, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *text = strndup(line, size);
        if (!text)
                return ingot_fail_nomem(reterr);
        size_t type = strcspn(text, " \t"), at = type + strspn(text + type, " \t");
        size_t length = strcspn(text + at, " \t");
        int r = *text == '#' ? 0 : moved_path(text + at, length, &path, reterr), changed = r;
        if (r == 2)
                r = ingot_buffer_printf(out, reterr, "# %s\n", text);
        else if (r == 1)
                r = ingot_buffer_printf(out, reterr, "%.*s %s%s\n", (int) type, text, path,
                                        text + at + length);
        else if (r == 0)
                r = ingot_buffer_printf(out, reterr, "%s\n", text);
        return r < 0 ? r : changed > 0;
}

/* tmpfiles.d of packages that speak of /root and its like would find links there: a changed copy in
 * /etc takes the place of such a file. */
static int move_tmpfiles(struct ingot_tree *tree, int64_t mtime, ingot_error *reterr)
{
        const struct ingot_inode *folder = ingot_tree_resolve(tree, "usr/lib/tmpfiles.d");
        for (size_t i = 0; folder && i < folder->entry_count; i++) {
                const struct ingot_entry *e = folder->entries + i;
                _cleanup_free_ uint8_t *data = NULL;
                _cleanup_free_ char *path = NULL;
                _cleanup_buffer_ struct ingot_buffer out = {0};
                size_t size;
                bool changed = false;
                if (e->inode->type != INGOT_FILE_REGULAR || !ingot_ends_with(e->name, ".conf"))
                        continue;
                int r = ingot_format(&path, reterr, "etc/tmpfiles.d/%s", e->name);
                if (r >= 0 && ingot_tree_lookup(tree, path))
                        continue;
                r = r < 0 ? r : ingot_inode_read(e->inode, TEXT_SIZE_MAX, &data, &size, reterr);
                for (const char *p = (const char *) data; r >= 0 && *p;) {
                        size_t n = strcspn(p, "\n");
                        r = move_line(p, n, &out, reterr);
                        changed |= r > 0;
                        p += n + (p[n] == '\n');
                }
                if (r >= 0 && changed)
                        r = ingot_tree_put_bytes(tree, path, 0644, mtime, out.data, out.size,
                                                 reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "tmpfiles.d/%s", e->name);
        }
        return 0;
}

/* Mount points, and folders that live only at run time. */
static int make_mount_points(struct ingot_tree *tree, int64_t mtime, ingot_error *reterr)
{
        static const struct {
                const char *path;
                uint16_t mode;
                bool emptied;
        } points[] = {
                {"boot", 0755, false}, {"dev", 0755, true},    {"efi", 0755, false},
                {"etc", 0755, false},  {"media", 0755, false}, {"mnt", 0755, false},
                {"proc", 0555, true},  {"run", 0755, true},    {"sys", 0555, true},
                {"tmp", 01777, true},  {"var", 0755, false},
        };
        for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
                struct ingot_inode *inode;
                int r = ingot_tree_make_directory(tree, points[i].path, mtime, &inode, reterr);
                if (r < 0)
                        return r;
                if (!points[i].emptied)
                        continue;
                inode->mode = points[i].mode;
                inode->uid = inode->gid = 0;
                inode->mtime = mtime;
                while (inode->entry_count > 0)
                        ingot_tree_unlink(inode, inode->entries[inode->entry_count - 1].name, NULL);
        }
        return 0;
}

static int put_text(struct ingot_tree *tree, const char *path, const struct ingot_buffer *text,
                    int64_t mtime, ingot_error *reterr)
{
        return ingot_tree_put_bytes(tree, path, 0644, mtime, text->data, text->size, reterr);
}

/* /var goes to the factory, and an empty one takes its place. */
static int make_factory(struct ingot_tree *tree, const struct ingot_accounts *accounts,
                        int64_t mtime, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        struct ingot_inode *var = ingot_tree_lookup(tree, "var"), *fresh;
        bool has_dpkg = ingot_tree_lookup(tree, "usr/lib/sysimage/dpkg") != NULL;
        int r = ingot_buffer_printf(&text, reterr,
                                    "# Made with the image: what its packages have in /var, for a "
                                    "machine that has not.\n");
        if (r >= 0 && has_dpkg)
                r = ingot_buffer_printf(&text, reterr,
                                        "L+ /var/lib/dpkg - - - - /usr/lib/sysimage/dpkg\n");
        if (r >= 0)
                r = ingot_factory_lines(tree, var, accounts, &text, reterr);
        if (r < 0)
                return r;
        r = attach(tree, "usr/share/factory/var", detach(tree, "var"), mtime, reterr);
        if (r >= 0)
                r = ingot_tree_make_directory(tree, "var", mtime, &fresh, reterr);
        if (r >= 0)
                r = put_text(tree, "usr/lib/tmpfiles.d/ingot-factory-var.conf", &text, mtime,
                             reterr);
        return r;
}

static int make_sysusers(struct ingot_tree *tree, const struct ingot_accounts *accounts,
                         int64_t mtime, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_buffer_printf(&text, reterr,
                                    "# Made with the image: users of its packages, for a machine "
                                    "whose own passwd hides them.\n");
        if (r >= 0)
                r = ingot_sysusers_lines(tree, accounts, NULL, &text, reterr);
        if (r >= 0)
                r = put_text(tree, "usr/lib/sysusers.d/ingot-packages.conf", &text, mtime, reterr);
        return r;
}

/* A value of os-release(5) in quotes. */
static int append_release(struct ingot_buffer *out, const char *key, const char *value,
                          ingot_error *reterr)
{
        for (const char *p = value; *p; p++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+~^",
                            *p))
                        return ingot_fail(reterr, INGOT_E_USAGE, "%s cannot be '%.64s'", key,
                                          value);
        return ingot_buffer_printf(out, reterr, "%s=\"%s\"\n", key, value);
}

static int write_release(struct ingot_tree *tree, const struct ingot_hermetic_options *o,
                         ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_strings_ struct ingot_strings changed = {0};
        size_t size;
        struct ingot_inode *inode = ingot_tree_resolve(tree, "usr/lib/os-release");
        if (!inode)
                inode = ingot_tree_resolve(tree, "etc/os-release");
        if (!inode)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the tree has no os-release");
        int r = ingot_inode_read(inode, TEXT_SIZE_MAX, &data, &size, reterr);
        for (const char *p = (const char *) data; r >= 0 && *p;) {
                size_t n = strcspn(p, "\n");
                if (n > 0 && !ingot_starts_with(p, "IMAGE_ID=") &&
                    !ingot_starts_with(p, "IMAGE_VERSION="))
                        r = ingot_buffer_printf(&text, reterr, "%.*s\n", (int) n, p);
                p += n + (p[n] == '\n');
        }
        if (r >= 0 && o->image_id)
                r = append_release(&text, "IMAGE_ID", o->image_id, reterr);
        if (r >= 0 && o->image_version)
                r = append_release(&text, "IMAGE_VERSION", o->image_version, reterr);
        if (r >= 0)
                r = ingot_inode_set_bytes(inode, text.data, text.size, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "os-release");
        inode->mtime = o->mtime;
        inode->mtime_nsec = 0;
        r = ingot_strings_add(&changed, "usr/lib/os-release", reterr);
        return r < 0 ? r : ingot_dpkg_forget_digests(tree, &changed, o->mtime, reterr);
}

static int clamp(void *context, const char *path, struct ingot_inode *inode, ingot_error *reterr)
{
        const int64_t *mtime = context;
        (void) path;
        (void) reterr;
        if (inode->mtime < *mtime)
                return 0;
        inode->mtime = *mtime;
        inode->mtime_nsec = 0;
        return 0;
}

int ingot_hermetic_apply(struct ingot_tree *tree, const struct ingot_hermetic_options *options,
                         ingot_error *reterr)
{
        _cleanup_accounts_ struct ingot_accounts accounts = {0};
        int64_t mtime = options->mtime;
        int r = ingot_accounts_load(tree, &accounts, reterr);
        if (r >= 0)
                r = ingot_accounts_set_changed(&accounts, (uint64_t) mtime / SECONDS_A_DAY, reterr);
        if (r >= 0)
                r = ingot_accounts_store(&accounts, tree, mtime, reterr);
        if (r >= 0)
                r = move_dpkg(tree, mtime, reterr);
        if (r >= 0 && (options->image_id || options->image_version))
                r = write_release(tree, options, reterr);
        if (r >= 0)
                r = make_mount_points(tree, mtime, reterr);
        if (r >= 0)
                r = move_homes(tree, mtime, reterr);
        if (r >= 0)
                r = move_tmpfiles(tree, mtime, reterr);
        if (r >= 0)
                r = make_factory(tree, &accounts, mtime, reterr);
        if (r >= 0)
                r = make_sysusers(tree, &accounts, mtime, reterr);
        if (r >= 0 && ingot_tree_resolve(tree, "usr/lib/systemd"))
                r = ingot_unit_write_presets(tree, mtime, reterr);
        if (r >= 0)
                r = ingot_tree_walk(tree, clamp, &mtime, reterr);
        return r < 0 ? r : clamp(&mtime, "", tree->root, reterr);
}
