/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A UKI, or an addon of one, of a stranger: told or refused, and what is told can be written. */
#include "format/tree.h"
#include "measure/predict.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(const uint8_t *data, size_t size, const char *path)
{
        static const struct ingot_predict_options options = {.uki = "EFI/Linux/a.efi"};
        struct ingot_tree *esp = NULL;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        if (ingot_tree_new(&esp, NULL) < 0)
                abort();
        if (ingot_tree_put_bytes(esp, "EFI/Linux/a.efi", 0644, 0, data, size, NULL) >= 0 &&
            ingot_tree_put_bytes(esp, path, 0644, 0, data, size, NULL) >= 0 &&
            ingot_measurement_predict(esp, &options, &m, NULL) >= 0 &&
            (ingot_measurement_encode(&m, &text, NULL) < 0 || m.profile_count == 0))
                abort();
        ingot_tree_free(esp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        one(data, size, "EFI/Linux/a.efi.extra.d/a.addon.efi");
        one(data, size, "EFI/BOOT/BOOTX64.EFI");
        return 0;
}
