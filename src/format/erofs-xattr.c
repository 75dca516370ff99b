/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extended attributes: a pair of name and value that several inodes have stands once in the shared
 * area, and each names it by its place; the others stand behind their inode.
 */
#include "format/erofs-write.h"

static uint32_t entry_size(const struct ingot_xattr *x)
{
        const char *rest = NULL;
        ingot_erofs_xattr_prefix(x->name, &rest);
        return (uint32_t) ingot_align_up(INGOT_EROFS_XATTR_ENTRY_SIZE + strlen(rest) + x->size, 4);
}

static void encode_entry(const struct ingot_xattr *x, uint8_t *ret)
{
        const char *rest = NULL;
        memset(ret, 0, entry_size(x));
        ret[1] = ingot_erofs_xattr_prefix(x->name, &rest);
        ret[0] = (uint8_t) strlen(rest);
        ingot_le16_store(ret + 2, (uint16_t) x->size);
        memcpy(ret + INGOT_EROFS_XATTR_ENTRY_SIZE, rest, ret[0]);
        if (x->size > 0)
                memcpy(ret + INGOT_EROFS_XATTR_ENTRY_SIZE + ret[0], x->value, x->size);
}

static int compare(const void *a, const void *b)
{
        const struct ingot_xattr *x = ((const struct ingot_erofs_shared_xattr *) a)->xattr,
                                 *y = ((const struct ingot_erofs_shared_xattr *) b)->xattr;
        int c = strcmp(x->name, y->name);
        if (c == 0 && x->size != y->size)
                return x->size < y->size ? -1 : 1;
        return c ? c : x->size > 0 ? memcmp(x->value, y->value, x->size) : 0;
}

/* The place in the shared area, or NONE_INDEX when it is not shared. */
static uint32_t shared_place(const struct ingot_erofs_plan *plan, const struct ingot_xattr *x)
{
        struct ingot_erofs_shared_xattr key = {.xattr = x};
        const struct ingot_erofs_shared_xattr *found =
                plan->shared_count == 0 ? NULL
                                        : bsearch(&key, plan->shared, plan->shared_count,
                                                  sizeof(*plan->shared), compare);
        return found ? found->at : INGOT_EROFS_NONE_INDEX;
}

static int check(const struct ingot_xattr *x, ingot_error *reterr)
{
        const char *rest = NULL;
        if (ingot_erofs_xattr_prefix(x->name, &rest) == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "erofs has no place for the xattr %s", x->name);
        if (strlen(rest) > UINT8_MAX || x->size > UINT16_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "the xattr %s is too long (%zu bytes)",
                                  x->name, x->size);
        return 0;
}

/* Sorted, and of equal ones only the first, which is shared. */
static void find_shared(struct ingot_erofs_plan *plan)
{
        struct ingot_erofs_shared_xattr *s = plan->shared;
        size_t kept = 0;
        qsort(s, plan->shared_count, sizeof(*s), compare);
        for (size_t i = 0, end; i < plan->shared_count; i = end) {
                for (end = i + 1; end < plan->shared_count && compare(s + i, s + end) == 0; end++)
                        ;
                if (end - i < 2)
                        continue;
                s[kept++] = (struct ingot_erofs_shared_xattr){s[i].xattr, plan->shared_size};
                plan->shared_size += entry_size(s[i].xattr);
        }
        plan->shared_count = kept;
}

static int measure(struct ingot_erofs_plan *plan, struct ingot_erofs_node *node,
                   ingot_error *reterr)
{
        uint64_t size = INGOT_EROFS_XATTR_HEADER_SIZE;
        size_t shared = 0;
        if (node->inode->xattr_count == 0)
                return 0;
        for (size_t i = 0; i < node->inode->xattr_count; i++) {
                const struct ingot_xattr *x = node->inode->xattrs + i;
                bool is_shared = shared < UINT8_MAX &&
                                 shared_place(plan, x) != INGOT_EROFS_NONE_INDEX;
                shared += is_shared;
                size += is_shared ? 4 : entry_size(x);
        }
        if (size > ingot_erofs_xattr_area(UINT16_MAX))
                return ingot_fail(reterr, INGOT_E_LIMIT, "the xattrs of one inode take %llu bytes",
                                  (unsigned long long) size);
        node->xattr_size = (uint32_t) size;
        return 0;
}

int ingot_erofs_xattrs_collect(struct ingot_erofs_plan *plan, ingot_error *reterr)
{
        size_t total = 0;
        char path[512];
        for (size_t i = 0; i < plan->node_count; i++)
                total += plan->nodes[i].inode->xattr_count;
        plan->shared = calloc(total + 1, sizeof(*plan->shared));
        if (!plan->shared)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < plan->node_count; i++) {
                const struct ingot_inode *inode = plan->nodes[i].inode;
                for (size_t k = 0; k < inode->xattr_count; k++) {
                        int r = check(inode->xattrs + k, reterr);
                        if (r < 0) {
                                ingot_erofs_node_path(plan, plan->nodes + i, path);
                                return ingot_under(reterr, r, "%s", path);
                        }
                        plan->shared[plan->shared_count++].xattr = inode->xattrs + k;
                }
        }
        find_shared(plan);
        for (size_t i = 0; i < plan->node_count; i++) {
                int r = measure(plan, plan->nodes + i, reterr);
                if (r < 0) {
                        ingot_erofs_node_path(plan, plan->nodes + i, path);
                        return ingot_under(reterr, r, "%s", path);
                }
        }
        return 0;
}

void ingot_erofs_xattrs_encode(const struct ingot_erofs_plan *plan,
                               const struct ingot_erofs_node *node, uint8_t *ret)
{
        const struct ingot_inode *inode = node->inode;
        uint8_t *at = ret + INGOT_EROFS_XATTR_HEADER_SIZE;
        size_t shared = 0;
        memset(ret, 0, INGOT_EROFS_XATTR_HEADER_SIZE);
        for (size_t i = 0; i < inode->xattr_count && shared < UINT8_MAX; i++) {
                uint32_t place = shared_place(plan, inode->xattrs + i);
                if (place == INGOT_EROFS_NONE_INDEX)
                        continue;
                ingot_le32_store(at, place / 4);
                at += 4;
                shared++;
        }
        ret[4] = (uint8_t) shared;
        for (size_t i = 0, left = shared; i < inode->xattr_count; i++) {
                bool is_shared = shared_place(plan, inode->xattrs + i) != INGOT_EROFS_NONE_INDEX;
                if (is_shared && left > 0) {
                        left--;
                        continue;
                }
                encode_entry(inode->xattrs + i, at);
                at += entry_size(inode->xattrs + i);
        }
}

void ingot_erofs_xattrs_encode_shared(const struct ingot_erofs_plan *plan, uint8_t *ret)
{
        for (size_t i = 0; i < plan->shared_count; i++)
                encode_entry(plan->shared[i].xattr, ret + plan->shared[i].at);
}
