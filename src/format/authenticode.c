/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An attached image is written front to back in one pass, which also sums it; the header last. */
#include "format/authenticode.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "format/der.h"

#include <inttypes.h>

#define HEADER_SIZE 8
#define REVISION 0x0200
#define ALIGN 8
#define CHUNK 65536
#define SIGNATURE_SIZE_MAX ((size_t) 1 << 20)
#define OID_PE_IMAGE_DATA "1.3.6.1.4.1.311.2.1.15"
#define OID_SHA256 "2.16.840.1.101.3.4.2.1"

int ingot_authenticode_decode(struct ingot_span table, struct ingot_authenticode_table *ret,
                              ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(table);
        struct ingot_authenticode_table t = {0};
        while (ingot_cursor_left(&c) > 0) {
                struct ingot_authenticode_entry e;
                uint32_t size = ingot_cursor_le32(&c);
                e.revision = ingot_cursor_le16(&c);
                e.type = ingot_cursor_le16(&c);
                if (c.failed || size < HEADER_SIZE || size - HEADER_SIZE > ingot_cursor_left(&c))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "certificate table: entry %zu does not fit in it",
                                          t.count + 1);
                e.data = ingot_cursor_take(&c, size - HEADER_SIZE);
                struct ingot_span padding = ingot_cursor_take(&c, -size & (ALIGN - 1));
                for (size_t i = 0; i < padding.size; i++)
                        c.failed = c.failed || padding.data[i];
                if (c.failed)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "certificate table: no zeros behind entry %zu",
                                          t.count + 1);
                if (t.count == INGOT_AUTHENTICODE_SIGNATURES_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT,
                                          "certificate table: more than %d signatures",
                                          INGOT_AUTHENTICODE_SIGNATURES_MAX);
                t.entries[t.count++] = e;
        }
        *ret = t;
        return 0;
}

int ingot_authenticode_encode_content(const uint8_t digest[INGOT_SHA256_SIZE],
                                      struct ingot_buffer *ret, ingot_error *reterr)
{
        /* No flags; a file of an unknown name, in UTF-16, which is what the format demands. */
        static const uint8_t flags[] = {0};
        static const uint8_t file[] = "\0<\0<\0<\0O\0b\0s\0o\0l\0e\0t\0e\0>\0>\0>";
        _cleanup_buffer_ struct ingot_buffer der = {0};
        struct ingot_der_writer w = {.out = &der, .error = reterr};
        size_t content = ingot_der_begin(&w, INGOT_DER_SEQUENCE);
        size_t data = ingot_der_begin(&w, INGOT_DER_SEQUENCE);
        ingot_der_oid(&w, OID_PE_IMAGE_DATA);
        size_t image = ingot_der_begin(&w, INGOT_DER_SEQUENCE);
        ingot_der_put(&w, INGOT_DER_BITS, INGOT_SPAN(flags, sizeof(flags)));
        size_t link = ingot_der_begin(&w, INGOT_DER_CONTEXT(0));
        size_t name = ingot_der_begin(&w, INGOT_DER_CONTEXT(2));
        ingot_der_put(&w, INGOT_DER_CONTEXT_PRIMITIVE(0), INGOT_SPAN(file, sizeof(file) - 1));
        ingot_der_end(&w, name);
        ingot_der_end(&w, link);
        ingot_der_end(&w, image);
        ingot_der_end(&w, data);
        size_t message = ingot_der_begin(&w, INGOT_DER_SEQUENCE);
        ingot_der_algorithm(&w, OID_SHA256, true);
        ingot_der_put(&w, INGOT_DER_OCTETS, INGOT_SPAN(digest, INGOT_SHA256_SIZE));
        ingot_der_end(&w, message);
        ingot_der_end(&w, content);
        return w.r < 0 ? w.r : ingot_buffer_append(ret, der.data, der.size, reterr);
}

int ingot_authenticode_signed_content(struct ingot_span content, struct ingot_span *ret,
                                      ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(content);
        if (!ingot_der_take(&c, INGOT_DER_SEQUENCE, ret) || ingot_cursor_left(&c) > 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "malformed SpcIndirectDataContent");
        return 0;
}

