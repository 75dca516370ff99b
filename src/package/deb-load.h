/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A package to be installed, in memory but for the content of its files: its control files, the
 * fields that matter, and the list of what it brings.
 */
#pragma once

#include "base/text.h"
#include "format/deb.h"
#include "os/file.h"

struct ingot_deb_control_file {
        char *name; /* "postinst" */
        uint16_t mode;
        uint8_t *data; /* a NUL stands behind it */
        size_t size;
};

struct ingot_deb_content {
        char *path, *target; /* as in struct ingot_deb_file */
        enum ingot_file_type type;
        bool hard_link, conffile;
        uint16_t mode;
        uint32_t uid, gid, major, minor;
        int64_t mtime;
        uint64_t offset, size; /* in the package file */
        char *place;           /* where it goes: the path without links; NULL: nowhere */
};

/* Who unpacks it. */
enum ingot_deb_unpacker {
        INGOT_DEB_OURS, /* we do; dpkg only configures it */
        INGOT_DEB_BOTH, /* we do, so that there is a dpkg that runs; then dpkg does */
        INGOT_DEB_DPKG,
};

struct ingot_deb_package {
        char *path;             /* of the uncompressed copy */
        struct ingot_file file; /* closed, but while it is loaded or unpacked */
        struct ingot_deb_control_file *controls;
        size_t control_count;
        struct ingot_deb_content *files;
        size_t file_count, file_allocated;
        char *name, *version, *architecture;
        char *depends, *pre_depends, *provides; /* NULL: none */
        bool multiarch_same, essential;
        enum ingot_deb_unpacker unpacker;
};

/* Reads the uncompressed package PATH. Errors name it. */
int ingot_deb_package_load(const char *path, struct ingot_deb_package *ret, ingot_error *reterr);
void ingot_deb_package_done(struct ingot_deb_package *p);

/* The control file of that name, or NULL. */
const struct ingot_deb_control_file *ingot_deb_control(const struct ingot_deb_package *p,
                                                       const char *name);
