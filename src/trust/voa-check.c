/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that are fingerprints are believed only after the content was looked at. */
#include "trust/voa-check.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "format/sshsig.h"
#include "trust/verifier-kind.h"
#include "trust/voa-name.h"
#if HAVE_PACKAGES
#include "trust/openpgp-certificate.h"
#endif

#include <stdlib.h>
#include <string.h>

#if HAVE_PACKAGES
static int openpgp_fingerprint(struct ingot_span content, char **ret, ingot_error *reterr)
{
        _cleanup_openpgp_certificate_ struct ingot_openpgp_certificate c = {0};
        int r = ingot_openpgp_certificate_decode(content, &c, reterr);
        if (r < 0)
                return r;
        if (c.certificate_count != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%zu certificates, not one",
                                  c.certificate_count);
        *ret = TAKE_PTR(c.primary.fingerprint);
        return 0;
}
#else
static int openpgp_fingerprint(struct ingot_span content, char **ret, ingot_error *reterr)
{
        (void) content, (void) ret;
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "this build of ingot has no OpenPGP");
}
#endif

/* The lines that are no comment and not empty: the first one, and how many there are. */
static size_t count_lines(struct ingot_span content, struct ingot_span *ret_first)
{
        size_t count = 0;
        for (size_t at = 0; at < content.size;) {
                const uint8_t *start = content.data + at;
                const uint8_t *end = memchr(start, '\n', content.size - at);
                size_t n = end ? (size_t) (end - start) : content.size - at;
                at += n + 1;
                while (n > 0 && (start[n - 1] == '\r' || start[n - 1] == ' '))
                        n--;
                if (n == 0 || *start == '#')
                        continue;
                if (count++ == 0)
                        *ret_first = INGOT_SPAN(start, n);
        }
        return count;
}

/* In place of a certificate's blob its key's. */
static int use_plain_key(struct ingot_buffer *blob, ingot_error *reterr)
{
        _cleanup_ssh_certificate_ struct ingot_ssh_certificate c = {0};
        if (!ingot_ssh_certificate_recognise(ingot_buffer_span(blob)))
                return 0;
        int r = ingot_ssh_certificate_decode(ingot_buffer_span(blob), &c, reterr);
        if (r < 0)
                return r;
        ingot_buffer_done(blob);
        return ingot_buffer_append(blob, c.key.blob.data, c.key.blob.size, reterr);
}

static bool is_ssh_certificate(struct ingot_span content)
{
        _cleanup_buffer_ struct ingot_buffer blob = {0};
        struct ingot_span line = {0};
        return count_lines(content, &line) > 0 && ingot_verifier_ssh_blob(line, &blob, NULL) == 0 &&
               ingot_ssh_certificate_recognise(ingot_buffer_span(&blob));
}

