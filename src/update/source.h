/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the missing pieces of a release's files come from: a web server, a folder (a USB stick), a
 * chunk store. A source is never believed: whoever asks checks every byte, and asks the next
 * source for what this one had not, or had wrong.
 */
#pragma once

#include "base/error.h"
#include "base/log.h"
#include "os/http.h"

#include <stddef.h>
#include <stdint.h>

struct ingot_range {
        uint64_t offset, size; /* bytes; size > 0 */
};

/* Gets the bytes of range INDEX, which begin at OFFSET of the file: each byte of a range once and
 * in order; different ranges may take turns. < 0 ends the fetch with its error. > 0: these bytes
 * are not right; the rest of this range is not wanted from this source any more. */
typedef int (*ingot_got_fn)(void *context, size_t index, uint64_t offset, const void *data,
                            size_t size, ingot_error *reterr);

struct ingot_source {
        const char *name; /* for messages */
        /* The ranges are sorted and do not overlap. FILE is FILE_SIZE bytes as the release says, a
         * name without '/'. All callbacks come in the caller's thread. NOTFOUND: no such file here;
         * FORMAT: the file has another size, or an answer is not what was asked for; SYSTEM: could
         * not be had; else GOT's error. After an error some ranges may be there in part. */
        int (*fetch)(void *context, const char *file, uint64_t file_size,
                     const struct ingot_range *ranges, size_t count, ingot_got_fn got,
                     void *got_context, ingot_error *reterr);
        void (*close)(void *context);
        void *context;
};

struct ingot_source_options {
        struct ingot_http_options http;
        const struct ingot_log *log;
};

/*
 * By what WHERE is: http:// and https:// URLs and file:// URLs of a folder of releases; a path of a
 * folder; casync:STORE or casync:STORE,INDEXES (paths, or http and https URLs; the index of FILE is
 * FILE.caibx in INDEXES, by default the folder that the store is in). USAGE when it is none.
 */
int ingot_source_open(const char *where, const struct ingot_source_options *options,
                      struct ingot_source *ret, ingot_error *reterr);
void ingot_source_close(struct ingot_source *s);
#define _cleanup_source_ __attribute__((cleanup(ingot_source_close)))
