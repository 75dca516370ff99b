/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program (UKI, loader, addon) as it will be when it is signed, over one that is not yet, or was
 * already: the same bytes but for
 *
 *     CheckSum            0: it stands before what is not known yet, and firmware passes it over
 *     .pcrsig             the PCR policies' signatures
 *     certificate table   of a size that is given beforehand, at the end; and its directory entry
 *
 * A signature that it had is left out.
 */
#pragma once

#include "format/pe.h"

struct ingot_sign_patch {
        uint64_t offset;
        struct ingot_span bytes;
};

struct ingot_sign_program {
        struct ingot_reader source;
        uint64_t source_size; /* of it without its certificate table */
        uint64_t size;        /* the same, up to a multiple of 8 */
        uint64_t table;       /* bytes; 0: it will not be signed */
        uint64_t checksum_offset, entry_offset;
        uint64_t pcrsig_offset, pcrsig_size; /* 0 when it has none */
        uint8_t checksum[4], entry[8];
        struct ingot_sign_patch patches[4];
        size_t patch_count;
};

/* SOURCE must outlive it. FORMAT: no program; UNSUPPORTED: none that can have a certificate table.
 */
int ingot_sign_program_open(const struct ingot_reader *source, uint64_t table,
                            struct ingot_sign_program *ret, ingot_error *reterr);
/* What it is like with these bytes in their places, which must outlive it; the spans have exactly
 * the sizes above. */
void ingot_sign_program_put_pcrsig(struct ingot_sign_program *p, struct ingot_span bytes);
void ingot_sign_program_put_table(struct ingot_sign_program *p, struct ingot_span bytes);

/* The whole file; the reader points to the program. */
struct ingot_reader ingot_sign_program_reader(struct ingot_sign_program *p);
/* What is hashed for Authenticode, of a program without gaps between its sections. */
struct ingot_reader ingot_sign_program_hashed(struct ingot_sign_program *p);
