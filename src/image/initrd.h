/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The initrd: a cpio archive of our init, its configuration, and the kernel modules it loads. The
 * same options and tree give the same bytes.
 */
#pragma once

#include "base/buffer.h"
#include "base/log.h"
#include "base/uuid.h"
#include "format/init-config.h"
#include "format/tree.h"

#include <stdbool.h>

struct ingot_initrd_options {
        const char *version;     /* of the kernel, as `uname -r` says it */
        struct ingot_span init;  /* the static program */
        enum ingot_etc_mode etc;
        bool shell;              /* may rd.shell on the command line open a shell? */
        const struct ingot_uuid *var; /* the PARTUUID that the build gave to /var, or NULL */
        uint64_t var_size;       /* bytes to which /var grows at most; 0: to the end of the disk */
        unsigned timeout;        /* seconds to wait for the disk; 0: 30 */
        unsigned reboot;         /* seconds from a failure to the reboot; 0: 10 */
        bool restart;            /* after any failure, counted or not */
        unsigned watchdog;       /* seconds; 0: none */
        const char *const *modules; /* wanted; NULL: ingot_modules_default */
        size_t module_count;
        bool missing_is_error;   /* a wanted module that is nowhere: NOTFOUND, else a warning */
        bool uncompressed;
        int level;               /* of zstd; 0: 19 */
        int64_t mtime;           /* of every member, seconds since the epoch */
        const struct ingot_log *log;
};

/* ROOT is the tree of the root file system: modules and firmware come from it. The archive is
 * appended to RET, which must be empty. */
int ingot_initrd_build(const struct ingot_tree *root, const struct ingot_initrd_options *o,
                       struct ingot_buffer *ret, ingot_error *reterr);

/* The text of /etc/init.conf for MODULES paths in load order (docs/formats/init-conf.md). */
struct ingot_modules;
int ingot_initrd_config(const struct ingot_initrd_options *o, const struct ingot_modules *modules,
                        struct ingot_buffer *ret, ingot_error *reterr);
