/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `ingot inspect` prints for people. */
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/inspect.h"
#include "cli/print.h"
#include "format/partition-type.h"
#include "format/sbat.h"
#include "image/inspect.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 65536

void inspect_attributes(uint64_t attributes, char ret[128])
{
        static const struct {
                uint64_t bit;
                const char *name;
        } names[] = {
                {INGOT_GPT_REQUIRED, "required"},       {INGOT_GPT_NO_BLOCK_IO, "no-block-io"},
                {INGOT_GPT_LEGACY_BOOT, "legacy-boot"}, {INGOT_GPT_GROW_FS, "grow-file-system"},
                {INGOT_GPT_READ_ONLY, "read-only"},     {INGOT_GPT_NO_AUTO, "no-auto"},
        };
        ret[0] = 0;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (attributes & names[i].bit) {
                        size_t n = strlen(ret);
                        snprintf(ret + n, 128 - n, "%s%s", n ? "," : "", names[i].name);
                }
}

static const char *human(uint64_t size)
{
        static char texts[4][16];
        static unsigned next;
        char *text = texts[next++ % 4];
        ingot_human_size(text, size);
        return text;
}

/* How many columns TEXT takes. */
static size_t columns_of(const char *text)
{
        size_t n = 0;
        for (; *text; text++)
                n += ((uint8_t) *text & 0xc0) != 0x80;
        return n;
}

/* The bytes of TEXT for a line of ROOM columns; it is parted between words, if it has some. */
static size_t line_size(const char *text, size_t room)
{
        size_t at = 0, columns = 0, part = 0;
        for (; text[at]; at++) {
                if (((uint8_t) text[at] & 0xc0) != 0x80 && ++columns > room)
                        return part ? part : at;
                if (strchr(" ,/", text[at]) && columns * 2 > room)
                        part = text[at] == ' ' ? at : at + 1;
        }
        return at;
}

/* Escaped text from column COLUMN on, where the cursor is; further lines begin in column NEXT. */
static void put_wrapped(int column, int next, const char *text)
{
        int width = (int) print_width(stdout);
        for (bool first = true; first || *text; first = false) {
                int from = first ? column : next;
                size_t n = line_size(text, width > from + 16 ? (size_t) (width - from) : 16);
                printf("%*s%.*s\n", first ? 0 : from, "", (int) n, text);
                text += n;
                text += strspn(text, " ");
        }
}

/* A label, in a column of its own as far as it is followed by something. */
static int label(int indent, const char *name, bool followed)
{
        int width = indent ? 17 : 20;
        printf("%*s%s%-*s%s", indent, "", print_style(stdout, STYLE_FAINT), followed ? width : 0,
               name, print_style(stdout, STYLE_PLAIN));
        return indent + width;
}

/* One long word, such as a digest, stands in the next line rather than in two. */
static void line(int indent, const char *name, const char *text)
{
        _cleanup_free_ char *escaped = ingot_escape(text);
        const char *value = escaped ? escaped : "(out of memory)";
        size_t width = print_width(stdout), columns = columns_of(value), begin = (size_t) indent;
        if (begin + 20 + columns > width && begin + 4 + columns <= width && !strchr(value, ' ')) {
                label(indent, name, false);
                printf("\n%*s%s\n", indent + 4, "", value);
        } else {
                int column = label(indent, name, true);
                put_wrapped(column, column, value);
        }
}

__attribute__((format(printf, 3, 4))) static void line_format(int indent, const char *name,
                                                              const char *format, ...)
{
        char text[512];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        line(indent, name, text);
}

static void line_uuid(int indent, const char *name, const struct ingot_uuid *uuid)
{
        char text[INGOT_UUID_TEXT_SIZE];
        ingot_uuid_format(uuid, text);
        line(indent, name, text);
}

static void line_hex(int indent, const char *name, const uint8_t *data, size_t size)
{
        char text[2 * INGOT_VERITY_SALT_MAX + 1];
        ingot_hex(text, data, size);
        line(indent, name, size ? text : "none");
}

static int print_statistics(int indent, struct ingot_image *image, ingot_error *reterr)
{
        _cleanup_statistics_ struct ingot_tree_statistics s = {0};
        const struct ingot_tree *tree;
        int e = ingot_image_tree(image, &tree, reterr);
        if (e == 0)
                e = ingot_tree_statistics_of(tree, &s, reterr);
        if (e < 0)
                return e;
        line_format(indent, "Files",
                    "%" PRIu64 " files, %" PRIu64 " directories, %" PRIu64 " links, %" PRIu64
                    " devices, %" PRIu64 " hard links",
                    s.files, s.directories, s.symlinks, s.devices, s.hard_links);
        if (image->content == INGOT_CONTENT_EROFS && image->erofs.size > 0)
                line_format(indent, "Content", "%s in %s (%.2f:1)", human(s.content_size),
                            human(image->erofs.size),
                            (double) s.content_size / (double) image->erofs.size);
        else
                line(indent, "Content", human(s.content_size));
        for (size_t i = 0; i < s.largest_count; i++) {
                _cleanup_free_ char *path = ingot_escape(s.largest[i].path);
                int column = label(indent, i == 0 ? "Largest" : "", true);
                printf("%5s  ", human(s.largest[i].size));
                put_wrapped(column + 7, column + 7, path ? path : "(out of memory)");
        }
        return 0;
}

