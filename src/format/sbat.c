/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of .sbat sections and of SbatLevel. */
#include "format/sbat.h"
#include "base/cleanup.h"
#include "base/text.h"

void ingot_sbat_done(struct ingot_sbat *s)
{
        free(s->items);
        *s = (struct ingot_sbat){0};
}

/* "component,generation[,...]" in SIZE bytes. */
static bool decode_line(const char *line, size_t size, struct ingot_sbat_component *ret)
{
        const char *comma = memchr(line, ',', size);
        char number[24] = "";
        if (!comma || comma == line || (size_t) (comma - line) >= sizeof(ret->name))
                return false;
        size_t left = size - (size_t) (comma + 1 - line);
        const char *end = memchr(comma + 1, ',', left);
        size_t digits = end ? (size_t) (end - comma - 1) : left;
        if (digits >= sizeof(number))
                return false;
        memcpy(number, comma + 1, digits);
        memset(ret->name, 0, sizeof(ret->name));
        memcpy(ret->name, line, (size_t) (comma - line));
        return ingot_parse_u64(number, &ret->generation) && ret->generation > 0;
}

static int append(struct ingot_sbat *s, const struct ingot_sbat_component *c, ingot_error *reterr)
{
        struct ingot_sbat_component *items = realloc(s->items, (s->count + 1) * sizeof(*items));
        if (!items)
                return ingot_fail_nomem(reterr);
        s->items = items;
        s->items[s->count++] = *c;
        return 0;
}

int ingot_sbat_decode(struct ingot_span text, struct ingot_sbat *ret, ingot_error *reterr)
{
        _cleanup_sbat_ struct ingot_sbat s = {0};
        if (text.size > INGOT_SBAT_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, ".sbat of %zu bytes", text.size);
        const char *line = (const char *) text.data;
        size_t left = text.size ? strnlen(line, text.size) : 0;
        for (unsigned number = 1; left > 0; number++) {
                const char *end = memchr(line, '\n', left);
                size_t size = end ? (size_t) (end - line) : left, next = size + (end != NULL);
                struct ingot_sbat_component c;
                if (size > 0 && line[size - 1] == '\r')
                        size--;
                if (size > 0 && !decode_line(line, size, &c))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          ".sbat, line %u: no 'component,generation'", number);
                int r = size > 0 ? append(&s, &c, reterr) : 0;
                if (r < 0)
                        return r;
                line += next;
                left -= next;
        }
        *ret = s;
        s = (struct ingot_sbat){0};
        return 0;
}

int ingot_sbat_check(const struct ingot_sbat *image, const struct ingot_sbat *level,
                     ingot_error *reterr)
{
        for (size_t i = 0; i < image->count; i++)
                for (size_t k = 0; k < level->count; k++)
                        if (strcmp(image->items[i].name, level->items[k].name) == 0 &&
                            image->items[i].generation < level->items[k].generation)
                                return ingot_fail(
                                        reterr, INGOT_E_REFUSED,
                                        "component %s is of generation %llu, revoked below %llu",
                                        image->items[i].name,
                                        (unsigned long long) image->items[i].generation,
                                        (unsigned long long) level->items[k].generation);
        return 0;
}
