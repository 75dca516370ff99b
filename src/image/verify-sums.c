/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Digests of whole files: read once, in parallel, and compared with SHA256SUMS. The file is read as
 * strictly as sha256sum(1) writes it ("DIGEST  NAME", lower case), so that each of its bytes
 * counts.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "base/parallel.h"
#include "base/size.h"
#include "image/verify-state.h"

#include <stdlib.h>
#include <string.h>

#define CHECK "sums"
#define PIECE ((size_t) 256 << 10)
#define SUMS_MAX ((size_t) 4 << 20)
#define HEX (2 * INGOT_SHA256_SIZE)

static int hash_file(struct ingot_verify_file *f, ingot_error *reterr)
{
        struct ingot_sha256 h;
        _cleanup_free_ uint8_t *piece = malloc(PIECE);
        if (!piece)
                return ingot_fail_nomem(reterr);
        ingot_sha256_init(&h);
        for (uint64_t at = 0; at < f->reader.size; at += PIECE) {
                size_t n = (size_t) ingot_min_u64(PIECE, f->reader.size - at);
                int r = ingot_read_at(&f->reader, at, piece, n, reterr);
                if (r < 0)
                        return r;
                ingot_sha256_update(&h, piece, n);
        }
        ingot_sha256_final(&h, f->sha256);
        f->digest_known = true;
        return 0;
}

/* A file that cannot be read has no digest, and the sums' check says so. */
static int hash_one(void *context, size_t index, size_t slot, ingot_error *reterr)
{
        struct ingot_verify *v = context;
        ingot_error error = {0};
        (void) slot;
        int r = hash_file(v->files + index, &error);
        return r == -INGOT_E_NOMEM ? ingot_fail_nomem(reterr) : 0;
}

static int hash_files(struct ingot_verify *v, ingot_error *reterr)
{
        bool wanted = v->options->listing_count > 0;
        for (size_t i = 0; i < v->file_count; i++)
                wanted = wanted || v->files[i].is_sums || v->files[i].is_manifest;
        const struct ingot_parallel p = {.threads = v->options->threads,
                                         .count = v->file_count,
                                         .work = hash_one,
                                         .context = v};
        return wanted ? ingot_parallel_run(&p, reterr) : 0;
}

/* "DIGEST  NAME" against the file of that name. */
static int check_line(struct ingot_verify *v, const char *line, size_t size,
                      const struct ingot_verify_file *sums, struct ingot_verify_file **ret,
                      ingot_error *reterr)
{
        char hex[HEX + 1];
        *ret = NULL;
        if (size < HEX + 3 || memcmp(line + HEX, "  ", 2) != 0 ||
            strspn(line, "0123456789abcdef") != HEX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a line that is no \"DIGEST  NAME\"");
        struct ingot_verify_file *f = ingot_verify_find(v, line + HEX + 2);
        if (!f || f == sums)
                return ingot_fail(reterr, INGOT_E_REFUSED, "%.200s is named, and is not here",
                                  line + HEX + 2);
        *ret = f;
        if (!f->digest_known)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "cannot be read");
        ingot_hex(hex, f->sha256, INGOT_SHA256_SIZE);
        if (memcmp(hex, line, HEX) != 0)
                return ingot_fail(reterr, INGOT_E_REFUSED, "its digest is %s", hex);
        if (f->listed_by == sums)
                return ingot_fail(reterr, INGOT_E_FORMAT, "it is named twice");
        /* Sums that nobody signs vouch for nothing once it is asked who signed. */
        f->listed = f->listed || sums->is_release || !v->options->release;
        if (!f->listed_by || sums->is_release)
                f->listed_by = sums;
        return 0;
}

static int add_line(struct ingot_verify *v, char *line, size_t size,
                    const struct ingot_verify_file *sums, ingot_error *reterr)
{
        ingot_error error = {0};
        struct ingot_verify_file *f;
        char *where;
        int e = check_line(v, line, size, sums, &f, &error);
        int r = ingot_verify_where(v, f ? f : sums, NULL, NULL, &where, reterr);
        return r < 0 ? r : ingot_verify_result(v, CHECK, where, sums->name, e, &error, reterr);
}

static int read_sums(const struct ingot_verify_file *sums, char **ret, ingot_error *reterr)
{
        uint64_t size = sums->reader.size;
        if (size > SUMS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "sums of more than %zu MiB",
                                  SUMS_MAX >> 20);
        _cleanup_free_ char *text = calloc(1, (size_t) size + 1);
        if (!text)
                return ingot_fail_nomem(reterr);
        int r = ingot_read_at(&sums->reader, 0, text, (size_t) size, reterr);
        if (r < 0)
                return r;
        if (size == 0 || text[size - 1] != '\n' || strlen(text) != size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the text does not end with a line");
        *ret = TAKE_PTR(text);
        return 0;
}

static int check_sums(struct ingot_verify *v, const struct ingot_verify_file *sums,
                      ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        ingot_error error = {0};
        char *where;
        int e = read_sums(sums, &text, &error), r = 0;
        if (e < 0) {
                r = ingot_verify_where(v, sums, NULL, NULL, &where, reterr);
                return r < 0 ? r : ingot_verify_result(v, CHECK, where, NULL, e, &error, reterr);
        }
        for (char *line = text, *end; r >= 0 && *line; line = end + 1) {
                end = strchr(line, '\n');
                *end = 0;
                r = add_line(v, line, (size_t) (end - line), sums, reterr);
        }
        return r;
}

int ingot_verify_sums(struct ingot_verify *v, ingot_error *reterr)
{
        int r = hash_files(v, reterr);
        for (size_t i = 0; i < v->file_count && r >= 0; i++)
                if (v->files[i].is_sums)
                        r = check_sums(v, v->files + i, reterr);
        return r;
}
