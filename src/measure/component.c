/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/component.h"
#include "base/cleanup.h"
#include "base/text.h"

#define SUFFIX ".pcrlock"
#define NAME_MAX_SIZE 255 /* bytes of a file's name */

static void variant_done(struct ingot_variant *v)
{
        free(v->id);
        free(v->path);
        ingot_records_done(&v->records);
}

void ingot_components_done(struct ingot_components *c)
{
        for (size_t i = 0; i < c->count; i++) {
                for (size_t j = 0; j < c->items[i].count; j++)
                        variant_done(c->items[i].variants + j);
                free(c->items[i].variants);
                free(c->items[i].id);
        }
        free(c->items);
        *c = (struct ingot_components){0};
}

/* As strcmp() of the names with their suffix. */
static int compare(const char *a, const char *b)
{
        while (*a && *a == *b)
                a++, b++;
        if (!*a && !*b)
                return 0;
        int order = strcmp(*a ? a : SUFFIX, *b ? b : SUFFIX);
        return order != 0 ? order : *a ? 1 : -1;
}

const struct ingot_component *ingot_components_find(const struct ingot_components *c,
                                                    const char *id)
{
        for (size_t i = 0; i < c->count; i++)
                if (strcmp(c->items[i].id, id) == 0)
                        return c->items + i;
        return NULL;
}

static int check_name(const char *name, ingot_error *reterr)
{
        size_t size = strlen(name);
        if (size == 0 || name[0] == '.' || strchr(name, '/') ||
            size + strlen(SUFFIX ".d") > NAME_MAX_SIZE)
                return ingot_fail(reterr, INGOT_E_USAGE, "'%s' is no name of a component", name);
        return 0;
}

static int add_component(struct ingot_components *c, const char *id, struct ingot_component **ret,
                         ingot_error *reterr)
{
        size_t at = 0;
        int order = 1;
        while (at < c->count && (order = compare(id, c->items[at].id)) > 0)
                at++;
        if (at < c->count && order == 0) {
                *ret = c->items + at;
                return 0;
        }
        if (c->count == INGOT_COMPONENTS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d components",
                                  INGOT_COMPONENTS_MAX);
        struct ingot_component new = {0};
        struct ingot_component *more = reallocarray(c->items, c->count + 1, sizeof(*c->items));
        if (!more)
                return ingot_fail_nomem(reterr);
        c->items = more;
        int r = ingot_strdup(&new.id, id, reterr);
        if (r < 0)
                return r;
        memmove(more + at + 1, more + at, (c->count++ - at) * sizeof(*more));
        more[at] = new;
        *ret = more + at;
        return 0;
}

/* Its own one is first. */
static int compare_variants(const struct ingot_variant *a, const struct ingot_variant *b)
{
        return a->own != b->own ? b->own - a->own : compare(a->id, b->id);
}

static int add_variant(struct ingot_component *component, const struct ingot_variant *new,
                       struct ingot_variant **ret, ingot_error *reterr)
{
        size_t at = 0;
        int order = 1;
        while (at < component->count &&
               (order = compare_variants(new, component->variants + at)) > 0)
                at++;
        if (at < component->count && order == 0)
                return ingot_fail(reterr, INGOT_E_CONFLICT, "component %s has two variants %s",
                                  component->id, new->id);
        struct ingot_variant *more =
                reallocarray(component->variants, component->count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        component->variants = more;
        memmove(more + at + 1, more + at, (component->count++ - at) * sizeof(*more));
        more[at] = *new;
        *ret = more + at;
        return 0;
}

int ingot_components_add(struct ingot_components *c, const char *id, const char *variant,
                         struct ingot_variant **ret, ingot_error *reterr)
{
        struct ingot_variant new = {.own = !variant};
        struct ingot_component *component = NULL;
        int r = check_name(id, reterr);
        if (r >= 0 && variant)
                r = check_name(variant, reterr);
        if (r >= 0 && c->variants == INGOT_VARIANTS_MAX)
                r = ingot_fail(reterr, INGOT_E_LIMIT, "more than %d variants of components",
                               INGOT_VARIANTS_MAX);
        if (r >= 0)
                r = ingot_strdup(&new.id, variant ? variant : id, reterr);
        if (r >= 0)
                r = add_component(c, id, &component, reterr);
        if (r >= 0)
                r = add_variant(component, &new, ret, reterr);
        if (r < 0)
                free(new.id);
        else
                c->variants++;
        return r;
}

int ingot_components_merge(struct ingot_components *c, struct ingot_components *from,
                           ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < from->count; i++)
                for (size_t j = 0; r >= 0 && j < from->items[i].count; j++) {
                        struct ingot_variant *old = from->items[i].variants + j, *new;
                        r = ingot_components_add(c, from->items[i].id, old->own ? NULL : old->id,
                                                 &new, reterr);
                        if (r < 0)
                                break;
                        new->path = TAKE_PTR(old->path);
                        new->records = old->records;
                        old->records = (struct ingot_records){0};
                }
        return r;
}

int ingot_components_copy(struct ingot_components *c, const char *id, const struct ingot_variant *v,
                          ingot_error *reterr)
{
        struct ingot_variant *copy;
        int r = ingot_components_add(c, id, v->own ? NULL : v->id, &copy, reterr);
        for (size_t i = 0; r >= 0 && i < v->records.count; i++) {
                struct ingot_record *record;
                r = ingot_records_add(&copy->records, &record, reterr);
                if (r >= 0)
                        *record = v->records.items[i];
        }
        return r;
}

void ingot_components_filter(struct ingot_components *c,
                             bool (*out)(const struct ingot_component *component,
                                         const struct ingot_variant *variant, void *context),
                             void *context)
{
        size_t left = 0;
        for (size_t i = 0; i < c->count; i++) {
                struct ingot_component *component = c->items + i;
                size_t kept = 0, had = component->count;
                for (size_t j = 0; j < had; j++) {
                        struct ingot_variant *v = component->variants + j;
                        if (out(component, v, context)) {
                                variant_done(v);
                                c->variants--;
                        } else {
                                component->variants[kept++] = *v;
                        }
                }
                component->count = kept;
                if (kept > 0) {
                        c->items[left++] = *component;
                } else {
                        free(component->variants);
                        free(component->id);
                }
        }
        c->count = left;
}
