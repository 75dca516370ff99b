/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of SSH public keys: plain ones, and allowed signers with principals and options. */
#include "base/base64.h"
#include "base/cleanup.h"
#include "format/sshsig.h"

#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum { FILE_MAX = 16 << 20 };

void ingot_ssh_signer_done(struct ingot_ssh_signer *s)
{
        ingot_buffer_done(&s->blob);
        ingot_ssh_certificate_done(&s->certificate);
}

static bool blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

/* The next word; blanks in quotation marks belong to it. */
static struct ingot_span word(struct ingot_span *left)
{
        size_t from = 0, to;
        bool quoted = false;
        while (from < left->size && blank(left->data[from]))
                from++;
        for (to = from; to < left->size && (quoted || !blank(left->data[to])); to++)
                quoted ^= left->data[to] == '"';
        struct ingot_span w = INGOT_SPAN(left->data + from, to - from);
        *left = INGOT_SPAN(left->data + to, left->size - to);
        return w;
}

static struct ingot_span unquote(struct ingot_span s)
{
        if (s.size >= 2 && s.data[0] == '"' && s.data[s.size - 1] == '"')
                return INGOT_SPAN(s.data + 1, s.size - 2);
        return s;
}

/* Is it the name of a kind of keys? Also one that ingot does not know. */
static bool is_kind(struct ingot_span s)
{
        static const char *const prefixes[] = {"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"};
        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
                if (s.size > strlen(prefixes[i]) &&
                    memcmp(s.data, prefixes[i], strlen(prefixes[i])) == 0)
                        return !memchr(s.data, ',', s.size);
        return false;
}

/* YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with or without Z. */
static bool parse_time(struct ingot_span s, uint64_t *ret)
{
        static const char *const forms[] = {"%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S"};
        static const size_t sizes[] = {8, 12, 14};
        char text[16];
        if (s.size > 0 && s.data[s.size - 1] == 'Z')
                s.size--;
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                struct tm tm = {0};
                if (s.size != sizes[i])
                        continue;
                memcpy(text, s.data, s.size);
                text[s.size] = 0;
                const char *rest = strptime(text, forms[i], &tm);
                time_t t = rest && *rest == 0 ? timegm(&tm) : -1;
                *ret = (uint64_t) t;
                return t > 0;
        }
        return false;
}

/* NAME or NAME="VALUE". */
static bool decode_option(struct ingot_span option, struct ingot_ssh_signer *s)
{
        static const char *const names[] = {"cert-authority", "namespaces", "valid-after",
                                            "valid-before"};
        const uint8_t *equals = memchr(option.data, '=', option.size);
        size_t n = equals ? (size_t) (equals - option.data) : option.size, i = 0;
        struct ingot_span value =
                equals ? unquote(INGOT_SPAN(equals + 1, option.size - n - 1)) : INGOT_SPAN(NULL, 0);
        for (; i < ARRAY_SIZE(names); i++)
                if (strlen(names[i]) == n &&
                    strncasecmp(names[i], (const char *) option.data, n) == 0)
                        break;
        switch (i) {
        case 0:
                s->authority = true;
                return !equals;
        case 1:
                s->namespaces = value;
                return equals && value.size > 0;
        case 2:
                return equals && parse_time(value, &s->after);
        case 3:
                return equals && parse_time(value, &s->before);
        default:
                return false;
        }
}

static int decode_options(struct ingot_span options, struct ingot_ssh_signer *s,
                          ingot_error *reterr)
{
        while (options.size > 0) {
                size_t n = 0;
                bool quoted = false;
                for (; n < options.size && (quoted || options.data[n] != ','); n++)
                        quoted ^= options.data[n] == '"';
                if (n == 0 || !decode_option(INGOT_SPAN(options.data, n), s))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "no option of a signer: %.*s",
                                          (int) (n < 64 ? n : 64), (const char *) options.data);
                n += n < options.size;
                options = INGOT_SPAN(options.data + n, options.size - n);
        }
        return 0;
}

