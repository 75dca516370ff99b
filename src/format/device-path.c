/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format/device-path.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf16.h"
#include "base/uuid.h"

#include <inttypes.h>

#define NODES_MAX 64
#define HEX_MAX 32 /* bytes of a node that is shown as it is */

struct node {
        uint8_t type, subtype;
        struct ingot_cursor c; /* what is behind the header */
};

typedef int (*print_fn)(struct node *n, struct ingot_buffer *ret, ingot_error *reterr);

static struct ingot_uuid take_guid(struct ingot_cursor *c)
{
        struct ingot_span bytes = ingot_cursor_take(c, 16);
        struct ingot_uuid uuid = {{0}};
        if (bytes.data)
                uuid = ingot_uuid_gpt_load(bytes.data);
        return uuid;
}

static int print_guid(struct node *n, const char *name, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        char text[INGOT_UUID_TEXT_SIZE];
        struct ingot_uuid uuid = take_guid(&n->c);
        ingot_uuid_format(&uuid, text);
        return ingot_buffer_printf(ret, reterr, "%s(%s)", name, text);
}

static int print_pci(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint8_t function = ingot_cursor_u8(&n->c), device = ingot_cursor_u8(&n->c);
        return ingot_buffer_printf(ret, reterr, "Pci(0x%x,0x%x)", device, function);
}

static int print_vendor(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        static const char *const names[] = {"Ven", "VenHw", "Ven", "VenMsg", "VenMedia"};
        return print_guid(n, names[n->type < 5 ? n->type : 0], ret, reterr);
}

static int print_acpi(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint32_t hid = ingot_cursor_le32(&n->c), uid = ingot_cursor_le32(&n->c);
        if (hid == 0x0a0341d0)
                return ingot_buffer_printf(ret, reterr, "PciRoot(0x%" PRIx32 ")", uid);
        if (hid == 0x0a0841d0)
                return ingot_buffer_printf(ret, reterr, "PcieRoot(0x%" PRIx32 ")", uid);
        return ingot_buffer_printf(ret, reterr, "Acpi(PNP%04X,0x%" PRIx32 ")", hid >> 16, uid);
}

static int print_scsi(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint16_t target = ingot_cursor_le16(&n->c), lun = ingot_cursor_le16(&n->c);
        return ingot_buffer_printf(ret, reterr, "Scsi(0x%x,0x%x)", target, lun);
}

static int print_usb(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint8_t port = ingot_cursor_u8(&n->c), interface = ingot_cursor_u8(&n->c);
        return ingot_buffer_printf(ret, reterr, "USB(0x%x,0x%x)", port, interface);
}

static int print_mac(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        char hex[2 * 6 + 1] = "";
        struct ingot_span mac = ingot_cursor_take(&n->c, 6);
        if (mac.data)
                ingot_hex(hex, mac.data, mac.size);
        return ingot_buffer_printf(ret, reterr, "MAC(%s)", hex);
}

static int print_sata(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint16_t port = ingot_cursor_le16(&n->c), multiplier = ingot_cursor_le16(&n->c),
                 lun = ingot_cursor_le16(&n->c);
        return ingot_buffer_printf(ret, reterr, "Sata(0x%x,0x%x,0x%x)", port, multiplier, lun);
}

static int print_nvme(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint32_t namespace = ingot_cursor_le32(&n->c);
        uint64_t eui = ingot_cursor_le64(&n->c);
        int r = ingot_buffer_printf(ret, reterr, "NVMe(0x%" PRIx32, namespace);
        for (unsigned i = 0; r >= 0 && i < 8; i++)
                r = ingot_buffer_printf(ret, reterr, "%c%02X", i ? '-' : ',',
                                        (unsigned) (eui >> 8 * (7 - i) & 0xff));
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, ")");
}

/* Bytes, as far as they are text; what a terminal must not see is left to ingot_escape. */
static int print_escaped(const char *text, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_free_ char *safe = ingot_escape(text);
        return safe ? ingot_buffer_printf(ret, reterr, "%s", safe) : ingot_fail_nomem(reterr);
}

static int print_uri(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_span uri = ingot_cursor_take(&n->c, ingot_cursor_left(&n->c));
        _cleanup_free_ char *text = NULL;
        int r = ingot_format(&text, reterr, "%.*s", (int) uri.size, (const char *) uri.data);
        if (r >= 0)
                r = ingot_buffer_printf(ret, reterr, "Uri(");
        if (r >= 0)
                r = print_escaped(text, ret, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, ")");
}

static int print_disk(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint32_t number = ingot_cursor_le32(&n->c);
        uint64_t start = ingot_cursor_le64(&n->c), size = ingot_cursor_le64(&n->c);
        struct ingot_span id = ingot_cursor_take(&n->c, 16);
        uint8_t format = ingot_cursor_u8(&n->c), kind = ingot_cursor_u8(&n->c);
        char text[INGOT_UUID_TEXT_SIZE];
        if (n->c.failed)
                return 0;
        if (kind != 2)
                return ingot_buffer_printf(ret, reterr,
                                           "HD(%" PRIu32 ",%s,0x%08" PRIx32 ",0x%" PRIx64
                                           ",0x%" PRIx64 ")",
                                           number, format == 1 ? "MBR" : "?",
                                           ingot_le32_load(id.data), start, size);
        struct ingot_uuid uuid = ingot_uuid_gpt_load(id.data);
        ingot_uuid_format(&uuid, text);
        return ingot_buffer_printf(ret, reterr,
                                   "HD(%" PRIu32 ",GPT,%s,0x%" PRIx64 ",0x%" PRIx64 ")", number, text,
                                   start, size);
}

