/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uevents by netlink (Linux, lib/kobject_uevent.c). */
#include "os/uevent.h"
#include "base/cleanup.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MESSAGE_MAX 8192
#define QUEUE_BYTES (1 << 20)

uint64_t ingot_monotonic_usec(void)
{
        struct timespec t = {0};
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

int ingot_uevent_open(int *ret_fd, ingot_error *reterr)
{
        struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                        NETLINK_KOBJECT_UEVENT);
        if (fd < 0)
                return ingot_fail_errno(reterr, "open the uevent socket");
        int size = QUEUE_BYTES;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return ingot_fail_errno(reterr, "listen to uevents");
        *ret_fd = TAKE_FD(fd);
        return 0;
}

bool ingot_uevent_matches(const char *message, size_t size, const char *subsystem)
{
        static const char key[] = "SUBSYSTEM=";
        for (size_t at = 0; at < size;) {
                const char *field = message + at;
                size_t length = strnlen(field, size - at);
                if (length >= sizeof(key) - 1 && memcmp(field, key, sizeof(key) - 1) == 0)
                        return length == sizeof(key) - 1 + strlen(subsystem) &&
                               memcmp(field + sizeof(key) - 1, subsystem, strlen(subsystem)) == 0;
                at += length + 1;
        }
        return false;
}

/* Takes what is queued: 1 when something of it matches. */
static int drain(int fd, const char *subsystem, ingot_error *reterr)
{
        char message[MESSAGE_MAX];
        struct sockaddr_nl from;
        bool matched = false;
        for (;;) {
                socklen_t from_size = sizeof(from);
                ssize_t n = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *) &from,
                                     &from_size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        return matched;
                if (n < 0 && errno == ENOBUFS)
                        matched = true;
                else if (n < 0)
                        return ingot_fail_errno(reterr, "read uevents");
                else if (from.nl_pid == 0) /* the kernel, not another process */
                        matched |= ingot_uevent_matches(message, (size_t) n, subsystem);
        }
}

int ingot_uevent_wait(int fd, const char *subsystem, uint64_t deadline_usec, ingot_error *reterr)
{
        for (;;) {
                uint64_t now = ingot_monotonic_usec();
                if (now >= deadline_usec)
                        return 0;
                uint64_t left_msec = (deadline_usec - now) / 1000 + 1;
                struct pollfd p = {.fd = fd, .events = POLLIN};
                int r = poll(&p, 1, left_msec > 60000 ? 60000 : (int) left_msec);
                if (r < 0 && errno != EINTR)
                        return ingot_fail_errno(reterr, "wait for uevents");
                if (r <= 0)
                        continue;
                r = drain(fd, subsystem, reterr);
                if (r != 0)
                        return r;
        }
}
