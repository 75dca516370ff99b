/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of the erofs writer: names, levels, and the kernels that read the result. */
#include "format/erofs.h"
#include "format/erofs-write.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct {
        const char *name;
        int level_max, level_default;
        unsigned kernel_major, kernel_minor;
} compressors[] = {
        [INGOT_EROFS_NONE] = {"none", 0, 0, 5, 4},
        [INGOT_EROFS_LZ4] = {"lz4", 0, 0, 6, 1},
        [INGOT_EROFS_LZ4HC] = {"lz4hc", 12, 9, 6, 1},
        [INGOT_EROFS_ZSTD] = {"zstd", 22, 3, 6, 10},
};

const char *ingot_erofs_compressor_name(enum ingot_erofs_compressor compressor)
{
        return compressors[compressor].name;
}

int ingot_erofs_compressor_parse(const char *text, enum ingot_erofs_compressor *ret,
                                 int *ret_level, ingot_error *reterr)
{
        size_t size = strcspn(text, ":");
        for (unsigned i = 0; i < INGOT_EROFS_COMPRESSOR_MAX; i++) {
                uint64_t level = 0;
                if (strlen(compressors[i].name) != size ||
                    memcmp(compressors[i].name, text, size) != 0)
                        continue;
                if (text[size] && (!ingot_parse_u64(text + size + 1, &level) || level == 0 ||
                                   level > (uint64_t) compressors[i].level_max))
                        return ingot_fail(reterr, INGOT_E_USAGE,
                                          "compression '%s': %s has levels 1 to %d", text,
                                          compressors[i].name, compressors[i].level_max);
                *ret = (enum ingot_erofs_compressor) i;
                *ret_level = (int) level;
                return 0;
        }
        return ingot_fail(reterr, INGOT_E_USAGE,
                          "compression '%s' is not none, lz4, lz4hc or zstd", text);
}

int ingot_erofs_options_resolve(const struct ingot_erofs_options *given,
                                struct ingot_erofs_options *ret, ingot_error *reterr)
{
        struct ingot_erofs_options o = *given;
        if ((unsigned) o.compressor >= INGOT_EROFS_COMPRESSOR_MAX)
                return ingot_fail(reterr, INGOT_E_USAGE, "no such compressor");
        if (o.level < 0 || o.level > compressors[o.compressor].level_max)
                return ingot_fail(reterr, INGOT_E_USAGE, "%s has no level %d",
                                  compressors[o.compressor].name, o.level);
        if (o.level == 0)
                o.level = compressors[o.compressor].level_default;
        if (o.extent == 0)
                o.extent = INGOT_EROFS_EXTENT_DEFAULT;
        if (o.extent < INGOT_EROFS_BLOCK || o.extent > INGOT_EROFS_EXTENT_MAX ||
            (o.extent & (o.extent - 1)) != 0)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "an extent of %" PRIu32
                                  " bytes is no power of two from 4 KiB to 1 MiB",
                                  o.extent);
        if (o.volume_name && strlen(o.volume_name) > INGOT_EROFS_VOLUME_NAME_MAX)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "volume name '%s' is longer than %d bytes", o.volume_name,
                                  INGOT_EROFS_VOLUME_NAME_MAX);
        *ret = o;
        return 0;
}

void ingot_erofs_kernel_needed(enum ingot_erofs_compressor compressor, unsigned *ret_major,
                               unsigned *ret_minor)
{
        *ret_major = compressors[compressor].kernel_major;
        *ret_minor = compressors[compressor].kernel_minor;
}

int ingot_erofs_kernel_check(const struct ingot_erofs_options *options, const char *release,
                             ingot_error *reterr)
{
        struct ingot_erofs_options o;
        unsigned need_major, need_minor;
        char *end;
        int r = ingot_erofs_options_resolve(options, &o, reterr);
        if (r < 0)
                return r;
        if (release[0] < '0' || release[0] > '9')
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is no kernel version", release);
        unsigned long major = strtoul(release, &end, 10);
        if (*end != '.' || end[1] < '0' || end[1] > '9')
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is no kernel version", release);
        unsigned long minor = strtoul(end + 1, NULL, 10);
        ingot_erofs_kernel_needed(o.compressor, &need_major, &need_minor);
        if (major > need_major || (major == need_major && minor >= need_minor))
                return 0;
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                          "kernel %s cannot read erofs with %s: that needs Linux %u.%u or newer",
                          release, compressors[o.compressor].name, need_major, need_minor);
}
