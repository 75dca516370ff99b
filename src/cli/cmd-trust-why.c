/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot trust why FILE */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/trust.h"
#include "trust/voa-name.h"

#include <stdio.h>
#include <string.h>

enum { REFUSED = 3 };

struct why_options {
        const char *root;
        bool user;
};

/* What is behind a load path in FILE, or FILE itself when it is relative. */
static int find_rest(const struct ingot_voa_paths *paths, const char *file, const char **ret,
                     ingot_error *reterr)
{
        *ret = file;
        if (*file != '/')
                return 0;
        for (size_t i = 0; i < paths->count; i++) {
                size_t n = strlen(paths->items[i].path);
                if (strncmp(file, paths->items[i].path, n) == 0 && file[n] == '/') {
                        *ret = file + n + 1;
                        return 0;
                }
        }
        return ingot_fail(reterr, INGOT_E_NOTFOUND,
                          "%s is in no load path%s: name OS/PURPOSE/CONTEXT/TECHNOLOGY/FILE, or a "
                          "file below one of them",
                          file, paths->user ? " of the user's" : "; a user's are seen with --user");
}

/* Is the warning about that very file, or about a folder on the way to it? */
static bool concerns(const struct ingot_voa_warning *w, const struct ingot_voa_paths *paths,
                     const char *rest)
{
        for (size_t i = 0; i < paths->count; i++) {
                size_t n = strlen(paths->items[i].path), m;
                if (strncmp(w->path, paths->items[i].path, n) != 0 || w->path[n] != '/')
                        continue;
                m = strlen(w->path + n + 1);
                if (strncmp(rest, w->path + n + 1, m) == 0 && (rest[m] == 0 || rest[m] == '/'))
                        return true;
        }
        return false;
}

/* Does the one that FILE names with its load path count, or else any of them? */
static bool is_used(const struct trust_found *f, const char *file)
{
        bool used = false;
        for (size_t i = 0; i < f->result.verifier_count; i++) {
                if (strcmp(f->result.verifiers[i].path, file) == 0)
                        return trust_counts(f, i);
                used = used || trust_counts(f, i);
        }
        return *file != '/' && used;
}

static int print_json(const char *file, bool used, const struct trust_found *f, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "file", file, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "mode", f->paths->user ? "user" : "system", reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "used", used, reterr);
        if (r >= 0)
                r = trust_add_found(o, f, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static void print_all(const char *file, bool used, const struct trust_found *f, const char *rest)
{
        const struct ingot_voa_result *result = &f->result;
        print_text(stdout, file);
        fputs(": ", stdout);
        print_styled(stdout, used ? STYLE_GOOD : STYLE_BAD, used ? "used" : "not used");
        putchar('\n');
        trust_print_found(f);
        for (size_t i = 0; i < result->warning_count; i++) {
                if (!concerns(result->warnings + i, f->paths, rest))
                        continue;
                fputs("ignored   ", stdout);
                print_text(stdout, result->warnings[i].path);
                fputs("\n          ", stdout);
                print_text(stdout, result->warnings[i].reason);
                putchar('\n');
        }
}

static bool is_there(const struct trust_found *f, const char *rest)
{
        for (size_t i = 0; i < f->result.warning_count; i++)
                if (concerns(f->result.warnings + i, f->paths, rest))
                        return true;
        return f->result.verifier_count > 0 || f->result.mask_count > 0;
}

static int explain(const struct invocation *in, const struct ingot_voa_paths *paths,
                   const char *rest, const struct ingot_voa_place *place, ingot_error *reterr)
{
        const struct why_options *o = in->options;
        const char *file = in->operands[0], *os = place->os;
        _cleanup_trust_found_ struct trust_found found = {0};
        const struct ingot_voa_lookup lookup = {.root = o->root,
                                                .paths = paths,
                                                .os = &os,
                                                .os_count = 1,
                                                .purpose = place->purpose,
                                                .context = place->context,
                                                .name = place->name,
                                                .technology = (int) place->technology};
        int r = trust_find(&lookup, &found, reterr);
        if (r < 0)
                return r;
        if (!is_there(&found, rest))
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no load path has %s", rest);
        bool used = is_used(&found, file);
        if (in->json)
                r = print_json(file, used, &found, reterr);
        else
                print_all(file, used, &found, rest);
        return r < 0 ? r : used ? 0 : REFUSED;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct why_options *o = in->options;
        _cleanup_voa_paths_ struct ingot_voa_paths paths = {0};
        struct ingot_voa_place place = {0};
        const char *rest;
        int r = trust_paths(o->user, &paths, reterr);
        if (r >= 0)
                r = find_rest(&paths, in->operands[0], &rest, reterr);
        if (r < 0)
                return r;
        r = ingot_voa_place_parse(rest, &place, reterr);
        if (r == -INGOT_E_FORMAT && ingot_ends_with(rest, ".krl"))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "%s: revocation lists of SSH are no verifiers, and all count; "
                                  "'ingot trust list' shows them",
                                  rest);
        if (r == -INGOT_E_FORMAT) {
                ingot_under(reterr, r, "%s is never used", rest);
                reterr->code = INGOT_E_REFUSED;
                return -INGOT_E_REFUSED;
        }
        if (r >= 0)
                r = explain(in, &paths, rest, &place, reterr);
        ingot_voa_place_done(&place);
        return r;
}

static const struct option rows[] = {
        OPTION_TRUST_USER(struct why_options, user),
        OPTION_TRUST_ROOT(struct why_options, root),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static const struct example examples[] = {
        {"ingot trust why --root=system arch/package/default/minisign/arch.pub",
         "Which copy of a verifier is used"},
        {"ingot trust why --root=system /etc/voa/arch/package/default/minisign/arch.pub",
         "Whether that one is, and what it shadows"},
        {0},
};

const struct command cmd_trust_why = {
        .name = "trust why",
        .synopsis = "FILE",
        .summary = "Say why a verifier is used, or is not",
        .details =
                "FILE is a file below a load path of VOA (UAPI.11), or OS/PURPOSE/CONTEXT/"
                "TECHNOLOGY/FILE, which stands for all its copies. Shown are the copies in all "
                "load paths: which is used and by which links it is reached, which is shadowed or "
                "masked and by what, and which is ignored and why. Of an OpenPGP key it says which "
                "trust anchors certify it, where there are some, and of an SSH certificate "
                "always: without one it is not used. What is revoked is not used either.\n"
                "\n"
                "Exits with 0 when it is used, 3 when it is not, and 1 when it is not there.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .options_size = sizeof(struct why_options),
        .run = run,
};
