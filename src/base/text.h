/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text: small string helpers and lists of strings. Strings are NUL-terminated, the caller frees. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list of owned strings. */
struct ingot_strings {
        char **items;
        size_t count;
        size_t allocated;
};

void ingot_strings_done(struct ingot_strings *s);
int ingot_strings_add(struct ingot_strings *s, const char *text, ingot_error *reterr);
int ingot_strings_add_n(struct ingot_strings *s, const char *text, size_t size,
                        ingot_error *reterr);
bool ingot_strings_contains(const struct ingot_strings *s, const char *text);
/* In byte order; duplicates stay. */
void ingot_strings_sort(struct ingot_strings *s);
/* Splits at runs of any byte of SEPARATORS; empty words are dropped. */
int ingot_strings_split(struct ingot_strings *s, const char *text, const char *separators,
                        ingot_error *reterr);

#define _cleanup_strings_ __attribute__((cleanup(ingot_strings_done)))

/* A formatted string in *ret. */
int ingot_format(char **ret, ingot_error *reterr, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
int ingot_strdup(char **ret, const char *text, ingot_error *reterr);

bool ingot_starts_with(const char *text, const char *prefix);
bool ingot_ends_with(const char *text, const char *suffix);

/* Lower-case hex of SIZE bytes into RET, which has room for 2 * SIZE + 1. */
void ingot_hex(char *ret, const uint8_t *data, size_t size);
/* Exactly 2 * SIZE hex digits of either case; false otherwise. */
bool ingot_unhex(uint8_t *ret, size_t size, const char *text);

/* Decimal without sign or spaces; false when malformed or out of range. */
bool ingot_parse_u64(const char *text, uint64_t *ret);
/* A size in bytes: decimal with an optional K, M, G or T (powers of 1024). */
bool ingot_parse_size(const char *text, uint64_t *ret);
/* "yes", "true", "on", "1" and their opposites. */
bool ingot_parse_bool(const char *text, bool *ret);

/* "12.3M": three digits at most and a unit of 1024; RET has room for 16 bytes. */
void ingot_human_size(char ret[16], uint64_t size);

/* The nearest of COUNT candidates by edit distance, or NULL when none is near enough to be meant. */
const char *ingot_nearest(const char *text, const char *const *candidates, size_t count);

/* A copy in which control characters, and bytes that are no UTF-8, are written as \xNN: safe for a
 * terminal. NULL when out of memory. */
char *ingot_escape(const char *text);
bool ingot_utf8_valid(const char *text);
