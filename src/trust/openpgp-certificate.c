/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A certificate is imported into a keyring of its own, which is thrown away. */
#include "trust/openpgp-certificate.h"
#include "base/cleanup.h"
#include "trust/librnp.h"

#include <ctype.h>
#include <stdlib.h>

enum { SUBKEYS_MAX = 1000, USER_IDS_MAX = 1000 };

void ingot_openpgp_key_done(struct ingot_openpgp_key *k)
{
        free(k->fingerprint);
        free(k->algorithm);
        *k = (struct ingot_openpgp_key){0};
}

void ingot_openpgp_certificate_done(struct ingot_openpgp_certificate *c)
{
        ingot_openpgp_key_done(&c->primary);
        for (size_t i = 0; i < c->subkey_count; i++)
                ingot_openpgp_key_done(c->subkeys + i);
        free(c->subkeys);
        ingot_strings_done(&c->user_ids);
        *c = (struct ingot_openpgp_certificate){0};
}

static int unreadable(ingot_error *reterr)
{
        return ingot_fail(reterr, INGOT_E_FORMAT, "an OpenPGP key that cannot be read");
}

static int read_key(rnp_key_handle_t key, struct ingot_openpgp_key *ret, ingot_error *reterr)
{
        _cleanup_(buffer_destroy) char *fingerprint = NULL, *algorithm = NULL;
        uint32_t created = 0, lifetime = 0;
        if (rnp_key_get_fprint(key, &fingerprint) != RNP_SUCCESS ||
            rnp_key_get_alg(key, &algorithm) != RNP_SUCCESS ||
            rnp_key_get_creation(key, &created) != RNP_SUCCESS)
                return unreadable(reterr);
        /* What a broken or missing self-signature leaves open stays as it is: nothing allowed. */
        rnp_key_get_bits(key, &ret->bits);
        rnp_key_get_expiration(key, &lifetime);
        rnp_key_is_revoked(key, &ret->revoked);
        rnp_key_allows_usage(key, "sign", &ret->can_sign);
        rnp_key_allows_usage(key, "certify", &ret->can_certify);
        ret->created = created;
        ret->expires = lifetime ? (uint64_t) created + lifetime : 0;
        for (char *p = fingerprint; *p; p++)
                *p = (char) tolower((unsigned char) *p);
        int r = ingot_strdup(&ret->fingerprint, fingerprint, reterr);
        return r < 0 ? r : ingot_strdup(&ret->algorithm, algorithm, reterr);
}

static int read_subkeys(rnp_key_handle_t key, struct ingot_openpgp_certificate *c,
                        ingot_error *reterr)
{
        size_t count = 0;
        rnp_key_get_subkey_count(key, &count);
        if (count > SUBKEYS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a certificate of %zu subkeys", count);
        c->subkeys = calloc(count + 1, sizeof(*c->subkeys));
        if (!c->subkeys)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++) {
                _cleanup_(key_destroy) rnp_key_handle_t subkey = NULL;
                if (rnp_key_get_subkey_at(key, i, &subkey) != RNP_SUCCESS)
                        return unreadable(reterr);
                int r = read_key(subkey, &c->subkeys[c->subkey_count++], reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_user_ids(rnp_key_handle_t key, struct ingot_openpgp_certificate *c,
                         ingot_error *reterr)
{
        size_t count = 0;
        int r = 0;
        rnp_key_get_uid_count(key, &count);
        if (count > USER_IDS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a certificate of %zu user ids", count);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                _cleanup_(buffer_destroy) char *text = NULL;
                if (rnp_key_get_uid_at(key, i, &text) == RNP_SUCCESS)
                        r = ingot_strings_add(&c->user_ids, text, reterr);
        }
        return r;
}

static int read_certificate(rnp_key_handle_t key, struct ingot_openpgp_certificate *c,
                            ingot_error *reterr)
{
        int r = read_key(key, &c->primary, reterr);
        if (r >= 0)
                r = read_subkeys(key, c, reterr);
        return r < 0 ? r : read_user_ids(key, c, reterr);
}

/* The primary keys; the first one is read. */
static int read_keyring(rnp_ffi_t ffi, struct ingot_openpgp_certificate *c, ingot_error *reterr)
{
        _cleanup_(identifiers_destroy) rnp_identifier_iterator_t names = NULL;
        if (rnp_identifier_iterator_create(ffi, &names, "fingerprint") != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        for (;; c->certificate_count++) {
                _cleanup_(key_destroy) rnp_key_handle_t key = next_primary(ffi, names);
                if (!key)
                        return 0;
                int r = c->certificate_count == 0 ? read_certificate(key, c, reterr) : 0;
                if (r < 0)
                        return r;
        }
}

int ingot_openpgp_certificate_decode(struct ingot_span content,
                                     struct ingot_openpgp_certificate *ret, ingot_error *reterr)
{
        _cleanup_(quiet_end) __attribute__((unused)) struct quiet quiet = quiet_begin();
        _cleanup_openpgp_certificate_ struct ingot_openpgp_certificate c = {0};
        _cleanup_(ffi_destroy) rnp_ffi_t ffi = NULL;
        _cleanup_(input_destroy) rnp_input_t in = NULL;
        if (rnp_ffi_create(&ffi, "GPG", "GPG") != RNP_SUCCESS ||
            rnp_input_from_memory(&in, content.data, content.size, false) != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        rnp_result_t e = rnp_import_keys(
                ffi, in, RNP_LOAD_SAVE_PUBLIC_KEYS | RNP_LOAD_SAVE_PERMISSIVE, NULL);
        if (e != RNP_SUCCESS)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no OpenPGP certificate: %s",
                                  rnp_result_to_string(e));
        int r = read_keyring(ffi, &c, reterr);
        if (r < 0)
                return r;
        if (c.certificate_count == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no OpenPGP certificate that is known");
        *ret = c;
        c = (struct ingot_openpgp_certificate){0};
        return 0;
}
