/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EFI_SIGNATURE_LIST and EFI_SIGNATURE_DATA. */
#include "format/efi-signature.h"
#include "base/cleanup.h"

#define LIST_HEADER_SIZE 28
#define OWNER_SIZE 16
#define TIME_SIZE 16

/* The types of UEFI 2.10, 32.4.1; `size` is that of the data, 0: any. */
static const struct {
        const char *name;
        struct ingot_uuid type;
        uint32_t size;
} kinds[] = {
        [INGOT_EFI_SIGNATURE_OTHER] = {"other", {{0}}, 0},
        [INGOT_EFI_SIGNATURE_X509] = {"certificate",
                                      {{0xa5, 0xc0, 0x59, 0xa1, 0x94, 0xe4, 0x4a, 0xa7, 0x87, 0xb5,
                                        0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72}},
                                      0},
        [INGOT_EFI_SIGNATURE_SHA1] = {"SHA-1",
                                      {{0x82, 0x6c, 0xa5, 0x12, 0xcf, 0x10, 0x4a, 0xc9, 0xb1, 0x87,
                                        0xbe, 0x01, 0x49, 0x66, 0x31, 0xbd}},
                                      20},
        [INGOT_EFI_SIGNATURE_SHA224] = {"SHA-224",
                                        {{0x0b, 0x6e, 0x52, 0x33, 0xa6, 0x5c, 0x44, 0xc9, 0x94,
                                          0x07, 0xd9, 0xab, 0x83, 0xbf, 0xc8, 0xbd}},
                                        28},
        [INGOT_EFI_SIGNATURE_SHA256] = {"SHA-256",
                                        {{0xc1, 0xc4, 0x16, 0x26, 0x50, 0x4c, 0x40, 0x92, 0xac,
                                          0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28}},
                                        32},
        [INGOT_EFI_SIGNATURE_SHA384] = {"SHA-384",
                                        {{0xff, 0x3e, 0x53, 0x07, 0x9f, 0xd0, 0x48, 0xc9, 0x85,
                                          0xf1, 0x8a, 0xd5, 0x6c, 0x70, 0x1e, 0x01}},
                                        48},
        [INGOT_EFI_SIGNATURE_SHA512] = {"SHA-512",
                                        {{0x09, 0x3e, 0x0f, 0xae, 0xa6, 0xc4, 0x4f, 0x50, 0x9f,
                                          0x1b, 0xd4, 0x1e, 0x2b, 0x89, 0xc1, 0x9a}},
                                        64},
        [INGOT_EFI_SIGNATURE_RSA2048] = {"RSA-2048",
                                         {{0x3c, 0x57, 0x66, 0xe8, 0x26, 0x9c, 0x4e, 0x34, 0xaa,
                                           0x14, 0xed, 0x77, 0x6e, 0x85, 0xb3, 0xb6}},
                                         256},
        [INGOT_EFI_SIGNATURE_X509_SHA256] = {"certificate's SHA-256",
                                             {{0x3b, 0xd2, 0xa4, 0x92, 0x96, 0xc0, 0x40, 0x79, 0xb4,
                                               0x20, 0xfc, 0xf9, 0x8e, 0xf1, 0x03, 0xed}},
                                             32 + TIME_SIZE},
        [INGOT_EFI_SIGNATURE_X509_SHA384] = {"certificate's SHA-384",
                                             {{0x70, 0x76, 0x87, 0x6e, 0x80, 0xc2, 0x4e, 0xe6, 0xaa,
                                               0xd2, 0x28, 0xb3, 0x49, 0xa6, 0x86, 0x5b}},
                                             48 + TIME_SIZE},
        [INGOT_EFI_SIGNATURE_X509_SHA512] = {"certificate's SHA-512",
                                             {{0x44, 0x6d, 0xbf, 0x63, 0x25, 0x02, 0x4c, 0xda, 0xbc,
                                               0xfa, 0x24, 0x65, 0xd2, 0xb0, 0xfe, 0x9d}},
                                             64 + TIME_SIZE},
};

void ingot_efi_signatures_done(struct ingot_efi_signatures *s)
{
        free(s->items);
        *s = (struct ingot_efi_signatures){0};
}

const char *ingot_efi_signature_kind_name(enum ingot_efi_signature_kind kind)
{
        return kinds[kind].name;
}

static enum ingot_efi_signature_kind kind_of(const struct ingot_uuid *type)
{
        for (size_t i = 1; i < ARRAY_SIZE(kinds); i++)
                if (ingot_uuid_equal(type, &kinds[i].type))
                        return (enum ingot_efi_signature_kind) i;
        return INGOT_EFI_SIGNATURE_OTHER;
}

static bool size_fits(enum ingot_efi_signature_kind kind, size_t size)
{
        return kinds[kind].size == 0 ? size > 0 : size == kinds[kind].size;
}

static int append(struct ingot_efi_signatures *s, const struct ingot_efi_signature *signature,
                  ingot_error *reterr)
{
        if (s->count == s->allocated) {
                size_t n = s->allocated ? 2 * s->allocated : 8;
                struct ingot_efi_signature *items = realloc(s->items, n * sizeof(*items));
                if (!items)
                        return ingot_fail_nomem(reterr);
                s->items = items;
                s->allocated = n;
        }
        s->items[s->count++] = *signature;
        return 0;
}

