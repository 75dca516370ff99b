/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Access-control lists: what they say and how they meet the mode. */
#include "os/acl.h"
#include "base/bytes.h"

#define VERSION 2
#define ENTRIES_MAX 4096

enum tag {
        TAG_USER_OBJ = 0x01,
        TAG_USER = 0x02,
        TAG_GROUP_OBJ = 0x04,
        TAG_GROUP = 0x08,
        TAG_MASK = 0x10,
        TAG_OTHER = 0x20,
};

static uint8_t *find_tag(const uint8_t *acl, size_t size, unsigned tag)
{
        for (size_t at = 4; at + 8 <= size; at += 8)
                if (ingot_le16_load(acl + at) == tag)
                        return (uint8_t *) acl + at;
        return NULL;
}

bool ingot_acl_valid(const uint8_t *acl, size_t size)
{
        if (size < 4 || (size - 4) % 8 != 0 || (size - 4) / 8 > ENTRIES_MAX ||
            ingot_le32_load(acl) != VERSION)
                return false;
        for (size_t at = 4; at < size; at += 8) {
                unsigned tag = ingot_le16_load(acl + at);
                if (tag == 0 || tag > TAG_OTHER || (tag & (tag - 1)) != 0 ||
                    ingot_le16_load(acl + at + 2) > 7)
                        return false;
        }
        bool named = find_tag(acl, size, TAG_USER) || find_tag(acl, size, TAG_GROUP);
        return find_tag(acl, size, TAG_USER_OBJ) && find_tag(acl, size, TAG_GROUP_OBJ) &&
               find_tag(acl, size, TAG_OTHER) && (!named || find_tag(acl, size, TAG_MASK));
}

bool ingot_acl_trivial(const uint8_t *acl, size_t size)
{
        return ingot_acl_valid(acl, size) && !find_tag(acl, size, TAG_MASK);
}

static uint8_t *group_class(const uint8_t *acl, size_t size)
{
        uint8_t *mask = find_tag(acl, size, TAG_MASK);
        return mask ? mask : find_tag(acl, size, TAG_GROUP_OBJ);
}

static unsigned permissions(const uint8_t *entry)
{
        return entry ? ingot_le16_load(entry + 2) & 7u : 0;
}

uint16_t ingot_acl_mode(const uint8_t *acl, size_t size)
{
        return (uint16_t) (permissions(find_tag(acl, size, TAG_USER_OBJ)) << 6 |
                           permissions(group_class(acl, size)) << 3 |
                           permissions(find_tag(acl, size, TAG_OTHER)));
}

static void set_permissions(uint8_t *entry, unsigned bits)
{
        if (entry)
                ingot_le16_store(entry + 2, (uint16_t) (bits & 7u));
}

void ingot_acl_follow_mode(uint8_t *acl, size_t size, uint16_t mode)
{
        set_permissions(find_tag(acl, size, TAG_USER_OBJ), mode >> 6);
        set_permissions(group_class(acl, size), mode >> 3);
        set_permissions(find_tag(acl, size, TAG_OTHER), mode);
}
