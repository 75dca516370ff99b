/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file of keys is, by its first telling bytes. Nothing here says that the key is good. */
#include "trust/verifier-kind.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "format/ssh-krl.h"

enum { SHORT_KEY_SIZE = 42, LINES_MAX = 1000 }; /* "Ed", 8 bytes of id, 32 of Ed25519 */

static const char comment[] = "untrusted comment:";

/* The next line without its end. */
static bool next_line(struct ingot_span *rest, struct ingot_span *ret)
{
        if (rest->size == 0)
                return false;
        const uint8_t *end = memchr(rest->data, '\n', rest->size);
        size_t n = end ? (size_t) (end - rest->data) : rest->size, taken = n + (end != NULL);
        *ret = INGOT_SPAN(rest->data, n);
        *rest = INGOT_SPAN(rest->data + taken, rest->size - taken);
        while (ret->size > 0 && ret->data[ret->size - 1] == '\r')
                ret->size--;
        return true;
}

static bool line_starts(struct ingot_span line, const char *prefix)
{
        return line.size >= strlen(prefix) && memcmp(line.data, prefix, strlen(prefix)) == 0;
}

static bool has_line(struct ingot_span content, const char *prefix)
{
        struct ingot_span line;
        while (next_line(&content, &line))
                if (line_starts(line, prefix))
                        return true;
        return false;
}

/* A packet of this tag in the old or the new form, with a version that there is. */
static bool is_binary_openpgp(struct ingot_span content, uint8_t number)
{
        if (content.size < 6)
                return false;
        uint8_t tag = content.data[0], length = content.data[1];
        uint8_t old = (uint8_t) (0x80 | number << 2);
        size_t header = tag == (0xc0 | number) ? length < 192   ? 2
                                                 : length < 224 ? 3
                                                                : 6
                        : tag == old           ? 2
                        : tag == old + 1       ? 3
                        : tag == old + 2       ? 5
                                               : 0;
        return header > 0 && content.size > header && content.data[header] >= 3 &&
               content.data[header] <= 6;
}

static struct ingot_span next_word(struct ingot_span *rest)
{
        size_t at = 0, end;
        while (at < rest->size && (rest->data[at] == ' ' || rest->data[at] == '\t'))
                at++;
        for (end = at; end < rest->size && rest->data[end] != ' ' && rest->data[end] != '\t';)
                end++;
        struct ingot_span word = INGOT_SPAN(rest->data + at, end - at);
        *rest = INGOT_SPAN(rest->data + end, rest->size - end);
        return word;
}

static bool blob_is_of(struct ingot_span blob, struct ingot_span type)
{
        struct ingot_cursor c = ingot_cursor_over(blob);
        struct ingot_span name = ingot_cursor_take(&c, ingot_cursor_be32(&c));
        return !c.failed && name.size > 0 && name.size == type.size &&
               memcmp(name.data, type.data, name.size) == 0 && ingot_cursor_left(&c) > 0;
}

int ingot_verifier_ssh_blob(struct ingot_span line, struct ingot_buffer *ret_blob,
                            ingot_error *reterr)
{
        struct ingot_span type = next_word(&line), word;
        while (word = next_word(&line), word.size > 0) {
                _cleanup_buffer_ struct ingot_buffer blob = {0};
                if (ingot_base64_decode(word, &blob, NULL) == 0 &&
                    blob_is_of(ingot_buffer_span(&blob), type))
                        return ingot_buffer_append(ret_blob, blob.data, blob.size, reterr);
                type = word;
        }
        return ingot_fail(reterr, INGOT_E_FORMAT, "no SSH public key");
}

/* Every line that is no comment has a key. */
static bool is_ssh(struct ingot_span content)
{
        struct ingot_span line;
        size_t count = 0;
        while (next_line(&content, &line)) {
                _cleanup_buffer_ struct ingot_buffer blob = {0};
                struct ingot_span rest = line, word = next_word(&rest);
                if (word.size == 0 || word.data[0] == '#')
                        continue;
                if (++count > LINES_MAX || ingot_verifier_ssh_blob(line, &blob, NULL) < 0)
                        return false;
        }
        return count > 0;
}

