/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of `ingot verify` share: the options, and how a verdict is shown. */
#pragma once

#include "cli/command.h"
#include "trust/signature.h"

struct verify_options {
        struct ingot_strings signatures, keys;
        const char *purpose, *context, *identity, *time, *policy;
        uint64_t threshold;
};

/* The question of the options: its keys are read into *keys. *ret points to both. */
int verify_request(const struct verify_options *o, struct ingot_key_files *keys,
                   struct ingot_signature_request *ret, ingot_error *reterr);

/* The verdict over FILE on stdout, and for a refusal what to do about it; R is 0 (holds) or 1. */
int verify_show(const struct invocation *in, const char *file,
                const struct ingot_signature_request *q, const struct ingot_verdict *v, int r,
                ingot_error *reterr);
