/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Users: a line in each account file, and a home with skeleton and keys. */
#include "image/system-user.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "image/accounts.h"
#include "image/sysusers.h"

#include <inttypes.h>
#include <string.h>

#define USER_NAME_MAX 31
#define USER_UID_MAX 60000
#define SKELETON_FILE_MAX ((size_t) 16 << 20)
#define SECONDS_A_DAY 86400
#define CRYPT_ALPHABET                                                                             \
        "./$=,+-_*!0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int check_name(const char *name, ingot_error *reterr)
{
        size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
        if (!*name || name[n] || n > USER_NAME_MAX || strchr("0123456789-", name[0]))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "not a user's name: '%.64s' (a-z, 0-9, _ and -, at most %d)",
                                  name, USER_NAME_MAX);
        return 0;
}

/* A hash of crypt(5), or what locks an account. The text itself is not said: it is a secret. */
static int check_hash(const char *hash, ingot_error *reterr)
{
        bool locks = *hash == '!' || *hash == '*';
        bool hashed = (*hash == '$' && strchr(hash + 1, '$')) || strlen(hash) == 13;
        if ((!locks && !hashed) || hash[strspn(hash, CRYPT_ALPHABET)])
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "the password is no hash by crypt(5) (`mkpasswd` makes one)");
        return 0;
}

static int check_user(const struct ingot_tree *tree, const struct ingot_system_user *u,
                      ingot_error *reterr)
{
        int r = check_name(u->name, reterr);
        if (r >= 0 && u->password)
                r = check_hash(u->password, reterr);
        if (r < 0)
                return r;
        if (u->comment && strpbrk(u->comment, ":\n\r"))
                return ingot_fail(reterr, INGOT_E_USAGE, "':' in the comment");
        if (u->home && (u->home[0] != '/' || strpbrk(u->home, ":\n\r") || strstr(u->home, "/..")))
                return ingot_fail(reterr, INGOT_E_USAGE, "not a home: '%.100s'", u->home);
        if (u->shell && (u->shell[0] != '/' || strpbrk(u->shell, ":\n\r")))
                return ingot_fail(reterr, INGOT_E_USAGE, "not a shell: '%.100s'", u->shell);
        if (u->shell && !ingot_tree_resolve(tree, u->shell))
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "the tree has no shell %s", u->shell);
        if (u->uid >= 0 && (u->uid == 0 || u->uid > USER_UID_MAX))
                return ingot_fail(reterr, INGOT_E_USAGE, "uid %" PRId64 " is not from 1 to %d",
                                  u->uid, USER_UID_MAX);
        for (size_t i = 0; i < u->keys.count; i++)
                if (strpbrk(u->keys.items[i], "\n\r"))
                        return ingot_fail(reterr, INGOT_E_USAGE, "a key of more than one line");
        return 0;
}

static int choose_uid(const struct ingot_accounts *a, const struct ingot_system_user *u,
                      uint32_t *ret, ingot_error *reterr)
{
        if (u->uid >= 0) {
                *ret = (uint32_t) u->uid;
                if (ingot_accounts_id_taken(a, INGOT_PASSWD, *ret) ||
                    ingot_accounts_id_taken(a, INGOT_GROUP, *ret))
                        return ingot_fail(reterr, INGOT_E_CONFLICT,
                                          "id %" PRIu32 " is another user's or group's", *ret);
                return 0;
        }
        for (uint32_t id = INGOT_USER_UID_FIRST; id <= USER_UID_MAX; id++)
                if (!ingot_accounts_id_taken(a, INGOT_PASSWD, id) &&
                    !ingot_accounts_id_taken(a, INGOT_GROUP, id)) {
                        *ret = id;
                        return 0;
                }
        return ingot_fail(reterr, INGOT_E_SPACE, "no free user id");
}

