/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread for each connection, one request each. */
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
#include <time.h>
#include <unistd.h>

struct server {
        int fd;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t idle;
        char url[64], *folder;
        struct server_faults faults;
        unsigned requests, ranges, connections, accepted;
        unsigned long long bytes;
        bool stopping;
};

struct connection {
        struct server *s;
        int fd;
        bool faulty; /* this request gets the faults */
};

static bool stopping(struct server *s)
{
        pthread_mutex_lock(&s->lock);
        bool now = s->stopping;
        pthread_mutex_unlock(&s->lock);
        return now;
}

static bool send_all(struct connection *c, const void *data, size_t size)
{
        const char *p = data;
        /* Before they are sent: who has got them may ask at once. */
        pthread_mutex_lock(&c->s->lock);
        c->s->bytes += size;
        pthread_mutex_unlock(&c->s->lock);
        while (size > 0) {
                ssize_t n = send(c->fd, p, size, MSG_NOSIGNAL);
                if (n <= 0)
                        return false;
                p += n;
                size -= (size_t) n;
        }
        return true;
}

/* As fast as the faults let it. */
static void send_slowly(struct connection *c, const void *data, size_t size)
{
        struct timespec wait = {.tv_nsec = (long) c->s->faults.trickle * 1000000};
        const char *p = data;
        for (; size > 0 && !stopping(c->s) && send_all(c, p, 1); p++, size--)
                nanosleep(&wait, NULL);
}

static void send_status(struct connection *c, const char *status)
{
        const char *after = c->s->faults.retry_after;
        char head[256];
        int n = snprintf(
                head, sizeof(head),
                "HTTP/1.1 %s\r\nContent-Length: 5\r\n%s%s%sConnection: close\r\n\r\noops\n", status,
                after ? "Retry-After: " : "", after ? after : "", after ? "\r\n" : "");
        send_all(c, head, (size_t) n);
}

static void send_redirect(struct connection *c)
{
        char head[512];
        int n = snprintf(head, sizeof(head),
                         "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n"
                         "Connection: close\r\n\r\n",
                         c->s->faults.redirect);
        send_all(c, head, (size_t) n);
}

static void send_without_end(struct connection *c, const char *head)
{
        char line[1024];
        memset(line, 'x', sizeof(line));
        memcpy(line, "X: ", 3);
        memcpy(line + sizeof(line) - 2, "\r\n", 2);
        send_all(c, head, strlen(head));
        while (!stopping(c->s) && send_all(c, line, sizeof(line)))
                ;
}

static void send_head(struct connection *c, size_t from, size_t to, size_t size, bool partial)
{
        const struct server_faults *f = &c->s->faults;
        char range[200] = "", length[64] = "", encoding[100] = "", head[512];
        if (partial)
                snprintf(range, sizeof(range), "Content-Range: bytes %zu-%zu/%zu\r\n", from, to - 1,
                         size);
        if (partial && c->faulty && f->content_range)
                snprintf(range, sizeof(range), "Content-Range: %s\r\n", f->content_range);
        if (!(c->faulty && f->endless))
                snprintf(length, sizeof(length), "Content-Length: %zu\r\n", to - from);
        if (c->faulty && f->encoding)
                snprintf(encoding, sizeof(encoding), "Content-Encoding: %s\r\n", f->encoding);
        int n = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n%s%s%s%s\r\n",
                         partial ? "206 Partial" : "200 OK", range, length, encoding,
                         f->keeps ? "" : "Connection: close\r\n");
        if (c->faulty && f->trickle_head)
                send_slowly(c, head, (size_t) n);
        else
                send_all(c, head, (size_t) n);
}

