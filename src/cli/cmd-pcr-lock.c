/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot pcr lock --auto|--pcrs=PCRS: the policy in an NV index. */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/passphrase.h"
#include "cli/print.h"
#include "cli/table.h"
#include "cli/tpm.h"
#include "measure/boot-log.h"
#include "measure/component-folder.h"
#include "measure/firmware-component.h"
#include "measure/lock-choice.h"
#include "measure/lock.h"
#include "measure/pcr-mask.h"
#include "measure/recovery-key.h"
#include "os/file.h"

#include <inttypes.h>
#include <string.h>

#define PIN_MAX 256

enum { PIN_HIDE, PIN_SHOW, PIN_QUERY };
static const char *const pin_words[] = {"hide", "show", "query", NULL};

struct lock_options {
        bool automatic, dry_run, nested;
        const char *pcrs, *bank, *location, *policy, *tpm, *log, *userspace, *root,
                *passphrase_file;
        struct ingot_strings components;
        uint64_t nv_index;
        int pin;
};

static const struct lock_options defaults = {.policy = INGOT_PCRLOCK_POLICY_PATH, .pin = -1};

static const struct option rows[] = {
        FLAG(0, "auto", struct lock_options, automatic,
             "Take the PCRs that are safe on this machine"),
        STRING(0, "pcrs", "PCRS", struct lock_options, pcrs, "Take these: 4+7+11"),
        FLAG('n', "dry-run", struct lock_options, dry_run,
             "Only show which PCRs would be taken, and why"),
        CHOICE(0, "recovery-pin", "WORD", struct lock_options, pin, pin_words,
               "The PIN of the policy: hide it in the TPM, show it once, or query the user"),
        OPTION_PASSPHRASE_FILE(struct lock_options, passphrase_file),
        STRINGS(0, "components", "DIR", struct lock_options, components,
                "Read components there; may be given again; default: /etc/pcrlock.d …"),
        STRING(0, "location", "START:END", struct lock_options, location,
               "Which moments of the boot it holds in; default 760-:940-"),
        STRING(0, "bank", "BANK", struct lock_options, bank, "Which values; default sha256"),
        STRING(0, "policy", "FILE", struct lock_options, policy,
               "Where pcrlock.json stands; default: " INGOT_PCRLOCK_POLICY_PATH),
        UINT(0, "nv-index", "NUMBER", struct lock_options, nv_index,
             "The NV index of a new policy; default: the first that is free"),
        FLAG(0, "nested", struct lock_options, nested,
             "Allow more than 8 values of a PCR; systemd cannot use such a policy"),
        STRING(0, "log", "FILE", struct lock_options, log,
               "The firmware's event log; default: this machine's"),
        STRING(0, "userspace-log", "FILE", struct lock_options, userspace,
               "The log of user space that goes with it"),
        STRING(0, "root", "DIR", struct lock_options, root,
               "Look for logs and components below this folder"),
        OPTION_TPM(struct lock_options, tpm),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

/* What a choice is made from, and the choice. */
struct state {
        const struct lock_options *options;
        struct ingot_tpm *tpm; /* NULL: a dry run without */
        struct ingot_boot_log log;
        struct ingot_records events;
        struct ingot_components components;
        struct ingot_pcr values[INGOT_PCR_COUNT];
        struct ingot_prediction_window window;
        char *start, *end; /* of the window, as given */
        enum ingot_bank bank;
        struct ingot_lock_choice_request request;
        struct ingot_lock_choice choice;
};

static void state_done(struct state *s)
{
        ingot_tpm_close(s->tpm);
        ingot_boot_log_done(&s->log);
        ingot_records_done(&s->events);
        ingot_components_done(&s->components);
        ingot_lock_choice_done(&s->choice);
        free(s->start);
        free(s->end);
}
#define _cleanup_state_ __attribute__((cleanup(state_done)))

/* ---- what is there ---- */

/* "770" is a moment, "760-:940-" lies between two; an empty end is open. */
static int take_location(struct state *s, ingot_error *reterr)
{
        const char *given = s->options->location, *colon = given ? strchr(given, ':') : NULL;
        s->window = ingot_prediction_window_default;
        if (!given)
                return 0;
        int r = colon ? ingot_format(&s->start, reterr, "%.*s", (int) (colon - given), given)
                      : ingot_strdup(&s->start, given, reterr);
        if (r >= 0)
                r = ingot_strdup(&s->end, colon ? colon + 1 : given, reterr);
        s->window.start = s->start && *s->start ? s->start : NULL;
        s->window.end = s->end && *s->end ? s->end : NULL;
        return r;
}

static int copy_variant(struct ingot_components *c, const char *id, const struct ingot_variant *v,
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

/* What no folder has of the firmware's components is taken out of its log. */
static int add_firmware(struct state *s, const struct ingot_log *log, ingot_error *reterr)
{
        _cleanup_components_ struct ingot_components made = {0};
        _cleanup_free_ char *note = NULL;
        if (s->log.firmware.count == 0)
                return 0;
        int r = ingot_firmware_components(&s->log.firmware, &made, &note, reterr);
        if (r == -INGOT_E_REFUSED) {
                if (reterr)
                        ingot_warn(log, "%s", reterr->text);
                return 0;
        }
        if (r >= 0 && note)
                ingot_warn(log, "%s", note);
        for (size_t i = 0; r >= 0 && i < made.count; i++) {
                const struct ingot_component *c = made.items + i;
                if (ingot_components_find(&s->components, c->id))
                        continue;
                for (size_t k = 0; r >= 0 && k < c->count; k++)
                        r = copy_variant(&s->components, c->id, c->variants + k, reterr);
        }
        return r;
}

static int load_components(struct state *s, ingot_error *reterr)
{
        const struct ingot_strings *given = &s->options->components;
        const char **folders = calloc(given->count + 1, sizeof(*folders));
        if (!folders)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < given->count; i++)
                folders[i] = given->items[i];
        int r = ingot_components_read(given->count ? NULL : s->options->root,
                                      given->count ? folders : NULL, &s->components, reterr);
        free(folders);
        return r;
}

static int load_log(struct state *s, ingot_error *reterr)
{
        const struct ingot_boot_log_request q = {.firmware = s->options->log,
                                                 .userspace = s->options->userspace,
                                                 .root = s->options->root};
        int r = ingot_boot_log_load(&q, &s->log, reterr);
        if (r >= 0)
                r = ingot_boot_log_problem(&s->log, reterr);
        if (r >= 0 && s->log.interrupted)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s may lack a measurement (its sticky bit is set): reboot first",
                                  s->log.userspace_path);
        if (r >= 0)
                r = ingot_boot_log_records(&s->log, &s->events, reterr);
        s->window.locality = s->log.firmware.locality;
        return r;
}

