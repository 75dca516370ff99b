/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot phases in PCR 11, as systemd-pcrphase-initrd.service measures them: the digest of a word in
 * every active bank, and a line in the log of userspace measurements. Only when the kernel was
 * started by a stub that measured itself (EFI variable StubPcrKernelImage).
 *
 * TPM commands: TCG TPM 2.0 Library, part 3, TPM2_PCR_Extend and TPM2_GetCapability.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

#define INIT_PHASE_PCR 11
#define INIT_PHASE_BANKS 4

enum init_phase {
        INIT_PHASE_ENTER_INITRD,
        INIT_PHASE_LEAVE_INITRD
};

/* A bank of PCRs that we can compute for: index into init_phase_banks. */
struct init_phase_bank {
        const char *name;      /* "sha256", as in the log */
        uint16_t algorithm;    /* TPM_ALG_ID */
        size_t size;           /* bytes of a digest */
        const uint8_t *words[2]; /* the digest of each phase's word */
};
extern const struct init_phase_bank init_phase_banks[INIT_PHASE_BANKS];

const char *init_phase_word(enum init_phase phase);

/* The command that asks for the active banks, and its answer as a mask of init_phase_banks: those
 * in which PCR 11 is allocated. FORMAT; REFUSED when the TPM answers with an error. */
int init_phase_banks_command(struct ingot_buffer *ret, ingot_error *reterr);
int init_phase_banks_decode(struct ingot_span response, unsigned *ret_mask, ingot_error *reterr);

/* The command that extends PCR 11 by the phase's word, in the banks of MASK. */
int init_phase_extend_command(enum init_phase phase, unsigned mask, struct ingot_buffer *ret,
                              ingot_error *reterr);
/* REFUSED when the response is an error. */
int init_tpm_response_check(struct ingot_span response, ingot_error *reterr);

/* The log's line (RFC 7464: RS, JSON, LF). BOOT_ID is 32 hex digits, the time in microseconds of
 * CLOCK_BOOTTIME. */
int init_phase_log_line(enum init_phase phase, unsigned mask, const char *boot_id,
                        uint64_t boottime_usec, struct ingot_buffer *ret, ingot_error *reterr);

/* All of it. 0: measured; 1: nothing to do, as the kernel was not measured or there is no TPM. */
int init_phase_measure(enum init_phase phase, ingot_error *reterr);
