/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * swtpm's data socket speaks as the device does, but in a stream: the size of a message stands in
 * its header (TPM 2.0 Library, part 1, section 18.4: tag, size, code).
 */
#include "os/tpm-transport.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "os/tpm-device.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define HEADER_SIZE 10
#define PATIENCE_MSEC (5 * 60 * 1000)

/* The kernel gives a TPM 1.2 no /dev/tpmrm0. */
static int no_device(const char *path, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *version = NULL;
        size_t size;
        if (ingot_file_read(AT_FDCWD, "/sys/class/tpm/tpm0/tpm_version_major", 16, &version, &size,
                            NULL) >= 0 &&
            size > 0 && version[0] == '1')
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "this machine has a TPM 1.2, which has none of this: look in the "
                                  "firmware's setup for a TPM 2.0 (fTPM, PTT)");
        return ingot_fail(reterr, INGOT_E_NOTFOUND,
                          "no TPM: there is no %s; it may be switched off in the firmware's setup",
                          path);
}

static int open_device(struct tpm_transport *t, const char *path, ingot_error *reterr)
{
        t->fd = open(path, O_RDWR | O_CLOEXEC);
        if (t->fd >= 0)
                return 0;
        if (errno == ENOENT)
                return no_device(path, reterr);
        if (errno == EACCES || errno == EPERM)
                return ingot_fail(reterr, INGOT_E_SYSTEM,
                                  "you may not open %s: root may, and on Debian the group tss",
                                  path);
        return ingot_fail_errno(reterr, "open %s", path);
}

static int connect_host(struct tpm_transport *t, const char *host, const char *port,
                        ingot_error *reterr)
{
        struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
        int e = getaddrinfo(host, port, &hints, &list);
        if (e != 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "swtpm at %s, port %s: %s", host, port,
                                  gai_strerror(e));
        for (struct addrinfo *a = list; a && t->fd < 0; a = a->ai_next) {
                _cleanup_close_ int fd =
                        socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
                if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
                        t->fd = TAKE_FD(fd);
                else
                        t->os = errno;
        }
        freeaddrinfo(list);
        errno = t->os;
        return t->fd >= 0 ? 0
                          : ingot_fail_errno(reterr, "connect to swtpm at %s, port %s", host, port);
}

static int connect_path(struct tpm_transport *t, const char *path, ingot_error *reterr)
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        if (strlen(path) >= sizeof(a.sun_path))
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s is too long for a socket's path",
                                  path);
        memcpy(a.sun_path, path, strlen(path) + 1);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *) &a, sizeof(a)) < 0)
                return ingot_fail_errno(reterr, "connect to swtpm at %s", path);
        t->fd = TAKE_FD(fd);
        return 0;
}

/* "host=HOST,port=PORT" or "path=SOCKET"; the defaults are tpm2-tss's. */
static int open_swtpm(struct tpm_transport *t, const char *options, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        const char *host = "localhost", *port = "2321", *path = NULL;
        int r = ingot_strings_split(&words, options, ",", reterr);
        for (size_t i = 0; r >= 0 && i < words.count; i++) {
                const char *w = words.items[i];
                if (ingot_starts_with(w, "host="))
                        host = w + 5;
                else if (ingot_starts_with(w, "port="))
                        port = w + 5;
                else if (ingot_starts_with(w, "path="))
                        path = w + 5;
                else
                        r = ingot_fail(reterr, INGOT_E_USAGE,
                                       "swtpm: \"%s\" is none of host=, port=, path=", w);
        }
        t->stream = true;
        if (r < 0)
                return r;
        return path ? connect_path(t, path, reterr) : connect_host(t, host, port, reterr);
}

int tpm_transport_open(struct tpm_transport *ret, const char *where, ingot_error *reterr)
{
        *ret = TPM_TRANSPORT_NONE;
        if (!where || !*where)
                return open_device(ret, INGOT_TPM_DEVICE, reterr);
        if (where[0] == '/')
                return open_device(ret, where, reterr);
        if (ingot_starts_with(where, "device:"))
                return open_device(ret, where + 7, reterr);
        if (strcmp(where, "swtpm") == 0 || ingot_starts_with(where, "swtpm:"))
                return open_swtpm(ret, where[5] ? where + 6 : "", reterr);
        return ingot_fail(reterr, INGOT_E_USAGE,
                          "\"%s\" names no TPM: a device's path, device:PATH, "
                          "swtpm:host=HOST,port=PORT or swtpm:path=SOCKET does",
                          where);
}

void tpm_transport_close(struct tpm_transport *t)
{
        if (t->fd >= 0)
                close(t->fd);
        *t = TPM_TRANSPORT_NONE;
}

static bool failed(struct tpm_transport *t, int os)
{
        t->os = os;
        return false;
}

bool tpm_transport_send(struct tpm_transport *t, const uint8_t *command, size_t size)
{
        ssize_t n;
        while (size > 0) {
                /* A socket that the other end has closed is an error, not a signal. */
                n = t->stream ? send(t->fd, command, size, MSG_NOSIGNAL)
                              : write(t->fd, command, size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return failed(t, errno);
                command += n;
                size -= (size_t) n;
        }
        return true;
}

/* What is there to read; 0 at the end. */
static ssize_t read_some(struct tpm_transport *t, uint8_t *ret, size_t size)
{
        struct pollfd p = {.fd = t->fd, .events = POLLIN};
        int ready;
        do
                ready = poll(&p, 1, PATIENCE_MSEC);
        while (ready < 0 && errno == EINTR);
        if (ready == 0)
                errno = ETIMEDOUT;
        return ready <= 0 ? -1 : read(t->fd, ret, size);
}

bool tpm_transport_receive(struct tpm_transport *t, uint8_t *ret, size_t *ret_size)
{
        size_t have = 0, want = t->stream ? HEADER_SIZE : INGOT_TPM_RESPONSE_MAX;
        while (have < want) {
                ssize_t n = read_some(t, ret + have, want - have);
                if (n < 0)
                        return failed(t, errno);
                if (n == 0)
                        return failed(t, ECONNRESET);
                have += (size_t) n;
                if (!t->stream)
                        break;
                if (have == HEADER_SIZE)
                        want = ingot_be32_load(ret + 2);
                if (want < HEADER_SIZE || want > INGOT_TPM_RESPONSE_MAX)
                        return failed(t, EBADMSG);
        }
        *ret_size = have;
        return true;
}
