/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VOA, the file hierarchy for the verification of OS artifacts (UAPI.11 0.1): which verifiers there
 * are for an artifact, which of them are shadowed or masked, and what is passed over, why.
 *
 *   * Technologies that merge (openpgp, ssh, x509): all copies of a verifier count together. The
 *     others: the copy in the highest load path shadows those below.
 *   * A mask (a file that is a link to /dev/null) in any load path masks the verifier of the same
 *     os, purpose, context, technology and name in all of them, and links that end at it.
 *   * What breaks a rule is as if it were not there, and there is a warning.
 *   * A file NAME.krl of SSH says what is revoked (decision 014). No mask takes it away, and a
 *     user's lookup sees the administrator's; one that breaks a rule is there, without content.
 *
 * Nothing is written, nothing is cached, nothing but the load paths is looked at.
 */
#pragma once

#include "base/buffer.h"
#include "base/text.h"
#include "trust/technology.h"
#include "trust/voa-path.h"
#include "trust/voa-walk.h"

struct ingot_voa_lookup {
        const char *root;                    /* NULL: "/" */
        const struct ingot_voa_paths *paths; /* of the system, or of a user */
        const char *const *os;               /* each by itself: none implies another */
        size_t os_count;                     /* 0: all there are */
        const char *purpose;                 /* "image", "trust-anchor-image"; NULL: all */
        bool anchors;                        /* also the trust anchors of that purpose */
        const char *context;                 /* NULL: all */
        int technology;                      /* enum ingot_technology; -1: all */
        const char *name;                    /* of the file; NULL: all */
};

enum ingot_voa_state {
        INGOT_VOA_USED,
        INGOT_VOA_SHADOWED, /* by a copy in a higher load path */
        INGOT_VOA_MASKED
};
const char *ingot_voa_state_name(enum ingot_voa_state s);

/* A verifier in one load path. */
struct ingot_voa_verifier {
        enum ingot_voa_state state;
        char *by; /* the path that shadows or masks it */
        enum ingot_technology technology;
        char *os, *purpose, *context, *name;
        bool anchor;                 /* it vouches for verifiers, not for artifacts */
        size_t load_path;            /* index in the lookup's paths */
        char *path;                  /* as it was found: "/usr/share/voa/arch/package/…" */
        char *target;                /* the same without links */
        struct ingot_strings links;  /* that were followed: "LINK -> TEXT" */
        bool copy;                   /* of one in a higher load path, merged with it */
        struct ingot_buffer content; /* as it was when it was judged */
};

struct ingot_voa_warning {
        enum ingot_voa_fault fault;
        char *path;   /* what is passed over */
        char *reason; /* "it links to /tmp/x, which is in no load path" */
};

/* A mask that was met, whether it has something to mask or not. */
struct ingot_voa_mask {
        char *path;
        char *os, *purpose, *context, *name;
        enum ingot_technology technology;
};

/* A revocation list of OpenSSH. All that are found count, in whichever load path (merging). */
struct ingot_voa_revocations {
        char *path;
        size_t load_path;
        struct ingot_buffer content; /* empty: it breaks a rule of VOA, and there is a warning */
};

struct ingot_voa_result {
        struct ingot_voa_verifier *verifiers; /* by os as asked for (else in byte order), purpose,
                                               * context, technology, name, load path */
        size_t verifier_count;
        struct ingot_voa_warning *warnings; /* in the order of the walk */
        size_t warning_count;
        struct ingot_voa_mask *masks;
        size_t mask_count;
        struct ingot_voa_revocations *revocations; /* by load path, then as the walk met them */
        size_t revocations_count;
        bool anchored; /* something other than a mask stands where OpenPGP's trust anchors do, be it
                        * used, masked, or passed over with a warning */
};
void ingot_voa_result_done(struct ingot_voa_result *r);
#define _cleanup_voa_ __attribute__((cleanup(ingot_voa_result_done)))

/*
 * USAGE: a name of the lookup is none; NOTFOUND: no root; SYSTEM: something could not be looked at,
 * so that a mask might have been missed.
 */
int ingot_voa_find(const struct ingot_voa_lookup *lookup, struct ingot_voa_result *ret,
                   ingot_error *reterr);

/* The next verifier that is used, from *at on (0 at first); NULL at the end. */
const struct ingot_voa_verifier *ingot_voa_next_used(const struct ingot_voa_result *r, size_t *at);
