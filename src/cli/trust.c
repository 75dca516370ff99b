/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verifiers, for people and for programs. */
#include "cli/trust.h"
#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/print.h"
#include "trust/voa-name.h"

#include <stdlib.h>
#include <string.h>

enum { OS_RELEASE_MAX = 1 << 20 };

int trust_paths(bool user, struct ingot_voa_paths *ret, ingot_error *reterr)
{
        const struct ingot_voa_user u = {.home = getenv("HOME"),
                                         .config_home = getenv("XDG_CONFIG_HOME"),
                                         .config_dirs = getenv("XDG_CONFIG_DIRS"),
                                         .runtime_dir = getenv("XDG_RUNTIME_DIR"),
                                         .data_home = getenv("XDG_DATA_HOME"),
                                         .data_dirs = getenv("XDG_DATA_DIRS")};
        return user ? ingot_voa_paths_user(ret, &u, reterr) : ingot_voa_paths_system(ret, reterr);
}

int trust_os(const char *root, char **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_close_ int fd = -1;
        int r = ingot_plain_open_root(root ? root : "/", &fd, reterr);
        if (r < 0)
                return r;
        /* As a rule the one in /etc is a link to the other. */
        r = ingot_plain_read(fd, "/etc/os-release", OS_RELEASE_MAX, &text, reterr);
        if (r == -INGOT_E_NOTFOUND)
                r = ingot_plain_read(fd, "/usr/lib/os-release", OS_RELEASE_MAX, &text, reterr);
        if (r == -INGOT_E_NOTFOUND)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "no os-release says which OS this is: name it with --os=OS");
        if (r >= 0)
                r = ingot_voa_os_of_release(ingot_buffer_span(&text), ret, reterr);
        return ingot_under(reterr, r, "os-release");
}

static int add_place(struct json_object *o, const struct ingot_voa_place *p, ingot_error *reterr)
{
        int r = ingot_json_add_text(o, "os", p->os, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "purpose", p->purpose, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "context", p->context, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "technology", ingot_technology_name(p->technology),
                                        reterr);
        return r < 0 ? r : ingot_json_add_text(o, "name", p->name, reterr);
}

static int add_certification(struct json_object *o, const struct trust_certification *c,
                             ingot_error *reterr)
{
        int r = c->wanted ? json_add_texts(o, "anchors", &c->anchors, reterr) : 0;
        return r < 0 || !c->fault ? r : ingot_json_add_text(o, "reason", c->fault, reterr);
}

static int add_verifier(struct json_object *list, const struct trust_found *f, size_t index,
                        ingot_error *reterr)
{
        const struct ingot_voa_verifier *v = f->result.verifiers + index;
        const struct ingot_voa_place place = {v->os, v->purpose, v->context, v->name,
                                              v->technology};
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "path", v->path, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "state", ingot_voa_state_name(v->state), reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "by", v->by, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "load_path", f->paths->items[v->load_path].path, reterr);
        if (r >= 0)
                r = add_place(o, &place, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "anchor", v->anchor, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "copy", v->copy, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "target", v->target, reterr);
        if (r >= 0)
                r = json_add_texts(o, "links", &v->links, reterr);
        return r < 0 ? r : add_certification(o, f->certifications + index, reterr);
}

static int add_mask(struct json_object *list, const struct ingot_voa_mask *m, ingot_error *reterr)
{
        const struct ingot_voa_place place = {m->os, m->purpose, m->context, m->name,
                                              m->technology};
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "path", m->path, reterr);
        return r < 0 ? r : add_place(o, &place, reterr);
}

static int add_warning(struct json_object *list, const struct ingot_voa_warning *w,
                       ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "path", w->path, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "fault", ingot_voa_fault_name(w->fault), reterr);
        return r < 0 ? r : ingot_json_add_text(o, "reason", w->reason, reterr);
}

int trust_add_found(struct json_object *o, const struct trust_found *f, ingot_error *reterr)
{
        const struct ingot_voa_result *result = &f->result;
        struct json_object *list;
        int r = ingot_json_add_array(o, "verifiers", &list, reterr);
        for (size_t i = 0; r >= 0 && i < result->verifier_count; i++)
                r = add_verifier(list, f, i, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "masks", &list, reterr);
        for (size_t i = 0; r >= 0 && i < result->mask_count; i++)
                r = add_mask(list, result->masks + i, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "revocations", &list, reterr);
        for (size_t i = 0; r >= 0 && i < result->revocations_count; i++)
                r = ingot_json_add_text(list, NULL, result->revocations[i].path, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "warnings", &list, reterr);
        for (size_t i = 0; r >= 0 && i < result->warning_count; i++)
                r = add_warning(list, result->warnings + i, reterr);
        return r;
}

static bool is_administrators(const struct ingot_voa_paths *paths, const char *path)
{
        for (size_t i = 0; i < paths->count; i++)
                if (paths->items[i].administrator && ingot_starts_with(path, paths->items[i].path))
                        return true;
        return false;
}

static void print_line(const char *what, const char *path, const char *behind)
{
        printf("          %s ", what);
        print_text(stdout, path);
        printf("%s\n", behind);
}

static void print_certification(const struct trust_certification *c, bool anchor)
{
        for (size_t i = 0; i < c->anchors.count; i++)
                print_line("certified by", c->anchors.items[i], "");
        if (c->fault)
                print_line(anchor ? "certifies nothing:" : "verifies nothing:", c->fault, "");
}

static void print_verifier(const struct trust_found *f, size_t index)
{
        const struct ingot_voa_verifier *v = f->result.verifiers + index;
        print_styled(stdout, trust_counts(f, index) ? STYLE_GOOD : STYLE_WARN,
                     ingot_voa_state_name(v->state));
        printf("%*s", (int) (10 - strlen(ingot_voa_state_name(v->state))), "");
        print_text(stdout, v->path);
        putchar('\n');
        for (size_t i = 0; i < v->links.count; i++)
                print_line("link", v->links.items[i], "");
        if (v->by)
                print_line("by", v->by,
                           is_administrators(f->paths, v->by) ? " (the administrator's)" : "");
        if (v->copy)
                printf("          joins the copy in another load path\n");
        print_certification(f->certifications + index, v->anchor);
}

void trust_print_found(const struct trust_found *f)
{
        for (size_t i = 0; i < f->result.verifier_count; i++)
                print_verifier(f, i);
        for (size_t i = 0; i < f->result.revocations_count; i++) {
                fputs("revokes   ", stdout);
                print_text(stdout, f->result.revocations[i].path);
                putchar('\n');
        }
        for (size_t i = 0; i < f->result.mask_count; i++) {
                fputs("mask      ", stdout);
                print_text(stdout, f->result.masks[i].path);
                putchar('\n');
        }
}