static int print_cdrom(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        return ingot_buffer_printf(ret, reterr, "CDROM(0x%" PRIx32 ")", ingot_cursor_le32(&n->c));
}

static int print_file(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_span name = ingot_cursor_take(&n->c, ingot_cursor_left(&n->c));
        _cleanup_free_ char *text = NULL;
        int r = ingot_utf16_text(name, &text, reterr);
        return r < 0 ? r : print_escaped(text, ret, reterr);
}

static int print_fv_file(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        return print_guid(n, "FvFile", ret, reterr);
}

static int print_fv(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        return print_guid(n, "Fv", ret, reterr);
}

static int print_range(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        ingot_cursor_skip(&n->c, 4);
        uint64_t start = ingot_cursor_le64(&n->c), end = ingot_cursor_le64(&n->c);
        return ingot_buffer_printf(ret, reterr, "Offset(0x%" PRIx64 ",0x%" PRIx64 ")", start, end);
}

static int print_memory(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint32_t type = ingot_cursor_le32(&n->c);
        uint64_t start = ingot_cursor_le64(&n->c), end = ingot_cursor_le64(&n->c);
        return ingot_buffer_printf(ret, reterr,
                                   "MemoryMapped(0x%" PRIx32 ",0x%" PRIx64 ",0x%" PRIx64 ")", type,
                                   start, end);
}

static const struct {
        uint8_t type, subtype;
        print_fn print;
} kinds[] = {
        {1, 1, print_pci},    {1, 3, print_memory}, {1, 4, print_vendor}, {2, 1, print_acpi},
        {3, 2, print_scsi},   {3, 5, print_usb},    {3, 10, print_vendor}, {3, 11, print_mac},
        {3, 18, print_sata},  {3, 23, print_nvme},  {3, 24, print_uri},   {4, 1, print_disk},
        {4, 2, print_cdrom},  {4, 3, print_vendor}, {4, 4, print_file},   {4, 6, print_fv_file},
        {4, 7, print_fv},     {4, 8, print_range},
};

static int print_raw(const struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        char hex[2 * HEX_MAX + 1] = "";
        size_t size = ingot_cursor_left(&n->c) < HEX_MAX ? ingot_cursor_left(&n->c) : HEX_MAX;
        ingot_hex(hex, n->c.span.data + n->c.at, size);
        return ingot_buffer_printf(ret, reterr, "Path(%u,%u,%s)", n->type, n->subtype, hex);
}

static int print_node(struct node *n, struct ingot_buffer *ret, ingot_error *reterr)
{
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                if (kinds[i].type != n->type || kinds[i].subtype != n->subtype)
                        continue;
                struct node known = *n;
                size_t size = ret->size;
                int r = kinds[i].print(&known, ret, reterr);
                if (r < 0 || !known.c.failed)
                        return r;
                ret->size = size; /* too short for what it claims to be */
                break;
        }
        return print_raw(n, ret, reterr);
}

/* 1: a node; 0: the path ends, or goes wrong (*ret_good). */
static int next_node(struct ingot_cursor *path, struct node *ret, bool *ret_good)
{
        *ret_good = ingot_cursor_left(path) == 0;
        if (ingot_cursor_left(path) == 0)
                return 0;
        uint8_t type = ingot_cursor_u8(path), subtype = ingot_cursor_u8(path);
        uint16_t size = ingot_cursor_le16(path);
        struct ingot_span rest = {0};
        if (!path->failed && size >= 4)
                rest = ingot_cursor_take(path, size - 4u);
        if (path->failed || size < 4)
                return 0;
        *ret_good = true;
        *ret = (struct node){type, subtype, ingot_cursor_over(rest)};
        return 1;
}

int ingot_device_path_text(struct ingot_span path, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(path);
        struct node n;
        bool good;
        unsigned count = 0;
        const char *between = "";
        int r = ingot_buffer_printf(ret, reterr, "%s", "");
        while (r >= 0 && count++ < NODES_MAX && next_node(&c, &n, &good) > 0) {
                if (n.type == 0x7f) {
                        if (n.subtype == 0xff)
                                return 0; /* the end; what is behind is not the path's */
                        between = ",";
                        continue;
                }
                r = ingot_buffer_printf(ret, reterr, "%s", between);
                if (r >= 0)
                        r = print_node(&n, ret, reterr);
                between = "/";
        }
        if (r >= 0 && (!good || count > NODES_MAX))
                r = ingot_buffer_printf(ret, reterr, "%s…", between);
        return r;
}

int ingot_device_path_file(struct ingot_span path, char **ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(path);
        struct node n;
        bool good;
        _cleanup_free_ char *file = NULL;
        for (unsigned i = 0; i < NODES_MAX && next_node(&c, &n, &good) > 0; i++) {
                if (n.type == 0x7f && n.subtype == 0xff)
                        break;
                if (n.type != 4 || n.subtype != 4)
                        continue;
                free(file);
                file = NULL;
                struct ingot_span name = ingot_cursor_take(&n.c, ingot_cursor_left(&n.c));
                int r = ingot_utf16_text(name, &file, reterr);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(file);
        return 0;
}