static bool is_short_key(struct ingot_span text)
{
        _cleanup_buffer_ struct ingot_buffer key = {0};
        return text.size < 128 && ingot_base64_decode(text, &key, NULL) == 0 &&
               key.size == SHORT_KEY_SIZE && memcmp(key.data, "Ed", 2) == 0;
}

/* minisign's and signify's one form; false when it is none of both. */
static bool short_kind(struct ingot_span content, enum ingot_technology *ret)
{
        struct ingot_span rest = content, line;
        *ret = INGOT_TECHNOLOGY_MINISIGN;
        if (!next_line(&rest, &line) || !line_starts(line, comment))
                return is_short_key(content);
        line = INGOT_SPAN(line.data + strlen(comment), line.size - strlen(comment));
        if (!memmem(line.data, line.size, "minisign", strlen("minisign")))
                *ret = INGOT_TECHNOLOGY_SIGNIFY;
        return is_short_key(rest);
}

bool ingot_verifier_is_openpgp_secret(struct ingot_span content)
{
        return is_binary_openpgp(content, 5) ||
               has_line(content, "-----BEGIN PGP PRIVATE KEY BLOCK-----");
}

/* What is often taken for a verifier. */
static const char *mistaken_for(struct ingot_span content)
{
        static const struct {
                const char *prefix, *what;
        } others[] = {
                {"-----BEGIN PGP PRIVATE KEY", "a secret OpenPGP key"},
                {"-----BEGIN PGP SIGNATURE", "an OpenPGP signature"},
                {"-----BEGIN PGP SIGNED MESSAGE", "a clear-signed document"},
                {"-----BEGIN OPENSSH PRIVATE KEY", "a secret SSH key"},
                {"-----BEGIN SSH SIGNATURE", "an SSH signature"},
                {"-----BEGIN PRIVATE KEY", "a secret key"},
                {"-----BEGIN ENCRYPTED PRIVATE KEY", "a secret key"},
                {"-----BEGIN RSA PRIVATE KEY", "a secret key"},
                {"-----BEGIN EC PRIVATE KEY", "a secret key"},
                {"-----BEGIN PKCS7", "a CMS signature"},
                {"-----BEGIN CMS", "a CMS signature"},
                {comment, "a signature, or a secret key, of minisign or signify"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                if (has_line(content, others[i].prefix))
                        return others[i].what;
        return NULL;
}

int ingot_verifier_recognise(struct ingot_span content, enum ingot_technology *ret,
                             ingot_error *reterr)
{
        enum ingot_technology kind;
        if (is_binary_openpgp(content, 6) ||
            has_line(content, "-----BEGIN PGP PUBLIC KEY BLOCK-----"))
                kind = INGOT_TECHNOLOGY_OPENPGP;
        else if (has_line(content, "-----BEGIN CERTIFICATE-----") ||
                 has_line(content, "-----BEGIN PUBLIC KEY-----") ||
                 has_line(content, "-----BEGIN X509 CRL-----"))
                kind = INGOT_TECHNOLOGY_X509;
        else if (ingot_ssh_krl_recognise(content) || is_ssh(content))
                kind = INGOT_TECHNOLOGY_SSH;
        else if (!short_kind(content, &kind)) {
                const char *other = mistaken_for(content);
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s%s%s", other ? "this is " : "",
                                  other ? other : "no key or certificate of a known kind",
                                  other ? ", not a public key or certificate" : "");
        }
        *ret = kind;
        return 0;
}

bool ingot_verifier_fits(enum ingot_technology found, enum ingot_technology wanted)
{
        bool found_short = found == INGOT_TECHNOLOGY_MINISIGN || found == INGOT_TECHNOLOGY_SIGNIFY;
        bool wanted_short =
                wanted == INGOT_TECHNOLOGY_MINISIGN || wanted == INGOT_TECHNOLOGY_SIGNIFY;
        return found == wanted || (found_short && wanted_short);
}
