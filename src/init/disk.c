/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking for the root: first at what is there, then again at every uevent of a block device. */
#include "init/disk.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "format/partition-type.h"
#include "init/message.h"
#include "os/block.h"
#include "os/file.h"
#include "os/uevent.h"

#include <stdio.h>

void init_disks_done(struct init_disks *d)
{
        for (size_t i = 0; i < d->count; i++)
                free(d->items[i].name);
        free(d->items);
        *d = (struct init_disks){0};
}

void init_root_place_done(struct init_root_place *p)
{
        free(p->disk);
        free(p->data_node);
        ingot_strings_done(&p->signature_nodes);
        free(p->hash_node);
        *p = (struct init_root_place){0};
}

static int read_table(struct init_disk *d, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "/dev/%s", d->name);
        if (r >= 0)
                r = ingot_file_open(&file, path, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&file);
        d->size = file.size;
        return ingot_gpt_read(&reader, &d->gpt, reterr);
}

int init_disks_scan(struct init_disks *ret, ingot_error *reterr)
{
        _cleanup_init_disks_ struct init_disks d = {0};
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_block_disks(&names, reterr);
        if (r < 0)
                return r;
        d.items = calloc(names.count + 1, sizeof(*d.items));
        if (!d.items)
                return ingot_fail_nomem(reterr);
        for (; d.count < names.count; d.count++) {
                struct init_disk *disk = &d.items[d.count];
                disk->name = TAKE_PTR(names.items[d.count]);
                disk->has_table = read_table(disk, &disk->problem) >= 0;
        }
        *ret = d;
        d = (struct init_disks){0};
        return 0;
}

static void tell_disk(const struct init_disk *d)
{
        char size[16], uuid[INGOT_UUID_TEXT_SIZE], type_uuid[INGOT_UUID_TEXT_SIZE];
        ingot_human_size(size, d->size);
        if (!d->has_table) {
                init_tell("  %s, %s: %s%s%s", d->name, size, d->problem.text,
                          d->problem.os ? ": " : "",
                          d->problem.os ? strerror(d->problem.os) : "");
                return;
        }
        init_tell("  %s, %s, %zu partitions%s%s", d->name, size, d->gpt.partition_count,
                  d->gpt.health == INGOT_GPT_HEALTHY ? "" : ", damaged: ",
                  d->gpt.health == INGOT_GPT_HEALTHY ? "" : d->gpt.damage);
        for (size_t i = 0; i < d->gpt.partition_count; i++) {
                const struct ingot_gpt_partition *p = &d->gpt.partitions[i];
                const struct ingot_partition_type *type = ingot_partition_type_by_uuid(&p->type);
                ingot_uuid_format(&p->type, type_uuid);
                ingot_uuid_format(&p->uuid, uuid);
                ingot_human_size(size, ingot_gpt_size(&d->gpt, p));
                init_tell("    %u: %s, UUID %s, type %s, \"%s\"", p->number, size, uuid,
                          type ? type->name : type_uuid, p->name);
        }
}

void init_disks_tell(const struct init_disks *d)
{
        init_tell(d->count > 0 ? "disks found:" : "no disk was found: is its driver in the initrd?");
        for (size_t i = 0; i < d->count; i++)
                tell_disk(&d->items[i]);
}

static const struct ingot_gpt_partition *by_uuid(const struct init_disk *d,
                                                 const struct ingot_uuid *uuid)
{
        for (size_t i = 0; i < d->gpt.partition_count; i++)
                if (ingot_uuid_equal(&d->gpt.partitions[i].uuid, uuid))
                        return &d->gpt.partitions[i];
        return NULL;
}

/* May it have a root's signature? Which one it has stands in it; an empty one is labelled so, and
 * is not for finding (decision 055). */
static bool is_signature(const struct ingot_gpt_partition *p)
{
        const struct ingot_partition_type *type = ingot_partition_type_by_uuid(&p->type);
        return type && ingot_starts_with(type->name, "root-") &&
               ingot_ends_with(type->name, "-verity-sig") && strcmp(p->name, "_empty") != 0 &&
               !(p->attributes & INGOT_GPT_NO_AUTO);
}

