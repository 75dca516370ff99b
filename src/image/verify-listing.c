/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Release files against what they name: each file is there, with that size and digest. */
#include "base/text.h"
#include "image/verify-state.h"

#include <inttypes.h>
#include <string.h>

#define CHECK "release file"

static int check_item(const struct ingot_verify_file *f, const struct ingot_verify_listed *item,
                      ingot_error *reterr)
{
        if (!f)
                return ingot_fail(reterr, INGOT_E_REFUSED, "%.200s is named, and is not here",
                                  item->name);
        if (f->reader.size != item->size)
                return ingot_fail(reterr, INGOT_E_REFUSED, "it has %" PRIu64 " bytes, not %" PRIu64,
                                  f->reader.size, item->size);
        if (!f->digest_known)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "cannot be read");
        return memcmp(f->sha256, item->sha256, sizeof(f->sha256)) == 0
                       ? 0
                       : ingot_fail(reterr, INGOT_E_REFUSED, "it has another digest");
}

static int visit_item(struct ingot_verify *v, const struct ingot_verify_listing *l,
                      const struct ingot_verify_file *listing,
                      const struct ingot_verify_listed *item, ingot_error *reterr)
{
        struct ingot_verify_file *f = ingot_verify_find(v, item->name);
        ingot_error error = {0};
        char *where;
        int e = check_item(f, item, &error), r;
        if (e == 0 && listing) {
                /* What nobody signed vouches for nothing once it is asked who signed. */
                f->listed = f->listed || listing->is_signed || !v->options->release;
                if (!f->listed_by || !f->listed_by->is_signed)
                        f->listed_by = listing;
        }
        if (!f && !listing)
                r = ingot_strdup(&where, item->name, reterr);
        else
                r = ingot_verify_where(v, f ? f : listing, NULL, NULL, &where, reterr);
        return r < 0 ? r : ingot_verify_result(v, CHECK, where, l->file, e, &error, reterr);
}

int ingot_verify_listings(struct ingot_verify *v, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < v->options->listing_count && r >= 0; i++) {
                const struct ingot_verify_listing *l = v->options->listings + i;
                struct ingot_verify_file *f = l->file ? ingot_verify_find(v, l->file) : NULL;
                char *where;
                if (f) {
                        f->is_signed = l->state == INGOT_FINDING_HOLDS;
                        f->covered = f->is_signed && l->covered;
                        r = ingot_verify_where(v, f, NULL, NULL, &where, reterr);
                        if (r >= 0)
                                r = ingot_verify_add(v, CHECK, where, l->state, l->by, l->why,
                                                     reterr);
                }
                for (size_t k = 0; k < l->count && r >= 0; k++)
                        r = visit_item(v, l, f, l->items + k, reterr);
        }
        return r;
}
