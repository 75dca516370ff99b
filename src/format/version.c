/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop of UAPI.10, section "Version Comparison"; the numbers are its steps. */
#include "format/version.h"

#include <stddef.h>
#include <string.h>

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int order(size_t a, size_t b)
{
        return (a > b) - (a < b);
}

/* 1: what carries no meaning. */
static void skip_separators(const char **p)
{
        while (**p && !is_digit(**p) && !is_letter(**p) && !strchr("-.~^", **p))
                ++*p;
}

/* 2 and 4 to 6: the side that has this character is the lower one; dropped when both have it. */
static int compare_mark(const char **a, const char **b, char mark)
{
        int r = order(**a != mark, **b != mark);
        if (r == 0 && **a == mark) {
                ++*a;
                ++*b;
        }
        return r;
}

/* 7: maximal numbers, as text without leading zeros. */
static int compare_numbers(const char **a, const char **b, bool none_is_zero)
{
        int r = none_is_zero ? 0 : order(is_digit(**a), is_digit(**b));
        if (r != 0)
                return r;
        while (**a == '0')
                ++*a;
        while (**b == '0')
                ++*b;
        size_t n = 0, m = 0;
        while (is_digit((*a)[n]))
                n++;
        while (is_digit((*b)[m]))
                m++;
        r = n != m ? order(n, m) : memcmp(*a, *b, n);
        *a += n;
        *b += m;
        return r;
}

/* 8: maximal runs of letters. */
static int compare_letters(const char **a, const char **b)
{
        size_t n = 0, m = 0;
        while (is_letter((*a)[n]))
                n++;
        while (is_letter((*b)[m]))
                m++;
        int r = memcmp(*a, *b, n < m ? n : m);
        if (r == 0)
                r = order(n, m);
        *a += n;
        *b += m;
        return r;
}

static int compare(const char *a, const char *b, bool none_is_zero)
{
        for (;;) {
                skip_separators(&a);
                skip_separators(&b);
                int r = compare_mark(&a, &b, '~');
                if (r != 0)
                        return r;
                if (!*a || !*b) /* 3 */
                        return order(*a != 0, *b != 0);
                for (const char *mark = "-^."; *mark && r == 0; mark++)
                        r = compare_mark(&a, &b, *mark);
                if (r == 0 && (is_digit(*a) || is_digit(*b)))
                        r = compare_numbers(&a, &b, none_is_zero);
                else if (r == 0)
                        r = compare_letters(&a, &b);
                if (r != 0)
                        return r;
        }
}

int ingot_version_compare(const char *a, const char *b)
{
        return compare(a, b, false);
}

int ingot_version_compare_by_letter(const char *a, const char *b)
{
        return compare(a, b, true);
}
