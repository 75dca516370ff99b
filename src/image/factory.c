/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of tmpfiles.d for /var. */
#include "image/factory.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "image/config-line.h"

#include <stdio.h>
#include <string.h>

struct emission {
        const struct ingot_accounts *accounts;
        struct ingot_strings taken; /* paths that tmpfiles.d of packages makes, sorted */
        struct ingot_buffer *out;
};

static const char *const shared[] = {
        "/var",          "/var/backups",     "/var/cache", "/var/home", "/var/lib",
        "/var/lib/misc", "/var/lib/systemd", "/var/local", "/var/log",  "/var/mail",
        "/var/opt",      "/var/spool",       "/var/srv",   "/var/tmp",  "/var/usrlocal",
};

static int note_line(void *context, const struct ingot_strings *words, ingot_error *reterr)
{
        struct ingot_strings *taken = context;
        if (words->count < 2 || !strchr("fFdDvqQpLcbC", words->items[0][0]))
                return 0;
        char *path = words->items[1];
        size_t n = strlen(path);
        while (n > 1 && path[n - 1] == '/')
                path[--n] = 0;
        return ingot_strings_add(taken, path, reterr);
}

static int compare(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool is_taken(const struct emission *e, const char *path)
{
        return e->taken.count > 0 &&
               bsearch(&path, e->taken.items, e->taken.count, sizeof(*e->taken.items), compare);
}

static bool is_shared(const char *path)
{
        for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
                if (strcmp(path, shared[i]) == 0)
                        return true;
        return ingot_starts_with(path, "/var/usrlocal/");
}

static bool holds_files(const struct ingot_inode *directory)
{
        for (size_t i = 0; i < directory->entry_count; i++) {
                const struct ingot_inode *inode = directory->entries[i].inode;
                if (inode->type != INGOT_FILE_DIRECTORY || holds_files(inode))
                        return true;
        }
        return false;
}

/* " :USER :GROUP", or without ':' for what has no such flag; names where there are names. */
static int append_owner(const struct emission *e, const struct ingot_inode *inode, const char *flag,
                        ingot_error *reterr)
{
        _cleanup_free_ char *user = NULL, *group = NULL;
        char uid[16], gid[16];
        snprintf(uid, sizeof(uid), "%u", inode->uid);
        snprintf(gid, sizeof(gid), "%u", inode->gid);
        int r = ingot_accounts_name(e->accounts, INGOT_PASSWD, inode->uid, &user, reterr);
        if (r >= 0)
                r = ingot_accounts_name(e->accounts, INGOT_GROUP, inode->gid, &group, reterr);
        if (r < 0)
                return r;
        return ingot_buffer_printf(e->out, reterr, " %s%04o %s%s %s%s -", flag, inode->mode, flag,
                                   user ? user : uid, flag, group ? group : gid);
}

static int start_line(const struct emission *e, const char *type, const char *path,
                      ingot_error *reterr)
{
        int r = ingot_buffer_printf(e->out, reterr, "%s ", type);
        return r < 0 ? r : ingot_config_word(e->out, path, reterr);
}

static int emit_directory(const struct emission *e, const char *path,
                          const struct ingot_inode *inode, ingot_error *reterr)
{
        int r = start_line(e, "d", path, reterr);
        if (r >= 0)
                r = append_owner(e, inode, ":", reterr);
        return r < 0 ? r : ingot_buffer_printf(e->out, reterr, " -\n");
}

static int emit_copy(const struct emission *e, const char *path, ingot_error *reterr)
{
        _cleanup_free_ char *source = NULL;
        int r = ingot_format(&source, reterr, "/usr/share/factory%s", path);
        if (r >= 0)
                r = start_line(e, "C", path, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(e->out, reterr, " - - - - ");
        if (r >= 0)
                r = ingot_config_word(e->out, source, reterr);
        return r < 0 ? r : ingot_buffer_printf(e->out, reterr, "\n");
}

static int emit_other(const struct emission *e, const char *path, const struct ingot_inode *inode,
                      ingot_error *reterr)
{
        int r;
        switch (inode->type) {
        case INGOT_FILE_REGULAR:
                return emit_copy(e, path, reterr);
        case INGOT_FILE_SYMLINK:
                r = start_line(e, "L", path, reterr);
                if (r >= 0)
                        r = ingot_buffer_printf(e->out, reterr, " - - - - ");
                if (r >= 0)
                        r = ingot_config_word(e->out, inode->target, reterr);
                return r < 0 ? r : ingot_buffer_printf(e->out, reterr, "\n");
        case INGOT_FILE_FIFO:
                r = start_line(e, "p", path, reterr);
                if (r >= 0)
                        r = append_owner(e, inode, "", reterr);
                return r < 0 ? r : ingot_buffer_printf(e->out, reterr, " -\n");
        case INGOT_FILE_CHARACTER:
        case INGOT_FILE_BLOCK:
                r = start_line(e, inode->type == INGOT_FILE_BLOCK ? "b" : "c", path, reterr);
                if (r >= 0)
                        r = append_owner(e, inode, "", reterr);
                return r < 0 ? r
                             : ingot_buffer_printf(e->out, reterr, " %u:%u\n", inode->major,
                                                   inode->minor);
        case INGOT_FILE_DIRECTORY:
        case INGOT_FILE_SOCKET:
                break; /* a socket is made by who listens on it */
        }
        return 0;
}

/* UNIT: a folder above is copied whole. */
static int emit(const struct emission *e, const char *path, const struct ingot_inode *inode,
                bool unit, unsigned depth, ingot_error *reterr)
{
        int r = 0;
        if (depth > INGOT_TREE_DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s: too deep", path);
        bool taken = is_taken(e, path);
        if (inode->type != INGOT_FILE_DIRECTORY)
                return unit || taken ? 0 : emit_other(e, path, inode, reterr);
        if (!taken && !unit && !is_shared(path) && holds_files(inode)) {
                unit = true;
                r = emit_copy(e, path, reterr);
        } else if (!taken) {
                r = emit_directory(e, path, inode, reterr);
        }
        for (size_t i = 0; i < inode->entry_count && r >= 0; i++) {
                _cleanup_free_ char *below = NULL;
                r = ingot_format(&below, reterr, "%s/%s", path, inode->entries[i].name);
                if (r >= 0)
                        r = emit(e, below, inode->entries[i].inode, unit, depth + 1, reterr);
        }
        return r;
}

int ingot_factory_lines(const struct ingot_tree *tree, const struct ingot_inode *var,
                        const struct ingot_accounts *accounts, struct ingot_buffer *out,
                        ingot_error *reterr)
{
        static const char *const folders[] = {"usr/lib/tmpfiles.d", "etc/tmpfiles.d"};
        struct emission e = {.accounts = accounts, .out = out};
        int r = 0;
        for (size_t i = 0; i < ARRAY_SIZE(folders) && r >= 0; i++)
                r = ingot_config_lines(tree, folders[i], note_line, &e.taken, reterr);
        ingot_strings_sort(&e.taken);
        if (r >= 0)
                r = emit(&e, "/var", var, false, 1, reterr);
        ingot_strings_done(&e.taken);
        return r;
}
