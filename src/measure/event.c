/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of an event. Whether its digest agrees is event-match.c. */
#include "measure/event.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf16.h"
#include "base/uuid.h"
#include "format/device-path.h"
#include "measure/event-variable.h"
#include "measure/stub-rules.h"

#include <inttypes.h>

#define TEXT_MAX 4096 /* bytes of a text that are shown */

static int say(struct ingot_buffer *ret, const char *text, ingot_error *reterr)
{
        _cleanup_free_ char *safe = ingot_escape(text);
        return safe ? ingot_buffer_printf(ret, reterr, "%s", safe) : ingot_fail_nomem(reterr);
}

/* UTF-16 where the second byte is zero, else bytes; some firmware has an odd byte behind it. */
static bool is_utf16(struct ingot_span data)
{
        return data.size >= 2 && data.data[0] != 0 && data.data[1] == 0;
}

static int say_text(struct ingot_buffer *ret, struct ingot_span data, ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        struct ingot_span part = {data.data, data.size < TEXT_MAX ? data.size : TEXT_MAX};
        int r = is_utf16(part) ? ingot_utf16_text(part, &text, reterr)
                               : ingot_format(&text, reterr, "%.*s", (int) part.size,
                                              part.size ? (const char *) part.data : "");
        return r < 0 ? r : say(ret, text, reterr);
}

static int say_hex(struct ingot_buffer *ret, struct ingot_span data, ingot_error *reterr)
{
        char hex[2 * 16 + 1] = "";
        size_t size = data.size < 16 ? data.size : 16;
        if (size)
                ingot_hex(hex, data.data, size);
        return ingot_buffer_printf(ret, reterr, "%s%s", hex, data.size > size ? "…" : "");
}

/* UTF-8 that a terminal may see; shells' tabs and newlines are escaped later. */
static bool is_text(struct ingot_span data)
{
        _cleanup_free_ char *text = NULL;
        for (size_t i = 0; i < data.size; i++)
                if ((data.data[i] < 0x20 && data.data[i] != '\t' && data.data[i] != '\n') ||
                    data.data[i] == 0x7f)
                        return false;
        return ingot_format(&text, NULL, "%.*s", (int) data.size,
                            data.size ? (const char *) data.data : "") >= 0 &&
               ingot_utf8_valid(text);
}

int ingot_event_data_text(struct ingot_span data, struct ingot_buffer *ret, ingot_error *reterr)
{
        if (is_utf16(data))
                return say_text(ret, data, reterr);
        struct ingot_span text = {data.data, data.size < TEXT_MAX ? data.size : TEXT_MAX};
        while (text.size > 0 && text.data[text.size - 1] == 0)
                text.size--;
        return is_text(text) ? say_text(ret, text, reterr) : say_hex(ret, data, reterr);
}

static int say_separator(const struct ingot_event *e, struct ingot_buffer *ret,
                         ingot_error *reterr)
{
        static const uint8_t error[4] = {1, 0, 0, 0};
        bool bad = e->data.size == 4 && memcmp(e->data.data, error, 4) == 0;
        return ingot_buffer_printf(ret, reterr, "%s", bad ? "separator: error" : "separator");
}

static int say_image(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_span path;
        if (!ingot_event_image_decode(e->data, &path))
                return say_hex(ret, e->data, reterr);
        if (path.size == 0)
                return ingot_buffer_printf(ret, reterr, "image without a device path");
        return ingot_device_path_text(path, ret, reterr);
}

