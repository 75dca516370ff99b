/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The paragraphs of Debian control data (deb-control(5), Debian policy 5.1; the name is from the
 * mail headers of RFC 822 that it is like): Release, Packages, control and status files.
 *
 *     struct ingot_deb822 d = ingot_deb822_over(span);
 *     while ((r = ingot_deb822_paragraph(&d, err)) > 0)
 *             while ((r = ingot_deb822_field(&d, &field, err)) > 0)
 *                     …
 *
 * Nothing is copied: names and values are spans of the input.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct ingot_deb822 {
        struct ingot_span text;
        size_t at;
        size_t paragraph; /* where the paragraph that is read begins */
        size_t line;      /* of the last field, from 1 */
};

struct ingot_deb822_field {
        struct ingot_span name;
        struct ingot_span value; /* without blanks at its ends; continuation lines as they stand */
};

static inline struct ingot_deb822 ingot_deb822_over(struct ingot_span text)
{
        return (struct ingot_deb822){.text = text};
}

/* Goes to the next paragraph, past what was not read of this one: 1, or 0 at the end. */
int ingot_deb822_paragraph(struct ingot_deb822 *d, ingot_error *reterr);

/* The next field of this paragraph: 1, or 0 at its end. FORMAT names the line. */
int ingot_deb822_field(struct ingot_deb822 *d, struct ingot_deb822_field *ret,
                       ingot_error *reterr);

/* Is the field's name this one? Case does not matter (policy 5.1). */
bool ingot_deb822_is(const struct ingot_deb822_field *f, const char *name);

/* Cuts the next word off a value: runs of anything but blanks and newlines. False at the end. */
bool ingot_deb822_word(struct ingot_span *value, struct ingot_span *ret);

static inline bool ingot_span_is(struct ingot_span s, const char *text)
{
        return s.size == strlen(text) && memcmp(s.data, text, s.size) == 0;
}
