/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/pcr-mask.h"
#include "base/cleanup.h"
#include "base/json-read.h"
#include "base/text.h"
#include "measure/replay.h"

#include <stdio.h>

int ingot_pcr_mask_parse(const char *text, uint32_t *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        uint32_t mask = 0;
        int r = ingot_strings_split(&words, text, "+,", reterr);
        for (size_t i = 0; r >= 0 && i < words.count; i++) {
                uint64_t pcr;
                if (!ingot_parse_u64(words.items[i], &pcr) || pcr >= INGOT_PCR_COUNT)
                        return ingot_fail(reterr, INGOT_E_USAGE,
                                          "\"%s\" is no PCR: they are 0 to %d, with + between them",
                                          words.items[i], INGOT_PCR_COUNT - 1);
                mask |= 1u << pcr;
        }
        if (r >= 0)
                *ret = mask;
        return r;
}

const char *ingot_pcr_mask_text(uint32_t mask, char ret[INGOT_PCR_MASK_TEXT_MAX])
{
        size_t n = 0;
        ret[0] = 0;
        for (unsigned i = 0; i < INGOT_PCR_COUNT; i++)
                if (mask >> i & 1)
                        n += (size_t) snprintf(ret + n, INGOT_PCR_MASK_TEXT_MAX - n, "%s%u",
                                               n ? "+" : "", i);
        return ret;
}

int ingot_pcr_mask_decode(struct json_object *o, const char *key, uint32_t *ret,
                          ingot_error *reterr)
{
        struct json_object *list;
        uint32_t mask = 0;
        if (!json_object_object_get_ex(o, key, &list) || !list)
                return 1;
        int r = ingot_json_get_array(o, key, INGOT_PCR_COUNT, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                struct json_object *n = json_object_array_get_idx(list, i);
                int64_t pcr = json_object_get_int64(n);
                if (!json_object_is_type(n, json_type_int) || pcr < 0 || pcr >= INGOT_PCR_COUNT)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' has what is no PCR", key);
                mask |= 1u << pcr;
        }
        if (r >= 0)
                *ret = mask;
        return r;
}

int ingot_pcr_mask_encode(struct json_object *o, const char *key, uint32_t mask,
                          ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_add_array(o, key, &list, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                if (mask >> i & 1)
                        r = ingot_json_add_u64(list, NULL, i, reterr);
        return r;
}
