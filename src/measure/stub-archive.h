/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cpio archives that systemd-stub makes of files beside a UKI and hands to the kernel as part
 * of the initrd; to the byte, as their digests are measured.
 *
 * newc ("070701"), numbers in lower-case hexadecimal; inode numbers from 1; first each folder on
 * the way, with mode 0555 but the last one's; files in the order given; owner, times and devices
 * 0, one link; each header with its name, and each content, is padded with zeros to 4. At the end
 * "TRAILER!!!", with inode number 0 and its size as "0000000B"; no padding behind it.
 *
 * Source: systemd, src/boot/cpio.c.
 */
#pragma once

#include "base/buffer.h"
#include "measure/digests.h"

struct ingot_stub_archive {
        struct ingot_buffer frame; /* headers and padding */
        struct ingot_stub_archive_piece {
                size_t frame_end;            /* so much of the frame comes first */
                struct ingot_reader content; /* then this */
        } * pieces;
        size_t count;
        char *folder;
        uint32_t file_mode, next_inode;
};

void ingot_stub_archive_done(struct ingot_stub_archive *a);
#define _cleanup_stub_archive_ __attribute__((cleanup(ingot_stub_archive_done)))

/* Starts one: FOLDER is where the files go, ".extra/credentials". A must be zeros. */
int ingot_stub_archive_start(struct ingot_stub_archive *a, const char *folder, uint32_t folder_mode,
                             uint32_t file_mode, ingot_error *reterr);
/* A file; CONTENT's context must live as long as A. LIMIT above 4 GiB. */
int ingot_stub_archive_add(struct ingot_stub_archive *a, const char *name,
                           const struct ingot_reader *content, ingot_error *reterr);
int ingot_stub_archive_finish(struct ingot_stub_archive *a, ingot_error *reterr);

/* Its size is a multiple of 4. */
uint64_t ingot_stub_archive_size(const struct ingot_stub_archive *a);
/* Its bytes into D. */
int ingot_stub_archive_digest(const struct ingot_stub_archive *a, struct ingot_digests *d,
                              ingot_error *reterr);
