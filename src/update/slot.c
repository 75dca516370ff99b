/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slots in a partition table: found, and changed. No byte is read or written here. */
#include "update/slot.h"
#include "base/cleanup.h"
#include "format/partition-type.h"
#include "format/verity.h"

#include <stdlib.h>
#include <string.h>

const char *ingot_slot_state_name(enum ingot_slot_state s)
{
        static const char *const names[] = {[INGOT_SLOT_EMPTY] = "empty",
                                            [INGOT_SLOT_WHOLE] = "whole",
                                            [INGOT_SLOT_BEGUN] = "begun",
                                            [INGOT_SLOT_FOREIGN] = "foreign"};
        return names[s];
}

void ingot_slots_done(struct ingot_slots *s)
{
        for (size_t i = 0; i < s->count; i++) {
                free(s->items[i].label);
                free(s->items[i].version);
        }
        free(s->items);
        *s = (struct ingot_slots){0};
}

/* Is the partition of that part: 1 as it is, 2 by its "partial" or "pending" type, 0 not. */
static int is_part(const struct ingot_gpt_partition *p, const struct ingot_transfer_part *part)
{
        struct ingot_uuid partial = ingot_partition_type_partial(&part->type);
        struct ingot_uuid pending = ingot_partition_type_pending(&part->type);
        if (ingot_uuid_equal(&p->type, &part->type))
                return 1;
        return ingot_uuid_equal(&p->type, &partial) || ingot_uuid_equal(&p->type, &pending) ? 2 : 0;
}

struct finding {
        const struct ingot_gpt *gpt;
        const struct ingot_transfers *transfers;
        bool taken[INGOT_GPT_ENTRIES];
};

/* The first free partition for that part; LABEL NULL: of any label. */
static const struct ingot_gpt_partition *find_part(struct finding *f, enum ingot_slot_part part,
                                                   const char *label)
{
        for (size_t i = 0; i < f->gpt->partition_count; i++) {
                const struct ingot_gpt_partition *p = f->gpt->partitions + i;
                if (f->taken[i] || !is_part(p, f->transfers->parts + part) ||
                    (label && strcmp(p->name, label) != 0))
                        continue;
                f->taken[i] = true;
                return p;
        }
        return NULL;
}

static void set_part(struct ingot_slot *slot, const struct finding *f, enum ingot_slot_part part,
                     const struct ingot_gpt_partition *p)
{
        slot->numbers[part] = p->number;
        slot->offset[part] = ingot_gpt_offset(f->gpt, p);
        slot->size[part] = ingot_gpt_size(f->gpt, p);
        if (part != INGOT_SLOT_SIGNATURE)
                memcpy(slot->root_hash + 16 * part, p->uuid.bytes, sizeof(p->uuid.bytes));
}

static const struct ingot_gpt_partition *partition(const struct ingot_gpt *gpt, unsigned number)
{
        for (size_t i = 0; number && i < gpt->partition_count; i++)
                if (gpt->partitions[i].number == number)
                        return gpt->partitions + i;
        return NULL;
}

/* Of a label that is the product's: is everything that makes a version there? */
static bool is_whole(const struct finding *f, const struct ingot_slot *slot)
{
        for (enum ingot_slot_part i = INGOT_SLOT_DATA; i <= INGOT_SLOT_TREE; i++) {
                const struct ingot_gpt_partition *p = partition(f->gpt, slot->numbers[i]);
                if (is_part(p, f->transfers->parts + i) != 1 || strcmp(p->name, slot->label) != 0)
                        return false;
        }
        return true;
}

