/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Laying folders, archives and files over a tree, and removing from it. */
#include "image/source.h"
#include "base/cleanup.h"
#include "base/glob.h"
#include "image/tar.h"
#include "os/folder.h"

#include <string.h>

void ingot_source_done(struct ingot_source *s)
{
        free(s->from);
        free(s->target);
        *s = (struct ingot_source){0};
}

static bool parse_mode(const char *text, int *ret)
{
        int mode = 0;
        if (strlen(text) < 3 || strlen(text) > 4)
                return false;
        for (; *text; text++) {
                if (*text < '0' || *text > '7')
                        return false;
                mode = mode * 8 + (*text - '0');
        }
        *ret = mode;
        return true;
}

int ingot_source_parse(enum ingot_source_kind kind, const char *text, struct ingot_source *ret,
                       ingot_error *reterr)
{
        _cleanup_source_ struct ingot_source s = {.kind = kind, .mode = -1};
        int r = ingot_strdup(&s.from, text, reterr);
        if (r < 0)
                return r;
        char *colon = kind == INGOT_SOURCE_REMOVAL ? NULL : strchr(s.from, ':');
        if (colon) {
                *colon = 0;
                r = ingot_strdup(&s.target, colon + 1, reterr);
                if (r < 0)
                        return r;
        }
        char *mode = s.target ? strchr(s.target, ':') : NULL;
        if (mode) {
                *mode++ = 0;
                if (kind != INGOT_SOURCE_FILE || !parse_mode(mode, &s.mode))
                        return ingot_fail(reterr, INGOT_E_USAGE, "'%.200s': not a mode: '%.32s'",
                                          text, mode);
        }
        if (!*s.from || (s.target && s.target[0] != '/') ||
            (kind == INGOT_SOURCE_FILE && !s.target))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  kind == INGOT_SOURCE_FILE
                                          ? "'%.200s' is not SOURCE:/TARGET[:MODE]"
                                          : "'%.200s' is not SOURCE[:/TARGET]",
                                  text);
        *ret = s;
        s = (struct ingot_source){0};
        return 0;
}

int ingot_source_of_recipe(const struct ingot_recipe *recipe, enum ingot_source_kind kind,
                           const char *text, struct ingot_source *ret, ingot_error *reterr)
{
        _cleanup_source_ struct ingot_source s = {0};
        char *path = NULL;
        int r = ingot_source_parse(kind, text, &s, reterr);
        if (r >= 0 && kind != INGOT_SOURCE_REMOVAL) {
                r = ingot_recipe_path(recipe, s.from, &path, reterr);
                if (r >= 0) {
                        free(s.from);
                        s.from = path;
                }
        }
        if (r < 0)
                return r;
        *ret = s;
        s = (struct ingot_source){0};
        return 0;
}

/* Takes the last entry out of FROM; the name and, when that was its last entry, the inode are the
 * caller's. */
static struct ingot_entry take_entry(struct ingot_inode *from)
{
        struct ingot_entry e = from->entries[--from->entry_count];
        e.inode->links--;
        return e;
}

static void give_up(struct ingot_inode *inode)
{
        if (inode->links == 0)
                ingot_inode_free(inode);
}

/* What a source states about a directory goes to the one that is there. */
static int state_directory(struct ingot_inode *onto, const struct ingot_inode *from,
                           ingot_error *reterr)
{
        int r = 0;
        if (from->mark != INGOT_TAR_STATED)
                return 0;
        onto->mode = from->mode;
        onto->uid = from->uid;
        onto->gid = from->gid;
        onto->mtime = from->mtime;
        onto->mtime_nsec = from->mtime_nsec;
        for (size_t i = 0; i < from->xattr_count && r >= 0; i++)
                r = ingot_inode_set_xattr(onto, from->xattrs[i].name, from->xattrs[i].value,
                                          from->xattrs[i].size, reterr);
        return r;
}

static int lay(struct ingot_tree *tree, struct ingot_inode *onto, const char *path,
               struct ingot_inode *from, ingot_error *reterr);

/* The directory FROM under NAME; it is freed, or becomes part of the tree. */
static int lay_directory(struct ingot_tree *tree, struct ingot_inode *onto, const char *path,
                         const char *name, struct ingot_inode *from, ingot_error *reterr)
{
        _cleanup_(ingot_inode_free_p) struct ingot_inode *owned = from;
        if (!ingot_tree_entry(onto, name)) {
                int r = ingot_tree_link(onto, name, from, reterr);
                if (r >= 0)
                        TAKE_PTR(owned);
                return r;
        }
        struct ingot_inode *there = ingot_tree_resolve(tree, path);
        if (!there || there->type != INGOT_FILE_DIRECTORY)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "%s: a directory cannot replace what is there", path);
        int r = state_directory(there, from, reterr);
        return r < 0 ? r : lay(tree, there, path, from, reterr);
}

