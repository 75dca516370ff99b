/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The digests of one thing in all banks at once, for what is too large to be in memory. */
#pragma once

#include "base/io.h"
#include "format/pe.h"
#include "measure/record.h"

struct evp_md_ctx_st; /* OpenSSL's EVP_MD_CTX */

struct ingot_digests {
        struct evp_md_ctx_st *contexts[INGOT_BANK_MAX];
        bool failed;
        void (*also)(void *context, struct ingot_span bytes); /* sees all of it, too; or NULL */
        void *context;
};

void ingot_digests_done(struct ingot_digests *d);
#define _cleanup_digests_ __attribute__((cleanup(ingot_digests_done)))

/* May be called again when the things before are finished; the contexts are kept. */
void ingot_digests_start(struct ingot_digests *d);
void ingot_digests_update(struct ingot_digests *d, const void *data, size_t size);
/* All that a reader has. */
int ingot_digests_read(struct ingot_digests *d, const struct ingot_reader *r, ingot_error *reterr);
/* The digests into RET, with all banks; its pcr stays. UNSUPPORTED when OpenSSL makes not all. */
int ingot_digests_finish(struct ingot_digests *d, struct ingot_record *ret, ingot_error *reterr);

/* A section as it is in memory: virtual_size bytes. LIMIT when it is mostly zeros that the file
 * does not have. */
int ingot_digests_section(struct ingot_digests *d, const struct ingot_reader *r,
                          const struct ingot_pe_section *s, ingot_error *reterr);

/* What firmware measures of a PE image that it loads: its Authenticode digest, in every bank. */
int ingot_digests_of_image(const struct ingot_reader *r, const struct ingot_pe *pe,
                           struct ingot_record *ret, ingot_error *reterr);
