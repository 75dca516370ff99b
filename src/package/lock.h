/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ingot.lock: exactly which packages a build takes (docs/formats/lock.md).
 *
 * The lock says what was solved, for which request, from which releases. It names no mirror unless
 * the recipe did, so that it means the same wherever it is read. Packages stand in byte order of
 * name and architecture, one a line, so that a diff reads as a list of what moved.
 */
#pragma once

#include "base/buffer.h"
#include "base/sha256.h"

#include <stdbool.h>

#define INGOT_LOCK_FORMAT 1
#define INGOT_LOCK_SIZE_MAX ((size_t) 16 << 20)
#define INGOT_LOCK_PACKAGES_MAX 100000

/* One suite of one archive. Strings are owned by whoever holds the list. */
struct ingot_package_source {
        char *mirror;     /* http, https or file URL without "/" at its end; NULL: the host's own */
        char *suite;      /* "trixie", "trixie-security" */
        char *components; /* separated by one space: "main non-free-firmware" */
};

struct ingot_package_sources {
        struct ingot_package_source *items;
        size_t count, allocated;
};

struct ingot_locked_package {
        char *name, *version, *architecture; /* in the distribution's own words */
        uint64_t size;                       /* bytes of the package file */
        uint8_t sha256[INGOT_SHA256_SIZE];
        char *path;    /* below the mirror: "pool/main/b/bash/bash_5.2.37-2_amd64.deb" */
        size_t source; /* index in sources */
};

struct ingot_lock {
        char *distribution; /* "debian" */
        char *architecture; /* UAPI name: "x86-64" */
        uint64_t date;      /* newest date of the releases, seconds since 1970: the build's time */
        uint8_t request[INGOT_SHA256_SIZE]; /* ingot_package_request_digest() of what was asked */
        struct ingot_package_sources sources;
        struct ingot_locked_package *packages;
        size_t count, allocated;
};

void ingot_lock_done(struct ingot_lock *lock);
void ingot_package_sources_done(struct ingot_package_sources *s);

/* MIRROR may be NULL; one "/" at its end is dropped, COMPONENTS are joined by single spaces. */
int ingot_package_sources_add(struct ingot_package_sources *s, const char *mirror,
                              const char *suite, const char *components, ingot_error *reterr);

/* Copies *PACKAGE (its strings too) to the end; ingot_lock_sort() brings the order. */
int ingot_lock_add(struct ingot_lock *lock, const struct ingot_locked_package *package,
                   ingot_error *reterr);
void ingot_lock_sort(struct ingot_lock *lock);

/* The package of that name (the first of its architectures), or NULL. */
const struct ingot_locked_package *ingot_lock_find(const struct ingot_lock *lock,
                                                   const char *name);

/* The whole text. UNSUPPORTED for a newer format, FORMAT (naming the line) for all else that is not
 * exactly what ingot_lock_encode() writes: unsorted, doubled, or unsafe paths too. */
int ingot_lock_decode(struct ingot_span text, struct ingot_lock *ret, ingot_error *reterr);
int ingot_lock_encode(const struct ingot_lock *lock, struct ingot_buffer *ret,
                      ingot_error *reterr);

/* NOTFOUND when there is no such file. */
int ingot_lock_read(const char *path, struct ingot_lock *ret, ingot_error *reterr);
int ingot_lock_write(const char *path, const struct ingot_lock *lock, ingot_error *reterr);

#define _cleanup_lock_ __attribute__((cleanup(ingot_lock_done)))
#define _cleanup_package_sources_ __attribute__((cleanup(ingot_package_sources_done)))
