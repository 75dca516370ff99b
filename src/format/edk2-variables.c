/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EFI_FIRMWARE_VOLUME_HEADER, VARIABLE_STORE_HEADER and AUTHENTICATED_VARIABLE_HEADER. */
#include "format/edk2-variables.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "base/utf16.h"

#define VOLUME_HEADER_MIN 72
#define STORE_HEADER_SIZE 28
#define VARIABLE_HEADER_SIZE 60
#define VARIABLE_START 0x55aa
#define STORE_FORMATTED 0x5a
#define STORE_HEALTHY 0xfe
#define NAME_MAX_SIZE 2048 /* bytes, with the NUL */

/* States lose bits: added, then being deleted (until its successor is there), then deleted. */
#define STATE_ADDED 0x3f
#define STATE_BEING_DELETED 0x3e

/* fff12b8d-7696-4c8b-a985-2747075b4f50 */
static const struct ingot_uuid volume_guid = {{0xff, 0xf1, 0x2b, 0x8d, 0x76, 0x96, 0x4c, 0x8b, 0xa9,
                                               0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50}};
/* aaf32c78-947b-439a-a180-2e144ec37792: authenticated variables */
static const struct ingot_uuid store_guid = {{0xaa, 0xf3, 0x2c, 0x78, 0x94, 0x7b, 0x43, 0x9a, 0xa1,
                                              0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92}};
/* ddcf3616-3275-4164-98b6-fe85707ffe7d: without */
static const struct ingot_uuid plain_guid = {{0xdd, 0xcf, 0x36, 0x16, 0x32, 0x75, 0x41, 0x64, 0x98,
                                              0xb6, 0xfe, 0x85, 0x70, 0x7f, 0xfe, 0x7d}};

static void variable_done(struct ingot_edk2_variable *v)
{
        free(v->name);
        free(v->data);
        *v = (struct ingot_edk2_variable){0};
}
#define _cleanup_variable_ __attribute__((cleanup(variable_done)))

void ingot_edk2_variables_done(struct ingot_edk2_variables *v)
{
        for (size_t i = 0; i < v->count; i++)
                variable_done(v->items + i);
        free(v->items);
        *v = (struct ingot_edk2_variables){0};
}

/* Takes *variable, when it succeeds. */
static int append(struct ingot_edk2_variables *v, struct ingot_edk2_variable *variable,
                  ingot_error *reterr)
{
        if (v->count == v->allocated) {
                size_t n = v->allocated ? 2 * v->allocated : 32;
                struct ingot_edk2_variable *items = realloc(v->items, n * sizeof(*items));
                if (!items)
                        return ingot_fail_nomem(reterr);
                v->items = items;
                v->allocated = n;
        }
        v->items[v->count++] = *variable;
        *variable = (struct ingot_edk2_variable){0};
        return 0;
}

static void remove_at(struct ingot_edk2_variables *v, size_t i)
{
        variable_done(v->items + i);
        memmove(v->items + i, v->items + i + 1, (v->count - i - 1) * sizeof(*v->items));
        v->count--;
}

struct ingot_edk2_variable *ingot_edk2_variables_find(const struct ingot_edk2_variables *v,
                                                      const char *name,
                                                      const struct ingot_uuid *vendor)
{
        for (size_t i = 0; i < v->count; i++)
                if (strcmp(v->items[i].name, name) == 0 &&
                    ingot_uuid_equal(&v->items[i].vendor, vendor))
                        return v->items + i;
        return NULL;
}

static bool guid_is(struct ingot_span bytes, const struct ingot_uuid *wanted)
{
        if (!bytes.data)
                return false;
        struct ingot_uuid u = ingot_uuid_gpt_load(bytes.data);
        return ingot_uuid_equal(&u, wanted);
}

/* The volume's header: how long it is, and a sum of 0 over its 16-bit words. */
static int decode_volume(struct ingot_span file, size_t *ret_header_size, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(file);
        if (file.size >= 4 && memcmp(file.data, "QFI\xfb", 4) == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "a qcow2 file; convert it with 'qemu-img convert -O raw'");
        ingot_cursor_skip(&c, 16);
        struct ingot_span guid = ingot_cursor_take(&c, 16);
        uint64_t size = ingot_cursor_le64(&c);
        struct ingot_span magic = ingot_cursor_take(&c, 4);
        ingot_cursor_skip(&c, 4);
        uint16_t header_size = ingot_cursor_le16(&c), sum = 0;
        if (c.failed || memcmp(magic.data, "_FVH", 4) != 0 || !guid_is(guid, &volume_guid))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "no variable store of edk2 firmware (OVMF_VARS*.fd)");
        if (header_size < VOLUME_HEADER_MIN || header_size % 4 != 0 || header_size > size ||
            size > file.size)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "variable store: its header does not fit the file");
        for (size_t i = 0; i < header_size; i += 2)
                sum = (uint16_t) (sum + ingot_le16_load(file.data + i));
        if (sum != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "variable store: the checksum of its header is wrong");
        *ret_header_size = header_size;
        return 0;
}

