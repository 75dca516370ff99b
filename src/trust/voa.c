/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lookup: every load path is walked on its own, level by level; then copies of one verifier are
 * brought together, and masks and load paths decide which of them count.
 */
#include "trust/voa.h"
#include "base/cleanup.h"
#include "trust/verifier-kind.h"
#include "trust/voa-check.h"
#include "trust/voa-name.h"

#include <stdlib.h>
#include <string.h>

enum level { LEVEL_OS, LEVEL_PURPOSE, LEVEL_CONTEXT, LEVEL_TECHNOLOGY, LEVEL_FILE };

struct find {
        const struct ingot_voa_lookup *lookup;
        struct ingot_voa_walker walker;
        struct ingot_voa_result result;
};

const char *ingot_voa_state_name(enum ingot_voa_state s)
{
        return s == INGOT_VOA_USED ? "used" : s == INGOT_VOA_SHADOWED ? "shadowed" : "masked";
}

static void verifier_done(struct ingot_voa_verifier *v)
{
        free(v->by);
        free(v->os);
        free(v->purpose);
        free(v->context);
        free(v->name);
        free(v->path);
        free(v->target);
        ingot_strings_done(&v->links);
        ingot_buffer_done(&v->content);
}

void ingot_voa_result_done(struct ingot_voa_result *r)
{
        for (size_t i = 0; i < r->verifier_count; i++)
                verifier_done(r->verifiers + i);
        for (size_t i = 0; i < r->warning_count; i++) {
                free(r->warnings[i].path);
                free(r->warnings[i].reason);
        }
        for (size_t i = 0; i < r->mask_count; i++) {
                free(r->masks[i].path);
                free(r->masks[i].os);
                free(r->masks[i].purpose);
                free(r->masks[i].context);
                free(r->masks[i].name);
        }
        for (size_t i = 0; i < r->revocations_count; i++) {
                free(r->revocations[i].path);
                ingot_buffer_done(&r->revocations[i].content);
        }
        free(r->revocations);
        free(r->verifiers);
        free(r->warnings);
        free(r->masks);
        *r = (struct ingot_voa_result){0};
}

const struct ingot_voa_verifier *ingot_voa_next_used(const struct ingot_voa_result *r, size_t *at)
{
        while (*at < r->verifier_count) {
                const struct ingot_voa_verifier *v = r->verifiers + (*at)++;
                if (v->state == INGOT_VOA_USED)
                        return v;
        }
        return NULL;
}

/* Room for one more of SIZE bytes behind COUNT. */
static int grow(void *array, size_t count, size_t size, ingot_error *reterr)
{
        void *items = realloc(*(void **) array, (count + 1) * size);
        if (!items)
                return ingot_fail_nomem(reterr);
        *(void **) array = items;
        memset((char *) items + count * size, 0, size);
        return 0;
}

static int path_of(const struct find *f, size_t index, const char *rest, char **ret,
                   ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%s%s%s", f->lookup->paths->items[index].path,
                            *rest ? "/" : "", rest);
}

static int warn(struct find *f, enum ingot_voa_fault fault, size_t index, const char *rest,
                ingot_error *reterr, const char *reason)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        struct ingot_voa_result *result = &f->result;
        int r = path_of(f, index, rest, &path, reterr);
        if (r >= 0)
                r = ingot_strdup(&text, reason, reterr);
        if (r >= 0)
                r = grow(&result->warnings, result->warning_count, sizeof(*result->warnings),
                         reterr);
        if (r < 0)
                return r;
        result->warnings[result->warning_count++] =
                (struct ingot_voa_warning){fault, TAKE_PTR(path), TAKE_PTR(text)};
        return 0;
}

static bool wanted_os(const struct ingot_voa_lookup *l, const char *name, size_t size)
{
        for (size_t i = 0; i < l->os_count; i++)
                if (strlen(l->os[i]) == size && memcmp(l->os[i], name, size) == 0)
                        return true;
        return l->os_count == 0;
}

static bool wanted_purpose(const struct ingot_voa_lookup *l, const char *name)
{
        size_t n = strlen(INGOT_VOA_ANCHOR_PREFIX);
        return !l->purpose || strcmp(name, l->purpose) == 0 ||
               (l->anchors && strncmp(name, INGOT_VOA_ANCHOR_PREFIX, n) == 0 &&
                strcmp(name + n, l->purpose) == 0);
}

