/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest measured against what its image said it would: the measurement manifest on the
 * image's ESP, or beside the image. */
#pragma once

#include "image/measurement-file.h"
#include "measure/explain-expected.h"
#include "measure/measurement-compare.h"
#include "vm/check.h"

struct ingot_vm_measured {
        char *where; /* of the manifest; NULL: nothing was compared … */
        char *why;   /* … because of this; NULL, too, when it was refused for not being there */
        char *signer;  /* who signed it, when that was asked and holds */
        char *refused; /* why it does not count: nobody who may signed it, or it is missing */
        struct ingot_measurement manifest;
        const struct ingot_measured_profile
                *profile; /* of the manifest: the one that was started */
        struct ingot_compared_pcr pcrs[INGOT_MEASURED_PCR_COUNT]; /* their reasons live with this */
        struct ingot_causes causes; /* of those that differ, as far as the guest's logs tell */
};

void ingot_vm_measured_done(struct ingot_vm_measured *m);
#define _cleanup_vm_measured_ __attribute__((cleanup(ingot_vm_measured_done)))

/*
 * IMAGE is the disk image; SIGNERS says who may sign the manifest (its content is not looked at),
 * or is NULL: the signature is not checked. CMDLINE says that the machine added to the kernel's
 * command line, so that PCR 9 and 12 are not those of a device. An image without a manifest is no
 * error; one that cannot be read, or has not the profile that was started, is.
 */
int ingot_vm_measured_compare(const char *image, const struct ingot_check *check, bool cmdline,
                              const struct ingot_signature_request *signers,
                              struct ingot_vm_measured *ret, ingot_error *reterr);

/* No PCR differs, and the manifest was not refused. */
bool ingot_vm_measured_holds(const struct ingot_vm_measured *m);
