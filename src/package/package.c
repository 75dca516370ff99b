/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request, its digest, and the way from it to a lock and to files. */
#include "package/package.h"
#include "base/cleanup.h"
#include "package/cache.h"
#include "package/distribution.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ingot_package_request_done(struct ingot_package_request *r)
{
        ingot_package_sources_done(&r->sources);
        ingot_strings_done(&r->packages);
        ingot_strings_done(&r->assumed);
        *r = (struct ingot_package_request){0};
}

static const char *request_architecture(const struct ingot_package_request *r)
{
        return r->architecture ? r->architecture : ingot_host_architecture();
}

/* Names, each once, in byte order, each on a line behind WORD. */
static int describe_names(const struct ingot_strings *list, const char *word,
                          struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int e = 0;
        for (size_t i = 0; e >= 0 && i < list->count; i++)
                e = ingot_strings_add(&names, list->items[i], reterr);
        ingot_strings_sort(&names);
        for (size_t i = 0; e >= 0 && i < names.count; i++)
                if (i == 0 || strcmp(names.items[i - 1], names.items[i]) != 0)
                        e = ingot_buffer_printf(ret, reterr, "%s %s\n", word, names.items[i]);
        return e;
}

/* The request as text, in which everything that decides the result stands once, in one order. */
static int describe(const struct ingot_package_request *r, struct ingot_buffer *ret,
                    ingot_error *reterr)
{
        static const char *const bases[] = {"required", "essential", "none"};
        const char *architecture = request_architecture(r);
        int e = ingot_buffer_printf(ret, reterr, "distribution %s\narchitecture %s\nbase %s\n"
                                                 "recommends %d\n",
                                    r->distribution ? r->distribution : "debian",
                                    architecture ? architecture : "-", bases[r->base],
                                    r->recommends);
        for (size_t i = 0; e >= 0 && i < r->sources.count; i++) {
                const struct ingot_package_source *s = &r->sources.items[i];
                e = ingot_buffer_printf(ret, reterr, "source %s %s %s\n",
                                        s->mirror ? s->mirror : "-", s->suite, s->components);
        }
        if (e >= 0)
                e = describe_names(&r->packages, "package", ret, reterr);
        return e < 0 ? e : describe_names(&r->assumed, "assumed", ret, reterr);
}

int ingot_package_request_digest(const struct ingot_package_request *r,
                                 uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int e = describe(r, &text, reterr);
        if (e >= 0)
                ingot_sha256_of(text.data, text.size, ret);
        return e;
}

int ingot_package_lock_check(const struct ingot_package_request *r, const struct ingot_lock *lock,
                             ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        int e = ingot_package_request_digest(r, digest, reterr);
        if (e < 0)
                return e;
        if (memcmp(digest, lock->request, sizeof(digest)) != 0)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "the lock was made for other packages or sources than the recipe "
                                  "now asks for: run \"ingot lock\"");
        return 0;
}
