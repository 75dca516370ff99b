/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Three processes: the keeper (outside, in the new user namespace), the supervisor (first process
 * of the PID namespace: when it ends, everything inside ends) and the program. Each dies with its
 * parent. The supervisor tells how it went over a pipe: a struct report, then the ledger.
 */
#include "os/sandbox.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "os/sandbox-mounts.h"
#include "os/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define OUTPUT_DEFAULT 65536
#define LEDGER_MAX ((size_t) 1 << 30)

/* Both ends are this very program. */
struct report {
        int result; /* < 0: the program could not be run, and `error` says why */
        int exit_status;
        uint64_t calls;
        ingot_error error;
};

struct pipes {
        int output[2];
        int report[2];
};

static void pipes_done(struct pipes *p)
{
        for (int i = 0; i < 2; i++) {
                ingot_close_p(&p->output[i]);
                ingot_close_p(&p->report[i]);
        }
}

static int write_map(const char *path, const char *text, ingot_error *reterr)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t) strlen(text))
                return ingot_fail_errno(reterr, "write %s", path);
        return 0;
}

/* The same for root as for anybody: one id, and no groups. */
static int enter_namespaces(ingot_error *reterr)
{
        char map[64];
        unsigned uid = geteuid(), gid = getegid();
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                    CLONE_NEWUTS) < 0)
                return ingot_fail_errno(reterr, "make a user namespace (are they switched off in "
                                                "/proc/sys/user or by AppArmor?)");
        snprintf(map, sizeof(map), "0 %u 1", uid);
        int r = write_map("/proc/self/setgroups", "deny", reterr);
        if (r >= 0)
                r = write_map("/proc/self/uid_map", map, reterr);
        snprintf(map, sizeof(map), "0 %u 1", gid);
        if (r >= 0)
                r = write_map("/proc/self/gid_map", map, reterr);
        return r;
}

static int die_with_parent(ingot_error *reterr)
{
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return ingot_fail_errno(reterr, "bind to the parent process");
        return 0;
}

static void send_report(int fd, const struct report *report, struct ingot_span ledger)
{
        if (ingot_file_write_all(fd, report, sizeof(*report), NULL) >= 0)
                (void) ingot_file_write_all(fd, ledger.data, ledger.size, NULL);
}

static _Noreturn void fail_child(int fd, int r, const ingot_error *error)
{
        struct report report = {.result = r, .error = *error};
        send_report(fd, &report, INGOT_SPAN(NULL, 0));
        _exit(127);
}

static int send_descriptor(int socket, int fd)
{
        char byte = 0;
        struct iovec part = {.iov_base = &byte, .iov_len = 1};
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = {0};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof(control.bytes)};
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &fd, sizeof(fd));
        return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static int receive_descriptor(int socket)
{
        char byte;
        struct iovec part = {.iov_base = &byte, .iov_len = 1};
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = {0};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof(control.bytes)};
        int fd = -1;
        if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
                return -1;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
                memcpy(&fd, CMSG_DATA(head), sizeof(fd));
        return fd;
}

