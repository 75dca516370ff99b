/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine for tests, by words: machine FOLDER LOADER UKI[,UKI…] [TPM]
 *
 * Writes into FOLDER the logs of a boot of LOADER and the first UKI (firmware.log, userspace.log);
 * in pcrlock.d the components of the loader, of all the UKIs, and of the phases; in firmware.d
 * those of the firmware; and extends the TPM as that boot would have.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "make-firmware-log.h"
#include "make-userspace-log.h"
#include "measure/boot-log.h"
#include "measure/component-folder.h"
#include "measure/firmware-component.h"
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

int main(int argc, char **argv)
{
        ingot_error error = {0};
        _cleanup_strings_ struct ingot_strings ukis = {0};
        if (argc < 4)
                return 2;
        int r = ingot_strings_split(&ukis, argv[3], ",", &error);
        if (r >= 0)
                r = ingot_make_directories(argv[1], 0755, &error);
        if (r >= 0)
                r = write_logs(argv[1], argv[2], ukis.items[0], &error);
        if (r >= 0)
                r = write_components(argv[1], argv[2], &ukis, &error);
        if (r >= 0)
                r = write_firmware(argv[1], &error);
        if (r >= 0 && argc > 4)
                r = boot(argv[1], argv[4], &error);
        if (r < 0)
                fprintf(stderr, "machine: %s\n", error.text);
        return r < 0;
}