static int lay_entry(struct ingot_tree *tree, struct ingot_inode *onto, const char *path,
                     const char *name, struct ingot_inode *inode, ingot_error *reterr)
{
        if (inode->type == INGOT_FILE_DIRECTORY)
                return lay_directory(tree, onto, path, name, inode, reterr);
        const struct ingot_entry *there = ingot_tree_entry(onto, name);
        int r = 0;
        if (there && there->inode->type == INGOT_FILE_DIRECTORY)
                r = ingot_fail(reterr, INGOT_E_CONFLICT, "%s: a %s cannot replace a directory",
                               path, ingot_file_type_name(inode->type));
        else if (there)
                r = ingot_tree_unlink(onto, name, reterr);
        if (r >= 0)
                r = ingot_tree_link(onto, name, inode, reterr);
        if (r < 0)
                give_up(inode);
        return r;
}

/* Moves all that is in FROM to ONTO, whose path is PATH. */
static int lay(struct ingot_tree *tree, struct ingot_inode *onto, const char *path,
               struct ingot_inode *from, ingot_error *reterr)
{
        int r = 0;
        while (from->entry_count > 0 && r >= 0) {
                struct ingot_entry e = take_entry(from);
                _cleanup_free_ char *name = e.name, *below = NULL;
                r = ingot_format(&below, reterr, "%s%s%s", path, *path ? "/" : "", name);
                if (r >= 0)
                        r = lay_entry(tree, onto, below, name, e.inode, reterr);
                else
                        give_up(e.inode);
        }
        return r;
}

static int lay_tree(struct ingot_tree *tree, const struct ingot_source *s, struct ingot_tree *layer,
                    int64_t mtime, ingot_error *reterr)
{
        struct ingot_inode *onto;
        const char *target = s->target ? s->target : "";
        target += strspn(target, "/");
        int r = ingot_tree_make_directory(tree, target, mtime, &onto, reterr);
        return r < 0 ? r : lay(tree, onto, target, layer->root, reterr);
}

static struct ingot_folder_options load_options(const struct ingot_source *s,
                                                const struct ingot_source_options *o)
{
        return (struct ingot_folder_options){.normal_modes = !s->keep_modes, .mtime = o->mtime};
}

static int state_all(void *context, const char *path, struct ingot_inode *inode,
                     ingot_error *reterr)
{
        (void) context;
        (void) path;
        (void) reterr;
        inode->mark = INGOT_TAR_STATED;
        return 0;
}

static int apply_folder(struct ingot_tree *tree, const struct ingot_source *s,
                        const struct ingot_source_options *o, ingot_error *reterr)
{
        struct ingot_folder_options options = load_options(s, o);
        _cleanup_(ingot_tree_free_p) struct ingot_tree *layer = NULL;
        int r = ingot_folder_load(s->from, &options, &layer, reterr);
        if (r >= 0 && s->keep_modes)
                r = ingot_tree_walk(layer, state_all, NULL, reterr);
        if (r < 0)
                return r;
        return ingot_under(reterr, lay_tree(tree, s, layer, o->mtime, reterr), "%s", s->from);
}

static int apply_archive(struct ingot_tree *tree, const struct ingot_source *s,
                         const struct ingot_source_options *o, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *layer = NULL;
        int r = ingot_tar_load(s->from, o->spool, o->mtime, &layer, reterr);
        if (r < 0)
                return r;
        return ingot_under(reterr, lay_tree(tree, s, layer, o->mtime, reterr), "%s", s->from);
}

/* The folder and name that a file gets. */
static int place_file(struct ingot_tree *tree, const struct ingot_source *s, int64_t mtime,
                      struct ingot_inode **ret_folder, char **ret_name, ingot_error *reterr)
{
        const char *target = s->target;
        const struct ingot_inode *there = ingot_tree_resolve(tree, target);
        bool folder =
                ingot_ends_with(target, "/") || (there && there->type == INGOT_FILE_DIRECTORY);
        const char *slash = strrchr(target, '/'), *own = strrchr(s->from, '/');
        const char *name = folder ? (own ? own + 1 : s->from) : slash + 1;
        _cleanup_free_ char *parent =
                strndup(target, folder ? strlen(target) : (size_t) (slash - target));
        if (!parent)
                return ingot_fail_nomem(reterr);
        int r = ingot_tree_make_directory(tree, parent, mtime, ret_folder, reterr);
        return r < 0 ? r : ingot_strdup(ret_name, name, reterr);
}

static int apply_file(struct ingot_tree *tree, const struct ingot_source *s,
                      const struct ingot_source_options *o, ingot_error *reterr)
{
        struct ingot_folder_options options = load_options(s, o);
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        _cleanup_free_ char *name = NULL;
        struct ingot_inode *folder;
        int r = ingot_folder_load_file(s->from, &options, &inode, reterr);
        if (r < 0)
                return r;
        if (s->mode >= 0)
                inode->mode = (uint16_t) s->mode;
        r = place_file(tree, s, o->mtime, &folder, &name, reterr);
        if (r >= 0 && o->only_new && ingot_tree_entry(folder, name))
                r = ingot_fail(reterr, INGOT_E_CONFLICT, "something is there already");
        if (r >= 0)
                r = lay_entry(tree, folder, name, name, TAKE_PTR(inode), reterr);
        return ingot_under(reterr, r, "%s to %s", s->from, s->target);
}

