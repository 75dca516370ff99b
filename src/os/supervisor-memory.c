/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory of a supervised process. */
#include "os/supervisor-call.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#define PAGE 4096

int call_read(const struct call *c, uint64_t address, void *ret, size_t size)
{
        struct iovec local = {.iov_base = ret, .iov_len = size};
        struct iovec remote = {.iov_base = (void *) (uintptr_t) address, .iov_len = size};
        ssize_t n = process_vm_readv(c->tid, &local, 1, &remote, 1, 0);
        return n == (ssize_t) size ? 0 : -EFAULT;
}

int call_write(const struct call *c, uint64_t address, const void *data, size_t size)
{
        struct iovec local = {.iov_base = (void *) data, .iov_len = size};
        struct iovec remote = {.iov_base = (void *) (uintptr_t) address, .iov_len = size};
        ssize_t n = process_vm_writev(c->tid, &local, 1, &remote, 1, 0);
        return n == (ssize_t) size ? 0 : -EFAULT;
}

/* Page by page: behind the string's end there may be nothing. */
int call_read_string(const struct call *c, uint64_t address, char *ret, size_t size)
{
        size_t have = 0;
        while (have < size) {
                size_t part = PAGE - (address + have) % PAGE;
                if (part > size - have)
                        part = size - have;
                int r = call_read(c, address + have, ret + have, part);
                if (r < 0)
                        return r;
                if (memchr(ret + have, 0, part))
                        return 0;
                have += part;
        }
        return -ENAMETOOLONG;
}
