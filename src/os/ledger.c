/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ledger: an open-addressing table; a removed entry leaves a mark that ends no search. */
#include "os/ledger.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#define ACL_MAX 65536
#define RECORD_SIZE (3 * 8 + 7 * 4)

enum slot_state { SLOT_FREE, SLOT_USED, SLOT_REMOVED };

struct slot {
        enum slot_state state;
        struct ingot_ledger_key key;
        struct ingot_ledger_entry entry;
};

struct ingot_ledger {
        pthread_mutex_t lock;
        struct slot *slots;
        size_t size;     /* a power of two */
        size_t occupied; /* used and removed ones */
        size_t count;
};

struct handle {
        struct file_handle head;
        unsigned char room[MAX_HANDLE_SZ];
};

/*
 * What tells this file from the next one with its number: the handle holds the inode's generation.
 * 0 where the file system has no handles.
 */
static uint64_t hash_handle(int dirfd, const char *path, int flags)
{
        struct handle handle;
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        int mount, at = flags & AT_EMPTY_PATH;
        handle.head.handle_bytes = MAX_HANDLE_SZ;
        if (!(flags & AT_SYMLINK_NOFOLLOW))
                at |= AT_SYMLINK_FOLLOW;
        if (name_to_handle_at(dirfd, path, &handle.head, &mount, at) < 0)
                return 0;
        const uint8_t *bytes = (const uint8_t *) &handle + offsetof(struct file_handle, f_handle);
        for (unsigned i = 0; i < handle.head.handle_bytes && i < MAX_HANDLE_SZ; i++)
                hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
        return hash;
}

int ingot_ledger_key_at(int dirfd, const char *path, int flags, unsigned mask,
                        struct statx *ret_stx, struct ingot_ledger_key *ret)
{
        struct statx stx;
        if (statx(dirfd, path, flags, mask | STATX_BASIC_STATS | STATX_BTIME, &stx) < 0)
                return -1;
        *ret = (struct ingot_ledger_key){
                .device = makedev(stx.stx_dev_major, stx.stx_dev_minor),
                .inode = stx.stx_ino,
        };
        ret->birth = hash_handle(dirfd, path, flags);
        if (stx.stx_mask & STATX_BTIME)
                ret->birth += (uint64_t) stx.stx_btime.tv_sec * 1000000000 + stx.stx_btime.tv_nsec;
        if (ret_stx)
                *ret_stx = stx;
        return 0;
}

int ingot_ledger_new(struct ingot_ledger **ret, ingot_error *reterr)
{
        struct ingot_ledger *ledger = calloc(1, sizeof(*ledger));
        if (!ledger)
                return ingot_fail_nomem(reterr);
        pthread_mutex_init(&ledger->lock, NULL);
        *ret = ledger;
        return 0;
}

static void release_entry(struct ingot_ledger_entry *entry)
{
        free(entry->acl_access);
        free(entry->acl_default);
        *entry = (struct ingot_ledger_entry){0};
}

static void clear(struct ingot_ledger *ledger)
{
        for (size_t i = 0; i < ledger->size; i++)
                release_entry(&ledger->slots[i].entry);
        free(ledger->slots);
        ledger->slots = NULL;
        ledger->size = ledger->occupied = ledger->count = 0;
}

void ingot_ledger_free(struct ingot_ledger *ledger)
{
        if (!ledger)
                return;
        clear(ledger);
        pthread_mutex_destroy(&ledger->lock);
        free(ledger);
}

static bool same_key(const struct ingot_ledger_key *a, const struct ingot_ledger_key *b)
{
        return a->inode == b->inode && a->device == b->device && a->birth == b->birth;
}

static size_t hash_key(const struct ingot_ledger_key *key)
{
        uint64_t h = key->inode * UINT64_C(0x9e3779b97f4a7c15);
        h = (h ^ (h >> 29) ^ key->birth) * UINT64_C(0xbf58476d1ce4e5b9);
        return (size_t) (h ^ (h >> 32) ^ key->device);
}

