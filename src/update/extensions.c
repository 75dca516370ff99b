/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of the installed extensions: decided for all before one is touched. */
#include "update/extensions.h"
#include "base/cleanup.h"
#include "os/copy.h"
#include "os/file.h"
#include "os/root.h"
#include "update/fetch-file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static const char *const fate_names[] = {[INGOT_EXTENSION_STAYS] = "stays",
                                         [INGOT_EXTENSION_CARRIED] = "carried",
                                         [INGOT_EXTENSION_FETCHED] = "fetched",
                                         [INGOT_EXTENSION_DROPPED] = "dropped",
                                         [INGOT_EXTENSION_LOST] = "does not fit"};

const char *ingot_extension_fate_name(enum ingot_extension_fate fate)
{
        return fate_names[fate];
}

void ingot_extension_moves_done(struct ingot_extension_moves *m)
{
        for (size_t i = 0; i < m->count; i++)
                free(m->items[i].why);
        free(m->items);
        *m = (struct ingot_extension_moves){0};
}

static const struct ingot_release_extension *find_offer(const struct ingot_release *r,
                                                        const struct ingot_extension *x)
{
        for (size_t i = 0; i < r->extension_count; i++)
                if (r->extensions[i].kind == x->kind && strcmp(r->extensions[i].name, x->name) == 0)
                        return r->extensions + i;
        return NULL;
}

/* 1, and why: it does not fit, or cannot be judged. */
static int judge(const struct ingot_extension *x, const struct ingot_extension_os *os, char **why,
                 ingot_error *reterr)
{
        ingot_error bad;
        int r = 1;
        if (x->problem)
                return ingot_strdup(why, x->problem, reterr) < 0 ? -INGOT_E_NOMEM : 1;
        r = ingot_extension_fits(x->kind, ingot_buffer_span(&x->release), os, why, &bad);
        if (r == -INGOT_E_FORMAT)
                return ingot_strdup(why, bad.text, reterr) < 0 ? -INGOT_E_NOMEM : 1;
        return r < 0 ? ingot_fail_nomem(reterr) : r;
}

static int plan_one(struct ingot_extension_move *m, const struct ingot_release *release,
                    const struct ingot_extension_os *os, const struct ingot_strings *drop,
                    ingot_error *reterr)
{
        const struct ingot_extension *x = m->extension;
        const struct ingot_release_extension *offer = find_offer(release, x);
        int r = judge(x, os, &m->why, reterr);
        bool fits = r == 0;
        if (r < 0)
                return r;
        if (drop && ingot_strings_contains(drop, x->name))
                m->fate = INGOT_EXTENSION_DROPPED;
        else if (fits && !x->brought)
                m->fate = INGOT_EXTENSION_STAYS;
        else if (offer && !x->first)
                m->fate = INGOT_EXTENSION_FETCHED;
        else
                m->fate = fits ? INGOT_EXTENSION_CARRIED : INGOT_EXTENSION_LOST;
        if (m->fate == INGOT_EXTENSION_FETCHED)
                m->offer = offer;
        return 0;
}

static int check_drop(const struct ingot_extensions *x, const struct ingot_strings *drop,
                      ingot_error *reterr)
{
        for (size_t i = 0; drop && i < drop->count; i++) {
                bool found = false;
                for (size_t j = 0; j < x->count; j++)
                        found = found || strcmp(x->items[j].name, drop->items[i]) == 0;
                if (!found)
                        return ingot_fail(reterr, INGOT_E_USAGE,
                                          "--drop=%s: no extension of that name is installed",
                                          drop->items[i]);
        }
        return 0;
}

int ingot_extension_moves_plan(const struct ingot_extensions *extensions,
                               const struct ingot_release *release, const char *architecture,
                               const struct ingot_strings *drop, struct ingot_extension_moves *ret,
                               ingot_error *reterr)
{
        _cleanup_extension_moves_ struct ingot_extension_moves m = {0};
        const char *text = release->os_release ? release->os_release : "";
        const struct ingot_extension_os os = {.os_release = INGOT_SPAN(text, strlen(text)),
                                              .architecture = architecture};
        int r = check_drop(extensions, drop, reterr);
        m.items = calloc(extensions->count + 1, sizeof(*m.items));
        if (!m.items)
                return ingot_fail_nomem(reterr);
        for (; r >= 0 && m.count < extensions->count; m.count++) {
                m.items[m.count].extension = extensions->items + m.count;
                r = plan_one(m.items + m.count, release, &os, drop, reterr);
        }
        if (r < 0)
                return r;
        *ret = m;
        m = (struct ingot_extension_moves){0};
        return 0;
}

