/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Matching with two places to come back to: the last '*' and the last "**". */
#include "base/glob.h"

#include <string.h>

/* Does the set at P ("[...]") hold C? *end is behind it, or P when it is no whole set. */
static bool set_holds(const char *p, unsigned char c, const char **end)
{
        const char *start = p++;
        bool negated = *p == '!' || *p == '^', held = false;
        if (negated)
                p++;
        for (bool first = true; *p && (first || *p != ']'); first = false) {
                unsigned char low = (unsigned char) *p++, high = low;
                if (*p == '-' && p[1] && p[1] != ']') {
                        high = (unsigned char) p[1];
                        p += 2;
                }
                held |= c >= low && c <= high;
        }
        *end = *p == ']' ? p + 1 : start;
        return held != negated;
}

/* Matches one element of the pattern, which is no star, with the start of S. */
static bool step(const char **p, const char **s)
{
        const char *at = *p, *end;
        if (*at == '?' && **s != '/') {
                (*s)++;
                while (((unsigned char) **s & 0xc0) == 0x80)
                        (*s)++;
                *p = at + 1;
                return true;
        }
        if (*at == '[') {
                bool held = set_holds(at, (unsigned char) **s, &end);
                if (end != at) {
                        *p = end;
                        return held && *(*s)++ != '/';
                }
        }
        if (*at == '\\' && at[1])
                at++;
        if (*at != **s)
                return false;
        *p = at + 1;
        (*s)++;
        return true;
}

bool ingot_glob_match(const char *pattern, const char *path)
{
        const char *p = pattern, *s = path, *begin = path;
        const char *star = NULL, *star_at = NULL, *deep = NULL, *deep_at = NULL;
        while (*s) {
                bool component = (s == begin || s[-1] == '/') && (p == pattern || p[-1] == '/');
                if (component && p[0] == '*' && p[1] == '*' && (p[2] == '/' || !p[2])) {
                        if (!p[2])
                                return true;
                        p = deep = p + 3;
                        deep_at = s;
                        star = NULL;
                        continue;
                }
                if (*p == '*') {
                        star = ++p;
                        star_at = s;
                        continue;
                }
                const char *p_next = p, *s_next = s;
                if (*p && step(&p_next, &s_next)) {
                        p = p_next;
                        s = s_next;
                } else if (star && *star_at && *star_at != '/') {
                        s = ++star_at;
                        p = star;
                } else if (deep && (deep_at = strchr(deep_at, '/'))) {
                        s = ++deep_at;
                        p = deep;
                        star = NULL;
                } else {
                        return false;
                }
        }
        while (*p == '*')
                p++;
        return *p == 0;
}

size_t ingot_glob_literal(const char *pattern)
{
        size_t special = strcspn(pattern, "*?[\\");
        if (!pattern[special])
                return special;
        while (special > 0 && pattern[special] != '/')
                special--;
        return special;
}
