/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine that lies in a disk image: its files, in whichever partition they are, as far as the
 * file system can be read without mounting it (FAT, erofs). Nothing runs in an image, so neither
 * /sys nor /run is in it, where a machine has its logs of measurements: unless somebody put copies
 * there.
 */
#pragma once

#include "image/open.h"
#include "measure/boot-log.h"
#include "os/file.h"

struct machine_image {
        const char *name;
        struct ingot_file file;
        struct ingot_reader reader;
        struct ingot_image image;
};
#define MACHINE_IMAGE_NONE ((struct machine_image){.file = INGOT_FILE_NONE})

#define OPTION_MACHINE_IMAGE(T, m)                                                                 \
        STRING(0, "image", "FILE", T, m, "The same of the machine that lies in this disk image")

int machine_image_open(struct machine_image *m, const char *path, ingot_error *reterr);
void machine_image_close(struct machine_image *m);
#define _cleanup_machine_image_ __attribute__((cleanup(machine_image_close)))

/* A regular file's content, out of the first partition that has one at PATH; the caller frees.
 * 1: none has. */
int machine_image_read(struct machine_image *m, const char *path, size_t max, uint8_t **ret,
                       size_t *ret_size, ingot_error *reterr);
/* The logs that stand where a running machine has them; NOTFOUND says where they are instead. */
int machine_image_log(struct machine_image *m, struct ingot_boot_log *ret, ingot_error *reterr);
/* The files of its ESP, which it keeps; 1: it has none. */
int machine_image_esp(struct machine_image *m, const struct ingot_tree **ret, ingot_error *reterr);
