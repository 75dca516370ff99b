/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a manifest: names that are taken are names of files. */
#include "image/manifest-read.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_manifest_ struct ingot_manifest m = {0};
        ingot_error error;
        if (ingot_manifest_decode(INGOT_SPAN(data, size), &m, &error) < 0)
                return 0;
        for (size_t i = 0; i < m.artifact_count; i++)
                if (strchr(m.artifacts[i].name, '/') || !*m.artifacts[i].name)
                        abort();
        for (size_t i = 0; i < m.partition_count; i++)
                if (m.partitions[i].has_data && !m.partitions[i].artifact)
                        abort();
        return 0;
}