static int print_erofs(int indent, struct ingot_image *image, ingot_error *reterr)
{
        static const char *const algorithms[] = {"lz4", "lzma", "deflate", "zstd"};
        char text[64] = "";
        for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
                if (image->erofs.algorithms & 1u << i) {
                        size_t n = strlen(text);
                        snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
                                 algorithms[i]);
                }
        line(indent, "Compression", *text ? text : "none");
        line_uuid(indent, "File system UUID", &image->erofs.uuid);
        if (*image->erofs.volume_name)
                line(indent, "Volume name", image->erofs.volume_name);
        return print_statistics(indent, image, reterr);
}

/* Below a line that says how far it is to be believed. */
static void print_root_hash(int indent, const struct ingot_image *tree)
{
        char text[2 * INGOT_VERITY_DIGEST_SIZE + 1];
        ingot_hex(text, tree->root_hash, sizeof(tree->root_hash));
        line(indent, "Root hash", "of the tree's top block; the data was not compared");
        printf("%*s%s\n", indent + 4, "", text);
}

static int print_verity(int indent, const struct ingot_image *image)
{
        const struct ingot_verity *v = &image->verity;
        if (image->root_hash_known)
                print_root_hash(indent, image);
        else
                line(indent, "Root hash", "not known: one data block, and it is not here");
        line_hex(indent, "Salt", v->salt, v->salt_size);
        line_uuid(indent, "Verity UUID", &v->uuid);
        char place[32] = "";
        if (image->data)
                snprintf(place, sizeof(place), ", partition %u", image->data->partition->number);
        line_format(indent, "Data", "%" PRIu64 " blocks of %" PRIu32 " bytes (%s)%s",
                    v->data_blocks, v->data_block_size,
                    human(v->data_blocks * v->data_block_size), place);
        return 0;
}

/* Text that came with the image, line by line. */
static void print_lines(int indent, const char *text)
{
        while (*text) {
                size_t n = strcspn(text, "\n");
                _cleanup_free_ char *part = strndup(text, n);
                _cleanup_free_ char *escaped = ingot_escape(part ? part : "");
                printf("%*s", indent, "");
                put_wrapped(indent, indent + 2, escaped ? escaped : "(out of memory)");
                text += n + (text[n] == '\n');
        }
}

static bool is_text(enum ingot_uki_kind kind)
{
        return kind == INGOT_UKI_OSREL || kind == INGOT_UKI_CMDLINE || kind == INGOT_UKI_UNAME ||
               kind == INGOT_UKI_PROFILE || kind == INGOT_UKI_SBAT;
}

/* Shim refuses a program with such a section: it must not look like one that is fine. */
static void print_sbat_problem(int indent, struct ingot_span text)
{
        _cleanup_sbat_ struct ingot_sbat sbat = {0};
        ingot_error error = {0};
        if (ingot_sbat_decode(text, &sbat, &error) < 0)
                line(indent, "Malformed", error.text);
}

static int print_section(int indent, const struct ingot_image *image,
                         const struct ingot_uki_section *s, ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        char hex[2 * INGOT_SHA256_SIZE + 1];
        int e = ingot_pe_section_sha256(&image->reader, &s->pe, digest, reterr);
        if (e < 0)
                return e;
        ingot_hex(hex, digest, sizeof(digest));
        _cleanup_free_ char *name = ingot_escape(s->pe.name);
        printf("%*s%-9s %5s", indent, "", name ? name : "", human(s->pe.virtual_size));
        if ((size_t) indent + 16 + strlen(hex) > print_width(stdout))
                printf("\n%*s%s\n", indent + 4, "", hex);
        else
                printf(" %s\n", hex);
        if (!is_text(s->kind) || s->pe.virtual_size > TEXT_MAX)
                return 0;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        e = ingot_pe_section_read(&image->reader, &s->pe, TEXT_MAX, &text, &size, reterr);
        if (e < 0)
                return e;
        print_lines(indent + 4, (char *) text);
        if (s->kind == INGOT_UKI_SBAT)
                print_sbat_problem(indent + 4, INGOT_SPAN(text, size));
        return 0;
}

