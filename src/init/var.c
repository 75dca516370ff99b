/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /var: finding it, growing it, binding it. */
#include "init/var.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "format/partition-type.h"
#include "init/machine-id.h"
#include "init/message.h"
#include "init/root.h"
#include "os/block.h"
#include "os/file.h"
#include "os/mount.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#define TARGET INIT_SYSROOT "/var"
#define OURS TARGET "/lib/ingot"
#define UNIT_FOLDER "/run/systemd/system"

/* 4d21b016-b534-45c2-a9fb-5c16e091fd2d (UAPI.2, "Variable Data Partition"). */
static const struct ingot_uuid var_type = {{0x4d, 0x21, 0xb0, 0x16, 0xb5, 0x34, 0x45, 0xc2, 0xa9,
                                            0xfb, 0x5c, 0x16, 0xe0, 0x91, 0xfd, 0x2d}};

void init_var_done(struct init_var *v)
{
        free(v->disk);
        *v = (struct init_var){0};
}

struct ingot_uuid init_var_uuid(const struct ingot_uuid *machine_id)
{
        return ingot_uuid_derive(machine_id, var_type.bytes, sizeof(var_type.bytes));
}

enum init_var_owner init_var_owner_of(const struct ingot_uuid *uuid, const struct ingot_uuid *build,
                                      const struct ingot_uuid *id, bool ours)
{
        if (build && ingot_uuid_equal(uuid, build))
                return INIT_VAR_BUILD;
        if (id) {
                struct ingot_uuid derived = init_var_uuid(id);
                return ingot_uuid_equal(uuid, &derived) ? INIT_VAR_MACHINE : INIT_VAR_FOREIGN;
        }
        return ours ? INIT_VAR_RESET : INIT_VAR_FOREIGN;
}

/* The root's disk, open for writing, with its table. */
struct table {
        struct ingot_file file;
        struct ingot_gpt gpt;
};

static int table_read(const char *disk, struct table *ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "/dev/%s", disk);
        if (r >= 0)
                r = ingot_file_open_writable(&ret->file, path, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&ret->file);
        return ingot_under(reterr, ingot_gpt_read(&reader, &ret->gpt, reterr), "%s", disk);
}

static int table_write(struct table *t, ingot_error *reterr)
{
        struct ingot_writer writer = ingot_file_writer(&t->file);
        return ingot_gpt_write(&t->gpt, &writer, reterr);
}

/* Up to where the partition may grow; 0: it stays. */
static uint64_t wanted_size(const struct table *t, const struct ingot_gpt_partition *p,
                            uint64_t limit)
{
        uint64_t now = ingot_gpt_size(&t->gpt, p);
        struct ingot_gpt grown = t->gpt;
        struct ingot_gpt_partition *last = NULL;
        int r = ingot_gpt_grow(&grown, t->file.size, &last, NULL);
        if (r <= 0 || !last || last->number != p->number)
                return 0;
        uint64_t size = ingot_gpt_size(&grown, last);
        if (limit > 0 && size > limit)
                size = limit / INGOT_GPT_ALIGN * INGOT_GPT_ALIGN;
        return size > now ? size : 0;
}

/* Grows the partition in the table, on the disk and in the kernel. A failure is told and is none
 * for the boot: the small /var is good enough. */
static int grow_partition(struct table *t, unsigned number, uint64_t limit, ingot_error *reterr)
{
        char size_text[16];
        struct ingot_gpt_partition *p = ingot_gpt_by_number(&t->gpt, number), *last = NULL;
        uint64_t size = p ? wanted_size(t, p, limit) : 0;
        if (size == 0)
                return 0;
        int r = ingot_gpt_grow(&t->gpt, t->file.size, &last, reterr);
        if (r < 0)
                return r;
        last->last_lba_inclusive = last->first_lba + size / t->gpt.sector_size - 1;
        r = table_write(t, reterr);
        if (r >= 0)
                r = ingot_block_resize_partition(t->file.fd, number,
                                                 ingot_gpt_offset(&t->gpt, last), size, reterr);
        if (r < 0)
                return r;
        ingot_human_size(size_text, size);
        init_say("/var grows to %s", size_text);
        return 0;
}

static int mount_var(const char *node, ingot_error *reterr)
{
        char path[64];
        snprintf(path, sizeof(path), "/dev/%s", node);
        const struct ingot_mount m = {
                .source = path, .target = TARGET, .type = "ext4", .flags = MS_NODEV | MS_NOSUID};
        return ingot_mount(&m, reterr);
}

/* Mounts the partition and looks whose it is: 1 when it is ours, 0 (not mounted) when it is not. */
static int try_partition(const struct ingot_init_config *config, const char *disk,
                         const struct ingot_gpt_partition *p, ingot_error *reterr)
{
        _cleanup_free_ char *node = NULL;
        struct ingot_uuid id;
        int r = ingot_block_partition(disk, p->number, &node, reterr);
        if (r >= 0)
                r = mount_var(node, reterr);
        if (r < 0)
                return r;
        bool has_id = init_machine_id_of_var(TARGET, &id);
        enum init_var_owner owner =
                init_var_owner_of(&p->uuid, config->has_var ? &config->var : NULL,
                                  has_id ? &id : NULL, access(OURS, F_OK) == 0);
        if (owner != INIT_VAR_FOREIGN)
                return 1;
        init_tell("%s is of another system: it keeps another machine id than its UUID tells", node);
        r = ingot_unmount(TARGET, reterr);
        return r < 0 ? r : 0;
}

