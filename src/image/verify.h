/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does an image, or a folder of artifacts, hold together: partition tables, hash trees against
 * their data, root hashes against command lines and UUIDs, signatures, manifest, sums.
 *
 * A check never fails because the image does: what it found is a finding. "Refused" means that it
 * was checked and does not hold, malformed bytes too; what could not be checked, what nobody signed
 * and what is signed by somebody whose key was not given are three other things. What no check
 * looks at is listed, too: a changed byte is refused, or lies in one of the gaps.
 */
#pragma once

#include "base/log.h"
#include "format/efi-signature.h"
#include "format/image-policy.h"
#include "format/sbat.h"
#include "image/open.h"
#include "trust/certificate.h"
#include "trust/verdict.h"

enum ingot_finding_state {
        INGOT_FINDING_HOLDS,
        INGOT_FINDING_REFUSED,     /* checked, and it does not hold */
        INGOT_FINDING_NOT_CHECKED, /* could not be: a read failed, a part is missing, unsupported */
        INGOT_FINDING_NOT_SIGNED,  /* nothing vouches for it, and nobody asked for that */
        INGOT_FINDING_NO_KEY,      /* signed, and the signature fits, but by whom nobody can say */
        INGOT_FINDING_STATE_MAX
};

/* "holds", "refused", "not-checked", "not-signed", "no-key"; for people with spaces. */
const char *ingot_finding_state_name(enum ingot_finding_state state);

struct ingot_finding {
        const char *check; /* "hash tree": a name of the table in image/verify.c */
        char *where;       /* "disk.raw: partition 2 (root-x86-64)" */
        char *by;          /* what it was checked against, or whose signature it is; or NULL */
        char *why;         /* what is wrong, or more about it; or NULL */
        enum ingot_finding_state state;
};

/* Bytes of an artifact that no check looks at. */
struct ingot_gap {
        const char *artifact; /* the caller's name of it */
        uint64_t offset, size;
        const char *reason;
};

struct ingot_verification {
        struct ingot_finding *findings; /* in the order of the checks, then of the artifacts */
        size_t count, allocated;
        struct ingot_gap *gaps; /* by artifact and offset */
        size_t gap_count, gaps_allocated;
};

struct ingot_artifact_file {
        const char *name;           /* the file's, without a folder; not copied */
        struct ingot_reader reader; /* may be read by several threads at once */
};

/* A file that a release file names. */
struct ingot_verify_listed {
        const char *name;
        uint64_t size;
        const uint8_t *sha256;
};

/* What a release file (update/release.h) says of the files beside it; the caller has verified it.
 */
struct ingot_verify_listing {
        const char *file; /* its name; NULL: of none, it is the caller who says it */
        const struct ingot_verify_listed *items;
        size_t count;
        enum ingot_finding_state state; /* of the release file itself, with BY and WHY */
        const char *by, *why;
        bool covered; /* each byte of it counts */
};

struct ingot_verify_options {
        unsigned threads; /* 0: one for each CPU */
        const struct ingot_log *log;
        const struct ingot_image_policy *policy; /* NULL: none asked for */
        const char *policy_text;                 /* as it was given */
        /* Who may sign what: certificates that are trusted as they are, whatever their dates and
         * issuers; NULL: none was given for that purpose. Of a purpose that has some, what is not
         * signed is refused. */
        const struct ingot_efi_signatures *db;   /* programs; it may list their digests, too */
        const struct ingot_certificates *verity; /* root hashes */
        const struct ingot_key *pcr_key;         /* the public key of PCR signatures, or NULL */
        const struct ingot_sbat *sbat_level;     /* what shim revokes, or NULL */
        const char *sbat_level_name;
        const struct ingot_efi_signatures *dbx; /* what may not start, or NULL */
        /* Sums and manifests: here dates do not count, but purposes; and how many of the keys must
         * have signed (0 is 1). */
        const struct ingot_key_files *release;
        size_t release_threshold;
        /* With some, what a manifest names and none of them does, need not be there (the disk image
         * is in no release). */
        const struct ingot_verify_listing *listings;
        size_t listing_count;
};

/*
 * Checks all that there is to check; SHA256SUMS, *.sha256, *.manifest.json and their signatures
 * are known by their names, the rest by content. Fails only for want of memory.
 */
int ingot_verify(const struct ingot_artifact_file *files, size_t count,
                 const struct ingot_verify_options *options, struct ingot_verification *ret,
                 ingot_error *reterr);
void ingot_verification_done(struct ingot_verification *v);

/* REFUSED when anything is, else NOT_CHECKED when anything is, or when nothing holds; else HOLDS.
 */
enum ingot_finding_state ingot_verification_state(const struct ingot_verification *v);

#define _cleanup_verification_ __attribute__((cleanup(ingot_verification_done)))
