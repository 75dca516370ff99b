/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The compressors of the erofs writer behind one face: one block in, one block out, no state kept
 * between two blocks that could show in the bytes. */
#include "format/erofs-write.h"

#define ZSTD_STATIC_LINKING_ONLY /* for ZSTD_getCParams, which the shared library exports */
#include <lz4.h>
#include <lz4hc.h>
#include <zstd.h>
#include <zstd_errors.h>

struct ingot_erofs_encoder {
        enum ingot_erofs_compressor compressor;
        int level;
        ZSTD_CCtx *zstd;
        void *lz4;
};

static uint8_t extent_bits(uint32_t extent)
{
        return (uint8_t) (31 - __builtin_clz(extent));
}

/*
 * A level of zstd means weaker parameters once the input is over 256 KiB; clusters are always
 * compressed with those for 256 KiB, in a window as large as the extent.
 */
static int set_up_zstd(struct ingot_erofs_encoder *e, const struct ingot_erofs_options *o,
                       ingot_error *reterr)
{
        ZSTD_compressionParameters p = ZSTD_getCParams(o->level, 256 * 1024, 0);
        const struct {
                ZSTD_cParameter name;
                int value;
        } set[] = {
                {ZSTD_c_windowLog, extent_bits(o->extent)},
                {ZSTD_c_chainLog, (int) p.chainLog},
                {ZSTD_c_hashLog, (int) p.hashLog},
                {ZSTD_c_searchLog, (int) p.searchLog},
                {ZSTD_c_minMatch, (int) p.minMatch},
                {ZSTD_c_targetLength, (int) p.targetLength},
                {ZSTD_c_strategy, (int) p.strategy},
        };
        e->zstd = ZSTD_createCCtx();
        if (!e->zstd)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < sizeof(set) / sizeof(*set); i++)
                if (ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, set[i].name, set[i].value)))
                        return ingot_fail(reterr, INGOT_E_INTERNAL,
                                          "zstd refuses parameter %zu of level %d", i, o->level);
        return 0;
}

int ingot_erofs_encoder_new(const struct ingot_erofs_options *options,
                            struct ingot_erofs_encoder **ret, ingot_error *reterr)
{
        _cleanup_(ingot_erofs_encoder_free_p) struct ingot_erofs_encoder *e = calloc(1, sizeof(*e));
        if (!e)
                return ingot_fail_nomem(reterr);
        e->compressor = options->compressor;
        e->level = options->level;
        if (e->compressor == INGOT_EROFS_ZSTD) {
                int r = set_up_zstd(e, options, reterr);
                if (r < 0)
                        return r;
        } else if (e->compressor != INGOT_EROFS_NONE) {
                e->lz4 = malloc((size_t) (e->compressor == INGOT_EROFS_LZ4 ? LZ4_sizeofState()
                                                                           : LZ4_sizeofStateHC()));
                if (!e->lz4)
                        return ingot_fail_nomem(reterr);
        }
        *ret = TAKE_PTR(e);
        return 0;
}

void ingot_erofs_encoder_free(struct ingot_erofs_encoder *e)
{
        if (!e)
                return;
        ZSTD_freeCCtx(e->zstd);
        free(e->lz4);
        free(e);
}

static int encode_zstd(struct ingot_erofs_encoder *e, const void *data, size_t size, void *ret,
                       size_t capacity, size_t *ret_size, ingot_error *reterr)
{
        size_t n = ZSTD_compress2(e->zstd, ret, capacity, data, size);
        if (ZSTD_isError(n)) {
                if (ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall)
                        return 1;
                return ingot_fail(reterr, INGOT_E_NOMEM, "zstd: %s", ZSTD_getErrorName(n));
        }
        *ret_size = n;
        return 0;
}

int ingot_erofs_encode(struct ingot_erofs_encoder *e, const void *data, size_t size, void *ret,
                       size_t capacity, size_t *ret_size, ingot_error *reterr)
{
        int n;
        switch (e->compressor) {
        case INGOT_EROFS_ZSTD:
                return encode_zstd(e, data, size, ret, capacity, ret_size, reterr);
        case INGOT_EROFS_LZ4:
                n = LZ4_compress_fast_extState(e->lz4, data, ret, (int) size, (int) capacity, 1);
                break;
        case INGOT_EROFS_LZ4HC:
                n = LZ4_compress_HC_extStateHC(e->lz4, data, ret, (int) size, (int) capacity,
                                               e->level);
                break;
        default:
                return 1;
        }
        if (n <= 0)
                return 1;
        *ret_size = (size_t) n;
        return 0;
}

enum ingot_erofs_algorithm ingot_erofs_algorithm_of(enum ingot_erofs_compressor compressor)
{
        return compressor == INGOT_EROFS_ZSTD ? INGOT_EROFS_ALGORITHM_ZSTD
                                              : INGOT_EROFS_ALGORITHM_LZ4;
}

/* A 16-bit length, then struct z_erofs_zstd_cfgs or z_erofs_lz4_cfgs. */
size_t ingot_erofs_configuration(const struct ingot_erofs_options *options, uint8_t ret[32])
{
        memset(ret, 0, 32);
        if (options->compressor == INGOT_EROFS_ZSTD) {
                ingot_le16_store(ret, 6);
                ret[3] = (uint8_t) (extent_bits(options->extent) - 10); /* format 0, windowLog */
                return 2 + 6;
        }
        ingot_le16_store(ret, 14);
        ingot_le16_store(ret + 2, 65535);
        ingot_le16_store(ret + 4, (uint16_t) (options->extent / INGOT_EROFS_BLOCK));
        return 2 + 14;
}
