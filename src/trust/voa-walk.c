/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths are texts without links; each component is looked at by itself, and a link's target is
 * located (all but its last component followed) before it is judged and settled.
 */
#include "trust/voa-walk.h"
#include "base/buffer.h"
#include "base/cleanup.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { LINKS_MAX = 40 };

static const char *const fault_names[INGOT_VOA_FAULT_COUNT] = {
        [INGOT_VOA_FAULT_NONE] = "none",
        [INGOT_VOA_FAULT_ABSENT] = "absent",
        [INGOT_VOA_FAULT_NAME] = "name",
        [INGOT_VOA_FAULT_OUTSIDE] = "outside",
        [INGOT_VOA_FAULT_UPWARD] = "upward",
        [INGOT_VOA_FAULT_EPHEMERAL] = "ephemeral",
        [INGOT_VOA_FAULT_EPHEMERAL_LINK] = "ephemeral-link",
        [INGOT_VOA_FAULT_RENAMED] = "renamed",
        [INGOT_VOA_FAULT_DANGLING] = "dangling",
        [INGOT_VOA_FAULT_LOOP] = "loop",
        [INGOT_VOA_FAULT_TYPE] = "type",
        [INGOT_VOA_FAULT_FOLDER_MASK] = "folder-mask",
        [INGOT_VOA_FAULT_MASK] = "mask",
        [INGOT_VOA_FAULT_MISPLACED_MASK] = "misplaced-mask",
        [INGOT_VOA_FAULT_REVOCATIONS_MASK] = "revocations-mask",
        [INGOT_VOA_FAULT_ANCHOR] = "anchor",
        [INGOT_VOA_FAULT_CONTENT] = "content",
        [INGOT_VOA_FAULT_FINGERPRINT] = "fingerprint",
        [INGOT_VOA_FAULT_UNSUPPORTED] = "unsupported",
};

const char *ingot_voa_fault_name(enum ingot_voa_fault fault)
{
        return fault_names[fault];
}

void ingot_voa_found_done(struct ingot_voa_found *f)
{
        free(f->where);
        free(f->detail);
        free(f->target);
        ingot_strings_done(&f->links);
        ingot_strings_done(&f->hops);
        *f = (struct ingot_voa_found){0};
}

/* One walk. A documented outcome > 0 of the functions below is "it has a fault". */
struct walk {
        const struct ingot_voa_walker *w;
        struct ingot_voa_found *found;
        struct ingot_strings
                *ways; /* finding the load paths themselves: links are noted, not judged */
        bool folder;   /* what is wanted in the end */
        unsigned links;
};

static int faulty(struct walk *k, enum ingot_voa_fault fault, const char *where, char **detail,
                  ingot_error *reterr)
{
        k->found->fault = fault;
        k->found->detail = TAKE_PTR(*detail);
        int r = ingot_strdup(&k->found->where, where, reterr);
        return r < 0 ? r : 1;
}

#define FAULTY(k, fault, where, reterr, ...)                                                       \
        __extension__({                                                                            \
                _cleanup_free_ char *detail_ = NULL;                                               \
                int r_ = ingot_format(&detail_, reterr, __VA_ARGS__);                              \
                r_ < 0 ? r_ : faulty(k, fault, where, &detail_, reterr);                           \
        })

/* PATH/NAME, whatever PATH is. */
static int join(char **ret, const char *path, const char *name, size_t size, ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%s/%.*s", path[1] ? path : "", (int) size, name);
}

/* Cuts the last component; the root stays. */
static void ascend(char *path)
{
        char *slash = strrchr(path, '/');
        slash[slash == path] = 0;
}

/* The next component in *ret and its size; false at the end. "." is passed over. */
static bool next_component(const char **rest, const char **ret, size_t *ret_size)
{
        do {
                *rest += strspn(*rest, "/");
                *ret = *rest;
                *ret_size = strcspn(*rest, "/");
                *rest += *ret_size;
        } while (*ret_size == 1 && **ret == '.');
        return *ret_size > 0;
}