static int decode_store(struct ingot_span file, struct ingot_edk2_variables *ret,
                        ingot_error *reterr)
{
        int r = decode_volume(file, &ret->offset, reterr);
        if (r < 0)
                return r;
        struct ingot_cursor c = ingot_cursor_over(file);
        ingot_cursor_skip(&c, ret->offset);
        struct ingot_span guid = ingot_cursor_take(&c, 16);
        ret->size = ingot_cursor_le32(&c);
        uint8_t format = ingot_cursor_u8(&c), state = ingot_cursor_u8(&c);
        if (guid_is(guid, &plain_guid))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "a variable store without authenticated variables: its "
                                  "firmware has no Secure Boot");
        if (c.failed || !guid_is(guid, &store_guid) || format != STORE_FORMATTED ||
            state != STORE_HEALTHY)
                return ingot_fail(reterr, INGOT_E_FORMAT, "variable store: not formatted");
        if (ret->size < STORE_HEADER_SIZE || ret->size > file.size - ret->offset)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "variable store: its size is not that of the file");
        return 0;
}

/* UTF-16 with its NUL to UTF-8. */
static int decode_name(struct ingot_span bytes, char **ret, ingot_error *reterr)
{
        uint16_t units[NAME_MAX_SIZE / 2];
        size_t count = bytes.size / 2;
        for (size_t i = 0; i < count; i++)
                units[i] = ingot_le16_load(bytes.data + 2 * i);
        if (count < 2 || units[count - 1] != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a name without an end");
        _cleanup_free_ char *name = malloc(3 * count + 1);
        if (!name)
                return ingot_fail_nomem(reterr);
        ingot_utf16_to_utf8(units, count, name);
        uint16_t again[NAME_MAX_SIZE / 2];
        size_t n;
        if (!ingot_utf16_from_utf8(name, again, ARRAY_SIZE(again), &n) || n != count - 1 ||
            memcmp(again, units, 2 * n) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a name that is no text");
        *ret = TAKE_PTR(name);
        return 0;
}

/* The fields behind start and state; 1: nothing that counts. */
static int decode_fields(struct ingot_cursor *c, uint8_t state, struct ingot_edk2_variable *ret,
                         ingot_error *reterr)
{
        _cleanup_variable_ struct ingot_edk2_variable v = {0};
        v.attributes = ingot_cursor_le32(c);
        v.count = ingot_cursor_le64(c);
        struct ingot_span time = ingot_cursor_take(c, INGOT_EFI_TIME_SIZE);
        v.key = ingot_cursor_le32(c);
        uint32_t name_size = ingot_cursor_le32(c), data_size = ingot_cursor_le32(c);
        struct ingot_span guid = ingot_cursor_take(c, 16);
        /* A variable whose header was not finished has sizes of all ones. */
        if (!c->failed && name_size == UINT32_MAX && data_size == UINT32_MAX)
                return 1;
        struct ingot_span name = ingot_cursor_take(c, name_size);
        struct ingot_span data = ingot_cursor_take(c, data_size);
        if (c->failed)
                return ingot_fail(reterr, INGOT_E_FORMAT, "it does not end in the store");
        if (state != STATE_ADDED && state != STATE_BEING_DELETED)
                return 1;
        if (name_size > NAME_MAX_SIZE || name_size % 2 != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a name of %u bytes", name_size);
        int r = decode_name(name, &v.name, reterr);
        if (r < 0)
                return r;
        v.data = malloc(data_size ? data_size : 1);
        if (!v.data)
                return ingot_fail_nomem(reterr);
        if (data_size > 0)
                memcpy(v.data, data.data, data_size);
        v.size = data_size;
        v.vendor = ingot_uuid_gpt_load(guid.data);
        v.time = ingot_efi_time_load(time.data);
        *ret = v;
        v = (struct ingot_edk2_variable){0};
        return 0;
}

static int decode_variables(struct ingot_cursor *c, struct ingot_edk2_variables *ret,
                            ingot_error *reterr)
{
        uint8_t states[2] = {STATE_ADDED, STATE_BEING_DELETED};
        struct ingot_cursor start = *c;
        for (size_t pass = 0; pass < ARRAY_SIZE(states); pass++) {
                *c = start;
                while (ingot_cursor_left(c) >= VARIABLE_HEADER_SIZE &&
                       ingot_le16_load(c->span.data + c->at) == VARIABLE_START) {
                        _cleanup_variable_ struct ingot_edk2_variable v = {0};
                        size_t at = c->at;
                        ingot_cursor_skip(c, 2);
                        uint8_t state = ingot_cursor_u8(c);
                        ingot_cursor_skip(c, 1);
                        int r = decode_fields(c, state, &v, reterr);
                        if (r < 0)
                                return ingot_under(reterr, r, "variable at byte %zu", at);
                        /* Of two that are there, firmware takes the one that is not being deleted.
                         */
                        if (r == 0 && state == states[pass] &&
                            !ingot_edk2_variables_find(ret, v.name, &v.vendor))
                                r = append(ret, &v, reterr);
                        if (r < 0)
                                return r;
                        ingot_cursor_skip(c, (4 - c->at % 4) % 4);
                }
        }
        return 0;
}

int ingot_edk2_variables_decode(struct ingot_span file, struct ingot_edk2_variables *ret,
                                ingot_error *reterr)
{
        _cleanup_edk2_variables_ struct ingot_edk2_variables v = {0};
        int r = decode_store(file, &v, reterr);
        if (r < 0)
                return r;
        struct ingot_cursor c = ingot_cursor_over(INGOT_SPAN(file.data, v.offset + v.size));
        ingot_cursor_skip(&c, v.offset + STORE_HEADER_SIZE);
        r = decode_variables(&c, &v, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "variable store");
        *ret = v;
        v = (struct ingot_edk2_variables){0};
        return 0;
}

int ingot_edk2_variables_set(struct ingot_edk2_variables *v, const char *name,
                             const struct ingot_uuid *vendor, uint32_t attributes,
                             const struct ingot_efi_time *time, struct ingot_span data,
                             ingot_error *reterr)
{
        _cleanup_variable_ struct ingot_edk2_variable new = {
                .vendor = *vendor, .attributes = attributes, .time = *time, .size = data.size};
        struct ingot_edk2_variable *old = ingot_edk2_variables_find(v, name, vendor);
        if (data.size == 0) {
                if (old)
                        remove_at(v, (size_t) (old - v->items));
                return 0;
        }
        int r = ingot_strdup(&new.name, name, reterr);
        if (r < 0)
                return r;
        new.data = malloc(data.size);
        if (!new.data)
                return ingot_fail_nomem(reterr);
        memcpy(new.data, data.data, data.size);
        if (!old)
                return append(v, &new, reterr);
        variable_done(old);
        *old = new;
        new = (struct ingot_edk2_variable){0};
        return 0;
}

static int encode_variable(const struct ingot_edk2_variable *v, struct ingot_buffer *ret,
                           ingot_error *reterr)
{
        uint16_t units[NAME_MAX_SIZE / 2];
        uint8_t header[VARIABLE_HEADER_SIZE] = {0}, name[NAME_MAX_SIZE] = {0};
        size_t count;
        if (!ingot_utf16_from_utf8(v->name, units, ARRAY_SIZE(units) - 1, &count))
                return ingot_fail(reterr, INGOT_E_USAGE, "'%s' is no name of an EFI variable",
                                  v->name);
        for (size_t i = 0; i < count; i++)
                ingot_le16_store(name + 2 * i, units[i]);
        size_t name_size = 2 * count + 2;
        if (v->size > INGOT_EDK2_FILE_MAX)
                return ingot_fail(reterr, INGOT_E_SPACE, "%s has %zu bytes", v->name, v->size);
        ingot_le16_store(header, VARIABLE_START);
        header[2] = STATE_ADDED;
        ingot_le32_store(header + 4, v->attributes);
        ingot_le64_store(header + 8, v->count);
        ingot_efi_time_store(header + 16, &v->time);
        ingot_le32_store(header + 32, v->key);
        ingot_le32_store(header + 36, (uint32_t) name_size);
        ingot_le32_store(header + 40, (uint32_t) v->size);
        ingot_uuid_gpt_store(header + 44, &v->vendor);
        int r = ingot_buffer_append(ret, header, sizeof(header), reterr);
        if (r >= 0)
                r = ingot_buffer_append(ret, name, name_size, reterr);
        return r < 0 ? r : ingot_buffer_append(ret, v->data, v->size, reterr);
}

/* Erased flash is all ones. */
static int append_erased(struct ingot_buffer *ret, size_t size, ingot_error *reterr)
{
        int r = ingot_buffer_append_zeros(ret, size, reterr);
        if (r >= 0 && size > 0)
                memset(ret->data + ret->size - size, 0xff, size);
        return r;
}

int ingot_edk2_variables_encode(const struct ingot_edk2_variables *v, struct ingot_span file,
                                struct ingot_buffer *ret, ingot_error *reterr)
{
        size_t start = ret->size, end = v->offset + v->size;
        int r = ingot_buffer_append(ret, file.data, v->offset + STORE_HEADER_SIZE, reterr);
        for (size_t i = 0; r >= 0 && i < v->count; i++) {
                r = encode_variable(v->items + i, ret, reterr);
                if (r >= 0)
                        r = append_erased(ret, (4 - (ret->size - start) % 4) % 4, reterr);
        }
        if (r < 0)
                return r;
        if (ret->size - start > end)
                return ingot_fail(reterr, INGOT_E_SPACE,
                                  "the variables need %zu bytes, and the store has %zu",
                                  ret->size - start - v->offset, v->size);
        r = append_erased(ret, end - (ret->size - start), reterr);
        return r < 0 ? r : ingot_buffer_append(ret, file.data + end, file.size - end, reterr);
}
