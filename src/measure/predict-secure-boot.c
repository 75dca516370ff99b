/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCR 7 of a firmware whose variables are known: the variables of Secure Boot, a separator, and
 * then each entry of db that vouches for an image that is started, once.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.05 rev. 23, section 3.3.4.8 and 10.4.1; edk2,
 * SecurityPkg (Tcg2Dxe, DxeImageVerificationLib).
 */
#include "base/cleanup.h"
#include "base/utf16.h"
#include "measure/predict-state.h"
#include "trust/authenticode.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_UNITS 32

/* UEFI_VARIABLE_DATA. */
static int variable_data(const struct ingot_uuid *vendor, const char *name, struct ingot_span data,
                         struct ingot_buffer *ret, ingot_error *reterr)
{
        uint8_t head[32];
        uint16_t units[NAME_MAX_UNITS];
        size_t count;
        if (!ingot_utf16_from_utf8(name, units, NAME_MAX_UNITS, &count))
                return ingot_fail(reterr, INGOT_E_INTERNAL, "the name of a variable");
        ingot_uuid_gpt_store(head, vendor);
        ingot_le64_store(head + 16, count);
        ingot_le64_store(head + 24, data.size);
        int r = ingot_buffer_append(ret, head, sizeof(head), reterr);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                ingot_le16_store(head, units[i]);
                r = ingot_buffer_append(ret, head, 2, reterr);
        }
        return r < 0 || data.size == 0 ? r : ingot_buffer_append(ret, data.data, data.size, reterr);
}

static int put_variable(struct ingot_predict *p, const struct ingot_predict_event *e,
                        const struct ingot_uuid *vendor, const char *name, struct ingot_span data,
                        const char *what, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        int r = variable_data(vendor, name, data, &bytes, reterr);
        return r < 0 ? r : ingot_predict_put_data(p, e, ingot_buffer_span(&bytes), what, reterr);
}

int ingot_predict_read_variables(struct ingot_predict *p, ingot_error *reterr)
{
        int r = ingot_secure_boot_from_store(&p->keys, p->variables, reterr);
        p->secure_boot = r >= 0 && ingot_secure_boot_is_on(p->variables);
        return ingot_under(reterr, r, "the firmware's variables");
}

/* dbt, which few have, is measured only where it is there. */
static int put_timestamps(struct ingot_predict *p, const struct ingot_predict_event *e,
                          ingot_error *reterr)
{
        const struct ingot_uuid *vendor = &ingot_secure_boot_facts[INGOT_SECURE_BOOT_DB].vendor;
        const struct ingot_edk2_variable *v =
                ingot_edk2_variables_find(p->variables, "dbt", vendor);
        return v ? put_variable(p, e, vendor, v->name, INGOT_SPAN(v->data, v->size), v->name,
                                reterr)
                 : 0;
}

int ingot_predict_variables(struct ingot_predict *p, ingot_error *reterr)
{
        struct ingot_predict_event e = {.by = INGOT_MEASURER_FIRMWARE,
                                        .component = "240-secureboot-policy",
                                        .pcr = 7,
                                        .type = INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG};
        const uint8_t on = p->secure_boot;
        if (!p->variables)
                return ingot_predict_put_unknown(
                        p, &e, "Secure Boot, its keys, and who signed what was started",
                        "the keys are in the firmware", reterr);
        int r = put_variable(p, &e, &ingot_secure_boot_facts[INGOT_SECURE_BOOT_PK].vendor,
                             "SecureBoot", INGOT_SPAN(&on, 1),
                             on ? "SecureBoot: on" : "SecureBoot: off", reterr);
        for (size_t i = 0; r >= 0 && i < INGOT_SECURE_BOOT_VARIABLES; i++) {
                const struct ingot_secure_boot_fact *fact = ingot_secure_boot_facts + i;
                const struct ingot_edk2_variable *v =
                        ingot_edk2_variables_find(p->variables, fact->name, &fact->vendor);
                struct ingot_span data = v ? INGOT_SPAN(v->data, v->size) : INGOT_SPAN(NULL, 0);
                r = put_variable(p, &e, &fact->vendor, fact->name, data, fact->name, reterr);
        }
        return r < 0 ? r : put_timestamps(p, &e, reterr);
}

/* The data of EFI_SIGNATURE_DATA: owner and content. */
static int put_authority(struct ingot_predict *p, size_t i, ingot_error *reterr)
{
        const struct ingot_efi_signature *entry =
                p->keys.variables[INGOT_SECURE_BOOT_DB].list.items + i;
        const struct ingot_secure_boot_fact *db = ingot_secure_boot_facts + INGOT_SECURE_BOOT_DB;
        struct ingot_predict_event e = {.by = INGOT_MEASURER_FIRMWARE,
                                        .component = "620-secureboot-authority",
                                        .pcr = 7,
                                        .type = INGOT_EV_EFI_VARIABLE_AUTHORITY};
        _cleanup_buffer_ struct ingot_buffer data = {0};
        uint8_t owner[16];
        if (p->authorities[i])
                return 0;
        p->authorities[i] = true;
        ingot_uuid_gpt_store(owner, &entry->owner);
        int r = ingot_buffer_append(&data, owner, sizeof(owner), reterr);
        if (r >= 0)
                r = ingot_buffer_append(&data, entry->data.data, entry->data.size, reterr);
        return r < 0 ? r
                     : put_variable(p, &e, &db->vendor, db->name, ingot_buffer_span(&data),
                                    "db: the key that vouches for what was started", reterr);
}

bool ingot_predict_refuses(const struct ingot_predict *p, const struct ingot_reader *image)
{
        return p->secure_boot &&
               ingot_authenticode_verify(image, &p->keys.variables[INGOT_SECURE_BOOT_DB].list,
                                         &p->keys.variables[INGOT_SECURE_BOOT_DBX].list, NULL) < 0;
}

int ingot_predict_authority(struct ingot_predict *p, const struct ingot_reader *image,
                            const char *path, ingot_error *reterr)
{
        const struct ingot_efi_signatures *db = &p->keys.variables[INGOT_SECURE_BOOT_DB].list;
        _cleanup_authenticode_report_ struct ingot_authenticode_report report = {0};
        if (!p->secure_boot)
                return 0;
        if (!p->authorities)
                p->authorities = calloc(db->count + 1, sizeof(*p->authorities));
        if (!p->authorities)
                return ingot_fail_nomem(reterr);
        int r = ingot_authenticode_judge(image, db, &p->keys.variables[INGOT_SECURE_BOOT_DBX].list,
                                         &report, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        if (!report.allowed)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s: Secure Boot does not let it start: %s", path,
                                  report.why.text);
        return put_authority(p, (size_t) (report.entry - db->items), reterr);
}
