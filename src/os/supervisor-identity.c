/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who a process believes to be. A process inherits this from its parent, which may be gone before
 * anybody asks, so it is not kept by process id: the number of the identity is the soft
 * RLIMIT_RTTIME of the process, which fork and exec carry on, which we can read of any process, and
 * which means nothing where nobody may have real-time scheduling.
 */
#include "os/supervisor-call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TOKEN_BASE (UINT64_C(1) << 52)
#define IDENTITIES_MAX 100000
#define KEEP UINT32_MAX

int identity_init(struct ingot_supervisor *s, ingot_error *reterr)
{
        s->identities = calloc(1, sizeof(*s->identities));
        if (s->identities)
                s->identities[0] = calloc(1, sizeof(**s->identities));
        if (!s->identities || !s->identities[0])
                return ingot_fail_nomem(reterr);
        s->identities[0]->privileged = 1;
        s->identity_count = 1;
        return 0;
}

static int limit_of(pid_t tid, const struct rlimit *set, struct rlimit *ret)
{
        return prlimit(tid, RLIMIT_RTTIME, set, ret) < 0 ? -errno : 0;
}

const struct identity *identity_of(const struct call *c)
{
        struct rlimit limit;
        if (c->s->identity_count == 1 || limit_of(c->tid, NULL, &limit) < 0)
                return c->s->identities[0];
        uint64_t number = limit.rlim_cur - TOKEN_BASE;
        return c->s->identities[number < c->s->identity_count ? number : 0];
}

bool identity_has_group(const struct identity *i, uint32_t gid)
{
        for (uint32_t k = 0; k < i->group_count; k++)
                if (i->groups[k] == gid)
                        return true;
        return i->fsgid == gid || i->egid == gid;
}