static int judge(const struct finding *f, struct ingot_slot *slot, const uint8_t *running,
                 ingot_error *reterr)
{
        struct ingot_name_fields fields;
        slot->running = running && memcmp(slot->root_hash, running, INGOT_SHA256_SIZE) == 0;
        slot->state = INGOT_SLOT_FOREIGN;
        if (!slot->numbers[INGOT_SLOT_TREE])
                return 0;
        if (strcmp(slot->label, INGOT_LABEL_EMPTY_SLOT) == 0) {
                slot->state = INGOT_SLOT_EMPTY;
                return 0;
        }
        int r = ingot_transfer_match(&f->transfers->parts[INGOT_SLOT_DATA].patterns, slot->label,
                                     &fields, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        slot->state = is_whole(f, slot) ? INGOT_SLOT_WHOLE : INGOT_SLOT_BEGUN;
        return ingot_strdup(&slot->version, fields.version, reterr);
}

/* Parts of the same label first, so that a slot that others laid out keeps what belongs together.
 */
static void complete(struct finding *f, struct ingot_slots *s)
{
        for (unsigned pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < s->count; i++)
                        for (enum ingot_slot_part k = INGOT_SLOT_TREE; k < INGOT_SLOT_PARTS; k++) {
                                const char *label = pass == 0 ? s->items[i].label : NULL;
                                if (s->items[i].numbers[k] ||
                                    (label && strcmp(label, INGOT_LABEL_EMPTY_SLOT) == 0))
                                        continue;
                                const struct ingot_gpt_partition *p = find_part(f, k, label);
                                if (p)
                                        set_part(s->items + i, f, k, p);
                        }
}

int ingot_slots_find(const struct ingot_gpt *gpt, const struct ingot_transfers *transfers,
                     const uint8_t *running, struct ingot_slots *ret, ingot_error *reterr)
{
        _cleanup_(ingot_slots_done) struct ingot_slots s = {0};
        struct finding f = {.gpt = gpt, .transfers = transfers};
        const struct ingot_gpt_partition *p;
        int r = 0;
        s.items = calloc(gpt->partition_count + 1, sizeof(*s.items));
        if (!s.items)
                return ingot_fail_nomem(reterr);
        while (r >= 0 && (p = find_part(&f, INGOT_SLOT_DATA, NULL))) {
                struct ingot_slot *slot = s.items + s.count++;
                set_part(slot, &f, INGOT_SLOT_DATA, p);
                r = ingot_strdup(&slot->label, p->name, reterr);
        }
        if (r >= 0)
                complete(&f, &s);
        for (size_t i = 0; r >= 0 && i < s.count; i++)
                r = judge(&f, s.items + i, running, reterr);
        if (r < 0)
                return r;
        *ret = s;
        s = (struct ingot_slots){0};
        return 0;
}

const struct ingot_slot *ingot_slots_by_hash(const struct ingot_slots *s,
                                             const uint8_t root_hash[INGOT_SHA256_SIZE])
{
        for (size_t i = 0; i < s->count; i++)
                if (s->items[i].state == INGOT_SLOT_WHOLE &&
                    memcmp(s->items[i].root_hash, root_hash, INGOT_SHA256_SIZE) == 0)
                        return s->items + i;
        return NULL;
}

const struct ingot_slot *ingot_slots_by_version(const struct ingot_slots *s, const char *version)
{
        for (size_t i = 0; i < s->count; i++)
                if (s->items[i].state == INGOT_SLOT_WHOLE &&
                    strcmp(s->items[i].version, version) == 0)
                        return s->items + i;
        return NULL;
}

int ingot_slot_verify(const struct ingot_slot *slot, const struct ingot_reader *disk,
                      ingot_error *reterr)
{
        const struct ingot_verity_check_options options = {0};
        struct ingot_reader data, tree;
        int r = ingot_reader_part(disk, slot->offset[INGOT_SLOT_DATA], slot->size[INGOT_SLOT_DATA],
                                  &data, reterr);
        if (r >= 0)
                r = ingot_reader_part(disk, slot->offset[INGOT_SLOT_TREE],
                                      slot->size[INGOT_SLOT_TREE], &tree, reterr);
        if (r >= 0)
                r = ingot_verity_check(&data, &tree, slot->root_hash, &options, reterr);
        return ingot_under(reterr, r, "slot %s", slot->label);
}

/* ---- changes ---- */

static int set_label(struct ingot_gpt_partition *p, const char *label, ingot_error *reterr)
{
        if (strlen(label) > INGOT_GPT_NAME_UNITS)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "the label '%.64s' has more than %d characters", label,
                                  INGOT_GPT_NAME_UNITS);
        memcpy(p->name, label, strlen(label) + 1);
        return 0;
}