static int ssh_fingerprint(struct ingot_span content, char **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer blob = {0};
        struct ingot_span line = {0};
        uint8_t digest[INGOT_SHA256_SIZE];
        char hex[2 * INGOT_SHA256_SIZE + 1];
        size_t count = count_lines(content, &line);
        if (count != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%zu keys, not one", count);
        int r = ingot_verifier_ssh_blob(line, &blob, reterr);
        if (r < 0)
                return r;
        struct ingot_cursor c = ingot_cursor_over(ingot_buffer_span(&blob));
        struct ingot_span type = ingot_cursor_take(&c, ingot_cursor_be32(&c));
        if (line.size <= type.size || memcmp(line.data, type.data, type.size) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "principals or options before the SSH key");
        r = use_plain_key(&blob, reterr);
        if (r < 0)
                return r;
        ingot_sha256_of(blob.data, blob.size, digest);
        ingot_hex(hex, digest, sizeof(digest));
        return ingot_strdup(ret, hex, reterr);
}

int ingot_voa_fingerprint(enum ingot_technology technology, struct ingot_span content, char **ret,
                          ingot_error *reterr)
{
        *ret = NULL;
        if (technology == INGOT_TECHNOLOGY_OPENPGP)
                return openpgp_fingerprint(content, ret, reterr);
        return technology == INGOT_TECHNOLOGY_SSH ? ssh_fingerprint(content, ret, reterr) : 0;
}

static int say(enum ingot_voa_fault fault, enum ingot_voa_fault *ret_fault, char **ret_detail,
               ingot_error *reterr, const char *text)
{
        int r = ingot_strdup(ret_detail, text, reterr);
        *ret_fault = fault;
        return r < 0 ? r : 1;
}

/* What a failure to read the content means; one that is no fault of the content stays one. */
static int say_failure(int r, const ingot_error *e, enum ingot_voa_fault *ret_fault,
                       char **ret_detail, ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        if (e->code != INGOT_E_FORMAT && e->code != INGOT_E_LIMIT &&
            e->code != INGOT_E_UNSUPPORTED) {
                if (reterr)
                        *reterr = *e;
                return r;
        }
        bool unsupported = e->code == INGOT_E_UNSUPPORTED;
        r = ingot_format(&text, reterr, unsupported ? "%s" : "its content: %s", e->text);
        return r < 0 ? r
                     : say(unsupported ? INGOT_VOA_FAULT_UNSUPPORTED : INGOT_VOA_FAULT_CONTENT,
                           ret_fault, ret_detail, reterr, text);
}

const char *ingot_voa_suffix(enum ingot_technology technology, struct ingot_span content)
{
        static const char certificate[] = "-----BEGIN CERTIFICATE-----";
        if (technology != INGOT_TECHNOLOGY_X509)
                return ingot_technology_suffix(technology);
        return memmem(content.data, content.size, certificate, strlen(certificate))
                       ? "-certificate.pem"
                       : "-public-key.pem";
}

int ingot_voa_check(enum ingot_technology technology, const char *name, bool anchor,
                    struct ingot_span content, enum ingot_voa_fault *ret_fault, char **ret_detail,
                    ingot_error *reterr)
{
        _cleanup_free_ char *fingerprint = NULL, *text = NULL;
        ingot_error error = {0};
        enum ingot_technology found;
        size_t digits = ingot_voa_file_digits(technology, name);
        int r = ingot_verifier_recognise(content, &found, &error);
        if (r < 0)
                return say_failure(r, &error, ret_fault, ret_detail, reterr);
        if (!ingot_verifier_fits(found, technology)) {
                r = ingot_format(&text, reterr, "its content is of %s, not of %s",
                                 ingot_technology_title(found), ingot_technology_title(technology));
                return r < 0 ? r
                             : say(INGOT_VOA_FAULT_CONTENT, ret_fault, ret_detail, reterr, text);
        }
        if (!ingot_ends_with(name, ingot_voa_suffix(technology, content))) {
                r = ingot_format(&text, reterr, "its content belongs in a file that ends in %s",
                                 ingot_voa_suffix(technology, content));
                return r < 0 ? r
                             : say(INGOT_VOA_FAULT_CONTENT, ret_fault, ret_detail, reterr, text);
        }
        if (anchor && technology == INGOT_TECHNOLOGY_SSH && is_ssh_certificate(content))
                return say(INGOT_VOA_FAULT_CONTENT, ret_fault, ret_detail, reterr,
                           "its content is a certificate, and a trust anchor of SSH is the key of "
                           "an authority");
        r = ingot_voa_fingerprint(technology, content, &fingerprint, &error);
        if (r < 0)
                return say_failure(r, &error, ret_fault, ret_detail, reterr);
        if (digits == 0 ||
            (strlen(fingerprint) == digits && strncmp(name, fingerprint, digits) == 0))
                return 0;
        r = ingot_format(&text, reterr, "its key's fingerprint is %s", fingerprint);
        return r < 0 ? r : say(INGOT_VOA_FAULT_FINGERPRINT, ret_fault, ret_detail, reterr, text);
}