static int find_identity(struct ingot_supervisor *s, const struct identity *i, size_t *ret)
{
        for (size_t k = 0; k < s->identity_count; k++)
                if (memcmp(s->identities[k], i, sizeof(*i)) == 0) {
                        *ret = k;
                        return 0;
                }
        if (s->identity_count >= IDENTITIES_MAX)
                return -EAGAIN;
        struct identity **grown =
                reallocarray(s->identities, s->identity_count + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        s->identities = grown;
        struct identity *copy = malloc(sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        *copy = *i;
        s->identities[s->identity_count] = copy;
        *ret = s->identity_count++;
        return 0;
}

/* Takes what *i has become; who has given up user id 0 has lost his privileges but for an explicit
 * wish, and who has regained it has them back (capabilities(7)). */
static int set_identity(struct call *c, struct identity *i)
{
        struct rlimit limit;
        size_t number;
        if (i->euid == 0)
                i->privileged = 1;
        else if (!i->keeps_capabilities)
                i->privileged = 0;
        int r = find_identity(c->s, i, &number);
        if (r >= 0)
                r = limit_of(c->tid, NULL, &limit);
        if (r < 0)
                return r;
        limit.rlim_cur = TOKEN_BASE + number;
        if (limit.rlim_max < limit.rlim_cur)
                return -EPERM;
        if (call_check(c) < 0)
                return -ENOENT;
        return limit_of(c->tid, &limit, NULL);
}

int call_getuid(struct call *c)
{
        c->value = identity_of(c)->ruid;
        return 0;
}

int call_geteuid(struct call *c)
{
        c->value = identity_of(c)->euid;
        return 0;
}

int call_getgid(struct call *c)
{
        c->value = identity_of(c)->rgid;
        return 0;
}

int call_getegid(struct call *c)
{
        c->value = identity_of(c)->egid;
        return 0;
}

static int write_three(struct call *c, uint32_t first, uint32_t second, uint32_t third)
{
        const uint32_t ids[] = {first, second, third};
        int r = 0;
        for (int k = 0; r >= 0 && k < 3; k++)
                r = call_write(c, c->args[k], ids + k, sizeof(ids[k]));
        c->value = 0;
        return r;
}

int call_getresuid(struct call *c)
{
        const struct identity *i = identity_of(c);
        return write_three(c, i->ruid, i->euid, i->suid);
}

int call_getresgid(struct call *c)
{
        const struct identity *i = identity_of(c);
        return write_three(c, i->rgid, i->egid, i->sgid);
}

int call_getgroups(struct call *c)
{
        const struct identity *i = identity_of(c);
        int room = (int) c->args[0];
        c->value = i->group_count;
        if (room == 0 || i->group_count == 0)
                return 0;
        if (room < 0 || (uint32_t) room < i->group_count)
                return -EINVAL;
        return call_write(c, c->args[1], i->groups, i->group_count * sizeof(*i->groups));
}

int call_setgroups(struct call *c)
{
        struct identity i = *identity_of(c);
        int count = (int) c->args[0];
        if (!i.privileged)
                return -EPERM;
        if (count < 0 || count > GROUPS_MAX)
                return -EINVAL;
        memset(i.groups, 0, sizeof(i.groups));
        i.group_count = (uint32_t) count;
        int r = count > 0 ? call_read(c, c->args[1], i.groups, i.group_count * sizeof(*i.groups))
                          : 0;
        return r < 0 ? r : set_identity(c, &i);
}

/* May somebody who is PRIVILEGED or has one of these three ids become ID? */
static bool may_become(uint32_t id, bool privileged, uint32_t first, uint32_t second,
                       uint32_t third)
{
        return id == KEEP || privileged || id == first || id == second || id == third;
}

/* credentials(7); setuid(2) and its kin. */
int call_setuid(struct call *c)
{
        struct identity i = *identity_of(c);
        uint32_t id = (uint32_t) c->args[0];
        if (id == KEEP)
                return -EINVAL;
        if (!may_become(id, i.privileged, i.ruid, i.suid, i.suid))
                return -EPERM;
        if (i.privileged)
                i.ruid = i.suid = id;
        i.euid = i.fsuid = id;
        return set_identity(c, &i);
}

int call_setgid(struct call *c)
{
        struct identity i = *identity_of(c);
        uint32_t id = (uint32_t) c->args[0];
        if (id == KEEP)
                return -EINVAL;
        if (!may_become(id, i.privileged, i.rgid, i.sgid, i.sgid))
                return -EPERM;
        if (i.privileged)
                i.rgid = i.sgid = id;
        i.egid = i.fsgid = id;
        return set_identity(c, &i);
}

int call_setreuid(struct call *c)
{
        struct identity i = *identity_of(c), old = i;
        uint32_t real = (uint32_t) c->args[0], effective = (uint32_t) c->args[1];
        if (!may_become(real, i.privileged, i.ruid, i.euid, i.euid) ||
            !may_become(effective, i.privileged, i.ruid, i.euid, i.suid))
                return -EPERM;
        if (real != KEEP)
                i.ruid = real;
        if (effective != KEEP)
                i.euid = effective;
        if (real != KEEP || (effective != KEEP && effective != old.ruid))
                i.suid = i.euid;
        i.fsuid = i.euid;
        return set_identity(c, &i);
}

int call_setregid(struct call *c)
{
        struct identity i = *identity_of(c), old = i;
        uint32_t real = (uint32_t) c->args[0], effective = (uint32_t) c->args[1];
        if (!may_become(real, i.privileged, i.rgid, i.egid, i.egid) ||
            !may_become(effective, i.privileged, i.rgid, i.egid, i.sgid))
                return -EPERM;
        if (real != KEEP)
                i.rgid = real;
        if (effective != KEEP)
                i.egid = effective;
        if (real != KEEP || (effective != KEEP && effective != old.rgid))
                i.sgid = i.egid;
        i.fsgid = i.egid;
        return set_identity(c, &i);
}

static int set_three(const struct call *c, bool privileged, uint32_t *real, uint32_t *effective,
                     uint32_t *saved)
{
        uint32_t *ids[] = {real, effective, saved}, old[] = {*real, *effective, *saved};
        for (int k = 0; k < 3; k++) {
                uint32_t id = (uint32_t) c->args[k];
                if (!may_become(id, privileged, old[0], old[1], old[2]))
                        return -EPERM;
                if (id != KEEP)
                        *ids[k] = id;
        }
        return 0;
}

int call_setresuid(struct call *c)
{
        struct identity i = *identity_of(c);
        int r = set_three(c, i.privileged, &i.ruid, &i.euid, &i.suid);
        i.fsuid = i.euid;
        return r < 0 ? r : set_identity(c, &i);
}

int call_setresgid(struct call *c)
{
        struct identity i = *identity_of(c);
        int r = set_three(c, i.privileged, &i.rgid, &i.egid, &i.sgid);
        i.fsgid = i.egid;
        return r < 0 ? r : set_identity(c, &i);
}

/* These two return the id before, and say nothing of failure. */
int call_setfsuid(struct call *c)
{
        struct identity i = *identity_of(c);
        uint32_t id = (uint32_t) c->args[0];
        c->value = i.fsuid;
        if (id == KEEP || !(i.privileged || id == i.ruid || id == i.euid || id == i.suid))
                return 0;
        i.fsuid = id;
        (void) set_identity(c, &i);
        return 0;
}

int call_setfsgid(struct call *c)
{
        struct identity i = *identity_of(c);
        uint32_t id = (uint32_t) c->args[0];
        c->value = i.fsgid;
        if (id == KEEP || !(i.privileged || id == i.rgid || id == i.egid || id == i.sgid))
                return 0;
        i.fsgid = id;
        (void) set_identity(c, &i);
        return 0;
}

/* A process that keeps its capabilities when it gives up user id 0 says so before. */
int call_keep_capabilities(struct call *c)
{
        struct identity i = *identity_of(c);
        i.keeps_capabilities = c->args[1] != 0;
        (void) set_identity(c, &i);
        return CALL_CONTINUE;
}
