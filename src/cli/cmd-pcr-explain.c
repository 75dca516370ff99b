/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot pcr explain [--against FILE] [LOG] */
#include "base/cleanup.h"
#include "base/json-read.h"
#include "cli/command.h"
#include "cli/pcr-log.h"
#include "cli/print.h"
#include "image/esp.h"
#include "measure/component-folder.h"
#include "measure/explain-accepted.h"
#include "measure/explain-expected.h"
#include "measure/record-json.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>

struct explain_options {
        const char *against, *against_userspace, *components, *userspace, *root;
};

static const struct option rows[] = {
        STRING(0, "against", "FILE", struct explain_options, against,
               "What to compare with: the firmware's log of another boot, a measurement manifest, or "
               "pcrlock.json"),
        STRING(0, "against-userspace", "FILE", struct explain_options, against_userspace,
               "The log of user space of that other boot"),
        STRING(0, "components", "DIR", struct explain_options, components,
               "With pcrlock.json: the components (.pcrlock files) that the policy was made of"),
        STRING(0, "userspace", "FILE", struct explain_options, userspace,
               "The log of user space that goes with LOG"),
        STRING(0, "root", "DIR", struct explain_options, root,
               "Without LOG: look at the machine whose root is that folder"),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

enum against { AGAINST_LOG, AGAINST_POLICY, AGAINST_MANIFEST };

/* What is compared. */
struct comparison {
        enum against against;
        struct ingot_boot_log old_log, log;
        struct ingot_pcrlock_policy policy;
        struct ingot_components components;
        struct ingot_measurement manifest;
        uint32_t profile; /* of the manifest */
        struct ingot_explain_side before, after;
        struct ingot_causes causes;
};

static void comparison_done(struct comparison *c)
{
        ingot_causes_done(&c->causes);
        ingot_explain_side_done(&c->before);
        ingot_explain_side_done(&c->after);
        ingot_measurement_done(&c->manifest);
        ingot_components_done(&c->components);
        ingot_pcrlock_policy_done(&c->policy);
        ingot_boot_log_done(&c->old_log);
        ingot_boot_log_done(&c->log);
}

/* One sentence a line; what to do follows when the next sentence asks for something else. */
static int print_cause(const struct ingot_explain_side *side, const struct ingot_cause *c,
                       bool advise, ingot_error *reterr)
{
        _cleanup_free_ char *place = NULL;
        int r = ingot_explain_place(side, &c->at, &place, reterr);
        if (r < 0)
                return r;
        print_styled(stdout, STYLE_BOLD, place);
        printf(": ");
        print_text(stdout, c->text);
        if (c->removed > 1 || c->added > 1)
                printf(" (%zu measurements)", c->removed > c->added ? c->removed : c->added);
        printf("\n");
        if (advise)
                printf("        %s%s%s\n", print_style(stdout, STYLE_FAINT), c->advice,
                       print_style(stdout, STYLE_PLAIN));
        return 0;
}

static void print_nothing(const struct comparison *c)
{
        if (c->against == AGAINST_LOG) {
                printf("Nothing differs: the measurements are all the same (%zu).\n", c->after.count);
        } else if (c->against == AGAINST_POLICY) {
                printf("The policy accepts the values of all PCRs that it looks at (%zu).\n",
                       c->policy.sets.count);
        } else {
                printf("Nothing differs from the manifest of ");
                print_text(stdout, c->manifest.uki.path ? c->manifest.uki.path : "the UKI");
                printf(" (profile %" PRIu32 ").\n", c->profile);
        }
}

static int print_causes(const struct comparison *c, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < c->causes.count; i++) {
                const struct ingot_cause *cause = c->causes.items + i;
                bool last = i + 1 == c->causes.count || cause[1].advice != cause->advice;
                r = print_cause(&c->after, cause, last, reterr);
        }
        if (r >= 0 && c->causes.count == 0)
                print_nothing(c);
        return r;
}

/* A measurement; null where there is none. */
static int add_event(struct json_object *o, const char *key, const struct ingot_explain_side *side,
                     size_t i, ingot_error *reterr)
{
        struct json_object *event;
        if (i == SIZE_MAX)
                return ingot_json_add_text(o, key, NULL, reterr);
        int r = ingot_json_add_object(o, key, &event, reterr);
        if (r >= 0)
                r = ingot_json_add_text(event, "name", side->events[i].name, reterr);
        return r < 0 ? r : ingot_record_add_json(event, &side->events[i].record, reterr);
}

static int add_cause(struct json_object *list, const struct comparison *c,
                     const struct ingot_cause *cause, ingot_error *reterr)
{
        struct json_object *o;
        bool nv = cause->at.nv_index != 0;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "id", cause->id, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, nv ? "nv_index" : "pcr",
                                       nv ? cause->at.nv_index : cause->at.pcr, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "text", cause->text, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "advice", cause->advice, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "removed", cause->removed, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "added", cause->added, reterr);
        if (r >= 0)
                r = add_event(o, "before", &c->before, cause->before, reterr);
        return r < 0 ? r : add_event(o, "after", &c->after, cause->after, reterr);
}

