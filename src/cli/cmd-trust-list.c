/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot trust list */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/trust.h"

#include <stdio.h>

struct list_options {
        struct ingot_strings os;
        const char *purpose, *context, *technology, *root;
        bool all, user;
};

/* The OS to look for, in *os: as given, or the system's own. */
static int choose_os(const struct list_options *o, struct ingot_strings *os, ingot_error *reterr)
{
        _cleanup_free_ char *own = NULL;
        int r = 0;
        if (o->all && o->os.count > 0)
                return ingot_fail(reterr, INGOT_E_USAGE, "--all and --os exclude each other");
        for (size_t i = 0; r >= 0 && i < o->os.count; i++)
                r = ingot_strings_add(os, o->os.items[i], reterr);
        if (r < 0 || o->all || o->os.count > 0)
                return r;
        r = trust_os(o->root, &own, reterr);
        return r < 0 ? r : ingot_strings_add(os, own, reterr);
}

static int print_json(const struct trust_found *f, const struct ingot_strings *os,
                      ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "mode", f->paths->user ? "user" : "system", reterr);
        if (r >= 0)
                r = json_add_texts(o, "os", os, reterr);
        if (r >= 0)
                r = trust_add_found(o, f, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static void print_result(const struct invocation *in, const struct trust_found *f,
                         const struct ingot_strings *os)
{
        const struct ingot_voa_result *result = &f->result;
        trust_print_found(f);
        for (size_t i = 0; i < result->warning_count; i++)
                ingot_warn(in->log, "%s: %s", result->warnings[i].path, result->warnings[i].reason);
        if (result->verifier_count > 0 || result->mask_count > 0)
                return;
        if (os->count == 1)
                ingot_warn(in->log, "there is no such verifier for %s; --all shows those of any OS",
                           os->items[0]);
        else
                ingot_warn(in->log, "there is no such verifier");
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct list_options *o = in->options;
        _cleanup_voa_paths_ struct ingot_voa_paths paths = {0};
        _cleanup_strings_ struct ingot_strings os = {0};
        _cleanup_trust_found_ struct trust_found found = {0};
        enum ingot_technology technology = 0;
        if (o->technology && !ingot_technology_parse(o->technology, &technology))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "'%s' is none of openpgp, ssh, x509, minisign, signify",
                                  o->technology);
        int r = trust_paths(o->user, &paths, reterr);
        if (r >= 0)
                r = choose_os(o, &os, reterr);
        if (r < 0)
                return r;
        const struct ingot_voa_lookup lookup = {.root = o->root,
                                                .paths = &paths,
                                                .os = (const char *const *) os.items,
                                                .os_count = os.count,
                                                .purpose = o->purpose,
                                                .anchors = true,
                                                .context = o->context,
                                                .technology =
                                                        o->technology ? (int) technology : -1};
        r = trust_find(&lookup, &found, reterr);
        if (r < 0)
                return r;
        if (in->json)
                return print_json(&found, &os, reterr);
        print_result(in, &found, &os);
        return 0;
}

static const struct option rows[] = {
        STRINGS(0, "os", "OS", struct list_options, os,
                "Of that OS, as \"debian:12\"; may be given several times; else of this one"),
        FLAG('a', "all", struct list_options, all, "Of every OS"),
        STRING(0, "purpose", "PURPOSE", struct list_options, purpose,
               "For image, package, repository-metadata, …, with their trust anchors"),
        STRING(0, "context", "CONTEXT", struct list_options, context,
               "Of that context, as \"default\""),
        STRING(0, "technology", "NAME", struct list_options, technology,
               "Of openpgp, ssh, x509, minisign or signify"),
        OPTION_TRUST_USER(struct list_options, user),
        OPTION_TRUST_ROOT(struct list_options, root),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static const struct example examples[] = {
        {"ingot trust list --root=system --all", "Every verifier of the system in a folder"},
        {"ingot trust list --root=system --os=arch --purpose=package",
         "What may sign an OS's packages"},
        {"ingot trust list --root=system --all --json", "The same for a program, with reasons"},
        {0},
};

const struct command cmd_trust_list = {
        .name = "trust list",
        .synopsis = "",
        .summary = "List the keys and certificates that are trusted",
        .details =
                "Looks through the VOA hierarchies (UAPI.11), OS/PURPOSE/CONTEXT/TECHNOLOGY/FILE "
                "below /etc/voa, /run/voa, /usr/local/share/voa and /usr/share/voa, and says of "
                "each verifier whether it is used, shadowed by one of a higher load path, or "
                "masked by a link to /dev/null. What breaks a rule is passed over with a "
                "warning. Where there are trust anchors of OpenPGP, and of certificates of SSH, it "
                "says which anchors certify a verifier; one that none certifies verifies nothing. "
                "Files NAME.krl of SSH revoke keys, certificates and authorities.\n"
                "\n"
                "No OS implies another: verifiers of \"debian\" are not those of \"debian:12\".\n"
                "\n"
                "With --user the load paths are those of the XDG base directories. Masks of the "
                "administrator, in /etc/voa and /run/voa, hold for users as well; verifiers that "
                "stand only there do not count for them.",
        .rows = rows,
        .examples = examples,
        .options_size = sizeof(struct list_options),
        .run = run,
};
