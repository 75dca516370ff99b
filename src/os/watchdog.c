/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEVICE "/dev/watchdog0"

bool ingot_watchdog_exists(void)
{
        return access(DEVICE, F_OK) == 0;
}

int ingot_watchdog_open(int *ret, ingot_error *reterr)
{
        int fd = open(DEVICE, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open " DEVICE);
        *ret = fd;
        return 0;
}

/* Some have one timeout alone, which then holds. */
int ingot_watchdog_set(int fd, unsigned seconds, ingot_error *reterr)
{
        int timeout = (int) seconds;
        if (ioctl(fd, WDIOC_SETTIMEOUT, &timeout) < 0 && errno != EOPNOTSUPP && errno != EINVAL)
                return ingot_fail_errno(reterr, "set " DEVICE " to %u s", seconds);
        if (ioctl(fd, WDIOC_KEEPALIVE, 0) < 0 && write(fd, "\n", 1) != 1)
                return ingot_fail_errno(reterr, "tell " DEVICE " that all is well");
        return 0;
}
