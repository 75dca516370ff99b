/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A choice of PCRs, a bit for each below 24: as text ("7+11"), and as a list in JSON ([7,11]). */
#pragma once

#include "base/json.h"

/* Names of PCRs between "+" or ","; "" is none. USAGE. */
int ingot_pcr_mask_parse(const char *text, uint32_t *ret, ingot_error *reterr);
/* "7+11"; the longest has 61 bytes. */
#define INGOT_PCR_MASK_TEXT_MAX 64
const char *ingot_pcr_mask_text(uint32_t mask, char ret[INGOT_PCR_MASK_TEXT_MAX]);

/* The member KEY of O; 1 when there is none. FORMAT. */
int ingot_pcr_mask_decode(struct json_object *o, const char *key, uint32_t *ret,
                          ingot_error *reterr);
int ingot_pcr_mask_encode(struct json_object *o, const char *key, uint32_t mask,
                          ingot_error *reterr);
