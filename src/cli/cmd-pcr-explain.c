/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot pcr explain [--against FILE] [LOG] */
#include "base/cleanup.h"
#include "base/json-read.h"
#include "cli/command.h"
#include "cli/machine-image.h"
#include "cli/pcr-log.h"
#include "cli/print.h"
#include "cli/signers.h"
#include "image/esp.h"
#include "image/measurement-file.h"
#include "measure/component-folder.h"
#include "measure/explain-accepted.h"
#include "measure/explain-expected.h"
#include "measure/record-json.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>

struct explain_options {
        const char *against, *against_userspace, *components, *userspace, *root, *image;
        struct verify_options signers;
};

static const struct option rows[] = {
        STRING(0, "against", "FILE", struct explain_options, against,
               "What to compare with: the firmware's log of another boot, a measurement manifest, "
               "or "
               "pcrlock.json"),
        STRING(0, "against-userspace", "FILE", struct explain_options, against_userspace,
               "The log of user space of that other boot"),
        STRING(0, "components", "DIR", struct explain_options, components,
               "With pcrlock.json: the components (.pcrlock files) that the policy was made of"),
        STRING(0, "userspace", "FILE", struct explain_options, userspace,
               "The log of user space that goes with LOG"),
        STRING(0, "root", "DIR", struct explain_options, root,
               "Look at the machine whose root is that folder, without LOG for its logs, too"),
        OPTION_MACHINE_IMAGE(struct explain_options, image),
        OPTION_SIGNERS(struct explain_options, signers),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

enum against { AGAINST_LOG, AGAINST_POLICY, AGAINST_MANIFEST };

/* What is compared. */
struct comparison {
        const struct explain_options *options;
        const struct ingot_log *warnings;
        struct machine_image image; /* the machine's; or closed */
        struct signers keys;
        const struct ingot_signature_request *signers; /* of manifests; NULL: not checked */
        enum against against;
        struct ingot_boot_log old_log, log;
        struct ingot_pcrlock_policy policy;
        struct ingot_components components;
        struct ingot_measurement manifest;
        uint32_t profile; /* of the manifest */
        char *signer;     /* of the manifest; NULL: its signature was not checked */
        ingot_error refused; /* the first manifest that was passed over */
        struct ingot_explain_side before, after;
        struct ingot_causes causes;
};

static void comparison_done(struct comparison *c)
{
        ingot_causes_done(&c->causes);
        ingot_explain_side_done(&c->before);
        ingot_explain_side_done(&c->after);
        ingot_measurement_done(&c->manifest);
        free(c->signer);
        signers_done(&c->keys);
        machine_image_close(&c->image);
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

/* What the difference is worth hangs on who says what should have been measured. */
static void print_signature(const struct comparison *c)
{
        if (!c->signer) {
                printf("The manifest's signature was not checked: --key names who may sign it.\n");
                return;
        }
        printf("The manifest is signed by ");
        print_text(stdout, c->signer);
        printf(".\n");
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
        if (r >= 0 && c->against == AGAINST_MANIFEST)
                print_signature(c);
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
        if (r >= 0 && c->against == AGAINST_MANIFEST)
                r = ingot_json_add_text(o, "signature", c->signer ? "holds" : "not-checked",
                                        reterr);
        if (r >= 0 && c->signer)
                r = ingot_json_add_text(o, "signer", c->signer, reterr);
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

/* Of MACHINE they are those that the machine has; of a policy that was named, those that were. */
static int load_components(struct comparison *c, bool machine, ingot_error *reterr)
{
        const struct explain_options *o = c->options;
        const char *const folders[] = {o->components, NULL};
        if (o->components)
                return ingot_components_read(NULL, folders, &c->components, reterr);
        return machine ? ingot_components_read(o->root, NULL, &c->components, reterr) : 0;
}

/* Of a manifest that was named: who signed these bytes. */
static int check_named(struct comparison *c, const struct ingot_measurement_file *f,
                       ingot_error *reterr)
{
        return c->against == AGAINST_MANIFEST && c->signers
                       ? ingot_measurement_file_check(f, c->signers, &c->signer, reterr)
                       : 0;
}

/* What to compare with, in PATH. */
static int load_against(struct comparison *c, const char *path, bool machine, ingot_error *reterr)
{
        const struct ingot_boot_log_request old = {path, c->options->against_userspace, NULL};
        _cleanup_measurement_file_ struct ingot_measurement_file f = {0};
        int r = path ? ingot_measurement_file_read(path, &f, reterr) : 0;
        if (r < 0)
                return r;
        struct ingot_span text = ingot_buffer_span(&f.text);
        if (!is_json(text)) {
                r = ingot_boot_log_load(&old, &c->old_log, reterr);
                return r < 0 ? r : ingot_explain_side_of_log(&c->old_log, &c->before, reterr);
        }
        r = load_json(c, text, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        r = check_named(c, &f, reterr);
        return r < 0 || c->against != AGAINST_POLICY ? r : load_components(c, machine, reterr);
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

/* 1: it was refused, which is said; another may be better. */
static int check_found(struct comparison *c, const struct ingot_measurement_file *f, char **ret_by,
                       ingot_error *reterr)
{
        ingot_error error = {0};
        int r = c->signers ? ingot_measurement_file_check(f, c->signers, ret_by, &error) : 0;
        if (r == -INGOT_E_REFUSED) {
                ingot_warn(c->warnings, "%s", error.text);
                if (!c->refused.code)
                        c->refused = error;
                return 1;
        }
        if (r < 0 && reterr)
                *reterr = error;
        return r;
}

/* Keeps it when it fits better than what there is. */
static int try_manifest(struct comparison *c, const struct ingot_measurement_file *f,
                        ingot_error *reterr)
{
        _cleanup_measurement_ struct ingot_measurement manifest = {0};
        _cleanup_causes_ struct ingot_causes causes = {0};
        _cleanup_explain_side_ struct ingot_explain_side before = {0};
        _cleanup_free_ char *signer = NULL;
        uint32_t profile;
        int r = check_found(c, f, &signer, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        r = ingot_measurement_decode(ingot_buffer_span(&f->text), &manifest, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", f->where);
        r = ingot_explain_expected(&manifest, &c->after, &profile, &before, &causes, reterr);
        bool better = c->against != AGAINST_MANIFEST || causes.count < c->causes.count;
        if (r < 0 || !better)
                return r;
        ingot_measurement_done(&c->manifest);
        ingot_explain_side_done(&c->before);
        ingot_causes_done(&c->causes);
        free(c->signer);
        c->manifest = manifest;
        c->before = before;
        c->causes = causes;
        c->signer = TAKE_PTR(signer);
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
                _cleanup_measurement_file_ struct ingot_measurement_file f = {0};
                _cleanup_free_ char *path = NULL;
                if (!ingot_ends_with(names.items[i], INGOT_MEASUREMENT_SUFFIX))
                        continue;
                r = ingot_format(&path, reterr, "%s/%s", folder, names.items[i]);
                if (r >= 0)
                        r = ingot_measurement_file_read(path, &f, reterr);
                if (r >= 0)
                        r = try_manifest(c, &f, reterr);
        }
        return r;
}

/* Those on the ESP of the image. */
static int try_image(struct comparison *c, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        const struct ingot_tree *esp;
        int r = machine_image_esp(&c->image, &esp, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        r = ingot_measurement_file_names(esp, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_measurement_file_ struct ingot_measurement_file f = {0};
                r = ingot_measurement_file_of_esp(esp, names.items[i], &f, reterr);
                if (r == 0)
                        r = try_manifest(c, &f, reterr);
        }
        return r < 0 ? r : 0;
}

/* Those on the ESP of the machine that runs, or whose root is a folder. */
static int try_mounts(struct comparison *c, ingot_error *reterr)
{
        static const char *const mounts[] = {"/efi", "/boot", "/boot/efi"};
        const char *root = c->options->root ? c->options->root : "";
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(mounts); i++) {
                _cleanup_free_ char *folder = NULL;
                r = ingot_format(&folder, reterr, "%s%s/" INGOT_ESP_MEASUREMENTS, root, mounts[i]);
                if (r >= 0 && ingot_file_exists(folder))
                        r = try_folder(c, folder, reterr);
        }
        return r;
}

/* 0: the machine has a policy, with which was compared; 1: it has none. */
static int compare_policy(struct comparison *c, ingot_error *reterr)
{
        const char *root = c->options->root ? c->options->root : "";
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size;
        int r;
        if (c->options->image) {
                r = machine_image_read(&c->image, INGOT_PCRLOCK_POLICY_PATH,
                                       INGOT_MEASUREMENT_SIZE_MAX, &bytes, &size, reterr);
                if (r == 0)
                        r = load_json(c, INGOT_SPAN(bytes, size), reterr);
                if (r == 0 && c->against == AGAINST_POLICY)
                        r = load_components(c, false, reterr);
                return r != 0 ? r : compare(c, reterr);
        }
        r = ingot_format(&path, reterr, "%s" INGOT_PCRLOCK_POLICY_PATH, root);
        if (r < 0 || !ingot_file_exists(path))
                return r < 0 ? r : 1;
        r = load_against(c, path, true, reterr);
        return r < 0 ? r : compare(c, reterr);
}

/* Against what the machine has itself: the policy that unlocks its secrets, or what the vendor says
 * that it measures. */
static int compare_own(struct comparison *c, ingot_error *reterr)
{
        const struct explain_options *o = c->options;
        int r = compare_policy(c, reterr);
        if (r != 1)
                return r;
        r = o->image ? try_image(c, reterr) : try_mounts(c, reterr);
        if (r < 0 || c->against == AGAINST_MANIFEST)
                return r;
        if (c->refused.code) {
                if (reterr)
                        *reterr = c->refused;
                return -c->refused.code;
        }
        return ingot_fail(reterr, INGOT_E_NOTFOUND,
                          "nothing to compare with: this machine has neither a policy of "
                          "systemd-pcrlock (%s" INGOT_PCRLOCK_POLICY_PATH
                          ") nor a measurement manifest on its ESP (%s%s" INGOT_ESP_MEASUREMENTS
                          "); give the log of another boot with --against",
                          o->root ? o->root : "", o->root ? o->root : "", o->image ? "" : "/efi/");
}

static int check_options(const struct explain_options *o, bool machine, bool named,
                         ingot_error *reterr)
{
        if (o->root && o->image)
                return ingot_fail(reterr, INGOT_E_USAGE, "--root and --image exclude each other");
        if (!named && !machine && !o->image)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "nothing to compare with: give a measurement manifest, the log "
                                  "of another boot or pcrlock.json with --against, or the image "
                                  "that was booted with --image");
        return 0;
}

static int load_log(struct comparison *c, const char *firmware, bool machine, ingot_error *reterr)
{
        const struct explain_options *o = c->options;
        const struct ingot_boot_log_request now = {
                .firmware = firmware, .userspace = o->userspace, .root = o->root};
        int r = machine && o->image ? machine_image_log(&c->image, &c->log, reterr)
                                    : ingot_boot_log_load(&now, &c->log, reterr);
        return r < 0 ? r : ingot_explain_side_of_log(&c->log, &c->after, reterr);
}

static int load(const struct invocation *in, struct comparison *c, ingot_error *reterr)
{
        const struct explain_options *o = in->options;
        const char *firmware = in->operand_count > 0 ? in->operands[0] : NULL;
        bool machine = !firmware && !o->userspace;
        bool named = o->against || o->against_userspace;
        int r = check_options(o, machine, named, reterr), unchecked = 0;
        c->options = o;
        c->warnings = in->log;
        if (r >= 0)
                r = unchecked = signers_load(&c->keys, &o->signers, o->root, in->log, reterr);
        c->signers = unchecked ? NULL : &c->keys.request;
        if (r >= 0 && o->image)
                r = machine_image_open(&c->image, o->image, reterr);
        if (r >= 0)
                r = load_log(c, firmware, machine, reterr);
        if (r >= 0 && !named)
                return compare_own(c, reterr);
        if (r >= 0)
                r = load_against(c, o->against, machine, reterr);
        return r < 0 ? r : compare(c, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        _cleanup_(comparison_done) struct comparison c = {.image = MACHINE_IMAGE_NONE};
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
                "differs: which PCR, what changed in the machine, and what to do. Without LOG it "
                "is "
                "this machine's boot. No TPM is needed.\n"
                "\n"
                "With the log of another boot, all PCRs are compared. With a measurement manifest "
                "(ingot pcr predict) those are that it predicts, 4, 9, 11, 12 and 13, as far as "
                "the "
                "boot has come; the profile that fits best is taken. With pcrlock.json those are "
                "that the policy looks at: it has only values, so the cause is found by trying, "
                "and "
                "by the components where they are at hand. Without --against it is this machine's "
                "pcrlock.json, or the manifest on its ESP that fits best; with --image that of the "
                "machine in the image, beside a LOG that this machine wrote elsewhere.\n"
                "\n"
                "Who signed a manifest is checked when --key or --os says who may; one that nobody "
                "of these signed is refused.\n"
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
