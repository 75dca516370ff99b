/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Block devices out of sysfs, BLKPG, and the growing of a mounted ext4. */
#include "os/block.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "os/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#define ATTRIBUTE_MAX 4096 /* sysfs says that all of its files have a page */
#define LAYERS_MAX 16 /* of device mapper, one over the other */
#define EXT4_RESIZE _IOW('f', 16, uint64_t) /* EXT4_IOC_RESIZE_FS: the new size in blocks */

/* Whether a name of /sys/block can be a disk with partitions. */
static bool name_is_disk(const char *name)
{
        static const char *const others[] = {"dm-", "loop", "ram", "zram", "fd", "md", "nbd"};
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                if (ingot_starts_with(name, others[i]))
                        return false;
        return true;
}

/* The number in /sys/block/DISK/FILE; false when there is none. */
static bool read_number(const char *disk, const char *file, uint64_t *ret)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        if (ingot_format(&path, NULL, "/sys/block/%s/%s", disk, file) < 0 ||
            ingot_file_read(AT_FDCWD, path, ATTRIBUTE_MAX, &text, &size, NULL) < 0)
                return false;
        if (size > 0 && text[size - 1] == '\n')
                text[size - 1] = 0;
        return ingot_parse_u64((const char *) text, ret);
}

int ingot_block_disks(struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_list_directory(AT_FDCWD, "/sys/block", &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                uint64_t sectors;
                if (name_is_disk(names.items[i]) &&
                    read_number(names.items[i], "size", &sectors) && sectors > 0)
                        r = ingot_strings_add(ret, names.items[i], reterr);
        }
        return r;
}

/* Device mapper's UUID says who made a device, and for what (libcryptsetup's dm-crypt). */
static bool is_luks(int root, const char *name)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_buffer_ struct ingot_buffer uuid = {0};
        return ingot_format(&path, NULL, "/sys/class/block/%s/dm/uuid", name) >= 0 &&
               ingot_root_read(root, path, ATTRIBUTE_MAX, &uuid, NULL) >= 0 &&
               ingot_buffer_append(&uuid, "", 1, NULL) >= 0 &&
               ingot_starts_with((const char *) uuid.data, "CRYPT-LUKS2-");
}

static int list_below(int root, const char *name, struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings below = {0};
        _cleanup_free_ char *folder = NULL;
        int r = ingot_format(&folder, reterr, "/sys/class/block/%s/slaves", name);
        if (r >= 0)
                r = ingot_root_list(root, folder, &below, reterr);
        for (size_t i = 0; r >= 0 && i < below.count; i++) {
                _cleanup_free_ char *path = NULL;
                r = ingot_format(&path, reterr, "/dev/%s", below.items[i]);
                if (r >= 0)
                        r = ingot_strings_add(ret, path, reterr);
        }
        return r < 0 ? r : 0;
}

int ingot_block_luks(int root, struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_root_list(root, "/sys/class/block", &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++)
                if (is_luks(root, names.items[i]))
                        r = list_below(root, names.items[i], ret, reterr);
        ingot_strings_sort(ret);
        return r < 0 ? r : 0;
}

int ingot_block_partition(const char *disk, unsigned number, char **ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_free_ char *folder = NULL;
        int r = ingot_format(&folder, reterr, "/sys/block/%s", disk);
        if (r >= 0)
                r = ingot_list_directory(AT_FDCWD, folder, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *file = NULL;
                uint64_t found;
                if (!ingot_starts_with(names.items[i], disk))
                        continue;
                r = ingot_format(&file, reterr, "%s/partition", names.items[i]);
                if (r >= 0 && read_number(disk, file, &found) && found == number)
                        return ingot_strdup(ret, names.items[i], reterr);
        }
        return r < 0 ? r
                     : ingot_fail(reterr, INGOT_E_NOTFOUND, "the kernel has no partition %u of %s",
                                  number, disk);
}

int ingot_block_sector_size(int fd, uint32_t *ret, ingot_error *reterr)
{
        int size = 0;
        if (ioctl(fd, BLKSSZGET, &size) < 0)
                return ingot_fail_errno(reterr, "get the sector size");
        *ret = (uint32_t) size;
        return 0;
}

int ingot_block_resize_partition(int fd, unsigned number, uint64_t start, uint64_t size,
                                 ingot_error *reterr)
{
        struct blkpg_partition p = {
                .start = (long long) start, .length = (long long) size, .pno = (int) number};
        struct blkpg_ioctl_arg arg = {
                .op = BLKPG_RESIZE_PARTITION, .datalen = sizeof(p), .data = &p};
        if (ioctl(fd, BLKPG, &arg) < 0)
                return ingot_fail_errno(reterr, "resize partition %u in the kernel", number);
        return 0;
}

int ingot_ext4_grow(const char *path, uint64_t size, ingot_error *reterr)
{
        struct statvfs st;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstatvfs(fd, &st) < 0)
                return ingot_fail_errno(reterr, "open %s", path);
        uint64_t blocks = size / st.f_bsize;
        if (ioctl(fd, EXT4_RESIZE, &blocks) < 0)
                return ingot_fail_errno(reterr, "grow the file system of %s to %llu blocks", path,
                                        (unsigned long long) blocks);
        return 0;
}

/* A partition's folder in sysfs lies in that of its disk. */
static int disk_of_partition(const char *folder, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *real = realpath(folder, NULL);
        char *slash = real ? strrchr(real, '/') : NULL;
        if (!slash)
                return ingot_fail_errno(reterr, "look at %s", folder);
        *slash = 0;
        slash = strrchr(real, '/');
        return slash ? ingot_strdup(ret, slash + 1, reterr)
                     : ingot_fail(reterr, INGOT_E_INTERNAL, "%s is on no disk", folder);
}

/* FOLDER is that of a block device in sysfs. */
static int disk_below(const char *folder, unsigned layers, char **ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings slaves = {0};
        _cleanup_free_ char *below = NULL, *partition = NULL, *next = NULL, *real = NULL;
        int r = ingot_format(&below, reterr, "%s/slaves", folder);
        if (r >= 0)
                r = ingot_format(&partition, reterr, "%s/partition", folder);
        if (r < 0)
                return r;
        if (ingot_file_exists(partition))
                return disk_of_partition(folder, ret, reterr);
        if (ingot_list_directory(AT_FDCWD, below, &slaves, NULL) < 0 || slaves.count == 0 ||
            layers == 0) {
                real = realpath(folder, NULL);
                return real ? ingot_strdup(ret, strrchr(real, '/') + 1, reterr)
                            : ingot_fail_errno(reterr, "look at %s", folder);
        }
        r = ingot_format(&next, reterr, "/sys/class/block/%s", slaves.items[0]);
        return r < 0 ? r : disk_below(next, layers - 1, ret, reterr);
}

int ingot_block_disk_of(const char *path, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *folder = NULL;
        struct stat st;
        if (stat(path, &st) < 0)
                return errno == ENOENT ? ingot_fail(reterr, INGOT_E_NOTFOUND, "no %s", path)
                                       : ingot_fail_errno(reterr, "look at %s", path);
        dev_t device = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
        if (major(device) == 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "%s lies on no block device", path);
        int r = ingot_format(&folder, reterr, "/sys/dev/block/%u:%u", major(device), minor(device));
        return r < 0 ? r : disk_below(folder, LAYERS_MAX, ret, reterr);
}