static int print_json(const struct comparison *c, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        static const char *const kinds[] = {
                [AGAINST_LOG] = "log",
                [AGAINST_POLICY] = "policy",
                [AGAINST_MANIFEST] = "manifest",
        };
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "against", kinds[c->against], reterr);
        if (r >= 0 && c->against == AGAINST_MANIFEST)
                r = ingot_json_add_u64(o, "profile", c->profile, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "differs", c->causes.count > 0, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "causes", &list, reterr);
        for (size_t i = 0; r >= 0 && i < c->causes.count; i++)
                r = add_cause(list, c, c->causes.items + i, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

/* Of JSON its members say what it is. */
static int load_json(struct comparison *c, struct ingot_span text, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_parse(text, INGOT_MEASUREMENT_SIZE_MAX, &o, reterr);
        if (r < 0)
                return r;
        bool policy = json_object_object_get_ex(o, "pcrValues", NULL);
        c->against = policy ? AGAINST_POLICY : AGAINST_MANIFEST;
        return policy ? ingot_pcrlock_policy_decode(text, &c->policy, reterr)
                      : ingot_measurement_decode(text, &c->manifest, reterr);
}

/* A log of firmware begins with the number of a PCR, so never with a brace and a quote. */
static bool is_json(struct ingot_span bytes)
{
        size_t i = 0;
        while (i < bytes.size && bytes.data[i] && strchr(" \t\r\n", bytes.data[i]))
                i++;
        return i < bytes.size && bytes.data[i] == '{';
}

static int load_components(struct comparison *c, const struct explain_options *o, bool machine,
                           ingot_error *reterr)
{
        const char *const folders[] = {o->components, NULL};
        if (o->components)
                return ingot_components_read(NULL, folders, &c->components, reterr);
        return machine ? ingot_components_read(o->root, NULL, &c->components, reterr) : 0;
}

/* What to compare with, in PATH. */
static int load_against(struct comparison *c, const struct explain_options *o, const char *path,
                        bool machine, ingot_error *reterr)
{
        const struct ingot_boot_log_request old = {path, o->against_userspace, NULL};
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size = 0;
        int r = path ? ingot_file_read(AT_FDCWD, path, INGOT_MEASUREMENT_SIZE_MAX, &bytes, &size,
                                       reterr)
                     : 0;
        if (r < 0)
                return r;
        if (!is_json(INGOT_SPAN(bytes, size))) {
                r = ingot_boot_log_load(&old, &c->old_log, reterr);
                return r < 0 ? r : ingot_explain_side_of_log(&c->old_log, &c->before, reterr);
        }
        r = load_json(c, INGOT_SPAN(bytes, size), reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        return c->against == AGAINST_POLICY ? load_components(c, o, machine, reterr) : 0;
}

static int compare(struct comparison *c, ingot_error *reterr)
{
        if (c->against == AGAINST_LOG)
                return ingot_explain(&c->before, &c->after, &c->causes, reterr);
        if (c->against == AGAINST_POLICY)
                return ingot_explain_accepted(&c->policy, &c->components, &c->log, &c->after,
                                              &c->causes, reterr);
        return ingot_explain_expected(&c->manifest, &c->after, &c->profile, &c->before, &c->causes,
                                      reterr);
}

static int try_manifest(struct comparison *c, const char *path, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_measurement_ struct ingot_measurement manifest = {0};
        _cleanup_causes_ struct ingot_causes causes = {0};
        _cleanup_explain_side_ struct ingot_explain_side before = {0};
        uint32_t profile;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_MEASUREMENT_SIZE_MAX, &bytes, &size, reterr);
        if (r >= 0)
                r = ingot_under(reterr,
                                ingot_measurement_decode(INGOT_SPAN(bytes, size), &manifest,
                                                         reterr),
                                "%s", path);
        if (r >= 0)
                r = ingot_explain_expected(&manifest, &c->after, &profile, &before, &causes,
                                           reterr);
        bool better = c->against != AGAINST_MANIFEST || causes.count < c->causes.count;
        if (r < 0 || !better)
                return r;
        ingot_measurement_done(&c->manifest);
        ingot_explain_side_done(&c->before);
        ingot_causes_done(&c->causes);
        c->manifest = manifest;
        c->before = before;
        c->causes = causes;
        manifest = (struct ingot_measurement){0};
        before = (struct ingot_explain_side){0};
        causes = (struct ingot_causes){0};
        c->profile = profile;
        c->against = AGAINST_MANIFEST;
        return 0;
}

/* The manifests in one folder; the one that fits best is kept. */
static int try_folder(struct comparison *c, const char *folder, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_list_files(folder, &names, reterr);
        if (r == 1)
                return 0;
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *path = NULL;
                if (!ingot_ends_with(names.items[i], INGOT_MEASUREMENT_SUFFIX))
                        continue;
                r = ingot_format(&path, reterr, "%s/%s", folder, names.items[i]);
                if (r >= 0)
                        r = try_manifest(c, path, reterr);
        }
        return r;
}

