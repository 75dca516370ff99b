/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot pcr status: a verdict in words, and what it comes from. */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/pcr-status.h"
#include "cli/print.h"
#include "cli/table.h"
#include "measure/lock-choice.h"
#include "measure/pcr-mask.h"
#include "os/tpm-device.h"

#include <inttypes.h>
#include <string.h>

#define VALUE_SHOWN 16 /* bytes of a value */
#define EXIT_BAD 3

static const struct option rows[] = {
        STRING(0, "log", "FILE", struct status_options, log,
               "The firmware's event log; default: this machine's"),
        STRING(0, "userspace-log", "FILE", struct status_options, userspace,
               "The log of user space that goes with it"),
        STRING(0, "policy", "FILE", struct status_options, policy,
               "pcrlock.json; default: " INGOT_PCRLOCK_POLICY_PATH),
        STRING(0, "signatures", "FILE", struct status_options, signatures,
               "tpm2-pcr-signature.json; default: where systemd looks for it"),
        STRINGS(0, "luks", "FILE", struct status_options, luks,
                "A LUKS2 volume, or a device with one; may be given again"),
        STRINGS(0, "manifest", "FILE", struct status_options, manifests,
                "What a release will measure, for the next boot; may be given again"),
        OPTION_SIGNERS(struct status_options, signers),
        STRING(0, "root", "DIR", struct status_options, root,
               "Look at the machine whose root is that folder"),
        STRING(0, "tpm", "TPM", struct status_options, tpm,
               "Which TPM: a device, or swtpm:path=SOCKET; default: this machine's"),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

/* ---- the verdict ---- */

static const char *const without_tpm =
        "What works without: passphrases, recovery keys ('ingot key recovery'), FIDO2, PKCS#11. "
        "Secure Boot and verity need no TPM, either.";

static enum status_verdict judge(const struct status *s, struct ingot_buffer *ret,
                                 ingot_error *reterr)
{
        char text[INGOT_PCR_MASK_TEXT_MAX];
        if (s->differing)
                (void) ingot_buffer_printf(
                        ret, reterr,
                        "PCR %s: the TPM has a value that the log does not give: "
                        "something was measured that is not in it, or it lies",
                        ingot_pcr_mask_text(s->differing, text));
        if (s->locked > 0)
                (void) ingot_buffer_printf(ret, reterr, "%s%zu of the things below %s not unlock",
                                           ret->size ? "; " : "", s->locked,
                                           s->locked == 1 ? "does" : "do");
        if (ret->size) {
                (void) ingot_buffer_printf(ret, reterr, "; 'ingot pcr explain' says what changed");
                return STATUS_BAD;
        }
        if (!s->tpm.found)
                (void) ingot_buffer_printf(ret, reterr,
                                           "there is no TPM: nothing can be locked to the state of "
                                           "this machine");
        else if (!s->has_log)
                (void) ingot_buffer_printf(
                        ret, reterr, "there is no event log, so nothing tells what was measured");
        else if (s->log_problem)
                (void) ingot_buffer_printf(ret, reterr, "the log cannot be read whole: %s",
                                           s->log_problem);
        if (ret->size)
                return STATUS_DOUBTFUL;
        (void) ingot_buffer_printf(
                ret, reterr, "the log explains every PCR%s",
                s->facts.policy || s->volume_count ? ", and nothing is locked out" : "");
        return STATUS_GOOD;
}

static void print_verdict(enum status_verdict v, const char *words)
{
        static const struct {
                const char *word;
                enum style style;
        } shown[] = {[STATUS_GOOD] = {"good", STYLE_GOOD},
                     [STATUS_DOUBTFUL] = {"doubtful", STYLE_WARN},
                     [STATUS_BAD] = {"BAD", STYLE_BAD}};
        print_styled(stdout, shown[v].style, shown[v].word);
        printf(": ");
        print_text(stdout, words);
        printf("\n");
}

/* ---- for people ---- */

static const char *standing_text(enum ingot_pcr_standing standing)
{
        static const char *const texts[] = {
                [INGOT_PCR_UNREAD] = "-",        [INGOT_PCR_UNLOGGED] = "no log",
                [INGOT_PCR_EMPTY] = "empty",     [INGOT_PCR_EXPLAINED] = "explained",
                [INGOT_PCR_DIFFERS] = "DIFFERS",
        };
        return texts[standing];
}

static void print_heading(const char *text)
{
        printf("\n");
        print_styled(stdout, STYLE_BOLD, text);
        printf("\n");
}

static void print_banks(unsigned banks)
{
        printf("  banks: ");
        for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++)
                if (banks >> bank & 1)
                        printf(" %s", ingot_bank_name(bank));
        printf("\n");
}

