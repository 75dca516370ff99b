/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding the measurement manifest of an image, and comparing. */
#include "vm/measured.h"
#include "base/cleanup.h"
#include "image/esp-open.h"
#include "image/esp.h"
#include "measure/boot-chain.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NO_MANIFEST "there is no measurement manifest on the ESP or beside the image"
#define NO_COMMAND_LINE "the machine adds to the kernel's command line"

void ingot_vm_measured_done(struct ingot_vm_measured *m)
{
        free(m->where);
        free(m->why);
        free(m->signer);
        free(m->refused);
        ingot_measurement_done(&m->manifest);
        ingot_causes_done(&m->causes);
        *m = (struct ingot_vm_measured){0};
}

static const char *name_of(const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

/* "NAME_VERSION.measurement.json" of the UKI that the loader starts. */
static int name_on_esp(const struct ingot_tree *esp, char **ret, ingot_error *reterr)
{
        _cleanup_boot_chain_ struct ingot_boot_chain chain = {0};
        _cleanup_strings_ struct ingot_strings notes = {0};
        int r = ingot_boot_chain_find(esp, NULL, &chain, &notes, reterr);
        if (r < 0)
                return r;
        ingot_boot_chain_strip_counters(chain.uki_path);
        const char *name = name_of(chain.uki_path);
        size_t size = strlen(name);
        return ingot_format(ret, reterr, "%.*s" INGOT_MEASUREMENT_SUFFIX,
                            (int) (size > 4 ? size - 4 : size), name);
}

/* 1: there is none. */
static int read_from_esp(const char *image, struct ingot_measurement_file *ret, ingot_error *reterr)
{
        _cleanup_esp_view_ struct ingot_esp_view esp = INGOT_ESP_VIEW_NONE;
        _cleanup_free_ char *name = NULL;
        if (ingot_esp_view_open(&esp, image, NULL) < 0 || name_on_esp(esp.tree, &name, NULL) < 0)
                return 1;
        return ingot_measurement_file_of_esp(esp.tree, name, ret, reterr);
}

/* NAME_VERSION.measurement.json beside NAME_VERSION_ARCHITECTURE.raw. */
static int read_beside(const char *image, struct ingot_measurement_file *ret, ingot_error *reterr)
{
        const char *end = strrchr(name_of(image), '_');
        _cleanup_free_ char *path = NULL;
        if (!end)
                return 1;
        int r = ingot_format(&path, reterr, "%.*s" INGOT_MEASUREMENT_SUFFIX, (int) (end - image),
                             image);
        if (r < 0 || !ingot_file_exists(path))
                return r < 0 ? r : 1;
        return ingot_measurement_file_read(path, ret, reterr);
}

static int check_signature(struct ingot_vm_measured *m, const struct ingot_measurement_file *f,
                           const struct ingot_signature_request *signers, ingot_error *reterr)
{
        ingot_error error = {0};
        if (!signers)
                return 0;
        int r = ingot_measurement_file_check(f, signers, &m->signer, &error);
        if (r == -INGOT_E_REFUSED)
                return ingot_strdup(&m->refused, error.text, reterr);
        if (r < 0 && reterr)
                *reterr = error;
        return r;
}

static int find(const char *image, const struct ingot_signature_request *signers,
                struct ingot_vm_measured *m, ingot_error *reterr)
{
        _cleanup_measurement_file_ struct ingot_measurement_file f = {0};
        int r = read_from_esp(image, &f, reterr);
        if (r == 1)
                r = read_beside(image, &f, reterr);
        if (r == 1)
                return ingot_strdup(signers ? &m->refused : &m->why, NO_MANIFEST, reterr);
        if (r >= 0)
                r = check_signature(m, &f, signers, reterr);
        if (r >= 0)
                r = ingot_under(
                        reterr,
                        ingot_measurement_decode(ingot_buffer_span(&f.text), &m->manifest, reterr),
                        "%s", f.where);
        m->where = TAKE_PTR(f.where);
        return r;
}

static int nothing_compared(struct ingot_vm_measured *m, const char *why, ingot_error *reterr)
{
        free(m->where);
        m->where = NULL;
        return ingot_strdup(&m->why, why, reterr);
}

static bool differs(const struct ingot_vm_measured *m, uint32_t pcr)
{
        for (size_t i = 0; i < ARRAY_SIZE(m->pcrs); i++)
                if (m->pcrs[i].pcr == pcr)
                        return m->pcrs[i].result == INGOT_COMPARED_DIFFERENT;
        return false;
}

static bool some_differ(const struct ingot_vm_measured *m)
{
        for (size_t i = 0; m->profile && i < ARRAY_SIZE(m->pcrs); i++)
                if (m->pcrs[i].result == INGOT_COMPARED_DIFFERENT)
                        return true;
        return false;
}

/* The guest's logs, out of its report; 1: it has none that can be read. */
static int read_logs(const struct ingot_check *check, struct ingot_boot_log *ret)
{
        const struct ingot_buffer *firmware = &check->files[INGOT_CHECK_FIRMWARE_LOG].data;
        const struct ingot_buffer *userspace = &check->files[INGOT_CHECK_USERSPACE_LOG].data;
        if (firmware->size == 0 ||
            ingot_eventlog_decode(ingot_buffer_span(firmware), &ret->firmware, NULL) < 0 ||
            (userspace->size > 0 &&
             ingot_userspace_log_decode(ingot_buffer_span(userspace), &ret->userspace, NULL) < 0))
                return 1;
        return 0;
}

/* Which measurements make the values differ. Without a log that tells, the values stand alone. */
static int explain(struct ingot_vm_measured *m, const struct ingot_check *check, ingot_error *reterr)
{
        _cleanup_boot_log_ struct ingot_boot_log log = {0};
        _cleanup_explain_side_ struct ingot_explain_side before = {0}, after = {0};
        _cleanup_causes_ struct ingot_causes all = {0};
        uint32_t profile;
        if (!some_differ(m) || read_logs(check, &log) != 0)
                return 0;
        int r = ingot_explain_side_of_log(&log, &after, reterr);
        if (r >= 0)
                r = ingot_explain_expected(&m->manifest, &after, &profile, &before, &all, reterr);
        for (size_t i = 0; r >= 0 && i < all.count; i++)
                if (differs(m, all.items[i].at.pcr))
                        r = ingot_causes_add(&m->causes, all.items + i, reterr);
        return r;
}

int ingot_vm_measured_compare(const char *image, const struct ingot_check *check, bool cmdline,
                              const struct ingot_signature_request *signers,
                              struct ingot_vm_measured *ret, ingot_error *reterr)
{
        _cleanup_vm_measured_ struct ingot_vm_measured m = {0};
        unsigned banks = 0;
        int r = find(image, signers, &m, reterr);
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++)
                banks |= check->pcrs.banks[i];
        if (r >= 0 && m.where && !banks)
                r = nothing_compared(&m, "the guest shows no PCR: it has no TPM, or no driver",
                                     reterr);
        if (r >= 0 && m.where) {
                m.profile = ingot_measurement_profile(&m.manifest, check->profile);
                r = m.profile ? ingot_measurement_compare(m.profile, INGOT_PHASE_READY,
                                                          check->secure_boot, &check->pcrs,
                                                          m.pcrs, reterr)
                              : ingot_fail(reterr, INGOT_E_NOTFOUND,
                                           "%s has no profile %" PRIu32 ", which the guest started",
                                           m.where, check->profile);
        }
        for (size_t i = 0; r >= 0 && cmdline && m.profile && i < ARRAY_SIZE(m.pcrs); i++)
                if (m.pcrs[i].pcr == 9 || m.pcrs[i].pcr == 12) {
                        m.pcrs[i].result = INGOT_COMPARED_UNKNOWN;
                        m.pcrs[i].reason = NO_COMMAND_LINE;
                }
        if (r >= 0)
                r = explain(&m, check, reterr);
        if (r < 0)
                return r;
        *ret = m;
        m = (struct ingot_vm_measured){0};
        return 0;
}

bool ingot_vm_measured_holds(const struct ingot_vm_measured *m)
{
        return !m->refused && !some_differ(m);
}
