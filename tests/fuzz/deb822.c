/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as Debian control data: spans inside the input, and a Release of it without a crash. */
#include "format/deb822.h"
#include "package/debian.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct ingot_span inner, const uint8_t *data, size_t size)
{
        if (inner.size > 0 && (inner.data < data || inner.data + inner.size > data + size))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_span text = INGOT_SPAN(data, size);
        struct ingot_deb822 d = ingot_deb822_over(text);
        struct ingot_deb822_field f;
        struct ingot_debian_release release;
        struct ingot_debian_file file;
        ingot_error error;
        size_t fields = 0;
        while (ingot_deb822_paragraph(&d, &error) > 0)
                while (ingot_deb822_field(&d, &f, &error) > 0) {
                        check_inside(f.name, data, size);
                        check_inside(f.value, data, size);
                        if (f.name.size == 0 || ++fields > size)
                                abort();
                }
        if (ingot_debian_release_decode(text, &release, &error) == 0) {
                (void) ingot_debian_release_find(&release, "main/binary-amd64/Packages.xz", &file,
                                                 &error);
                (void) ingot_debian_release_check(&release, "trixie", 1763201533, false, &error);
        }
        return 0;
}
