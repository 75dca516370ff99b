/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders of .pcrlock files. */
#include "measure/component-folder.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "measure/pcrlock-file.h"
#include "os/file.h"
#include "os/root.h"

#define FILE_SUFFIX ".pcrlock"
#define FOLDER_SUFFIX ".pcrlock.d"

const char *const ingot_component_folders[] = {"/etc/pcrlock.d",     "/run/pcrlock.d",
                                               "/var/lib/pcrlock.d", "/usr/local/lib/pcrlock.d",
                                               "/usr/lib/pcrlock.d", NULL};

struct reading {
        int root;
        const char *const *folders;
        struct ingot_components components;
        size_t records; /* of all of them */
};

static void reading_done(struct reading *r)
{
        ingot_close_p(&r->root);
        ingot_components_done(&r->components);
}

static int without_suffix(const char *name, const char *suffix, char **ret, ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%.*s", (int) (strlen(name) - strlen(suffix)), name);
}

/* VARIANT NULL: the component's own file. Takes *path. */
static int read_variant(struct reading *r, const char *id, const char *variant, char **path,
                        ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        struct ingot_variant *new;
        int e = ingot_root_read(r->root, *path, INGOT_PCRLOCK_FILE_SIZE_MAX, &text, reterr);
        if (e < 0)
                return e;
        e = ingot_components_add(&r->components, id, variant, &new, reterr);
        if (e >= 0)
                e = ingot_pcrlock_file_decode(ingot_buffer_span(&text), &new->records, reterr);
        if (e >= 0) {
                r->records += new->records.count;
                if (r->records > INGOT_RECORDS_MAX)
                        e = ingot_fail(reterr, INGOT_E_LIMIT, "more than %d measurements",
                                       INGOT_RECORDS_MAX);
        }
        if (e < 0)
                return ingot_under(reterr, e, "%s", *path);
        new->path = TAKE_PTR(*path);
        return 0;
}

/* NAME in FOLDER, if it is a variant of component ID; what is no file has no say. */
static int read_variant_name(struct reading *r, const char *id, const char *folder,
                             const char *name, struct ingot_strings *seen, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *variant = NULL;
        enum ingot_root_kind kind;
        if (!ingot_ends_with(name, FILE_SUFFIX) || ingot_strings_contains(seen, name))
                return 0;
        int e = ingot_format(&path, reterr, "%s/%s", folder, name);
        if (e >= 0)
                e = ingot_root_look(r->root, path, &kind, reterr);
        if (e < 0 || (kind != INGOT_ROOT_FILE && kind != INGOT_ROOT_EMPTY))
                return e;
        e = ingot_strings_add(seen, name, reterr);
        if (e < 0 || kind == INGOT_ROOT_EMPTY)
                return e;
        e = without_suffix(name, FILE_SUFFIX, &variant, reterr);
        return e < 0 ? e : read_variant(r, id, variant, &path, reterr);
}

/* The files NAME/VARIANT.pcrlock of all folders. */
static int read_variants(struct reading *r, const char *name, const char *id, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings seen = {0};
        int e = 0;
        for (size_t f = 0; e >= 0 && r->folders[f]; f++) {
                _cleanup_strings_ struct ingot_strings names = {0};
                _cleanup_free_ char *folder = NULL;
                e = ingot_format(&folder, reterr, "%s/%s", r->folders[f], name);
                if (e >= 0)
                        e = ingot_root_list(r->root, folder, &names, reterr);
                for (size_t i = 0; e >= 0 && i < names.count; i++)
                        e = read_variant_name(r, id, folder, names.items[i], &seen, reterr);
        }
        return e;
}

/* NAME in FOLDER, if it is what makes or masks a component. */
static int read_name(struct reading *r, const char *folder, const char *name,
                     struct ingot_strings *seen, ingot_error *reterr)
{
        bool many = ingot_ends_with(name, FOLDER_SUFFIX);
        _cleanup_free_ char *path = NULL, *id = NULL;
        enum ingot_root_kind kind;
        if ((!many && !ingot_ends_with(name, FILE_SUFFIX)) || ingot_strings_contains(seen, name))
                return 0;
        int e = ingot_format(&path, reterr, "%s/%s", folder, name);
        if (e >= 0)
                e = ingot_root_look(r->root, path, &kind, reterr);
        if (e < 0 || kind == INGOT_ROOT_ABSENT)
                return e;
        e = ingot_strings_add(seen, name, reterr);
        if (e < 0 || kind == INGOT_ROOT_MASK || kind == INGOT_ROOT_EMPTY)
                return e;
        e = without_suffix(name, many ? FOLDER_SUFFIX : FILE_SUFFIX, &id, reterr);
        if (e < 0)
                return e;
        return many ? read_variants(r, name, id, reterr) : read_variant(r, id, NULL, &path, reterr);
}

int ingot_components_read(const char *root, const char *const *folders,
                          struct ingot_components *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings seen = {0};
        _cleanup_(reading_done) struct reading r = {
                .root = -1, .folders = folders ? folders : ingot_component_folders};
        int e = ingot_root_open(root, &r.root, reterr);
        for (size_t f = 0; e >= 0 && r.folders[f]; f++) {
                _cleanup_strings_ struct ingot_strings names = {0};
                e = ingot_root_list(r.root, r.folders[f], &names, reterr);
                for (size_t i = 0; e >= 0 && i < names.count; i++)
                        e = read_name(&r, r.folders[f], names.items[i], &seen, reterr);
        }
        if (e < 0)
                return e;
        *ret = r.components;
        r.components = (struct ingot_components){0};
        return 0;
}

static int write_variant(const struct ingot_component *c, const struct ingot_variant *v,
                         const char *folder, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *parent = NULL, *path = NULL;
        int r = v->own ? ingot_strdup(&parent, folder, reterr)
                       : ingot_format(&parent, reterr, "%s/%s" FOLDER_SUFFIX, folder, c->id);
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s/%s" FILE_SUFFIX, parent, v->id);
        if (r >= 0)
                r = ingot_make_directories(parent, 0755, reterr);
        if (r >= 0)
                r = ingot_pcrlock_file_encode(&v->records, &text, reterr);
        return r < 0 ? r : ingot_outfile_put(path, text.data, text.size, 0644, reterr);
}

int ingot_components_write(const struct ingot_components *c, const char *folder,
                           ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < c->count; i++)
                for (size_t j = 0; r >= 0 && j < c->items[i].count; j++)
                        r = write_variant(c->items + i, c->items[i].variants + j, folder, reterr);
        return r;
}