static void print_tpm(const struct ingot_tpm_state *t)
{
        print_heading("TPM");
        if (!t->found) {
                printf("  none: %s\n  %s\n", t->problem ? t->problem : "", without_tpm);
                return;
        }
        print_banks(t->banks);
        if (!t->asked) {
                printf("  what it can is not known: %s\n", t->problem);
                return;
        }
        printf("  made by %s, firmware %" PRIu32 ".%" PRIu32 ".%" PRIu32 ".%" PRIu32
               ", specification %" PRIu32 ".%02" PRIu32 "\n",
               t->manufacturer, t->firmware[0] >> 16, t->firmware[0] & 0xffff, t->firmware[1] >> 16,
               t->firmware[1] & 0xffff, t->revision / 100, t->revision % 100);
        printf("  policies in NV indexes: %s\n",
               t->nv_policies ? "yes" : "no: it is older than revision 1.38");
        printf("  signed policies, values of PCRs: yes\n");
        if (t->locked_out)
                printf("  locked after too many wrong authorizations: what has a PIN does not "
                       "unlock until it has calmed down\n");
        if (!t->nv_policies)
                printf("  What works without: 'ingot pcr seal' by a public key or by PCRs, "
                       "recovery "
                       "keys.\n");
}

/* The strongest bank there is tells the value. */
static int add_value(struct table *t, const struct ingot_tpm_state *tpm, unsigned pcr,
                     ingot_error *reterr)
{
        char hex[2 * VALUE_SHOWN + 1];
        for (enum ingot_bank bank = INGOT_BANK_MAX; bank-- > 0;)
                if (tpm->have[bank] >> pcr & 1 &&
                    (bank == INGOT_BANK_SHA256 || !(tpm->have[INGOT_BANK_SHA256] >> pcr & 1))) {
                        ingot_hex(hex, tpm->values[pcr].value[bank], VALUE_SHOWN);
                        return table_addf(t, reterr, "%s…", hex);
                }
        return table_add(t, NULL, reterr);
}

static int print_pcrs(const struct status *s, ingot_error *reterr)
{
        static const struct table_column columns[] = {{"PCR", true, false},
                                                      {"LOG", false, false},
                                                      {"VALUE", false, false},
                                                      {"WHAT", false, true}};
        _cleanup_table_ struct table t = TABLE(columns);
        int r = 0;
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++) {
                if (s->pcrs[i] == INGOT_PCR_EMPTY || !s->tpm.found ||
                    (i >= 16 && s->pcrs[i] != INGOT_PCR_EXPLAINED &&
                     s->pcrs[i] != INGOT_PCR_DIFFERS))
                        continue;
                r = table_addf(&t, reterr, "%u", i);
                if (r >= 0)
                        r = table_add(&t, standing_text(s->pcrs[i]), reterr);
                if (r >= 0)
                        r = add_value(&t, &s->tpm, i, reterr);
                if (r >= 0)
                        r = table_add(&t, ingot_pcr_meaning(i), reterr);
        }
        if (r >= 0) {
                print_heading("PCRs");
                if (s->log_problem)
                        printf("  %s\n", s->log_problem);
                table_print(&t, stdout);
        }
        return r;
}

static const char *unlock_text(enum ingot_unlock unlock)
{
        static const char *const texts[] = {
                [INGOT_UNLOCK_YES] = "unlocks",
                [INGOT_UNLOCK_NO] = "DOES NOT UNLOCK",
                [INGOT_UNLOCK_UNKNOWN] = "cannot be told",
        };
        return texts[unlock];
}

static void print_unlock(enum ingot_unlock unlock, const struct ingot_buffer *why)
{
        static const enum style styles[] = {[INGOT_UNLOCK_YES] = STYLE_GOOD,
                                            [INGOT_UNLOCK_NO] = STYLE_BAD,
                                            [INGOT_UNLOCK_UNKNOWN] = STYLE_WARN};
        print_styled(stdout, styles[unlock], unlock_text(unlock));
        if (why->size) {
                printf(": ");
                print_text(stdout, (const char *) why->data);
        }
        printf("\n");
}

static void print_policy(const struct status *s)
{
        char text[INGOT_PCR_MASK_TEXT_MAX];
        uint32_t mask = 0;
        if (!s->facts.policy) {
                printf("  no pcrlock.json\n");
                return;
        }
        for (size_t i = 0; i < s->policy.sets.count; i++)
                mask |= 1u << s->policy.sets.items[i].pcr;
        printf("  pcrlock.json: PCR %s, NV index %#" PRIx32 ": ", ingot_pcr_mask_text(mask, text),
               s->policy.nv_index);
        print_unlock(s->policy_unlocks, &s->policy_why);
}

static int print_token(const struct status *s, const struct ingot_luks_token *t,
                       ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer words = {0}, why = {0};
        enum ingot_unlock unlocks = INGOT_UNLOCK_UNKNOWN;
        printf("    token %" PRIu64 ", ", t->id);
        print_text(stdout, t->type);
        if (t->problem) {
                printf(": ");
                print_text(stdout, t->problem);
        }
        int r = 0;
        if (t->sealed.count > 0) {
                r = ingot_sealed_text(&t->sealed, &words, reterr);
                if (r >= 0)
                        r = ingot_sealed_unlocks(&t->sealed, &s->facts, &unlocks, &why, reterr);
                if (r < 0)
                        return r;
                printf(", by %s: ", (const char *) words.data);
                print_unlock(unlocks, &why);
                return 0;
        }
        printf("\n");
        return r;
}