static int list_signatures(const struct init_disk *d, struct ingot_strings *ret,
                           ingot_error *reterr)
{
        for (size_t i = 0; i < d->gpt.partition_count; i++) {
                _cleanup_free_ char *node = NULL;
                if (!is_signature(d->gpt.partitions + i))
                        continue;
                int r = ingot_block_partition(d->name, d->gpt.partitions[i].number, &node, reterr);
                if (r >= 0)
                        r = ingot_strings_add(ret, node, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int place_on(const struct init_disk *d, const struct ingot_uuid *data,
                    const struct ingot_uuid *hash, struct init_root_place *ret,
                    ingot_error *reterr)
{
        _cleanup_init_root_place_ struct init_root_place p = {0};
        const struct ingot_gpt_partition *data_part = d->has_table ? by_uuid(d, data) : NULL;
        const struct ingot_gpt_partition *hash_part = d->has_table ? by_uuid(d, hash) : NULL;
        if (!data_part || !hash_part)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "%s has no such partitions", d->name);
        int r = ingot_block_partition(d->name, data_part->number, &p.data_node, reterr);
        if (r >= 0)
                r = ingot_block_partition(d->name, hash_part->number, &p.hash_node, reterr);
        if (r >= 0)
                r = ingot_strdup(&p.disk, d->name, reterr);
        if (r >= 0)
                r = list_signatures(d, &p.signature_nodes, reterr);
        if (r < 0)
                return r;
        *ret = p;
        p = (struct init_root_place){0};
        return 0;
}

int init_root_find(const struct init_disks *disks, const struct ingot_uuid *data,
                   const struct ingot_uuid *hash, const struct ingot_uuid *boot,
                   struct init_root_place *ret, ingot_error *reterr)
{
        _cleanup_init_root_place_ struct init_root_place other = {0};
        for (size_t i = 0; i < disks->count; i++) {
                const struct init_disk *d = &disks->items[i];
                struct init_root_place p;
                if (place_on(d, data, hash, &p, NULL) < 0)
                        continue;
                if (!boot || by_uuid(d, boot)) {
                        *ret = p;
                        return 0;
                }
                if (other.disk)
                        init_root_place_done(&p);
                else
                        other = p;
        }
        if (!other.disk)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "no disk has the partitions of this root hash");
        *ret = other;
        other = (struct init_root_place){0};
        return 1;
}

static int tell_missing(const struct init_disks *disks, const struct ingot_uuid *data,
                        const struct ingot_uuid *hash, unsigned timeout, ingot_error *reterr)
{
        char data_text[INGOT_UUID_TEXT_SIZE], hash_text[INGOT_UUID_TEXT_SIZE];
        ingot_uuid_format(data, data_text);
        ingot_uuid_format(hash, hash_text);
        init_tell("looked for the partitions that the root hash names, for %u s:", timeout);
        init_tell("  root with UUID %s", data_text);
        init_tell("  its verity tree with UUID %s", hash_text);
        init_disks_tell(disks);
        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no disk has the partitions of this root hash");
}

int init_root_wait(const struct ingot_uuid *data, const struct ingot_uuid *hash,
                   const struct ingot_uuid *boot, unsigned timeout, struct init_root_place *ret,
                   ingot_error *reterr)
{
        _cleanup_close_ int uevents = -1;
        uint64_t start = ingot_monotonic_usec(), limit = (uint64_t) timeout * 1000000;
        int r = ingot_uevent_open(&uevents, reterr);
        while (r >= 0) {
                _cleanup_init_disks_ struct init_disks disks = {0};
                _cleanup_init_root_place_ struct init_root_place p = {0};
                r = init_disks_scan(&disks, reterr);
                if (r < 0)
                        break;
                int found = init_root_find(&disks, data, hash, boot, &p, reterr);
                if (found < 0 && found != -INGOT_E_NOTFOUND)
                        return found;
                uint64_t patience = found == 1 ? limit / 3 : limit;
                if (found == 0 || (found == 1 && ingot_monotonic_usec() >= start + patience)) {
                        *ret = p;
                        p = (struct init_root_place){0};
                        return 0;
                }
                if (ingot_monotonic_usec() >= start + limit)
                        return tell_missing(&disks, data, hash, timeout, reterr);
                r = ingot_uevent_wait(uevents, "block", start + patience, reterr);
        }
        return r;
}
