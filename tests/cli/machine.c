/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine for tests, by words: machine FOLDER LOADER UKI[,UKI…] [TPM]
 * The same that booted a release: machine FOLDER --measurement MANIFEST [TPM]
 *
 * Writes into FOLDER the logs of a boot of LOADER and the first UKI (firmware.log, userspace.log);
 * in pcrlock.d the components of the loader, of all the UKIs, and of the phases; in firmware.d
 * those of the firmware; and extends the TPM as that boot would have. Of a release there are only
 * the logs; Secure Boot is off.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "make-firmware-log.h"
#include "make-userspace-log.h"
#include "measure/boot-log.h"
#include "measure/component-folder.h"
#include "measure/firmware-component.h"
#include "measure/measurement.h"
#include "os/file.h"
#include "os/tpm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const phases[] = {"enter-initrd", "leave-initrd", "sysinit", "ready"};
static const char *const phase_components[] = {"750-enter-initrd", "800-leave-initrd",
                                               "850-sysinit", "900-ready"};

static int put(const char *folder, const char *name, const struct ingot_buffer *b,
               ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "%s/%s", folder, name);
        return r < 0 ? r : ingot_outfile_put(path, b->data, b->size, 0644, reterr);
}

static int write_logs(const char *folder, const char *loader, const char *uki, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer firmware = {0}, userspace = {0};
        make_firmware_start(&firmware);
        make_firmware_boot(&firmware, loader, uki);
        for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
                make_userspace_add(&userspace, 11, "phase", phases[i], phases[i]);
        int r = put(folder, "firmware.log", &firmware, reterr);
        return r < 0 ? r : put(folder, "userspace.log", &userspace, reterr);
}

static int add(struct ingot_components *c, const char *id, const char *variant, uint32_t pcr,
               const char *measured, struct ingot_variant **ret, ingot_error *reterr)
{
        int r = *ret ? 0 : ingot_components_add(c, id, variant, ret, reterr);
        return r < 0 ? r
                     : ingot_records_measure(&(*ret)->records, pcr, made_text(measured), reterr);
}

static int write_components(const char *folder, const char *loader,
                            const struct ingot_strings *ukis, ingot_error *reterr)
{
        _cleanup_components_ struct ingot_components c = {0};
        _cleanup_free_ char *path = NULL;
        struct ingot_variant *v = NULL;
        int r = add(&c, "610-loader", NULL, 4, loader, &v, reterr);
        for (size_t i = 0; r >= 0 && i < ukis->count; i++) {
                v = NULL;
                r = add(&c, "650-kernel", ukis->items[i], 4, ukis->items[i], &v, reterr);
                if (r >= 0)
                        r = add(&c, "650-kernel", ukis->items[i], 11, ukis->items[i], &v, reterr);
        }
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(phases); i++) {
                v = NULL;
                r = add(&c, phase_components[i], NULL, 11, phases[i], &v, reterr);
        }
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s/pcrlock.d", folder);
        if (r >= 0)
                r = ingot_remove_tree(AT_FDCWD, path, reterr);
        return r < 0 ? r : ingot_components_write(&c, path, reterr);
}