/* The key or certificate of a line, which says of itself to be of that kind. */
static int decode_blob(struct ingot_span kind, struct ingot_ssh_signer *s, ingot_error *reterr)
{
        struct ingot_span blob = ingot_buffer_span(&s->blob);
        struct ingot_cursor c = ingot_cursor_over(blob);
        struct ingot_span type = ingot_ssh_string(&c);
        struct ingot_ssh_key key;
        s->certified = ingot_ssh_certificate_recognise(blob);
        int r = s->certified ? ingot_ssh_certificate_decode(blob, &s->certificate, reterr)
                             : ingot_ssh_key_decode(blob, &key, reterr);
        if (r >= 0 && (type.size != kind.size || memcmp(type.data, kind.data, kind.size) != 0))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "the key is of another kind than it says");
        return r;
}

/* A line with a key; 0 when it is empty or a comment. */
static int decode_line(struct ingot_span line, struct ingot_ssh_signer *s, ingot_error *reterr)
{
        struct ingot_span w = word(&line);
        if (w.size == 0 || w.data[0] == '#')
                return 0;
        if (!is_kind(w)) {
                s->limited = true;
                s->principals = unquote(w);
                w = word(&line);
                if (!is_kind(w)) {
                        int e = decode_options(w, s, reterr);
                        if (e < 0)
                                return e;
                        w = word(&line);
                }
        }
        if (!is_kind(w))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no SSH key in the line");
        int r = ingot_base64_decode(word(&line), &s->blob, reterr);
        if (r >= 0)
                r = decode_blob(w, s, reterr);
        if (r == -INGOT_E_UNSUPPORTED)
                return 0;
        if (r < 0)
                return r;
        while (line.size > 0 && blank(line.data[0]))
                line = INGOT_SPAN(line.data + 1, line.size - 1);
        while (line.size > 0 && blank(line.data[line.size - 1]))
                line.size--;
        s->comment = line;
        return 1;
}

int ingot_ssh_signers_next(struct ingot_span *left, unsigned *line, struct ingot_ssh_signer *ret,
                           ingot_error *reterr)
{
        if (left->size > FILE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%zu bytes are too many", left->size);
        while (left->size > 0) {
                _cleanup_ssh_signer_ struct ingot_ssh_signer s = {0};
                const uint8_t *newline = memchr(left->data, '\n', left->size);
                size_t n = newline ? (size_t) (newline - left->data) : left->size;
                struct ingot_span text = INGOT_SPAN(left->data, n);
                n += newline != NULL;
                *left = INGOT_SPAN(left->data + n, left->size - n);
                ++*line;
                int r = decode_line(text, &s, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "line %u", *line);
                if (r == 0)
                        continue;
                *ret = s;
                s = (struct ingot_ssh_signer){0};
                return 1;
        }
        return 0;
}

/* '*' is any text, '?' any byte. */
static bool match(struct ingot_span p, struct ingot_span t)
{
        size_t i = 0, k = 0, star = SIZE_MAX, from = 0;
        while (k < t.size) {
                if (i < p.size && p.data[i] == '*') {
                        star = i++;
                        from = k;
                } else if (i < p.size && (p.data[i] == '?' || p.data[i] == t.data[k])) {
                        i++, k++;
                } else if (star != SIZE_MAX) {
                        i = star + 1;
                        k = ++from;
                } else {
                        return false;
                }
        }
        while (i < p.size && p.data[i] == '*')
                i++;
        return i == p.size;
}

bool ingot_ssh_patterns_match(struct ingot_span patterns, struct ingot_span text)
{
        bool found = false;
        while (patterns.size > 0) {
                const uint8_t *comma = memchr(patterns.data, ',', patterns.size);
                size_t n = comma ? (size_t) (comma - patterns.data) : patterns.size;
                bool not = n > 0 && patterns.data[0] == '!';
                if (match(INGOT_SPAN(patterns.data + not, n - not ), text)) {
                        if (not )
                                return false;
                        found = true;
                }
                n += comma != NULL;
                patterns = INGOT_SPAN(patterns.data + n, patterns.size - n);
        }
        return found;
}
