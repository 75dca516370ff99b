/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the Debian parts tell each other; nobody else includes this. */
#pragma once

#include "base/bytes.h"
#include "os/map.h"
#include "package/distribution.h"

/*
 * The mirror as the host's apt configuration in FOLDER ("/etc/apt") names it: the first archive URI
 * with a folder "debian" in it; for suites "…-security", one with "debian-security", or else the
 * former with "-security" appended. NOTFOUND when there is none.
 */
int ingot_debian_host_mirror(const char *folder, const char *suite, char **ret,
                             ingot_error *reterr);

/* --- the signed index of one suite ------------------------------------------------------------ */

/* A Release file (Debian wiki, RepositoryFormat), as far as it is needed. Spans of its text. */
struct ingot_debian_release {
        struct ingot_span text;
        struct ingot_span suite, codename, architectures, sums;
        uint64_t date, valid_until; /* seconds since 1970; 0: not said */
        bool by_hash;               /* Acquire-By-Hash: yes */
        bool all_included;          /* architecture-independent packages stand in every index */
};

struct ingot_debian_file {
        uint8_t sha256[INGOT_SHA256_SIZE];
        uint64_t size;
};

/* FORMAT: no SHA256 section, a date that is none. */
int ingot_debian_release_decode(struct ingot_span text, struct ingot_debian_release *ret,
                                ingot_error *reterr);
/* The sum of PATH ("main/binary-amd64/Packages.xz"): 0, or 1 when the release does not list it. */
int ingot_debian_release_find(const struct ingot_debian_release *release, const char *path,
                              struct ingot_debian_file *ret, ingot_error *reterr);
/* Is WORD in a list separated by blanks? */
bool ingot_debian_list_has(struct ingot_span list, const char *word);
/* "Sat, 15 Nov 2025 10:12:13 UTC" */
bool ingot_debian_parse_date(struct ingot_span text, uint64_t *ret);

/* REFUSED when the release is not of SUITE, or out of its validity at NOW and not ALLOW_EXPIRED. */
int ingot_debian_release_check(const struct ingot_debian_release *release, const char *suite,
                               uint64_t now, bool allow_expired, ingot_error *reterr);

/* --- the package indexes ---------------------------------------------------------------------- */

/* One Packages file: mapped out of the cache. */
struct ingot_debian_index {
        struct ingot_map map;
        uint8_t *heap; /* instead of a mapping */
        struct ingot_span text;
        size_t source; /* of the request */
};

struct ingot_debian_indexes {
        struct ingot_debian_index *items;
        size_t count, allocated;
        uint64_t date; /* the newest release's */
};
void ingot_debian_indexes_done(struct ingot_debian_indexes *x);
#define _cleanup_debian_indexes_ __attribute__((cleanup(ingot_debian_indexes_done)))

/* Gets, checks and opens the indexes of all sources of the request. ARCHITECTURE as Debian says. */
int ingot_debian_indexes_open(const struct ingot_package_request *r, const char *architecture,
                              struct ingot_debian_indexes *ret, ingot_error *reterr);

/* --- what is to be installed ------------------------------------------------------------------ */

/* Solves the request over the indexes and adds the packages to the lock, in no special order. */
int ingot_debian_solve(const struct ingot_package_request *r, const char *architecture,
                       const struct ingot_debian_indexes *indexes, struct ingot_lock *lock,
                       ingot_error *reterr);
