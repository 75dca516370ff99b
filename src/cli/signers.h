/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may sign the measurement manifest: the options of the commands that compare with one. */
#pragma once

#include "cli/verify.h"

/* MEMBER of T is a struct verify_options. */
#define OPTION_SIGNERS(T, m)                                                                         \
        STRINGS(0, "key", "FILE", T, m.keys,                                                         \
                "Keys that may sign the measurement manifest; may be given several times; "          \
                "without keys its signature is not checked"),                                        \
                STRINGS(0, "os", "OS", T, m.os,                                                      \
                        "Let VOA find these keys for this system, ID[:VERSION_ID…]; may be given " \
                        "several times"),                                                            \
                STRING(0, "purpose", "PURPOSE", T, m.purpose,                                        \
                       "What VOA has them for; default image"),                                      \
                STRING(0, "context", "CONTEXT", T, m.context,                                        \
                       "Where they are used; default \"default\""),                                  \
                UINT(0, "threshold", "M", T, m.threshold,                                            \
                     "So many different keys must have signed the manifest; default 1"),             \
                UINT(0, "anchors", "N", T, m.anchors,                                                \
                     "So many trust anchors must certify an OpenPGP key that VOA finds")

struct signers {
        struct ingot_key_files keys;
        struct ingot_signature_request request; /* points to the keys */
};
void signers_done(struct signers *s);
#define _cleanup_signers_ __attribute__((cleanup(signers_done)))

/* ROOT is where VOA looks, or NULL. 1: no keys are given, so nothing is to be checked. */
int signers_load(struct signers *s, const struct verify_options *o, const char *root,
                 const struct ingot_log *log, ingot_error *reterr);
