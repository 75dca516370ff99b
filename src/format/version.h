/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Versions, compared as UAPI.10 "Version Format Specification" says: ~ is before the end, then come
 * - ^ . and then letters and digits; numbers by value, of any length; other characters separate.
 */
#pragma once

#include <stdbool.h>

/*
 * Less than, equal to or greater than 0. By systemd's reading (which its tools follow): where one
 * side has a number and the other none, the number is the newer one, even 0.
 */
int ingot_version_compare(const char *a, const char *b);

/* By the letter of the specification: no number is 0. */
int ingot_version_compare_by_letter(const char *a, const char *b);
