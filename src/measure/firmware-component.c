/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A walk over a firmware's log that puts each event into the component it belongs to. */
#include "measure/firmware-component.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf16.h"
#include "base/uuid.h"
#include "measure/event.h"

#include <inttypes.h>

#define PCR_LOADER_CODE 4
#define PCR_LOADER_CONFIG 5
#define PCR_SECURE_BOOT 7

#define ACTION_LOADER "Calling EFI Application from Boot Option"
#define ACTION_EXIT "Exit Boot Services Invocation"
#define ACTION_EXITED "Exit Boot Services Returned with Success"

/* In which component the events of a PCR are, before and behind its separator. */
static const struct {
        const char *early, *late;
} firmware[] = {
        [0] = {"250-firmware-code-early", "550-firmware-code-late"},
        [1] = {"250-firmware-config-early", "550-firmware-config-late"},
        [2] = {"250-firmware-code-early", "550-firmware-code-late"},
        [3] = {"250-firmware-config-early", "550-firmware-config-late"},
        [PCR_LOADER_CODE] = {"250-firmware-code-early", NULL},
        [PCR_LOADER_CONFIG] = {"250-firmware-config-early", NULL},
};

#define GLOBAL_VARIABLE "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define IMAGE_SECURITY_DATABASE "d719b2cb-3d3a-4596-a3bc-dad00e67656f"

/* UEFI 2.10, section 32.3 and 32.4.1; they are measured in this order. */
static const struct {
        const char *vendor, *name;
        bool required;
} variables[] = {
        {GLOBAL_VARIABLE, "SecureBoot", true},   {GLOBAL_VARIABLE, "PK", true},
        {GLOBAL_VARIABLE, "KEK", true},          {IMAGE_SECURITY_DATABASE, "db", true},
        {IMAGE_SECURITY_DATABASE, "dbx", true},  {IMAGE_SECURITY_DATABASE, "dbt", false},
        {IMAGE_SECURITY_DATABASE, "dbr", false},
};

struct sorting {
        struct ingot_components components, secure_boot;
        bool no_secure_boot; /* because of `note` */
        ingot_error note;
        uint32_t separated; /* a bit for each PCR whose separator was seen */
        bool loader;        /* the firmware has called a boot loader */
        size_t variable;    /* how many of `variables` have been passed */
        bool authority;
};

static void sorting_done(struct sorting *s)
{
        ingot_components_done(&s->components);
        ingot_components_done(&s->secure_boot);
}

/* The event at the end of a component's variant; VARIANT NULL: its own file. */
static int put(struct sorting *s, const char *id, const char *variant, const struct ingot_event *e,
               ingot_error *reterr)
{
        struct ingot_components *c = e->index == PCR_SECURE_BOOT ? &s->secure_boot : &s->components;
        const struct ingot_component *component = ingot_components_find(c, id);
        struct ingot_variant *v = component ? component->variants : NULL;
        struct ingot_record *record;
        int r = v ? 0 : ingot_components_add(c, id, variant, &v, reterr);
        if (r >= 0)
                r = ingot_records_add(&v->records, &record, reterr);
        if (r >= 0)
                ingot_record_of_event(e, record);
        return r;
}

static bool is_action(const struct ingot_event *e, const char *text)
{
        struct ingot_span data = e->data;
        if (e->type != INGOT_EV_EFI_ACTION || ingot_event_match(e) != INGOT_EVENT_MATCHES)
                return false;
        if (data.size > 0 && data.data[data.size - 1] == 0)
                data.size--;
        return data.size == strlen(text) && memcmp(data.data, text, data.size) == 0;
}

static bool is_true_separator(const struct ingot_event *e)
{
        return e->type == INGOT_EV_SEPARATOR && ingot_event_match(e) == INGOT_EVENT_MATCHES;
}

static int put_separator(struct sorting *s, const struct ingot_event *e, ingot_error *reterr)
{
        static const uint8_t zeros[4], ones[4] = {0xff, 0xff, 0xff, 0xff};
        const char *variant = "generated";
        if (s->separated >> e->index & 1)
                return 0; /* another one belongs to no component */
        s->separated |= 1u << e->index;
        if (e->data.size == 4 && memcmp(e->data.data, zeros, 4) == 0)
                variant = "300-0x00000000";
        else if (e->data.size == 4 && memcmp(e->data.data, ones, 4) == 0)
                variant = "600-0xffffffff";
        return put(s, e->index == PCR_SECURE_BOOT ? "400-secureboot-separator" : "500-separator",
                   variant, e, reterr);
}

/* Which of `variables` it is; their number: none. */
static size_t variable_of(const struct ingot_event *e)
{
        struct ingot_event_variable v;
        char vendor[INGOT_UUID_TEXT_SIZE];
        _cleanup_free_ char *name = NULL;
        if (e->type != INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG ||
            ingot_event_match(e) != INGOT_EVENT_MATCHES ||
            !ingot_event_variable_decode(e->data, &v) || ingot_utf16_text(v.name, &name, NULL) < 0)
                return ARRAY_SIZE(variables);
        struct ingot_uuid uuid = ingot_uuid_gpt_load(v.vendor.data);
        ingot_uuid_format(&uuid, vendor);
        size_t i = 0;
        while (i < ARRAY_SIZE(variables) &&
               (strcmp(variables[i].vendor, vendor) != 0 || strcmp(variables[i].name, name) != 0))
                i++;
        return i;
}

