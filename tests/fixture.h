/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signatures of tests/signatures, and the question whether they hold. */
#pragma once

#include "test.h"
#include "trust/signature.h"

struct fixture {
        struct ingot_buffer data, signature;
        struct ingot_key_files keys;
        struct ingot_signature_request request; /* content NULL: `data` */
        struct ingot_verdict verdict;           /* of the last question */
};

void fixture_done(struct fixture *f);
#define _cleanup_fixture_ __attribute__((cleanup(fixture_done)))
/* NAME in tests/signatures. */
int fixture_key(struct fixture *f, const char *name, ingot_error *reterr);
int fixture_open(struct fixture *f, const char *data, const char *signature, ingot_error *reterr);
/* As ingot_signature_verify(), over `data` and `signature` as they are now. */
int fixture_verify(struct fixture *f, ingot_error *reterr);
