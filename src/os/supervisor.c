/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which calls the supervisor is asked about, the filter made of that table, and the loop's body.
 * The calls are those that Debian's packages proved to need: nothing is trapped for completeness.
 */
#include "os/supervisor.h"
#include "base/cleanup.h"
#include "os/supervisor-call.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64) /* Linux 6.6 */
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000U
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the supervisor does not know this machine's system calls"
#endif

#define PROGRAM_MAX 512

/* When it is asked; the rest of such calls goes straight to the kernel. */
enum condition {
        ALWAYS,
        UNLESS_STANDARD_STREAM, /* the first argument is above 2 */
        WITH_FLAGS,             /* argument `argument` has one of `flags` */
        WITH_VALUE,             /* argument `argument` is `flags` */
};

struct trap {
        int nr;
        int (*answer)(struct call *c);
        enum condition condition;
        unsigned argument;
        uint32_t flags;
};

/* From here on somebody may have another root than ours. */
static int note_other_root(struct call *c)
{
        c->s->other_roots = true;
        return CALL_CONTINUE;
}

#define CREATES (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWUSER)

static const struct trap traps[] = {
        {SYS_newfstatat, call_newfstatat, ALWAYS, 0, 0},
        {SYS_fstat, call_fstat, UNLESS_STANDARD_STREAM, 0, 0},
        {SYS_statx, call_statx, ALWAYS, 0, 0},
        {SYS_openat, call_openat, WITH_FLAGS, 2, CREATES},
        {SYS_openat2, call_openat2, ALWAYS, 0, 0},
        {SYS_mkdirat, call_mkdirat, ALWAYS, 0, 0},
        {SYS_symlinkat, call_symlinkat, ALWAYS, 0, 0},
        {SYS_mknodat, call_mknodat, ALWAYS, 0, 0},
        {SYS_fchown, call_fchown, ALWAYS, 0, 0},
        {SYS_fchownat, call_fchownat, ALWAYS, 0, 0},
        {SYS_getuid, call_getuid, ALWAYS, 0, 0},
        {SYS_geteuid, call_geteuid, ALWAYS, 0, 0},
        {SYS_getgid, call_getgid, ALWAYS, 0, 0},
        {SYS_getegid, call_getegid, ALWAYS, 0, 0},
        {SYS_getresuid, call_getresuid, ALWAYS, 0, 0},
        {SYS_getresgid, call_getresgid, ALWAYS, 0, 0},
        {SYS_getgroups, call_getgroups, ALWAYS, 0, 0},
        {SYS_setuid, call_setuid, ALWAYS, 0, 0},
        {SYS_setgid, call_setgid, ALWAYS, 0, 0},
        {SYS_setreuid, call_setreuid, ALWAYS, 0, 0},
        {SYS_setregid, call_setregid, ALWAYS, 0, 0},
        {SYS_setresuid, call_setresuid, ALWAYS, 0, 0},
        {SYS_setresgid, call_setresgid, ALWAYS, 0, 0},
        {SYS_setfsuid, call_setfsuid, ALWAYS, 0, 0},
        {SYS_setfsgid, call_setfsgid, ALWAYS, 0, 0},
        {SYS_setgroups, call_setgroups, ALWAYS, 0, 0},
        {SYS_prctl, call_keep_capabilities, WITH_VALUE, 0, PR_SET_KEEPCAPS},
        {SYS_setxattr, call_setxattr, ALWAYS, 0, 0},
        {SYS_lsetxattr, call_lsetxattr, ALWAYS, 0, 0},
        {SYS_fsetxattr, call_fsetxattr, ALWAYS, 0, 0},
        {SYS_getxattr, call_getxattr, ALWAYS, 0, 0},
        {SYS_lgetxattr, call_lgetxattr, ALWAYS, 0, 0},
        {SYS_fgetxattr, call_fgetxattr, ALWAYS, 0, 0},
        {SYS_removexattr, call_removexattr, ALWAYS, 0, 0},
        {SYS_lremovexattr, call_lremovexattr, ALWAYS, 0, 0},
        {SYS_fremovexattr, call_fremovexattr, ALWAYS, 0, 0},
        {SYS_chroot, note_other_root, ALWAYS, 0, 0},
        {SYS_pivot_root, note_other_root, ALWAYS, 0, 0},
        {SYS_setns, note_other_root, ALWAYS, 0, 0},
        {SYS_unshare, note_other_root, WITH_FLAGS, 0, NAMESPACES},
        {SYS_clone, note_other_root, WITH_FLAGS, 0, NAMESPACES},
#ifdef __x86_64__
        {SYS_stat, call_stat, ALWAYS, 0, 0},
        {SYS_lstat, call_lstat, ALWAYS, 0, 0},
        {SYS_open, call_open, WITH_FLAGS, 1, CREATES},
        {SYS_creat, call_creat, ALWAYS, 0, 0},
        {SYS_mkdir, call_mkdir, ALWAYS, 0, 0},
        {SYS_symlink, call_symlink, ALWAYS, 0, 0},
        {SYS_mknod, call_mknod, ALWAYS, 0, 0},
        {SYS_chown, call_chown, ALWAYS, 0, 0},
        {SYS_lchown, call_lchown, ALWAYS, 0, 0},
#endif
};