/* One list, of which C stands at the start; its entries go to RET. */
static int decode_list(struct ingot_cursor *c, struct ingot_efi_signatures *ret,
                       ingot_error *reterr)
{
        size_t start = c->at, left = ingot_cursor_left(c);
        struct ingot_span type = ingot_cursor_take(c, 16);
        uint32_t list_size = ingot_cursor_le32(c), header_size = ingot_cursor_le32(c);
        uint32_t entry_size = ingot_cursor_le32(c);
        if (c->failed || list_size < LIST_HEADER_SIZE || list_size > left ||
            header_size > list_size - LIST_HEADER_SIZE || entry_size <= OWNER_SIZE ||
            (list_size - LIST_HEADER_SIZE - header_size) % entry_size != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "signature list at byte %zu: its sizes do not fit", start);
        struct ingot_efi_signature s = {.type = ingot_uuid_gpt_load(type.data)};
        s.kind = kind_of(&s.type);
        if (!size_fits(s.kind, entry_size - OWNER_SIZE))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "signature list at byte %zu: %s entries of %u bytes", start,
                                  kinds[s.kind].name, entry_size - OWNER_SIZE);
        ingot_cursor_skip(c, header_size);
        size_t count = (list_size - LIST_HEADER_SIZE - header_size) / entry_size;
        for (size_t i = 0; i < count; i++) {
                struct ingot_span owner = ingot_cursor_take(c, OWNER_SIZE);
                s.owner = ingot_uuid_gpt_load(owner.data);
                s.data = ingot_cursor_take(c, entry_size - OWNER_SIZE);
                int r = append(ret, &s, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

struct ingot_span ingot_efi_variable_data(struct ingot_span file)
{
        uint32_t attributes = file.size >= 4 ? ingot_le32_load(file.data) : 0;
        if (attributes == 0 || attributes > 0xff)
                return file;
        return INGOT_SPAN((const uint8_t *) file.data + 4, file.size - 4);
}

int ingot_efi_signatures_decode(struct ingot_span bytes, struct ingot_efi_signatures *ret,
                                ingot_error *reterr)
{
        _cleanup_efi_signatures_ struct ingot_efi_signatures s = {0};
        struct ingot_cursor c = ingot_cursor_over(bytes);
        if (bytes.size > INGOT_EFI_SIGNATURES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "signature lists of %zu bytes",
                                  bytes.size);
        while (ingot_cursor_left(&c) > 0) {
                int r = decode_list(&c, &s, reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < s.count; i++) {
                int r = append(ret, s.items + i, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int ingot_efi_signatures_add(struct ingot_efi_signatures *s, enum ingot_efi_signature_kind kind,
                             const struct ingot_uuid *owner, struct ingot_span data,
                             ingot_error *reterr)
{
        const struct ingot_efi_signature entry = {
                .kind = kind, .type = kinds[kind].type, .owner = *owner, .data = data};
        if (kind == INGOT_EFI_SIGNATURE_OTHER || !size_fits(kind, data.size) ||
            data.size > INGOT_EFI_SIGNATURES_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a %s of %zu bytes", kinds[kind].name,
                                  data.size);
        return append(s, &entry, reterr);
}

const struct ingot_efi_signature *ingot_efi_signatures_find(const struct ingot_efi_signatures *s,
                                                            const struct ingot_uuid *type,
                                                            struct ingot_span data)
{
        for (size_t i = 0; i < s->count; i++)
                if (ingot_uuid_equal(&s->items[i].type, type) &&
                    s->items[i].data.size == data.size &&
                    memcmp(s->items[i].data.data, data.data, data.size) == 0)
                        return s->items + i;
        return NULL;
}

int ingot_efi_signatures_merge(struct ingot_efi_signatures *s,
                               const struct ingot_efi_signature *signature, ingot_error *reterr)
{
        if (ingot_efi_signatures_find(s, &signature->type, signature->data))
                return 1;
        return append(s, signature, reterr);
}

/* How many entries from FIRST on share a list. */
static size_t run_of(const struct ingot_efi_signatures *s, size_t first)
{
        const struct ingot_efi_signature *a = s->items + first;
        size_t n = 1;
        while (first + n < s->count && ingot_uuid_equal(&s->items[first + n].type, &a->type) &&
               s->items[first + n].data.size == a->data.size)
                n++;
        return n;
}

int ingot_efi_signatures_encode(const struct ingot_efi_signatures *s, struct ingot_buffer *ret,
                                ingot_error *reterr)
{
        size_t start = ret->size;
        int r = 0;
        for (size_t i = 0, n; r >= 0 && i < s->count; i += n) {
                n = run_of(s, i);
                uint64_t entry_size = (uint64_t) s->items[i].data.size + OWNER_SIZE;
                uint64_t list_size = LIST_HEADER_SIZE + entry_size * n;
                uint8_t header[LIST_HEADER_SIZE] = {0};
                if (ret->size - start + list_size > INGOT_EFI_SIGNATURES_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "too many signatures");
                ingot_uuid_gpt_store(header, &s->items[i].type);
                ingot_le32_store(header + 16, (uint32_t) list_size);
                ingot_le32_store(header + 24, (uint32_t) entry_size);
                r = ingot_buffer_append(ret, header, sizeof(header), reterr);
                for (size_t k = i; r >= 0 && k < i + n; k++) {
                        uint8_t owner[OWNER_SIZE];
                        ingot_uuid_gpt_store(owner, &s->items[k].owner);
                        r = ingot_buffer_append(ret, owner, sizeof(owner), reterr);
                        if (r >= 0)
                                r = ingot_buffer_append(ret, s->items[k].data.data,
                                                        s->items[k].data.size, reterr);
                }
        }
        return r;
}