static int say_variable(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_event_variable v;
        _cleanup_free_ char *name = NULL;
        if (!ingot_event_variable_decode(e->data, &v))
                return say_hex(ret, e->data, reterr);
        int r = ingot_utf16_text(v.name, &name, reterr);
        if (r >= 0)
                r = say(ret, name, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(ret, reterr, ": ");
        if (r < 0)
                return r;
        return e->type == INGOT_EV_EFI_VARIABLE_AUTHORITY
                       ? ingot_event_authority_text(name, &v, ret, reterr)
                       : ingot_event_variable_text(name, &v, ret, reterr);
}

static int say_gpt(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_gpt gpt;
        char text[INGOT_UUID_TEXT_SIZE];
        if (!ingot_event_gpt_decode(e->data, &gpt))
                return say_hex(ret, e->data, reterr);
        ingot_uuid_format(&gpt.disk_uuid, text);
        int r = ingot_buffer_printf(ret, reterr, "partition table: disk %s", text);
        for (size_t i = 0; r >= 0 && i < gpt.partition_count; i++) {
                r = ingot_buffer_printf(ret, reterr, "%s", i ? ", " : "; ");
                if (r >= 0)
                        r = ingot_event_partition_text(gpt.partitions + i, ret, reterr);
        }
        return r;
}

/* Of systemd's loader and stub, and of the kernel's EFI stub. */
static const struct {
        uint32_t tag;
        const char *text;
} tags[] = {
        {INGOT_LOADER_TAG_CONFIG, "loader.conf"},
        {INGOT_TAG_SMBIOS_SYSTEM, "SMBIOS type 1 (system)"},
        {INGOT_TAG_SMBIOS_BOARD, "SMBIOS type 2 (board)"},
        {INGOT_TAG_SMBIOS_OEM, "SMBIOS type 11 (OEM strings)"},
        {INGOT_STUB_TAG_DEVICETREE, "addon's devicetree"},
        {INGOT_STUB_TAG_INITRD, "addon's initrd"},
        {INGOT_STUB_TAG_UCODE, "addon's microcode"},
        {INGOT_STUB_TAG_PROFILE, "UKI profile"},
        {INGOT_KERNEL_TAG_INITRD, "initrd"},
        {INGOT_KERNEL_TAG_OPTIONS, "kernel command line"},
};

const char *ingot_event_tag_name(uint32_t tag)
{
        for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
                if (tags[i].tag == tag)
                        return tags[i].text;
        return NULL;
}

static int say_tag(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_span content;
        uint32_t tag;
        if (!ingot_event_tag_decode(e->data, &tag, &content))
                return ingot_event_data_text(e->data, ret, reterr);
        const char *name = ingot_event_tag_name(tag);
        if (name)
                return ingot_buffer_printf(ret, reterr, "%s", name);
        int r = ingot_buffer_printf(ret, reterr, "tag %#010" PRIx32 " ", tag);
        return r < 0 ? r : say_text(ret, content, reterr);
}

static int say_blob(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(e->data);
        uint64_t at = ingot_cursor_le64(&c), size = ingot_cursor_le64(&c);
        if (c.failed)
                return say_hex(ret, e->data, reterr);
        return ingot_buffer_printf(ret, reterr, "firmware, %" PRIu64 " bytes at %#" PRIx64, size,
                                   at);
}

static int say_blob2(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(e->data);
        struct ingot_span name = ingot_cursor_take(&c, ingot_cursor_u8(&c));
        uint64_t at = ingot_cursor_le64(&c), size = ingot_cursor_le64(&c);
        if (c.failed)
                return say_hex(ret, e->data, reterr);
        int r = say_text(ret, name, reterr);
        return r < 0 ? r
                     : ingot_buffer_printf(ret, reterr, ", %" PRIu64 " bytes at %#" PRIx64, size,
                                           at);
}

/* UEFI_HANDOFF_TABLE_POINTERS: a number, and GUIDs with addresses. */
static int say_table_pointers(struct ingot_span data, struct ingot_buffer *ret,
                              ingot_error *reterr)
{
        static const struct {
                const char *name;
                struct ingot_uuid guid;
        } known[] = {
                {"SMBIOS", {{0xeb, 0x9d, 0x2d, 0x31, 0x2d, 0x88, 0x11, 0xd3, 0x9a, 0x16, 0x00, 0x90,
                             0x27, 0x3f, 0xc1, 0x4d}}},
                {"SMBIOS", {{0xf2, 0xfd, 0x15, 0x44, 0x97, 0x94, 0x4a, 0x2c, 0x99, 0x2e, 0xe5, 0xbb,
                             0xcf, 0x20, 0xe3, 0x94}}},
                {"ACPI", {{0x88, 0x68, 0xe8, 0x71, 0xe4, 0xf1, 0x11, 0xd3, 0xbc, 0x22, 0x00, 0x80,
                           0xc7, 0x3c, 0x88, 0x81}}},
        };
        struct ingot_cursor c = ingot_cursor_over(data);
        uint64_t count = ingot_cursor_le64(&c);
        int r = ingot_buffer_printf(ret, reterr, "tables of the firmware");
        for (uint64_t i = 0; r >= 0 && i < count && i < 16; i++) {
                struct ingot_span guid = ingot_cursor_take(&c, 16);
                ingot_cursor_skip(&c, 8);
                if (c.failed)
                        break;
                struct ingot_uuid uuid = ingot_uuid_gpt_load(guid.data);
                for (size_t k = 0; r >= 0 && k < ARRAY_SIZE(known); k++)
                        if (ingot_uuid_equal(&uuid, &known[k].guid))
                                r = ingot_buffer_printf(ret, reterr, "%s%s", i ? ", " : ": ",
                                                        known[k].name);
        }
        return r;
}

static int say_tables(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        if (e->type == INGOT_EV_EFI_HANDOFF_TABLES || e->data.size == 0)
                return say_table_pointers(e->data, ret, reterr);
        size_t size = e->data.data[0] < e->data.size ? e->data.data[0] : e->data.size - 1;
        return say_text(ret, (struct ingot_span){e->data.data + 1, size}, reterr);
}

/* Information starts with a name of 16 bytes. */
static int say_information(const struct ingot_event *e, struct ingot_buffer *ret,
                           ingot_error *reterr)
{
        size_t size = e->data.size < 16 ? e->data.size : 16;
        return say_text(ret, (struct ingot_span){e->data.data, size}, reterr);
}

int ingot_event_text(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        static const struct {
                uint32_t type;
                int (*say)(const struct ingot_event *e, struct ingot_buffer *ret,
                           ingot_error *reterr);
        } kinds[] = {
                {INGOT_EV_NO_ACTION, say_information},
                {INGOT_EV_SEPARATOR, say_separator},
                {INGOT_EV_EVENT_TAG, say_tag},
                {INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG, say_variable},
                {INGOT_EV_EFI_VARIABLE_BOOT, say_variable},
                {INGOT_EV_EFI_VARIABLE_BOOT2, say_variable},
                {INGOT_EV_EFI_VARIABLE_AUTHORITY, say_variable},
                {INGOT_EV_EFI_BOOT_SERVICES_APPLICATION, say_image},
                {INGOT_EV_EFI_BOOT_SERVICES_DRIVER, say_image},
                {INGOT_EV_EFI_RUNTIME_SERVICES_DRIVER, say_image},
                {INGOT_EV_EFI_GPT_EVENT, say_gpt},
                {INGOT_EV_EFI_GPT_EVENT2, say_gpt},
                {INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB, say_blob},
                {INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB2, say_blob2},
                {INGOT_EV_EFI_HANDOFF_TABLES, say_tables},
                {INGOT_EV_EFI_HANDOFF_TABLES2, say_tables},
        };
        int r = ingot_buffer_printf(ret, reterr, "%s", "");
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(kinds); i++)
                if (kinds[i].type == e->type)
                        return kinds[i].say(e, ret, reterr);
        return r < 0 ? r : ingot_event_data_text(e->data, ret, reterr);
}
