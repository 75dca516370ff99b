/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Describing what is not there yet. */
#include "image/sign-describe.h"
#include "base/cleanup.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t) 64 << 10)

static bool all_zeros(const uint8_t *data, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (data[i])
                        return false;
        return true;
}

static int add_literal(struct ingot_sign_content *c, const struct ingot_reader *r, uint64_t from,
                       uint64_t to, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        struct ingot_sign_part *p;
        if (from == to)
                return 0;
        if (to - from > INGOT_SIGN_LITERAL_MAX)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "%s: the end is not small", c->name);
        int e = ingot_buffer_append_zeros(&bytes, (size_t) (to - from), reterr);
        if (e >= 0)
                e = ingot_read_at(r, from, bytes.data, bytes.size, reterr);
        if (e < 0)
                return e;
        bool zeros = all_zeros(bytes.data, bytes.size);
        e = ingot_sign_add_part(c, zeros ? INGOT_SIGN_ZEROS : INGOT_SIGN_BYTES, &p, reterr);
        if (e < 0)
                return e;
        p->size = zeros ? bytes.size : 0;
        if (!zeros) {
                p->bytes = bytes;
                bytes = (struct ingot_buffer){0};
        }
        return 0;
}

/* What the digest knows behind the bytes [from, to), which are whole blocks. */
static int add_state(struct ingot_sign_content *c, const struct ingot_reader *r, uint64_t from,
                     uint64_t to, ingot_error *reterr)
{
        _cleanup_digest_ struct ingot_digest *d = NULL;
        _cleanup_free_ uint8_t *piece = malloc(PIECE);
        struct ingot_sign_part *p;
        uint64_t size = to - from;
        if (size == 0)
                return 0;
        int e = piece ? ingot_digest_new(c->algorithm, &d, reterr) : ingot_fail_nomem(reterr);
        while (e >= 0 && from < to) {
                size_t n = (size_t) ingot_min_u64(PIECE, to - from);
                e = ingot_read_at(r, from, piece, n, reterr);
                if (e >= 0)
                        ingot_digest_update(d, piece, n);
                from += n;
        }
        if (e >= 0)
                e = ingot_sign_add_part(c, INGOT_SIGN_STATE, &p, reterr);
        if (e < 0)
                return e;
        ingot_digest_export(d, p->state);
        p->size = size;
        return 0;
}

int ingot_sign_describe(struct ingot_sign_content *c, const struct ingot_reader *r, uint64_t from,
                        uint64_t to, const struct ingot_sign_hole *holes, size_t count,
                        ingot_error *reterr)
{
        struct ingot_sign_part *p;
        uint64_t known = to, block = ingot_digest_block_size(c->algorithm);
        for (size_t i = 0; i < count; i++)
                if (holes[i].to > from && holes[i].from < known)
                        known = ingot_max_u64(from, holes[i].from);
        uint64_t whole = (known - from) / block * block;
        int e = add_state(c, r, from, from + whole, reterr);
        from += whole;
        for (size_t i = 0; e >= 0 && i < count; i++) {
                uint64_t start = ingot_max_u64(from, holes[i].from);
                uint64_t end = ingot_min_u64(to, holes[i].to);
                if (start >= end)
                        continue;
                e = add_literal(c, r, from, start, reterr);
                if (e >= 0)
                        e = ingot_sign_add_part(c, holes[i].kind, &p, reterr);
                if (e < 0)
                        return e;
                p->of = holes[i].thing;
                p->from = start - holes[i].from;
                p->size = end - start;
                from = end;
        }
        return e < 0 ? e : add_literal(c, r, from, to, reterr);
}

void ingot_sign_marks_done(struct ingot_sign_marks *marks)
{
        free(marks->items);
        *marks = (struct ingot_sign_marks){0};
}

static const struct ingot_sign_mark *find_mark(const struct ingot_sign_marks *marks,
                                               const char *hex, size_t size)
{
        for (size_t i = 0; i < marks->count; i++)
                if (strncmp(marks->items[i].hex, hex, size) == 0 && !marks->items[i].hex[size])
                        return marks->items + i;
        return NULL;
}

int ingot_sign_mark_as(struct ingot_sign_marks *marks, const uint8_t *digest, size_t size,
                       size_t content, ingot_error *reterr)
{
        struct ingot_sign_mark m = {.content = content};
        ingot_hex(m.hex, digest, size);
        if (find_mark(marks, m.hex, 2 * size))
                return 0;
        struct ingot_sign_mark *more =
                reallocarray(marks->items, marks->count + 1, sizeof(*marks->items));
        if (!more)
                return ingot_fail_nomem(reterr);
        marks->items = more;
        more[marks->count++] = m;
        return 0;
}

int ingot_sign_mark(struct ingot_sign_marks *marks, size_t size, size_t content, uint8_t *ret,
                    ingot_error *reterr)
{
        static const char what[] = "a digest of a signing request that is not known yet";
        uint8_t filler[INGOT_SHA256_SIZE];
        ingot_sha256_of(what, sizeof(what), filler);
        for (size_t i = 0; i < size; i++)
                ret[i] = filler[i % sizeof(filler)];
        ingot_be64_store(ret + size - 8, content);
        return ingot_sign_mark_as(marks, ret, size, content, reterr);
}

static int add_bytes(struct ingot_sign_content *c, const char *from, const char *to,
                     ingot_error *reterr)
{
        struct ingot_sign_part *p;
        if (from == to)
                return 0;
        int r = ingot_sign_add_part(c, INGOT_SIGN_BYTES, &p, reterr);
        return r < 0 ? r : ingot_buffer_append(&p->bytes, from, (size_t) (to - from), reterr);
}

int ingot_sign_add_text(struct ingot_sign_request *q, const struct ingot_sign_marks *marks,
                        const char *name, const char *text, ingot_error *reterr)
{
        static const char digits[] = "0123456789abcdef";
        struct ingot_sign_content *c;
        struct ingot_sign_part *p;
        const char *from = text;
        int r = ingot_sign_add_content(q, name, &c, reterr);
        while (r >= 0 && *text) {
                size_t n = strspn(text, digits);
                const struct ingot_sign_mark *m = n > 0 ? find_mark(marks, text, n) : NULL;
                if (m) {
                        r = add_bytes(c, from, text, reterr);
                        if (r >= 0)
                                r = ingot_sign_add_part(c, INGOT_SIGN_DIGEST, &p, reterr);
                        if (r < 0)
                                return r;
                        p->of = m->content;
                        from = text + n;
                }
                text += n;
                text += strcspn(text, digits);
        }
        return r < 0 ? r : add_bytes(c, from, text, reterr);
}
