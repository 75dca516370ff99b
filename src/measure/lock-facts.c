/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs, components and the TPM's values, for the choice of PCRs. */
#include "measure/lock-facts.h"
#include "base/cleanup.h"
#include "measure/component-folder.h"
#include "measure/firmware-component.h"

#include <stdlib.h>
#include <string.h>

void ingot_lock_facts_done(struct ingot_lock_facts *f)
{
        ingot_tpm_close(f->tpm);
        ingot_boot_log_done(&f->log);
        ingot_records_done(&f->events);
        ingot_components_done(&f->components);
        free(f->start);
        free(f->end);
        *f = (struct ingot_lock_facts){0};
}

static int take_location(struct ingot_lock_facts *f, const char *given, ingot_error *reterr)
{
        const char *colon = given ? strchr(given, ':') : NULL;
        f->window = ingot_prediction_window_default;
        if (!given)
                return 0;
        int r = colon ? ingot_format(&f->start, reterr, "%.*s", (int) (colon - given), given)
                      : ingot_strdup(&f->start, given, reterr);
        if (r >= 0)
                r = ingot_strdup(&f->end, colon ? colon + 1 : given, reterr);
        f->window.start = f->start && *f->start ? f->start : NULL;
        f->window.end = f->end && *f->end ? f->end : NULL;
        return r;
}

/* What no folder has of the firmware's components is taken out of its log. */
static int add_firmware(struct ingot_lock_facts *f, const struct ingot_log *log,
                        ingot_error *reterr)
{
        _cleanup_components_ struct ingot_components made = {0};
        _cleanup_free_ char *note = NULL;
        if (f->log.firmware.count == 0)
                return 0;
        ingot_error error = {0};
        int r = ingot_firmware_components(&f->log.firmware, &made, &note, &error);
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
                if (ingot_components_find(&f->components, c->id))
                        continue;
                for (size_t k = 0; r >= 0 && k < c->count; k++)
                        r = ingot_components_copy(&f->components, c->id, c->variants + k, reterr);
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

static int load_components(struct ingot_lock_facts *f, const struct ingot_lock_facts_request *q,
                           ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings found = {0};
        const char **folders = NULL;
        int r = q->components ? find_folders(q->components, &found, reterr) : 0;
        if (r < 0 || found.count == 0)
                return r < 0 ? r : ingot_components_read(q->root, NULL, &f->components, reterr);
        folders = calloc(found.count + 1, sizeof(*folders));
        if (!folders)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < found.count; i++)
                folders[i] = found.items[i];
        r = ingot_components_read(NULL, folders, &f->components, reterr);
        free(folders);
        return r;
}

static int load_log(struct ingot_lock_facts *f, const struct ingot_lock_facts_request *q,
                    ingot_error *reterr)
{
        const struct ingot_boot_log_request b = {
                .firmware = q->firmware_log, .userspace = q->userspace_log, .root = q->root};
        int r = ingot_boot_log_load(&b, &f->log, reterr);
        if (r >= 0)
                r = ingot_boot_log_problem(&f->log, reterr);
        if (r >= 0 && f->log.interrupted)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s may lack a measurement (its sticky bit is set): reboot first",
                                  f->log.userspace_path);
        if (r >= 0)
                r = ingot_boot_log_records(&f->log, &f->events, reterr);
        f->window.locality = f->log.firmware.locality;
        return r;
}

static int read_values(struct ingot_lock_facts *f, ingot_error *reterr)
{
        struct ingot_tpm_pcrs pcrs;
        int r = ingot_tpm_pcr_read(f->tpm, ingot_bank_algorithm(f->bank), 0xffffff, &pcrs, reterr);
        if (r >= 0 && pcrs.have != 0xffffff)
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                               "the TPM has no PCRs in bank %s: choose another with --bank, or "
                               "switch it on in the firmware's setup",
                               ingot_bank_name(f->bank));
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                memcpy(f->values[i].value[f->bank], pcrs.value[i], ingot_bank_size(f->bank));
        return r;
}

/* Without a TPM a dry run believes the log. */
static int believe_log(struct ingot_lock_facts *f, ingot_error *reterr)
{
        struct ingot_replay replay;
        int r = ingot_boot_log_replay(&f->log, &replay, reterr);
        if (r >= 0)
                memcpy(f->values, replay.pcrs, sizeof(f->values));
        return r;
}

static int open_tpm(struct ingot_lock_facts *f, const struct ingot_lock_facts_request *q,
                    ingot_error *reterr)
{
        struct ingot_tpm_about about;
        ingot_error error = {0};
        int r = ingot_tpm_open(&f->tpm, q->tpm, &error);
        if (r == -INGOT_E_NOTFOUND && q->dry_run) {
                ingot_warn(q->log, "%s; the values are those that the log gives", error.text);
                return believe_log(f, reterr);
        }
        if (r < 0) {
                if (reterr)
                        *reterr = error;
                return r;
        }
        r = ingot_tpm_query(f->tpm, &about, reterr);
        if (r >= 0 && !about.policy_authorize_nv)
                return ingot_fail(
                        reterr, INGOT_E_UNSUPPORTED,
                        "this TPM (%s) has no policies in NV indexes: that came with "
                        "revision 1.38. 'ingot pcr seal' by PCRs or by a public key works",
                        about.manufacturer);
        return r < 0 ? r : read_values(f, reterr);
}

int ingot_lock_facts_read(const struct ingot_lock_facts_request *q, struct ingot_lock_facts *ret,
                          ingot_error *reterr)
{
        _cleanup_lock_facts_ struct ingot_lock_facts f = {.bank = q->bank};
        int r = take_location(&f, q->location, reterr);
        if (r >= 0)
                r = load_log(&f, q, reterr);
        if (r >= 0)
                r = load_components(&f, q, reterr);
        if (r >= 0)
                r = add_firmware(&f, q->log, reterr);
        if (r >= 0)
                r = open_tpm(&f, q, reterr);
        if (r < 0)
                return r;
        *ret = f;
        f = (struct ingot_lock_facts){0};
        return 0;
}

struct ingot_lock_choice_request ingot_lock_facts_request(const struct ingot_lock_facts *f)
{
        return (struct ingot_lock_choice_request){.components = &f->components,
                                                  .events = &f->events,
                                                  .window = &f->window,
                                                  .bank = f->bank,
                                                  .values = f->values};
}
