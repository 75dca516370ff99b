/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decompressing one cluster. Zeros in front of it are the format's padding. */
#include "format/erofs-image.h"

#include <lz4.h>
#include <zstd.h>

static int decompress_zstd(const uint8_t *data, size_t stored, uint8_t *ret, size_t size,
                           ingot_error *reterr)
{
        ZSTD_DCtx *context = ZSTD_createDCtx();
        ZSTD_inBuffer in = {.src = data, .size = stored};
        ZSTD_outBuffer out = {.dst = ret, .size = size};
        size_t n = 1;
        if (!context)
                return ingot_fail_nomem(reterr);
        /* Linux allows windows of 1 MiB; a frame of one segment has one as large as itself. */
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 24);
        while (out.pos < out.size && n != 0 && !ZSTD_isError(n)) {
                size_t before = in.pos + out.pos;
                n = ZSTD_decompressStream(context, &out, &in);
                if (in.pos + out.pos == before)
                        break;
        }
        ZSTD_freeDCtx(context);
        if (out.pos != size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "zstd: %s",
                                  ZSTD_isError(n) ? ZSTD_getErrorName(n) : "the cluster is short");
        return 0;
}

static int decompress_lz4(const uint8_t *data, size_t stored, uint8_t *ret, size_t size,
                          ingot_error *reterr)
{
        /* Partial, because a cluster may be used up to some byte only. */
        int n = LZ4_decompress_safe_partial((const char *) data, (char *) ret, (int) stored,
                                            (int) size, (int) size);
        if (n < 0 || (size_t) n != size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "lz4: the cluster is malformed");
        return 0;
}

int ingot_erofs_decompress(uint8_t algorithm, const uint8_t *data, size_t stored, uint8_t *ret,
                           size_t size, ingot_error *reterr)
{
        while (stored > 0 && *data == 0) {
                data++;
                stored--;
        }
        switch (algorithm) {
        case INGOT_EROFS_ALGORITHM_LZ4:
                return decompress_lz4(data, stored, ret, size, reterr);
        case INGOT_EROFS_ALGORITHM_ZSTD:
                return decompress_zstd(data, stored, ret, size, reterr);
        case INGOT_EROFS_ALGORITHM_LZMA:
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "the file is compressed with lzma");
        case INGOT_EROFS_ALGORITHM_DEFLATE:
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "the file is compressed with deflate");
        default:
                return ingot_fail(reterr, INGOT_E_FORMAT, "compression %u is not known", algorithm);
        }
}
