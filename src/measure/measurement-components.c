/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/measurement-components.h"
#include "base/cleanup.h"
#include "measure/boot-chain.h"
#include "measure/predict-state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SECURE_BOOT_POLICY "240-secureboot-policy"

/* The numbers that systemd-pcrlock gives to what firmware does (until the loader, and at the end of
 * its services), and to words, which are the same whatever the UKI. */
static bool of_firmware(const char *component)
{
        unsigned long number = strtoul(component, NULL, 10);
        return number < 610 || number == 700;
}

/* What systemd-pcrlock lock-secureboot-policy writes, and the separator behind it. */
static bool is_policy(const char *component)
{
        return strcmp(component, SECURE_BOOT_POLICY) == 0;
}

static bool is_policy_separator(const char *component)
{
        return strcmp(component, "400-secureboot-separator") == 0;
}

/*
 * The component that an event's file is of. What follows from the same UKI stands together as far
 * as it goes into the same PCR, so that no release's kernel is combined with another's UKI, and no
 * command line with another's initrd: a policy has eight values a PCR.
 */
static const char *file_of(const struct ingot_measured_event *e)
{
        static const struct {
                const char *component;
                uint32_t pcr;
                const char *file;
        } together[] = {
                {INGOT_PREDICT_COMPONENT_SIDECARS, 4, INGOT_PREDICT_COMPONENT_UKI},
                {"670-kernel", 4, INGOT_PREDICT_COMPONENT_UKI},
                {"710-kernel-cmdline", 9, "710-kernel"},
                {"720-kernel-initrd", 9, "710-kernel"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(together); i++)
                if (e->record.pcr == together[i].pcr &&
                    strcmp(e->component, together[i].component) == 0)
                        return together[i].file;
        return e->component;
}

static bool is_word(const char *component)
{
        return strtoul(component, NULL, 10) >= 750;
}

static int collect(const struct ingot_measured_profile *p, const char *component, bool secure_boot,
                   struct ingot_records *ret, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < p->count; i++) {
                const struct ingot_measured_event *e = p->events + i;
                struct ingot_record *record;
                if (strcmp(file_of(e), component) != 0 || e->state == INGOT_MEASURED_UNKNOWN ||
                    (e->insecure && secure_boot))
                        continue;
                r = ingot_records_add(ret, &record, reterr);
                if (r >= 0)
                        *record = e->record;
        }
        return r;
}

static bool has_variant(const struct ingot_components *c, const char *component,
                        const struct ingot_records *records)
{
        const struct ingot_component *found = ingot_components_find(c, component);
        for (size_t i = 0; found && i < found->count; i++)
                if (ingot_records_equal(&found->variants[i].records, records))
                        return true;
        return false;
}

/* As systemd names the two, beside what a log had (measure/firmware-component.h). */
static int policy_name(const struct ingot_components *c, const char *component, char **ret,
                       ingot_error *reterr)
{
        if (is_policy_separator(component))
                return ingot_strdup(ret, "300-0x00000000", reterr);
        return ingot_strdup(ret, ingot_components_find(c, component) ? "vars" : "generated",
                            reterr);
}

/* "EFI/Linux/appliance_1+3-0.efi" is "appliance_1"; a loader is named as it names itself. */
static int variant_name(const struct ingot_measurement *m, uint32_t profile, bool loader,
                        bool secure_boot, char **ret, ingot_error *reterr)
{
        const char *from = loader && m->loader.info ? m->loader.info : m->uki.path;
        const char *slash = strrchr(from, '/');
        _cleanup_free_ char *name = NULL;
        int r = ingot_strdup(&name, from == m->uki.path && slash ? slash + 1 : from, reterr);
        if (r < 0)
                return r;
        if (from == m->uki.path)
                ingot_boot_chain_strip_counters(name);
        size_t n = strlen(name);
        if (n > 4 && strcasecmp(name + n - 4, ".efi") == 0)
                name[n - 4] = 0;
        for (char *c = name; *c; c++)
                *c = *c == ' ' || *c == '/' ? '-' : *c;
        const char *more = secure_boot ? ".secure-boot" : "";
        return profile == 0 || loader
                       ? ingot_format(ret, reterr, "%s%s", name, more)
                       : ingot_format(ret, reterr, "%s@%" PRIu32 "%s", name, profile, more);
}

static int add_component(const struct ingot_measurement *m, const struct ingot_measured_profile *p,
                         const char *component, bool secure_boot, struct ingot_components *c,
                         ingot_error *reterr)
{
        _cleanup_records_ struct ingot_records records = {0};
        _cleanup_free_ char *name = NULL;
        struct ingot_variant *variant;
        int r = collect(p, component, secure_boot, &records, reterr);
        if (r < 0 || has_variant(c, component, &records))
                return r;
        if (of_firmware(component))
                r = policy_name(c, component, &name, reterr);
        else if (!is_word(component))
                r = variant_name(m, p->profile, strcmp(component, "620-loader") == 0, secure_boot,
                                 &name, reterr);
        if (r >= 0)
                r = ingot_components_add(c, component, name, &variant, reterr);
        if (r < 0)
                return r;
        variant->records = records;
        records = (struct ingot_records){0};
        return 0;
}

/* Of firmware only what is known of its keys. */
static bool is_wanted(const struct ingot_strings *found, const char *component)
{
        if (is_policy_separator(component))
                return ingot_strings_contains(found, SECURE_BOOT_POLICY);
        return !of_firmware(component) || is_policy(component);
}

/* Of every profile: what one has may be absent with another. */
static int find_components(const struct ingot_measurement *m, struct ingot_strings *ret,
                           ingot_error *reterr)
{
        int r = 0;
        for (size_t k = 0; r >= 0 && k < m->profile_count; k++)
                for (size_t i = 0; r >= 0 && i < m->profiles[k].count; i++) {
                        const struct ingot_measured_event *e = m->profiles[k].events + i;
                        const char *file = file_of(e);
                        if (is_wanted(ret, file) && e->state != INGOT_MEASURED_UNKNOWN &&
                            !ingot_strings_contains(ret, file))
                                r = ingot_strings_add(ret, file, reterr);
                }
        return r;
}

int ingot_measurement_components(const struct ingot_measurement *m, struct ingot_components *c,
                                 ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = find_components(m, &names, reterr);
        for (size_t i = 0; r >= 0 && i < m->profile_count; i++)
                for (size_t k = 0; r >= 0 && k < names.count; k++)
                        for (unsigned on = 0; r >= 0 && on < 2; on++)
                                r = add_component(m, m->profiles + i, names.items[k], on == 1, c,
                                                  reterr);
        return r;
}