/* The bytes [FROM, TO), of which the last ones may be missing. */
static void send_file(struct connection *c, uint8_t *data, size_t size, size_t from, size_t to,
                      bool partial, bool breaks)
{
        const struct server_faults *f = &c->s->faults;
        if (!partial || f->no_ranges) {
                partial = false;
                from = 0;
                to = size;
        }
        if (c->faulty && f->half)
                to = from + (to - from + 1) / 2;
        if (c->faulty && f->change > 0 && f->change <= size)
                data[f->change - 1] ^= 0xff;
        send_head(c, from, to, size, partial);
        size_t left = to - from;
        if (breaks && f->break_after < left)
                left = f->break_after;
        if (c->faulty && f->trickle > 0)
                send_slowly(c, data + from, left);
        else
                send_all(c, data + from, left);
        if (c->faulty && f->endless)
                send_without_end(c, "");
        struct linger now = {.l_onoff = 1};
        if (breaks && f->reset)
                setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
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

/* The head of a request; its size, or 0. */
static size_t receive(int fd, char *request, size_t size)
{
        size_t used = 0;
        while (used < size - 1) {
                ssize_t n = recv(fd, request + used, size - 1 - used, 0);
                if (n <= 0)
                        return 0;
                used += (size_t) n;
                request[used] = 0;
                if (strstr(request, "\r\n\r\n"))
                        break;
        }
        return used;
}

static void send_content(struct connection *c, const char *path, const char *range, bool breaks)
{
        char full[4096];
        uint8_t *data = NULL;
        size_t size, from = 0, to;
        ingot_error error;
        snprintf(full, sizeof(full), "%s%.2000s", c->s->folder, path);
        if (ingot_file_read(AT_FDCWD, full, 1 << 26, &data, &size, &error) < 0) {
                send_status(c, "404 Not Found");
                return;
        }
        to = size;
        if (range) {
                char *end;
                from = strtoul(range + 13, &end, 10);
                to = *end == '-' && end[1] >= '0' && end[1] <= '9' ? strtoul(end + 1, NULL, 10) + 1
                                                                   : size;
                to = to < size ? to : size;
        }
        if (range && from >= size)
                send_status(c, "416 Range Not Satisfiable");
        else
                send_file(c, data, size, from, to, range != NULL, breaks);
        free(data);
}

/* False: there was no request. */
static bool answer(struct connection *c)
{
        struct server *s = c->s;
        const struct server_faults *f = &s->faults;
        char request[4096], path[2048];
        size_t size = receive(c->fd, request, sizeof(request));
        if (size == 0 || sscanf(request, "GET %2047s", path) != 1)
                return false;
        unescape(path);
        const char *range = strstr(request, "Range: bytes=");
        pthread_mutex_lock(&s->lock);
        unsigned number = s->requests++;
        s->ranges += range != NULL;
        s->bytes += size;
        pthread_mutex_unlock(&s->lock);
        c->faulty = !f->only_for || strstr(path, f->only_for);
        bool breaks = number >= f->errors && number < f->errors + f->breaks;
        breaks = breaks || (f->dead_for && strstr(path, f->dead_for));
        if (c->faulty && number < f->errors)
                send_status(c, "503 Busy");
        else if (c->faulty && f->redirect)
                send_redirect(c);
        else if (c->faulty && f->endless_head)
                send_without_end(c, "HTTP/1.1 200 OK\r\n");
        else
                send_content(c, path, range, breaks);
        return true;
}

static void *serve_one(void *context)
{
        struct connection *c = context;
        struct server *s = c->s;
        while (answer(c) && s->faults.keeps)
                ;
        close(c->fd);
        free(c);
        pthread_mutex_lock(&s->lock);
        s->connections--;
        pthread_cond_signal(&s->idle);
        pthread_mutex_unlock(&s->lock);
        return NULL;
}

static void *serve(void *context)
{
        struct server *s = context;
        for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0;) {
                struct connection *c = malloc(sizeof(*c));
                pthread_t thread;
                *c = (struct connection){.s = s, .fd = fd};
                pthread_mutex_lock(&s->lock);
                s->connections++;
                s->accepted++;
                pthread_mutex_unlock(&s->lock);
                if (pthread_create(&thread, NULL, serve_one, c) == 0)
                        pthread_detach(thread);
                else
                        serve_one(c);
        }
        return NULL;
}

struct server *server_start(const char *folder, const struct server_faults *faults)
{
        struct server *s = calloc(1, sizeof(*s));
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(a);
        s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        s->folder = strdup(folder);
        if (faults)
                s->faults = *faults;
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->idle, NULL);
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
        pthread_mutex_lock(&s->lock);
        s->stopping = true;
        while (s->connections > 0)
                pthread_cond_wait(&s->idle, &s->lock);
        pthread_mutex_unlock(&s->lock);
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

unsigned server_connections(struct server *s)
{
        pthread_mutex_lock(&s->lock);
        unsigned n = s->accepted;
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

unsigned long long server_bytes(struct server *s)
{
        pthread_mutex_lock(&s->lock);
        unsigned long long n = s->bytes;
        pthread_mutex_unlock(&s->lock);
        return n;
}
