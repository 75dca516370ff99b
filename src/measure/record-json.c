/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/record-json.h"
#include "base/json-read.h"

#define DIGESTS_MAX 16

/* PCR and NV index are alternatives. */
static int read_place(struct json_object *o, struct ingot_record *ret, ingot_error *reterr)
{
        bool nv = json_object_object_get_ex(o, "nv_index", NULL);
        const char *key = nv ? "nv_index" : "pcr";
        uint64_t value;
        int r = ingot_json_get_u64(o, key, &value, reterr);
        if (r < 0)
                return r;
        if (value > UINT32_MAX || (nv && value == 0))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is none", key);
        *(nv ? &ret->nv_index : &ret->pcr) = (uint32_t) value;
        return 0;
}

static int read_digest(struct json_object *o, struct ingot_record *ret, ingot_error *reterr)
{
        const char *name;
        enum ingot_bank bank;
        int r = ingot_json_get_text(o, "hashAlg", &name, reterr);
        if (r < 0 || !ingot_bank_parse(name, &bank))
                return r;
        if (ret->banks & 1u << bank)
                return ingot_fail(reterr, INGOT_E_FORMAT, "two digests with %s", name);
        r = ingot_json_get_hex(o, "digest", ret->digest[bank], ingot_bank_size(bank), reterr);
        if (r >= 0)
                ret->banks |= 1u << bank;
        return r;
}

static int read_digests(struct json_object *o, struct ingot_record *ret, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_get_array(o, "digests", DIGESTS_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++)
                r = read_digest(json_object_array_get_idx(list, i), ret, reterr);
        if (r >= 0 && ret->banks == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no digest of an algorithm we know");
        return r;
}

int ingot_record_read_json(struct json_object *o, struct ingot_record *ret, ingot_error *reterr)
{
        struct ingot_record record = {0};
        int r = read_place(o, &record, reterr);
        if (r >= 0)
                r = read_digests(o, &record, reterr);
        if (r >= 0)
                *ret = record;
        return r;
}

int ingot_record_add_json(struct json_object *o, const struct ingot_record *record,
                          ingot_error *reterr)
{
        struct json_object *list, *digest;
        int r = record->nv_index ? ingot_json_add_u64(o, "nv_index", record->nv_index, reterr)
                                 : ingot_json_add_u64(o, "pcr", record->pcr, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "digests", &list, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++) {
                if (!(record->banks & 1u << bank))
                        continue;
                r = ingot_json_add_object(list, NULL, &digest, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(digest, "hashAlg", ingot_bank_name(bank), reterr);
                if (r >= 0)
                        r = ingot_json_add_hex(digest, "digest", record->digest[bank],
                                               ingot_bank_size(bank), reterr);
        }
        return r;
}
