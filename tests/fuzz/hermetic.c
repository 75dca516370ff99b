/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text files of a tree that packages wrote: accounts, tmpfiles.d, sysusers.d, units, dpkg's lists.
 * The input is cut at each byte 0xff. */
#include "base/cleanup.h"
#include "image/hermetic.h"
#include "image/identity.h"
#include "image/system.h"
#include "image/unit.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const paths[] = {
                "etc/passwd", "etc/group", "etc/shadow", "etc/gshadow",
                "usr/lib/tmpfiles.d/a.conf", "usr/lib/sysusers.d/a.conf",
                "usr/lib/systemd/system/a@.service", "usr/lib/os-release",
                "var/lib/dpkg/info/a.list", "var/lib/dpkg/info/a.md5sums", "var/lib/x/y"};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_strings_ struct ingot_strings removed = {0};
        struct ingot_system_options o __attribute__((cleanup(ingot_system_options_done))) = {0};
        const struct ingot_hermetic_options h = {"id", "1", 1000000};
        struct ingot_system_user *user;
        if (ingot_tree_new(&tree, NULL) < 0)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                const uint8_t *cut = size ? memchr(data, 0xff, size) : NULL;
                size_t n = cut ? (size_t) (cut - data) : size;
                if (ingot_tree_put_bytes(tree, paths[i], 0644, 1, data, n, NULL) < 0)
                        return 0;
                data += n + (cut != NULL);
                size -= n + (cut != NULL);
        }
        ingot_identity_remove(tree, 1, &removed, NULL);
        ingot_unit_enable(tree, "a@b.service", 1, NULL, NULL);
        if (ingot_system_add_user(&o, "user", &user, NULL) >= 0)
                ingot_system_apply(tree, &o, 1, NULL, NULL);
        ingot_hermetic_apply(tree, &h, NULL);
        ingot_dpkg_forget(tree, &removed, 1, NULL);
        return 0;
}
