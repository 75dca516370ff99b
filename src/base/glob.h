/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Globs over paths, the same in every locale: '*' and '?' (one UTF-8 character) do not match '/',
 * "[a-z]" and "[!a-z]" match one byte but '/', a backslash takes the next byte as it is, and "**"
 * as a whole component matches any number of components; at the end, one at least: "doc/" and "**"
 * is everything below doc, but not doc. Takes time of at most pattern times path.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool ingot_glob_match(const char *pattern, const char *path);

/* The length of PATTERN's leading components that hold nothing special, without the last '/'. */
size_t ingot_glob_literal(const char *pattern);
