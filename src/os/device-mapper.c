/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device mapper by ioctl: the initrd's program is static, and libdevmapper has no static form. */
#include "os/device-mapper.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define CONTROL "/dev/mapper/control"
#define PARAMETERS_MAX 4096
#define HASH_WORD 8 /* of the table, from 0 */
#define ATTRIBUTE_MAX 256
#define VERITY_UUID "CRYPT-VERITY-" /* as libcryptsetup has it */

/* One request: the kernel's header, and room for one target with its parameters. */
struct request {
        struct dm_ioctl head;
        struct dm_target_spec target;
        char parameters[PARAMETERS_MAX];
};

static int append_hex(struct ingot_buffer *b, const uint8_t *data, size_t size, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < size; i++)
                r = ingot_buffer_printf(b, reterr, "%02x", data[i]);
        return r;
}

/* The optional part: the number of words, then the words. */
static int append_options(struct ingot_buffer *b, const char *options, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        int r = ingot_strings_split(&words, options ? options : "", " ", reterr);
        if (r < 0 || words.count == 0)
                return r;
        r = ingot_buffer_printf(b, reterr, " %zu", words.count);
        for (size_t i = 0; r >= 0 && i < words.count; i++)
                r = ingot_buffer_printf(b, reterr, " %s", words.items[i]);
        return r;
}

