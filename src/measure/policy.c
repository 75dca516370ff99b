/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy digests: SHA-256 over what was before, the command's code, and its arguments. */
#include "measure/policy.h"
#include "base/bytes.h"

#define CC_POLICY_NV_WRITTEN 0x0000018f
#define CC_POLICY_SIGNED 0x00000160
#define CC_POLICY_AUTHORIZE 0x0000016a
#define CC_POLICY_AUTH_VALUE 0x0000016b
#define CC_POLICY_PCR 0x0000017f
#define CC_POLICY_OR 0x00000171
#define CC_POLICY_AUTHORIZE_NV 0x00000192

#define ALGORITHM_SHA256 0x000b
#define SELECT_SIZE 3 /* bytes of a bitmap of 24 PCRs */

static void absorb(struct ingot_sha256 *h, struct ingot_span data)
{
        if (data.size > 0)
                ingot_sha256_update(h, data.data, data.size);
}

static void extend(struct ingot_policy *p, uint32_t command, struct ingot_span first,
                   struct ingot_span second)
{
        struct ingot_sha256 h;
        uint8_t code[4];
        ingot_be32_store(code, command);
        ingot_sha256_init(&h);
        ingot_sha256_update(&h, p->digest, sizeof(p->digest));
        ingot_sha256_update(&h, code, sizeof(code));
        absorb(&h, first);
        absorb(&h, second);
        ingot_sha256_final(&h, p->digest);
}

/* The specification's PolicyUpdate(): the reference is extended even when it is empty. */
static void update(struct ingot_policy *p, uint32_t command, struct ingot_span name,
                   struct ingot_span reference)
{
        struct ingot_sha256 h;
        extend(p, command, name, (struct ingot_span){0});
        ingot_sha256_init(&h);
        ingot_sha256_update(&h, p->digest, sizeof(p->digest));
        absorb(&h, reference);
        ingot_sha256_final(&h, p->digest);
}

void ingot_policy_pcr(struct ingot_policy *p, enum ingot_bank bank, uint32_t mask,
                      struct ingot_span values)
{
        uint8_t selection[4 + 2 + 1 + SELECT_SIZE], digest[INGOT_SHA256_SIZE];
        ingot_be32_store(selection, 1); /* one bank */
        ingot_be16_store(selection + 4, ingot_bank_algorithm(bank));
        selection[6] = SELECT_SIZE;
        for (unsigned i = 0; i < SELECT_SIZE; i++)
                selection[7 + i] = (uint8_t) (mask >> 8 * i);
        ingot_sha256_of(values.data, values.size, digest);
        extend(p, CC_POLICY_PCR, INGOT_SPAN(selection, sizeof(selection)),
               INGOT_SPAN(digest, sizeof(digest)));
}

void ingot_policy_of_pcr(enum ingot_bank bank, unsigned pcr, const uint8_t *value,
                         uint8_t ret[INGOT_SHA256_SIZE])
{
        struct ingot_policy p = {0};
        ingot_policy_pcr(&p, bank, 1u << pcr, INGOT_SPAN(value, ingot_bank_size(bank)));
        memcpy(ret, p.digest, sizeof(p.digest));
}

void ingot_policy_auth_value(struct ingot_policy *p)
{
        extend(p, CC_POLICY_AUTH_VALUE, (struct ingot_span){0}, (struct ingot_span){0});
}

void ingot_policy_nv_written(struct ingot_policy *p, bool written)
{
        uint8_t yes = written;
        extend(p, CC_POLICY_NV_WRITTEN, INGOT_SPAN(&yes, 1), (struct ingot_span){0});
}

void ingot_policy_signed(struct ingot_policy *p, struct ingot_span key_name,
                         struct ingot_span reference)
{
        update(p, CC_POLICY_SIGNED, key_name, reference);
}

