/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/explain-align.h"

#include "base/cleanup.h"

#include <stdlib.h>

#define CELLS_MAX ((size_t) 4 << 20) /* of the table of lengths, 2 bytes each */

void explain_list_done(struct explain_list *list)
{
        free(list->items);
        free(list->common);
        *list = (struct explain_list){0};
}

static bool same_place(const struct ingot_record *a, const struct ingot_record *b)
{
        return a->pcr == b->pcr && a->nv_index == b->nv_index;
}

int explain_list_of(const struct ingot_explain_side *side, const struct ingot_record *record,
                    struct explain_list *ret, ingot_error *reterr)
{
        struct explain_list list = {
                .side = side,
                .items = calloc(side->count + 1, sizeof(*list.items)),
                .common = calloc(side->count + 1, sizeof(*list.common)),
        };
        if (!list.items || !list.common) {
                explain_list_done(&list);
                return ingot_fail_nomem(reterr);
        }
        for (size_t i = 0; i < side->count; i++)
                if (same_place(&side->events[i].record, record))
                        list.items[list.count++] = i;
        *ret = list;
        return 0;
}

static bool equal(const struct explain_list *a, size_t i, const struct explain_list *b, size_t k)
{
        return ingot_record_equal(&a->side->events[a->items[i]].record,
                                  &b->side->events[b->items[k]].record);
}

/* lengths[i][k]: how much A from i on and B from k on have in common. */
static void mark_common(struct explain_list *a, struct explain_list *b, size_t first, size_t n,
                        size_t m, uint16_t *lengths)
{
        size_t width = m + 1;
        for (size_t i = n; i-- > 0;)
                for (size_t k = m; k-- > 0;) {
                        uint16_t down = lengths[(i + 1) * width + k],
                                 right = lengths[i * width + k + 1];
                        lengths[i * width + k] =
                                equal(a, first + i, b, first + k)
                                        ? (uint16_t) (lengths[(i + 1) * width + k + 1] + 1)
                                : down > right ? down
                                               : right;
                }
        for (size_t i = 0, k = 0; i < n && k < m;) {
                if (equal(a, first + i, b, first + k))
                        a->common[first + i++] = b->common[first + k++] = true;
                else if (lengths[(i + 1) * width + k] >= lengths[i * width + k + 1])
                        i++;
                else
                        k++;
        }
}

int explain_align(struct explain_list *a, struct explain_list *b, ingot_error *reterr)
{
        size_t first = 0, n = a->count, m = b->count;
        for (; first < n && first < m && equal(a, first, b, first); first++)
                a->common[first] = b->common[first] = true;
        for (; n > first && m > first && equal(a, n - 1, b, m - 1); n--, m--)
                a->common[n - 1] = b->common[m - 1] = true;
        n -= first;
        m -= first;
        if (n == 0 || m == 0 || n >= UINT16_MAX || m >= UINT16_MAX ||
            (n + 1) * (m + 1) > CELLS_MAX)
                return 0;
        _cleanup_free_ uint16_t *lengths = calloc((n + 1) * (m + 1), sizeof(*lengths));
        if (!lengths)
                return ingot_fail_nomem(reterr);
        mark_common(a, b, first, n, m, lengths);
        return 0;
}