static bool is_up(const char *component, size_t size)
{
        return size == 2 && memcmp(component, "..", 2) == 0;
}

static bool is_last(const char *rest)
{
        const char *component;
        size_t size;
        return !next_component(&rest, &component, &size);
}

int ingot_voa_walker_inside(const struct ingot_voa_walker *w, const char *path,
                            const char **ret_rest)
{
        int best = -1;
        size_t best_size = 0;
        for (size_t i = 0; i < w->paths->count; i++) {
                size_t n = w->folders[i] ? strlen(w->folders[i]) : 0;
                if (n <= best_size || strncmp(path, w->folders[i], n) != 0 || path[n] != '/')
                        continue;
                best = (int) i;
                best_size = n;
        }
        if (best >= 0 && ret_rest)
                *ret_rest = path + best_size + 1;
        return best;
}

static int settle(struct walk *k, const char *location, bool last, char **ret,
                  enum ingot_plain_kind *ret_kind, ingot_error *reterr);

/* TEXT from folder AT, all but its last component followed. The last one is as it stands. */
static int locate(struct walk *k, const char *at, const char *text, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        const char *component;
        size_t size;
        int r = ingot_strdup(&path, *text == '/' ? "/" : at, reterr);
        while (r == 0 && next_component(&text, &component, &size)) {
                _cleanup_free_ char *location = NULL, *folder = NULL;
                enum ingot_plain_kind kind;
                if (is_up(component, size)) {
                        ascend(path);
                        continue;
                }
                r = join(&location, path, component, size, reterr);
                if (r == 0 && !is_last(text)) {
                        r = settle(k, location, false, &folder, &kind, reterr);
                        if (r != 0)
                                return r;
                        if (kind != INGOT_PLAIN_FOLDER)
                                return FAULTY(k, INGOT_VOA_FAULT_ABSENT, location, reterr,
                                              "there is no folder %s", location);
                }
                free(path);
                path = folder ? TAKE_PTR(folder) : TAKE_PTR(location);
        }
        if (r == 0)
                *ret = TAKE_PTR(path);
        return r;
}

/* Does TEXT, seen from folder AT, spell /dev/null? No look at what is there: a system in a folder
 * has no devices. */
static bool spells_null(const char *at, const char *text)
{
        char path[PATH_MAX] = "";
        size_t n = 0;
        const char *parts[] = {*text == '/' ? "" : at, text}, *component;
        size_t size;
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                while (next_component(&parts[i], &component, &size)) {
                        if (is_up(component, size)) {
                                while (n > 0 && path[--n] != '/')
                                        ;
                        } else {
                                if (size + 2 > sizeof(path) - n)
                                        return false;
                                path[n++] = '/';
                                memcpy(path + n, component, size);
                                n += size;
                        }
                        path[n] = 0;
                }
        return strcmp(path, "/dev/null") == 0;
}

/* Is the last component of TEXT the name of the link? */
static bool keeps_name(const char *link, const char *text)
{
        size_t end = strlen(text), start;
        while (end > 0 && text[end - 1] == '/')
                end--;
        for (start = end; start > 0 && text[start - 1] != '/';)
                start--;
        const char *name = strrchr(link, '/') + 1;
        return strlen(name) == end - start && memcmp(name, text + start, end - start) == 0;
}

/* The rules that the link's own place and text decide. */
static int judge_link(struct walk *k, const char *link, const char *at, const char *text, bool last,
                      ingot_error *reterr)
{
        const struct ingot_voa_path *paths = k->w->paths->items;
        int inside = ingot_voa_walker_inside(k->w, link, NULL);
        if (inside < 0)
                return FAULTY(k, INGOT_VOA_FAULT_OUTSIDE, link, reterr,
                              "the link %s is in no load path", link);
        if (spells_null(at, text))
                return last && !k->folder
                               ? FAULTY(k, INGOT_VOA_FAULT_MASK, link, reterr, "it is a mask")
                               : FAULTY(k, INGOT_VOA_FAULT_FOLDER_MASK, link, reterr,
                                        "it is a folder, which cannot be masked");
        if (paths[inside].ephemeral)
                return FAULTY(k, INGOT_VOA_FAULT_EPHEMERAL_LINK, link, reterr,
                              "it is a link in %s, where only masks may be links",
                              paths[inside].path);
        if (!keeps_name(link, text))
                return FAULTY(k, INGOT_VOA_FAULT_RENAMED, link, reterr,
                              "it links to %s, which has another name", text);
        return 0;
}

