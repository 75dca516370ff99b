/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Profiles of a UKI (UAPI.5, "Multi-Profile UKIs"): further entries of the boot menu with the same
 * kernel and initrd, and a command line of their own. A recipe's line Boot.Profile adds one:
 *
 *     Profile=ID:TITLE:WORDS        WORDS are added to the command line of the image
 *
 * A UKI with profiles has one more, the first, with the ID "main": what it is without them.
 */
#pragma once

#include "base/buffer.h"
#include "image/recipe.h"

#define INGOT_PROFILE_MAIN "main"

struct ingot_profile {
        char *id, *title; /* of the first: "main", and NULL */
        char *words;      /* added to the command line; NULL: none */
        char *text;       /* the section .profile */
};

struct ingot_profiles {
        struct ingot_profile *items; /* none, or the first and those of the recipe */
        size_t count;
};

void ingot_profiles_done(struct ingot_profiles *p);
#define _cleanup_profiles_ __attribute__((cleanup(ingot_profiles_done)))

/* FORMAT, with the line's origin: not ID:TITLE[:WORDS], an ID that is none (a to z, digits, '-' and
 * '_') or is there twice, a title that .profile cannot hold, words that cannot be added; LIMIT. */
int ingot_profiles_of_recipe(const struct ingot_recipe *recipe, struct ingot_profiles *ret,
                             ingot_error *reterr);

/* Words for the kernel's command line, as KEY of a recipe gives them at ORIGIN: FORMAT for
 * roothash=, which is the build's alone. */
int ingot_command_line_check(const char *word, const char *key, const char *origin,
                             ingot_error *reterr);
