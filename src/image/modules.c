/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The closure: depth first from the wanted names, so that what is needed stands before. */
#include "image/modules.h"
#include "base/cleanup.h"
#include "format/module.h"
#include "image/expand.h"

#include <stdlib.h>

#define FILE_MAX ((size_t) 64 << 20)
#define LIST_MAX ((size_t) 16 << 20)
#define DEPTH_MAX 64

const char *const ingot_modules_default[] = {
        "virtio_pci", "virtio_blk", "virtio_scsi", "nvme",          "ahci",
        "sd_mod",     "tpm_crb",    "tpm_tis",     "efivarfs",      "-sha256_ssse3",
        "dm_verity",  "erofs",      "overlay",     "ext4",
};
const size_t ingot_modules_default_count = ARRAY_SIZE(ingot_modules_default);

/* A module file of the tree. */
struct candidate {
        char *name; /* normal: '_' for '-' */
        char *path; /* below the folder of the version */
        const struct ingot_inode *inode;
        bool visited;
        bool info_read;
        struct ingot_strings info;
};

struct closure {
        const struct ingot_modules_options *options;
        const struct ingot_tree *tree;
        struct candidate *candidates; /* sorted by name */
        size_t count, allocated;
        struct ingot_strings builtin;      /* names, sorted */
        struct ingot_strings builtin_info; /* "name.key=value" */
        struct ingot_modules *ret;
};

static void closure_done(struct closure *c)
{
        for (size_t i = 0; i < c->count; i++) {
                free(c->candidates[i].name);
                free(c->candidates[i].path);
                ingot_strings_done(&c->candidates[i].info);
        }
        free(c->candidates);
        ingot_strings_done(&c->builtin);
        ingot_strings_done(&c->builtin_info);
}

void ingot_modules_done(struct ingot_modules *m)
{
        for (size_t i = 0; i < m->count; i++) {
                free(m->items[i].name);
                free(m->items[i].path);
                free(m->items[i].data);
        }
        free(m->items);
        ingot_strings_done(&m->missing);
        *m = (struct ingot_modules){0};
}

/* The name of a module from its path or name: "kernel/crypto/sha256-ssse3.ko.xz" is
 * "sha256_ssse3"; NULL in *ret when a path is no module. */
static int name_of(const char *path, char **ret, ingot_error *reterr)
{
        const char *base = strrchr(path, '/');
        base = base ? base + 1 : path;
        const char *end = strstr(base, ".ko");
        int r = ingot_format(ret, reterr, "%.*s", (int) (end ? end - base : (long) strlen(base)),
                             base);
        for (char *p = r < 0 ? NULL : *ret; p && *p; p++)
                if (*p == '-')
                        *p = '_';
        return r;
}

static bool is_module_path(const char *path)
{
        return ingot_ends_with(path, ".ko") || ingot_ends_with(path, ".ko.xz") ||
               ingot_ends_with(path, ".ko.zst") || ingot_ends_with(path, ".ko.gz");
}

static int add_candidate(void *context, const char *path, struct ingot_inode *inode,
                         ingot_error *reterr)
{
        struct closure *c = context;
        _cleanup_free_ char *name = NULL, *copy = NULL;
        if (inode->type != INGOT_FILE_REGULAR || !is_module_path(path))
                return 0;
        int r = name_of(path, &name, reterr);
        if (r >= 0)
                r = ingot_strdup(&copy, path, reterr);
        if (r < 0)
                return r;
        if (c->count == c->allocated) {
                size_t room = c->allocated ? 2 * c->allocated : 1024;
                struct candidate *grown = realloc(c->candidates, room * sizeof(*grown));
                if (!grown)
                        return ingot_fail_nomem(reterr);
                c->candidates = grown;
                c->allocated = room;
        }
        c->candidates[c->count++] = (struct candidate){
                .name = TAKE_PTR(name), .path = TAKE_PTR(copy), .inode = inode};
        return 0;
}

/* Modules from outside ("updates/…", "extra/…") go before the kernel's own of the same name. */
static int compare_candidates(const void *x, const void *y)
{
        const struct candidate *a = x, *b = y;
        int order = strcmp(a->name, b->name);
        bool own_a = ingot_starts_with(a->path, "kernel/");
        bool own_b = ingot_starts_with(b->path, "kernel/");
        return order != 0 ? order : own_a != own_b ? own_a - own_b : strcmp(a->path, b->path);
}

