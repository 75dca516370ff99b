/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A TPM for tests: swtpm with its state below test_folder(). It ends with the test. */
#pragma once

#include "os/process.h"
#include "os/tpm.h"

struct swtpm {
        struct ingot_process process;
        char folder[96], socket[104];
        char where[128]; /* for ingot_tpm_open() */
};

/* False when there is no swtpm, or when it does not answer. */
bool swtpm_start(struct swtpm *s);
/* As power off and on: the same TPM with PCRs from their start values. */
bool swtpm_reboot(struct swtpm *s);
void swtpm_stop(struct swtpm *s);
/* Extends PCR, bank sha256, with the digest of WORD. */
int swtpm_measure(struct ingot_tpm *t, unsigned pcr, const char *word, ingot_error *reterr);
#define _cleanup_swtpm_ __attribute__((cleanup(swtpm_stop)))
