/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order in which dpkg is to unpack and configure. */
#include "package/dpkg-order.h"
#include "base/cleanup.h"

#include <stdlib.h>

/* What each package needs, as indexes; versions are the solver's matter. */
struct needs {
        size_t *items;
        size_t count;
};

enum progress { NOTHING, VISITING, UNPACKED, CONFIGURED };

struct ordering {
        const struct ingot_deb_package *packages;
        size_t count;
        struct needs *depends; /* with what is pre-depended on */
        struct needs *pre_depends;
        enum progress *progress;
        struct ingot_dpkg_order order;
};

void ingot_dpkg_order_done(struct ingot_dpkg_order *o)
{
        for (size_t i = 0; i < o->count; i++)
                free(o->steps[i].packages);
        free(o->steps);
        *o = (struct ingot_dpkg_order){0};
}

static void ordering_done(struct ordering *o)
{
        for (size_t i = 0; i < o->count; i++) {
                if (o->depends)
                        free(o->depends[i].items);
                if (o->pre_depends)
                        free(o->pre_depends[i].items);
        }
        free(o->depends);
        free(o->pre_depends);
        free(o->progress);
        ingot_dpkg_order_done(&o->order);
}

/* Is NAME (of SIZE bytes) a name in a list like "a (= 1), b"? */
static bool list_names(const char *list, const char *name, size_t size)
{
        while (list && *list) {
                list += strspn(list, " \t\n,");
                size_t n = strcspn(list, " \t\n,(");
                if (n == size && memcmp(list, name, n) == 0)
                        return true;
                list += strcspn(list, ",");
        }
        return false;
}

/* The package of that name, or the first that provides it; `count` when there is none. */
static size_t find_package(const struct ordering *o, const char *name, size_t size)
{
        for (size_t i = 0; i < o->count; i++)
                if (strlen(o->packages[i].name) == size &&
                    memcmp(o->packages[i].name, name, size) == 0)
                        return i;
        for (size_t i = 0; i < o->count; i++)
                if (list_names(o->packages[i].provides, name, size))
                        return i;
        return o->count;
}

static int add_index(size_t **items, size_t *count, size_t index, ingot_error *reterr)
{
        size_t *grown = reallocarray(*items, *count + 1, sizeof(*grown));
        if (!grown)
                return ingot_fail_nomem(reterr);
        *items = grown;
        grown[(*count)++] = index;
        return 0;
}

/* "a (>= 1) | b:any, c": for each clause the first alternative that is here. */
static int add_needs(const struct ordering *o, const char *list, struct needs *needs,
                     ingot_error *reterr)
{
        int r = 0;
        while (r >= 0 && list && *list) {
                size_t clause = strcspn(list, ","), at = 0;
                while (at < clause) {
                        at += strspn(list + at, " \t\n|");
                        size_t n = strcspn(list + at, " \t\n,|(:[");
                        size_t found = at < clause ? find_package(o, list + at, n) : o->count;
                        if (found < o->count) {
                                r = add_index(&needs->items, &needs->count, found, reterr);
                                break;
                        }
                        at += strcspn(list + at, ",|");
                }
                list += clause;
                list += *list == ',';
        }
        return r;
}

static int begin(struct ordering *o, ingot_error *reterr)
{
        size_t n = o->count ? o->count : 1;
        o->depends = calloc(n, sizeof(*o->depends));
        o->pre_depends = calloc(n, sizeof(*o->pre_depends));
        o->progress = calloc(n, sizeof(*o->progress));
        if (!o->depends || !o->pre_depends || !o->progress)
                return ingot_fail_nomem(reterr);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < o->count; i++) {
                const struct ingot_deb_package *p = o->packages + i;
                r = add_needs(o, p->pre_depends, o->pre_depends + i, reterr);
                if (r >= 0)
                        r = add_needs(o, p->pre_depends, o->depends + i, reterr);
                if (r >= 0)
                        r = add_needs(o, p->depends, o->depends + i, reterr);
        }
        return r;
}

/* Marks INDEX and all it needs. A worklist, for chains are long. */
static int mark_closure(const struct ordering *o, size_t index, bool *marked, ingot_error *reterr)
{
        _cleanup_free_ size_t *work = NULL;
        size_t count = 0;
        int r = add_index(&work, &count, index, reterr);
        while (r >= 0 && count > 0) {
                size_t at = work[--count];
                if (marked[at])
                        continue;
                marked[at] = true;
                for (size_t i = 0; r >= 0 && i < o->depends[at].count; i++)
                        r = add_index(&work, &count, o->depends[at].items[i], reterr);
        }
        return r;
}

static int mark_base(const struct ordering *o, bool *marked, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < o->count; i++)
                if (o->packages[i].essential)
                        r = mark_closure(o, i, marked, reterr);
        return r;
}

