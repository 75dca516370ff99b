/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The distributions that there are. */
#include "package/distribution.h"
#include "base/cleanup.h"

#include <string.h>

static const struct ingot_distribution *const distributions[] = {
        &ingot_distribution_debian,
};

int ingot_distribution_find(const char *name, const struct ingot_distribution **ret,
                            ingot_error *reterr)
{
        const char *names[ARRAY_SIZE(distributions)];
        for (size_t i = 0; i < ARRAY_SIZE(distributions); i++) {
                names[i] = distributions[i]->name;
                if (strcmp(name ? name : "debian", names[i]) == 0) {
                        *ret = distributions[i];
                        return 0;
                }
        }
        const char *near = ingot_nearest(name, names, ARRAY_SIZE(names));
        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no distribution \"%s\"%s%s%s", name,
                          near ? ", did you mean \"" : "; there is debian", near ? near : "",
                          near ? "\"?" : "");
}

const char *ingot_host_architecture(void)
{
#if defined(__x86_64__)
        return "x86-64";
#elif defined(__aarch64__)
        return "arm64";
#elif defined(__riscv) && __riscv_xlen == 64
        return "riscv64";
#elif defined(__i386__)
        return "x86";
#else
        return NULL;
#endif
}

int ingot_distribution_mirror(const struct ingot_distribution *d,
                              const struct ingot_package_source *source, char **ret,
                              ingot_error *reterr)
{
        if (source->mirror)
                return ingot_strdup(ret, source->mirror, reterr);
        return d->mirror(source, ret, reterr);
}