/* Against what the machine has itself: the policy that unlocks its secrets, or what the vendor says
 * that it measures. */
static int compare_own(struct comparison *c, const struct explain_options *o, ingot_error *reterr)
{
        static const char *const mounts[] = {"/efi", "/boot", "/boot/efi"};
        const char *root = o->root ? o->root : "";
        _cleanup_free_ char *policy = NULL;
        int r = ingot_format(&policy, reterr, "%s" INGOT_PCRLOCK_POLICY_PATH, root);
        if (r >= 0 && ingot_file_exists(policy)) {
                r = load_against(c, o, policy, true, reterr);
                return r < 0 ? r : compare(c, reterr);
        }
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(mounts); i++) {
                _cleanup_free_ char *folder = NULL;
                r = ingot_format(&folder, reterr, "%s%s/" INGOT_ESP_MEASUREMENTS, root, mounts[i]);
                if (r >= 0 && ingot_file_exists(folder))
                        r = try_folder(c, folder, reterr);
        }
        if (r >= 0 && c->against != AGAINST_MANIFEST)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "nothing to compare with: this machine has neither a policy of "
                                  "systemd-pcrlock (%s) nor a measurement manifest on its ESP (%s/efi/"
                                  INGOT_ESP_MEASUREMENTS "); give the log of another boot with "
                                  "--against",
                                  policy, root);
        return r;
}

static int load(const struct invocation *in, struct comparison *c, ingot_error *reterr)
{
        const struct explain_options *o = in->options;
        const struct ingot_boot_log_request now = {
                .firmware = in->operand_count > 0 ? in->operands[0] : NULL,
                .userspace = o->userspace,
                .root = o->root,
        };
        bool machine = !now.firmware && !now.userspace;
        bool named = o->against || o->against_userspace;
        if (!named && !machine)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "nothing to compare with: give a measurement manifest, the log "
                                  "of another boot or pcrlock.json with --against");
        int r = ingot_boot_log_load(&now, &c->log, reterr);
        if (r >= 0)
                r = ingot_explain_side_of_log(&c->log, &c->after, reterr);
        if (r >= 0 && !named)
                return compare_own(c, o, reterr);
        if (r >= 0)
                r = load_against(c, o, o->against, machine, reterr);
        return r < 0 ? r : compare(c, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        _cleanup_(comparison_done) struct comparison c = {.before = {.count = 0}};
        int r = load(in, &c, reterr);
        if (r >= 0)
                r = in->json ? print_json(&c, reterr) : print_causes(&c, reterr);
        if (r < 0)
                return r;
        fflush(stdout);
        r = ingot_boot_log_problem(&c.old_log, reterr);
        if (r >= 0)
                r = ingot_boot_log_problem(&c.log, reterr);
        return r < 0 ? r : c.causes.count > 0 ? 3 : 0;
}

static const struct example examples[] = {
        {"ingot pcr explain --against old.log new.log", "Say what changed between two boots"},
        {"ingot pcr explain --against old.log --json new.log", "The same for a program"},
        {"ingot pcr explain --against pcrlock.json new.log",
         "Say why the policy of systemd-pcrlock does not accept a boot"},
        {0},
};

const struct command cmd_pcr_explain = {
        .name = "pcr explain",
        .synopsis = "[LOG]",
        .summary = "Say which change of the machine changed its PCRs",
        .details =
                "Lays what a boot measured beside what it should have measured, and names what "
                "differs: which PCR, what changed in the machine, and what to do. Without LOG it is "
                "this machine's boot. No TPM is needed.\n"
                "\n"
                "With the log of another boot, all PCRs are compared. With a measurement manifest "
                "(ingot pcr predict) those are that it predicts, 4, 9, 11, 12 and 13, as far as the "
                "boot has come; the profile that fits best is taken. With pcrlock.json those are "
                "that the policy looks at: it has only values, so the cause is found by trying, and "
                "by the components where they are at hand. Without --against it is this machine's "
                "pcrlock.json, or the manifest on its ESP that fits best; its signature is not "
                "looked at here (ingot verify does that).\n"
                "\n"
                "Measurements are the same when their digests are. What a log says beside a digest "
                "is not protected; where it is not what was measured, this is said.\n"
                "\n"
                "The exit status is 0 when nothing differs and 3 when something does.",
        .rows = rows,
        .examples = examples,
        .operands_max = 1,
        .options_size = sizeof(struct explain_options),
        .run = run,
};
