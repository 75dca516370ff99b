/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules, keys, the kernel's log, and reboot(2). */
#include "os/kernel.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

int ingot_module_load(const char *path, const char *parameters, ingot_error *reterr)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open %s", path);
        if (syscall(SYS_finit_module, fd, parameters, 0) == 0)
                return 0;
        if (errno == EEXIST || errno == ENODEV)
                return 1;
        return ingot_fail_errno(reterr, "load the module %s", path);
}

int ingot_kernel_release(char **ret, ingot_error *reterr)
{
        struct utsname name;
        if (uname(&name) < 0)
                return ingot_fail_errno(reterr, "ask for the kernel's release");
        return ingot_strdup(ret, name.release, reterr);
}

int ingot_kernel_key_add(const char *name, const void *data, size_t size, ingot_error *reterr)
{
        if (syscall(SYS_add_key, "user", name, data, size, KEY_SPEC_THREAD_KEYRING) < 0)
                return ingot_fail_errno(reterr, "give the kernel the key %s", name);
        return 0;
}

int ingot_kmsg_open(void)
{
        /* Otherwise ten lines in five seconds is all that a process may write. */
        _cleanup_close_ int control = open("/proc/sys/kernel/printk_devkmsg", O_WRONLY | O_CLOEXEC);
        if (control >= 0)
                ingot_file_write_all(control, "on\n", 3, NULL);
        return open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
}

void ingot_kmsg_write(int fd, int level, const char *text)
{
        char line[960];
        int n = snprintf(line, sizeof(line), "<%d>%s\n", level, text);
        if (n > 0 && fd >= 0)
                ingot_file_write_all(fd, line, (size_t) n < sizeof(line) ? (size_t) n
                                                                         : sizeof(line) - 1, NULL);
}

int ingot_machine_end(bool restart, ingot_error *reterr)
{
        sync();
        if (reboot(restart ? RB_AUTOBOOT : RB_POWER_OFF) < 0)
                return ingot_fail_errno(reterr, restart ? "restart" : "switch off");
        return 0;
}
