/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A .pcrlock file: the measurements that a component of the boot makes, as systemd-pcrlock has them
 * (systemd.pcrlock(5)):
 *
 *     {"records":[{"pcr":4,"digests":[{"hashAlg":"sha256","digest":"…"}, …]}, …]}
 *
 * Instead of "pcr" there may be "nv_index". No records at all are legal: the component may be
 * absent.
 */
#pragma once

#include "base/buffer.h"
#include "measure/record.h"

#define INGOT_PCRLOCK_FILE_SIZE_MAX ((size_t) 4 << 20)

/* Appends the file's measurements. FORMAT, LIMIT. Hash algorithms and members that are not known
 * are passed over. */
int ingot_pcrlock_file_decode(struct ingot_span text, struct ingot_records *ret,
                              ingot_error *reterr);
/* Appends the text, with a newline, as systemd-pcrlock's lock verbs write it. */
int ingot_pcrlock_file_encode(const struct ingot_records *records, struct ingot_buffer *ret,
                              ingot_error *reterr);
