/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything the child needs is made before fork: between fork and exec only system calls are
 * made, since other threads may hold any lock. An exec that fails reports its errno through a pipe.
 */
#include "os/process.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { ERRORS_KEPT = 64 * 1024, OUTPUT_MAX = 1024 * 1024, KEPT_MAX = 64 };

extern char **environ;

void ingot_process_result_done(struct ingot_process_result *r)
{
        ingot_buffer_done(&r->output);
        ingot_buffer_done(&r->errors);
}

static bool is_program(const char *path)
{
        struct stat st;
        return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static int missing(const char *name, const char *package, ingot_error *reterr)
{
        if (!package)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "program %s is missing", name);
        return ingot_fail(reterr, INGOT_E_NOTFOUND,
                          "program %s is missing: install the package %s", name, package);
}

int ingot_program_find(const char *name, const char *package, char **ret, ingot_error *reterr)
{
        if (strchr(name, '/')) {
                if (!is_program(name))
                        return missing(name, package, reterr);
                return ingot_strdup(ret, name, reterr);
        }
        const char *path = getenv("PATH");
        _cleanup_free_ char *all = NULL;
        int r = ingot_format(&all, reterr, "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
        if (r < 0)
                return r;
        _cleanup_strings_ struct ingot_strings folders = {0};
        r = ingot_strings_split(&folders, all, ":", reterr);
        for (size_t i = 0; r >= 0 && i < folders.count; i++) {
                _cleanup_free_ char *candidate = NULL;
                r = ingot_format(&candidate, reterr, "%s/%s", folders.items[i], name);
                if (r >= 0 && is_program(candidate)) {
                        *ret = TAKE_PTR(candidate);
                        return 0;
                }
        }
        return r < 0 ? r : missing(name, package, reterr);
}

/* The length of NAME in "NAME" or "NAME=VALUE". */
static size_t name_length(const char *entry)
{
        return strcspn(entry, "=");
}

static bool changed(const char *const *changes, const char *entry)
{
        size_t n = name_length(entry);
        for (; *changes; changes++)
                if (name_length(*changes) == n && strncmp(*changes, entry, n) == 0)
                        return true;
        return false;
}

/* Our environment with the changes: pointers into it and into CHANGES, in one allocation. */
static int make_environment(const char *const *changes, const char ***ret, ingot_error *reterr)
{
        size_t ours = 0, theirs = 0, n = 0;
        static const char *const none[] = {NULL};
        if (!changes)
                changes = none;
        while (environ && environ[ours])
                ours++;
        while (changes[theirs])
                theirs++;
        const char **all = calloc(ours + theirs + 1, sizeof(*all));
        if (!all)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < ours; i++)
                if (!changed(changes, environ[i]))
                        all[n++] = environ[i];
        for (size_t i = 0; i < theirs; i++)
                if (strchr(changes[i], '='))
                        all[n++] = changes[i];
        *ret = all;
        return 0;
}

/* All that the child uses. */
struct child {
        const char *path, *directory;
        const char *const *argv, *const *environment;
        int fds[3], report;
        const int *keep;
        size_t keep_count;
        pid_t parent;
        bool own_group;
};

/* Everything from 3 on is closed at exec but what is kept. */
static int inherit(const struct child *c)
{
        if (syscall(SYS_close_range, 3U, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) < 0)
                for (int fd = 3; fd < 1024; fd++)
                        (void) fcntl(fd, F_SETFD, FD_CLOEXEC);
        for (size_t i = 0; i < c->keep_count; i++)
                if (fcntl(c->keep[i], F_SETFD, 0) < 0)
                        return -1;
        return 0;
}

/* Moves the three above 2 first, so that none is overwritten before it is duplicated. */
static int place_fds(const struct child *c)
{
        int moved[3];
        for (int i = 0; i < 3; i++)
                if ((moved[i] = fcntl(c->fds[i], F_DUPFD_CLOEXEC, 3)) < 0)
                        return -1;
        for (int i = 0; i < 3; i++)
                if (dup2(moved[i], i) < 0)
                        return -1;
        return 0;
}

__attribute__((noreturn)) static void run_child(const struct child *c)
{
        sigset_t none;
        sigemptyset(&none);
        for (int s = 1; s < 32; s++)
                (void) signal(s, SIG_DFL);
        if (sigprocmask(SIG_SETMASK, &none, NULL) >= 0 &&
            prctl(PR_SET_PDEATHSIG, SIGKILL) >= 0 && (!c->own_group || setpgid(0, 0) >= 0) &&
            place_fds(c) >= 0 && inherit(c) >= 0 &&
            (!c->directory || chdir(c->directory) >= 0)) {
                if (getppid() != c->parent)
                        _exit(127);
                execve(c->path, (char *const *) c->argv, (char *const *) c->environment);
        }
        int os = errno;
        if (write(c->report, &os, sizeof(os)) < 0)
                _exit(126);
        _exit(127);
}

