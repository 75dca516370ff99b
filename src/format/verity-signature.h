/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The content of a verity signature partition, as much of it as the initrd needs.
 *
 * Source: UAPI.2 "Verity": a JSON object with the members rootHash (hexadecimal),
 * certificateFingerprint (optional) and signature (base64 of a PKCS#7 signature over the 64
 * hexadecimal digits of the root hash), then NULs. The initrd's program has no JSON library: this
 * reads such an object and no other (strings without escapes; other members may be any text or
 * number).
 */
#pragma once

#include "base/buffer.h"
#include "base/sha256.h"

#define INGOT_VERITY_SIGNATURE_MAX 65536 /* bytes of JSON */

struct ingot_verity_signature {
        uint8_t root_hash[INGOT_SHA256_SIZE];
        struct ingot_buffer pkcs7;
};

void ingot_verity_signature_done(struct ingot_verity_signature *s);
#define _cleanup_verity_signature_ __attribute__((cleanup(ingot_verity_signature_done)))

/* FORMAT when it is no such object; nothing of it is verified here. */
int ingot_verity_signature_decode(struct ingot_span partition, struct ingot_verity_signature *ret,
                                  ingot_error *reterr);
