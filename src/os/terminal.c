/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw mode and back. */
#include "os/terminal.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

/* Up to the end of the line; what does not fit is a failure, not a part. */
static int read_line(int fd, char *ret, size_t size, ingot_error *reterr)
{
        size_t n = 0;
        for (;;) {
                char c;
                ssize_t r = read(fd, &c, 1);
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return ingot_fail_errno(reterr, "read from the terminal");
                if (r == 0 || c == '\n')
                        break;
                if (n + 1 >= size)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "more than %zu bytes were typed",
                                          size - 1);
                ret[n++] = c;
        }
        ret[n] = '\0';
        return n > 0 ? 0 : ingot_fail(reterr, INGOT_E_NOTFOUND, "nothing was typed");
}

int ingot_terminal_ask_secret(const char *prompt, char *ret, size_t size, ingot_error *reterr)
{
        _cleanup_close_ int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        struct termios saved, silent;
        if (fd < 0 || tcgetattr(fd, &saved) < 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "there is no terminal to ask on: give it with "
                                  "--passphrase-file=FILE");
        silent = saved;
        silent.c_lflag &= ~(tcflag_t) ECHO;
        silent.c_lflag |= ICANON;
        if (tcsetattr(fd, TCSAFLUSH, &silent) < 0)
                return ingot_fail_errno(reterr, "set the terminal's modes");
        int r = ingot_file_write_all(fd, prompt, strlen(prompt), reterr);
        if (r >= 0)
                r = read_line(fd, ret, size, reterr);
        (void) tcsetattr(fd, TCSAFLUSH, &saved);
        (void) ingot_file_write_all(fd, "\n", 1, NULL);
        return r;
}

int ingot_terminal_ask_yes(const char *prompt, bool *ret, ingot_error *reterr)
{
        _cleanup_close_ int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        char answer[64] = "";
        if (fd < 0)
                return ingot_fail_errno(reterr, "open /dev/tty");
        int r = ingot_file_write_all(fd, prompt, strlen(prompt), reterr);
        if (r >= 0)
                r = read_line(fd, answer, sizeof(answer), reterr);
        if (r < 0 && r != -INGOT_E_NOTFOUND)
                return r;
        *ret = answer[0] != 'n' && answer[0] != 'N';
        return 0;
}