/* Those from s->variable to INDEX have not been measured. */
static int check_passed(const struct sorting *s, size_t index, ingot_error *reterr)
{
        for (size_t i = s->variable; i < index; i++)
                if (variables[i].required)
                        return ingot_fail(reterr, INGOT_E_REFUSED,
                                          "variable %s was not measured where it should have been",
                                          variables[i].name);
        return 0;
}

static int sort_secure_boot(struct sorting *s, const struct ingot_event *e, ingot_error *reterr)
{
        if (is_true_separator(e))
                return put_separator(s, e, reterr);
        if (e->type == INGOT_EV_EFI_VARIABLE_AUTHORITY &&
            ingot_event_match(e) == INGOT_EVENT_MATCHES) {
                s->authority = true;
                return put(s, "620-secureboot-authority", "generated", e, reterr);
        }
        size_t index = variable_of(e);
        if (index == ARRAY_SIZE(variables))
                return 0;
        if (index < s->variable)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "variable %s was measured twice or too late",
                                  variables[index].name);
        if (s->authority)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "variable %s was measured when it had been used already",
                                  variables[index].name);
        int r = check_passed(s, index, reterr);
        s->variable = index + 1;
        return r < 0 ? r : put(s, "240-secureboot-policy", "generated", e, reterr);
}

/* Behind PCR 4's and 5's separators the boot loader has its say. */
static int sort_loader(struct sorting *s, const struct ingot_event *e, ingot_error *reterr)
{
        if (e->index != PCR_LOADER_CONFIG)
                return 0;
        if (e->type == INGOT_EV_EFI_GPT_EVENT || e->type == INGOT_EV_EFI_GPT_EVENT2)
                return put(s, "600-gpt", "generated", e, reterr);
        if (is_action(e, ACTION_EXIT) || is_action(e, ACTION_EXITED))
                return put(s, "700-action-efi-exit-boot-services", "300-present", e, reterr);
        return 0;
}

/* That PCR 7 is not as it should be is no failure. */
static int note(struct sorting *s, int r, ingot_error *reterr)
{
        if (r >= 0)
                return 0;
        if (r != -INGOT_E_REFUSED) {
                if (reterr)
                        *reterr = s->note;
                return r;
        }
        s->no_secure_boot = true;
        return 0;
}

static int sort_event(struct sorting *s, const struct ingot_event *e, ingot_error *reterr)
{
        if (e->type == INGOT_EV_NO_ACTION || e->index > PCR_SECURE_BOOT)
                return 0;
        if (e->index == PCR_SECURE_BOOT)
                return s->no_secure_boot ? 0 : note(s, sort_secure_boot(s, e, &s->note), reterr);
        if (is_true_separator(e))
                return put_separator(s, e, reterr);
        if (e->index == PCR_LOADER_CODE && is_action(e, ACTION_LOADER)) {
                s->loader = true;
                return put(s, "350-action-efi-application", NULL, e, reterr);
        }
        bool late = s->separated >> e->index & 1;
        if (e->index >= ARRAY_SIZE(firmware))
                return 0;
        if (late && !firmware[e->index].late)
                return sort_loader(s, e, reterr);
        if (e->index == PCR_LOADER_CODE && s->loader)
                return 0;
        return put(s, late ? firmware[e->index].late : firmware[e->index].early, "generated", e,
                   reterr);
}

/* Without separators it cannot be told where the firmware ends. */
static int check_end(struct sorting *s, ingot_error *reterr)
{
        bool code = s->loader || s->separated >> PCR_LOADER_CODE & 1;
        if (!code || !(s->separated >> PCR_LOADER_CONFIG & 1))
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "PCR %d has no separator: it is not known where the boot loader "
                                  "starts",
                                  code ? PCR_LOADER_CONFIG : PCR_LOADER_CODE);
        return s->no_secure_boot
                       ? 0
                       : note(s, check_passed(s, ARRAY_SIZE(variables), &s->note), reterr);
}

int ingot_firmware_components(const struct ingot_eventlog *log, struct ingot_components *c,
                              char **ret_note, ingot_error *reterr)
{
        _cleanup_(sorting_done) struct sorting s = {0};
        _cleanup_free_ char *text = NULL;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < log->count; i++)
                r = ingot_under(reterr, sort_event(&s, log->events + i, reterr), "event %zu",
                                i + 1);
        if (r >= 0)
                r = check_end(&s, reterr);
        if (r >= 0 && s.no_secure_boot)
                r = ingot_format(&text, reterr, "PCR 7 is left out: %s", s.note.text);
        if (r >= 0)
                r = ingot_components_merge(c, &s.components, reterr);
        if (r >= 0 && !s.no_secure_boot)
                r = ingot_components_merge(c, &s.secure_boot, reterr);
        if (r >= 0)
                *ret_note = TAKE_PTR(text);
        return r;
}
