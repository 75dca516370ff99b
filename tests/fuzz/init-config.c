/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is the initrd's configuration. */
#include "format/init-config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ingot_init_config c;
        enum ingot_etc_mode mode;
        if (ingot_init_config_parse(INGOT_SPAN(data, size), &c, NULL) < 0)
                return 0;
        if (!ingot_etc_mode_parse(ingot_etc_mode_name(c.etc), &mode) || mode != c.etc)
                abort();
        for (size_t i = 0; i < c.modules.count; i++)
                if (c.modules.items[i][0] != '/')
                        abort();
        ingot_init_config_done(&c);
        return 0;
}