/* Forks; the child's errno when it never came to exec. */
static int spawn(struct child *c, struct ingot_process *ret, ingot_error *reterr)
{
        int report[2];
        if (pipe2(report, O_CLOEXEC) < 0)
                return ingot_fail_errno(reterr, "make a pipe");
        _cleanup_close_ int from = report[0], to = report[1];
        c->report = to;
        c->parent = getpid();
        pid_t pid = fork();
        if (pid < 0)
                return ingot_fail_errno(reterr, "start %s", c->path);
        if (pid == 0)
                run_child(c);
        close(TAKE_FD(to));
        int os = 0;
        ssize_t n;
        do
                n = read(from, &os, sizeof(os));
        while (n < 0 && errno == EINTR);
        if (n > 0) {
                (void) waitpid(pid, NULL, 0);
                errno = os;
                return ingot_fail_errno(reterr, "start %s", c->path);
        }
        struct ingot_process p = {.pid = pid, .pidfd = (int) syscall(SYS_pidfd_open, pid, 0)};
        if (p.pidfd < 0) {
                int r = ingot_fail_errno(reterr, "watch %s", c->path);
                ingot_process_kill(&p);
                return r;
        }
        *ret = p;
        return 0;
}

int ingot_process_start(const struct ingot_program *p, const int fds[3],
                        struct ingot_process *ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ const char **environment = NULL;
        _cleanup_close_ int null = -1;
        int r = ingot_program_find(p->argv[0], p->package, &path, reterr);
        if (r >= 0)
                r = make_environment(p->environment, &environment, reterr);
        if (r < 0)
                return r;
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0)
                return ingot_fail_errno(reterr, "open /dev/null");
        struct child c = {.path = path,
                          .directory = p->directory,
                          .argv = p->argv,
                          .environment = environment,
                          .keep = p->keep,
                          .keep_count = p->keep_count,
                          .own_group = p->own_group};
        for (int i = 0; i < 3; i++)
                c.fds[i] = fds[i] < 0 ? null : fds[i];
        return spawn(&c, ret, reterr);
}

