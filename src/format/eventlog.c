/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layouts of an event log. What an event's data means is for measure/event.h. */
#include "format/eventlog.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SHA1_SIZE 20
#define DIGEST_MAX 64
#define SPEC_ID "Spec ID Event03"
#define SPEC_ID_SIZE 16
#define TABLE_HEADER_SIZE 36
#define CCEL_SIZE 56
#define TPM2_SIZE 52 /* the log's place stands behind that, or not */

static const struct {
        uint32_t type;
        const char *name;
} type_names[] = {
        {INGOT_EV_PREBOOT_CERT, "EV_PREBOOT_CERT"},
        {INGOT_EV_POST_CODE, "EV_POST_CODE"},
        {INGOT_EV_NO_ACTION, "EV_NO_ACTION"},
        {INGOT_EV_SEPARATOR, "EV_SEPARATOR"},
        {INGOT_EV_ACTION, "EV_ACTION"},
        {INGOT_EV_EVENT_TAG, "EV_EVENT_TAG"},
        {INGOT_EV_S_CRTM_CONTENTS, "EV_S_CRTM_CONTENTS"},
        {INGOT_EV_S_CRTM_VERSION, "EV_S_CRTM_VERSION"},
        {INGOT_EV_CPU_MICROCODE, "EV_CPU_MICROCODE"},
        {INGOT_EV_PLATFORM_CONFIG_FLAGS, "EV_PLATFORM_CONFIG_FLAGS"},
        {INGOT_EV_TABLE_OF_DEVICES, "EV_TABLE_OF_DEVICES"},
        {INGOT_EV_COMPACT_HASH, "EV_COMPACT_HASH"},
        {INGOT_EV_IPL, "EV_IPL"},
        {INGOT_EV_IPL_PARTITION_DATA, "EV_IPL_PARTITION_DATA"},
        {INGOT_EV_NONHOST_CODE, "EV_NONHOST_CODE"},
        {INGOT_EV_NONHOST_CONFIG, "EV_NONHOST_CONFIG"},
        {INGOT_EV_NONHOST_INFO, "EV_NONHOST_INFO"},
        {INGOT_EV_OMIT_BOOT_DEVICE_EVENTS, "EV_OMIT_BOOT_DEVICE_EVENTS"},
        {INGOT_EV_POST_CODE2, "EV_POST_CODE2"},
        {INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
        {INGOT_EV_EFI_VARIABLE_BOOT, "EV_EFI_VARIABLE_BOOT"},
        {INGOT_EV_EFI_BOOT_SERVICES_APPLICATION, "EV_EFI_BOOT_SERVICES_APPLICATION"},
        {INGOT_EV_EFI_BOOT_SERVICES_DRIVER, "EV_EFI_BOOT_SERVICES_DRIVER"},
        {INGOT_EV_EFI_RUNTIME_SERVICES_DRIVER, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
        {INGOT_EV_EFI_GPT_EVENT, "EV_EFI_GPT_EVENT"},
        {INGOT_EV_EFI_ACTION, "EV_EFI_ACTION"},
        {INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
        {INGOT_EV_EFI_HANDOFF_TABLES, "EV_EFI_HANDOFF_TABLES"},
        {INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB2, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
        {INGOT_EV_EFI_HANDOFF_TABLES2, "EV_EFI_HANDOFF_TABLES2"},
        {INGOT_EV_EFI_VARIABLE_BOOT2, "EV_EFI_VARIABLE_BOOT2"},
        {INGOT_EV_EFI_GPT_EVENT2, "EV_EFI_GPT_EVENT2"},
        {INGOT_EV_EFI_HCRTM_EVENT, "EV_EFI_HCRTM_EVENT"},
        {INGOT_EV_EFI_VARIABLE_AUTHORITY, "EV_EFI_VARIABLE_AUTHORITY"},
        {INGOT_EV_EFI_SPDM_FIRMWARE_BLOB, "EV_EFI_SPDM_FIRMWARE_BLOB"},
        {INGOT_EV_EFI_SPDM_FIRMWARE_CONFIG, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
};

const char *ingot_event_type_name(uint32_t type)
{
        for (size_t i = 0; i < ARRAY_SIZE(type_names); i++)
                if (type_names[i].type == type)
                        return type_names[i].name;
        return NULL;
}

bool ingot_event_type_parse(const char *name, uint32_t *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(type_names); i++)
                if (strcmp(type_names[i].name, name) == 0) {
                        *ret = type_names[i].type;
                        return true;
                }
        return false;
}

const struct ingot_event_digest *ingot_event_digest_of(const struct ingot_event *e,
                                                       uint16_t algorithm)
{
        for (size_t i = 0; i < e->digest_count; i++)
                if (e->digests[i].algorithm == algorithm)
                        return e->digests + i;
        return NULL;
}

void ingot_eventlog_done(struct ingot_eventlog *log)
{
        free(log->events);
        free(log->problem);
        *log = (struct ingot_eventlog){0};
}

struct decoder {
        struct ingot_cursor cursor;
        struct ingot_eventlog *log;
        size_t allocated;
        char why[160]; /* the event cannot be read because … */
};

static int append(struct decoder *d, const struct ingot_event *e, ingot_error *reterr)
{
        struct ingot_eventlog *log = d->log;
        if (log->count == d->allocated) {
                size_t n = d->allocated ? 2 * d->allocated : 64;
                struct ingot_event *events = reallocarray(log->events, n, sizeof(*events));
                if (!events)
                        return ingot_fail_nomem(reterr);
                log->events = events;
                d->allocated = n;
        }
        log->events[log->count++] = *e;
        return 0;
}

static bool take_data(struct decoder *d, struct ingot_event *e)
{
        uint32_t size = ingot_cursor_le32(&d->cursor);
        if (!d->cursor.failed && size > ingot_cursor_left(&d->cursor))
                snprintf(d->why, sizeof(d->why),
                         "it has %" PRIu32 " bytes of data, and %zu bytes are left", size,
                         ingot_cursor_left(&d->cursor));
        e->data = ingot_cursor_take(&d->cursor, size);
        return !d->cursor.failed;
}

/* An event with one SHA-1 digest: all of an old log, and the first of a new one. */
static bool take_legacy(struct decoder *d, struct ingot_event *e)
{
        *e = (struct ingot_event){.offset = d->cursor.at, .digest_count = 1};
        e->index = ingot_cursor_le32(&d->cursor);
        e->type = ingot_cursor_le32(&d->cursor);
        struct ingot_span digest = ingot_cursor_take(&d->cursor, SHA1_SIZE);
        e->digests[0] = (struct ingot_event_digest){INGOT_TPM_SHA1, SHA1_SIZE, digest.data};
        return take_data(d, e);
}

static const struct ingot_eventlog_algorithm *algorithm(const struct ingot_eventlog *log,
                                                        uint16_t id)
{
        for (size_t i = 0; i < log->algorithm_count; i++)
                if (log->algorithms[i].id == id)
                        return log->algorithms + i;
        return NULL;
}

/* Without the size of a digest nothing behind it can be found. */
static bool take_digest(struct decoder *d, struct ingot_event *e)
{
        uint16_t id = ingot_cursor_le16(&d->cursor);
        const struct ingot_eventlog_algorithm *a = algorithm(d->log, id);
        if (d->cursor.failed)
                return false;
        if (!a) {
                snprintf(d->why, sizeof(d->why),
                         "it has a digest of algorithm %#06x, whose size the log does not declare",
                         id);
                return false;
        }
        struct ingot_span digest = ingot_cursor_take(&d->cursor, a->size);
        e->digests[e->digest_count++] =
                (struct ingot_event_digest){a->id, a->size, digest.data};
        return !d->cursor.failed;
}

static bool take_agile(struct decoder *d, struct ingot_event *e)
{
        *e = (struct ingot_event){.offset = d->cursor.at};
        e->index = ingot_cursor_le32(&d->cursor);
        e->type = ingot_cursor_le32(&d->cursor);
        uint32_t count = ingot_cursor_le32(&d->cursor);
        if (!d->cursor.failed && count > d->log->algorithm_count) {
                snprintf(d->why, sizeof(d->why),
                         "it has %" PRIu32 " digests, and the log declares %zu algorithms", count,
                         d->log->algorithm_count);
                return false;
        }
        for (uint32_t i = 0; i < count; i++)
                if (!take_digest(d, e))
                        return false;
        return take_data(d, e);
}

/* TCG_EfiSpecIDEvent: which algorithms the digests of all further events have. */
static bool take_spec(struct decoder *d, struct ingot_span data)
{
        struct ingot_cursor c = ingot_cursor_over(data);
        ingot_cursor_skip(&c, SPEC_ID_SIZE + 4 + 4); /* platform class; versions, size of UINTN */
        uint32_t count = ingot_cursor_le32(&c);
        if (!c.failed && count > INGOT_EVENTLOG_ALGORITHMS_MAX) {
                snprintf(d->why, sizeof(d->why), "it declares %" PRIu32 " algorithms", count);
                return false;
        }
        for (uint32_t i = 0; i < count && !c.failed; i++) {
                struct ingot_eventlog_algorithm a = {ingot_cursor_le16(&c), ingot_cursor_le16(&c)};
                if (!c.failed && (a.size == 0 || a.size > DIGEST_MAX)) {
                        snprintf(d->why, sizeof(d->why),
                                 "it declares digests of %u bytes for algorithm %#06x", a.size,
                                 a.id);
                        return false;
                }
                d->log->algorithms[d->log->algorithm_count++] = a;
        }
        if (c.failed || count == 0)
                snprintf(d->why, sizeof(d->why), "its list of algorithms is %s",
                         c.failed ? "cut short" : "empty");
        return !c.failed && count > 0;
}

static bool starts_with(struct ingot_span data, const char *text, size_t size)
{
        return data.size >= size && memcmp(data.data, text, size) == 0;
}

static bool take_first(struct decoder *d, struct ingot_event *e)
{
        if (!take_legacy(d, e))
                return false;
        d->log->crypto_agile = e->type == INGOT_EV_NO_ACTION &&
                               starts_with(e->data, SPEC_ID, SPEC_ID_SIZE);
        /* The first event is in PCR 0; without a TPM it is in the first register after MRTD. */
        d->log->registers = d->log->crypto_agile && e->index != 0;
        if (d->log->crypto_agile)
                return take_spec(d, e->data);
        d->log->algorithms[0] = (struct ingot_eventlog_algorithm){INGOT_TPM_SHA1, SHA1_SIZE};
        d->log->algorithm_count = 1;
        return true;
}

/* Where the run of equal bytes begins with which the log ends. The rest of a CCEL's area is ones;
 * firmware that gives the area of a TPM's log leaves zeros. */
static size_t filling(struct ingot_span bytes)
{
        size_t at = bytes.size;
        uint8_t last = at ? bytes.data[at - 1] : 0;
        if (last == 0 || last == 0xff)
                while (at > 0 && bytes.data[at - 1] == last)
                        at--;
        return at;
}

static void note_locality(struct ingot_eventlog *log, const struct ingot_event *e)
{
        static const char name[] = "StartupLocality";
        if (e->type == INGOT_EV_NO_ACTION && starts_with(e->data, name, sizeof(name)) &&
            e->data.size > sizeof(name))
                log->locality = e->data.data[sizeof(name)];
}

static int stop(struct decoder *d, size_t at, ingot_error *reterr)
{
        if (d->log->count == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no event log: %s",
                                  d->why[0] ? d->why : "it ends within its first event");
        d->log->problem_offset = at;
        return ingot_format(&d->log->problem, reterr, "event %zu at byte %zu: %s", d->log->count,
                            at, d->why[0] ? d->why : "the log ends within it");
}

static int decode(struct decoder *d, ingot_error *reterr)
{
        struct ingot_event e;
        size_t end = filling(d->cursor.span);
        while (d->log->count == 0 || d->cursor.at < end) {
                size_t at = d->cursor.at;
                bool good = d->log->count == 0         ? take_first(d, &e)
                            : d->log->crypto_agile ? take_agile(d, &e)
                                                   : take_legacy(d, &e);
                if (good && d->log->count == INGOT_EVENTLOG_EVENTS_MAX) {
                        snprintf(d->why, sizeof(d->why), "there are more than %d events",
                                 INGOT_EVENTLOG_EVENTS_MAX);
                        good = false;
                }
                if (!good)
                        return stop(d, at, reterr);
                int r = append(d, &e, reterr);
                if (r < 0)
                        return r;
                note_locality(d->log, &e);
        }
        return 0;
}

int ingot_eventlog_decode(struct ingot_span bytes, struct ingot_eventlog *ret, ingot_error *reterr)
{
        _cleanup_eventlog_ struct ingot_eventlog log = {0};
        if (bytes.size > INGOT_EVENTLOG_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "an event log of more than %zu MiB",
                                  INGOT_EVENTLOG_SIZE_MAX >> 20);
        struct decoder d = {.cursor = ingot_cursor_over(bytes), .log = &log};
        int r = decode(&d, reterr);
        if (r < 0)
                return r;
        *ret = log;
        log = (struct ingot_eventlog){0};
        return 0;
}

/* The header that all tables have is whole; *ret stands behind it. */
static int open_table(struct ingot_span table, const char *name, size_t smallest,
                      struct ingot_cursor *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(table);
        uint8_t sum = 0;
        if (!starts_with(table, name, 4))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no %s table", name);
        ingot_cursor_skip(&c, 4);
        uint32_t size = ingot_cursor_le32(&c);
        if (size < smallest || size > table.size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s table of %" PRIu32 " bytes", name,
                                  size);
        for (uint32_t i = 0; i < size; i++)
                sum = (uint8_t) (sum + table.data[i]);
        if (sum != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s table with a wrong checksum", name);
        *ret = ingot_cursor_over(INGOT_SPAN(table.data, size));
        ingot_cursor_skip(ret, TABLE_HEADER_SIZE);
        return 0;
}

int ingot_ccel_decode(struct ingot_span table, struct ingot_acpi_log *ret, ingot_error *reterr)
{
        struct ingot_cursor c;
        int r = open_table(table, "CCEL", CCEL_SIZE, &c, reterr);
        if (r < 0)
                return r;
        struct ingot_acpi_log ccel = {.type = ingot_cursor_u8(&c), .subtype = ingot_cursor_u8(&c)};
        ingot_cursor_skip(&c, 2);
        ccel.size = ingot_cursor_le64(&c);
        ccel.address = ingot_cursor_le64(&c);
        *ret = ccel;
        return 0;
}

int ingot_tpm2_table_decode(struct ingot_span table, struct ingot_acpi_log *ret,
                            ingot_error *reterr)
{
        struct ingot_cursor c;
        int r = open_table(table, "TPM2", TPM2_SIZE, &c, reterr);
        if (r < 0)
                return r;
        ingot_cursor_skip(&c, 4 + 8 + 4 + 12); /* class, control area, how a command is started */
        struct ingot_acpi_log log = {.size = ingot_cursor_le32(&c)};
        log.address = ingot_cursor_le64(&c);
        if (c.failed || log.size == 0 || log.address == 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "the TPM2 table names no log");
        *ret = log;
        return 0;
}
