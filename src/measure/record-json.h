/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A measurement in JSON, as the Canonical Event Log Format of TCG (1.0, section 6) has it, the logs
 * of systemd, and its .pcrlock files:
 *
 *     {"pcr":4, or "nv_index":30474752, "digests":[{"hashAlg":"sha256","digest":"…hex…"}, …]}
 */
#pragma once

#include "base/json.h"
#include "measure/record.h"

/* FORMAT. Algorithms that are not known are passed over, but one of ours must be there. */
int ingot_record_read_json(struct json_object *o, struct ingot_record *ret, ingot_error *reterr);
/* Adds the members to O. */
int ingot_record_add_json(struct json_object *o, const struct ingot_record *record,
                          ingot_error *reterr);