static bool is_candidate(const struct ingot_gpt_partition *p)
{
        return ingot_uuid_equal(&p->type, &var_type) && !(p->attributes & INGOT_GPT_NO_AUTO);
}

/* Grows and mounts partition NUMBER: 1 done, 0 when it is of another system. */
static int take_partition(const struct ingot_init_config *config, const char *disk, struct table *t,
                          unsigned number, struct init_var *ret, ingot_error *reterr)
{
        ingot_error grow_error = {0};
        struct ingot_gpt_partition *p = ingot_gpt_by_number(&t->gpt, number);
        int r = try_partition(config, disk, p, reterr);
        if (r <= 0)
                return r;
        int grown = grow_partition(t, number, config->var_size, &grow_error);
        p = ingot_gpt_by_number(&t->gpt, number);
        if (grown >= 0)
                grown = ingot_ext4_grow(TARGET, ingot_gpt_size(&t->gpt, p), &grow_error);
        if (grown < 0)
                init_tell_error("/var stays as it is", &grow_error);
        r = ingot_strdup(&ret->disk, disk, reterr);
        ret->number = number;
        ret->uuid = p->uuid;
        return r < 0 ? r : 1;
}

static int find_and_mount(const struct ingot_init_config *config, const char *disk,
                          struct init_var *ret, ingot_error *reterr)
{
        _cleanup_free_ struct table *t = calloc(1, sizeof(*t));
        if (!t)
                return ingot_fail_nomem(reterr);
        t->file = INGOT_FILE_NONE;
        unsigned numbers[INGOT_GPT_ENTRIES];
        size_t count = 0;
        int r = table_read(disk, t, reterr);
        for (size_t i = 0; r >= 0 && i < t->gpt.partition_count; i++) {
                const struct ingot_gpt_partition *p = &t->gpt.partitions[i];
                if (!is_candidate(p))
                        continue;
                /* The build's own goes first. */
                bool first = config->has_var && ingot_uuid_equal(&p->uuid, &config->var);
                memmove(numbers + first, numbers, count * sizeof(*numbers) * first);
                numbers[first ? 0 : count] = p->number;
                count++;
        }
        int taken = 0;
        for (size_t i = 0; r >= 0 && taken == 0 && i < count; i++) {
                taken = take_partition(config, disk, t, numbers[i], ret, reterr);
                r = taken < 0 ? taken : r;
        }
        ingot_file_close(&t->file);
        if (r < 0)
                return r;
        return taken ? 0 : ingot_fail(reterr, INGOT_E_NOTFOUND,
                                      "no partition of the type var on %s is of this system", disk);
}

int init_var_mount(const struct ingot_init_config *config, const char *disk, struct init_var *ret,
                   ingot_error *reterr)
{
        _cleanup_init_var_ struct init_var v = {0};
        ingot_error error = {0};
        int r = find_and_mount(config, disk, &v, &error);
        if (r == -INGOT_E_NOTFOUND && config->etc == INGOT_ETC_VOLATILE) {
                const struct ingot_mount m = {.target = TARGET,
                                              .type = "tmpfs",
                                              .flags = MS_NODEV | MS_NOSUID,
                                              .options = "mode=0755"};
                init_tell("%s: /var is in memory, and is lost at shutdown", error.text);
                return ingot_mount(&m, reterr);
        }
        if (r < 0) {
                _cleanup_init_disks_ struct init_disks disks = {0};
                if (init_disks_scan(&disks, NULL) >= 0)
                        init_disks_tell(&disks);
                if (reterr)
                        *reterr = error;
                return ingot_under(reterr, r, "/var");
        }
        *ret = v;
        v = (struct init_var){0};
        return 0;
}

int init_var_unit_text(const char *node, struct ingot_buffer *ret, ingot_error *reterr)
{
        return ingot_buffer_printf(ret, reterr,
                                   "[Unit]\n"
                                   "Description=Variable Data, mounted in the initrd\n"
                                   "DefaultDependencies=no\n"
                                   "Before=local-fs.target\n"
                                   "\n"
                                   "[Mount]\n"
                                   "What=/dev/%s\n"
                                   "Where=/var\n"
                                   "Type=ext4\n"
                                   "Options=nodev,nosuid\n",
                                   node);
}

int init_var_unit(const struct init_var *v, ingot_error *reterr)
{
        _cleanup_free_ char *node = NULL;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        if (!v->disk)
                return 0;
        int r = ingot_block_partition(v->disk, v->number, &node, reterr);
        if (r >= 0)
                r = init_var_unit_text(node, &text, reterr);
        if (r >= 0)
                r = ingot_make_directories(UNIT_FOLDER, 0755, reterr);
        if (r >= 0)
                r = ingot_outfile_put(UNIT_FOLDER "/var.mount", text.data, text.size, 0644, reterr);
        return ingot_under(reterr, r, "/var");
}

int init_var_bind(const struct init_var *v, const struct ingot_uuid *machine_id,
                  ingot_error *reterr)
{
        struct ingot_uuid wanted = init_var_uuid(machine_id);
        if (!v->disk || ingot_uuid_equal(&v->uuid, &wanted))
                return 0;
        _cleanup_free_ struct table *t = calloc(1, sizeof(*t));
        if (!t)
                return ingot_fail_nomem(reterr);
        t->file = INGOT_FILE_NONE;
        int r = table_read(v->disk, t, reterr);
        struct ingot_gpt_partition *p = r < 0 ? NULL : ingot_gpt_by_number(&t->gpt, v->number);
        if (p) {
                p->uuid = wanted;
                r = table_write(t, reterr);
        }
        ingot_file_close(&t->file);
        return ingot_under(reterr, r, "bind /var to this machine");
}
