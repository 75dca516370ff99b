/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folders of extensions, the first of which that has a name decides about it. */
#include "extension/installed.h"
#include "base/cleanup.h"
#include "format/version.h"
#include "os/root.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* In their order. */
static const struct place {
        enum ingot_extension_kind kind;
        const char *folder; /* but for those that an update brought */
        bool first, brought;
} places[] = {
        {INGOT_EXTENSION_SYSEXT, "/etc/extensions", true, false},
        {INGOT_EXTENSION_SYSEXT, NULL, false, true},
        {INGOT_EXTENSION_SYSEXT, "/var/lib/extensions", false, false},
        {INGOT_EXTENSION_CONFEXT, NULL, false, true},
        {INGOT_EXTENSION_CONFEXT, "/var/lib/confexts", false, false},
};

struct find {
        int root;
        const char *running;
        struct ingot_extensions *found;
        enum ingot_extension_kind kind; /* of the names: */
        struct ingot_strings names;     /* that were decided about, masked ones too */
};

void ingot_extensions_done(struct ingot_extensions *x)
{
        for (size_t i = 0; i < x->count; i++) {
                free(x->items[i].name);
                free(x->items[i].path);
                free(x->items[i].problem);
                ingot_buffer_done(&x->items[i].release);
        }
        free(x->items);
        *x = (struct ingot_extensions){0};
}

/* NAME of "NAME", "NAME.raw", "NAME.v", "NAME.raw.v"; false: the entry is none of these. */
static bool name_of(const char *entry, bool folder, char name[NAME_MAX + 1])
{
        size_t n = strlen(entry);
        if (n > NAME_MAX || *entry == '.')
                return false;
        memcpy(name, entry, n + 1);
        if (folder && n > 2 && strcmp(name + n - 2, ".v") == 0)
                name[n -= 2] = 0;
        else if (folder)
                return true;
        if (n > 4 && strcmp(name + n - 4, ".raw") == 0)
                name[n - 4] = 0;
        else
                return folder;
        return true;
}

/* The newest NAME_VERSION in a versioned folder (systemd.v(7)); *RET stays NULL when there is none.
 */
static int newest_of(int root, const char *folder, const char *name, bool raw, char **ret,
                     ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        const char *best = NULL;
        size_t n = strlen(name);
        int r = ingot_root_list(root, folder, &names, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < names.count; i++) {
                const char *e = names.items[i];
                if (strncmp(e, name, n) != 0 || e[n] != '_' || raw != ingot_ends_with(e, ".raw"))
                        continue;
                if (!best || ingot_version_compare(e + n + 1, best + n + 1) > 0)
                        best = e;
        }
        return best ? ingot_format(ret, reterr, "%s/%s", folder, best) : 0;
}

/* 1: it keeps images of its name in later places away, and is none itself. */
static int is_mask(int root, const char *path, enum ingot_root_kind what, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        if (what != INGOT_ROOT_FOLDER)
                return what == INGOT_ROOT_MASK || what == INGOT_ROOT_EMPTY;
        int r = ingot_root_list(root, path, &names, reterr);
        return r < 0 ? r : names.count == 0;
}

/* Takes over PATH. */
static int add(struct find *f, const struct place *p, const char *name, char *path,
               ingot_error *reterr)
{
        struct ingot_extensions *x = f->found;
        ingot_error why;
        struct ingot_extension *more = reallocarray(x->items, x->count + 1, sizeof(*more));
        if (!more) {
                free(path);
                return ingot_fail_nomem(reterr);
        }
        x->items = more;
        more += x->count++;
        *more = (struct ingot_extension){
                .kind = p->kind, .path = path, .brought = p->brought, .first = p->first};
        int r = ingot_strdup(&more->name, name, reterr);
        if (r < 0)
                return r;
        r = ingot_extension_read(p->kind, f->root, path, name, &more->release, &why);
        if (r == -INGOT_E_NOMEM)
                return ingot_fail_nomem(reterr);
        return r < 0 ? ingot_strdup(&more->problem, why.text, reterr) : 0;
}

/* One entry of a place. */
static int look_at(struct find *f, const struct place *p, const char *folder, const char *entry,
                   ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *picked = NULL;
        char name[NAME_MAX + 1];
        enum ingot_root_kind what;
        int r = ingot_format(&path, reterr, "%s/%s", folder, entry);
        if (r >= 0)
                r = ingot_root_look(f->root, path, &what, reterr);
        if (r < 0 || what == INGOT_ROOT_ABSENT || what == INGOT_ROOT_OTHER ||
            !name_of(entry, what == INGOT_ROOT_FOLDER, name) ||
            ingot_strings_contains(&f->names, name))
                return r;
        r = ingot_strings_add(&f->names, name, reterr);
        if (r >= 0)
                r = is_mask(f->root, path, what, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        if (what == INGOT_ROOT_FOLDER && ingot_ends_with(entry, ".v")) {
                r = newest_of(f->root, path, name, ingot_ends_with(entry, ".raw.v"), &picked,
                              reterr);
                return r < 0 || !picked ? r : add(f, p, name, TAKE_PTR(picked), reterr);
        }
        return add(f, p, name, TAKE_PTR(path), reterr);
}

static int look_in(struct find *f, const struct place *p, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings entries = {0};
        _cleanup_free_ char *folder = NULL;
        int r;
        if (p->brought && !f->running)
                return 0;
        if (p->brought)
                r = ingot_format(&folder, reterr, INGOT_EXTENSIONS_FOLDER "/%s/%s", f->running,
                                 ingot_extension_kind_name(p->kind));
        else
                r = ingot_strdup(&folder, p->folder, reterr);
        if (r >= 0)
                r = ingot_root_list(f->root, folder, &entries, reterr);
        for (size_t i = 0; r == 0 && i < entries.count; i++)
                r = look_at(f, p, folder, entries.items[i], reterr);
        return r < 0 ? r : 0;
}

static int compare(const void *a, const void *b)
{
        const struct ingot_extension *x = a, *y = b;
        return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind)
                                  : strcmp(x->name, y->name);
}

int ingot_extensions_find(int root, const char *running, struct ingot_extensions *ret,
                          ingot_error *reterr)
{
        _cleanup_extensions_ struct ingot_extensions found = {0};
        struct find f = {.root = root, .running = running, .found = &found};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(places); i++) {
                if (places[i].kind != f.kind)
                        ingot_strings_done(&f.names);
                f.kind = places[i].kind;
                r = look_in(&f, places + i, reterr);
        }
        ingot_strings_done(&f.names);
        if (r < 0)
                return ingot_under(reterr, r, "extensions");
        if (found.count > 1)
                qsort(found.items, found.count, sizeof(*found.items), compare);
        *ret = found;
        found = (struct ingot_extensions){0};
        return 0;
}
