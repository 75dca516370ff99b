/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Contents of a signing request out of what a build has: files with holes where answers will go,
 * and texts with digests that are not known yet.
 */
#pragma once

#include "base/io.h"
#include "image/sign-request.h"

/* Where an answer goes: [from, to) of what is described. */
struct ingot_sign_hole {
        uint64_t from, to;
        enum ingot_sign_part_kind kind;
        size_t thing;
};

#define INGOT_SIGN_LITERAL_MAX ((uint64_t) 1 << 20) /* of one part: holes stand near the end */

/* [from, to) of R as the parts of C: the state behind what is known, by C's algorithm, then the
 * rest with its holes, which are in their order. INTERNAL when too much stands behind the first
 * hole. */
int ingot_sign_describe(struct ingot_sign_content *c, const struct ingot_reader *r, uint64_t from,
                        uint64_t to, const struct ingot_sign_hole *holes, size_t count,
                        ingot_error *reterr);

/* Digests that stand in a text for those that contents will have. */
struct ingot_sign_marks {
        struct ingot_sign_mark {
                char hex[2 * INGOT_BANK_SIZE_MAX + 1];
                size_t content;
        } * items;
        size_t count;
};
void ingot_sign_marks_done(struct ingot_sign_marks *marks);

/* DIGEST, in hexadecimal digits in a text, stands for that of CONTENT. Where it stands for another
 * content already it goes on to. */
int ingot_sign_mark_as(struct ingot_sign_marks *marks, const uint8_t *digest, size_t size,
                       size_t content, ingot_error *reterr);
/* The same with a digest that is made up for it; RET has room for SIZE bytes, at least 20. */
int ingot_sign_mark(struct ingot_sign_marks *marks, size_t size, size_t content, uint8_t *ret,
                    ingot_error *reterr);

/* TEXT as a new content of that name; each mark in it becomes what it stands for. */
int ingot_sign_add_text(struct ingot_sign_request *q, const struct ingot_sign_marks *marks,
                        const char *name, const char *text, ingot_error *reterr);
