/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of `ingot verify` share: the options, and how a verdict is shown. */
#pragma once

#include "cli/command.h"
#include "trust/signature.h"

struct verify_options {
        struct ingot_strings signatures, keys, revoked, os, dbx;
        const char *purpose, *context, *identity, *root, *time, *policy, *sbat_level;
        uint64_t threshold, anchors;
        bool user;
};

/* The question of the options: its keys are read into *keys. *ret points to both. */
int verify_request(const struct verify_options *o, const struct ingot_log *log,
                   struct ingot_key_files *keys, struct ingot_signature_request *ret,
                   ingot_error *reterr);

/* What VOA has for the options' os, purpose and context; NOTFOUND when that is nothing. */
int verify_voa(const struct verify_options *o, const struct ingot_log *log,
               struct ingot_key_files *keys, ingot_error *reterr);

/* The verdict over FILE on stdout, and for a refusal what to do about it; R is 0 (holds) or 1. */
int verify_show(const struct invocation *in, const char *file,
                const struct ingot_signature_request *q, const struct ingot_verdict *v, int r,
                ingot_error *reterr);
