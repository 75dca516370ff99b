/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* poll, signalfd and socket pairs. */
#include "os/event.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>

enum { WAITS_MAX = 16 };

uint64_t ingot_clock_msec(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

int ingot_wait_any(struct ingot_wait *waits, size_t count, int timeout_msec, ingot_error *reterr)
{
        struct pollfd fds[WAITS_MAX];
        if (count > WAITS_MAX)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "wait for %zu things", count);
        for (size_t i = 0; i < count; i++)
                fds[i] = (struct pollfd){.fd = waits[i].fd, .events = POLLIN};
        uint64_t start = ingot_clock_msec();
        for (;;) {
                uint64_t passed = ingot_clock_msec() - start;
                int left = timeout_msec < 0 ? -1 : timeout_msec;
                if (left > 0)
                        left = passed < (uint64_t) left ? left - (int) passed : 0;
                int n = poll(fds, count, left);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ingot_fail_errno(reterr, "wait");
                for (size_t i = 0; i < count; i++)
                        waits[i].ready = fds[i].revents != 0;
                return n == 0;
        }
}

int ingot_socket_pair(int ret[2], ingot_error *reterr)
{
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret) < 0)
                return ingot_fail_errno(reterr, "make a socket pair");
        if (fcntl(ret[0], F_SETFL, O_NONBLOCK) < 0) {
                int r = ingot_fail_errno(reterr, "make a socket pair");
                close(ret[0]);
                close(ret[1]);
                return r;
        }
        return 0;
}

static bool again(void)
{
        return errno == EINTR || errno == EAGAIN;
}

int ingot_read_some(int fd, void *data, size_t size, size_t *ret_size, ingot_error *reterr)
{
        ssize_t n = read(fd, data, size);
        *ret_size = n > 0 ? (size_t) n : 0;
        if (n > 0 || (n < 0 && again()))
                return 0;
        /* a terminal or socket whose other side is gone has ended */
        if (n == 0 || errno == ECONNRESET || errno == EIO)
                return 1;
        return ingot_fail_errno(reterr, "read");
}

int ingot_write_some(int fd, const void *data, size_t size, size_t *ret_size, ingot_error *reterr)
{
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK)
                n = write(fd, data, size);
        *ret_size = n > 0 ? (size_t) n : 0;
        if (n < 0 && !again() && errno != EPIPE)
                return ingot_fail_errno(reterr, "write");
        return 0;
}

int ingot_signals_catch(struct ingot_signals *ret, ingot_error *reterr)
{
        static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
        struct ingot_signals s = INGOT_SIGNALS_NONE;
        sigset_t set, saved;
        _Static_assert(sizeof(sigset_t) <= sizeof(s.saved), "a signal mask fits");
        sigemptyset(&set);
        for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
                sigaddset(&set, caught[i]);
        if (sigprocmask(SIG_BLOCK, &set, &saved) < 0)
                return ingot_fail_errno(reterr, "block signals");
        memcpy(s.saved, &saved, sizeof(saved));
        s.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (s.fd < 0) {
                int r = ingot_fail_errno(reterr, "catch signals");
                (void) sigprocmask(SIG_SETMASK, &saved, NULL);
                return r;
        }
        *ret = s;
        return 0;
}

int ingot_signals_take(struct ingot_signals *s)
{
        struct signalfd_siginfo info;
        return read(s->fd, &info, sizeof(info)) == sizeof(info) ? (int) info.ssi_signo : 0;
}

void ingot_signals_restore(struct ingot_signals *s)
{
        if (s->fd < 0)
                return;
        sigset_t saved;
        memcpy(&saved, s->saved, sizeof(saved));
        while (ingot_signals_take(s) > 0) /* answered already */
                ;
        close(s->fd);
        (void) sigprocmask(SIG_SETMASK, &saved, NULL);
        s->fd = -1;
}
