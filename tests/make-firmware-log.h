/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of a whole boot for tests: firmware with Secure Boot, boot loader, UKI. */
#pragma once

#include "base/uuid.h"
#include "make-eventlog.h"

#define MADE_GLOBAL "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define MADE_DATABASE "d719b2cb-3d3a-4596-a3bc-dad00e67656f"

static inline struct ingot_span made_text(const char *text)
{
        return INGOT_SPAN(text, strlen(text));
}

/* An event whose data is what was measured. */
static inline void make_event(struct ingot_buffer *b, uint32_t pcr, uint32_t type, const char *text)
{
        make_eventlog_add(b, pcr, type, made_text(text), made_text(text));
}

/* One whose data only describes it. */
static inline void make_load(struct ingot_buffer *b, uint32_t pcr, uint32_t type,
                             const char *measured)
{
        make_eventlog_add(b, pcr, type, made_text(measured), made_text("described"));
}

static inline void make_separator(struct ingot_buffer *b, uint32_t pcr)
{
        struct ingot_span zeros = INGOT_SPAN("\0\0\0\0", 4);
        make_eventlog_add(b, pcr, INGOT_EV_SEPARATOR, zeros, zeros);
}

static inline void make_variable(struct ingot_buffer *b, uint32_t type, const char *vendor,
                                 const char *name, const char *data)
{
        _cleanup_buffer_ struct ingot_buffer v = {0};
        struct ingot_uuid uuid;
        uint8_t guid[16];
        (void) ingot_uuid_parse(vendor, &uuid);
        ingot_uuid_gpt_store(guid, &uuid);
        (void) ingot_buffer_append(&v, guid, sizeof(guid), NULL);
        put64(&v, strlen(name));
        put64(&v, strlen(data));
        for (const char *c = name; *c; c++)
                put16(&v, (uint8_t) *c);
        (void) ingot_buffer_append(&v, data, strlen(data), NULL);
        make_eventlog_add(b, 7, type, ingot_buffer_span(&v), ingot_buffer_span(&v));
}

/* Until the firmware gives the machine to a boot loader. */
static inline void make_firmware_start(struct ingot_buffer *b)
{
        static const char *const names[] = {"SecureBoot", "PK", "KEK", "db", "dbx"};
        make_eventlog_start(b);
        make_event(b, 0, INGOT_EV_S_CRTM_VERSION, "version 1");
        make_load(b, 0, INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB, "firmware volume");
        for (unsigned i = 0; i < 5; i++)
                make_variable(b, INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG,
                              i < 3 ? MADE_GLOBAL : MADE_DATABASE, names[i], names[i]);
        make_separator(b, 7);
        make_load(b, 2, INGOT_EV_EFI_BOOT_SERVICES_DRIVER, "option ROM");
        make_load(b, 1, INGOT_EV_EFI_HANDOFF_TABLES, "tables");
        make_event(b, 4, INGOT_EV_EFI_ACTION, "Calling EFI Application from Boot Option");
        for (uint32_t pcr = 0; pcr < 7; pcr++)
                make_separator(b, pcr);
        make_event(b, 1, INGOT_EV_EFI_HANDOFF_TABLES2, "late tables");
}

/* What follows, of a loader and a UKI by these names. */
static inline void make_firmware_boot(struct ingot_buffer *b, const char *loader, const char *uki)
{
        make_event(b, 5, INGOT_EV_EFI_GPT_EVENT, "partition table");
        make_variable(b, INGOT_EV_EFI_VARIABLE_AUTHORITY, MADE_DATABASE, "db", "certificate");
        make_load(b, 4, INGOT_EV_EFI_BOOT_SERVICES_APPLICATION, loader);
        make_load(b, 5, INGOT_EV_EVENT_TAG, "loader.conf");
        make_load(b, 4, INGOT_EV_EFI_BOOT_SERVICES_APPLICATION, uki);
        make_load(b, 11, INGOT_EV_IPL, uki);
        make_event(b, 5, INGOT_EV_EFI_ACTION, "Exit Boot Services Invocation");
        make_event(b, 5, INGOT_EV_EFI_ACTION, "Exit Boot Services Returned with Success");
}