/* The rules that the place of its target decides. */
static int judge_target(struct walk *k, const char *link, const char *target, ingot_error *reterr)
{
        const struct ingot_voa_path *paths = k->w->paths->items;
        int from = ingot_voa_walker_inside(k->w, link, NULL);
        int to = ingot_voa_walker_inside(k->w, target, NULL);
        if (to < 0)
                return FAULTY(k, INGOT_VOA_FAULT_OUTSIDE, link, reterr,
                              "it links to %s, which is in no load path", target);
        if (paths[to].ephemeral)
                return FAULTY(k, INGOT_VOA_FAULT_EPHEMERAL, link, reterr,
                              "it links to %s, which is gone with the next boot", target);
        if (to < from)
                return FAULTY(k, INGOT_VOA_FAULT_UPWARD, link, reterr,
                              "it links to %s, in a load path of higher priority", target);
        return 0;
}

static int note_link(struct walk *k, const char *link, const char *text, const char *target,
                     ingot_error *reterr)
{
        _cleanup_free_ char *line = NULL;
        int r = ingot_format(&line, reterr, "%s -> %s", link, text);
        if (r >= 0)
                r = ingot_strings_add(&k->found->links, line, reterr);
        return r < 0 ? r : ingot_strings_add(&k->found->hops, target, reterr);
}

static int dangle(struct walk *k, const char *link, const char *text, ingot_error *reterr)
{
        free(TAKE_PTR(k->found->where));
        free(TAKE_PTR(k->found->detail));
        return FAULTY(k, INGOT_VOA_FAULT_DANGLING, link, reterr, "it links to %s, where nothing is",
                      text);
}

static int follow(struct walk *k, const char *link, const char *text, bool last, char **ret,
                  enum ingot_plain_kind *ret_kind, ingot_error *reterr)
{
        _cleanup_free_ char *at = NULL, *target = NULL;
        bool way = k->ways || ingot_strings_contains(&k->w->ways, link);
        if (++k->links > LINKS_MAX)
                return FAULTY(k, INGOT_VOA_FAULT_LOOP, link, reterr, "its links have no end");
        int r = ingot_strdup(&at, link, reterr);
        if (r < 0)
                return r;
        ascend(at);
        r = k->ways ? ingot_strings_add(k->ways, link, reterr)
            : way   ? 0
                    : judge_link(k, link, at, text, last, reterr);
        if (r == 0)
                r = locate(k, at, text, &target, reterr);
        if (r == 0 && !way)
                r = judge_target(k, link, target, reterr);
        if (r == 0 && !way)
                r = note_link(k, link, text, target, reterr);
        if (r == 0)
                r = settle(k, target, last, ret, ret_kind, reterr);
        bool absent = r == 0 ? *ret_kind == INGOT_PLAIN_ABSENT
                             : r > 0 && k->found->fault == INGOT_VOA_FAULT_ABSENT;
        return absent && !way ? dangle(k, link, text, reterr) : r;
}

/* What stands at LOCATION in the end, and where. LAST: it is what the walk looks for. */
static int settle(struct walk *k, const char *location, bool last, char **ret,
                  enum ingot_plain_kind *ret_kind, ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        int r = ingot_plain_look(k->w->root, location, ret_kind, &text, reterr);
        if (r < 0)
                return r;
        if (*ret_kind == INGOT_PLAIN_LINK)
                return follow(k, location, text, last, ret, ret_kind, reterr);
        return ingot_strdup(ret, location, reterr);
}

