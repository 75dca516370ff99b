/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Patterns of names as sysupdate.d(5) has them in MatchPattern=: literals, and fields "@v". A
 * field stands once, and something literal stands between two fields.
 *
 *     @v version           @u UUID                 @f attributes, hexadecimal
 *     @a no-auto, 0 or 1   @g grow-fs, 0 or 1      @r read-only, 0 or 1
 *     @t time, microseconds @m mode, octal, 0775 at most  @s size, bytes
 *     @d tries done        @l tries left           @h SHA-256, hexadecimal
 *     @@ an at sign
 *
 * A name is matched from left to right without going back: a field ends where the literal behind it
 * is first found, or at a '/'. So a version with '_' in it does not match "a_@v_@u". A "**" and '/'
 * in front of the pattern stand for any folders.
 */
#pragma once

#include "base/error.h"
#include "base/sha256.h"
#include "base/uuid.h"

enum ingot_name_field {
        INGOT_NAME_VERSION,
        INGOT_NAME_UUID,
        INGOT_NAME_FLAGS,
        INGOT_NAME_NO_AUTO,
        INGOT_NAME_GROW_FS,
        INGOT_NAME_READ_ONLY,
        INGOT_NAME_TIME,
        INGOT_NAME_MODE,
        INGOT_NAME_SIZE,
        INGOT_NAME_TRIES_DONE,
        INGOT_NAME_TRIES_LEFT,
        INGOT_NAME_SHA256,
        INGOT_NAME_FIELD_MAX
};

#define INGOT_NAME_VERSION_MAX 255

struct ingot_name_fields {
        unsigned have; /* a bit for each field that is set */
        char version[INGOT_NAME_VERSION_MAX + 1];
        struct ingot_uuid uuid;
        uint8_t sha256[INGOT_SHA256_SIZE];
        uint64_t number[INGOT_NAME_FIELD_MAX]; /* of the others */
};

/* A version is letters, digits, and . - ~ ^ _ + alone. */
bool ingot_version_valid(const char *version);

void ingot_name_set_version(struct ingot_name_fields *f, const char *version);
void ingot_name_set_number(struct ingot_name_fields *f, enum ingot_name_field field,
                           uint64_t value);
static inline bool ingot_name_has(const struct ingot_name_fields *f, enum ingot_name_field field)
{
        return f->have >> field & 1;
}

/* FORMAT: a character or field that there is not, a field twice, two without anything between, no
 * version. */
int ingot_name_pattern_check(const char *pattern, ingot_error *reterr);

/* 0: the name matches; 1: it does not; 2: it ends where the pattern has a '/': go into the folder.
 * FORMAT: the pattern is none. */
int ingot_name_match(const char *pattern, const char *name, struct ingot_name_fields *ret,
                     ingot_error *reterr);

/* The name that has these fields; the caller frees. NOTFOUND: the pattern has a field that is not
 * set. */
int ingot_name_make(const char *pattern, const struct ingot_name_fields *fields, char **ret,
                    ingot_error *reterr);
