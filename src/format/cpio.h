/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpio archives of the "new" ASCII format (newc), as the Linux kernel unpacks them as initrd.
 *
 * Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst and init/initramfs.c.
 * An initrd is a row of archives, each plain or compressed, with zeros between them.
 */
#pragma once

#include "format/tree.h"

struct ingot_cpio_options {
        /* 0, or a power of two from 8 to 4096: file data starts at a multiple of it. The name is
         * padded with NULs for that, and where this does not reach, "." is entered again. */
        uint32_t data_align;
        uint64_t data_align_from; /* only files of at least this size */
};

/*
 * Writes the tree: "." first, then each entry in the order of ingot_tree_walk; inode numbers from
 * 1; of hard links the last has the data. The size is a multiple of 512, so that another archive
 * may follow. LIMIT: a file over 4 GiB, a path over 4095 bytes, a time before 1970 or after 2106.
 * UNSUPPORTED: an inode with extended attributes, for which the format has no place.
 */
int ingot_cpio_write(const struct ingot_tree *tree, const struct ingot_cpio_options *options,
                     const struct ingot_writer *out, uint64_t *ret_size, ingot_error *reterr);

struct ingot_cpio_limits {
        size_t entries;    /* of all archives; 0: 1 Mi */
        uint64_t expanded; /* bytes that compressed archives may expand to; 0: 2 GiB */
};

/*
 * The tree that the kernel would make of an initrd: of equal paths the later wins. Archives
 * compressed with zstd are expanded into memory; UNSUPPORTED, with its name, for other
 * compressions. Content of plain archives is read through R, whose context outlives the tree.
 * FORMAT: malformed, a path with "..", a wrong checksum ("070702"). LIMIT: above LIMITS, which
 * may be NULL.
 */
int ingot_cpio_read(const struct ingot_reader *r, const struct ingot_cpio_limits *limits,
                    struct ingot_tree **ret, ingot_error *reterr);

/* Do these first bytes of a file look like an initrd: newc, or a compression the kernel knows? */
bool ingot_cpio_detect(struct ingot_span start);
