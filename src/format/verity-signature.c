/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A flat JSON object of strings, by hand. */
#include "format/verity-signature.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/text.h"

void ingot_verity_signature_done(struct ingot_verity_signature *s)
{
        ingot_buffer_done(&s->pkcs7);
}

static void skip_blanks(struct ingot_cursor *c)
{
        while (ingot_cursor_left(c) > 0 && strchr(" \t\r\n", c->span.data[c->at]) &&
               c->span.data[c->at])
                c->at++;
}

/* The byte WANTED, behind blanks. */
static bool take(struct ingot_cursor *c, char wanted)
{
        skip_blanks(c);
        if (ingot_cursor_left(c) == 0 || c->span.data[c->at] != (uint8_t) wanted)
                return false;
        c->at++;
        return true;
}

/* What stands between two quotes. */
static bool take_string(struct ingot_cursor *c, struct ingot_span *ret)
{
        if (!take(c, '"'))
                return false;
        size_t start = c->at;
        for (; ingot_cursor_left(c) > 0; c->at++) {
                uint8_t b = c->span.data[c->at];
                if (b == '\\' || b < ' ')
                        return false;
                if (b == '"') {
                        *ret = INGOT_SPAN(c->span.data + start, c->at - start);
                        c->at++;
                        return true;
                }
        }
        return false;
}

/* A string, or a word as true or 12; of the latter the span is empty. */
static bool take_value(struct ingot_cursor *c, struct ingot_span *ret)
{
        skip_blanks(c);
        if (ingot_cursor_left(c) > 0 && c->span.data[c->at] == '"')
                return take_string(c, ret);
        size_t start = c->at;
        while (ingot_cursor_left(c) > 0 && c->span.data[c->at] > ' ' &&
               !strchr(",}[]{:\"", c->span.data[c->at]))
                c->at++;
        *ret = INGOT_SPAN(c->span.data + start, 0);
        return c->at > start;
}

static bool is(struct ingot_span text, const char *wanted)
{
        return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

/* The two members; a later one of the same name wins, as json-c has it. */
static bool take_object(struct ingot_cursor *c, struct ingot_span *ret_hash,
                        struct ingot_span *ret_signature)
{
        struct ingot_span name, value;
        if (!take(c, '{'))
                return false;
        do {
                if (!take_string(c, &name) || !take(c, ':') || !take_value(c, &value))
                        return false;
                if (is(name, "rootHash"))
                        *ret_hash = value;
                else if (is(name, "signature"))
                        *ret_signature = value;
        } while (take(c, ','));
        return take(c, '}');
}

int ingot_verity_signature_decode(struct ingot_span partition, struct ingot_verity_signature *ret,
                                  ingot_error *reterr)
{
        _cleanup_verity_signature_ struct ingot_verity_signature s = {0};
        struct ingot_span text = partition, hash = {0}, signature = {0};
        char hex[2 * INGOT_SHA256_SIZE + 1] = "";
        text.size = text.size ? strnlen((const char *) text.data, text.size) : 0;
        struct ingot_cursor c = ingot_cursor_over(text);
        bool whole = text.size <= INGOT_VERITY_SIGNATURE_MAX && take_object(&c, &hash, &signature);
        skip_blanks(&c);
        if (!whole || ingot_cursor_left(&c) > 0 || hash.size != sizeof(hex) - 1 ||
            signature.size == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no signature of a SHA-256 root hash");
        memcpy(hex, hash.data, hash.size);
        if (!ingot_unhex(s.root_hash, sizeof(s.root_hash), hex))
                return ingot_fail(reterr, INGOT_E_FORMAT, "its root hash is not hexadecimal");
        int r = ingot_base64_decode(signature, &s.pkcs7, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "its signature");
        *ret = s;
        s = (struct ingot_verity_signature){0};
        return 0;
}
