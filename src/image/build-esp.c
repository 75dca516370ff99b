/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of the recipe on the ESP, beside what the build places there itself. */
#include "base/cleanup.h"
#include "base/size.h"
#include "image/build-state.h"
#include "image/esp.h"
#include "image/source.h"

#include <string.h>
#include <strings.h>

#define CLUSTER_MAX 32768 /* the largest that FAT knows: what a file takes is rounded up to it */

/* What systemd-stub looks for in the folder of its own UKI (systemd-stub(7)). */
static bool belongs_to_uki(const char *name)
{
        static const char *const suffixes[] = {".addon.efi", ".cred", ".raw"};
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
                if (ingot_ends_with(name, suffixes[i]))
                        return true;
        return false;
}

/* The line with its target, for the parser of sources. */
static int complete(const struct ingot_build *b, const char *line, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *uki = NULL;
        if (strchr(line, ':'))
                return ingot_strdup(ret, line, reterr);
        if (!belongs_to_uki(line))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "'%.200s' is no addon, credential or extension of the UKI "
                                  "(*.addon.efi, *.cred, *.raw): say where it goes, as "
                                  "SOURCE:/TARGET",
                                  line);
        /* the stub passes over the counter of attempts in the UKI's name */
        int r = ingot_esp_uki_name(b->name, b->version, 0, &uki, reterr);
        return r < 0 ? r : ingot_format(ret, reterr, "%s:/EFI/Linux/%s.extra.d/", line, uki);
}

static int add_file(const struct ingot_build *b, const char *line, struct ingot_tree *esp,
                    ingot_error *reterr)
{
        _cleanup_source_ struct ingot_source source = {0};
        _cleanup_free_ char *whole = NULL;
        const struct ingot_source_options options = {
                .mtime = b->timestamp, .log = b->options->log, .only_new = true};
        int r = complete(b, line, &whole, reterr);
        if (r >= 0)
                r = ingot_source_of_recipe(b->recipe, INGOT_SOURCE_FILE, whole, &source, reterr);
        if (r >= 0 && source.mode >= 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "'%.200s': files of the ESP have no mode",
                               line);
        return r < 0 ? r : ingot_source_apply(esp, &source, &options, reterr);
}

int ingot_build_esp_files(const struct ingot_build *b, struct ingot_tree *esp, ingot_error *reterr)
{
        const struct ingot_recipe_value *v = b->recipe->values + INGOT_BOOT_ESP_FILES;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < v->items.count; i++)
                r = ingot_under(reterr, add_file(b, v->items.items[i], esp, reterr),
                                "%s: Boot.EspFile", v->origins.items[i]);
        return r;
}

uint64_t ingot_build_esp_signatures(const struct ingot_build *b)
{
        const struct ingot_strings *lines = ingot_recipe_list(b->recipe, INGOT_BOOT_ESP_FILES);
        uint64_t table = ingot_recipe_number(b->recipe, INGOT_SIGNING_TABLE_SIZE);
        return lines->count * ingot_align_up(table, CLUSTER_MAX);
}
