/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what was found to what verifies. */
#include "trust/voa-keys.h"
#include "trust/voa-name.h"

/* The links one behind another: "a -> b, b -> c". */
static int join(const struct ingot_strings *links, char **ret, ingot_error *reterr)
{
        struct ingot_buffer text = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < links->count; i++)
                r = ingot_buffer_printf(&text, reterr, "%s%s", i ? ", " : "", links->items[i]);
        if (r < 0)
                ingot_buffer_done(&text);
        else
                *ret = (char *) ingot_buffer_take(&text);
        return r;
}

static int add_revocations(const struct ingot_voa_revocations *v, const char *load_path,
                           struct ingot_key_files *keys, ingot_error *reterr)
{
        struct ingot_key_file f = {.technology = INGOT_TECHNOLOGY_SSH, .revokes = true};
        int r = ingot_strdup(&f.path, v->path, reterr);
        if (r >= 0)
                r = ingot_strdup(&f.load_path, load_path, reterr);
        if (r >= 0)
                r = ingot_buffer_append(&f.content, v->content.data, v->content.size, reterr);
        int e = ingot_key_files_take(keys, &f, r < 0 ? NULL : reterr);
        return r < 0 ? r : e;
}

int ingot_voa_keys(const struct ingot_voa_result *result, const struct ingot_voa_paths *paths,
                   struct ingot_key_files *keys, ingot_error *reterr)
{
        const struct ingot_voa_verifier *v;
        size_t at = 0;
        int r = 0;
        keys->anchored = keys->anchored || result->anchored;
        for (size_t i = 0; r >= 0 && i < result->revocations_count; i++)
                r = add_revocations(result->revocations + i,
                                    paths->items[result->revocations[i].load_path].path, keys,
                                    reterr);
        for (size_t i = 0; r >= 0 && i < result->mask_count; i++)
                if (result->masks[i].technology == INGOT_TECHNOLOGY_SSH &&
                    !ingot_voa_purpose_is_anchor(result->masks[i].purpose))
                        r = ingot_strings_add(&keys->masked, result->masks[i].name, reterr);
        while (r >= 0 && (v = ingot_voa_next_used(result, &at))) {
                struct ingot_key_file f = {.technology = v->technology, .anchor = v->anchor};
                r = ingot_strdup(&f.path, v->path, reterr);
                if (r >= 0)
                        r = ingot_strdup(&f.load_path, paths->items[v->load_path].path, reterr);
                if (r >= 0 && v->links.count > 0)
                        r = join(&v->links, &f.link, reterr);
                if (r >= 0)
                        r = ingot_buffer_append(&f.content, v->content.data, v->content.size,
                                                reterr);
                int e = ingot_key_files_take(keys, &f, r < 0 ? NULL : reterr);
                r = r < 0 ? r : e;
        }
        return r;
}
