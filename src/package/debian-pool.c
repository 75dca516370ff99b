/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading package indexes into a libsolv pool (deb-control(5), Debian policy 7). */
#include "package/debian-pool.h"
#include "base/cleanup.h"
#include "format/deb822.h"

#include <solv/knownid.h>
#include <solv/repo.h>
#include <solv/util.h>
#include <stdlib.h>

#define PACKAGES_MAX 2000000
#define ALTERNATIVES_MAX 200
#define RELATIONS_MAX 5000

void ingot_debian_pool_done(struct ingot_debian_pool *p)
{
        if (p->pool) {
                queue_free(&p->essential);
                queue_free(&p->required);
                queue_free(&p->standard);
                queue_free(&p->assumed);
                queue_free(&p->firsts);
                pool_free(p->pool);
        }
        free(p->offsets);
        *p = (struct ingot_debian_pool){0};
}

static bool blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct ingot_span trim(struct ingot_span s)
{
        while (s.size > 0 && blank(s.data[0]))
                s = INGOT_SPAN(s.data + 1, s.size - 1);
        while (s.size > 0 && blank(s.data[s.size - 1]))
                s.size--;
        return s;
}

/* Cuts what stands before the next SEPARATOR off *LIST. False at its end. */
static bool cut(struct ingot_span *list, char separator, struct ingot_span *ret)
{
        if (!list->data)
                return false;
        const uint8_t *end = list->size > 0 ? memchr(list->data, separator, list->size) : NULL;
        size_t n = end ? (size_t) (end - list->data) : list->size;
        *ret = trim(INGOT_SPAN(list->data, n));
        *list = end ? INGOT_SPAN(end + 1, list->size - n - 1) : INGOT_SPAN(NULL, 0);
        return true;
}

static Id intern(Pool *pool, struct ingot_span s)
{
        return pool_strn2id(pool, (const char *) s.data, (unsigned) s.size, 1);
}

static int malformed(struct ingot_span text, ingot_error *reterr)
{
        return ingot_fail(reterr, INGOT_E_FORMAT, "no relation: %.*s",
                          (int) (text.size < 100 ? text.size : 100), (const char *) text.data);
}

/* "<<", "<=", "=", ">=", ">>" and the old "<" and ">", at the start of *VERSION. */
static int cut_operator(struct ingot_span *version)
{
        int flags = 0;
        size_t n = 0;
        for (; n < version->size && n < 2; n++) {
                uint8_t c = version->data[n];
                if (c == '<')
                        flags |= REL_LT;
                else if (c == '>')
                        flags |= REL_GT;
                else if (c == '=')
                        flags |= REL_EQ;
                else
                        break;
        }
        if (n == 1 && flags != REL_EQ)
                flags |= REL_EQ;
        *version = trim(INGOT_SPAN(version->data + n, version->size - n));
        return flags;
}

/* The end of the name: ":any" and ":native" mean nothing where there is one architecture. */
static struct ingot_span drop_qualifier(struct ingot_span name)
{
        const uint8_t *colon = name.size > 0 ? memchr(name.data, ':', name.size) : NULL;
        if (!colon)
                return name;
        struct ingot_span q = INGOT_SPAN(colon + 1, name.size - (size_t) (colon + 1 - name.data));
        if (ingot_span_is(q, "any") || ingot_span_is(q, "native"))
                name.size = (size_t) (colon - name.data);
        return name;
}

/* "name", "name:any", "name (>= version)". */
static int read_simple(Pool *pool, struct ingot_span text, Id *ret, ingot_error *reterr)
{
        const uint8_t *open = text.size > 0 ? memchr(text.data, '(', text.size) : NULL;
        size_t n = open ? (size_t) (open - text.data) : text.size;
        struct ingot_span name = drop_qualifier(trim(INGOT_SPAN(text.data, n)));
        if (name.size == 0)
                return malformed(text, reterr);
        for (size_t i = 0; i < name.size; i++)
                if (name.data[i] <= ' ' || name.data[i] > '~')
                        return malformed(text, reterr);
        *ret = intern(pool, name);
        if (!open)
                return 0;
        struct ingot_span version = INGOT_SPAN(open + 1, text.size - n - 1);
        if (version.size == 0 || version.data[version.size - 1] != ')')
                return malformed(text, reterr);
        version = trim(INGOT_SPAN(version.data, version.size - 1));
        int flags = cut_operator(&version);
        if (flags == 0 || flags == (REL_LT | REL_GT) || version.size == 0)
                return malformed(text, reterr);
        *ret = pool_rel2id(pool, *ret, intern(pool, version), flags, 1);
        return 0;
}

