/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a package index: read into a pool, and everything in it asked for. */
#include "package/debian-pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_debian_index index = {.text = INGOT_SPAN(data, size)};
        struct ingot_debian_indexes indexes = {.items = &index, .count = 1};
        struct ingot_package_request request = {.base = INGOT_PACKAGE_BASE_REQUIRED,
                                                .recommends = true};
        _cleanup_lock_ struct ingot_lock lock = {0};
        char name[] = "web";
        char *names[] = {name};
        ingot_error error;
        if (size > 65536)
                return 0;
        request.packages = (struct ingot_strings){.items = names, .count = 1};
        (void) ingot_debian_solve(&request, "amd64", &indexes, &lock, &error);
        return 0;
}