static struct slot *find_slot(const struct ingot_ledger *ledger, const struct ingot_ledger_key *key)
{
        if (ledger->size == 0)
                return NULL;
        for (size_t i = hash_key(key);; i++) {
                struct slot *slot = ledger->slots + (i & (ledger->size - 1));
                if (slot->state == SLOT_FREE)
                        return NULL;
                if (slot->state == SLOT_USED && same_key(&slot->key, key))
                        return slot;
        }
}

/* A slot for a key that is not there; the table has a free one. */
static struct slot *free_slot(struct ingot_ledger *ledger, const struct ingot_ledger_key *key)
{
        for (size_t i = hash_key(key);; i++) {
                struct slot *slot = ledger->slots + (i & (ledger->size - 1));
                if (slot->state == SLOT_USED)
                        continue;
                ledger->occupied += slot->state == SLOT_FREE;
                ledger->count++;
                slot->state = SLOT_USED;
                slot->key = *key;
                return slot;
        }
}

static int make_room(struct ingot_ledger *ledger, ingot_error *reterr)
{
        if (ledger->occupied + 1 <= ledger->size / 2)
                return 0;
        struct slot *old = ledger->slots;
        size_t old_size = ledger->size;
        size_t size = 256;
        while (size < (ledger->count + 1) * 4)
                size *= 2;
        struct slot *slots = calloc(size, sizeof(*slots));
        if (!slots)
                return ingot_fail_nomem(reterr);
        ledger->slots = slots;
        ledger->size = size;
        ledger->occupied = ledger->count = 0;
        for (size_t i = 0; i < old_size; i++)
                if (old[i].state == SLOT_USED)
                        free_slot(ledger, &old[i].key)->entry = old[i].entry;
        free(old);
        return 0;
}

bool ingot_ledger_get(struct ingot_ledger *ledger, const struct ingot_ledger_key *key,
                      struct ingot_ledger_entry *ret)
{
        pthread_mutex_lock(&ledger->lock);
        const struct slot *slot = find_slot(ledger, key);
        *ret = slot ? slot->entry : (struct ingot_ledger_entry){0};
        pthread_mutex_unlock(&ledger->lock);
        return slot;
}

static int copy_bytes(uint8_t **ret, const uint8_t *data, size_t size, ingot_error *reterr)
{
        *ret = NULL;
        if (!data)
                return 0;
        *ret = malloc(size ? size : 1);
        if (!*ret)
                return ingot_fail_nomem(reterr);
        memcpy(*ret, data, size);
        return 0;
}

static bool says_nothing(const struct ingot_ledger_entry *e)
{
        return e->uid == 0 && e->gid == 0 && e->device_type == 0 && !e->acl_access &&
               !e->acl_default;
}

static int put(struct ingot_ledger *ledger, const struct ingot_ledger_key *key,
               const struct ingot_ledger_entry *entry, ingot_error *reterr)
{
        struct slot *slot = find_slot(ledger, key);
        if (says_nothing(entry)) {
                if (!slot)
                        return 0;
                release_entry(&slot->entry);
                slot->state = SLOT_REMOVED;
                ledger->count--;
                return 0;
        }
        struct ingot_ledger_entry copy = *entry;
        copy.acl_default = NULL;
        int r = copy_bytes(&copy.acl_access, entry->acl_access, entry->acl_access_size, reterr);
        if (r >= 0)
                r = copy_bytes(&copy.acl_default, entry->acl_default, entry->acl_default_size,
                               reterr);
        if (r >= 0 && !slot)
                r = make_room(ledger, reterr);
        if (r < 0) {
                release_entry(&copy);
                return r;
        }
        if (slot)
                release_entry(&slot->entry);
        else
                slot = free_slot(ledger, key);
        slot->entry = copy;
        return 0;
}

