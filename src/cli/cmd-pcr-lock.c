/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot pcr lock --auto|--pcrs=PCRS: the policy in an NV index. */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/lock-choice.h"
#include "cli/lock-recovery.h"
#include "cli/passphrase.h"
#include "cli/print.h"
#include "cli/table.h"
#include "cli/tpm.h"
#include "measure/lock.h"
#include "measure/pcr-mask.h"
#include "os/file.h"

#include <inttypes.h>
#include <string.h>

#define PIN_MAX 256
#define PCR_OF_NO_SYSTEM 16 /* from here on none depends on what is booted */

static const char *const pin_words[] = {"hide", "show", "query", NULL};
static const char *const recovery_words[] = {"show", "none", NULL};

static const struct lock_options defaults = {
        .policy = INGOT_PCRLOCK_POLICY_PATH, .pin = -1, .recovery = -1};

static const struct option rows[] = {
        FLAG(0, "auto", struct lock_options, automatic,
             "Take the PCRs that are safe on this machine"),
        STRING(0, "pcrs", "PCRS", struct lock_options, pcrs, "Take these: 4+7+11"),
        FLAG('n', "dry-run", struct lock_options, dry_run,
             "Only show which PCRs would be taken, and why"),
        CHOICE(0, "recovery-pin", "WORD", struct lock_options, pin, pin_words,
               "The PIN of the policy: hide it in the TPM, show it once, or query the user"),
        CHOICE(0, "recovery-key", "WORD", struct lock_options, recovery, recovery_words,
               "Make a recovery key and show it once, or none; default: ask before a first policy"),
        STRINGS(0, "luks", "FILE", struct lock_options, luks,
                "A LUKS2 volume that will be locked; may be given again; default: those that are "
                "open"),
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
                if (i >= PCR_OF_NO_SYSTEM && !c->pcrs[i].taken)
                        continue;
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
        const struct lock_recovery *recovery;
};

static int add_recovery(struct json_object *o, const struct lock_recovery *k, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_add_array(o, "without_recovery_key", &list, reterr);
        for (size_t i = 0; r >= 0 && i < k->volumes.count; i++)
                r = ingot_json_add_text(list, NULL, k->volumes.items[i], reterr);
        return r < 0 || !*k->key ? r : ingot_json_add_text(o, "recovery_key", k->key, reterr);
}

