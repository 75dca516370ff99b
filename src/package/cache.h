/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cache: files named by a SHA-256, below $XDG_CACHE_HOME/ingot or ~/.cache/ingot.
 *
 *     KIND/ab/abcdef…     one entry: KIND "sha256" is content named by its own digest; other kinds
 *                         are results named by the digest of what they were made of
 *     partial/abcdef…     a download under way, kept for resuming
 *     release/abcdef…     the last signed index of a mirror's suite (digest of mirror and suite)
 *
 * Entries appear by rename, so any number of builds may share it; any of it may be deleted at any
 * time between builds. Content is checked whenever it is taken out, so a damaged entry is only
 * fetched again. The time of an entry is when it was last used: os/sweep.h counts and cleans.
 */
#pragma once

#include "base/log.h"
#include "base/sha256.h"
#include "os/file.h"

#define INGOT_CACHE_CONTENT "sha256"
#define INGOT_CACHE_RELEASE "release"

struct ingot_cache {
        char *folder;
};

/* The folder of this user; USAGE when neither XDG_CACHE_HOME nor HOME says. The caller frees. */
int ingot_cache_default(char **ret, ingot_error *reterr);

/* FOLDER NULL: the default one. Made when it is not there. */
int ingot_cache_open(struct ingot_cache *ret, const char *folder, ingot_error *reterr);
void ingot_cache_close(struct ingot_cache *c);
#define _cleanup_cache_ __attribute__((cleanup(ingot_cache_close)))

/* Where the entry is or would be. The caller frees. */
int ingot_cache_path(const struct ingot_cache *c, const char *kind,
                     const uint8_t digest[INGOT_SHA256_SIZE], char **ret, ingot_error *reterr);

/* 0 and its path when the entry is there (and marks it as used), 1 when it is not. */
int ingot_cache_find(const struct ingot_cache *c, const char *kind,
                     const uint8_t digest[INGOT_SHA256_SIZE], char **ret, ingot_error *reterr);

/* The path of an entry to be made, whose folder is there now. The caller frees. */
int ingot_cache_place(const struct ingot_cache *c, const char *kind,
                      const uint8_t digest[INGOT_SHA256_SIZE], char **ret, ingot_error *reterr);

/* An entry to be written. Appears with ingot_outfile_commit(), or, for what is checked whenever it
 * is taken out (INGOT_CACHE_CONTENT is), with ingot_outfile_publish(). */
int ingot_cache_create(const struct ingot_cache *c, const char *kind,
                       const uint8_t digest[INGOT_SHA256_SIZE], struct ingot_outfile *ret,
                       ingot_error *reterr);

/* As find for INGOT_CACHE_CONTENT, but reads it and removes what has not its digest (result 1). */
int ingot_cache_verify(const struct ingot_cache *c, const uint8_t digest[INGOT_SHA256_SIZE],
                       char **ret, ingot_error *reterr);

/* Not there is no error. */
int ingot_cache_remove(const struct ingot_cache *c, const char *kind,
                       const uint8_t digest[INGOT_SHA256_SIZE], ingot_error *reterr);

/* One file to be downloaded into INGOT_CACHE_CONTENT. */
struct ingot_cache_job {
        const char *what;                  /* "nginx 1.26.3-3", for messages */
        const char *url;                   /* http, https or file */
        const char *fallback;              /* asked when URL is not found; or NULL */
        uint64_t size;                     /* exact */
        uint8_t sha256[INGOT_SHA256_SIZE]; /* exact */
};

/* Which of the jobs are in the cache, whole and true, into RET[COUNT]; damaged ones are removed. */
int ingot_cache_check(const struct ingot_cache *c, const struct ingot_cache_job *jobs, size_t count,
                      bool *ret, ingot_error *reterr);

/*
 * Downloads those of the jobs that are not in the cache, PARALLEL at a time (0: 8), resuming what
 * was begun before. REFUSED: wrong size or digest; NOTFOUND: the server has it not; SYSTEM: the
 * mirror failed after the last retry. What was complete by then is kept.
 */
int ingot_cache_fetch(const struct ingot_cache *c, const struct ingot_cache_job *jobs, size_t count,
                      unsigned parallel, const struct ingot_log *log, ingot_error *reterr);
