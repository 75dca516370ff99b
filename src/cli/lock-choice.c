/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs, components and the TPM's values, for the choice of PCRs. */
#include "cli/lock-choice.h"
#include "base/cleanup.h"
#include "cli/tpm.h"
#include "measure/component-folder.h"
#include "measure/firmware-component.h"
#include "measure/pcr-mask.h"

#include <string.h>

void lock_state_done(struct lock_state *s)
{
        ingot_tpm_close(s->tpm);
        ingot_boot_log_done(&s->log);
        ingot_records_done(&s->events);
        ingot_components_done(&s->components);
        ingot_lock_choice_done(&s->choice);
        free(s->start);
        free(s->end);
}

/* "770" is a moment, "760-:940-" lies between two; an empty end is open. */
static int take_location(struct lock_state *s, ingot_error *reterr)
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
static int add_firmware(struct lock_state *s, const struct ingot_log *log, ingot_error *reterr)
{
        _cleanup_components_ struct ingot_components made = {0};
        _cleanup_free_ char *note = NULL;
        if (s->log.firmware.count == 0)
                return 0;
        ingot_error error = {0};
        int r = ingot_firmware_components(&s->log.firmware, &made, &note, &error);
        if (r == -INGOT_E_REFUSED) {
                ingot_warn(log, "%s", error.text);
                return 0;
        }
        if (r < 0 && reterr)
                *reterr = error;
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

/* Folders that are named must be there; those where systemd looks need not. */
static int find_folders(const struct ingot_strings *given, struct ingot_strings *ret,
                        ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < given->count; i++) {
                _cleanup_free_ char *path = realpath(given->items[i], NULL);
                r = path ? ingot_strings_add(ret, path, reterr)
                         : ingot_fail_errno(reterr, "open %s", given->items[i]);
        }
        return r;
}

static int load_components(struct lock_state *s, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings found = {0};
        const char **folders = NULL;
        int r = find_folders(&s->options->components, &found, reterr);
        if (r < 0 || found.count == 0)
                return r < 0 ? r
                             : ingot_components_read(s->options->root, NULL, &s->components,
                                                     reterr);
        folders = calloc(found.count + 1, sizeof(*folders));
        if (!folders)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < found.count; i++)
                folders[i] = found.items[i];
        r = ingot_components_read(NULL, folders, &s->components, reterr);
        free(folders);
        return r;
}

static int load_log(struct lock_state *s, ingot_error *reterr)
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

static int read_values(struct lock_state *s, ingot_error *reterr)
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
static int believe_log(struct lock_state *s, ingot_error *reterr)
{
        struct ingot_replay replay;
        int r = ingot_boot_log_replay(&s->log, &replay, reterr);
        if (r >= 0)
                memcpy(s->values, replay.pcrs, sizeof(s->values));
        return r;
}

static int open_tpm(struct lock_state *s, const struct ingot_log *log, ingot_error *reterr)
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
                return ingot_fail(
                        reterr, INGOT_E_UNSUPPORTED,
                        "this TPM (%s) has no policies in NV indexes: that came with "
                        "revision 1.38. 'ingot pcr seal' by PCRs or by a public key works",
                        about.manufacturer);
        return r < 0 ? r : read_values(s, reterr);
}

int lock_choose(struct lock_state *s, const struct ingot_log *log, ingot_error *reterr)
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
