/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packages for a build: what is asked for, resolved into a lock, fetched into the cache.
 *
 *     request ── ingot_package_lock ──▶ lock ── ingot_package_fetch ──▶ verified files in the cache
 *
 * With a lock that matches the request and a full cache, ingot_package_fetch touches neither the
 * network nor any index. Every byte is checked: index by OpenPGP signature, all else by SHA-256.
 */
#pragma once

#include "base/log.h"
#include "base/text.h"
#include "package/lock.h"

/* What is there before the packages asked for. */
enum ingot_package_base {
        INGOT_PACKAGE_BASE_REQUIRED,  /* essential, and all of priority required: "minbase" */
        INGOT_PACKAGE_BASE_ESSENTIAL, /* essential packages alone */
        INGOT_PACKAGE_BASE_NONE,      /* nothing but what is asked for */
};

struct ingot_package_request {
        const char *distribution;             /* "debian"; NULL is that too */
        const char *architecture;             /* UAPI name: "x86-64", "arm64"; NULL: the host's */
        struct ingot_package_sources sources; /* earlier ones win at equal versions */
        struct ingot_strings packages;        /* names, or NAME=VERSION; order does not matter */
        struct ingot_strings assumed;         /* names that others may depend on; not installed */
        enum ingot_package_base base;
        bool recommends;     /* install what is recommended, too */
        const char *keyring; /* OpenPGP keyring (binary or armoured); NULL: VOA's keys, or else the
                              * distribution's keyring */
        const char *trust_root; /* where VOA's load paths are; NULL: "/" */
        bool allow_expired;     /* take an index that is past its Valid-Until */
        bool offline;           /* out of the cache alone */
        const char *cache;      /* folder; NULL: ingot_cache_default() */
        unsigned parallel;      /* downloads at a time; 0: 8 */

        /* How ingot_package_lock treats what was locked before. */
        const struct ingot_lock *current;    /* keep its versions where still possible; or NULL */
        bool upgrade_all;                    /* … but not one of them */
        const struct ingot_strings *upgrade; /* … but not these; or NULL */

        const struct ingot_log *log;
};

void ingot_package_request_done(struct ingot_package_request *r);
#define _cleanup_package_request_ __attribute__((cleanup(ingot_package_request_done)))

/* SHA-256 of everything in the request that decides the result: distribution, architecture,
 * sources, base, recommends, sorted package names. Not: cache, keyring, upgrades, offline. */
int ingot_package_request_digest(const struct ingot_package_request *r,
                                 uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr);

/* 0 when LOCK answers this very request, CONFLICT (with what to do) when it does not. */
int ingot_package_lock_check(const struct ingot_package_request *r, const struct ingot_lock *lock,
                             ingot_error *reterr);

/*
 * Reads the releases and solves. NOTFOUND: an unknown package (with the nearest name), a missing
 * suite; CONFLICT: no set of packages satisfies it (why, in package terms); REFUSED: signature,
 * digest, or an expired index; SYSTEM: a mirror could not be asked. The result has the versions of
 * r->current wherever they are still available and fit, unless they are to be upgraded.
 */
int ingot_package_lock(const struct ingot_package_request *r, struct ingot_lock *ret,
                       ingot_error *reterr);

/*
 * All packages of the lock, as paths of files in the cache, in the lock's order, each checked
 * against its digest in this call. Of the request it needs distribution, cache, offline, parallel
 * and log only. REFUSED: a digest is wrong (package, URL, both digests); NOTFOUND: offline and not
 * in the cache (names them).
 */
int ingot_package_fetch(const struct ingot_package_request *r, const struct ingot_lock *lock,
                        struct ingot_strings *ret_paths, ingot_error *reterr);
