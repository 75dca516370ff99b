/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pattern, a NUL, and a name: never a crash; what matches can be made again, and where it is only
 * a version, matches as before (a UUID or number may be written in another way). */
#include "base/cleanup.h"
#include "format/name-pattern.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = calloc(1, size + 2), *made = NULL;
        struct ingot_name_fields fields, again;
        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        const char *name = text + strlen(text) + 1;
        if (ingot_name_match(text, strlen(text) < size ? name : "", &fields, NULL) != 0)
                return 0;
        if (ingot_name_make(text, &fields, &made, NULL) < 0)
                abort();
        if (fields.have != 1u << INGOT_NAME_VERSION)
                return 0;
        if (ingot_name_match(text, made, &again, NULL) != 0 || again.have != fields.have ||
            strcmp(again.version, fields.version) != 0)
                abort();
        return 0;
}