void ingot_policy_authorize(struct ingot_policy *p, struct ingot_span key_name,
                            struct ingot_span reference)
{
        *p = (struct ingot_policy){0};
        update(p, CC_POLICY_AUTHORIZE, key_name, reference);
}

void ingot_policy_authorize_nv(struct ingot_policy *p, struct ingot_span nv_name)
{
        *p = (struct ingot_policy){0};
        extend(p, CC_POLICY_AUTHORIZE_NV, nv_name, (struct ingot_span){0});
}

int ingot_policy_or(struct ingot_policy *p, const struct ingot_policy *branches, size_t count,
                    ingot_error *reterr)
{
        if (count < 2)
                return ingot_fail(reterr, INGOT_E_USAGE, "a choice between %zu policies is none",
                                  count);
        if (count > INGOT_POLICY_OR_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT,
                                  "%zu policies to choose from: a TPM takes %d at once", count,
                                  INGOT_POLICY_OR_MAX);
        struct ingot_policy chosen = {0};
        extend(&chosen, CC_POLICY_OR, INGOT_SPAN(branches, count * sizeof(*branches)),
               (struct ingot_span){0});
        *p = chosen;
        return 0;
}

/* The digest of a group of branches; of one it is itself. */
static void group(const struct ingot_policy *branches, size_t count, struct ingot_policy *ret)
{
        if (count == 1)
                *ret = branches[0];
        else
                (void) ingot_policy_or(ret, branches, count, NULL);
}

/* Node INDEX of those that each stand for SIZE branches, a power of 8. */
static void node(const struct ingot_policy *branches, size_t count, size_t size, size_t index,
                 struct ingot_policy *ret)
{
        struct ingot_policy below[INGOT_POLICY_OR_MAX];
        size_t at = index * size, n = 0;
        if (size == 1) {
                *ret = branches[index];
                return;
        }
        size_t part = size / INGOT_POLICY_OR_MAX;
        for (; n < INGOT_POLICY_OR_MAX && at + n * part < count; n++)
                node(branches, count, part, at / part + n, below + n);
        group(below, n, ret);
}

int ingot_policy_or_path(const struct ingot_policy *branches, size_t count, size_t index,
                         struct ingot_policy_or ret[INGOT_POLICY_OR_DEPTH_MAX], size_t *ret_count,
                         ingot_error *reterr)
{
        size_t part = 1, depth = 0;
        if (count < 2 || index >= count)
                return ingot_fail(reterr, INGOT_E_USAGE, "no policy %zu among %zu", index, count);
        for (; part < count; part *= INGOT_POLICY_OR_MAX) {
                if (part >= (size_t) 1 << 3 * INGOT_POLICY_OR_DEPTH_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "%zu policies to choose from",
                                          count);
                size_t first = index / part / INGOT_POLICY_OR_MAX * INGOT_POLICY_OR_MAX;
                struct ingot_policy_or *step = ret + depth;
                *step = (struct ingot_policy_or){0};
                for (; step->count < INGOT_POLICY_OR_MAX && (first + step->count) * part < count;
                     step->count++)
                        node(branches, count, part, first + step->count,
                             step->branches + step->count);
                depth += step->count > 1;
        }
        *ret_count = depth;
        return 0;
}

int ingot_policy_or_nested(struct ingot_policy *p, const struct ingot_policy *branches,
                           size_t count, ingot_error *reterr)
{
        struct ingot_policy_or path[INGOT_POLICY_OR_DEPTH_MAX];
        size_t depth;
        int r = ingot_policy_or_path(branches, count, 0, path, &depth, reterr);
        return r < 0 ? r
                     : ingot_policy_or(p, path[depth - 1].branches, path[depth - 1].count, reterr);
}

void ingot_policy_name(struct ingot_span public_area, uint8_t ret[INGOT_POLICY_NAME_SIZE])
{
        ingot_be16_store(ret, ALGORITHM_SHA256);
        ingot_sha256_of(public_area.data, public_area.size, ret + 2);
}