static int make_label(const struct ingot_slot_change *c, enum ingot_slot_part part,
                      struct ingot_gpt_partition *p, ingot_error *reterr)
{
        struct ingot_name_fields fields = {0};
        _cleanup_free_ char *label = NULL;
        ingot_name_set_version(&fields, c->version);
        int r = ingot_name_make(c->transfers->parts[part].patterns.items[0], &fields, &label,
                                reterr);
        return r < 0 ? r : set_label(p, label, reterr);
}

/* A UUID that is no root hash's: what is half written, or empty, is found by none. */
static void set_own_uuid(const struct ingot_gpt *gpt, enum ingot_slot_part part,
                         struct ingot_gpt_partition *p)
{
        const uint8_t message[] = {'s', 'l', 'o', 't', (uint8_t) p->number};
        if (part != INGOT_SLOT_SIGNATURE)
                p->uuid = ingot_uuid_derive(&gpt->disk_uuid, message, sizeof(message));
}

int ingot_slot_begin(const struct ingot_slot_change *c, struct ingot_gpt *gpt, ingot_error *reterr)
{
        int r = 0;
        for (enum ingot_slot_part i = 0; r >= 0 && i < INGOT_SLOT_PARTS; i++) {
                struct ingot_gpt_partition *p = ingot_gpt_by_number(gpt, c->slot->numbers[i]);
                if (!p)
                        continue;
                p->type = ingot_partition_type_partial(&c->transfers->parts[i].type);
                p->attributes = INGOT_GPT_READ_ONLY | INGOT_GPT_NO_AUTO;
                set_own_uuid(gpt, i, p);
                r = make_label(c, i, p, reterr);
        }
        return r;
}

/* Data and tree have the halves of the root hash, a signature keeps what its partition has. */
static int set_uuid(const struct ingot_slot_change *c, enum ingot_slot_part part,
                    struct ingot_gpt *gpt, struct ingot_gpt_partition *p, ingot_error *reterr)
{
        struct ingot_uuid uuid;
        char text[INGOT_UUID_TEXT_SIZE];
        if (part == INGOT_SLOT_SIGNATURE)
                return 0;
        memcpy(uuid.bytes, c->root_hash + 16 * part, sizeof(uuid.bytes));
        const struct ingot_gpt_partition *other = ingot_gpt_by_uuid(gpt, &uuid);
        ingot_uuid_format(&uuid, text);
        if (other && other != p)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "partition %u has the UUID %s already, which partition %u would "
                                  "get",
                                  other->number, text, p->number);
        p->uuid = uuid;
        return 0;
}

static int set_empty(struct ingot_gpt_partition *p, const struct ingot_transfer_part *part,
                     ingot_error *reterr)
{
        p->type = part->type;
        p->attributes = INGOT_GPT_READ_ONLY | INGOT_GPT_NO_AUTO;
        return set_label(p, INGOT_LABEL_EMPTY_SLOT, reterr);
}

int ingot_slot_finish(const struct ingot_slot_change *c, struct ingot_gpt *gpt, ingot_error *reterr)
{
        int r = 0;
        for (enum ingot_slot_part i = 0; r >= 0 && i < INGOT_SLOT_PARTS; i++) {
                struct ingot_gpt_partition *p = ingot_gpt_by_number(gpt, c->slot->numbers[i]);
                const struct ingot_transfer_part *part = c->transfers->parts + i;
                if (!p)
                        continue;
                if (i == INGOT_SLOT_SIGNATURE && !c->has_signature) {
                        r = set_empty(p, part, reterr);
                        continue;
                }
                p->type = part->type;
                p->attributes = ingot_transfer_attributes(part);
                r = set_uuid(c, i, gpt, p, reterr);
                if (r >= 0)
                        r = make_label(c, i, p, reterr);
        }
        return r;
}

int ingot_slot_clear(const struct ingot_slot *slot, const struct ingot_transfers *transfers,
                     struct ingot_gpt *gpt, ingot_error *reterr)
{
        int r = 0;
        for (enum ingot_slot_part i = 0; r >= 0 && i < INGOT_SLOT_PARTS; i++) {
                struct ingot_gpt_partition *p = ingot_gpt_by_number(gpt, slot->numbers[i]);
                if (!p)
                        continue;
                set_own_uuid(gpt, i, p);
                r = set_empty(p, transfers->parts + i, reterr);
        }
        return r;
}