static int print_json(const struct lock_state *s, const struct outcome *done, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "bank", ingot_bank_name(s->facts.bank), reterr);
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
        if (r >= 0)
                r = add_recovery(o, done->recovery, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static void print_done(const struct lock_state *s, const struct outcome *done)
{
        char text[INGOT_PCR_MASK_TEXT_MAX];
        uint32_t mask = 0;
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++)
                mask |= (uint32_t) s->choice.pcrs[i].taken << i;
        printf("\nPolicy over PCR %s in NV index %#" PRIx32 ", tried by unsealing; written to %s\n",
               ingot_pcr_mask_text(mask, text), done->nv_index, s->options->policy);
        if (done->pin)
                printf("\nRecovery PIN, which is not shown again: %s\n"
                       "It lets the policy be changed when the TPM does not unseal by the old "
                       "one.\n",
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
        if (o->pin == LOCK_PIN_QUERY)
                return ask_pin(o->passphrase_file, ret, reterr);
        if (!first)
                return 0;
        if (o->pin < 0)
                return ingot_fail(
                        reterr, INGOT_E_USAGE,
                        "this is the first policy of this machine: choose "
                        "--recovery-pin=show (the PIN that changes the policy is shown once) "
                        "or hide (only the TPM has it)");
        return ingot_recovery_key_new(ret, reterr);
}

static int lock_with(struct lock_state *s, const char *pin, const struct ingot_pcrlock_policy *old,
                     struct outcome *done, ingot_error *reterr)
{
        const struct ingot_lock_options o = {.sets = &s->choice.sets,
                                             .old = old,
                                             .pin = *pin ? pin : NULL,
                                             .nv_index = (uint32_t) s->options->nv_index,
                                             .nested = s->options->nested};
        int r = ingot_lock_make(s->facts.tpm, &o, s->options->policy, &done->nv_index, reterr);
        done->written = r >= 0;
        return r;
}

/* It would protect less, and nobody would see it. */
static void tell_lost(const struct lock_state *s, const struct ingot_pcrlock_policy *old,
                      const struct ingot_log *log)
{
        char text[INGOT_PCR_MASK_TEXT_MAX];
        uint32_t lost = 0;
        for (size_t i = 0; i < old->sets.count; i++)
                if (!s->choice.pcrs[old->sets.items[i].pcr].taken)
                        lost |= 1u << old->sets.items[i].pcr;
        if (lost)
                ingot_warn(log, "PCR %s were in the old policy, and are not in the new one",
                           ingot_pcr_mask_text(lost, text));
}

static int finish(struct lock_state *s, struct lock_recovery *k, const struct invocation *in,
                  ingot_error *reterr)
{
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy old = {0};
        struct outcome done = {.recovery = k};
        char pin[PIN_MAX] = "";
        int first = read_old(s->options->policy, &old, reterr), r = first;
        if (r >= 0)
                r = choose_pin(s->options, first > 0, pin, reterr);
        if (r >= 0)
                r = lock_recovery_offer(k, s->options, in->json, in->log, reterr);
        if (r >= 0)
                tell_lost(s, &old, in->log);
        if (r >= 0)
                r = lock_with(s, pin, first > 0 ? NULL : &old, &done, reterr);
        if (first > 0 && s->options->pin == LOCK_PIN_SHOW)
                done.pin = pin;
        if (r >= 0 && in->json)
                r = print_json(s, &done, reterr);
        else if (r >= 0)
                print_done(s, &done);
        explicit_bzero(pin, sizeof(pin));
        return r;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        _cleanup_lock_state_ struct lock_state s = {.options = in->options};
        _cleanup_lock_recovery_ struct lock_recovery k = {0};
        const struct outcome nothing = {.recovery = &k};
        int r = lock_choose(&s, in->log, reterr);
        if (r >= 0)
                r = lock_recovery_look(&k, s.options, reterr);
        if (r >= 0 && !in->json)
                r = print_choice(&s.choice, reterr);
        if (r >= 0 && s.options->dry_run && in->json)
                r = print_json(&s, &nothing, reterr);
        else if (r >= 0 && s.options->dry_run)
                lock_recovery_print_due(&k);
        if (r >= 0) {
                fflush(stdout);
                r = ingot_lock_choice_check(&s.choice, &s.request, reterr);
        }
        return r < 0 || s.options->dry_run ? r : finish(&s, &k, in, reterr);
}

static const struct example examples[] = {
        {"ingot pcr lock --auto --dry-run --root=machine",
         "Show which PCRs are safe to lock by on this machine, and why the others are not"},
        {"ingot pcr lock --auto --recovery-pin=show --root=machine --policy=p.json",
         "Make the first policy, and keep its recovery PIN somewhere else"},
        {"ingot pcr lock --pcrs=4+7 --root=machine --policy=p.json",
         "Make it anew after an update has written its components"},
        {0},
};

const struct command cmd_pcr_lock = {
        .name = "pcr lock",
        .synopsis = "",
        .summary = "Make or update the policy that secrets are locked by",
        .details =
                "Predicts the values that PCRs may have at the next boots, out of components in "
                "/etc/pcrlock.d, /run/pcrlock.d, /var/lib/pcrlock.d, /usr/local/lib/pcrlock.d and "
                "/usr/lib/pcrlock.d, and writes them as a policy into an NV index of the TPM and "
                "into pcrlock.json, both as systemd-pcrlock does. What was locked by the index "
                "before is from then on unlocked by the new policy. Components of the firmware "
                "that "
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
                "recovery PIN. --recovery-pin=query asks for it.\n"
                "\n"
                "Before a first policy a recovery key for the volumes is offered on a terminal, as "
                "'ingot key recovery' makes it, unless all of them have one of systemd's. Programs "
                "say --recovery-key=show or none.",
        .rows = rows,
        .examples = examples,
        .options_size = sizeof(struct lock_options),
        .defaults = &defaults,
        .run = run,
};
