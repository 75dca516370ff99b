/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tests/unit/sandbox.c runs inside: a static program, since the tree it runs in has no
 * library. Each scenario says on stdout what was not as root would have it; exit 0 when nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int wrong;

#define WANT(condition)                                                                            \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        printf("line %d: %s (errno %d)\n", __LINE__, #condition, errno);           \
                        wrong = 1;                                                                 \
                }                                                                                  \
        } while (0)

static int touch(const char *path)
{
        int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        return fd < 0 ? -1 : close(fd);
}

/* Every way to ask for the owner of PATH gives these. */
static int owned(const char *path, uid_t uid, gid_t gid)
{
        struct stat a, b, c;
        struct statx d;
        int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int asked = lstat(path, &a) == 0 && fstat(fd, &b) == 0 &&
                    fstatat(AT_FDCWD, path, &c, AT_SYMLINK_NOFOLLOW) == 0 &&
                    statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &d) == 0;
        close(fd);
        if (!asked || a.st_uid != uid || a.st_gid != gid || b.st_uid != uid || b.st_gid != gid ||
            c.st_uid != uid || c.st_gid != gid || d.stx_uid != uid || d.stx_gid != gid) {
                printf("%s is %d:%d, not %d:%d\n", path, (int) a.st_uid, (int) a.st_gid, (int) uid,
                       (int) gid);
                return 0;
        }
        return 1;
}

