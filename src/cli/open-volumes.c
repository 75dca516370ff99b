/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/open-volumes.h"
#include "base/cleanup.h"
#include "os/block.h"
#include "os/root.h"

#include <unistd.h>

int open_volumes_find(const char *root, struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_close_ int fd = -1;
        _cleanup_strings_ struct ingot_strings devices = {0};
        int r = ingot_root_open(root, &fd, reterr);
        if (r >= 0)
                r = ingot_block_luks(fd, &devices, reterr);
        for (size_t i = 0; r >= 0 && i < devices.count; i++) {
                _cleanup_free_ char *path = NULL;
                r = ingot_format(&path, reterr, "%s%s", root ? root : "", devices.items[i]);
                if (r >= 0)
                        r = ingot_strings_add(ret, path, reterr);
        }
        return r;
}
