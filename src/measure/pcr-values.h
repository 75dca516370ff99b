/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values that a policy accepts: of each PCR a set, in an order that its digest depends on. */
#pragma once

#include "measure/bank.h"

#include <sys/types.h>

#define INGOT_PCR_VALUES_MAX 4096

struct ingot_pcr_values {
        unsigned pcr;
        enum ingot_bank bank;
        uint8_t (*values)[INGOT_BANK_SIZE_MAX]; /* each once */
        size_t count, room;
        uint32_t *slots; /* a hash table of 2 * room places of values, counted from 1; 0: free */
};

void ingot_pcr_values_done(struct ingot_pcr_values *v);
#define _cleanup_pcr_values_ __attribute__((cleanup(ingot_pcr_values_done)))

/* At the end: 1; 0 when it is there. LIMIT above INGOT_PCR_VALUES_MAX. */
int ingot_pcr_values_add(struct ingot_pcr_values *v, const uint8_t *value, ingot_error *reterr);
/* Its place, or -1. */
ssize_t ingot_pcr_values_find(const struct ingot_pcr_values *v, const uint8_t *value);

/* Of several PCRs of one bank, ascending. */
struct ingot_pcr_sets {
        struct ingot_pcr_values *items;
        size_t count;
};
void ingot_pcr_sets_done(struct ingot_pcr_sets *s);
#define _cleanup_pcr_sets_ __attribute__((cleanup(ingot_pcr_sets_done)))

/* A new one, in its place; good until the next one. CONFLICT: PCR is there; USAGE: there is no such
 * PCR. */
int ingot_pcr_sets_add(struct ingot_pcr_sets *s, unsigned pcr, enum ingot_bank bank,
                       struct ingot_pcr_values **ret, ingot_error *reterr);