/*
 * Calls with a fixed result. What the tree is worth is decided when the image is whole: nothing is
 * flushed before. The absent ones would go round the filter (io_uring; clone3 hides its flags) or
 * are not told apart yet; programs know kernels without them.
 */
static const struct {
        int nr;
        unsigned error;
} fixed[] = {
        {SYS_fsync, 0},
        {SYS_fdatasync, 0},
        {SYS_sync, 0},
        {SYS_syncfs, 0},
        {SYS_sync_file_range, 0},
        {SYS_clone3, ENOSYS},
        {425 /* io_uring_setup */, ENOSYS},
        {426 /* io_uring_enter */, ENOSYS},
        {427 /* io_uring_register */, ENOSYS},
        {463 /* setxattrat */, ENOSYS},
        {464 /* getxattrat */, ENOSYS},
        {465 /* listxattrat */, ENOSYS},
        {466 /* removexattrat */, ENOSYS},
};

struct filter {
        struct sock_filter code[PROGRAM_MAX];
        unsigned short count;
};

static void emit(struct filter *f, struct sock_filter instruction)
{
        if (f->count < PROGRAM_MAX)
                f->code[f->count++] = instruction;
}

#define EMIT(f, code, k) emit(f, (struct sock_filter) BPF_STMT(code, k))
#define EMIT_JUMP(f, code, k, yes, no) emit(f, (struct sock_filter) BPF_JUMP(code, k, yes, no))
#define LOAD (BPF_LD | BPF_W | BPF_ABS)
#define EQUAL (BPF_JMP | BPF_JEQ | BPF_K)
#define RETURN (BPF_RET | BPF_K)

/* The low half; both machines are little-endian. */
static uint32_t argument_offset(unsigned argument)
{
        return (uint32_t) (offsetof(struct seccomp_data, args) + argument * sizeof(__u64));
}

/* The accumulator holds the call's number, before and after. */
static void emit_trap(struct filter *f, const struct trap *t)
{
        if (t->condition == ALWAYS) {
                EMIT_JUMP(f, EQUAL, (uint32_t) t->nr, 0, 1);
                EMIT(f, RETURN, SECCOMP_RET_USER_NOTIF);
                return;
        }
        EMIT_JUMP(f, EQUAL, (uint32_t) t->nr, 0, 4);
        if (t->condition == UNLESS_STANDARD_STREAM) {
                EMIT(f, LOAD, argument_offset(0));
                EMIT_JUMP(f, BPF_JMP | BPF_JGT | BPF_K, 2, 0, 1);
        } else {
                EMIT(f, LOAD, argument_offset(t->argument));
                EMIT_JUMP(f, t->condition == WITH_VALUE ? EQUAL : BPF_JMP | BPF_JSET | BPF_K,
                          t->flags, 0, 1);
        }
        EMIT(f, RETURN, SECCOMP_RET_USER_NOTIF);
        EMIT(f, RETURN, SECCOMP_RET_ALLOW);
}