/* Is NAME looked for on that level? If so, what is wrong with it, or NULL, in *ret_fault. */
static bool wanted(const struct ingot_voa_lookup *l, enum level level, const char *name,
                   const char **ret_fault)
{
        enum ingot_technology t;
        size_t n = strlen(name);
        *ret_fault = NULL;
        switch (level) {
        case LEVEL_OS:
                /* "arch::" was meant to be "arch". */
                while (n > 0 && name[n - 1] == ':')
                        n--;
                *ret_fault = ingot_voa_os_fault(name);
                return wanted_os(l, name, n);
        case LEVEL_PURPOSE:
                *ret_fault = ingot_voa_purpose_fault(name);
                return wanted_purpose(l, name);
        case LEVEL_CONTEXT:
                *ret_fault = ingot_voa_context_fault(name);
                return !l->context || strcmp(name, l->context) == 0;
        case LEVEL_TECHNOLOGY:
                if (ingot_technology_parse(name, &t))
                        return l->technology < 0 || (enum ingot_technology) l->technology == t;
                *ret_fault = "is no technology that is known";
                return l->technology < 0;
        default:
                return !l->name || strcmp(name, l->name) == 0;
        }
}

static bool is_administrators(const struct find *f, const struct ingot_voa_verifier *v)
{
        return f->lookup->paths->items[v->load_path].administrator;
}

static int add_mask(struct find *f, size_t index, const char *rest, ingot_error *reterr)
{
        struct ingot_voa_result *result = &f->result;
        struct ingot_voa_place place;
        int r = grow(&result->masks, result->mask_count, sizeof(*result->masks), reterr);
        if (r >= 0)
                r = ingot_voa_place_parse(rest, &place, reterr);
        if (r < 0)
                return r;
        struct ingot_voa_mask *mask = result->masks + result->mask_count++;
        *mask = (struct ingot_voa_mask){.os = place.os,
                                        .purpose = place.purpose,
                                        .context = place.context,
                                        .name = place.name,
                                        .technology = place.technology};
        r = path_of(f, index, rest, &mask->path, reterr);
        if (r < 0 || f->lookup->paths->items[index].masks)
                return r;
        return warn(f, INGOT_VOA_FAULT_MISPLACED_MASK, index, rest, reterr,
                    "a mask is expected in a folder of the administrator's or the user's "
                    "configuration; it counts all the same");
}

/* minisign and signify know no anchors, also when a link leads to one. */
static bool leads_to_anchor(const struct find *f, const struct ingot_voa_verifier *v)
{
        const char *rest, *slash;
        if (ingot_technology_anchors(v->technology) ||
            ingot_voa_walker_inside(&f->walker, v->target, &rest) < 0)
                return false;
        slash = strchr(rest, '/');
        return slash && ingot_voa_purpose_is_anchor(slash + 1);
}

/* Masks of what the links lead to: the first one's path in *ret, or NULL. */
static int find_target_mask(const struct find *f, const struct ingot_strings *hops, char **ret,
                            ingot_error *reterr)
{
        for (size_t i = 0; i < hops->count; i++) {
                struct ingot_voa_place place = {0};
                const char *rest;
                if (ingot_voa_walker_inside(&f->walker, hops->items[i], &rest) < 0 ||
                    ingot_voa_place_parse(rest, &place, NULL) < 0)
                        continue;
                ingot_voa_place_done(&place);
                for (size_t j = 0; j < f->lookup->paths->count; j++) {
                        _cleanup_voa_found_ struct ingot_voa_found found = {0};
                        int r = ingot_voa_walk(&f->walker, j, rest, false, &found, reterr);
                        if (r < 0)
                                return r;
                        if (found.fault == INGOT_VOA_FAULT_MASK)
                                return path_of(f, j, rest, ret, reterr);
                }
        }
        return 0;
}

static int fill_verifier(struct find *f, size_t index, const char *rest,
                         struct ingot_voa_found *found, struct ingot_voa_verifier *v,
                         ingot_error *reterr)
{
        struct ingot_voa_place place;
        int r = ingot_voa_place_parse(rest, &place, reterr);
        if (r < 0)
                return r;
        v->os = place.os;
        v->purpose = place.purpose;
        v->context = place.context;
        v->name = place.name;
        v->technology = place.technology;
        v->anchor = ingot_voa_purpose_is_anchor(v->purpose);
        v->load_path = index;
        v->target = TAKE_PTR(found->target);
        v->links = found->links;
        found->links = (struct ingot_strings){0};
        return path_of(f, index, rest, &v->path, reterr);
}

