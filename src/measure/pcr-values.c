/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/pcr-values.h"
#include "measure/replay.h"

#include <stdlib.h>

void ingot_pcr_values_done(struct ingot_pcr_values *v)
{
        free(v->values);
        free(v->slots);
        *v = (struct ingot_pcr_values){0};
}

/* The slot of VALUE, or the free one where it belongs. A value is a digest: its bytes are as good
 * as any hash. */
static uint32_t *slot(const struct ingot_pcr_values *v, const uint8_t *value)
{
        size_t mask = 2 * v->room - 1, at = ingot_le32_load(value) & mask;
        while (v->slots[at] != 0 &&
               memcmp(v->values[v->slots[at] - 1], value, ingot_bank_size(v->bank)) != 0)
                at = (at + 1) & mask;
        return v->slots + at;
}

ssize_t ingot_pcr_values_find(const struct ingot_pcr_values *v, const uint8_t *value)
{
        return v->room == 0 ? -1 : (ssize_t) *slot(v, value) - 1;
}

static int make_room(struct ingot_pcr_values *v, ingot_error *reterr)
{
        if (v->count == INGOT_PCR_VALUES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "PCR %u may have more than %d values",
                                  v->pcr, INGOT_PCR_VALUES_MAX);
        if (v->count < v->room)
                return 0;
        size_t room = v->room ? 2 * v->room : 8; /* a power of two */
        void *more = reallocarray(v->values, room, sizeof(*v->values));
        if (!more)
                return ingot_fail_nomem(reterr);
        v->values = more;
        uint32_t *slots = calloc(2 * room, sizeof(*slots));
        if (!slots)
                return ingot_fail_nomem(reterr);
        free(v->slots);
        v->slots = slots;
        v->room = room;
        for (uint32_t i = 0; i < v->count; i++)
                *slot(v, v->values[i]) = i + 1;
        return 0;
}

int ingot_pcr_values_add(struct ingot_pcr_values *v, const uint8_t *value, ingot_error *reterr)
{
        if (ingot_pcr_values_find(v, value) >= 0)
                return 0;
        int r = make_room(v, reterr);
        if (r < 0)
                return r;
        memset(v->values[v->count], 0, sizeof(*v->values));
        memcpy(v->values[v->count], value, ingot_bank_size(v->bank));
        *slot(v, value) = (uint32_t) ++v->count;
        return 1;
}

void ingot_pcr_sets_done(struct ingot_pcr_sets *s)
{
        for (size_t i = 0; i < s->count; i++)
                ingot_pcr_values_done(s->items + i);
        free(s->items);
        *s = (struct ingot_pcr_sets){0};
}

int ingot_pcr_sets_add(struct ingot_pcr_sets *s, unsigned pcr, enum ingot_bank bank,
                       struct ingot_pcr_values **ret, ingot_error *reterr)
{
        size_t at = 0;
        if (pcr >= INGOT_PCR_COUNT)
                return ingot_fail(reterr, INGOT_E_USAGE, "there is no PCR %u", pcr);
        while (at < s->count && s->items[at].pcr < pcr)
                at++;
        if (at < s->count && s->items[at].pcr == pcr)
                return ingot_fail(reterr, INGOT_E_CONFLICT, "PCR %u is there twice", pcr);
        struct ingot_pcr_values *more = reallocarray(s->items, s->count + 1, sizeof(*s->items));
        if (!more)
                return ingot_fail_nomem(reterr);
        s->items = more;
        memmove(more + at + 1, more + at, (s->count++ - at) * sizeof(*more));
        more[at] = (struct ingot_pcr_values){.pcr = pcr, .bank = bank};
        *ret = more + at;
        return 0;
}
