/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /etc as an overlay. Index, metacopy and redirect_dir are off: the upper layer then holds plain
 * files, whatever the kernel's defaults, and stays valid when the root under it is replaced. */
#include "os/etc.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "os/mount.h"

#include <sys/mount.h>

#define LAYER_PERSISTENT "/var/lib/ingot/etc" /* below the root */
#define LAYER_VOLATILE "/run/ingot/etc"

static int mount_overlay(const char *root, const char *layer, const char *work, ingot_error *reterr)
{
        _cleanup_free_ char *target = NULL, *upper = NULL, *folder = NULL, *options = NULL;
        int r = ingot_format(&target, reterr, "%s/etc", root);
        if (r >= 0)
                r = ingot_format(&upper, reterr, "%s/upper", layer);
        if (r >= 0)
                r = ingot_format(&folder, reterr, "%s/%s", layer, work);
        if (r >= 0)
                r = ingot_make_directories(upper, 0755, reterr);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        if (r >= 0)
                r = ingot_format(&options, reterr,
                                 "lowerdir=%s,upperdir=%s,workdir=%s,index=off,metacopy=off,"
                                 "redirect_dir=off",
                                 target, upper, folder);
        if (r < 0)
                return r;
        const struct ingot_mount m = {.source = "etc",
                                      .target = target,
                                      .type = "overlay",
                                      .flags = MS_NODEV | MS_NOSUID,
                                      .options = options};
        return ingot_mount(&m, reterr);
}

int ingot_etc_mount(const char *root, enum ingot_etc_mode mode, bool persistent, const char *work,
                    ingot_error *reterr)
{
        _cleanup_free_ char *layer = NULL;
        if (mode == INGOT_ETC_READ_ONLY)
                return 0;
        if (mode == INGOT_ETC_OVERLAY && !persistent)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "/etc: no /var to keep changes in");
        int r = mode == INGOT_ETC_OVERLAY
                        ? ingot_format(&layer, reterr, "%s" LAYER_PERSISTENT, root)
                        : ingot_strdup(&layer, LAYER_VOLATILE, reterr);
        return r < 0 ? r : ingot_under(reterr, mount_overlay(root, layer, work, reterr), "/etc");
}