int ingot_debian_relation(Pool *pool, struct ingot_span text, Id *ret, ingot_error *reterr)
{
        struct ingot_span list = text, one;
        Id ids[ALTERNATIVES_MAX];
        size_t n = 0;
        while (cut(&list, '|', &one)) {
                if (n == ALTERNATIVES_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d alternatives",
                                          ALTERNATIVES_MAX);
                int r = read_simple(pool, one, &ids[n++], reterr);
                if (r < 0)
                        return r;
        }
        if (n == 0)
                return malformed(text, reterr);
        *ret = ids[--n];
        while (n > 0)
                *ret = pool_rel2id(pool, ids[--n], *ret, REL_OR, 1);
        return 0;
}

static const char *operator_text(int flags)
{
        static const char *const texts[8] = {"?", ">>", "=", ">=", "<<", "<>", "<=", "any"};
        return texts[flags & 7];
}

int ingot_debian_relation_text(Pool *pool, Id relation, struct ingot_buffer *ret,
                               ingot_error *reterr)
{
        int r = 0;
        while (r >= 0 && ISRELDEP(relation) && GETRELDEP(pool, relation)->flags == REL_OR) {
                Reldep *or = GETRELDEP(pool, relation);
                r = ingot_debian_relation_text(pool, or->name, ret, reterr);
                if (r >= 0)
                        r = ingot_buffer_printf(ret, reterr, " | ");
                relation = or->evr;
        }
        if (r < 0)
                return r;
        if (!ISRELDEP(relation))
                return ingot_buffer_printf(ret, reterr, "%s", pool_id2str(pool, relation));
        Reldep *rel = GETRELDEP(pool, relation);
        return ingot_buffer_printf(ret, reterr, "%s (%s %s)", pool_id2str(pool, rel->name),
                                   operator_text(rel->flags), pool_id2str(pool, rel->evr));
}

/* A list of relations, added to the list at *DEPS of the solvable's repo. */
static int read_relations(struct ingot_debian_pool *p, Repo *repo, struct ingot_span list,
                          Offset *deps, bool favour, ingot_error *reterr)
{
        struct ingot_span one;
        for (size_t n = 0; cut(&list, ',', &one);) {
                Id id;
                if (one.size == 0)
                        continue;
                if (++n > RELATIONS_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d relations",
                                          RELATIONS_MAX);
                int r = ingot_debian_relation(p->pool, one, &id, reterr);
                if (r < 0)
                        return r;
                *deps = repo_addid_dep(repo, *deps, id, 0);
                if (favour && ISRELDEP(id) && GETRELDEP(p->pool, id)->flags == REL_OR)
                        queue_push(&p->firsts, GETRELDEP(p->pool, id)->name);
        }
        return 0;
}

/* One package, as far as it was read. */
struct reading {
        struct ingot_span name, version, architecture, priority;
        struct ingot_span depends, pre_depends, recommends, provides, breaks, conflicts;
        bool essential;
};

static void read_field(struct reading *x, const struct ingot_deb822_field *f)
{
        static const struct {
                const char *name;
                size_t at;
        } spans[] = {
                {"Package", offsetof(struct reading, name)},
                {"Version", offsetof(struct reading, version)},
                {"Architecture", offsetof(struct reading, architecture)},
                {"Priority", offsetof(struct reading, priority)},
                {"Depends", offsetof(struct reading, depends)},
                {"Pre-Depends", offsetof(struct reading, pre_depends)},
                {"Recommends", offsetof(struct reading, recommends)},
                {"Provides", offsetof(struct reading, provides)},
                {"Breaks", offsetof(struct reading, breaks)},
                {"Conflicts", offsetof(struct reading, conflicts)},
        };
        for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
                if (ingot_deb822_is(f, spans[i].name)) {
                        *(struct ingot_span *) ((char *) x + spans[i].at) = f->value;
                        return;
                }
        if (ingot_deb822_is(f, "Essential"))
                x->essential = ingot_span_is(f->value, "yes");
}

static int keep_offset(struct ingot_debian_pool *p, Id id, size_t offset, ingot_error *reterr)
{
        if ((size_t) id >= p->allocated) {
                size_t room = p->allocated ? p->allocated * 2 : 4096;
                size_t *grown = reallocarray(p->offsets, room, sizeof(*grown));
                if (!grown)
                        return ingot_fail_nomem(reterr);
                p->offsets = grown;
                p->allocated = room;
        }
        p->offsets[id] = offset;
        return 0;
}

static int read_all_relations(struct ingot_debian_pool *p, Repo *repo, Solvable *s,
                              const struct reading *x, bool recommends, ingot_error *reterr)
{
        Offset requires = 0, recommended = 0, provides = 0, conflicts = 0;
        Id self = pool_rel2id(p->pool, s->name, s->evr, REL_EQ, 1);
        int r = read_relations(p, repo, x->pre_depends, &requires, true, reterr);
        if (r >= 0)
                r = read_relations(p, repo, x->depends, &requires, true, reterr);
        if (r >= 0 && recommends)
                r = read_relations(p, repo, x->recommends, &recommended, true, reterr);
        if (r >= 0)
                r = read_relations(p, repo, x->provides, &provides, false, reterr);
        if (r >= 0)
                r = read_relations(p, repo, x->breaks, &conflicts, false, reterr);
        if (r >= 0)
                r = read_relations(p, repo, x->conflicts, &conflicts, false, reterr);
        s->requires = requires;
        s->recommends = recommended;
        s->provides = repo_addid_dep(repo, provides, self, 0);
        s->conflicts = conflicts;
        return r;
}

