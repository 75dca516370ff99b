/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Debian packages: an ar archive of three members, of which two are tar archives (deb(5)).
 *
 *     "!<arch>\n" · debian-binary ("2.0\n") · control.tar[.gz|.xz|.zst] · data.tar[.gz|.xz|…]
 *
 * The tars are those that dpkg takes (deb-old(5), tar(5)): ustar and GNU, long names by GNU's 'L'
 * and 'K' members; pax headers and sparse files are refused, as dpkg refuses them.
 */
#pragma once

#include "base/io.h"
#include "format/tree.h"

#define INGOT_DEB_CONTROL_MAX ((uint64_t) 256 << 20) /* bytes of control.tar, unpacked */
#define INGOT_DEB_DATA_MAX ((uint64_t) 64 << 30)     /* bytes of data.tar, unpacked */
#define INGOT_DEB_PATH_MAX 4096
#define INGOT_DEB_FILES_MAX 4000000

/* One member of the ar archive; its bytes are at [offset, offset + size) of the package. */
struct ingot_deb_part {
        uint64_t offset, size;
        bool compressed; /* its name says so: "data.tar.xz" */
};

struct ingot_deb {
        struct ingot_deb_part control, data;
};

#define INGOT_DEB_HEADER_SIZE 60 /* of an ar member */
#define INGOT_DEB_MAGIC "!<arch>\n"

/* FORMAT when it is no package; UNSUPPORTED for a format other than 2. */
int ingot_deb_decode(const struct ingot_reader *package, struct ingot_deb *ret,
                     ingot_error *reterr);

/* The header of an ar member; size below 10^10 (LIMIT). */
int ingot_deb_member_encode(const char *name, uint64_t size, uint8_t ret[INGOT_DEB_HEADER_SIZE],
                            ingot_error *reterr);

/* One file of a tar archive. Strings belong to the reader of the archive until the next call. */
struct ingot_deb_file {
        const char *path;   /* without "./" before and "/" behind; "" is the root */
        const char *target; /* of symbolic links; of hard links, a path as above; else NULL */
        enum ingot_file_type type;
        bool hard_link;
        uint16_t mode;
        uint32_t uid, gid;
        uint32_t major, minor;
        int64_t mtime;
        uint64_t offset, size; /* of the content, in the tar archive */
};

struct ingot_deb_tar {
        struct ingot_reader reader;
        uint64_t at;
        unsigned files;
        char path[INGOT_DEB_PATH_MAX], target[INGOT_DEB_PATH_MAX];
};

void ingot_deb_tar_begin(struct ingot_deb_tar *t, const struct ingot_reader *reader);

/* 1 with the next file; 0 at the end. FORMAT for what is malformed, for paths that lead out of the
 * root and names with a newline; UNSUPPORTED for kinds of members that dpkg does not take. */
int ingot_deb_tar_next(struct ingot_deb_tar *t, struct ingot_deb_file *ret, ingot_error *reterr);
