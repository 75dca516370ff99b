/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the UEFI variables that firmware and shim measure; appended, without a name. */
#pragma once

#include "measure/event.h"

/* Its content: "on", "0001 0000", "2 certificates (…), 77 hashes", "sbat,1,2021030218", or its
 * size. */
int ingot_event_variable_text(const char *name, const struct ingot_event_variable *v,
                              struct ingot_buffer *ret, ingot_error *reterr);

/* What a program was let pass by (EV_EFI_VARIABLE_AUTHORITY): the certificate's subject. */
int ingot_event_authority_text(const char *name, const struct ingot_event_variable *v,
                               struct ingot_buffer *ret, ingot_error *reterr);
