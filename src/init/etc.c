/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /etc as an overlay. Index, metacopy and redirect_dir are off: the upper layer then holds plain
 * files, whatever the kernel's defaults, and stays valid when the root under it is replaced. */
#include "init/etc.h"
#include "base/cleanup.h"
#include "init/root.h"
#include "os/file.h"
#include "os/mount.h"

#include <sys/mount.h>

#define UPPER_PERSISTENT INIT_SYSROOT "/var/lib/ingot/etc"
#define UPPER_VOLATILE "/run/ingot/etc"

static int mount_overlay(const char *folder, ingot_error *reterr)
{
        _cleanup_free_ char *upper = NULL, *work = NULL, *options = NULL;
        int r = ingot_format(&upper, reterr, "%s/upper", folder);
        if (r >= 0)
                r = ingot_format(&work, reterr, "%s/work", folder);
        if (r >= 0)
                r = ingot_make_directories(upper, 0755, reterr);
        if (r >= 0)
                r = ingot_make_directories(work, 0755, reterr);
        if (r >= 0)
                r = ingot_format(&options, reterr,
                                 "lowerdir=" INIT_SYSROOT "/etc,upperdir=%s,workdir=%s,index=off,"
                                 "metacopy=off,redirect_dir=off",
                                 upper, work);
        if (r < 0)
                return r;
        const struct ingot_mount m = {.source = "etc",
                                      .target = INIT_SYSROOT "/etc",
                                      .type = "overlay",
                                      .flags = MS_NODEV | MS_NOSUID,
                                      .options = options};
        return ingot_mount(&m, reterr);
}

int init_etc_mount(const struct init_config *config, bool persistent, ingot_error *reterr)
{
        if (config->etc == INIT_ETC_READ_ONLY)
                return 0;
        if (config->etc == INIT_ETC_OVERLAY && !persistent)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "/etc: no /var to keep changes in");
        int r = mount_overlay(config->etc == INIT_ETC_OVERLAY ? UPPER_PERSISTENT : UPPER_VOLATILE,
                              reterr);
        return ingot_under(reterr, r, "/etc");
}
