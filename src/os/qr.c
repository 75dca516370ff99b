/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/qr.h"

#include <dlfcn.h>
#include <errno.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libqrencode.so.4"

void ingot_qr_done(struct ingot_qr *qr)
{
        if (qr->squares)
                explicit_bzero(qr->squares, (size_t) qr->width * qr->width);
        free(qr->squares);
        *qr = (struct ingot_qr){0};
}

/* The lowest bit of each square says whether it is dark. */
static int take(const QRcode *code, struct ingot_qr *ret, ingot_error *reterr)
{
        size_t n = (size_t) code->width * (size_t) code->width;
        uint8_t *squares = malloc(n);
        if (!squares)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < n; i++)
                squares[i] = code->data[i] & 1;
        *ret = (struct ingot_qr){.width = (unsigned) code->width, .squares = squares};
        return 0;
}

int ingot_qr_encode(const char *text, struct ingot_qr *ret, ingot_error *reterr)
{
        __typeof__(&QRcode_encodeString8bit) encode = NULL;
        __typeof__(&QRcode_free) release = NULL;
        void *library = dlopen(LIBRARY, RTLD_NOW);
        if (library) {
                void *symbols[] = {dlsym(library, "QRcode_encodeString8bit"),
                                   dlsym(library, "QRcode_free")};
                memcpy(&encode, symbols, sizeof(encode));
                memcpy(&release, symbols + 1, sizeof(release));
        }
        if (!encode || !release)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "no QR code without " LIBRARY
                                  ": install the package libqrencode4");
        errno = 0;
        QRcode *code = encode(text, 0, QR_ECLEVEL_L);
        if (!code)
                return errno == ENOMEM
                               ? ingot_fail_nomem(reterr)
                               : ingot_fail(reterr, INGOT_E_LIMIT,
                                            "%zu bytes are too many for a QR code", strlen(text));
        int r = take(code, ret, reterr);
        release(code);
        return r;
}
