/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directories: blocks of entries (12 bytes each), each block with its entries' names behind them.
 * All entries, "." and ".." among them, stand in byte order, so that a reader can search by halves.
 */
#include "format/erofs-write.h"

/* Goes through a directory's entries in the order in which they are stored. */
struct iterator {
        const struct ingot_inode *directory;
        size_t next;
        int dots; /* of "." and "..", those that were given */
};

static const char *peek(const struct iterator *i, const struct ingot_entry **ret)
{
        static const char *const dots[] = {".", ".."};
        *ret = i->next < i->directory->entry_count ? i->directory->entries + i->next : NULL;
        if (i->dots < 2 && (!*ret || strcmp(dots[i->dots], (*ret)->name) < 0)) {
                *ret = NULL;
                return dots[i->dots];
        }
        return *ret ? (*ret)->name : NULL;
}

static void advance(struct iterator *i, const struct ingot_entry *entry)
{
        if (entry)
                i->next++;
        else
                i->dots++;
}

/* How many entries the next block takes, and the bytes they take in it. */
static size_t fill_block(struct iterator *i, uint32_t *ret_bytes)
{
        const struct ingot_entry *entry;
        const char *name;
        uint32_t bytes = 0;
        size_t count = 0;
        while ((name = peek(i, &entry))) {
                uint32_t more = INGOT_EROFS_DIRENT_SIZE + (uint32_t) strlen(name);
                if (bytes + more > INGOT_EROFS_BLOCK)
                        break;
                bytes += more;
                count++;
                advance(i, entry);
        }
        *ret_bytes = bytes;
        return count;
}

uint64_t ingot_erofs_directory_size(const struct ingot_inode *directory)
{
        struct iterator i = {.directory = directory};
        uint64_t blocks = 0;
        uint32_t bytes = 0, last = 0;
        while (fill_block(&i, &bytes) > 0) {
                blocks++;
                last = bytes;
        }
        return (blocks - 1) * INGOT_EROFS_BLOCK + last;
}

static void encode_block(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node,
                         struct iterator *i, size_t count, uint8_t *ret)
{
        size_t name_at = count * INGOT_EROFS_DIRENT_SIZE;
        for (size_t k = 0; k < count; k++) {
                const struct ingot_entry *entry;
                const char *name = peek(i, &entry);
                const struct ingot_erofs_node *to = node;
                uint8_t *p = ret + k * INGOT_EROFS_DIRENT_SIZE;
                if (entry)
                        to = plan->nodes + ingot_erofs_node_index(entry->inode);
                else if (name[1])
                        to = plan->nodes + node->parent;
                ingot_le64_store(p, to->at / INGOT_EROFS_SLOT);
                ingot_le16_store(p + 8, (uint16_t) name_at);
                p[10] = ingot_erofs_file_type(to->inode->type);
                p[11] = 0;
                memcpy(ret + name_at, name, strlen(name));
                name_at += strlen(name);
                advance(i, entry);
        }
}

void ingot_erofs_directory_encode(const struct ingot_erofs_plan *plan,
                                  const struct ingot_erofs_node *node, uint8_t *ret)
{
        struct iterator i = {.directory = node->inode};
        for (;;) {
                struct iterator start = i;
                uint32_t bytes;
                size_t count = fill_block(&i, &bytes);
                if (count == 0)
                        return;
                encode_block(plan, node, &start, count, ret);
                ret += INGOT_EROFS_BLOCK;
        }
}