static int describe_lost(const struct ingot_extension_move *m, struct ingot_buffer *text,
                         ingot_error *reterr)
{
        const struct ingot_extension *x = m->extension;
        return ingot_buffer_printf(text, reterr, "%s%s %s (%s: %s)", text->size > 0 ? ", " : "",
                                   ingot_extension_kind_name(x->kind), x->name, x->path,
                                   m->why ? m->why : "it does not fit");
}

int ingot_extension_moves_check(const struct ingot_extension_moves *m, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        for (size_t i = 0; i < m->count; i++) {
                int r = m->items[i].fate == INGOT_EXTENSION_LOST
                                ? describe_lost(m->items + i, &text, reterr)
                                : 0;
                if (r < 0)
                        return r;
        }
        if (text.size == 0)
                return 0;
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "these extensions do not fit the new version, and the release has none "
                          "that do: %.*s; install ones that fit, or go on without them: "
                          "--drop=NAME",
                          (int) text.size, (const char *) text.data);
}

uint64_t ingot_extension_moves_size(const struct ingot_extension_moves *m)
{
        uint64_t size = 0;
        for (size_t i = 0; i < m->count; i++)
                if (m->items[i].offer)
                        size += m->items[i].offer->file.size;
        return size;
}

/* A copy of the one that the running version has. */
static int carry(const char *root, const struct ingot_extension *x, const char *path,
                 ingot_error *reterr)
{
        _cleanup_close_ int root_fd = -1;
        _cleanup_file_ struct ingot_file from = INGOT_FILE_NONE;
        _cleanup_outfile_ struct ingot_outfile to = INGOT_OUTFILE_NONE;
        int r = ingot_root_open(root, &root_fd, reterr);
        if (r >= 0)
                r = ingot_root_open_file(root_fd, x->path, &from, reterr);
        if (r >= 0)
                r = ingot_outfile_create(&to, path, 0644, reterr);
        if (r >= 0)
                r = ingot_copy_sparse(from.fd, 0, to.fd, 0, from.size, reterr);
        return r < 0 ? r : ingot_outfile_commit(&to, reterr);
}

static int move(const struct ingot_extension_move *m, const char *root, const char *version,
                const struct ingot_walk_options *options, ingot_error *reterr)
{
        const struct ingot_extension *x = m->extension;
        _cleanup_free_ char *folder = NULL, *path = NULL;
        int r = ingot_format(&folder, reterr, "%s" INGOT_EXTENSIONS_FOLDER "/%s/%s",
                             root ? root : "", version, ingot_extension_kind_name(x->kind));
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s/%s.raw", folder, x->name);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        if (r < 0)
                return r;
        if (m->fate == INGOT_EXTENSION_FETCHED)
                r = ingot_fetch_file(&m->offer->file, path, options, reterr);
        else
                r = carry(root, x, path, reterr);
        return ingot_under(reterr, r, "extension %s", x->name);
}

int ingot_extension_moves_run(const struct ingot_extension_moves *m, const char *root,
                              const char *version, const struct ingot_walk_options *options,
                              ingot_error *reterr)
{
        for (size_t i = 0; i < m->count; i++) {
                enum ingot_extension_fate fate = m->items[i].fate;
                if (fate != INGOT_EXTENSION_FETCHED && fate != INGOT_EXTENSION_CARRIED)
                        continue;
                int r = move(m->items + i, root, version, options, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int ingot_extensions_sweep(const char *root, const struct ingot_strings *keep, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings versions = {0};
        _cleanup_close_ int root_fd = -1, fd = -1;
        int r = ingot_root_open(root, &root_fd, reterr);
        if (r >= 0)
                r = ingot_root_open_folder(root_fd, INGOT_EXTENSIONS_FOLDER, &fd, reterr);
        if (r == -INGOT_E_NOTFOUND)
                return 0;
        if (r >= 0)
                r = ingot_list_directory(fd, ".", &versions, reterr);
        for (size_t i = 0; r >= 0 && i < versions.count; i++)
                if (!ingot_strings_contains(keep, versions.items[i]))
                        r = ingot_remove_tree(fd, versions.items[i], reterr);
        return r;
}
