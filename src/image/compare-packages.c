/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The packages that a tree's dpkg database says are installed, and what differs between two. */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/deb822.h"
#include "image/compare-tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_MAX (64u << 20)

/* "NAME:ARCHITECTURE VERSION", sorted. */
static int add_package(struct ingot_deb822 *d, struct ingot_strings *ret, ingot_error *reterr)
{
        struct ingot_deb822_field f;
        struct ingot_span name = {0}, architecture = {0}, version = {0}, status = {0};
        int r;
        while ((r = ingot_deb822_field(d, &f, reterr)) > 0) {
                if (ingot_deb822_is(&f, "Package"))
                        name = f.value;
                else if (ingot_deb822_is(&f, "Architecture"))
                        architecture = f.value;
                else if (ingot_deb822_is(&f, "Version"))
                        version = f.value;
                else if (ingot_deb822_is(&f, "Status"))
                        status = f.value;
        }
        if (r < 0 || name.size == 0 || name.size > 255 || version.size > 255 ||
            architecture.size > 64)
                return r;
        /* Status is three words, the last of which is what has become of it. */
        if (status.size < 10 || memcmp(status.data + status.size - 10, " installed", 10) != 0)
                return 0;
        char line[600];
        snprintf(line, sizeof(line), "%.*s:%.*s %.*s", (int) name.size, (const char *) name.data,
                 (int) architecture.size, (const char *) architecture.data, (int) version.size,
                 (const char *) version.data);
        return ingot_strings_add(ret, line, reterr);
}

/* 1 when there is a database, 0 when not. */
static int list_packages(const struct ingot_tree *tree, struct ingot_strings *ret,
                         ingot_error *reterr)
{
        static const char *const places[] = {"usr/lib/sysimage/dpkg/status", "var/lib/dpkg/status"};
        struct ingot_inode *inode = NULL;
        for (size_t i = 0; i < ARRAY_SIZE(places) && !inode; i++)
                inode = ingot_tree_resolve(tree, places[i]);
        if (!inode || inode->type != INGOT_FILE_REGULAR)
                return 0;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_inode_read(inode, STATUS_MAX, &text, &size, reterr);
        if (r < 0)
                return r;
        struct ingot_deb822 d = ingot_deb822_over(INGOT_SPAN(text, size));
        while ((r = ingot_deb822_paragraph(&d, reterr)) > 0) {
                r = add_package(&d, ret, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "dpkg's status");
        }
        if (r < 0)
                return ingot_under(reterr, r, "dpkg's status");
        ingot_strings_sort(ret);
        return 1;
}

static int compare_names(const char *a, const char *b)
{
        size_t n = strcspn(a, " "), m = strcspn(b, " ");
        int order = memcmp(a, b, n < m ? n : m);
        return order ? order : n < m ? -1 : n > m;
}

static int report(struct ingot_comparison *c, const char *where, const char *a, const char *b,
                  ingot_error *reterr)
{
        const char *line = a ? a : b;
        size_t n = strcspn(line, " ");
        _cleanup_free_ char *name = strndup(line, n);
        if (!name)
                return ingot_fail_nomem(reterr);
        if (!a || !b)
                return ingot_comparison_add(c, INGOT_DIFFERENCE_PACKAGE,
                                            a ? INGOT_CHANGE_REMOVED : INGOT_CHANGE_ADDED, where,
                                            name, reterr, "%s", line + n + 1);
        if (strcmp(a, b) == 0)
                return 0;
        return ingot_comparison_add(c, INGOT_DIFFERENCE_PACKAGE, INGOT_CHANGE_CHANGED, where, name,
                                    reterr, "%s -> %s", a + n + 1, b + n + 1);
}

int ingot_compare_packages(struct ingot_comparison *c, const char *where,
                           const struct ingot_tree *a, const struct ingot_tree *b,
                           ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings x = {0}, y = {0};
        int r = ingot_comparison_blame(c, FIRST, list_packages(a, &x, reterr), reterr);
        if (r > 0)
                r = ingot_comparison_blame(c, SECOND, list_packages(b, &y, reterr), reterr);
        if (r <= 0)
                return r;
        for (size_t i = 0, k = 0; i < x.count || k < y.count;) {
                const char *p = i < x.count ? x.items[i] : NULL;
                const char *q = k < y.count ? y.items[k] : NULL;
                int order = !p ? 1 : !q ? -1 : compare_names(p, q);
                r = report(c, where, order <= 0 ? p : NULL, order >= 0 ? q : NULL, reterr);
                if (r < 0)
                        return r;
                i += order <= 0;
                k += order >= 0;
        }
        return 0;
}
