/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tpm2-tss at run time: three libraries of one package each, never unloaded. */
#include "base/cleanup.h"
#include "os/tpm-esys.h"

#include <dlfcn.h>
#include <pthread.h>

#define ROW(name) {#name, offsetof(struct tpm_functions, name)},
struct function {
        const char *name;
        size_t offset;
};
static const struct function esys[] = {TPM_ESYS_FUNCTIONS(ROW)};
static const struct function mu[] = {TPM_MU_FUNCTIONS(ROW)};
static const struct function rc[] = {TPM_RC_FUNCTIONS(ROW)};

static const struct {
        const char *name;
        const struct function *functions;
        size_t count;
        const char *package; /* Debian's; later releases have t64 behind it */
} libraries[] = {
        {"libtss2-esys.so.0", esys, ARRAY_SIZE(esys), "libtss2-esys-3.0.2-0"},
        {"libtss2-mu.so.0", mu, ARRAY_SIZE(mu), "libtss2-mu0"},
        {"libtss2-rc.so.0", rc, ARRAY_SIZE(rc), "libtss2-rc0"},
};

static struct tpm_functions functions;
static int result;
static ingot_error failure;

static int load(size_t i, ingot_error *reterr)
{
        void *library = dlopen(libraries[i].name, RTLD_NOW);
        if (!library)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "to talk to a TPM, ingot needs %s: install the package %s",
                                  libraries[i].name, libraries[i].package);
        for (size_t k = 0; k < libraries[i].count; k++) {
                const struct function *f = libraries[i].functions + k;
                void *symbol = dlsym(library, f->name);
                if (!symbol)
                        return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                          "%s has no %s: it is too old", libraries[i].name,
                                          f->name);
                memcpy((uint8_t *) &functions + f->offset, &symbol, sizeof(symbol));
        }
        return 0;
}

static void load_all(void)
{
        /* It writes what it thinks of an answer to stderr, also of those that are expected. */
        (void) setenv("TSS2_LOG", "all+NONE", 0);
        for (size_t i = 0; result >= 0 && i < ARRAY_SIZE(libraries); i++)
                result = load(i, &failure);
}

int tpm_library_load(const struct tpm_functions **ret, ingot_error *reterr)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, load_all);
        if (result < 0 && reterr)
                *reterr = failure;
        if (result >= 0)
                *ret = &functions;
        return result;
}