int ingot_ledger_put(struct ingot_ledger *ledger, const struct ingot_ledger_key *key,
                     const struct ingot_ledger_entry *entry, ingot_error *reterr)
{
        if (entry->acl_access_size > ACL_MAX || entry->acl_default_size > ACL_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "an access-control list of %zu bytes",
                                  entry->acl_access_size + entry->acl_default_size);
        pthread_mutex_lock(&ledger->lock);
        int r = put(ledger, key, entry, reterr);
        pthread_mutex_unlock(&ledger->lock);
        return r;
}

size_t ingot_ledger_count(struct ingot_ledger *ledger)
{
        pthread_mutex_lock(&ledger->lock);
        size_t count = ledger->count;
        pthread_mutex_unlock(&ledger->lock);
        return count;
}

static int encode_slot(const struct slot *slot, struct ingot_buffer *ret, ingot_error *reterr)
{
        const struct ingot_ledger_entry *e = &slot->entry;
        uint8_t record[RECORD_SIZE], *p = record;
        const uint64_t wide[] = {slot->key.device, slot->key.inode, slot->key.birth};
        /* A list's size is one more than it is, so that 0 is none. */
        const uint32_t narrow[] = {
                e->uid,
                e->gid,
                e->device_type,
                e->major,
                e->minor,
                e->acl_access ? (uint32_t) e->acl_access_size + 1 : 0,
                e->acl_default ? (uint32_t) e->acl_default_size + 1 : 0,
        };
        for (size_t i = 0; i < ARRAY_SIZE(wide); i++, p += 8)
                ingot_le64_store(p, wide[i]);
        for (size_t i = 0; i < ARRAY_SIZE(narrow); i++, p += 4)
                ingot_le32_store(p, narrow[i]);
        int r = ingot_buffer_append(ret, record, sizeof(record), reterr);
        if (r >= 0 && e->acl_access)
                r = ingot_buffer_append(ret, e->acl_access, e->acl_access_size, reterr);
        if (r >= 0 && e->acl_default)
                r = ingot_buffer_append(ret, e->acl_default, e->acl_default_size, reterr);
        return r;
}

int ingot_ledger_encode(struct ingot_ledger *ledger, struct ingot_buffer *ret, ingot_error *reterr)
{
        int r = 0;
        pthread_mutex_lock(&ledger->lock);
        for (size_t i = 0; r >= 0 && i < ledger->size; i++)
                if (ledger->slots[i].state == SLOT_USED)
                        r = encode_slot(ledger->slots + i, ret, reterr);
        pthread_mutex_unlock(&ledger->lock);
        return r;
}

static uint8_t *take_list(struct ingot_cursor *c, uint32_t coded, size_t *ret_size)
{
        *ret_size = coded > 0 ? coded - 1 : 0;
        if (coded == 0)
                return NULL;
        return (uint8_t *) ingot_cursor_take(c, *ret_size).data;
}

static int decode_one(struct ingot_ledger *ledger, struct ingot_cursor *c, ingot_error *reterr)
{
        struct ingot_ledger_key key;
        struct ingot_ledger_entry e = {0};
        key.device = ingot_cursor_le64(c);
        key.inode = ingot_cursor_le64(c);
        key.birth = ingot_cursor_le64(c);
        e.uid = ingot_cursor_le32(c);
        e.gid = ingot_cursor_le32(c);
        e.device_type = ingot_cursor_le32(c);
        e.major = ingot_cursor_le32(c);
        e.minor = ingot_cursor_le32(c);
        uint32_t access_size = ingot_cursor_le32(c), default_size = ingot_cursor_le32(c);
        e.acl_access = take_list(c, access_size, &e.acl_access_size);
        e.acl_default = take_list(c, default_size, &e.acl_default_size);
        if (c->failed)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the ledger ends in an entry");
        return ingot_ledger_put(ledger, &key, &e, reterr);
}

int ingot_ledger_decode(struct ingot_ledger *ledger, struct ingot_span bytes, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(bytes);
        pthread_mutex_lock(&ledger->lock);
        clear(ledger);
        pthread_mutex_unlock(&ledger->lock);
        int r = 0;
        while (r >= 0 && ingot_cursor_left(&c) > 0)
                r = decode_one(ledger, &c, reterr);
        return r;
}