/* The first of that name, or NULL. */
static struct candidate *find(const struct closure *c, const char *name)
{
        size_t low = 0, high = c->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (strcmp(c->candidates[middle].name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < c->count && strcmp(c->candidates[low].name, name) == 0 ? &c->candidates[low]
                                                                           : NULL;
}

static struct ingot_inode *version_folder(const struct ingot_tree *tree, const char *version,
                                          ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        if (ingot_format(&path, reterr, "usr/lib/modules/%s", version) < 0)
                return NULL;
        struct ingot_inode *folder = ingot_tree_resolve(tree, path);
        if (!folder)
                folder = ingot_tree_resolve(tree, path + strlen("usr/"));
        if (!folder || folder->type != INGOT_FILE_DIRECTORY)
                ingot_fail(reterr, INGOT_E_NOTFOUND, "no kernel modules in %s", path);
        return folder && folder->type == INGOT_FILE_DIRECTORY ? folder : NULL;
}

/* What is built into the kernel; a tree without these files has all as modules. */
static int read_builtin(struct closure *c, const struct ingot_inode *folder, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL, *info = NULL;
        _cleanup_strings_ struct ingot_strings lines = {0};
        size_t size;
        int r = 0;
        const struct ingot_entry *list = ingot_tree_entry(folder, "modules.builtin");
        const struct ingot_entry *infos = ingot_tree_entry(folder, "modules.builtin.modinfo");
        if (list)
                r = ingot_inode_read(list->inode, LIST_MAX, &text, &size, reterr);
        if (r >= 0 && text)
                r = ingot_strings_split(&lines, (const char *) text, "\n", reterr);
        for (size_t i = 0; r >= 0 && i < lines.count; i++) {
                _cleanup_free_ char *name = NULL;
                r = name_of(lines.items[i], &name, reterr);
                if (r >= 0)
                        r = ingot_strings_add(&c->builtin, name, reterr);
        }
        if (r >= 0 && infos)
                r = ingot_inode_read(infos->inode, LIST_MAX, &info, &size, reterr);
        if (r >= 0 && info)
                r = ingot_module_info_split(INGOT_SPAN(info, size), &c->builtin_info, reterr);
        return r;
}

/* Is it built in, by its name or (alias) by what it provides? */
static bool is_builtin(const struct closure *c, const char *name)
{
        if (ingot_strings_contains(&c->builtin, name))
                return true;
        for (size_t i = 0; i < c->builtin_info.count; i++) {
                const char *alias = strstr(c->builtin_info.items[i], ".alias=");
                if (alias && strcmp(alias + strlen(".alias="), name) == 0)
                        return true;
        }
        return false;
}

static int expand_inode(const struct ingot_inode *inode, const char *path, uint8_t **ret,
                        size_t *ret_size, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_buffer_ struct ingot_buffer expanded = {0};
        size_t size;
        int r = ingot_inode_read(inode, FILE_MAX, &data, &size, reterr);
        if (r >= 0)
                r = ingot_expand(INGOT_SPAN(data, size), FILE_MAX, &expanded, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        *ret_size = expanded.size;
        *ret = ingot_buffer_take(&expanded);
        return 0;
}

static int read_info(struct candidate *m, uint8_t **ret, size_t *ret_size, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = expand_inode(m->inode, m->path, &data, &size, reterr);
        if (r >= 0 && !m->info_read)
                r = ingot_under(reterr, ingot_module_info(INGOT_SPAN(data, size), &m->info, reterr),
                                "%s", m->path);
        if (r < 0)
                return r;
        m->info_read = true;
        if (ret) {
                *ret = TAKE_PTR(data);
                *ret_size = size;
        }
        return 0;
}

static int add_item(struct ingot_modules *m, const char *name, char *path, uint8_t *data,
                    size_t size, ingot_error *reterr)
{
        _cleanup_free_ char *owned_path = path, *owned_name = NULL;
        _cleanup_free_ uint8_t *owned_data = data;
        int r = name ? ingot_strdup(&owned_name, name, reterr) : 0;
        if (r < 0)
                return r;
        if (m->count == m->allocated) {
                size_t room = m->allocated ? 2 * m->allocated : 64;
                struct ingot_module *grown = realloc(m->items, room * sizeof(*grown));
                if (!grown)
                        return ingot_fail_nomem(reterr);
                m->items = grown;
                m->allocated = room;
        }
        m->items[m->count++] = (struct ingot_module){.name = TAKE_PTR(owned_name),
                                                     .path = TAKE_PTR(owned_path),
                                                     .data = TAKE_PTR(owned_data),
                                                     .size = size};
        return 0;
}

static int visit_name(struct closure *c, const char *name, bool hard, unsigned depth,
                      ingot_error *reterr);

/* The words of "KEY=…" among the module's strings: dependencies, "hard" or soft. */
static int visit_list(struct closure *c, const struct candidate *m, const char *key, bool hard,
                      unsigned depth, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->info.count; i++) {
                _cleanup_strings_ struct ingot_strings words = {0};
                if (!ingot_starts_with(m->info.items[i], key))
                        continue;
                r = ingot_strings_split(&words, m->info.items[i] + strlen(key), ", ", reterr);
                for (size_t k = 0; r >= 0 && k < words.count; k++)
                        r = visit_name(c, words.items[k], hard, depth + 1, reterr);
        }
        return ingot_under(reterr, r, "%s", m->name);
}

/* "softdep=pre: a b post: c": the words behind PART. */
static int visit_soft(struct closure *c, const struct candidate *m, const char *part,
                      unsigned depth, ingot_error *reterr)
{
        static const char key[] = "softdep=";
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->info.count; i++) {
                _cleanup_strings_ struct ingot_strings words = {0};
                bool inside = false;
                if (!ingot_starts_with(m->info.items[i], key))
                        continue;
                r = ingot_strings_split(&words, m->info.items[i] + strlen(key), " ", reterr);
                for (size_t k = 0; r >= 0 && k < words.count; k++) {
                        if (ingot_ends_with(words.items[k], ":"))
                                inside = strcmp(words.items[k], part) == 0;
                        else if (inside)
                                r = visit_name(c, words.items[k], false, depth + 1, reterr);
                }
        }
        return r;
}

static int visit(struct closure *c, struct candidate *m, unsigned depth, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        char *path = NULL;
        size_t size;
        if (m->visited)
                return 0;
        if (depth > DEPTH_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s: dependencies nest too deep", m->name);
        m->visited = true;
        int r = read_info(m, &data, &size, reterr);
        if (r >= 0)
                r = visit_soft(c, m, "pre:", depth, reterr);
        if (r >= 0)
                r = visit_list(c, m, "depends=", true, depth, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, "usr/lib/modules/%s/%.*s", c->options->version,
                                 (int) (strstr(m->path, ".ko") + 3 - m->path), m->path);
        if (r >= 0)
                r = add_item(c->ret, m->name, path, TAKE_PTR(data), size, reterr);
        return r < 0 ? r : visit_soft(c, m, "post:", depth, reterr);
}

/* Can a module at this path provide an algorithm? */
static bool provides_algorithms(const char *path)
{
        return ingot_starts_with(path, "kernel/crypto/") ||
               ingot_starts_with(path, "kernel/lib/") ||
               (ingot_starts_with(path, "kernel/arch/") && strstr(path, "/crypto/"));
}

/* Every module that has this alias, as modprobe would load them. 1 when there was one. */
static int visit_alias(struct closure *c, const char *name, unsigned depth, ingot_error *reterr)
{
        _cleanup_free_ char *wanted = NULL;
        bool found = false;
        int r = ingot_format(&wanted, reterr, "alias=%s", name);
        for (size_t i = 0; r >= 0 && i < c->count; i++) {
                struct candidate *m = &c->candidates[i];
                if (!provides_algorithms(m->path))
                        continue;
                if (!m->info_read)
                        r = read_info(m, NULL, NULL, reterr);
                if (r < 0 || !ingot_strings_contains(&m->info, wanted))
                        continue;
                found = true;
                r = visit(c, m, depth, reterr);
        }
        return r < 0 ? r : found;
}

/* 0: it is there, or not needed; a HARD name that is nowhere is NOTFOUND. */
static int visit_name(struct closure *c, const char *name, bool hard, unsigned depth,
                      ingot_error *reterr)
{
        _cleanup_free_ char *normal = NULL;
        int r = name_of(name, &normal, reterr);
        if (r < 0)
                return r;
        struct candidate *m = find(c, normal);
        if (m)
                return visit(c, m, depth, reterr);
        if (is_builtin(c, normal) || is_builtin(c, name))
                return 0;
        if (hard)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "no module %s in the tree, and it is not built into the kernel",
                                  name);
        r = visit_alias(c, name, depth, reterr);
        return r < 0 ? r : 0;
}

static int visit_wanted(struct closure *c, const char *wanted, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        bool optional = wanted[0] == '-';
        int r = name_of(wanted + optional, &name, reterr);
        if (r < 0)
                return r;
        if (find(c, name) || is_builtin(c, name) || (!optional && c->options->missing_is_error))
                return visit_name(c, name, true, 0, reterr);
        if (optional)
                return 0;
        ingot_warn(c->options->log, "initrd: kernel %s has no module %s", c->options->version,
                   name);
        return ingot_strings_add(&c->ret->missing, name, reterr);
}

static int add_firmware_file(struct closure *c, const char *name, ingot_error *reterr)
{
        static const char *const suffixes[] = {"", ".xz", ".zst"};
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                _cleanup_free_ char *path = NULL, *target = NULL;
                uint8_t *data;
                size_t size;
                int r = ingot_format(&path, reterr, "usr/lib/firmware/%s%s", name, suffixes[i]);
                if (r < 0)
                        return r;
                const struct ingot_inode *inode = ingot_tree_resolve(c->tree, path);
                if (!inode || inode->type != INGOT_FILE_REGULAR)
                        continue;
                for (size_t k = 0; k < c->ret->count; k++)
                        if (strcmp(c->ret->items[k].path + strlen("usr/lib/"),
                                   path + strlen("usr/lib/")) == 0)
                                return 0;
                r = ingot_format(&target, reterr, "usr/lib/firmware/%s", name);
                if (r >= 0)
                        r = expand_inode(inode, path, &data, &size, reterr);
                return r < 0 ? r
                             : add_item(c->ret, NULL, TAKE_PTR(target), data, size, reterr);
        }
        return 0;
}

