/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The partition map: one box for each partition and each gap, as wide as its share of the disk, but
 * never narrower than its number.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/inspect.h"
#include "cli/print.h"
#include "format/partition-type.h"

#include <stdio.h>
#include <string.h>

#define BOXES_MAX (2 * INGOT_GPT_ENTRIES + 1)
#define LEAST 2             /* columns within a box */
#define GAP_MIN (4u << 20)  /* smaller gaps are alignment, not worth a box */

struct box {
        const struct ingot_gpt_partition *partition; /* NULL: a gap */
        uint64_t offset, size;
        size_t width;
};

struct map {
        struct box boxes[BOXES_MAX];
        size_t count;
        uint64_t total;
};

static void add_box(struct map *m, const struct ingot_gpt_partition *p, uint64_t from, uint64_t to)
{
        if (to <= from || m->count == BOXES_MAX)
                return;
        m->boxes[m->count++] = (struct box){.partition = p, .offset = from, .size = to - from};
        m->total += to - from;
}

/* The partition that begins first at or behind AT, or NULL. */
static const struct ingot_gpt_partition *next_partition(const struct ingot_gpt *gpt, uint64_t at)
{
        const struct ingot_gpt_partition *next = NULL;
        for (size_t i = 0; i < gpt->partition_count; i++) {
                const struct ingot_gpt_partition *p = gpt->partitions + i;
                if (ingot_gpt_offset(gpt, p) >= at &&
                    (!next || p->first_lba < next->first_lba))
                        next = p;
        }
        return next;
}

static void fill_boxes(struct map *m, const struct ingot_gpt *gpt, uint64_t disk_size)
{
        const struct ingot_gpt_partition *p;
        uint64_t at = 0;
        for (; (p = next_partition(gpt, at)) && m->count + 2 <= BOXES_MAX;) {
                uint64_t from = ingot_gpt_offset(gpt, p);
                if (from - at >= GAP_MIN)
                        add_box(m, NULL, at, from);
                add_box(m, p, from, from + ingot_gpt_size(gpt, p));
                at = from + ingot_gpt_size(gpt, p);
        }
        if (disk_size > at && disk_size - at >= GAP_MIN)
                add_box(m, NULL, at, disk_size);
}

/* Every box gets the least; what is left goes by size, odd columns to the largest. */
static void share_width(struct map *m, size_t columns)
{
        size_t left = columns - m->count * LEAST, given = 0, largest = 0;
        for (size_t i = 0; i < m->count; i++) {
                struct box *b = m->boxes + i;
                size_t share = (size_t) ((double) left * (double) b->size / (double) m->total);
                b->width = LEAST + share;
                given += share;
                if (b->size > m->boxes[largest].size)
                        largest = i;
        }
        m->boxes[largest].width += left - given;
}

static void print_rule(const struct map *m)
{
        for (size_t i = 0; i < m->count; i++) {
                fputc('+', stdout);
                for (size_t k = 0; k < m->boxes[i].width; k++)
                        fputc('-', stdout);
        }
        puts("+");
}

static void print_cell(const struct box *b, const char *text)
{
        printf("|%-*.*s", (int) b->width, (int) b->width, text);
}

static void print_names(const struct map *m)
{
        for (size_t i = 0; i < m->count; i++) {
                const struct box *b = m->boxes + i;
                char text[160] = "";
                const struct ingot_partition_type *type =
                        b->partition ? ingot_partition_type_by_uuid(&b->partition->type) : NULL;
                if (b->partition)
                        snprintf(text, sizeof(text), "%u %s", b->partition->number,
                                 type ? type->name : "");
                print_cell(b, text);
        }
        puts("|");
}

static void print_sizes(const struct map *m)
{
        for (size_t i = 0; i < m->count; i++) {
                const struct box *b = m->boxes + i;
                char size[16], text[32];
                ingot_human_size(size, b->size);
                snprintf(text, sizeof(text), b->partition ? "%s" : "%s free", size);
                print_cell(b, strlen(text) <= b->width ? text : "");
        }
        puts("|");
}

int inspect_print_map(const struct ingot_image *disk, unsigned width, ingot_error *reterr)
{
        _cleanup_free_ struct map *m = calloc(1, sizeof(*m));
        if (!m)
                return ingot_fail_nomem(reterr);
        fill_boxes(m, disk->gpt, disk->reader.size);
        if (m->count == 0 || m->count * (LEAST + 1) + 1 > width)
                return 0;
        share_width(m, width - m->count - 1);
        print_rule(m);
        print_names(m);
        print_sizes(m);
        print_rule(m);
        return 0;
}
