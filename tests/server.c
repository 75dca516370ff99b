/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread that answers one connection after the other, one request each. */
#include "server.h"
#include "base/text.h"
#include "os/file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
        int fd;
        pthread_t thread;
        pthread_mutex_t lock;
        char url[64], *folder;
        struct server_faults faults;
        unsigned requests, ranges;
};

static void send_all(int fd, const void *data, size_t size)
{
        const char *p = data;
        while (size > 0) {
                ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
                if (n <= 0)
                        return;
                p += n;
                size -= (size_t) n;
        }
}

static void send_status(int fd, const char *status)
{
        char head[256];
        int n = snprintf(head, sizeof(head),
                         "HTTP/1.1 %s\r\nContent-Length: 5\r\nConnection: close\r\n\r\noops\n",
                         status);
        send_all(fd, head, (size_t) n);
}

/* The body from FROM on, of which the last bytes may be missing. */
static void send_file(struct server *s, int fd, const uint8_t *data, size_t size, size_t from,
                      bool range, bool breaks)
{
        char head[256];
        int n;
        if (range && !s->faults.no_ranges)
                n = snprintf(head, sizeof(head),
                             "HTTP/1.1 206 Partial\r\nContent-Length: %zu\r\n"
                             "Content-Range: bytes %zu-%zu/%zu\r\nConnection: close\r\n\r\n",
                             size - from, from, size - 1, size);
        else
                n = snprintf(head, sizeof(head),
                             "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                             size - (from = 0));
        send_all(fd, head, (size_t) n);
        size_t left = size - from;
        send_all(fd, data + from, breaks && s->faults.break_after < left ? s->faults.break_after
                                                                        : left);
}

/* Undoes %XX in place. */
static void unescape(char *path)
{
        char *to = path;
        for (const char *p = path; *p; p++) {
                uint8_t byte = 0;
                char hex[3] = {p[0] == '%' ? p[1] : 0, p[1], 0};
                hex[1] = hex[0] ? p[2] : 0;
                if (p[0] == '%' && ingot_unhex(&byte, 1, hex)) {
                        *to++ = (char) byte;
                        p += 2;
                } else {
                        *to++ = *p;
                }
        }
        *to = 0;
}

static void answer(struct server *s, int fd)
{
        char request[4096], path[2048], full[4096];
        uint8_t *data = NULL;
        size_t size, used = 0;
        ingot_error error;
        for (ssize_t n; used < sizeof(request) - 1;) {
                n = recv(fd, request + used, sizeof(request) - 1 - used, 0);
                if (n <= 0)
                        return;
                used += (size_t) n;
                request[used] = 0;
                if (strstr(request, "\r\n\r\n"))
                        break;
        }
        if (sscanf(request, "GET %2047s", path) != 1)
                return;
        unescape(path);
        const char *range = strstr(request, "Range: bytes=");
        size_t from = range ? strtoul(range + 13, NULL, 10) : 0;
        pthread_mutex_lock(&s->lock);
        unsigned number = s->requests++;
        s->ranges += range != NULL;
        pthread_mutex_unlock(&s->lock);
        bool breaks = number >= s->faults.errors &&
                      number < s->faults.errors + s->faults.breaks;
        breaks = breaks || (s->faults.dead_for && strstr(path, s->faults.dead_for));
        snprintf(full, sizeof(full), "%s%.2000s", s->folder, path);
        if (number < s->faults.errors)
                send_status(fd, "503 Busy");
        else if (ingot_file_read(AT_FDCWD, full, 1 << 26, &data, &size, &error) < 0)
                send_status(fd, "404 Not Found");
        else if (range && from >= size)
                send_status(fd, "416 Range Not Satisfiable");
        else
                send_file(s, fd, data, size, from, range != NULL, breaks);
        free(data);
}

static void *serve(void *context)
{
        struct server *s = context;
        for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0; close(fd))
                answer(s, fd);
        return NULL;
}

struct server *server_start(const char *folder, const struct server_faults *faults)
{
        struct server *s = calloc(1, sizeof(*s));
        struct sockaddr_in a = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(a);
        s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        s->folder = strdup(folder);
        if (faults)
                s->faults = *faults;
        pthread_mutex_init(&s->lock, NULL);
        if (s->fd < 0 || bind(s->fd, (struct sockaddr *) &a, sizeof(a)) < 0 ||
            listen(s->fd, 64) < 0 || getsockname(s->fd, (struct sockaddr *) &a, &size) < 0 ||
            pthread_create(&s->thread, NULL, serve, s) != 0) {
                free(s->folder);
                free(s);
                return NULL;
        }
        snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", ntohs(a.sin_port));
        return s;
}

void server_stop(struct server *s)
{
        shutdown(s->fd, SHUT_RDWR);
        pthread_join(s->thread, NULL);
        close(s->fd);
        free(s->folder);
        free(s);
}

const char *server_url(const struct server *s)
{
        return s->url;
}

unsigned server_requests(struct server *s)
{
        pthread_mutex_lock(&s->lock);
        unsigned n = s->requests;
        pthread_mutex_unlock(&s->lock);
        return n;
}

unsigned server_ranges(struct server *s)
{
        pthread_mutex_lock(&s->lock);
        unsigned n = s->ranges;
        pthread_mutex_unlock(&s->lock);
        return n;
}