static int print_pe(int indent, const struct ingot_image *image, ingot_error *reterr)
{
        const struct ingot_uki *uki = image->uki;
        const char *machine = ingot_pe_machine_name(uki->pe.machine);
        uint8_t digest[INGOT_SHA256_SIZE];
        line(indent, "Architecture", machine ? machine : "unknown");
        line(indent, "Signed", ingot_pe_certificates(&uki->pe).size ? "yes" : "no");
        if (ingot_uki_is_addon(uki))
                line(indent, "Kind", "addon");
        if (ingot_pe_authenticode_sha256(&image->reader, &uki->pe, digest, reterr) == 0)
                line_hex(indent, "Authenticode", digest, sizeof(digest));
        for (size_t i = 0; i < uki->section_count; i++) {
                const struct ingot_uki_section *s = uki->sections + i;
                int e = s->kind == INGOT_UKI_OTHER ? 0 : print_section(indent, image, s, reterr);
                if (e < 0)
                        return e;
        }
        return 0;
}

static int print_content(int indent, struct ingot_image *image, ingot_error *reterr);

static int print_fat(int indent, struct ingot_image *image, ingot_error *reterr)
{
        char id[16];
        snprintf(id, sizeof(id), "%04X-%04X", image->fat.volume_id >> 16,
                 image->fat.volume_id & 0xffff);
        line_format(indent, "Volume", "FAT%u, %s, clusters of %s, %s free", image->fat.bits, id,
                    human(image->fat.cluster_size),
                    human((uint64_t) image->fat.free_clusters * image->fat.cluster_size));
        int e = print_statistics(indent, image, reterr);
        for (size_t i = 0; e == 0 && i < image->part_count; i++) {
                printf("%*s", indent, "");
                print_styled(stdout, STYLE_BOLD, image->parts[i].path);
                putchar('\n');
                e = print_content(indent + 4, image->parts + i, reterr);
        }
        return e;
}

static int print_content(int indent, struct ingot_image *image, ingot_error *reterr)
{
        if (indent > 0)
                line(indent, "Holds", ingot_content_title(image->content));
        if (image->problem) {
                line(indent, "Cannot be read", image->problem);
                return 0;
        }
        switch (image->content) {
        case INGOT_CONTENT_UKI:
        case INGOT_CONTENT_PE:
                return print_pe(indent, image, reterr);
        case INGOT_CONTENT_EROFS:
                return print_erofs(indent, image, reterr);
        case INGOT_CONTENT_FAT:
                return print_fat(indent, image, reterr);
        case INGOT_CONTENT_CPIO:
                return print_statistics(indent, image, reterr);
        case INGOT_CONTENT_VERITY:
                return print_verity(indent, image);
        case INGOT_CONTENT_VERITY_SIGNATURE:
                line(indent, "Root hash", image->signed_root_hash);
                if (image->certificate_fingerprint)
                        line(indent, "Certificate", image->certificate_fingerprint);
                return 0;
        default:
                return 0;
        }
}

static int print_partition(const struct ingot_image *disk, struct ingot_image *part,
                           ingot_error *reterr)
{
        const struct ingot_gpt_partition *p = part->partition;
        const struct ingot_partition_type *type = ingot_partition_type_by_uuid(&p->type);
        char attributes[128], uuid[INGOT_UUID_TEXT_SIZE];
        ingot_uuid_format(&p->type, uuid);
        inspect_attributes(p->attributes, attributes);
        printf("\n%s%u  %s%s  ", print_style(stdout, STYLE_BOLD), p->number,
               type ? type->name : uuid, print_style(stdout, STYLE_PLAIN));
        print_text(stdout, p->name);
        putchar('\n');
        line_format(4, "Size", "%s at %s (%" PRIu64 " bytes at %" PRIu64 ")",
                    human(ingot_gpt_size(disk->gpt, p)), human(ingot_gpt_offset(disk->gpt, p)),
                    ingot_gpt_size(disk->gpt, p), ingot_gpt_offset(disk->gpt, p));
        line_uuid(4, "UUID", &p->uuid);
        if (*attributes)
                line(4, "Attributes", attributes);
        if (part->hash && part->hash->root_hash_known)
                print_root_hash(4, part->hash);
        return print_content(4, part, reterr);
}

static int print_disk(struct ingot_image *image, ingot_error *reterr)
{
        const struct ingot_gpt *gpt = image->gpt;
        line_uuid(0, "UUID", &gpt->disk_uuid);
        line_format(0, "Sectors", "%" PRIu64 " of %" PRIu32 " bytes",
                    image->reader.size / gpt->sector_size, gpt->sector_size);
        if (gpt->health != INGOT_GPT_HEALTHY)
                line(0, "Damaged", gpt->damage);
        int e = inspect_print_map(image, print_width(stdout), reterr);
        for (size_t i = 0; e == 0 && i < image->part_count; i++)
                e = print_partition(image, image->parts + i, reterr);
        return e;
}

int inspect_print(struct ingot_image *image, const char *name, ingot_error *reterr)
{
        print_styled(stdout, STYLE_BOLD, name);
        printf(": %s, %s\n", ingot_content_title(image->content), human(image->reader.size));
        if (image->content == INGOT_CONTENT_DISK)
                return print_disk(image, reterr);
        return print_content(0, image, reterr);
}