/* Adds the verifier that FOUND leads to, unless its content or its place says no. */
static int add_verifier(struct find *f, size_t index, const char *rest,
                        struct ingot_voa_found *found, ingot_error *reterr)
{
        struct ingot_voa_result *result = &f->result;
        _cleanup_free_ char *detail = NULL;
        enum ingot_voa_fault fault = INGOT_VOA_FAULT_NONE;
        int r = grow(&result->verifiers, result->verifier_count, sizeof(*result->verifiers),
                     reterr);
        if (r < 0)
                return r;
        struct ingot_voa_verifier *v = result->verifiers + result->verifier_count++;
        r = ingot_strings_add(&found->hops, found->target, reterr);
        if (r >= 0)
                r = fill_verifier(f, index, rest, found, v, reterr);
        if (r >= 0 && v->links.count > 0)
                r = find_target_mask(f, &found->hops, &v->by, reterr);
        if (r >= 0 && leads_to_anchor(f, v)) {
                fault = INGOT_VOA_FAULT_ANCHOR;
                r = ingot_format(&detail, reterr, "%s has no trust anchors, and %s is one",
                                 ingot_technology_title(v->technology), v->target);
        }
        ingot_error error = {0};
        if (r >= 0 && !fault)
                r = ingot_plain_read(f->walker.root, v->target, INGOT_VERIFIER_SIZE_MAX,
                                     &v->content, &error);
        if (r == -INGOT_E_LIMIT) {
                fault = INGOT_VOA_FAULT_CONTENT;
                r = ingot_strdup(&detail, error.text, reterr);
        } else if (r < 0 && error.code && reterr) {
                *reterr = error;
        }
        if (r >= 0 && !fault)
                r = ingot_voa_check(v->technology, v->name, v->anchor,
                                    ingot_buffer_span(&v->content), &fault, &detail, reterr);
        if (r < 0 || !fault)
                return r;
        verifier_done(v);
        result->verifier_count--;
        return warn(f, fault, index, rest, reterr, detail);
}

/* Where anchors stand, verifiers count by them alone; also when none of them can be used. */
static void note_anchor(struct find *f, const char *rest)
{
        const char *purpose = strchr(rest, '/') + 1, *context = strchr(purpose, '/') + 1;
        f->result.anchored =
                f->result.anchored || (ingot_voa_purpose_is_anchor(purpose) &&
                                       ingot_starts_with(strchr(context, '/') + 1, "openpgp/"));
}

static int take_file(struct find *f, size_t index, const char *rest, ingot_error *reterr)
{
        _cleanup_voa_found_ struct ingot_voa_found found = {0};
        int r = ingot_voa_walk(&f->walker, index, rest, false, &found, reterr);
        if (r < 0)
                return r;
        if (found.fault != INGOT_VOA_FAULT_ABSENT && found.fault != INGOT_VOA_FAULT_MASK)
                note_anchor(f, rest);
        switch (found.fault) {
        case INGOT_VOA_FAULT_NONE:
                return add_verifier(f, index, rest, &found, reterr);
        case INGOT_VOA_FAULT_ABSENT:
                return 0;
        case INGOT_VOA_FAULT_MASK:
                return add_mask(f, index, rest, reterr);
        default:
                return warn(f, found.fault, index, rest, reterr, found.detail);
        }
}

/* A revocation list; one that cannot be used stays, without content: it might name anything. */
static int take_revocations(struct find *f, size_t index, const char *rest, ingot_error *reterr)
{
        _cleanup_voa_found_ struct ingot_voa_found found = {0};
        struct ingot_voa_result *result = &f->result;
        int r = ingot_voa_walk(&f->walker, index, rest, false, &found, reterr);
        if (r < 0 || found.fault == INGOT_VOA_FAULT_ABSENT)
                return r;
        if (found.fault == INGOT_VOA_FAULT_MASK)
                return warn(f, INGOT_VOA_FAULT_REVOCATIONS_MASK, index, rest, reterr,
                            "a list of revocations cannot be masked: masks only take trust away");
        r = grow(&result->revocations, result->revocations_count, sizeof(*result->revocations),
                 reterr);
        if (r < 0)
                return r;
        struct ingot_voa_revocations *v = result->revocations + result->revocations_count++;
        v->load_path = index;
        r = path_of(f, index, rest, &v->path, reterr);
        if (r >= 0 && found.fault)
                return warn(f, found.fault, index, rest, reterr, found.detail);
        return r < 0 ? r
                     : ingot_plain_read(f->walker.root, found.target, INGOT_VERIFIER_SIZE_MAX,
                                        &v->content, reterr);
}