static int add_accounts(struct ingot_accounts *a, const struct ingot_system_user *u, uint32_t uid,
                        const char *home, const char *shell, int64_t mtime, ingot_error *reterr)
{
        _cleanup_free_ char *passwd = NULL, *group = NULL, *shadow = NULL, *gshadow = NULL;
        int r = ingot_format(&passwd, reterr, "%s:x:%" PRIu32 ":%" PRIu32 ":%s:%s:%s", u->name, uid,
                             uid, u->comment ? u->comment : "", home, shell);
        if (r >= 0)
                r = ingot_format(&group, reterr, "%s:x:%" PRIu32 ":", u->name, uid);
        if (r >= 0)
                r = ingot_format(&shadow, reterr, "%s:%s:%" PRId64 ":0:99999:7:::", u->name,
                                 u->password ? u->password : "!*", mtime / SECONDS_A_DAY);
        if (r >= 0)
                r = ingot_format(&gshadow, reterr, "%s:!*::", u->name);
        if (r >= 0)
                r = ingot_accounts_add(a, INGOT_PASSWD, passwd, reterr);
        if (r >= 0)
                r = ingot_accounts_add(a, INGOT_GROUP, group, reterr);
        if (r >= 0)
                r = ingot_accounts_add(a, INGOT_SHADOW, shadow, reterr);
        if (r >= 0)
                r = ingot_accounts_add(a, INGOT_GSHADOW, gshadow, reterr);
        for (size_t i = 0; i < u->groups.count && r >= 0; i++)
                r = ingot_accounts_add_member(a, u->groups.items[i], u->name, reterr);
        return r;
}

struct owner {
        uint32_t uid, gid;
        int64_t mtime;
};

/* A directory with this mode and owner, made where it is not there. */
static int own_directory(struct ingot_tree *tree, const char *path, uint16_t mode,
                         const struct owner *o, ingot_error *reterr)
{
        struct ingot_inode *inode;
        int r = ingot_tree_make_directory(tree, path, o->mtime, &inode, reterr);
        if (r < 0)
                return r;
        inode->mode = mode;
        inode->uid = o->uid;
        inode->gid = o->gid;
        return 0;
}

/* Copies one entry of the skeleton, and what is below it. */
static int copy_skeleton(struct ingot_tree *tree, const struct ingot_inode *from, const char *path,
                         const struct owner *o, unsigned depth, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = 0;
        if (depth > INGOT_TREE_DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "etc/skel is too deep");
        if (from->type == INGOT_FILE_DIRECTORY) {
                if (depth > 0)
                        r = own_directory(tree, path, from->mode, o, reterr);
                for (size_t i = 0; i < from->entry_count && r >= 0; i++) {
                        _cleanup_free_ char *below = NULL;
                        r = ingot_format(&below, reterr, "%s/%s", path, from->entries[i].name);
                        if (r >= 0 && !ingot_tree_lookup(tree, below))
                                r = copy_skeleton(tree, from->entries[i].inode, below, o,
                                                  depth + 1, reterr);
                }
                return r;
        }
        if (from->type == INGOT_FILE_SYMLINK) {
                r = ingot_tree_put_symlink(tree, path, from->target, o->mtime, reterr);
        } else if (from->type == INGOT_FILE_REGULAR) {
                r = ingot_inode_read(from, SKELETON_FILE_MAX, &data, &size, reterr);
                if (r >= 0)
                        r = ingot_tree_put_bytes(tree, path, from->mode, o->mtime, data, size,
                                                 reterr);
        } else {
                return 0;
        }
        if (r < 0)
                return r;
        struct ingot_inode *inode = ingot_tree_lookup(tree, path);
        inode->uid = o->uid;
        inode->gid = o->gid;
        return 0;
}

static int put_keys(struct ingot_tree *tree, const char *home, const struct ingot_strings *keys,
                    const struct owner *o, ingot_error *reterr)
{
        _cleanup_free_ char *folder = NULL, *path = NULL;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        if (keys->count == 0)
                return 0;
        int r = ingot_format(&folder, reterr, "%s/.ssh", home);
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s/authorized_keys", folder);
        if (r >= 0)
                r = own_directory(tree, folder, 0700, o, reterr);
        for (size_t i = 0; i < keys->count && r >= 0; i++)
                r = ingot_buffer_printf(&text, reterr, "%s\n", keys->items[i]);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, path, 0600, o->mtime, text.data, text.size, reterr);
        if (r < 0)
                return r;
        struct ingot_inode *inode = ingot_tree_resolve(tree, path);
        inode->uid = o->uid;
        inode->gid = o->gid;
        return 0;
}