int ingot_dm_verity_table(const struct ingot_dm_verity *v, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        int r = ingot_buffer_printf(ret, reterr, "1 %s %s %u %u %llu %llu %s ", v->data_device,
                                    v->hash_device, v->data_block_size, v->hash_block_size,
                                    (unsigned long long) v->data_blocks,
                                    (unsigned long long) v->hash_start, v->algorithm);
        if (r >= 0)
                r = append_hex(ret, v->root_hash, v->root_hash_size, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(ret, reterr, v->salt_size > 0 ? " " : " -");
        if (r >= 0)
                r = append_hex(ret, v->salt, v->salt_size, reterr);
        return r < 0 ? r : append_options(ret, v->options, reterr);
}

bool ingot_dm_verity_table_hash(const char *parameters, uint8_t ret[32])
{
        _cleanup_strings_ struct ingot_strings words = {0};
        return ingot_strings_split(&words, parameters, " ", NULL) >= 0 && words.count > HASH_WORD &&
               ingot_unhex(ret, 32, words.items[HASH_WORD]);
}

static int request_init(struct request *q, const char *name, const char *uuid, uint32_t flags,
                        ingot_error *reterr)
{
        memset(q, 0, sizeof(*q));
        q->head.version[0] = DM_VERSION_MAJOR;
        q->head.data_size = sizeof(*q);
        q->head.data_start = offsetof(struct request, target);
        q->head.flags = flags;
        if (strlen(name) >= sizeof(q->head.name) || strlen(uuid) >= sizeof(q->head.uuid))
                return ingot_fail(reterr, INGOT_E_LIMIT, "name a device %s (%s): too long", name,
                                  uuid);
        memcpy(q->head.name, name, strlen(name));
        memcpy(q->head.uuid, uuid, strlen(uuid));
        return 0;
}

static int load_table(int fd, const struct ingot_dm_device *d, ingot_error *reterr)
{
        struct request q;
        int r = request_init(&q, d->name, "", d->read_only ? DM_READONLY_FLAG : 0, reterr);
        if (r < 0)
                return r;
        size_t size = strlen(d->parameters);
        if (size >= sizeof(q.parameters) || strlen(d->type) >= sizeof(q.target.target_type))
                return ingot_fail(reterr, INGOT_E_LIMIT, "load a table of %zu bytes", size);
        q.head.target_count = 1;
        q.target.length = d->size / 512;
        memcpy(q.target.target_type, d->type, strlen(d->type));
        memcpy(q.parameters, d->parameters, size);
        if (ioctl(fd, DM_TABLE_LOAD, &q) < 0)
                return ingot_fail_errno(reterr, "load the table \"%s %s\"", d->type, d->parameters);
        return 0;
}

static int start(int fd, const struct ingot_dm_device *d, ingot_error *reterr)
{
        struct request q;
        int r = load_table(fd, d, reterr);
        if (r >= 0)
                r = request_init(&q, d->name, "", d->read_only ? DM_READONLY_FLAG : 0, reterr);
        if (r < 0)
                return r;
        /* Without DM_SUSPEND_FLAG this resumes: the loaded table becomes the live one. */
        if (ioctl(fd, DM_DEV_SUSPEND, &q) < 0)
                return ingot_fail_errno(reterr, "start it");
        return 0;
}

static int remove_device(int fd, const char *name, uint32_t flags, ingot_error *reterr)
{
        struct request q;
        int r = request_init(&q, name, "", flags, reterr);
        if (r < 0)
                return r;
        return ioctl(fd, DM_DEV_REMOVE, &q) < 0 ? ingot_fail_errno(reterr, "remove it") : 0;
}

static int open_control(ingot_error *reterr)
{
        int fd = open(CONTROL, O_RDWR | O_CLOEXEC);
        return fd < 0 ? ingot_fail_errno(reterr, "open %s", CONTROL) : fd;
}

int ingot_dm_create(const struct ingot_dm_device *d, unsigned *ret_minor, ingot_error *reterr)
{
        struct request q;
        _cleanup_close_ int fd = open_control(reterr);
        if (fd < 0)
                return fd;
        int r = request_init(&q, d->name, d->uuid, d->read_only ? DM_READONLY_FLAG : 0, reterr);
        if (r < 0)
                return r;
        if (ioctl(fd, DM_DEV_CREATE, &q) < 0) {
                r = ingot_fail_errno(reterr, "create it");
                return ingot_under(reterr, r, "device mapper: %s", d->name);
        }
        unsigned device_minor = minor(q.head.dev);
        r = start(fd, d, reterr);
        if (r < 0) {
                remove_device(fd, d->name, 0, NULL);
                return ingot_under(reterr, r, "device mapper: %s", d->name);
        }
        *ret_minor = device_minor;
        return 0;
}

static int remove_by_name(const char *name, uint32_t flags, ingot_error *reterr)
{
        _cleanup_close_ int fd = open_control(reterr);
        if (fd < 0)
                return fd;
        return ingot_under(reterr, remove_device(fd, name, flags, reterr), "device mapper: %s",
                           name);
}

int ingot_dm_remove(const char *name, ingot_error *reterr)
{
        return remove_by_name(name, 0, reterr);
}

int ingot_dm_remove_later(const char *name, ingot_error *reterr)
{
        return remove_by_name(name, DM_DEFERRED_REMOVE, reterr);
}

/* A line that device mapper shows of a block device; NOTFOUND when it is none of its. */
static int read_attribute(dev_t device, const char *file, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_format(&path, reterr, "/sys/dev/block/%u:%u/dm/%s", major(device),
                             minor(device), file);
        if (r >= 0)
                r = ingot_file_read(AT_FDCWD, path, ATTRIBUTE_MAX, &text, &size, reterr);
        if (r < 0)
                return r;
        text[strcspn((char *) text, "\n")] = 0;
        *ret = (char *) TAKE_PTR(text);
        return 0;
}

int ingot_dm_verity_of(const char *path, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *uuid = NULL;
        struct stat st;
        if (stat(path, &st) < 0)
                return ingot_fail_errno(reterr, "look at %s", path);
        int r = read_attribute(st.st_dev, "uuid", &uuid, reterr);
        if (r < 0)
                return r == -INGOT_E_NOTFOUND ? 1 : r;
        return ingot_starts_with(uuid, VERITY_UUID) ? read_attribute(st.st_dev, "name", ret, reterr)
                                                    : 1;
}

int ingot_dm_root_hash(const char *name, uint8_t ret[32], ingot_error *reterr)
{
        struct request q;
        _cleanup_close_ int fd = open_control(reterr);
        if (fd < 0)
                return fd;
        int r = request_init(&q, name, "", DM_STATUS_TABLE_FLAG, reterr);
        if (r < 0)
                return r;
        if (ioctl(fd, DM_TABLE_STATUS, &q) < 0)
                return ingot_fail_errno(reterr, "device mapper: look at %s", name);
        q.parameters[sizeof(q.parameters) - 1] = 0;
        if (q.head.target_count != 1 || strcmp(q.target.target_type, "verity") != 0 ||
            !ingot_dm_verity_table_hash(q.parameters, ret))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "device mapper: %s is not of dm-verity with SHA-256", name);
        return 0;
}
