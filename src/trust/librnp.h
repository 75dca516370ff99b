/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the users of librnp share: its objects' cleanups, and its silence. */
#pragma once

#include <rnp/rnp.h>
#include <rnp/rnp_err.h>
#include <stdio.h>

static inline void ffi_destroy(rnp_ffi_t *ffi)
{
        if (*ffi)
                rnp_ffi_destroy(*ffi);
}

static inline void input_destroy(rnp_input_t *in)
{
        rnp_input_destroy(*in);
}

static inline void output_destroy(rnp_output_t *out)
{
        rnp_output_destroy(*out);
}

static inline void verify_destroy(rnp_op_verify_t *op)
{
        rnp_op_verify_destroy(*op);
}

static inline void sign_destroy(rnp_op_sign_t *op)
{
        rnp_op_sign_destroy(*op);
}

static inline void key_destroy(rnp_key_handle_t *key)
{
        rnp_key_handle_destroy(*key);
}

static inline void signature_destroy(rnp_signature_handle_t *s)
{
        rnp_signature_handle_destroy(*s);
}

static inline void identifiers_destroy(rnp_identifier_iterator_t *i)
{
        rnp_identifier_iterator_destroy(*i);
}

static inline void buffer_destroy(char **text)
{
        rnp_buffer_destroy(*text);
}

/* The next primary key of a keyring by an iterator over its fingerprints; NULL at its end. */
rnp_key_handle_t next_primary(rnp_ffi_t ffi, rnp_identifier_iterator_t fingerprints);

/*
 * Distributions build librnp with its debugging log always on, to stderr, and with nothing exported
 * that stops it. While it works, stderr is /dev/null to it. Not to be begun twice. A keyring is
 * made and destroyed both within, or both outside: it keeps the stream, and closes it when that is
 * not stderr any more.
 */
struct quiet {
        FILE *null, *real;
};

struct quiet quiet_begin(void);
void quiet_end(struct quiet *q);