static int add_package(struct ingot_debian_pool *p, Repo *repo, const struct reading *x,
                       size_t offset, const char *architecture, bool recommends,
                       ingot_error *reterr)
{
        if (x->name.size == 0 || x->version.size == 0 || x->architecture.size == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "a package without name, version or architecture");
        if (!ingot_span_is(x->architecture, architecture) && !ingot_span_is(x->architecture, "all"))
                return 0;
        if (p->pool->nsolvables > PACKAGES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d packages", PACKAGES_MAX);
        Id id = repo_add_solvable(repo);
        Solvable *s = pool_id2solvable(p->pool, id);
        s->name = intern(p->pool, x->name);
        s->evr = intern(p->pool, x->version);
        s->arch = intern(p->pool, x->architecture);
        if (x->essential)
                queue_push(&p->essential, s->name);
        if (ingot_span_is(x->priority, "required"))
                queue_push(&p->required, s->name);
        else if (ingot_span_is(x->priority, "important") || ingot_span_is(x->priority, "standard"))
                queue_push(&p->standard, s->name);
        int r = keep_offset(p, id, offset, reterr);
        if (r >= 0)
                r = read_all_relations(p, repo, s, x, recommends, reterr);
        return r < 0 ? ingot_under(reterr, r, "package %.*s", (int) x->name.size,
                                   (const char *) x->name.data)
                     : 0;
}

static int load_index(struct ingot_debian_pool *p, size_t index, const char *architecture,
                      bool recommends, ingot_error *reterr)
{
        const struct ingot_debian_index *x = &p->indexes->items[index];
        struct ingot_deb822 d = ingot_deb822_over(x->text);
        Repo *repo = repo_create(p->pool, NULL);
        int r;
        repo->appdata = (void *) x;
        while ((r = ingot_deb822_paragraph(&d, reterr)) > 0) {
                struct reading reading = {0};
                struct ingot_deb822_field f;
                while ((r = ingot_deb822_field(&d, &f, reterr)) > 0)
                        read_field(&reading, &f);
                if (r >= 0)
                        r = add_package(p, repo, &reading, d.paragraph, architecture, recommends,
                                        reterr);
                if (r < 0)
                        return r;
        }
        return r;
}

static int compare_ids(const void *a, const void *b, void *unused)
{
        const Id *x = a, *y = b;
        (void) unused;
        return (*x > *y) - (*x < *y);
}

static void sort_unique(Queue *q)
{
        int n = 0;
        solv_sort(q->elements, (size_t) q->count, sizeof(Id), compare_ids, NULL);
        for (int i = 0; i < q->count; i++)
                if (i == 0 || q->elements[i] != q->elements[i - 1])
                        q->elements[n++] = q->elements[i];
        queue_truncate(q, n);
}

/* A package of each assumed name, which satisfies what depends on it and is never locked. */
static void add_assumed(struct ingot_debian_pool *p, const struct ingot_strings *names)
{
        Repo *repo = repo_create(p->pool, "assumed");
        for (size_t i = 0; i < names->count; i++) {
                Id id = repo_add_solvable(repo);
                Solvable *s = pool_id2solvable(p->pool, id);
                s->name = pool_str2id(p->pool, names->items[i], 1);
                s->evr = pool_str2id(p->pool, "0", 1);
                s->arch = ARCH_ALL;
                s->provides = repo_addid_dep(
                        repo, s->provides, pool_rel2id(p->pool, s->name, s->evr, REL_EQ, 1), 0);
                queue_push(&p->assumed, id);
        }
}

int ingot_debian_pool_load(struct ingot_debian_pool *ret, const char *architecture,
                           const struct ingot_debian_indexes *indexes,
                           const struct ingot_package_request *request, ingot_error *reterr)
{
        _cleanup_debian_pool_ struct ingot_debian_pool p = {.pool = pool_create(),
                                                            .indexes = indexes};
        queue_init(&p.essential);
        queue_init(&p.required);
        queue_init(&p.standard);
        queue_init(&p.assumed);
        queue_init(&p.firsts);
        pool_setdisttype(p.pool, DISTTYPE_DEB);
        pool_setarchpolicy(p.pool, architecture);
        for (size_t i = 0; i < indexes->count; i++) {
                int r = load_index(&p, i, architecture, request->recommends, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "package index %zu", i + 1);
        }
        add_assumed(&p, &request->assumed);
        sort_unique(&p.essential);
        sort_unique(&p.required);
        sort_unique(&p.standard);
        sort_unique(&p.firsts);
        pool_createwhatprovides(p.pool);
        *ret = p;
        p = (struct ingot_debian_pool){0};
        return 0;
}
