/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is to be installed: libsolv, told to choose as apt does. apt takes the first alternative of
 * an or-group where nothing else decides; libsolv forgets the order, so first alternatives are
 * favoured. What was locked is kept by weak jobs against every other version of it, which give way
 * only where something else needs another version.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/deb822.h"
#include "package/debian-pool.h"

#include <solv/queue.h>
#include <solv/solver.h>
#include <stdlib.h>

struct solving {
        const struct ingot_package_request *request;
        struct ingot_debian_pool *pool;
        Queue jobs;
};

static void add_job(struct solving *s, int how, Id what)
{
        queue_push2(&s->jobs, how, what);
}

static void install_names(struct solving *s, const Queue *names)
{
        for (int i = 0; i < names->count; i++)
                add_job(s, SOLVER_INSTALL | SOLVER_SOLVABLE_NAME, names->elements[i]);
}

static void favour_names(struct solving *s, const Queue *names)
{
        for (int i = 0; i < names->count; i++)
                add_job(s, SOLVER_FAVOR | SOLVER_SOLVABLE_NAME, names->elements[i]);
}

/* Is there a package of exactly that name (and relation)? */
static bool name_exists(Pool *pool, Id id)
{
        Id name = ISRELDEP(id) ? GETRELDEP(pool, id)->name : id;
        for (Id p, pp = pool_whatprovides(pool, id); (p = pool->whatprovidesdata[pp]); pp++)
                if (pool_id2solvable(pool, p)->name == name)
                        return true;
        return false;
}

static int compare_text(const void *a, const void *b)
{
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static int unknown(struct solving *s, const char *name, ingot_error *reterr)
{
        Pool *pool = s->pool->pool;
        _cleanup_free_ const char **names = calloc((size_t) pool->nsolvables + 1, sizeof(*names));
        size_t n = 0;
        if (!names)
                return ingot_fail_nomem(reterr);
        for (Id p = 2; p < pool->nsolvables; p++)
                if (pool_id2solvable(pool, p)->repo && pool_id2solvable(pool, p)->repo->appdata)
                        names[n++] = pool_id2str(pool, pool_id2solvable(pool, p)->name);
        qsort(names, n, sizeof(*names), compare_text);
        const char *near = ingot_nearest(name, names, n);
        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no source has a package \"%s\"%s%s%s", name,
                          near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* A name that is no package but is provided: good when one package alone provides it. */
static int ask_provided(struct solving *s, const char *name, Id id, ingot_error *reterr)
{
        Pool *pool = s->pool->pool;
        _cleanup_buffer_ struct ingot_buffer providers = {0};
        Id only = 0;
        size_t count = 0;
        int r = 0;
        for (Id p, pp = pool_whatprovides(pool, id); (p = pool->whatprovidesdata[pp]); pp++) {
                Id provider = pool_id2solvable(pool, p)->name;
                if (provider == only)
                        continue;
                only = provider;
                if (r >= 0 && ++count <= 8)
                        r = ingot_buffer_printf(&providers, reterr, "%s%s", count > 1 ? ", " : "",
                                                pool_id2str(pool, provider));
        }
        if (r < 0)
                return r;
        if (count == 0)
                return unknown(s, name, reterr);
        if (count > 1)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "\"%s\" is no package; ask for one that provides it: %s%s", name,
                                  (char *) providers.data, count > 8 ? ", …" : "");
        add_job(s, SOLVER_INSTALL | SOLVER_SOLVABLE_NAME, only);
        return 0;
}

/* "name" or "name=version". */
static int ask(struct solving *s, const char *text, ingot_error *reterr)
{
        Pool *pool = s->pool->pool;
        const char *equals = strchr(text, '=');
        size_t n = equals ? (size_t) (equals - text) : strlen(text);
        _cleanup_free_ char *name = strndup(text, n);
        if (!name)
                return ingot_fail_nomem(reterr);
        Id id = pool_str2id(pool, name, 0);
        if (n == 0 || !id)
                return unknown(s, name, reterr);
        if (!name_exists(pool, id))
                return ask_provided(s, name, id, reterr);
        if (equals) {
                id = pool_rel2id(pool, id, pool_str2id(pool, equals + 1, 1), REL_EQ, 1);
                if (!name_exists(pool, id))
                        return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                          "no source has version %s of package %s", equals + 1,
                                          name);
        }
        add_job(s, SOLVER_INSTALL | SOLVER_SOLVABLE_NAME, id);
        return 0;
}

/* Weak jobs against all versions of a name but the locked one, if that is still there. */
static void keep_locked(struct solving *s, const struct ingot_locked_package *locked)
{
        Pool *pool = s->pool->pool;
        Id name = pool_str2id(pool, locked->name, 0);
        Id evr = pool_str2id(pool, locked->version, 0);
        Id same = name && evr ? pool_rel2id(pool, name, evr, REL_EQ, 0) : 0;
        if (!same || !name_exists(pool, same))
                return;
        add_job(s, SOLVER_FAVOR | SOLVER_SOLVABLE_NAME, name);
        for (Id p, pp = pool_whatprovides(pool, name); (p = pool->whatprovidesdata[pp]); pp++) {
                const Solvable *x = pool_id2solvable(pool, p);
                if (x->name == name && x->evr != evr)
                        add_job(s, SOLVER_ERASE | SOLVER_SOLVABLE | SOLVER_WEAK, p);
        }
}

static int check_upgrades(struct solving *s, ingot_error *reterr)
{
        const struct ingot_strings *names = s->request->upgrade;
        for (size_t i = 0; names && i < names->count; i++) {
                Id id = pool_str2id(s->pool->pool, names->items[i], 0);
                if (!id || !name_exists(s->pool->pool, id))
                        return unknown(s, names->items[i], reterr);
        }
        return 0;
}