static int status_of(int wait_status)
{
        return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static void reap(struct ingot_process *p, int *ret_status)
{
        int status = 0;
        while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (p->pidfd >= 0)
                close(p->pidfd);
        *p = INGOT_PROCESS_NONE;
        if (ret_status)
                *ret_status = status_of(status);
}

static int64_t now_msec(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int ingot_process_wait(struct ingot_process *p, int timeout_msec, int *ret_status,
                       ingot_error *reterr)
{
        int64_t end = now_msec() + timeout_msec;
        for (;;) {
                struct pollfd poll_pid = {.fd = p->pidfd, .events = POLLIN};
                int64_t left = end - now_msec();
                int wait = timeout_msec < 0 ? -1 : left > 0 ? (int) left : 0;
                int n = poll(&poll_pid, 1, wait);
                if (n < 0 && errno != EINTR)
                        return ingot_fail_errno(reterr, "wait for a program");
                if (n == 0)
                        return 1;
                if (n > 0)
                        break;
        }
        reap(p, ret_status);
        return 0;
}

void ingot_process_stop(struct ingot_process *p, int patience_msec)
{
        if (p->pid <= 0)
                return;
        if (patience_msec > 0) {
                (void) kill(p->pid, SIGTERM);
                if (ingot_process_wait(p, patience_msec, NULL, NULL) == 0)
                        return;
        }
        (void) kill(p->pid, SIGKILL);
        reap(p, NULL);
}

void ingot_process_kill(struct ingot_process *p)
{
        ingot_process_stop(p, 0);
}

/* stdin out of memory: no pipe to keep filled, and the program may seek in it. */
static int open_input(struct ingot_span input, int *ret, ingot_error *reterr)
{
        if (input.size == 0)
                return 0;
        _cleanup_close_ int fd = memfd_create("input", MFD_CLOEXEC);
        if (fd < 0)
                return ingot_fail_errno(reterr, "make a file in memory");
        int r = ingot_file_write_all(fd, input.data, input.size, reterr);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return ingot_fail_errno(reterr, "rewind");
        *ret = TAKE_FD(fd);
        return 0;
}

/* Appends what FD has now. 1: more may come, 0: end of file or nothing for now. */
static int read_some(int fd, struct ingot_buffer *b, ingot_error *reterr)
{
        int r = ingot_buffer_reserve(b, 16 * 1024 + 1, reterr);
        if (r < 0)
                return r;
        ssize_t n = read(fd, b->data + b->size, 16 * 1024);
        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? errno == EINTR
                                                         : ingot_fail_errno(reterr, "read");
        b->size += (size_t) n;
        b->data[b->size] = 0;
        return n > 0;
}

/* Only the last ERRORS_KEPT bytes are kept. */
static void keep_tail(struct ingot_buffer *b)
{
        if (b->size <= 2 * ERRORS_KEPT)
                return;
        memmove(b->data, b->data + b->size - ERRORS_KEPT, ERRORS_KEPT);
        b->size = ERRORS_KEPT;
        b->data[b->size] = 0;
}

struct capture {
        int output, errors; /* -1 at their end */
        size_t max;
        int64_t end; /* 0: none */
};

static int take_stream(int *fd, struct ingot_buffer *b, ingot_error *reterr)
{
        int r = read_some(*fd, b, reterr);
        if (r == 0) {
                close(*fd);
                *fd = -1;
        }
        return r;
}

/* Until the program has ended (its children may hold the pipes longer) and its pipes are empty. */
static int capture(struct capture *c, struct ingot_process *p, struct ingot_process_result *ret,
                   ingot_error *reterr)
{
        for (bool ended = false; !ended || c->output >= 0 || c->errors >= 0;) {
                struct pollfd fds[] = {{.fd = c->output, .events = POLLIN},
                                       {.fd = c->errors, .events = POLLIN},
                                       {.fd = ended ? -1 : p->pidfd, .events = POLLIN}};
                int64_t left = c->end ? c->end - now_msec() : 0;
                int n = poll(fds, 3, ended ? 0 : !c->end ? -1 : left > 0 ? (int) left : 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ingot_fail_errno(reterr, "wait for a program");
                if (n == 0 && ended)
                        return 0;
                if (n == 0) {
                        errno = ETIMEDOUT;
                        return ingot_fail_errno(reterr, "wait for its end");
                }
                int r = fds[0].revents ? take_stream(&c->output, &ret->output, reterr) : 0;
                if (r >= 0 && fds[1].revents)
                        r = take_stream(&c->errors, &ret->errors, reterr);
                if (r < 0)
                        return r;
                keep_tail(&ret->errors);
                if (ret->output.size > c->max)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "it prints more than %zu bytes",
                                          c->max);
                ended |= fds[2].revents != 0;
        }
        return 0;
}

/* The last line that is not empty, without its end. */
static struct ingot_span last_line(const struct ingot_buffer *b)
{
        size_t end = b->size;
        while (end > 0 && strchr("\r\n\t ", b->data[end - 1]))
                end--;
        size_t start = end;
        while (start > 0 && b->data[start - 1] != '\n')
                start--;
        return INGOT_SPAN(b->data + start, end - start);
}

static int judge(const char *name, const struct ingot_process_result *result, ingot_error *reterr)
{
        int status = result->exit_status;
        struct ingot_span line = last_line(&result->errors);
        if (line.size == 0)
                line = last_line(&result->output);
        const char *kind = status > 128 ? "signal" : "exit";
        errno = 0;
        return ingot_fail(reterr, INGOT_E_SYSTEM, "%s failed (%s %d)%s%.*s", name, kind,
                          status > 128 ? status - 128 : status, line.size ? ": " : "",
                          (int) (line.size < 512 ? line.size : 512),
                          line.size ? (const char *) line.data : "");
}

static int run(const struct ingot_program *p, struct ingot_process_result *ret,
               ingot_error *reterr)
{
        _cleanup_close_ int input = -1;
        int out[2], err[2];
        int r = open_input(p->input, &input, reterr);
        if (r < 0)
                return r;
        if (pipe2(out, O_CLOEXEC) < 0)
                return ingot_fail_errno(reterr, "make a pipe");
        _cleanup_close_ int out_read = out[0], out_write = out[1];
        if (pipe2(err, O_CLOEXEC) < 0)
                return ingot_fail_errno(reterr, "make a pipe");
        _cleanup_close_ int err_read = err[0], err_write = err[1];
        _cleanup_process_ struct ingot_process process = INGOT_PROCESS_NONE;
        r = ingot_process_start(p, (int[3]){input, out_write, err_write}, &process, reterr);
        if (r < 0)
                return r;
        close(TAKE_FD(out_write));
        close(TAKE_FD(err_write));
        struct capture c = {.output = TAKE_FD(out_read),
                            .errors = TAKE_FD(err_read),
                            .max = p->max_output ? p->max_output : OUTPUT_MAX,
                            .end = p->timeout_msec ? now_msec() + (int64_t) p->timeout_msec : 0};
        r = capture(&c, &process, ret, reterr);
        _cleanup_close_ int close_output = c.output, close_errors = c.errors;
        (void) close_output, (void) close_errors;
        if (r < 0)
                return ingot_under(reterr, r, "%s", p->argv[0]);
        reap(&process, &ret->exit_status);
        return 0;
}

int ingot_process_run(const struct ingot_program *p, struct ingot_process_result *ret,
                      ingot_error *reterr)
{
        _cleanup_process_result_ struct ingot_process_result mine = {0};
        if (!ret)
                ret = &mine;
        *ret = (struct ingot_process_result){0};
        int r = run(p, ret, reterr);
        if (r < 0 || p->any_status || ret->exit_status == 0)
                return r;
        return judge(p->argv[0], ret, reterr);
}