static void build_filter(struct filter *f)
{
        EMIT(f, LOAD, offsetof(struct seccomp_data, arch));
        EMIT_JUMP(f, EQUAL, NATIVE_ARCH, 1, 0);
        EMIT(f, RETURN, SECCOMP_RET_ERRNO | ENOSYS);
        EMIT(f, LOAD, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
        EMIT_JUMP(f, BPF_JMP | BPF_JSET | BPF_K, X32_BIT, 0, 1);
        EMIT(f, RETURN, SECCOMP_RET_ERRNO | ENOSYS);
#endif
        for (size_t i = 0; i < ARRAY_SIZE(traps); i++)
                emit_trap(f, traps + i);
        for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
                EMIT_JUMP(f, EQUAL, (uint32_t) fixed[i].nr, 0, 1);
                EMIT(f, RETURN, SECCOMP_RET_ERRNO | fixed[i].error);
        }
        EMIT(f, RETURN, SECCOMP_RET_ALLOW);
}

int ingot_supervisor_filter(ingot_error *reterr)
{
        struct filter f = {.count = 0};
        build_filter(&f);
        struct sock_fprog program = {.len = f.count, .filter = f.code};
        unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
        long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                          flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
        if (fd < 0 && errno == EINVAL)
                fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
        if (fd < 0)
                return ingot_fail_errno(reterr, "install the system call filter");
        return (int) fd;
}

static int allocate(struct ingot_supervisor *s, ingot_error *reterr)
{
        struct seccomp_notif_sizes sizes;
        if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
                return ingot_fail_errno(reterr, "ask for the size of notifications");
        s->request_size = sizes.seccomp_notif > sizeof(*s->request) ? sizes.seccomp_notif
                                                                    : sizeof(*s->request);
        s->response_size = sizes.seccomp_notif_resp > sizeof(*s->response)
                                   ? sizes.seccomp_notif_resp
                                   : sizeof(*s->response);
        s->request = calloc(1, s->request_size);
        s->response = calloc(1, s->response_size);
        return s->request && s->response ? 0 : ingot_fail_nomem(reterr);
}

int ingot_supervisor_new(int listener, struct ingot_ledger *ledger, struct ingot_supervisor **ret,
                         ingot_error *reterr)
{
        struct ingot_supervisor *s = calloc(1, sizeof(*s));
        if (!s)
                return ingot_fail_nomem(reterr);
        s->listener = listener;
        s->ledger = ledger;
        s->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = s->root < 0 ? ingot_fail_errno(reterr, "open /") : identity_init(s, reterr);
        if (r >= 0)
                r = allocate(s, reterr);
        if (r < 0) {
                ingot_supervisor_free(s);
                return r;
        }
        /* A kernel without it is only slower. */
        (void) ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
        *ret = s;
        return 0;
}

void ingot_supervisor_free(struct ingot_supervisor *s)
{
        if (!s)
                return;
        for (size_t i = 0; i < s->identity_count; i++)
                free(s->identities[i]);
        free(s->identities);
        free(s->request);
        free(s->response);
        ingot_close_p(&s->root);
        free(s);
}

uint64_t ingot_supervisor_calls(const struct ingot_supervisor *s)
{
        return s->calls;
}

int call_check(const struct call *c)
{
        return ioctl(c->s->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &c->id) < 0 ? -ENOENT : 0;
}

static const struct trap *find_trap(int nr)
{
        for (size_t i = 0; i < ARRAY_SIZE(traps); i++)
                if (traps[i].nr == nr)
                        return traps + i;
        return NULL;
}

int ingot_supervisor_answer(struct ingot_supervisor *s, ingot_error *reterr)
{
        memset(s->request, 0, s->request_size);
        if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, s->request) < 0) {
                /* The one who asked was killed meanwhile. */
                if (errno == EINTR || errno == ENOENT || errno == EAGAIN)
                        return 0;
                return ingot_fail_errno(reterr, "receive a system call");
        }
        s->calls++;
        struct call c = {.s = s,
                         .id = s->request->id,
                         .tid = (pid_t) s->request->pid,
                         .args = s->request->data.args};
        const struct trap *t = find_trap(s->request->data.nr);
        int r = t ? t->answer(&c) : CALL_CONTINUE;
        if (r == CALL_ANSWERED)
                return 0;
        memset(s->response, 0, s->response_size);
        s->response->id = c.id;
        if (r == CALL_CONTINUE)
                s->response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        else if (r < 0)
                s->response->error = r;
        else
                s->response->val = c.value;
        if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_SEND, s->response) < 0 && errno != ENOENT)
                return ingot_fail_errno(reterr, "answer a system call");
        return 0;
}
