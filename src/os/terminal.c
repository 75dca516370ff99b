/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw mode and back. */
#include "os/terminal.h"

#include <unistd.h>

bool ingot_is_terminal(int fd)
{
        return isatty(fd);
}

int ingot_terminal_raw(int fd, struct ingot_terminal *ret, ingot_error *reterr)
{
        struct ingot_terminal t = {.fd = fd};
        if (tcgetattr(fd, &t.saved) < 0)
                return ingot_fail_errno(reterr, "read the terminal's modes");
        struct termios raw = t.saved;
        cfmakeraw(&raw);
        if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
                return ingot_fail_errno(reterr, "set the terminal's modes");
        *ret = t;
        return 0;
}

void ingot_terminal_restore(struct ingot_terminal *t)
{
        if (t->fd < 0)
                return;
        /* ends colours and other modes that the guest left on, and shows the cursor */
        static const char plain[] = "\033[0m\033[?25h\033[?7h";
        ssize_t written = write(t->fd, plain, sizeof(plain) - 1);
        (void) written; /* the modes matter more */
        (void) tcsetattr(t->fd, TCSADRAIN, &t->saved);
        t->fd = -1;
}