static int set_limits(ingot_error *reterr)
{
        struct rlimit files = {.rlim_cur = 1024}, old;
        if (getrlimit(RLIMIT_NOFILE, &old) < 0)
                return ingot_fail_errno(reterr, "read limits");
        files.rlim_max = old.rlim_max < 4096 ? old.rlim_max : 4096;
        if (files.rlim_cur > files.rlim_max)
                files.rlim_cur = files.rlim_max;
        const struct rlimit none = {0};
        if (setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
                return ingot_fail_errno(reterr, "set limits");
        return 0;
}

static int prepare_streams(const struct pipes *pipes, ingot_error *reterr)
{
        int null = open("/dev/null", O_RDONLY);
        if (null < 0 || dup2(null, 0) < 0 || dup2(pipes->output[1], 1) < 0 ||
            dup2(pipes->output[1], 2) < 0)
                return ingot_fail_errno(reterr, "set up the standard streams");
        if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return ingot_fail_errno(reterr, "close descriptors");
        return 0;
}

static void reset_signals(void)
{
        sigset_t none;
        for (int i = 1; i < NSIG; i++)
                (void) signal(i, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void run_program(const struct ingot_sandbox *sandbox, const struct pipes *pipes,
                                  int socket)
{
        ingot_error error = {0};
        int r = die_with_parent(&error);
        if (r >= 0)
                r = set_limits(&error);
        if (r >= 0)
                r = prepare_streams(pipes, &error);
        if (r < 0)
                fail_child(pipes->report[1], r, &error);
        reset_signals();
        setsid();
        umask(022);
        int listener = ingot_supervisor_filter(&error);
        if (listener < 0)
                fail_child(pipes->report[1], listener, &error);
        if (send_descriptor(socket, listener) < 0) {
                r = ingot_fail_errno(&error, "pass the supervisor's descriptor");
                fail_child(pipes->report[1], r, &error);
        }
        execve(sandbox->argv[0], (char *const *) sandbox->argv,
               (char *const *) sandbox->environment);
        r = ingot_fail_errno(&error, "run %s", sandbox->argv[0]);
        fail_child(pipes->report[1], r, &error);
}

/* Takes the end of whatever ended; 1 when the program was among it. */
static int reap(pid_t program, int *ret_status)
{
        int status, found = 0;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
                if (pid != program)
                        continue;
                *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                found = 1;
        }
        return found;
}

static int supervise(struct ingot_supervisor *s, int listener, int signals, pid_t program,
                     int *ret_status, ingot_error *reterr)
{
        struct pollfd fds[] = {{.fd = listener, .events = POLLIN},
                               {.fd = signals, .events = POLLIN}};
        for (;;) {
                if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
                        return ingot_fail_errno(reterr, "wait for the sandbox");
                if (fds[0].revents & POLLIN) {
                        int r = ingot_supervisor_answer(s, reterr);
                        if (r < 0)
                                return r;
                } else if (fds[0].revents & POLLHUP) {
                        fds[0].fd = -1; /* nobody is left who could ask */
                }
                if (fds[1].revents & POLLIN) {
                        struct signalfd_siginfo info;
                        (void) !read(signals, &info, sizeof(info));
                        if (reap(program, ret_status))
                                return 0;
                }
        }
}

static int start_program(const struct ingot_sandbox *sandbox, const struct pipes *pipes,
                         int *ret_listener, pid_t *ret_pid, ingot_error *reterr)
{
        int sockets[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
                return ingot_fail_errno(reterr, "make a socket");
        pid_t pid = fork();
        if (pid == 0)
                run_program(sandbox, pipes, sockets[1]);
        close(sockets[1]);
        int listener = pid > 0 ? receive_descriptor(sockets[0]) : -1;
        close(sockets[0]);
        if (pid < 0)
                return ingot_fail_errno(reterr, "fork");
        /* The program has told why, and its report is first in the pipe. */
        if (listener < 0)
                return ingot_fail(reterr, INGOT_E_SYSTEM, "the program did not start");
        *ret_listener = listener;
        *ret_pid = pid;
        return 0;
}

/* Only the loopback device is there, and some programs will not work without any. */
static int start_loopback(ingot_error *reterr)
{
        struct ifreq request = {.ifr_flags = IFF_UP};
        strcpy(request.ifr_name, "lo");
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                return ingot_fail_errno(reterr, "start the loopback device");
        return 0;
}

static int supervise_program(const struct ingot_sandbox *sandbox, const struct pipes *pipes,
                             struct report *report, struct ingot_buffer *ret_ledger,
                             ingot_error *reterr)
{
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigprocmask(SIG_SETMASK, &set, NULL);
        _cleanup_close_ int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (signals < 0)
                return ingot_fail_errno(reterr, "make a signal descriptor");
        int r = ingot_sandbox_mount(sandbox, reterr);
        if (r < 0)
                return r;
        if (sethostname("localhost", 9) < 0)
                return ingot_fail_errno(reterr, "set the host name");
        r = start_loopback(reterr);
        if (r < 0)
                return r;
        _cleanup_close_ int listener = -1;
        pid_t program = -1;
        r = start_program(sandbox, pipes, &listener, &program, reterr);
        if (r < 0)
                return r;
        /* Only the program and what it starts hold the output open: the reader sees its end. */
        close(pipes->output[1]);
        struct ingot_supervisor *supervisor = NULL;
        r = ingot_supervisor_new(listener, sandbox->ledger, &supervisor, reterr);
        if (r >= 0)
                r = supervise(supervisor, listener, signals, program, &report->exit_status, reterr);
        if (supervisor)
                report->calls = ingot_supervisor_calls(supervisor);
        ingot_supervisor_free(supervisor);
        /* What the program left running goes before the ledger is closed. */
        kill(-1, SIGKILL);
        if (r >= 0)
                r = ingot_ledger_encode(sandbox->ledger, ret_ledger, reterr);
        return r;
}

static _Noreturn void run_supervisor(const struct ingot_sandbox *sandbox, const struct pipes *pipes)
{
        struct report report = {0};
        struct ingot_buffer ledger = {0};
        umask(022);
        int r = die_with_parent(&report.error);
        if (r >= 0)
                r = supervise_program(sandbox, pipes, &report, &ledger, &report.error);
        report.result = r;
        send_report(pipes->report[1], &report, ingot_buffer_span(&ledger));
        _exit(0);
}

/* The caller's parent may be gone before die_with_parent(): PARENT is who it was. */
static _Noreturn void run_keeper(const struct ingot_sandbox *sandbox, const struct pipes *pipes,
                                 pid_t parent)
{
        ingot_error error = {0};
        int r = enter_namespaces(&error);
        if (r >= 0)
                r = die_with_parent(&error);
        if (r < 0)
                fail_child(pipes->report[1], r, &error);
        if (getppid() != parent)
                _exit(127);
        pid_t pid = fork();
        if (pid == 0)
                run_supervisor(sandbox, pipes);
        if (pid < 0) {
                r = ingot_fail_errno(&error, "fork");
                fail_child(pipes->report[1], r, &error);
        }
        close(pipes->output[1]);
        close(pipes->report[1]);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        _exit(0);
}

/* Appends to a buffer of which the last MAX bytes count. */
static int keep_end(struct ingot_buffer *b, const void *data, size_t size, size_t max,
                    ingot_error *reterr)
{
        int r = ingot_buffer_append(b, data, size, reterr);
        if (r >= 0 && b->size > 2 * max) {
                memmove(b->data, b->data + b->size - max, max);
                b->size = max;
        }
        return r;
}

/* Reads both pipes to their ends. */
static int collect(struct pipes *pipes, size_t max_output, struct ingot_buffer *output,
                   struct ingot_buffer *report, ingot_error *reterr)
{
        struct pollfd fds[] = {{.fd = pipes->output[0], .events = POLLIN},
                               {.fd = pipes->report[0], .events = POLLIN}};
        uint8_t data[16384];
        int r = 0;
        while (r >= 0 && (fds[0].fd >= 0 || fds[1].fd >= 0)) {
                if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
                        return ingot_fail_errno(reterr, "wait for the sandbox");
                for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(fds); i++) {
                        if (fds[i].fd < 0 || !fds[i].revents)
                                continue;
                        ssize_t n = read(fds[i].fd, data, sizeof(data));
                        if (n < 0 && errno == EINTR)
                                continue;
                        if (n <= 0)
                                fds[i].fd = -1;
                        else if (i == 0)
                                r = keep_end(output, data, (size_t) n, max_output, reterr);
                        else if (report->size > LEDGER_MAX)
                                r = ingot_fail(reterr, INGOT_E_LIMIT, "a ledger over 1 GiB");
                        else
                                r = ingot_buffer_append(report, data, (size_t) n, reterr);
                }
        }
        return r;
}

static int finish(const struct ingot_sandbox *sandbox, const struct ingot_buffer *bytes,
                  struct ingot_sandbox_result *result, ingot_error *reterr)
{
        struct report report;
        if (bytes->size < sizeof(report))
                return ingot_fail(reterr, INGOT_E_SYSTEM, "the sandbox was killed");
        memcpy(&report, bytes->data, sizeof(report));
        if (report.result < 0) {
                if (reterr)
                        *reterr = report.error;
                return report.result;
        }
        result->exit_status = report.exit_status;
        result->calls = report.calls;
        return ingot_ledger_decode(
                sandbox->ledger,
                INGOT_SPAN(bytes->data + sizeof(report), bytes->size - sizeof(report)), reterr);
}

static int open_pipes(struct pipes *pipes, ingot_error *reterr)
{
        if (pipe2(pipes->output, O_CLOEXEC) < 0 || pipe2(pipes->report, O_CLOEXEC) < 0)
                return ingot_fail_errno(reterr, "make a pipe");
        return 0;
}

static int run_and_collect(const struct ingot_sandbox *sandbox, struct pipes *pipes,
                           struct ingot_sandbox_result *result, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer report = {0};
        size_t max = sandbox->max_output ? sandbox->max_output : OUTPUT_DEFAULT;
        pid_t parent = getpid(), keeper = fork();
        if (keeper == 0)
                run_keeper(sandbox, pipes, parent);
        if (keeper < 0)
                return ingot_fail_errno(reterr, "fork");
        ingot_close_p(&pipes->output[1]);
        ingot_close_p(&pipes->report[1]);
        pipes->output[1] = pipes->report[1] = -1;
        int r = collect(pipes, max, &result->output, &report, reterr);
        if (r < 0)
                kill(keeper, SIGKILL);
        while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
                ;
        if (r >= 0)
                r = finish(sandbox, &report, result, reterr);
        if (r >= 0 && result->output.size > max) {
                memmove(result->output.data, result->output.data + result->output.size - max, max);
                result->output.size = max;
        }
        if (r >= 0)
                r = ingot_buffer_append(&result->output, "", 1, reterr);
        if (r >= 0)
                result->output.size--;
        return r;
}

int ingot_sandbox_run(const struct ingot_sandbox *sandbox, struct ingot_sandbox_result *ret,
                      ingot_error *reterr)
{
        __attribute__((cleanup(pipes_done))) struct pipes pipes = {{-1, -1}, {-1, -1}};
        _cleanup_sandbox_result_ struct ingot_sandbox_result result = {0};
        int r = open_pipes(&pipes, reterr);
        if (r >= 0)
                r = run_and_collect(sandbox, &pipes, &result, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "sandbox");
        *ret = result;
        result = (struct ingot_sandbox_result){0};
        return 0;
}