static int write_firmware(const char *folder, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        _cleanup_eventlog_ struct ingot_eventlog log = {0};
        _cleanup_components_ struct ingot_components c = {0};
        _cleanup_free_ char *path = NULL, *note = NULL;
        make_firmware_start(&bytes);
        make_firmware_boot(&bytes, "loader", "uki");
        int r = ingot_eventlog_decode(ingot_buffer_span(&bytes), &log, reterr);
        if (r >= 0)
                r = ingot_firmware_components(&log, &c, &note, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s/firmware.d", folder);
        return r < 0 ? r : ingot_components_write(&c, path, reterr);
}

/* ---- of a release ---- */

static void put_event(struct ingot_buffer *b, const struct ingot_measured_event *e)
{
        static const enum ingot_bank banks[] = {INGOT_BANK_SHA1, INGOT_BANK_SHA256};
        put32(b, e->record.pcr);
        put32(b, e->type);
        put32(b, ARRAY_SIZE(banks));
        for (size_t i = 0; i < ARRAY_SIZE(banks); i++) {
                put16(b, ingot_bank_algorithm(banks[i]));
                (void) ingot_buffer_append(b, e->record.digest[banks[i]], ingot_bank_size(banks[i]),
                                           NULL);
        }
        put_sized(b, "described", strlen("described"));
}

/* The firmware is that of make_firmware_start(). */
static bool of_firmware(const struct ingot_measured_event *e)
{
        unsigned long number = strtoul(e->component, NULL, 10);
        return number < 610 || number == 700;
}

static void make_boot_of(const struct ingot_measured_profile *p, struct ingot_buffer *firmware,
                         struct ingot_buffer *userspace)
{
        make_firmware_start(firmware);
        for (size_t i = 0; i < p->count; i++) {
                const struct ingot_measured_event *e = p->events + i;
                if (e->phase == INGOT_PHASE_BOOT && !of_firmware(e) &&
                    e->state != INGOT_MEASURED_UNKNOWN)
                        put_event(firmware, e);
                for (size_t k = 0; e->phase != INGOT_PHASE_BOOT && k < ARRAY_SIZE(phases); k++)
                        if (strcmp(e->component, phase_components[k]) == 0)
                                make_userspace_add(userspace, 11, "phase", phases[k], phases[k]);
        }
}

static int write_logs_of(const char *folder, const char *manifest, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer firmware = {0}, userspace = {0};
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, manifest, INGOT_MEASUREMENT_SIZE_MAX, &text, &size,
                                reterr);
        if (r >= 0)
                r = ingot_measurement_decode(INGOT_SPAN(text, size), &m, reterr);
        if (r < 0)
                return r;
        make_boot_of(m.profiles, &firmware, &userspace);
        r = put(folder, "firmware.log", &firmware, reterr);
        return r < 0 ? r : put(folder, "userspace.log", &userspace, reterr);
}

static int boot(const char *folder, const char *where, ingot_error *reterr)
{
        _cleanup_free_ char *firmware = NULL, *userspace = NULL;
        _cleanup_boot_log_ struct ingot_boot_log log = {0};
        _cleanup_records_ struct ingot_records records = {0};
        _cleanup_tpm_ struct ingot_tpm *t = NULL;
        int r = ingot_format(&firmware, reterr, "%s/firmware.log", folder);
        if (r >= 0)
                r = ingot_format(&userspace, reterr, "%s/userspace.log", folder);
        const struct ingot_boot_log_request q = {.firmware = firmware, .userspace = userspace};
        if (r >= 0)
                r = ingot_boot_log_load(&q, &log, reterr);
        if (r >= 0)
                r = ingot_boot_log_records(&log, &records, reterr);
        if (r >= 0)
                r = ingot_tpm_open(&t, where, reterr);
        for (size_t i = 0; r >= 0 && i < records.count; i++)
                for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                        if (records.items[i].banks >> bank & 1)
                                r = ingot_tpm_pcr_extend(t, records.items[i].pcr,
                                                         ingot_bank_algorithm(bank),
                                                         INGOT_SPAN(records.items[i].digest[bank],
                                                                    ingot_bank_size(bank)),
                                                         reterr);
        return r;
}

static int write_machine(const char *folder, const char *loader, const char *words,
                         ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings ukis = {0};
        int r = ingot_strings_split(&ukis, words, ",", reterr);
        if (r >= 0)
                r = write_logs(folder, loader, ukis.items[0], reterr);
        if (r >= 0)
                r = write_components(folder, loader, &ukis, reterr);
        return r < 0 ? r : write_firmware(folder, reterr);
}

int main(int argc, char **argv)
{
        ingot_error error = {0};
        if (argc < 4)
                return 2;
        bool release = strcmp(argv[2], "--measurement") == 0;
        int r = ingot_make_directories(argv[1], 0755, &error);
        if (r >= 0 && release)
                r = write_logs_of(argv[1], argv[3], &error);
        else if (r >= 0)
                r = write_machine(argv[1], argv[2], argv[3], &error);
        if (r >= 0 && argc > 4)
                r = boot(argv[1], argv[4], &error);
        if (r < 0)
                fprintf(stderr, "machine: %s\n", error.text);
        return r < 0;
}
