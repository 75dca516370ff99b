/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /etc/init.conf of the initrd: lines Key=Value, written by src/image/initrd.c. No sections, no
 * quoting; '#' starts a comment line. */
#pragma once

#include "base/bytes.h"
#include "base/text.h"
#include "base/uuid.h"

enum ingot_etc_mode {
        INGOT_ETC_OVERLAY,  /* changes stay, in /var */
        INGOT_ETC_VOLATILE, /* changes are lost at shutdown; /var may be missing */
        INGOT_ETC_READ_ONLY
};
/* "overlay", "volatile", "read-only"; false for another word. */
bool ingot_etc_mode_parse(const char *text, enum ingot_etc_mode *ret);
const char *ingot_etc_mode_name(enum ingot_etc_mode mode);

struct ingot_init_config {
        enum ingot_etc_mode etc; /* Etc=overlay|volatile|read-only */
        bool shell;              /* Shell=yes|no: may rd.shell open one? */
        bool has_var;
        struct ingot_uuid var;        /* Var=PARTUUID that the build gave to /var */
        uint64_t var_size;            /* VarSize=bytes: /var grows no further; 0: the whole disk */
        unsigned timeout;             /* Timeout=seconds for the disk to appear */
        unsigned reboot;              /* Reboot=seconds between a failure and the restart */
        bool restart;                 /* Restart=yes|no: after any failure, counted or not */
        unsigned watchdog;            /* Watchdog=seconds; 0: none */
        struct ingot_strings modules; /* Module=path, in the order of loading */
};

/* FORMAT, with the line, for anything that is not understood. RET is empty then. */
int ingot_init_config_parse(struct ingot_span text, struct ingot_init_config *ret,
                            ingot_error *reterr);
void ingot_init_config_done(struct ingot_init_config *c);

#define _cleanup_init_config_ __attribute__((cleanup(ingot_init_config_done)))