int ingot_authenticode_decode_content(struct ingot_span content, uint8_t ret[INGOT_SHA256_SIZE],
                                      ingot_error *reterr)
{
        struct ingot_span inner, data, message, algorithm, digest;
        int r = ingot_authenticode_signed_content(content, &inner, reterr);
        if (r < 0)
                return r;
        struct ingot_cursor c = ingot_cursor_over(inner);
        if (!ingot_der_take(&c, INGOT_DER_SEQUENCE, &data) ||
            !ingot_der_take(&c, INGOT_DER_SEQUENCE, &message) || ingot_cursor_left(&c) > 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "malformed SpcIndirectDataContent");
        c = ingot_cursor_over(data);
        if (!ingot_der_take_oid(&c, OID_PE_IMAGE_DATA))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a signature of no PE image");
        c = ingot_cursor_over(message);
        if (!ingot_der_take(&c, INGOT_DER_SEQUENCE, &algorithm) ||
            !ingot_der_take(&c, INGOT_DER_OCTETS, &digest) || ingot_cursor_left(&c) > 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "malformed digest in the signature");
        c = ingot_cursor_over(algorithm);
        if (!ingot_der_take_oid(&c, OID_SHA256))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "a digest that is not SHA-256 (%zu bytes)", digest.size);
        if (digest.size != INGOT_SHA256_SIZE)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a SHA-256 digest of %zu bytes",
                                  digest.size);
        memcpy(ret, digest.data, INGOT_SHA256_SIZE);
        return 0;
}

uint32_t ingot_authenticode_entry_size(size_t size)
{
        return (uint32_t) ingot_align_up(HEADER_SIZE + size, ALIGN);
}

/* What is written goes through here: it is summed on its way. */
struct sink {
        const struct ingot_writer *out;
        struct ingot_pe_sum sum; /* its size is where the next byte goes */
};

static int put(struct sink *s, const void *data, size_t size, ingot_error *reterr)
{
        int r = ingot_write_at(s->out, s->sum.size, data, size, reterr);
        if (r >= 0)
                ingot_pe_sum_update(&s->sum, data, size);
        return r;
}

static int put_zeros(struct sink *s, uint64_t size, ingot_error *reterr)
{
        static const uint8_t zeros[4096];
        int r = 0;
        for (uint64_t n; size > 0 && r >= 0; size -= n) {
                n = ingot_min_u64(size, sizeof(zeros));
                r = put(s, zeros, (size_t) n, reterr);
        }
        return r;
}

/* Puts the part of VALUE, little-endian at FIELD of the file, that lies in [at, at + size). */
static void patch(uint8_t *data, uint64_t at, size_t size, uint64_t field, const uint8_t *value,
                  size_t value_size)
{
        for (size_t i = 0; i < value_size; i++)
                if (field + i >= at && field + i < at + size)
                        data[field + i - at] = value[i];
}

/* The image's own bytes up to END, with a CheckSum of zeros and the new directory entry. */
static int copy(struct sink *s, const struct ingot_reader *image, const struct ingot_pe *pe,
                uint64_t end, const uint8_t entry[8], ingot_error *reterr)
{
        static const uint8_t zeros[4];
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        if (!chunk)
                return ingot_fail_nomem(reterr);
        for (uint64_t at = 0; at < end;) {
                size_t n = (size_t) ingot_min_u64(end - at, CHUNK);
                int r = ingot_read_at(image, at, chunk, n, reterr);
                if (r < 0)
                        return r;
                patch(chunk, at, n, pe->checksum_offset, zeros, sizeof(zeros));
                patch(chunk, at, n, pe->certificate_entry_offset, entry, 8);
                r = put(s, chunk, n, reterr);
                if (r < 0)
                        return r;
                at += n;
        }
        return 0;
}