/* Where a load path is, in w->folders; nothing when it is no folder. */
static int find_folder(struct ingot_voa_walker *w, size_t i, ingot_error *reterr)
{
        _cleanup_voa_found_ struct ingot_voa_found found = {0};
        struct walk k = {.w = w, .found = &found, .ways = &w->ways, .folder = true};
        _cleanup_free_ char *location = NULL, *folder = NULL;
        enum ingot_plain_kind kind;
        int r = locate(&k, "/", w->paths->items[i].path, &location, reterr);
        if (r == 0)
                r = settle(&k, location, true, &folder, &kind, reterr);
        if (r < 0)
                return r;
        if (r == 0 && kind == INGOT_PLAIN_FOLDER && strcmp(folder, "/") != 0)
                w->folders[i] = TAKE_PTR(folder);
        return 0;
}

int ingot_voa_walker_open(struct ingot_voa_walker *ret, const char *root,
                          const struct ingot_voa_paths *paths, ingot_error *reterr)
{
        _cleanup_voa_walker_ struct ingot_voa_walker w = {.root = -1, .paths = paths};
        w.folders = calloc(paths->count + 1, sizeof(*w.folders));
        if (!w.folders)
                return ingot_fail_nomem(reterr);
        int r = ingot_plain_open_root(root ? root : "/", &w.root, reterr);
        for (size_t i = 0; r == 0 && i < paths->count; i++) {
                r = find_folder(&w, i, reterr);
                /* Two names of one folder: the one of higher priority has it. */
                for (size_t j = 0; r == 0 && w.folders[i] && j < i; j++)
                        if (w.folders[j] && strcmp(w.folders[i], w.folders[j]) == 0)
                                free(TAKE_PTR(w.folders[i]));
        }
        if (r < 0)
                return r;
        *ret = w;
        w = INGOT_VOA_WALKER_NONE;
        return 0;
}

void ingot_voa_walker_close(struct ingot_voa_walker *w)
{
        for (size_t i = 0; w->folders && i < w->paths->count; i++)
                free(w->folders[i]);
        free(w->folders);
        ingot_strings_done(&w->ways);
        if (w->root >= 0)
                close(w->root);
        *w = INGOT_VOA_WALKER_NONE;
}

static int judge_kind(struct walk *k, const char *path, enum ingot_plain_kind kind,
                      ingot_error *reterr)
{
        if (kind == INGOT_PLAIN_ABSENT)
                return FAULTY(k, INGOT_VOA_FAULT_ABSENT, path, reterr, "nothing is there");
        if (kind == (k->folder ? INGOT_PLAIN_FOLDER : INGOT_PLAIN_FILE))
                return 0;
        return FAULTY(k, INGOT_VOA_FAULT_TYPE, path, reterr, "%s is no %s", path,
                      k->folder ? "folder" : "file");
}

int ingot_voa_walk(const struct ingot_voa_walker *w, size_t index, const char *rest, bool folder,
                   struct ingot_voa_found *ret, ingot_error *reterr)
{
        _cleanup_voa_found_ struct ingot_voa_found found = {0};
        _cleanup_free_ char *location = NULL, *target = NULL;
        struct walk k = {.w = w, .found = &found, .folder = folder};
        enum ingot_plain_kind kind = INGOT_PLAIN_ABSENT;
        int r = w->folders[index]
                        ? locate(&k, w->folders[index], rest, &location, reterr)
                        : FAULTY(&k, INGOT_VOA_FAULT_ABSENT, rest, reterr, "nothing is there");
        if (r == 0)
                r = settle(&k, location, true, &target, &kind, reterr);
        if (r == 0)
                r = judge_kind(&k, target, kind, reterr);
        if (r < 0)
                return r;
        if (r == 0)
                found.target = TAKE_PTR(target);
        *ret = found;
        found = (struct ingot_voa_found){0};
        return 0;
}
