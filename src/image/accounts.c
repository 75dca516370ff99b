/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Account files as lists of lines. */
#include "image/accounts.h"
#include "base/buffer.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FILE_SIZE_MAX ((size_t) 4 << 20)

static const struct {
        const char *path;
        uint16_t mode;
        uint32_t gid;
        unsigned id_field, member_field;
} files[INGOT_ACCOUNT_FILES] = {
        [INGOT_PASSWD] = {"etc/passwd", 0644, 0, 2, 0},
        [INGOT_GROUP] = {"etc/group", 0644, 0, 2, 3},
        [INGOT_SHADOW] = {"etc/shadow", 0640, 42, 0, 0},
        [INGOT_GSHADOW] = {"etc/gshadow", 0640, 42, 0, 3},
};

void ingot_accounts_done(struct ingot_accounts *a)
{
        for (size_t i = 0; i < INGOT_ACCOUNT_FILES; i++)
                ingot_strings_done(a->files + i);
}

static int load_file(const struct ingot_tree *tree, const char *path, struct ingot_strings *ret,
                     ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        const struct ingot_inode *inode = ingot_tree_resolve(tree, path);
        if (!inode)
                return 0;
        int r = ingot_inode_read(inode, FILE_SIZE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        if (memchr(data, 0, size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a NUL in a text file");
        return ingot_strings_split(ret, (const char *) data, "\n", reterr);
}

int ingot_accounts_load(const struct ingot_tree *tree, struct ingot_accounts *ret,
                        ingot_error *reterr)
{
        _cleanup_accounts_ struct ingot_accounts a = {0};
        for (size_t i = 0; i < INGOT_ACCOUNT_FILES; i++) {
                int r = load_file(tree, files[i].path, a.files + i, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", files[i].path);
        }
        *ret = a;
        a = (struct ingot_accounts){0};
        return 0;
}

static int store_file(const struct ingot_strings *lines, struct ingot_tree *tree, size_t file,
                      int64_t mtime, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = 0;
        for (size_t i = 0; i < lines->count && r >= 0; i++)
                r = ingot_buffer_printf(&text, reterr, "%s\n", lines->items[i]);
        if (r < 0)
                return r;
        struct ingot_inode *inode = ingot_tree_resolve(tree, files[file].path);
        if (!inode) {
                if (text.size == 0)
                        return 0;
                r = ingot_tree_put_bytes(tree, files[file].path, files[file].mode, mtime, text.data,
                                         text.size, reterr);
                if (r >= 0)
                        ingot_tree_resolve(tree, files[file].path)->gid = files[file].gid;
                return r;
        }
        inode->mtime = mtime;
        inode->mtime_nsec = 0;
        return ingot_inode_set_bytes(inode, text.data, text.size, reterr);
}

int ingot_accounts_store(const struct ingot_accounts *a, struct ingot_tree *tree, int64_t mtime,
                         ingot_error *reterr)
{
        for (size_t i = 0; i < INGOT_ACCOUNT_FILES; i++) {
                int r = store_file(a->files + i, tree, i, mtime, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", files[i].path);
        }
        return 0;
}

int ingot_account_split(const char *line, struct ingot_strings *ret, ingot_error *reterr)
{
        for (;;) {
                size_t n = strcspn(line, ":");
                int r = ingot_strings_add_n(ret, line, n, reterr);
                if (r < 0 || !line[n])
                        return r;
                line += n + 1;
        }
}

/* Field N of a line and its length, or NULL. */
static const char *field(const char *line, unsigned n, size_t *length)
{
        for (; n > 0; n--) {
                line = strchr(line, ':');
                if (!line)
                        return NULL;
                line++;
        }
        *length = strcspn(line, ":");
        return line;
}

static char **find(const struct ingot_accounts *a, enum ingot_account_file file, const char *name)
{
        size_t n = strlen(name);
        for (size_t i = 0; i < a->files[file].count; i++)
                if (strncmp(a->files[file].items[i], name, n) == 0 &&
                    a->files[file].items[i][n] == ':')
                        return a->files[file].items + i;
        return NULL;
}

const char *ingot_accounts_find(const struct ingot_accounts *a, enum ingot_account_file file,
                                const char *name)
{
        char **line = find(a, file, name);
        return line ? *line : NULL;
}

static const char *find_id(const struct ingot_accounts *a, enum ingot_account_file file,
                           uint32_t id)
{
        for (size_t i = 0; i < a->files[file].count; i++) {
                char text[24];
                size_t n, m = (size_t) snprintf(text, sizeof(text), "%" PRIu32, id);
                const char *f = field(a->files[file].items[i], files[file].id_field, &n);
                if (f && n == m && memcmp(f, text, n) == 0)
                        return a->files[file].items[i];
        }
        return NULL;
}

int ingot_accounts_name(const struct ingot_accounts *a, enum ingot_account_file file, uint32_t id,
                        char **ret, ingot_error *reterr)
{
        const char *line = find_id(a, file, id);
        *ret = NULL;
        return line ? ingot_format(ret, reterr, "%.*s", (int) strcspn(line, ":"), line) : 0;
}

bool ingot_accounts_id_taken(const struct ingot_accounts *a, enum ingot_account_file file,
                             uint32_t id)
{
        return find_id(a, file, id) != NULL;
}

int ingot_accounts_add(struct ingot_accounts *a, enum ingot_account_file file, const char *line,
                       ingot_error *reterr)
{
        _cleanup_free_ char *name = strndup(line, strcspn(line, ":"));
        if (!name)
                return ingot_fail_nomem(reterr);
        if (find(a, file, name))
                return ingot_fail(reterr, INGOT_E_CONFLICT, "%s has '%s' already", files[file].path,
                                  name);
        return ingot_strings_add(a->files + file, line, reterr);
}

/* Replaces field N of *line. */
static int set_field(char **line, unsigned n, const char *value, ingot_error *reterr)
{
        size_t length;
        const char *at = field(*line, n, &length);
        char *changed;
        if (!at)
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.64s' has too few fields", *line);
        int r = ingot_format(&changed, reterr, "%.*s%s%s", (int) (at - *line), *line, value,
                             at + length);
        if (r < 0)
                return r;
        free(*line);
        *line = changed;
        return 0;
}

static bool has_member(const char *list, size_t size, const char *user)
{
        size_t n = strlen(user);
        for (const char *p = list; p <= list + size;) {
                size_t word = 0;
                while (p + word < list + size && p[word] != ',')
                        word++;
                if (word == n && memcmp(p, user, n) == 0)
                        return true;
                p += word + 1;
        }
        return false;
}

static int add_member(char **line, unsigned n, const char *user, ingot_error *reterr)
{
        size_t size;
        _cleanup_free_ char *members = NULL;
        const char *at = field(*line, n, &size);
        if (at && has_member(at, size, user))
                return 0;
        int r = ingot_format(&members, reterr, "%.*s%s%s", at ? (int) size : 0, at ? at : "",
                             at && size ? "," : "", user);
        return r < 0 ? r : set_field(line, n, members, reterr);
}

int ingot_accounts_add_member(struct ingot_accounts *a, const char *group, const char *user,
                              ingot_error *reterr)
{
        char **line = find(a, INGOT_GROUP, group), **shadow = find(a, INGOT_GSHADOW, group);
        if (!line)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no group '%s'", group);
        int r = add_member(line, files[INGOT_GROUP].member_field, user, reterr);
        if (r >= 0 && shadow)
                r = add_member(shadow, files[INGOT_GSHADOW].member_field, user, reterr);
        return r;
}

int ingot_accounts_set_password(struct ingot_accounts *a, const char *name, const char *hash,
                                ingot_error *reterr)
{
        char **line = find(a, INGOT_SHADOW, name);
        if (!line)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "etc/shadow has no '%s'", name);
        return set_field(line, 1, hash, reterr);
}

int ingot_accounts_set_changed(struct ingot_accounts *a, uint64_t days, ingot_error *reterr)
{
        char text[24];
        snprintf(text, sizeof(text), "%" PRIu64, days);
        for (size_t i = 0; i < a->files[INGOT_SHADOW].count; i++) {
                size_t size;
                const char *at = field(a->files[INGOT_SHADOW].items[i], 2, &size);
                if (!at || size == 0 || strcmp(text, "0") == 0)
                        continue;
                int r = set_field(a->files[INGOT_SHADOW].items + i, 2, text, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}