static int add_jobs(struct solving *s, ingot_error *reterr)
{
        const struct ingot_package_request *request = s->request;
        const struct ingot_lock *current = request->upgrade_all ? NULL : request->current;
        if (request->base != INGOT_PACKAGE_BASE_NONE)
                install_names(s, &s->pool->essential);
        if (request->base == INGOT_PACKAGE_BASE_REQUIRED)
                install_names(s, &s->pool->required);
        int r = check_upgrades(s, reterr);
        for (size_t i = 0; r >= 0 && i < request->packages.count; i++)
                r = ask(s, request->packages.items[i], reterr);
        if (r < 0)
                return r;
        for (int i = 0; i < s->pool->assumed.count; i++)
                add_job(s, SOLVER_INSTALL | SOLVER_SOLVABLE, s->pool->assumed.elements[i]);
        for (int i = 0; i < s->pool->firsts.count; i++)
                add_job(s, SOLVER_FAVOR | SOLVER_SOLVABLE_PROVIDES, s->pool->firsts.elements[i]);
        favour_names(s, &s->pool->required);
        favour_names(s, &s->pool->standard);
        for (size_t i = 0; current && i < current->count; i++)
                if (!request->upgrade ||
                    !ingot_strings_contains(request->upgrade, current->packages[i].name))
                        keep_locked(s, &current->packages[i]);
        return 0;
}

static int take_text(struct ingot_span value, char **ret, ingot_error *reterr)
{
        free(*ret);
        *ret = NULL;
        return ingot_format(ret, reterr, "%.*s", (int) value.size, (const char *) value.data);
}

/* What the lock needs of a package's paragraph. */
static int read_paragraph(struct ingot_span text, struct ingot_locked_package *ret,
                          ingot_error *reterr)
{
        struct ingot_deb822 d = ingot_deb822_over(text);
        struct ingot_deb822_field f;
        _cleanup_free_ char *size = NULL, *sha256 = NULL;
        int r = ingot_deb822_paragraph(&d, reterr);
        while (r >= 0 && (r = ingot_deb822_field(&d, &f, reterr)) > 0) {
                if (ingot_deb822_is(&f, "Package"))
                        r = take_text(f.value, &ret->name, reterr);
                else if (ingot_deb822_is(&f, "Version"))
                        r = take_text(f.value, &ret->version, reterr);
                else if (ingot_deb822_is(&f, "Architecture"))
                        r = take_text(f.value, &ret->architecture, reterr);
                else if (ingot_deb822_is(&f, "Filename"))
                        r = take_text(f.value, &ret->path, reterr);
                else if (ingot_deb822_is(&f, "Size"))
                        r = take_text(f.value, &size, reterr);
                else if (ingot_deb822_is(&f, "SHA256"))
                        r = take_text(f.value, &sha256, reterr);
        }
        if (r < 0)
                return r;
        if (!ret->path || !size || !ingot_parse_u64(size, &ret->size) || !sha256 ||
            !ingot_unhex(ret->sha256, sizeof(ret->sha256), sha256))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "package %s has no valid Filename, Size and SHA256", ret->name);
        return 0;
}

static int lock_package(struct solving *s, Id id, struct ingot_lock *lock, ingot_error *reterr)
{
        const Solvable *x = pool_id2solvable(s->pool->pool, id);
        const struct ingot_debian_index *index = x->repo->appdata;
        size_t offset = s->pool->offsets[id];
        struct ingot_locked_package p = {.source = index->source};
        int r = read_paragraph(INGOT_SPAN(index->text.data + offset, index->text.size - offset), &p,
                               reterr);
        if (r >= 0)
                r = ingot_lock_add(lock, &p, reterr);
        free(p.name);
        free(p.version);
        free(p.architecture);
        free(p.path);
        return r;
}

static int take_result(struct solving *s, Solver *solver, struct ingot_lock *lock,
                       ingot_error *reterr)
{
        Queue decisions;
        int r = 0;
        queue_init(&decisions);
        solver_get_decisionqueue(solver, &decisions);
        for (int i = 0; r >= 0 && i < decisions.count; i++) {
                Id id = decisions.elements[i];
                if (id > SYSTEMSOLVABLE && pool_id2solvable(s->pool->pool, id)->repo->appdata)
                        r = lock_package(s, id, lock, reterr);
        }
        queue_free(&decisions);
        return r;
}

static int solve(struct solving *s, struct ingot_lock *lock, ingot_error *reterr)
{
        int r = add_jobs(s, reterr);
        if (r < 0)
                return r;
        Solver *solver = solver_create(s->pool->pool);
        solver_set_flag(solver, SOLVER_FLAG_IGNORE_RECOMMENDED, !s->request->recommends);
        r = solver_solve(solver, &s->jobs) > 0 ? ingot_debian_problems(solver, reterr)
                                               : take_result(s, solver, lock, reterr);
        solver_free(solver);
        return r;
}

int ingot_debian_solve(const struct ingot_package_request *r, const char *architecture,
                       const struct ingot_debian_indexes *indexes, struct ingot_lock *lock,
                       ingot_error *reterr)
{
        _cleanup_debian_pool_ struct ingot_debian_pool pool = {0};
        struct solving s = {.request = r, .pool = &pool};
        int e = ingot_debian_pool_load(&pool, architecture, indexes, r, reterr);
        if (e < 0)
                return e;
        queue_init(&s.jobs);
        e = solve(&s, lock, reterr);
        queue_free(&s.jobs);
        return e;
}
