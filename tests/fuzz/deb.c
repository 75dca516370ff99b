/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A package's members, and each of them as a tar archive as if it were not compressed. */
#include "format/deb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct ingot_reader *package, const struct ingot_deb_part *part)
{
        static struct ingot_deb_tar tar;
        struct ingot_deb_file file;
        struct ingot_reader reader;
        if (ingot_reader_part(package, part->offset, part->size, &reader, NULL) < 0)
                __builtin_trap();
        ingot_deb_tar_begin(&tar, &reader);
        while (ingot_deb_tar_next(&tar, &file, NULL) > 0) {
                if (file.path[0] == '/' || strstr(file.path, "//") ||
                    file.offset + file.size > reader.size)
                        __builtin_trap();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct ingot_span span = INGOT_SPAN(data, size);
        const struct ingot_reader reader = ingot_reader_of_span(&span);
        const struct ingot_deb_part whole = {.size = size};
        struct ingot_deb deb;
        if (ingot_deb_decode(&reader, &deb, NULL) >= 0) {
                walk(&reader, &deb.control);
                walk(&reader, &deb.data);
        }
        walk(&reader, &whole);
        return 0;
}