static void owners(void)
{
        struct stat st;
        WANT(touch("/f") == 0 && owned("/f", 0, 0));
        WANT(chown("/f", 33, (gid_t) -1) == 0 && chown("/f", (uid_t) -1, 44) == 0);
        WANT(owned("/f", 33, 44));
        WANT(chmod("/f", 06755) == 0 && stat("/f", &st) == 0 && (st.st_mode & 07777) == 06755);
        WANT(chown("/f", 34, 44) == 0 && stat("/f", &st) == 0 && (st.st_mode & 07777) == 0755);
        WANT(link("/f", "/hard") == 0 && owned("/hard", 34, 44));
        WANT(rename("/hard", "/moved") == 0 && owned("/moved", 34, 44));
        WANT(symlink("f", "/soft") == 0 && lchown("/soft", 5, 6) == 0 && owned("/soft", 5, 6));
        WANT(chown("/soft", 35, 44) == 0 && owned("/f", 35, 44) && owned("/soft", 5, 6));
        int fd = open("/gone", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        WANT(unlink("/gone") == 0 && fchown(fd, 7, 8) == 0);
        WANT(fstat(fd, &st) == 0 && st.st_uid == 7 && st.st_gid == 8);
        close(fd);
        WANT(touch("/gone") == 0 && owned("/gone", 0, 0));
        WANT(chown("/nothing", 1, 1) < 0 && errno == ENOENT);
        WANT(fchown(999, 1, 1) < 0 && errno == EBADF);
}

static void paths(void)
{
        struct stat st;
        WANT(mkdir("/d", 0755) == 0 && touch("/d/x") == 0 && chdir("/d") == 0);
        WANT(chown("x", 11, 12) == 0 && owned("/d/x", 11, 12) && owned("x", 11, 12));
        WANT(owned("../d/./x", 11, 12));
        int dir = open("/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        WANT(fchownat(dir, "x", 13, 14, 0) == 0 && owned("/d/x", 13, 14));
        WANT(fstatat(dir, "x", &st, 0) == 0 && st.st_uid == 13);
        int fd = open("/d/x", O_RDONLY | O_CLOEXEC);
        char link[64];
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        WANT(stat(link, &st) == 0 && st.st_uid == 13);
        WANT(chown(link, 15, 16) == 0 && owned("/d/x", 15, 16));
        snprintf(link, sizeof(link), "/dev/fd/%d", fd);
        WANT(stat(link, &st) == 0 && st.st_uid == 15);
        WANT(fchownat(fd, "", 17, 18, AT_EMPTY_PATH) == 0 && owned("/d/x", 17, 18));
        WANT(symlink("/d/x", "/abs") == 0);
        if (fork() == 0) {
                /* Another root: absolute paths and links are meant in it. */
                WANT(mkdir("/d/inner", 0755) == 0 && touch("/d/inner/x") == 0);
                WANT(mkdir("/d/inner/d", 0755) == 0 && touch("/d/inner/d/x") == 0);
                WANT(symlink("/d/x", "/d/inner/abs") == 0);
                WANT(chroot("/d/inner") == 0 && chown("/x", 21, 22) == 0 && chdir("/") == 0);
                WANT(owned("/x", 21, 22) && owned("x", 21, 22));
                WANT(chown("/abs", 23, 24) == 0 && owned("/d/x", 23, 24));
                _exit(wrong);
        }
        int status = 1;
        WANT(wait(&status) > 0 && status == 0);
        WANT(owned("/d/inner/x", 21, 22) && owned("/d/inner/d/x", 23, 24));
        WANT(owned("/d/x", 17, 18));
}

static void devices(void)
{
        struct stat st;
        WANT(mknod("/null", S_IFCHR | 0666, makedev(1, 3)) == 0);
        WANT(stat("/null", &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) == 1 &&
             minor(st.st_rdev) == 3 && (st.st_mode & 0777) == 0644);
        WANT(mknod("/null", S_IFCHR | 0666, makedev(1, 3)) < 0 && errno == EEXIST);
        WANT(mknod("/disk", S_IFBLK | 0660, makedev(259, 70000)) == 0);
        WANT(stat("/disk", &st) == 0 && S_ISBLK(st.st_mode) && major(st.st_rdev) == 259 &&
             minor(st.st_rdev) == 70000);
        WANT(mkfifo("/pipe", 0600) == 0 && lstat("/pipe", &st) == 0 && S_ISFIFO(st.st_mode));
}

static void grandchild(void)
{
        gid_t groups[8];
        WANT(getuid() == 10 && geteuid() == 10 && getgid() == 9 && getegid() == 9);
        WANT(getgroups(8, groups) == 2 && groups[0] == 7 && groups[1] == 8);
        WANT(getgroups(1, groups) < 0 && errno == EINVAL);
        umask(027);
        WANT(touch("/w/file") == 0 && owned("/w/file", 10, 9));
        struct stat st;
        WANT(stat("/w/file", &st) == 0 && (st.st_mode & 0777) == 0640);
        WANT(mkdir("/w/dir", 0777) == 0 && owned("/w/dir", 10, 9));
        WANT(symlink("t", "/w/link") == 0 && owned("/w/link", 10, 9));
        WANT(mkfifo("/w/fifo", 0600) == 0 && owned("/w/fifo", 10, 9));
        int fd = open("/w/excl", O_CREAT | O_EXCL | O_RDWR, 0600);
        WANT(fd >= 0 && fcntl(fd, F_GETFD) == 0 && write(fd, "x", 1) == 1);
        WANT(open("/w/excl", O_CREAT | O_EXCL | O_RDWR, 0600) < 0 && errno == EEXIST);
        WANT(chown("/w/file", 11, 9) < 0 && errno == EPERM);
        WANT(chown("/w/file", 10, 8) == 0 && owned("/w/file", 10, 8));
        WANT(chown("/w", 10, 9) < 0 && errno == EPERM);
        WANT(setuid(0) < 0 && errno == EPERM && setgroups(0, NULL) < 0 && errno == EPERM);
}

static void identity(void)
{
        const gid_t groups[] = {7, 8};
        gid_t room[4];
        WANT(getuid() == 0 && getgid() == 0 && getgroups(4, room) == 0);
        WANT(mkdir("/w", 0777) == 0);
        if (fork() == 0) {
                WANT(setgroups(2, groups) == 0 && setresgid(9, 9, 9) == 0 &&
                     setresuid(10, 10, 10) == 0);
                if (fork() == 0) {
                        /* Orphaned: nothing but the process itself can tell whose child it was. */
                        if (fork() != 0)
                                _exit(0);
                        usleep(50000);
                        grandchild();
                        _exit(touch(wrong ? "/w/bad" : "/w/good") == 0 ? 0 : 1);
                }
                _exit(0);
        }
        while (wait(NULL) > 0)
                ;
        for (int i = 0; i < 100 && access("/w/good", F_OK) < 0 && access("/w/bad", F_OK) < 0; i++)
                usleep(50000);
        WANT(access("/w/good", F_OK) == 0);
        WANT(getuid() == 0);
        /* A program may give up root for a while, or keep its rights when it does for good. */
        WANT(seteuid(12) == 0 && touch("/w/effective") == 0 && seteuid(0) == 0);
        WANT(owned("/w/effective", 12, 0));
        WANT(prctl(PR_SET_KEEPCAPS, 1) == 0 && setresuid(12, 12, 12) == 0 &&
             setresgid(13, 13, 13) == 0);
}

static void groups(void)
{
        WANT(mkdir("/mail", 0755) == 0 && chown("/mail", 0, 8) == 0 && chmod("/mail", 02775) == 0);
        WANT(touch("/mail/box") == 0 && owned("/mail/box", 0, 8));
        WANT(mkdir("/mail/sub", 0755) == 0 && owned("/mail/sub", 0, 8));
        WANT(touch("/mail/sub/box") == 0 && owned("/mail/sub/box", 0, 8));
}

static void lists(void)
{
        static const unsigned char acl[] = {2,   0,   0,   0,  1, 0,   7,   0,   255, 255, 255,
                                            255, 4,   0,   5,  0, 255, 255, 255, 255, 8,   0,
                                            5,   0,   4,   0,  0, 0,   16,  0,   5,   0,   255,
                                            255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
        unsigned char got[100];
        struct stat st;
        WANT(touch("/l") == 0);
        WANT(setxattr("/l", "system.posix_acl_access", acl, sizeof(acl), 0) == 0);
        WANT(stat("/l", &st) == 0 && (st.st_mode & 0777) == 0750);
        WANT(getxattr("/l", "system.posix_acl_access", got, sizeof(got)) == sizeof(acl) &&
             memcmp(got, acl, sizeof(acl)) == 0);
        WANT(getxattr("/l", "system.posix_acl_access", got, 3) < 0 && errno == ERANGE);
        WANT(chmod("/l", 0700) == 0);
        WANT(getxattr("/l", "system.posix_acl_access", NULL, 0) == sizeof(acl));
        WANT(setxattr("/l", "user.note", "x", 1, 0) == 0 || errno == ENOTSUP);
        WANT(touch("/m") == 0);
        WANT(setxattr("/m", "system.posix_acl_access", acl, sizeof(acl), 0) == 0);
        WANT(removexattr("/m", "system.posix_acl_access") == 0);
        WANT(getxattr("/m", "system.posix_acl_access", got, sizeof(got)) < 0 && errno == ENODATA);
        WANT(setxattr("/m", "system.posix_acl_access", acl, 11, 0) < 0 && errno == EINVAL);
}

static void walls(void)
{
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
        struct stat st;
        char name[64];
        WANT(getpid() <= 5 && getppid() == 1);
        WANT(gethostname(name, sizeof(name)) == 0 && strcmp(name, "localhost") == 0);
        to.sin_addr.s_addr = htonl(0x01010101);
        int s = socket(AF_INET, SOCK_STREAM, 0);
        WANT(connect(s, (struct sockaddr *) &to, sizeof(to)) < 0 && errno == ENETUNREACH);
        WANT(stat("/dev/shm", &st) == 0 && (st.st_mode & 07777) == 01777);
        WANT(access("/dev/null", W_OK) == 0 && access("/dev/sda", F_OK) < 0);
        WANT(access("/etc/passwd", F_OK) < 0 && access("/proc/self/status", R_OK) == 0);
        WANT(syscall(SYS_fsync, 999) == 0 && syscall(SYS_sync) == 0);
        WANT(syscall(425, 1, NULL) < 0 && errno == ENOSYS);
#ifdef __x86_64__
        WANT(syscall(0x40000000 | 39) < 0 && errno == ENOSYS);
#endif
        WANT(umask(022) == 022 && read(0, name, 1) == 0);
        WANT(open("/dev/ingot/given", O_RDWR) < 0 && errno == EROFS);
        WANT(open("/dev/ingot/given", O_RDONLY) >= 0);
        WANT(getenv("GIVEN") && !getenv("HOME"));
}

static void noise(void)
{
        for (int i = 0; i < 100000; i++)
                printf("line %d\n", i);
        fflush(stdout);
        /* What is left running goes with us. */
        if (fork() == 0)
                for (;;)
                        pause();
        kill(getpid(), SIGTERM);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                void (*run)(void);
        } scenarios[] = {
                {"owners", owners}, {"paths", paths}, {"devices", devices}, {"identity", identity},
                {"groups", groups}, {"lists", lists}, {"walls", walls},     {"noise", noise},
        };
        for (size_t i = 0; argc > 1 && i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
                if (strcmp(scenarios[i].name, argv[1]) == 0) {
                        scenarios[i].run();
                        return wrong;
                }
        return 99;
}
