/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The structures in the data of events. */
#include "measure/event.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf16.h"
#include "format/partition-type.h"

#define GPT_HEADER_SIZE 92
#define GPT_ENTRY_SIZE 128

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

bool ingot_event_variable_is(const struct ingot_event_variable *v, const char *name)
{
        size_t n = strlen(name);
        if (v->name.size != 2 * n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (v->name.data[2 * i] != (uint8_t) name[i] || v->name.data[2 * i + 1] != 0)
                        return false;
        return true;
}

bool ingot_event_is_boot_entry(const char *name)
{
        return ingot_starts_with(name, "Boot") && strlen(name) == 8 &&
               strspn(name + 4, "0123456789ABCDEFabcdef") == 4;
}

/* EFI_LOAD_OPTION: attributes, size of the path, a description, the path. */
int ingot_event_boot_entry_name(struct ingot_span option, char **ret, ingot_error *reterr)
{
        if (option.size < 8)
                return ingot_strdup(ret, "?", reterr);
        return ingot_utf16_text(INGOT_SPAN(option.data + 6, option.size - 6), ret, reterr);
}

static bool decode_partition(const uint8_t *p, unsigned number, struct ingot_gpt_partition *ret)
{
        _cleanup_free_ char *name = NULL;
        *ret = (struct ingot_gpt_partition){
                .number = number,
                .type = ingot_uuid_gpt_load(p),
                .uuid = ingot_uuid_gpt_load(p + 16),
                .first_lba = ingot_le64_load(p + 32),
                .last_lba_inclusive = ingot_le64_load(p + 40),
                .attributes = ingot_le64_load(p + 48),
        };
        if (ingot_utf16_text(INGOT_SPAN(p + 56, 2 * INGOT_GPT_NAME_UNITS), &name, NULL) < 0)
                return false;
        memcpy(ret->name, name, strnlen(name, INGOT_GPT_NAME_SIZE - 1));
        return true;
}

bool ingot_event_gpt_decode(struct ingot_span data, struct ingot_gpt *ret)
{
        struct ingot_cursor c = ingot_cursor_over(data);
        struct ingot_span header = ingot_cursor_take(&c, GPT_HEADER_SIZE);
        uint64_t count = ingot_cursor_le64(&c);
        if (c.failed || memcmp(header.data, "EFI PART", 8) != 0 || count > INGOT_GPT_ENTRIES)
                return false;
        uint32_t size = ingot_le32_load(header.data + 84);
        if (size < GPT_ENTRY_SIZE)
                return false;
        ret->disk_uuid = ingot_uuid_gpt_load(header.data + 56);
        ret->first_usable_lba = ingot_le64_load(header.data + 40);
        ret->last_usable_lba_inclusive = ingot_le64_load(header.data + 48);
        ret->backup_lba = ingot_le64_load(header.data + 32);
        ret->sector_size = 0;
        ret->partition_count = 0;
        for (unsigned i = 0; i < count; i++) {
                struct ingot_span entry = ingot_cursor_take(&c, size);
                if (c.failed || !decode_partition(entry.data, i + 1, ret->partitions + i))
                        return false;
                ret->partition_count++;
        }
        return true;
}

int ingot_event_partition_text(const struct ingot_gpt_partition *p, struct ingot_buffer *ret,
                               ingot_error *reterr)
{
        const struct ingot_partition_type *type = ingot_partition_type_by_uuid(&p->type);
        _cleanup_free_ char *name = ingot_escape(p->name);
        char uuid[INGOT_UUID_TEXT_SIZE];
        if (!name)
                return ingot_fail_nomem(reterr);
        ingot_uuid_format(&p->type, uuid);
        int r = ingot_buffer_printf(ret, reterr, "%s", type ? type->name : uuid);
        return r < 0 || !*name ? r : ingot_buffer_printf(ret, reterr, " '%s'", name);
}
