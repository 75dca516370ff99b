/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of text and of base64. */
#include "format/minisign.h"
#include "base/base64.h"
#include "base/cleanup.h"

#include <stdio.h>

static const char untrusted[] = "untrusted comment: ";
static const char trusted[] = "trusted comment: ";

enum { ALGORITHM_SIZE = 2, TEXT_MAX = 65536 };

static bool starts(struct ingot_span s, const char *prefix)
{
        size_t n = strlen(prefix);
        return s.size >= n && memcmp(s.data, prefix, n) == 0;
}

bool ingot_minisign_recognise(struct ingot_span text)
{
        return starts(text, untrusted);
}

/* The next line without its end; false when there is none. */
static bool next_line(struct ingot_span *left, struct ingot_span *ret)
{
        if (left->size == 0)
                return false;
        const uint8_t *end = memchr(left->data, '\n', left->size);
        size_t n = end ? (size_t) (end - left->data) : left->size, skip = n + (end != NULL);
        *ret = INGOT_SPAN(left->data, n > 0 && left->data[n - 1] == '\r' ? n - 1 : n);
        *left = INGOT_SPAN(left->data + skip, left->size - skip);
        return true;
}

/* A line of base64 that holds exactly SIZE bytes. */
static int base64_line(struct ingot_span *left, const char *what, uint8_t *ret, size_t size,
                       ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        struct ingot_span line;
        if (!next_line(left, &line))
                return ingot_fail(reterr, INGOT_E_FORMAT, "the %s is missing", what);
        int r = ingot_base64_decode(line, &bytes, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "the %s", what);
        if (bytes.size != size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the %s has %zu bytes, not %zu", what,
                                  bytes.size, size);
        memcpy(ret, bytes.data, size);
        return 0;
}

static int check_rest(struct ingot_span left, ingot_error *reterr)
{
        if (left.size == 0)
                return 0;
        return ingot_fail(reterr, INGOT_E_FORMAT, "%zu bytes behind the end", left.size);
}

static int take_comment(struct ingot_span *left, ingot_error *reterr)
{
        struct ingot_span line;
        if (left->size > TEXT_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%zu bytes are too many", left->size);
        if (!starts(*left, untrusted) || !next_line(left, &line))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no \"untrusted comment:\" line");
        return 0;
}

int ingot_minisign_decode_key(struct ingot_span text, struct ingot_minisign_key *ret,
                              ingot_error *reterr)
{
        struct ingot_minisign_key key;
        uint8_t bytes[ALGORITHM_SIZE + INGOT_MINISIGN_KEY_NUMBER_SIZE + INGOT_MINISIGN_KEY_SIZE];
        int r = starts(text, untrusted) ? take_comment(&text, reterr) : 0;
        if (r >= 0)
                r = base64_line(&text, "public key", bytes, sizeof(bytes), reterr);
        if (r >= 0)
                r = check_rest(text, reterr);
        if (r < 0)
                return r;
        if (memcmp(bytes, "Ed", ALGORITHM_SIZE) != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "the public key is not of Ed25519");
        memcpy(key.number, bytes + ALGORITHM_SIZE, sizeof(key.number));
        memcpy(key.key, bytes + ALGORITHM_SIZE + sizeof(key.number), sizeof(key.key));
        *ret = key;
        return 0;
}

/* The trusted comment and its signature, which minisign's files have. */
static int decode_comment(struct ingot_span *text, struct ingot_minisign *m, ingot_error *reterr)
{
        struct ingot_span line;
        if (!next_line(text, &line))
                return 0;
        if (!starts(line, trusted))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "no \"trusted comment:\" line behind the signature");
        m->has_comment = true;
        m->comment = INGOT_SPAN(line.data + strlen(trusted), line.size - strlen(trusted));
        return base64_line(text, "signature of the trusted comment", m->comment_signature,
                           sizeof(m->comment_signature), reterr);
}

int ingot_minisign_decode(struct ingot_span text, struct ingot_minisign *ret, ingot_error *reterr)
{
        struct ingot_minisign m = {0};
        uint8_t bytes[ALGORITHM_SIZE + INGOT_MINISIGN_KEY_NUMBER_SIZE +
                      INGOT_MINISIGN_SIGNATURE_SIZE];
        int r = take_comment(&text, reterr);
        if (r >= 0)
                r = base64_line(&text, "signature", bytes, sizeof(bytes), reterr);
        if (r >= 0)
                r = decode_comment(&text, &m, reterr);
        if (r >= 0)
                r = check_rest(text, reterr);
        if (r < 0)
                return r;
        m.prehashed = memcmp(bytes, "ED", ALGORITHM_SIZE) == 0;
        if (!m.prehashed && memcmp(bytes, "Ed", ALGORITHM_SIZE) != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "the signature is not of Ed25519");
        if (m.prehashed && !m.has_comment)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the trusted comment is missing");
        memcpy(m.number, bytes + ALGORITHM_SIZE, sizeof(m.number));
        memcpy(m.signature, bytes + ALGORITHM_SIZE + sizeof(m.number), sizeof(m.signature));
        *ret = m;
        return 0;
}

void ingot_minisign_number_text(const uint8_t number[INGOT_MINISIGN_KEY_NUMBER_SIZE], char ret[17])
{
        for (unsigned i = 0; i < INGOT_MINISIGN_KEY_NUMBER_SIZE; i++)
                snprintf(ret + (size_t) 2 * i, 3, "%02X",
                         number[INGOT_MINISIGN_KEY_NUMBER_SIZE - 1 - i]);
}