/* Firmware that the image has; what it has not, its modules do without there too. */
static int add_firmware(struct closure *c, ingot_error *reterr)
{
        static const char key[] = "firmware=";
        int r = 0;
        for (size_t i = 0; r >= 0 && i < c->ret->module_count; i++) {
                const struct candidate *m = find(c, c->ret->items[i].name);
                for (size_t k = 0; r >= 0 && m && k < m->info.count; k++)
                        if (ingot_starts_with(m->info.items[k], key) &&
                            !strstr(m->info.items[k], ".."))
                                r = add_firmware_file(c, m->info.items[k] + strlen(key), reterr);
        }
        return r;
}

int ingot_modules_closure(const struct ingot_tree *tree, const struct ingot_modules_options *o,
                          struct ingot_modules *ret, ingot_error *reterr)
{
        _cleanup_modules_ struct ingot_modules m = {0};
        _cleanup_(closure_done) struct closure c = {.options = o, .tree = tree, .ret = &m};
        struct ingot_inode *folder = version_folder(tree, o->version, reterr);
        if (!folder)
                return -INGOT_E_NOTFOUND;
        const struct ingot_tree below = {.root = folder};
        int r = read_builtin(&c, folder, reterr);
        if (r >= 0)
                r = ingot_tree_walk(&below, add_candidate, &c, reterr);
        if (c.count > 0)
                qsort(c.candidates, c.count, sizeof(*c.candidates), compare_candidates);
        for (size_t i = 0; r >= 0 && i < o->wanted_count; i++)
                r = visit_wanted(&c, o->wanted[i], reterr);
        m.module_count = m.count;
        if (r >= 0)
                r = add_firmware(&c, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "modules of kernel %s", o->version);
        *ret = m;
        m = (struct ingot_modules){0};
        return 0;
}