static int make_home(struct ingot_tree *tree, const struct ingot_system_user *u, const char *home,
                     const struct owner *o, ingot_error *reterr)
{
        const struct ingot_inode *skeleton = ingot_tree_resolve(tree, "etc/skel");
        int r = own_directory(tree, home, 0700, o, reterr);
        if (r >= 0 && skeleton && skeleton->type == INGOT_FILE_DIRECTORY)
                r = copy_skeleton(tree, skeleton, home, o, 0, reterr);
        return r < 0 ? r : put_keys(tree, home, &u->keys, o, reterr);
}

static int add_user(struct ingot_tree *tree, struct ingot_accounts *a,
                    const struct ingot_system_user *u, int64_t mtime, ingot_error *reterr)
{
        _cleanup_free_ char *home = NULL;
        const char *shell = u->shell;
        uint32_t uid = 0;
        int r = check_user(tree, u, reterr);
        if (r >= 0)
                r = choose_uid(a, u, &uid, reterr);
        if (r >= 0)
                r = u->home ? ingot_strdup(&home, u->home, reterr)
                            : ingot_format(&home, reterr, "/home/%s", u->name);
        if (r < 0)
                return r;
        if (!shell)
                shell = ingot_tree_resolve(tree, "bin/bash") ? "/bin/bash" : "/bin/sh";
        r = add_accounts(a, u, uid, home, shell, mtime, reterr);
        if (r < 0)
                return r;
        const struct owner o = {uid, uid, mtime};
        return make_home(tree, u, home, &o, reterr);
}

/* Root is locked unless there is a hash for it. */
static int set_root(struct ingot_tree *tree, struct ingot_accounts *a,
                    const struct ingot_system_options *options, int64_t mtime, ingot_error *reterr)
{
        const struct owner o = {0, 0, mtime};
        int r = options->root_password ? check_hash(options->root_password, reterr) : 0;
        if (r >= 0 && ingot_accounts_find(a, INGOT_SHADOW, "root"))
                r = ingot_accounts_set_password(
                        a, "root", options->root_password ? options->root_password : "!*", reterr);
        else if (r >= 0 && options->root_password)
                r = ingot_fail(reterr, INGOT_E_NOTFOUND, "etc/shadow has no root");
        if (r < 0)
                return ingot_under(reterr, r, "root's password");
        return put_keys(tree, "root", &options->root_keys, &o, reterr);
}

static int write_sysusers(struct ingot_tree *tree, const struct ingot_accounts *a,
                          const struct ingot_system_options *options, int64_t mtime,
                          ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = 0;
        if (options->user_count == 0)
                return 0;
        for (size_t i = 0; i < options->user_count && r >= 0; i++)
                r = ingot_strings_add(&names, options->users[i].name, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(&text, reterr,
                                        "# Made with the image: the users of its recipe, for a "
                                        "machine whose own passwd hides them.\n");
        if (r >= 0)
                r = ingot_sysusers_lines(tree, a, &names, &text, reterr);
        return r < 0 ? r
                     : ingot_tree_put_bytes(tree, "usr/lib/sysusers.d/ingot-users.conf", 0644,
                                            mtime, text.data, text.size, reterr);
}

int ingot_system_apply_users(struct ingot_tree *tree, const struct ingot_system_options *options,
                             int64_t mtime, ingot_error *reterr)
{
        _cleanup_accounts_ struct ingot_accounts a = {0};
        int r = ingot_accounts_load(tree, &a, reterr);
        if (r >= 0)
                r = set_root(tree, &a, options, mtime, reterr);
        for (size_t i = 0; i < options->user_count && r >= 0; i++) {
                r = add_user(tree, &a, options->users + i, mtime, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "user %.64s", options->users[i].name);
        }
        if (r >= 0)
                r = ingot_accounts_store(&a, tree, mtime, reterr);
        return r < 0 ? r : write_sysusers(tree, &a, options, mtime, reterr);
}