static int read_values(struct state *s, ingot_error *reterr)
{
        struct ingot_tpm_pcrs pcrs;
        int r = ingot_tpm_pcr_read(s->tpm, ingot_bank_algorithm(s->bank), 0xffffff, &pcrs, reterr);
        if (r >= 0 && pcrs.have != 0xffffff)
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                               "the TPM has no PCRs in bank %s: choose another with --bank, or "
                               "switch it on in the firmware's setup",
                               ingot_bank_name(s->bank));
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                memcpy(s->values[i].value[s->bank], pcrs.value[i], ingot_bank_size(s->bank));
        return r;
}

/* Without a TPM a dry run believes the log. */
static int believe_log(struct state *s, ingot_error *reterr)
{
        struct ingot_replay replay;
        int r = ingot_boot_log_replay(&s->log, &replay, reterr);
        if (r >= 0)
                memcpy(s->values, replay.pcrs, sizeof(s->values));
        return r;
}

static int open_tpm(struct state *s, const struct ingot_log *log, ingot_error *reterr)
{
        struct ingot_tpm_about about;
        ingot_error error = {0};
        int r = ingot_tpm_open(&s->tpm, tpm_where(s->options->tpm), &error);
        if (r == -INGOT_E_NOTFOUND && s->options->dry_run) {
                ingot_warn(log, "%s; the values are those that the log gives", error.text);
                return believe_log(s, reterr);
        }
        if (r < 0) {
                if (reterr)
                        *reterr = error;
                return r;
        }
        r = ingot_tpm_query(s->tpm, &about, reterr);
        if (r >= 0 && !about.policy_authorize_nv)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "this TPM (%s) has no policies in NV indexes: that came with "
                                  "revision 1.38. 'ingot pcr seal' by PCRs or by a public key works",
                                  about.manufacturer);
        return r < 0 ? r : read_values(s, reterr);
}

static int choose(struct state *s, const struct ingot_log *log, ingot_error *reterr)
{
        const struct lock_options *o = s->options;
        if (o->automatic == (o->pcrs != NULL))
                return ingot_fail(reterr, INGOT_E_USAGE, "either --auto or --pcrs");
        s->request = (struct ingot_lock_choice_request){.components = &s->components,
                                                        .events = &s->events,
                                                        .window = &s->window,
                                                        .values = s->values,
                                                        .automatic = o->automatic,
                                                        .nested = o->nested};
        int r = tpm_parse_bank(o->bank, &s->bank, reterr);
        if (r >= 0 && o->pcrs)
                r = ingot_pcr_mask_parse(o->pcrs, &s->request.pcrs, reterr);
        if (r >= 0)
                r = take_location(s, reterr);
        if (r >= 0)
                r = load_log(s, reterr);
        if (r >= 0)
                r = load_components(s, reterr);
        if (r >= 0)
                r = add_firmware(s, log, reterr);
        if (r >= 0)
                r = open_tpm(s, log, reterr);
        s->request.bank = s->bank;
        return r < 0 ? r : ingot_lock_choose(&s->request, &s->choice, reterr);
}

