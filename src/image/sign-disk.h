/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The disk image of a signed release: signed programs on the ESP, and beside them the measurement
 * manifest with its signatures; the signature of the root hash in its partition, which is then
 * found by itself (docs/decisions/055). The rest is copied. */
#pragma once

#include "image/sign-request.h"
#include "os/file.h"

struct ingot_sign_disk {
        struct ingot_sign_request *request;
        int uki_fd;               /* the signed UKI, or -1: it stays as it is */
        struct ingot_span verity; /* content of the signature partition; empty: it stays as it is */
        const struct ingot_tree *files; /* of the ESP's folder loader/ingot/, in place of those of
                                           this image there; or NULL */
};

/* Writes the image at PATH, signed, to OUT; its digest in RET. REFUSED when it is not the one that
 * the request was made for. */
int ingot_sign_disk_write(const struct ingot_sign_disk *d, const char *path,
                          struct ingot_outfile *out, uint8_t ret[INGOT_SHA256_SIZE],
                          ingot_error *reterr);