/* Technology and purpose of "os/purpose/context/technology": is it of anchors that cannot be? */
static bool has_no_anchors(const char *rest)
{
        enum ingot_technology t;
        const char *purpose = strchr(rest, '/') + 1;
        return ingot_technology_parse(strrchr(rest, '/') + 1, &t) && !ingot_technology_anchors(t) &&
               ingot_voa_purpose_is_anchor(purpose);
}

static int descend(struct find *f, size_t index, const char *rest, enum level level,
                   ingot_error *reterr);

/* One NAME that stands on LEVEL in the folder REST. */
static int take_entry(struct find *f, size_t index, const char *rest, const char *name,
                      enum level level, ingot_error *reterr)
{
        _cleanup_free_ char *below = NULL, *reason = NULL;
        const char *fault;
        if (!wanted(f->lookup, level, name, &fault))
                return 0;
        int r = ingot_format(&below, reterr, "%s%s%s", rest, *rest ? "/" : "", name);
        if (r < 0)
                return r;
        if (level == LEVEL_FILE) {
                enum ingot_technology t = 0;
                ingot_technology_parse(strrchr(rest, '/') + 1, &t);
                if (ingot_voa_file_revokes(t, name))
                        return take_revocations(f, index, below, reterr);
                fault = ingot_voa_file_fault(t, name);
                if (fault)
                        note_anchor(f, below);
        }
        if (fault) {
                r = ingot_format(&reason, reterr, "its name %s", fault);
                return r < 0 ? r : warn(f, INGOT_VOA_FAULT_NAME, index, below, reterr, reason);
        }
        if (level == LEVEL_TECHNOLOGY && has_no_anchors(below))
                return warn(f, INGOT_VOA_FAULT_ANCHOR, index, below, reterr,
                            "this technology has no trust anchors");
        return level == LEVEL_FILE ? take_file(f, index, below, reterr)
                                   : descend(f, index, below, level + 1, reterr);
}

/* Everything on LEVEL in the folder REST of a load path. */
static int descend(struct find *f, size_t index, const char *rest, enum level level,
                   ingot_error *reterr)
{
        _cleanup_voa_found_ struct ingot_voa_found found = {0};
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_voa_walk(&f->walker, index, rest, true, &found, reterr);
        if (r < 0 || found.fault == INGOT_VOA_FAULT_ABSENT)
                return r;
        if (found.fault)
                return warn(f, found.fault, index, rest, reterr, found.detail);
        r = ingot_plain_list(f->walker.root, found.target, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++)
                r = take_entry(f, index, rest, names.items[i], level, reterr);
        return r;
}

static size_t os_rank(const struct ingot_voa_lookup *l, const char *os)
{
        size_t i = 0;
        while (i < l->os_count && strcmp(l->os[i], os) != 0)
                i++;
        return i;
}

static int compare_place(const struct ingot_voa_verifier *a, const struct ingot_voa_verifier *b,
                         const struct ingot_voa_lookup *l)
{
        size_t ra = os_rank(l, a->os), rb = os_rank(l, b->os);
        int c = ra != rb ? (ra < rb ? -1 : 1) : strcmp(a->os, b->os);
        if (c == 0)
                c = strcmp(a->purpose, b->purpose);
        if (c == 0)
                c = strcmp(a->context, b->context);
        if (c == 0)
                c = (int) a->technology - (int) b->technology;
        return c ? c : strcmp(a->name, b->name);
}

static int compare(const void *a, const void *b, void *lookup)
{
        const struct ingot_voa_verifier *x = a, *y = b;
        int c = compare_place(x, y, lookup);
        return c ? c : (x->load_path > y->load_path) - (x->load_path < y->load_path);
}

/* The mask of a place, or NULL. */
static const struct ingot_voa_mask *mask_of(const struct find *f,
                                            const struct ingot_voa_verifier *v)
{
        for (size_t i = 0; i < f->result.mask_count; i++) {
                const struct ingot_voa_mask *m = f->result.masks + i;
                if (m->technology == v->technology && strcmp(m->os, v->os) == 0 &&
                    strcmp(m->purpose, v->purpose) == 0 && strcmp(m->context, v->context) == 0 &&
                    strcmp(m->name, v->name) == 0)
                        return m;
        }
        return NULL;
}