int ingot_dpkg_classify(struct ingot_deb_package *packages, size_t count, ingot_error *reterr)
{
        _cleanup_(ordering_done) struct ordering o = {.packages = packages, .count = count};
        _cleanup_free_ bool *base = calloc(count ? count : 1, sizeof(*base));
        int r = base ? begin(&o, reterr) : ingot_fail_nomem(reterr);
        if (r >= 0)
                r = mark_base(&o, base, reterr);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                bool ours = !ingot_deb_control(packages + i, "preinst") &&
                            ingot_deb_control(packages + i, "md5sums");
                packages[i].unpacker = ours      ? INGOT_DEB_OURS
                                       : base[i] ? INGOT_DEB_BOTH
                                                 : INGOT_DEB_DPKG;
        }
        return r;
}

/* A step for INDEX: the last one when it is of that kind, else a new one. */
static int add_to_step(struct ordering *o, bool configure, bool base, size_t index,
                       ingot_error *reterr)
{
        struct ingot_dpkg_step *last = o->order.count ? o->order.steps + o->order.count - 1 : NULL;
        if (!last || last->configure != configure || last->base != base) {
                struct ingot_dpkg_step *grown =
                        reallocarray(o->order.steps, o->order.count + 1, sizeof(*grown));
                if (!grown)
                        return ingot_fail_nomem(reterr);
                o->order.steps = grown;
                last = grown + o->order.count++;
                *last = (struct ingot_dpkg_step){.configure = configure, .base = base};
        }
        return add_index(&last->packages, &last->count, index, reterr);
}

static bool is_unpacked(const struct ordering *o, size_t index)
{
        return o->packages[index].unpacker == INGOT_DEB_OURS || o->progress[index] >= UNPACKED;
}

static int unpack(struct ordering *o, size_t index, unsigned depth, ingot_error *reterr);

/* Configures INDEX and all it needs that is not configured. */
static int configure(struct ordering *o, size_t index, unsigned depth, ingot_error *reterr)
{
        _cleanup_free_ bool *marked = calloc(o->count, sizeof(*marked));
        if (o->progress[index] == CONFIGURED)
                return 0;
        int r = marked ? mark_closure(o, index, marked, reterr) : ingot_fail_nomem(reterr);
        for (size_t i = 0; r >= 0 && i < o->count; i++)
                if (marked[i] && !is_unpacked(o, i))
                        r = unpack(o, i, depth + 1, reterr);
        for (size_t i = 0; r >= 0 && i < o->count; i++) {
                if (!marked[i] || o->progress[i] == CONFIGURED || !is_unpacked(o, i))
                        continue;
                r = add_to_step(o, true, false, i, reterr);
                o->progress[i] = CONFIGURED;
        }
        return r;
}

/* One that is being visited pre-depends on itself in the end: dpkg says what it thinks of that. */
static int unpack(struct ordering *o, size_t index, unsigned depth, ingot_error *reterr)
{
        if (o->progress[index] != NOTHING)
                return 0;
        if (depth > 200)
                return ingot_fail(reterr, INGOT_E_LIMIT, "pre-dependencies of %s are too deep",
                                  o->packages[index].name);
        o->progress[index] = VISITING;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < o->pre_depends[index].count; i++)
                r = configure(o, o->pre_depends[index].items[i], depth, reterr);
        if (r >= 0)
                r = add_to_step(o, false, false, index, reterr);
        o->progress[index] = UNPACKED;
        return r;
}

static int order_base(struct ordering *o, ingot_error *reterr)
{
        _cleanup_free_ bool *base = calloc(o->count ? o->count : 1, sizeof(*base));
        int r = base ? mark_base(o, base, reterr) : ingot_fail_nomem(reterr);
        for (size_t i = 0; r >= 0 && i < o->count; i++) {
                if (!base[i] || o->packages[i].unpacker == INGOT_DEB_OURS)
                        continue;
                r = add_to_step(o, false, true, i, reterr);
                o->progress[i] = UNPACKED;
        }
        for (size_t i = 0; r >= 0 && i < o->count; i++) {
                if (!base[i])
                        continue;
                r = add_to_step(o, true, true, i, reterr);
                o->progress[i] = CONFIGURED;
        }
        return r;
}

int ingot_dpkg_order(const struct ingot_deb_package *packages, size_t count,
                     struct ingot_dpkg_order *ret, ingot_error *reterr)
{
        _cleanup_(ordering_done) struct ordering o = {.packages = packages, .count = count};
        int r = begin(&o, reterr);
        if (r >= 0)
                r = order_base(&o, reterr);
        for (size_t i = 0; r >= 0 && i < count; i++)
                if (!is_unpacked(&o, i))
                        r = unpack(&o, i, 0, reterr);
        for (size_t i = 0; r >= 0 && i < count; i++)
                if (o.progress[i] != CONFIGURED) {
                        r = add_to_step(&o, true, false, i, reterr);
                        o.progress[i] = CONFIGURED;
                }
        if (r < 0)
                return r;
        *ret = o.order;
        o.order = (struct ingot_dpkg_order){0};
        return 0;
}