static int print_volume(const struct status *s, const struct status_volume *v, ingot_error *reterr)
{
        int r = 0;
        printf("  ");
        print_text(stdout, v->path);
        printf(": %zu key slots, %zu by passphrase, %s recovery key of systemd's\n",
               v->tokens.slots, v->tokens.passphrases, ingot_luks_tokens_have_recovery(&v->tokens) ? "a" : "no");
        for (size_t i = 0; r >= 0 && i < v->tokens.count; i++)
                r = print_token(s, v->tokens.items + i, reterr);
        return r;
}

static int print_locked(const struct status *s, ingot_error *reterr)
{
        int r = 0;
        print_heading("Locked to PCRs");
        print_policy(s);
        if (s->facts.signatures)
                printf("  tpm2-pcr-signature.json: %zu signed values\n", s->signatures.count);
        for (size_t i = 0; r >= 0 && i < s->volume_count; i++)
                r = print_volume(s, s->volumes + i, reterr);
        for (size_t i = 0; i < s->credentials.count; i++) {
                printf("  credential on the ESP: ");
                print_text(stdout, s->credentials.items[i]);
                printf("\n");
        }
        return r;
}

/* Once for the profiles of a manifest. */
static void print_signer(const struct status *s, size_t i)
{
        const struct status_next *n = s->next + i;
        if (i > 0 && strcmp(s->next[i - 1].path, n->path) == 0)
                return;
        print_text(stdout, "  ");
        print_text(stdout, n->path);
        if (n->signer) {
                printf(" is signed by ");
                print_text(stdout, n->signer);
                printf("\n");
        } else {
                printf(": its signature was not checked: --key names who may sign it\n");
        }
}

/* The values that the policy knows beside those of now are those of other releases. */
static void print_next(const struct status *s)
{
        if (!s->facts.policy)
                return;
        print_heading("Next boot");
        for (size_t i = 0; i < s->next_count; i++) {
                print_signer(s, i);
                print_text(stdout, "  ");
                print_text(stdout, s->next[i].path);
                printf(", profile %" PRIu32 ": ", s->next[i].profile);
                print_unlock(s->next[i].unlocks, &s->next[i].why);
        }
        if (s->next_count > 0)
                return;
        printf("  pcrlock.json unlocks with:");
        for (size_t i = 0; i < s->policy.sets.count; i++)
                printf("%s %zu value%s of PCR %u", i ? "," : "", s->policy.sets.items[i].count,
                       s->policy.sets.items[i].count == 1 ? "" : "s", s->policy.sets.items[i].pcr);
        printf("\n  --manifest tells whether a release is among them\n");
}

static int print_all(const struct status *s, enum status_verdict v, const char *words,
                     ingot_error *reterr)
{
        print_verdict(v, words);
        print_tpm(&s->tpm);
        int r = print_pcrs(s, reterr);
        if (r >= 0)
                r = print_locked(s, reterr);
        if (r >= 0)
                print_next(s);
        return r;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        _cleanup_status_ struct status s = {.options = in->options};
        _cleanup_buffer_ struct ingot_buffer words = {0};
        int r = status_gather(&s, in->log, reterr);
        if (r < 0)
                return r;
        enum status_verdict v = judge(&s, &words, reterr);
        if (!words.data)
                return ingot_fail_nomem(reterr);
        r = in->json ? status_print_json(&s, v, (const char *) words.data, reterr)
                     : print_all(&s, v, (const char *) words.data, reterr);
        return r < 0 ? r : v == STATUS_BAD ? EXIT_BAD : 0;
}

static const struct example examples[] = {
        {"ingot pcr status", "Show how it stands with this machine"},
        {"ingot pcr status --root=machine --tpm=swtpm:path=tpm/socket",
         "The same of a machine whose root is a folder"},
        {0},
};

const struct command cmd_pcr_status = {
        .name = "pcr status",
        .synopsis = "",
        .summary = "Show what the TPM holds, and whether what is locked to it unlocks",
        .details =
                "Begins with a verdict in words. Then: what the TPM is and can; of each PCR that "
                "is not empty whether the log explains its value; what is locked to PCRs, and "
                "whether it unlocks now: the policy of 'ingot pcr lock' or systemd-pcrlock, the "
                "volumes that are named, credentials on the ESP; and what will happen at the next "
                "boot, for each release whose measurement manifest is named. Who signed a "
                "manifest is checked when --key or --os says who may; one that nobody of them "
                "signed is refused.\n"
                "\n"
                "Values of PCRs come from the TPM's device, or from what the kernel shows of them "
                "to "
                "everybody. Without a TPM it says what works without.\n"
                "\n"
                "The exit status is 3 when the TPM has a value that the log does not give, or when "
                "something does not unlock.",
        .rows = rows,
        .examples = examples,
        .options_size = sizeof(struct status_options),
        .run = run,
};