struct removal {
        const char *pattern;
        struct ingot_strings found;
};

static int find_matching(void *context, const char *path, struct ingot_inode *inode,
                         ingot_error *reterr)
{
        struct removal *m = context;
        (void) inode;
        if (!ingot_glob_match(m->pattern, path))
                return 0;
        int r = ingot_strings_add(&m->found, path, reterr);
        return r < 0 ? r : 1;
}

struct listing {
        struct ingot_strings *removed;
        const char *top;
};

/* Adds what goes with a directory that is removed. */
static int list_below(void *context, const char *path, struct ingot_inode *inode,
                      ingot_error *reterr)
{
        struct listing *l = context;
        size_t n = strlen(l->top), p = strlen(path);
        size_t common = n < p ? n : p;
        if (strncmp(path, l->top, common) != 0)
                return 1;
        bool inside = p >= n && (path[n] == 0 || path[n] == '/');
        bool above = p < n && l->top[p] == '/';
        if (inside)
                return ingot_strings_add(l->removed, path, reterr);
        (void) inode;
        return above ? 0 : 1;
}

/* The path of a directory in its tree. */
static int path_of(const struct ingot_inode *directory, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_strdup(&path, "", reterr);
        for (const struct ingot_inode *at = directory; r >= 0 && at->parent != at; at = at->parent)
                for (size_t i = 0; i < at->parent->entry_count; i++)
                        if (at->parent->entries[i].inode == at) {
                                _cleanup_free_ char *below = TAKE_PTR(path);
                                r = ingot_format(&path, reterr, "%s%s%s",
                                                 at->parent->entries[i].name, *below ? "/" : "",
                                                 below);
                                break;
                        }
        if (r >= 0)
                *ret = TAKE_PTR(path);
        return r;
}

/* The pattern without links in its literal leading part, so that "/lib/x*" finds usr/lib/x1. */
static int canonical_pattern(const struct ingot_tree *tree, const char *text, char **ret,
                             ingot_error *reterr)
{
        text += strspn(text, "/");
        size_t length = ingot_glob_literal(text);
        const char *slash = memrchr(text, '/', length);
        if (!text[length]) /* all of it is literal: the last name may itself be a link */
                length = slash ? (size_t) (slash - text) : 0;
        _cleanup_free_ char *lead = strndup(text, length), *real = NULL;
        if (!lead)
                return ingot_fail_nomem(reterr);
        const struct ingot_inode *directory = ingot_tree_resolve(tree, lead);
        if (!directory || directory->type != INGOT_FILE_DIRECTORY)
                return ingot_strdup(ret, text, reterr);
        int r = path_of(directory, &real, reterr);
        const char *rest = text + length;
        rest += *rest == '/';
        return r < 0 ? r : ingot_format(ret, reterr, "%s%s%s", real, *real ? "/" : "", rest);
}

static int apply_removal(struct ingot_tree *tree, const struct ingot_source *s,
                         const struct ingot_source_options *o, ingot_error *reterr)
{
        _cleanup_free_ char *pattern = NULL;
        int r = canonical_pattern(tree, s->from, &pattern, reterr);
        if (r < 0)
                return r;
        if (!*pattern)
                return ingot_fail(reterr, INGOT_E_USAGE, "'%s' would remove everything", s->from);
        struct removal m = {.pattern = pattern};
        r = ingot_tree_walk(tree, find_matching, &m, reterr);
        if (r >= 0 && m.found.count == 0)
                ingot_warn(o->log, "nothing to remove matches '%s'", s->from);
        for (size_t i = 0; i < m.found.count && r >= 0; i++) {
                struct listing l = {o->removed, m.found.items[i]};
                if (o->removed)
                        r = ingot_tree_walk(tree, list_below, &l, reterr);
                if (r >= 0)
                        r = ingot_tree_remove(tree, m.found.items[i], reterr);
        }
        ingot_strings_done(&m.found);
        return r < 0 ? ingot_under(reterr, r, "remove %s", s->from) : 0;
}

int ingot_source_apply(struct ingot_tree *tree, const struct ingot_source *source,
                       const struct ingot_source_options *options, ingot_error *reterr)
{
        switch (source->kind) {
        case INGOT_SOURCE_FOLDER:
                return apply_folder(tree, source, options, reterr);
        case INGOT_SOURCE_ARCHIVE:
                return apply_archive(tree, source, options, reterr);
        case INGOT_SOURCE_FILE:
                return apply_file(tree, source, options, reterr);
        case INGOT_SOURCE_REMOVAL:
                return apply_removal(tree, source, options, reterr);
        }
        return ingot_fail(reterr, INGOT_E_INTERNAL, "an unknown kind of source");
}
