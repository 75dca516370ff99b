/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the supervisor share: one call of one process, its memory, its paths and its
 * pretended identity. Only os/supervisor*.c, and their fuzz target, include this.
 *
 * A function that answers a call returns 0 with call->value set, CALL_CONTINUE to let the kernel
 * do what the process asked for, CALL_ANSWERED when it has answered already, or a negated errno for
 * the process to see.
 */
#pragma once

#include "os/supervisor.h"

#include <limits.h>

#define CALL_CONTINUE 1
#define CALL_ANSWERED 2

#define GROUPS_MAX 1024

/* Who a process believes to be. */
struct identity {
        uint32_t privileged;         /* may take any id: is root, or kept its capabilities */
        uint32_t keeps_capabilities; /* prctl(PR_SET_KEEPCAPS) */
        uint32_t ruid, euid, suid, fsuid;
        uint32_t rgid, egid, sgid, fsgid;
        uint32_t group_count;
        uint32_t groups[GROUPS_MAX];
};

struct ingot_supervisor {
        int listener;
        struct ingot_ledger *ledger;
        int root;                     /* our own root, to come back to */
        bool other_roots;             /* somebody may have a root that is not ours */
        struct identity **identities; /* by number; the first is root */
        size_t identity_count;
        struct seccomp_notif *request;
        struct seccomp_notif_resp *response;
        size_t request_size, response_size;
        uint64_t calls;
};

struct call {
        struct ingot_supervisor *s;
        uint64_t id;
        pid_t tid;
        const __u64 *args;
        int64_t value;
};

/* Is the process still there, so that what was read of it was its? 0, or -ENOENT. */
int call_check(const struct call *c);

/* supervisor-memory.c: the process's memory; 0 or -EFAULT. */
int call_read(const struct call *c, uint64_t address, void *ret, size_t size);
int call_write(const struct call *c, uint64_t address, const void *data, size_t size);
int call_read_string(const struct call *c, uint64_t address, char *ret, size_t size);

/*
 * supervisor-path.c: a path as the process sees it, made usable for us: pass `dirfd` and `path` to
 * any *at call. While a place is held our root may be the process's: place_leave() soon.
 */
struct place {
        struct ingot_supervisor *s;
        int dirfd;       /* AT_FDCWD or one of ours */
        int flags;       /* AT_EMPTY_PATH where the path is empty */
        bool descriptor; /* a link below /proc stands for the file: it is always followed */
        bool moved;
        char path[PATH_MAX + 64];
};
#define PLACE_NONE ((struct place){.dirfd = AT_FDCWD})
/* FLAGS is AT_EMPTY_PATH, or 0, as in the process's call. */
int place_enter(const struct call *c, int dirfd, uint64_t path, int flags, struct place *ret);
/* The file behind a descriptor. */
int place_descriptor(const struct call *c, int fd, struct place *ret);
void place_leave(struct place *p);
/* FLAGS of a call with what does not count for this place taken off, and its own put on. */
int place_flags(const struct place *p, int flags);
/* Cuts the last name off: `dirfd` is its folder then. 0; CALL_CONTINUE when the path ends in none
 * ("..", "/"). */
int place_split(struct place *p, char name[NAME_MAX + 1]);
/* Of these two, the parts that need no kernel. A path that means the process that looks, as one that
 * means TID; false: it is no such path. */
bool place_own_path(pid_t tid, const char *path, char *ret, size_t size);
/* As place_split; PATH has room for a name more. */
int place_cut_name(char *path, char name[NAME_MAX + 1]);

/* supervisor-identity.c. Never NULL: root's, when the process has none or is gone. */
const struct identity *identity_of(const struct call *c);
int identity_init(struct ingot_supervisor *s, ingot_error *reterr);
bool identity_has_group(const struct identity *i, uint32_t gid);
/* Calls. */
int call_getuid(struct call *c);
int call_geteuid(struct call *c);
int call_getgid(struct call *c);
int call_getegid(struct call *c);
int call_getresuid(struct call *c);
int call_getresgid(struct call *c);
int call_getgroups(struct call *c);
int call_setuid(struct call *c);
int call_setgid(struct call *c);
int call_setreuid(struct call *c);
int call_setregid(struct call *c);
int call_setresuid(struct call *c);
int call_setresgid(struct call *c);
int call_setfsuid(struct call *c);
int call_setfsgid(struct call *c);
int call_setgroups(struct call *c);
int call_keep_capabilities(struct call *c);

/* supervisor-owner.c */
int call_chown(struct call *c);
int call_lchown(struct call *c);
int call_fchown(struct call *c);
int call_fchownat(struct call *c);

/* supervisor-stat.c */
int call_stat(struct call *c);
int call_lstat(struct call *c);
int call_fstat(struct call *c);
int call_newfstatat(struct call *c);
int call_statx(struct call *c);

/* supervisor-create.c */
int call_open(struct call *c);
int call_creat(struct call *c);
int call_openat(struct call *c);
int call_openat2(struct call *c);
int call_mkdir(struct call *c);
int call_mkdirat(struct call *c);
int call_symlink(struct call *c);
int call_symlinkat(struct call *c);
int call_mknod(struct call *c);
int call_mknodat(struct call *c);

/* supervisor-xattr.c */
int call_setxattr(struct call *c);
int call_lsetxattr(struct call *c);
int call_fsetxattr(struct call *c);
int call_getxattr(struct call *c);
int call_lgetxattr(struct call *c);
int call_fgetxattr(struct call *c);
int call_removexattr(struct call *c);
int call_lremovexattr(struct call *c);
int call_fremovexattr(struct call *c);
