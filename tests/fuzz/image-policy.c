/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any text as an image policy: what is taken has one spelling, which means the same. */
#include "base/cleanup.h"
#include "format/image-policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_image_policy a, b;
        _cleanup_free_ char *text = strndup((const char *) data, size), *one = NULL, *two = NULL;
        ingot_error error;
        if (!text || ingot_image_policy_parse(text, &a, &error) < 0 ||
            ingot_image_policy_print(&a, &one, &error) < 0)
                return 0;
        if (ingot_image_policy_parse(one, &b, &error) < 0 ||
            ingot_image_policy_print(&b, &two, &error) < 0 || strcmp(one, two) != 0)
                abort();
        for (size_t i = 0; i < INGOT_IMAGE_POLICY_DESIGNATORS; i++) {
                enum ingot_designator d = ingot_image_policy_designators[i];
                if (ingot_image_policy_get(&a, d) != ingot_image_policy_get(&b, d))
                        abort();
        }
        return 0;
}
