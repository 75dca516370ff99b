/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .pcrlock: read and written. */
#include "measure/pcrlock-file.h"
#include "base/json-read.h"
#include "measure/record-json.h"
#include "measure/replay.h"

#include <inttypes.h>

static int decode_record(struct json_object *o, struct ingot_records *ret, ingot_error *reterr)
{
        struct ingot_record *record;
        int r = ingot_records_add(ret, &record, reterr);
        if (r >= 0)
                r = ingot_record_read_json(o, record, reterr);
        if (r >= 0 && record->pcr >= INGOT_PCR_COUNT)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "there is no PCR %" PRIu32, record->pcr);
        return r;
}

int ingot_pcrlock_file_decode(struct ingot_span text, struct ingot_records *ret,
                              ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        size_t count = ret->count;
        int r = ingot_json_parse(text, INGOT_PCRLOCK_FILE_SIZE_MAX, &o, reterr);
        if (r >= 0)
                r = ingot_json_get_array(o, "records", INGOT_RECORDS_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++)
                r = ingot_under(reterr,
                                decode_record(json_object_array_get_idx(list, i), ret, reterr),
                                "record %zu", i + 1);
        if (r < 0)
                ret->count = count;
        return r;
}

int ingot_pcrlock_file_encode(const struct ingot_records *records, struct ingot_buffer *ret,
                              ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list, *item;
        const char *text;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "records", &list, reterr);
        for (size_t i = 0; r >= 0 && i < records->count; i++) {
                r = ingot_json_add_object(list, NULL, &item, reterr);
                if (r >= 0)
                        r = ingot_record_add_json(item, records->items + i, reterr);
        }
        if (r >= 0)
                r = ingot_json_text(o, false, &text, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "%s\n", text);
}