/* One WIN_CERTIFICATE. */
static int put_entry(struct sink *s, struct ingot_span signature, uint32_t size,
                     ingot_error *reterr)
{
        uint8_t header[HEADER_SIZE];
        ingot_le32_store(header, size);
        ingot_le16_store(header + 4, REVISION);
        ingot_le16_store(header + 6, INGOT_AUTHENTICODE_PKCS7);
        int r = put(s, header, sizeof(header), reterr);
        if (r >= 0)
                r = put(s, signature.data, signature.size, reterr);
        return r < 0 ? r : put_zeros(s, size - HEADER_SIZE - signature.size, reterr);
}

/* The signatures that stay, as they are. */
static int read_kept(const struct ingot_reader *image, const struct ingot_pe *pe,
                     struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_pe_directory table = ingot_pe_certificates(pe);
        struct ingot_authenticode_table entries;
        if (table.size > INGOT_AUTHENTICODE_SIGNATURES_MAX * SIGNATURE_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "certificate table of %" PRIu32 " bytes",
                                  table.size);
        int r = ingot_buffer_append_zeros(ret, table.size, reterr);
        if (r >= 0)
                r = ingot_read_at(image, table.address, ret->data, table.size, reterr);
        if (r >= 0)
                r = ingot_authenticode_decode(ingot_buffer_span(ret), &entries, reterr);
        if (r >= 0 && entries.count == INGOT_AUTHENTICODE_SIGNATURES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%d signatures are enough",
                                  INGOT_AUTHENTICODE_SIGNATURES_MAX);
        return r;
}

/* Where the image ends without its certificate table, which must be at its end. */
static int find_end(const struct ingot_pe *pe, uint64_t *ret, ingot_error *reterr)
{
        struct ingot_pe_directory table = ingot_pe_certificates(pe);
        if (pe->certificate_entry_offset == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "the image's headers have no room for a signature");
        *ret = pe->file_size;
        if (table.size == 0)
                return 0;
        if (table.address < pe->headers_size || table.address % ALIGN != 0 ||
            (uint64_t) table.address + table.size != pe->file_size)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the certificate table is not at the end of the file");
        *ret = table.address;
        return 0;
}

int ingot_authenticode_attach(const struct ingot_reader *image, const struct ingot_pe *pe,
                              const struct ingot_authenticode_attachment *a,
                              const struct ingot_writer *out, uint64_t *ret_size,
                              ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer kept = {0};
        struct sink s = {.out = out};
        uint32_t needed, size;
        uint8_t entry[8], checksum[4];
        uint64_t end = 0;
        int r = find_end(pe, &end, reterr);
        if (r >= 0 && a->signature.size > SIGNATURE_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a signature of %zu bytes",
                                  a->signature.size);
        if (r >= 0 && a->keep)
                r = read_kept(image, pe, &kept, reterr);
        if (r < 0)
                return r;
        needed = ingot_authenticode_entry_size(a->signature.size);
        size = a->entry_size ? a->entry_size : needed;
        if (size < needed || size % ALIGN != 0)
                return ingot_fail(reterr, INGOT_E_SPACE, "the signature needs %" PRIu32 " bytes, "
                                  "not the %" PRIu32 " that are kept for it", needed, size);
        uint64_t table = ingot_align_up(end, ALIGN);
        if (table + kept.size + size > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a PE image of more than 4 GiB");
        ingot_le32_store(entry, (uint32_t) table);
        ingot_le32_store(entry + 4, (uint32_t) kept.size + size);
        r = copy(&s, image, pe, end, entry, reterr);
        if (r >= 0)
                r = put_zeros(&s, table - end, reterr);
        if (r >= 0)
                r = put(&s, kept.data, kept.size, reterr);
        if (r >= 0)
                r = put_entry(&s, a->signature, size, reterr);
        if (r < 0)
                return r;
        ingot_le32_store(checksum, ingot_pe_sum_final(&s.sum));
        r = ingot_write_at(out, pe->checksum_offset, checksum, sizeof(checksum), reterr);
        if (r >= 0)
                *ret_size = s.sum.size;
        return r;
}
