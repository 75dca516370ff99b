/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel's command line says to the initrd. Everything else is for others. */
#pragma once

#include "base/buffer.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct init_cmdline {
        bool has_root_hash;
        uint8_t root_hash[INGOT_SHA256_SIZE]; /* roothash=, 64 hex digits */
        bool shell;                           /* rd.shell, rd.shell=yes */
        bool machine_id;                      /* systemd.machine_id= is there: the id is given */
        bool no_credentials;                  /* systemd.import_credentials=no, also as rd. */
        char *init;                           /* init=, or NULL */
};

/*
 * Words are separated by blanks; double quotes keep blanks in a word (Linux,
 * lib/cmdline.c:next_arg). Of equal keys the last wins; nothing behind "--" is looked at. FORMAT
 * for a roothash= that is no SHA-256.
 */
int init_cmdline_parse(const char *text, struct init_cmdline *ret, ingot_error *reterr);
/* The parameters that the words "NAME.PARAMETER[=VALUE]" give the module NAME (where - and _ are
 * the same), as modprobe hands them on: appended to RET as text, with blanks between. */
int init_cmdline_module(const char *text, const char *name, struct ingot_buffer *ret,
                        ingot_error *reterr);
/* The values of all words KEY=VALUE, appended to RET. */
int init_cmdline_values(const char *text, const char *key, struct ingot_strings *ret,
                        ingot_error *reterr);
void init_cmdline_done(struct init_cmdline *c);

#define _cleanup_init_cmdline_ __attribute__((cleanup(init_cmdline_done)))