/* ---- what is said ---- */

static int print_choice(const struct ingot_lock_choice *c, ingot_error *reterr)
{
        static const struct table_column columns[] = {{"PCR", true, false},
                                                      {"TAKEN", false, false},
                                                      {"VALUES", true, false},
                                                      {"WHAT", false, false},
                                                      {"WHY", false, true}};
        _cleanup_table_ struct table t = TABLE(columns);
        int r = 0;
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++) {
                r = table_addf(&t, reterr, "%u", i);
                if (r >= 0)
                        r = table_add(&t, c->pcrs[i].taken ? "yes" : "no", reterr);
                if (r >= 0)
                        r = c->pcrs[i].count ? table_addf(&t, reterr, "%zu", c->pcrs[i].count)
                                             : table_add(&t, NULL, reterr);
                if (r >= 0)
                        r = table_add(&t, ingot_pcr_meaning(i), reterr);
                if (r >= 0)
                        r = table_add(&t, c->pcrs[i].reason, reterr);
        }
        if (r >= 0)
                table_print(&t, stdout);
        return r;
}

static int add_choice(struct json_object *o, const struct ingot_lock_choice *c, ingot_error *reterr)
{
        struct json_object *list, *pcr;
        int r = ingot_json_add_array(o, "pcrs", &list, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++) {
                r = ingot_json_add_object(list, NULL, &pcr, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(pcr, "pcr", i, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(pcr, "what", ingot_pcr_meaning(i), reterr);
                if (r >= 0)
                        r = ingot_json_add_bool(pcr, "taken", c->pcrs[i].taken, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(pcr, "values", c->pcrs[i].count, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(pcr, "reason", c->pcrs[i].reason, reterr);
        }
        return r;
}

struct outcome {
        bool written;
        uint32_t nv_index;
        const char *pin; /* to be shown; or NULL */
};

static int print_json(const struct state *s, const struct outcome *done, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "bank", ingot_bank_name(s->bank), reterr);
        if (r >= 0)
                r = add_choice(o, &s->choice, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "written", done->written, reterr);
        if (r >= 0 && done->written)
                r = ingot_json_add_text(o, "policy", s->options->policy, reterr);
        if (r >= 0 && done->written)
                r = ingot_json_add_u64(o, "nv_index", done->nv_index, reterr);
        if (r >= 0 && done->pin)
                r = ingot_json_add_text(o, "recovery_pin", done->pin, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static void print_done(const struct state *s, const struct outcome *done)
{
        char text[INGOT_PCR_MASK_TEXT_MAX];
        uint32_t mask = 0;
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++)
                mask |= (uint32_t) s->choice.pcrs[i].taken << i;
        printf("\nPolicy over PCR %s in NV index %#" PRIx32 "; it has unsealed. Written to %s.\n",
               ingot_pcr_mask_text(mask, text), done->nv_index, s->options->policy);
        if (done->pin)
                printf("\nRecovery PIN, which is not shown again: %s\n"
                       "It lets the policy be changed when the TPM does not unseal by the old one.\n",
                       done->pin);
}

/* ---- what is done ---- */

/* 1: there is none. */
static int read_old(const char *path, struct ingot_pcrlock_policy *ret, ingot_error *reterr)
{
        return ingot_file_exists(path) ? tpm_read_policy(path, ret, reterr) : 1;
}

static int ask_pin(const char *file, char ret[PIN_MAX], ingot_error *reterr)
{
        struct ingot_key_ask asker = passphrase_from(file);
        char typed[PIN_MAX] = "";
        int r = asker.ask(asker.context, "the policy (its recovery PIN)", typed, sizeof(typed),
                          reterr);
        if (r >= 0 && !ingot_recovery_key_normalize(typed, ret))
                memcpy(ret, typed, sizeof(typed));
        explicit_bzero(typed, sizeof(typed));
        return r;
}

static int choose_pin(const struct lock_options *o, bool first, char ret[PIN_MAX],
                      ingot_error *reterr)
{
        if (o->pin == PIN_QUERY)
                return ask_pin(o->passphrase_file, ret, reterr);
        if (!first)
                return 0;
        if (o->pin < 0)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "this is the first policy of this machine. Before anything is "
                                  "locked by it, have a way in without the TPM: 'ingot key recovery' "
                                  "makes a key for the disk. Then choose --recovery-pin=show (the "
                                  "PIN that changes the policy is shown once) or hide (only the TPM "
                                  "has it)");
        return ingot_recovery_key_new(ret, reterr);
}

/* pcrlock.json is on the disk before the index is written, and takes its name after. */
static int write_policy(struct ingot_lock *lock, const char *path, ingot_error *reterr)
{
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_pcrlock_policy_encode(&lock->policy, &text, reterr);
        if (r >= 0)
                r = ingot_outfile_create(&out, path, 0644, reterr);
        if (r >= 0)
                r = ingot_file_write_all(out.fd, text.data, text.size, reterr);
        if (r >= 0)
                r = ingot_lock_activate(lock, reterr);
        if (r >= 0)
                r = ingot_outfile_commit(&out, reterr);
        if (r >= 0)
                ingot_lock_keep(lock);
        return r;
}

static int lock_with(struct state *s, const char *pin, const struct ingot_pcrlock_policy *old,
                     struct outcome *done, ingot_error *reterr)
{
        _cleanup_lock_ struct ingot_lock lock = {0};
        const struct ingot_lock_options o = {.sets = &s->choice.sets,
                                             .old = old,
                                             .pin = *pin ? pin : NULL,
                                             .nv_index = (uint32_t) s->options->nv_index,
                                             .nested = s->options->nested};
        int r = ingot_lock_prepare(&lock, s->tpm, &o, reterr);
        if (r >= 0)
                r = write_policy(&lock, s->options->policy, reterr);
        if (r < 0)
                return r;
        done->written = true;
        done->nv_index = lock.policy.nv_index;
        return 0;
}

static int finish(struct state *s, bool json, ingot_error *reterr)
{
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy old = {0};
        struct outcome done = {0};
        char pin[PIN_MAX] = "";
        int first = read_old(s->options->policy, &old, reterr), r = first;
        if (r >= 0)
                r = choose_pin(s->options, first > 0, pin, reterr);
        if (r >= 0)
                r = lock_with(s, pin, first > 0 ? NULL : &old, &done, reterr);
        if (first > 0 && s->options->pin == PIN_SHOW)
                done.pin = pin;
        if (r >= 0 && json)
                r = print_json(s, &done, reterr);
        else if (r >= 0)
                print_done(s, &done);
        explicit_bzero(pin, sizeof(pin));
        return r;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        _cleanup_state_ struct state s = {.options = in->options};
        const struct outcome nothing = {0};
        int r = choose(&s, in->log, reterr);
        if (r >= 0 && !in->json)
                r = print_choice(&s.choice, reterr);
        if (r >= 0 && s.options->dry_run && in->json)
                r = print_json(&s, &nothing, reterr);
        if (r >= 0) {
                fflush(stdout);
                r = ingot_lock_choice_check(&s.choice, &s.request, reterr);
        }
        return r < 0 || s.options->dry_run ? r : finish(&s, in->json, reterr);
}

static const struct example examples[] = {
        {"ingot pcr lock --auto --dry-run",
         "Show which PCRs are safe to lock by on this machine, and why the others are not"},
        {"ingot pcr lock --auto --recovery-pin=show --policy=pcrlock.json",
         "Make the first policy, and keep its recovery PIN somewhere else"},
        {"ingot pcr lock --pcrs=4+7 --policy=pcrlock.json",
         "Make it anew after an update has written its components"},
        {0},
};

const struct command cmd_pcr_lock = {
        .name = "pcr lock",
        .summary = "Make or update the policy that secrets are locked by",
        .details =
                "Predicts the values that PCRs may have at the next boots, out of components in "
                "/etc/pcrlock.d, /run/pcrlock.d, /var/lib/pcrlock.d, /usr/local/lib/pcrlock.d and "
                "/usr/lib/pcrlock.d, and writes them as a policy into an NV index of the TPM and "
                "into pcrlock.json, both as systemd-pcrlock does. What was locked by the index "
                "before is from then on unlocked by the new policy. Components of the firmware that "
                "no folder has are taken out of its log of this boot.\n"
                "\n"
                "A PCR can be used when the log explains its value, components explain every event "
                "of the log, and the value of now is among the predicted ones. --auto takes of "
                "these the ones that only the system's own updates change. The table says of each "
                "PCR whether it was taken, and why.\n"
                "\n"
                "The old policy stays until the new one has unsealed something: where that fails, "
                "the index gets back what it had. The TPM itself keeps the PIN that changes the "
                "policy, and gives it out by the old one; for when it does not, there is the "
                "recovery PIN. --recovery-pin=query asks for it.",
        .rows = rows,
        .examples = examples,
        .options_size = sizeof(struct lock_options),
        .defaults = &defaults,
        .run = run,
};
