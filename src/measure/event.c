/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of an event. Whether its digest agrees is event-match.c. */
#include "measure/event.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf16.h"
#include "base/uuid.h"
#include "format/device-path.h"

#include <inttypes.h>

#define TEXT_MAX 4096 /* bytes of a text that are shown */
#define GPT_HEADER_SIZE 92

bool ingot_event_variable_decode(struct ingot_span data, struct ingot_event_variable *ret)
{
        struct ingot_cursor c = ingot_cursor_over(data);
        struct ingot_event_variable v = {.vendor = ingot_cursor_take(&c, 16)};
        uint64_t units = ingot_cursor_le64(&c), size = ingot_cursor_le64(&c);
        if (c.failed || units > data.size / 2 || size > data.size)
                return false;
        v.name = ingot_cursor_take(&c, (size_t) units * 2);
        v.data = ingot_cursor_take(&c, (size_t) size);
        if (c.failed)
                return false;
        *ret = v;
        return true;
}

bool ingot_event_image_decode(struct ingot_span data, struct ingot_span *ret_path)
{
        struct ingot_cursor c = ingot_cursor_over(data);
        ingot_cursor_skip(&c, 24); /* where it was loaded, its size, its link-time address */
        uint64_t size = ingot_cursor_le64(&c);
        if (c.failed || size > ingot_cursor_left(&c))
                return false;
        *ret_path = ingot_cursor_take(&c, (size_t) size);
        return true;
}

bool ingot_event_tag_decode(struct ingot_span data, uint32_t *ret_tag, struct ingot_span *ret)
{
        struct ingot_cursor c = ingot_cursor_over(data);
        uint32_t tag = ingot_cursor_le32(&c), size = ingot_cursor_le32(&c);
        struct ingot_span content = ingot_cursor_take(&c, size);
        if (c.failed)
                return false;
        *ret_tag = tag;
        *ret = content;
        return true;
}

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

/* Text where it is text, else hexadecimal. */
static int say_data(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_span data = e->data;
        if (is_utf16(data))
                return say_text(ret, data, reterr);
        size_t n = data.size;
        while (n > 0 && data.data[n - 1] == 0)
                n--;
        for (size_t i = 0; i < n; i++)
                if (data.data[i] < 0x20 || data.data[i] > 0x7e)
                        return say_hex(ret, data, reterr);
        return say_text(ret, (struct ingot_span){data.data, n}, reterr);
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

static int say_boot_order(const struct ingot_event_variable *v, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i + 1 < v->data.size && i < 64; i += 2)
                r = ingot_buffer_printf(ret, reterr, " %04X", ingot_le16_load(v->data.data + i));
        return r;
}

/* EFI_LOAD_OPTION: attributes, size of the path, a description, the path. */
static int say_boot_entry(const struct ingot_event_variable *v, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        if (v->data.size < 8)
                return say_hex(ret, v->data, reterr);
        struct ingot_span text = {v->data.data + 6, v->data.size - 6};
        _cleanup_free_ char *description = NULL;
        int r = ingot_utf16_text(text, &description, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(ret, reterr, " ");
        return r < 0 ? r : say(ret, description, reterr);
}

static bool is_boot_entry(const char *name)
{
        return ingot_starts_with(name, "Boot") && strlen(name) == 8 &&
               strspn(name + 4, "0123456789ABCDEFabcdef") == 4;
}

static int say_variable_value(const char *name, const struct ingot_event_variable *v,
                              struct ingot_buffer *ret, ingot_error *reterr)
{
        if (v->data.size == 1 && v->data.data[0] <= 1)
                return ingot_buffer_printf(ret, reterr, " %s", v->data.data[0] ? "on" : "off");
        if (v->data.size == 0)
                return ingot_buffer_printf(ret, reterr, " empty");
        if (strcmp(name, "BootOrder") == 0)
                return say_boot_order(v, ret, reterr);
        if (is_boot_entry(name))
                return say_boot_entry(v, ret, reterr);
        return ingot_buffer_printf(ret, reterr, " %zu bytes", v->data.size);
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
                r = ingot_buffer_printf(ret, reterr, ":");
        return r < 0 ? r : say_variable_value(name, &v, ret, reterr);
}

static int say_gpt(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        if (e->data.size < GPT_HEADER_SIZE + 8)
                return say_hex(ret, e->data, reterr);
        char text[INGOT_UUID_TEXT_SIZE];
        struct ingot_uuid disk = ingot_uuid_gpt_load(e->data.data + 56);
        uint64_t count = ingot_le64_load(e->data.data + GPT_HEADER_SIZE);
        ingot_uuid_format(&disk, text);
        return ingot_buffer_printf(ret, reterr, "partition table: %" PRIu64 " partitions, disk %s",
                                   count, text);
}

/* Of systemd's loader and stub, and of the kernel's EFI stub. */
static const struct {
        uint32_t tag;
        const char *text;
} tags[] = {
        {0xf5bc582a, "loader.conf"},
        {0xd5cb7cbc, "SMBIOS type 1 (system)"},
        {0xe0d47bc8, "SMBIOS type 2 (board)"},
        {0xc0b3bd23, "SMBIOS type 11 (OEM strings)"},
        {0x6c46f751, "addon's devicetree"},
        {0x49dffe0f, "addon's initrd"},
        {0xdac08e1a, "addon's microcode"},
        {0x13aed6db, "UKI profile"},
        {0x8f3b22ec, "initrd"},
        {0x8f3b22ed, "kernel command line"},
};

static int say_tag(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_span content;
        uint32_t tag;
        if (!ingot_event_tag_decode(e->data, &tag, &content))
                return say_hex(ret, e->data, reterr);
        for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
                if (tags[i].tag == tag)
                        return ingot_buffer_printf(ret, reterr, "%s", tags[i].text);
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

static int say_tables(const struct ingot_event *e, struct ingot_buffer *ret, ingot_error *reterr)
{
        if (e->type == INGOT_EV_EFI_HANDOFF_TABLES || e->data.size == 0)
                return ingot_buffer_printf(ret, reterr, "tables of the firmware");
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
                {INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB, say_blob},
                {INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB2, say_blob2},
                {INGOT_EV_EFI_HANDOFF_TABLES, say_tables},
                {INGOT_EV_EFI_HANDOFF_TABLES2, say_tables},
        };
        int r = ingot_buffer_printf(ret, reterr, "%s", "");
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(kinds); i++)
                if (kinds[i].type == e->type)
                        return kinds[i].say(e, ret, reterr);
        return r < 0 ? r : say_data(e, ret, reterr);
}