/* The states of the copies of one verifier, [first, end); highest load path first. */
static int judge_copies(struct find *f, size_t first, size_t end, ingot_error *reterr)
{
        struct ingot_voa_verifier *all = f->result.verifiers, *winner = NULL;
        const struct ingot_voa_mask *mask = mask_of(f, all + first);
        for (size_t i = first; i < end; i++) {
                struct ingot_voa_verifier *v = all + i;
                int r = 0;
                if (v->by || mask) {
                        v->state = INGOT_VOA_MASKED;
                        r = v->by ? 0 : ingot_strdup(&v->by, mask->path, reterr);
                } else if (is_administrators(f, v)) {
                        v->copy = true; /* of one that comes, or it goes again */
                } else if (!winner) {
                        winner = v;
                } else if (ingot_technology_merges(v->technology)) {
                        v->copy = true;
                } else {
                        v->state = INGOT_VOA_SHADOWED;
                        r = ingot_strdup(&v->by, winner->path, reterr);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Has the verifier at I, an administrator's, a copy of the user's that counts? Only a name that is
 * a fingerprint says that both are of one key. */
static bool joins_users_copy(const struct find *f, size_t i)
{
        const struct ingot_voa_result *r = &f->result;
        const struct ingot_voa_verifier *v = r->verifiers + i;
        if (!ingot_technology_merges(v->technology) ||
            ingot_voa_file_digits(v->technology, v->name) == 0)
                return false;
        for (size_t j = i + 1; j < r->verifier_count; j++) {
                const struct ingot_voa_verifier *other = r->verifiers + j;
                if (compare_place(v, other, f->lookup) != 0)
                        break;
                if (other->state == INGOT_VOA_USED && !is_administrators(f, other))
                        return true;
        }
        return false;
}

/* In user mode what the administrator has counts only beside the user's own copy. */
static void drop_administrators(struct find *f)
{
        struct ingot_voa_result *r = &f->result;
        size_t kept = 0;
        for (size_t i = 0; i < r->verifier_count; i++) {
                struct ingot_voa_verifier v = r->verifiers[i];
                if (is_administrators(f, &v) && !joins_users_copy(f, i))
                        verifier_done(&v);
                else
                        r->verifiers[kept++] = v;
        }
        r->verifier_count = kept;
}

static int judge_all(struct find *f, ingot_error *reterr)
{
        struct ingot_voa_result *result = &f->result;
        if (result->verifier_count == 0)
                return 0;
        qsort_r(result->verifiers, result->verifier_count, sizeof(*result->verifiers), compare,
                (void *) f->lookup);
        for (size_t i = 0, end; i < result->verifier_count; i = end) {
                for (end = i + 1;
                     end < result->verifier_count &&
                     compare_place(result->verifiers + i, result->verifiers + end, f->lookup) == 0;)
                        end++;
                int r = judge_copies(f, i, end, reterr);
                if (r < 0)
                        return r;
        }
        drop_administrators(f);
        return 0;
}

/* A name of the caller's that can be none. */
static int check_lookup(const struct ingot_voa_lookup *l, ingot_error *reterr)
{
        const char *fault;
        for (size_t i = 0; i < l->os_count; i++)
                if ((fault = ingot_voa_os_fault(l->os[i])))
                        return ingot_fail(reterr, INGOT_E_USAGE, "the OS '%s' %s", l->os[i], fault);
        if (l->purpose && (fault = ingot_voa_purpose_fault(l->purpose)))
                return ingot_fail(reterr, INGOT_E_USAGE, "the purpose '%s' %s", l->purpose, fault);
        if (l->context && (fault = ingot_voa_context_fault(l->context)))
                return ingot_fail(reterr, INGOT_E_USAGE, "the context '%s' %s", l->context, fault);
        return 0;
}

int ingot_voa_find(const struct ingot_voa_lookup *lookup, struct ingot_voa_result *ret,
                   ingot_error *reterr)
{
        struct find f = {.lookup = lookup, .walker = INGOT_VOA_WALKER_NONE};
        int r = check_lookup(lookup, reterr);
        if (r >= 0)
                r = ingot_voa_walker_open(&f.walker, lookup->root, lookup->paths, reterr);
        for (size_t i = 0; r >= 0 && i < lookup->paths->count; i++)
                r = descend(&f, i, "", LEVEL_OS, reterr);
        if (r >= 0)
                r = judge_all(&f, reterr);
        ingot_voa_walker_close(&f.walker);
        if (r < 0) {
                ingot_voa_result_done(&f.result);
                return ingot_under(reterr, r, "verifiers");
        }
        *ret = f.result;
        return 0;
}
