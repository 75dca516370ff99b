/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/luks-token.h"
#include "base/cleanup.h"
#include "base/json-read.h"
#include "format/luks2.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 32

void ingot_luks_tokens_done(struct ingot_luks_tokens *t)
{
        for (size_t i = 0; i < t->count; i++) {
                free(t->items[i].type);
                free(t->items[i].problem);
                ingot_strings_done(&t->items[i].slots);
                ingot_sealed_done(&t->items[i].sealed);
        }
        free(t->items);
        *t = (struct ingot_luks_tokens){0};
}

static int decode_slots(struct json_object *o, struct ingot_strings *ret, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_get_array(o, "keyslots", SLOTS_MAX, &list, reterr);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                struct json_object *slot = json_object_array_get_idx(list, i);
                if (!json_object_is_type(slot, json_type_string))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "'keyslots' has what is no text");
                r = ingot_strings_add(ret, json_object_get_string(slot), reterr);
        }
        return r;
}

static int decode_token(struct json_object *o, struct ingot_luks_token *t, ingot_error *reterr)
{
        ingot_error error = {0};
        const char *type;
        int r = ingot_json_get_text(o, "type", &type, reterr);
        if (r >= 0)
                r = ingot_strdup(&t->type, type, reterr);
        if (r >= 0)
                r = decode_slots(o, &t->slots, reterr);
        if (r < 0 || strcmp(type, "systemd-tpm2") != 0)
                return r;
        r = ingot_sealed_decode_object(o, &t->sealed, &error);
        if (r == -INGOT_E_NOMEM)
                return ingot_fail_nomem(reterr);
        return r < 0 ? ingot_strdup(&t->problem, error.text, reterr) : 0;
}

static int add_token(struct ingot_luks_tokens *all, const char *id, struct json_object *o,
                     ingot_error *reterr)
{
        uint64_t number;
        if (all->count == INGOT_LUKS_TOKENS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d tokens",
                                  INGOT_LUKS_TOKENS_MAX);
        if (!ingot_parse_u64(id, &number))
                return ingot_fail(reterr, INGOT_E_FORMAT, "token '%s' has no number", id);
        struct ingot_luks_token *t = all->items + all->count++;
        t->id = number;
        return ingot_under(reterr, decode_token(o, t, reterr), "token %s", id);
}

static bool has_token(const struct ingot_luks_tokens *all, const char *slot)
{
        for (size_t i = 0; i < all->count; i++)
                if (ingot_strings_contains(&all->items[i].slots, slot))
                        return true;
        return false;
}

int ingot_luks_tokens_decode(struct ingot_span json, struct ingot_luks_tokens *ret,
                             ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_luks_tokens_ struct ingot_luks_tokens all = {0};
        struct json_object *tokens, *slots;
        int r = ingot_json_parse(json, INGOT_LUKS2_JSON_MAX, &o, reterr);
        if (r >= 0)
                r = ingot_json_get_object(o, "tokens", &tokens, reterr);
        if (r >= 0)
                r = ingot_json_get_object(o, "keyslots", &slots, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "LUKS header");
        all.items = calloc(INGOT_LUKS_TOKENS_MAX, sizeof(*all.items));
        if (!all.items)
                return ingot_fail_nomem(reterr);
        json_object_object_foreach(tokens, id, token)
        {
                r = add_token(&all, id, token, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "LUKS header");
        }
        json_object_object_foreach(slots, slot, unused)
        {
                (void) unused;
                all.slots++;
                all.passphrases += !has_token(&all, slot);
        }
        *ret = all;
        all = (struct ingot_luks_tokens){0};
        return 0;
}

int ingot_luks_tokens_of(const struct ingot_reader *volume, struct ingot_luks_tokens *ret,
                         ingot_error *reterr)
{
        _cleanup_luks2_ struct ingot_luks2 header = {0};
        int r = ingot_luks2_read(volume, &header, reterr);
        return r < 0 ? r : ingot_luks_tokens_decode(ingot_buffer_span(&header.json), ret, reterr);
}

int ingot_luks_tokens_read(const char *path, struct ingot_luks_tokens *ret, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        int r = ingot_file_open(&file, path, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&file);
        return ingot_under(reterr, ingot_luks_tokens_of(&reader, ret, reterr), "%s", path);
}

bool ingot_luks_tokens_have_recovery(const struct ingot_luks_tokens *t)
{
        for (size_t i = 0; i < t->count; i++)
                if (strcmp(t->items[i].type, "systemd-recovery") == 0)
                        return true;
        return false;
}
