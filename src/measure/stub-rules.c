/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/stub-rules.h"
#include "base/cleanup.h"

#define BIT(kind) (1u << INGOT_UKI_##kind)
#define KINDS_252                                                                                  \
        (BIT(LINUX) | BIT(OSREL) | BIT(CMDLINE) | BIT(INITRD) | BIT(SPLASH) | BIT(DTB) |           \
         BIT(PCRSIG) | BIT(PCRPKEY))
#define KINDS_254 (KINDS_252 | BIT(UNAME) | BIT(SBAT))
#define KINDS_256 (KINDS_254 | BIT(UCODE))
#define KINDS_257 (KINDS_256 | BIT(PROFILE) | BIT(DTBAUTO) | BIT(HWIDS))
#define KINDS_258 (KINDS_257 | BIT(EFIFW))

static const struct ingot_stub_rules stubs[] = {
        {.version = 252, .kinds = KINDS_252, .loads_image = true},
        {.version = 253, .kinds = KINDS_252, .loads_image = true},
        {.version = 254,
         .kinds = KINDS_254,
         .loads_image = true,
         .addons = INGOT_STUB_ADDONS_FOLDERS},
        {.version = 255,
         .kinds = KINDS_254,
         .loads_image = true,
         .addons = INGOT_STUB_ADDONS_LINES,
         .trims = true},
        {.version = 256,
         .kinds = KINDS_256,
         .loads_image = true,
         .addons = INGOT_STUB_ADDONS_LINES,
         .trims = true,
         .confext = true},
        {.version = 257,
         .kinds = KINDS_257,
         .loads_image = true,
         .addons = INGOT_STUB_ADDONS_ALL,
         .trims = true,
         .confext = true,
         .profiles = true},
        {.version = 258,
         .kinds = KINDS_258,
         .addons = INGOT_STUB_ADDONS_ALL,
         .trims = true,
         .confext = true,
         .profiles = true,
         .extensions = true},
        {.version = 261,
         .kinds = KINDS_258,
         .addons = INGOT_STUB_ADDONS_ALL,
         .trims = true,
         .confext = true,
         .profiles = true,
         .extensions = true,
         .secret = true,
         .cc_tags = true},
};
#define STUB_NEWEST 262

static const struct ingot_loader_rules loaders[] = {
        {.version = 252},
        {.version = 255, .config = true, .implied = true},
        {.version = 257, .config = true, .implied = true, .profiles = true},
        {.version = 261, .config = true, .implied = true, .profiles = true, .smbios = true},
};
#define LOADER_NEWEST 262

const struct ingot_stub_rules *ingot_stub_rules_of(unsigned version)
{
        const struct ingot_stub_rules *found = NULL;
        for (size_t i = 0; version <= STUB_NEWEST && i < ARRAY_SIZE(stubs); i++)
                if (stubs[i].version <= version)
                        found = stubs + i;
        return found;
}

const struct ingot_loader_rules *ingot_loader_rules_of(unsigned version)
{
        const struct ingot_loader_rules *found = NULL;
        for (size_t i = 0; version <= LOADER_NEWEST && i < ARRAY_SIZE(loaders); i++)
                if (loaders[i].version <= version)
                        found = loaders + i;
        return found;
}
