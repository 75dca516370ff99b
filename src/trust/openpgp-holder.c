/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each holder has a keyring of its own, of one key file. */
#include "trust/openpgp-holder.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "trust/librnp.h"
#include "trust/signature.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_SIZE_MAX ((size_t) 1 << 20)
#define SUBKEYS_MAX 1000
#define PASSPHRASE_SIZE 1024

void ingot_openpgp_holder_free(struct ingot_openpgp_holder *h)
{
        if (!h)
                return;
        free(h->name);
        free(h->signs);
        ingot_buffer_done(&h->certificate);
        ffi_destroy(&h->keys);
        free(h);
}

static int import(rnp_ffi_t ffi, struct ingot_span content, uint32_t flags, ingot_error *reterr)
{
        _cleanup_(input_destroy) rnp_input_t in = NULL;
        if (content.size > FILE_SIZE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "an OpenPGP key of more than a megabyte");
        if (rnp_input_from_memory(&in, content.data, content.size, false) != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        rnp_result_t e = rnp_import_keys(ffi, in, flags | RNP_LOAD_SAVE_PERMISSIVE, NULL);
        if (e != RNP_SUCCESS)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no OpenPGP key: %s",
                                  rnp_result_to_string(e));
        return 0;
}

/* The one primary key of a file. */
static int find_primary(rnp_ffi_t ffi, rnp_key_handle_t *ret, ingot_error *reterr)
{
        _cleanup_(identifiers_destroy) rnp_identifier_iterator_t names = NULL;
        _cleanup_(key_destroy) rnp_key_handle_t found = NULL, second = NULL;
        if (rnp_identifier_iterator_create(ffi, &names, "fingerprint") != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        found = next_primary(ffi, names);
        if (!found)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no OpenPGP key that is known");
        second = next_primary(ffi, names);
        if (second)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "several OpenPGP keys: give each in a file of its own");
        *ret = TAKE_PTR(found);
        return 0;
}

static int take_certificate(rnp_key_handle_t primary, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_(output_destroy) rnp_output_t out = NULL;
        uint8_t *data = NULL;
        size_t size = 0;
        if (rnp_output_to_memory(&out, 0) != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        if (rnp_key_export(primary, out, RNP_KEY_EXPORT_PUBLIC | RNP_KEY_EXPORT_SUBKEYS) !=
                    RNP_SUCCESS ||
            rnp_output_memory_get_buf(out, &data, &size, false) != RNP_SUCCESS)
                return ingot_fail(reterr, INGOT_E_FORMAT, "an OpenPGP key without its certificate");
        return ingot_buffer_append(ret, data, size, reterr);
}

static int describe(struct ingot_openpgp_holder *h, rnp_key_handle_t primary, ingot_error *reterr)
{
        _cleanup_(buffer_destroy) char *fingerprint = NULL, *user = NULL;
        if (rnp_key_get_fprint(primary, &fingerprint) != RNP_SUCCESS)
                return ingot_fail(reterr, INGOT_E_FORMAT, "an OpenPGP key that cannot be read");
        size_t size = strlen(fingerprint) / 2;
        if (size > sizeof(h->identity) || !ingot_unhex(h->identity, size, fingerprint))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "an OpenPGP key of a new version");
        if (rnp_key_get_primary_uid(primary, &user) != RNP_SUCCESS || !user)
                rnp_key_get_uid_at(primary, 0, &user);
        h->name = ingot_escape(user ? user : fingerprint);
        if (!h->name)
                return ingot_fail_nomem(reterr);
        return take_certificate(primary, &h->certificate, reterr);
}

static int read_file(struct ingot_openpgp_holder *h, struct ingot_span content, uint32_t flags,
                     ingot_error *reterr)
{
        _cleanup_(quiet_end) __attribute__((unused)) struct quiet quiet = quiet_begin();
        _cleanup_(key_destroy) rnp_key_handle_t primary = NULL;
        int r = import(h->keys, content, flags, reterr);
        if (r >= 0)
                r = find_primary(h->keys, &primary, reterr);
        return r < 0 ? r : describe(h, primary, reterr);
}

static int new_holder(struct ingot_openpgp_holder **ret, struct ingot_span content, uint32_t flags,
                      ingot_error *reterr)
{
        _cleanup_openpgp_holder_ struct ingot_openpgp_holder *h = calloc(1, sizeof(*h));
        if (!h || rnp_ffi_create(&h->keys, "GPG", "GPG") != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        int r = read_file(h, content, flags, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(h);
        return 0;
}

int ingot_openpgp_holder_decode(struct ingot_openpgp_holder **ret, struct ingot_span content,
                                ingot_error *reterr)
{
        struct ingot_openpgp_holder *h;
        int r = new_holder(&h, content, RNP_LOAD_SAVE_PUBLIC_KEYS, reterr);
        if (r < 0)
                return r;
        ffi_destroy(&h->keys);
        h->keys = NULL;
        *ret = h;
        return 0;
}

/* It has a secret, may sign, and is valid now. */
static bool can_sign(rnp_key_handle_t key)
{
        bool secret = false, signs = false, valid = false;
        return rnp_key_have_secret(key, &secret) == RNP_SUCCESS && secret &&
               rnp_key_allows_usage(key, "sign", &signs) == RNP_SUCCESS && signs &&
               rnp_key_is_valid(key, &valid) == RNP_SUCCESS && valid;
}

/* The newest subkey that can sign, or else the primary key. */
static int choose(rnp_key_handle_t primary, rnp_key_handle_t *ret, ingot_error *reterr)
{
        _cleanup_(key_destroy) rnp_key_handle_t best = NULL;
        uint32_t newest = 0;
        size_t count = 0;
        rnp_key_get_subkey_count(primary, &count);
        for (size_t i = 0; i < count && i < SUBKEYS_MAX; i++) {
                _cleanup_(key_destroy) rnp_key_handle_t key = NULL;
                uint32_t created = 0;
                if (rnp_key_get_subkey_at(primary, i, &key) != RNP_SUCCESS || !can_sign(key) ||
                    rnp_key_get_creation(key, &created) != RNP_SUCCESS || created < newest)
                        continue;
                key_destroy(&best);
                best = TAKE_PTR(key);
                newest = created;
        }
        if (!best && !can_sign(primary))
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "no secret key in it may sign, and is valid");
        *ret = TAKE_PTR(best);
        return 0;
}

static int unlock(rnp_key_handle_t key, const char *passphrase)
{
        _cleanup_(quiet_end) __attribute__((unused)) struct quiet quiet = quiet_begin();
        return rnp_key_unlock(key, passphrase) == RNP_SUCCESS ? 0 : -1;
}

static int open_secret(rnp_key_handle_t key, const char *name, const struct ingot_key_ask *ask,
                       ingot_error *reterr)
{
        _cleanup_free_ char *what = NULL;
        char passphrase[PASSPHRASE_SIZE] = "";
        bool closed = false;
        if (rnp_key_is_protected(key, &closed) != RNP_SUCCESS)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a secret key that cannot be read");
        if (!closed)
                return 0;
        if (!ask)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "it is encrypted, and nobody is asked for its passphrase");
        int r = ingot_format(&what, reterr, "key %s", name);
        if (r >= 0)
                r = ask->ask(ask->context, what, passphrase, sizeof(passphrase), reterr);
        if (r >= 0 && unlock(key, passphrase) < 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "it is not opened by that passphrase");
        explicit_bzero(passphrase, sizeof(passphrase));
        return r;
}

/* Finds the key that will sign, and opens it. */
static int prepare(struct ingot_openpgp_holder *h, const char *name,
                   const struct ingot_key_ask *ask, ingot_error *reterr)
{
        _cleanup_(key_destroy) rnp_key_handle_t primary = NULL, subkey = NULL;
        _cleanup_(buffer_destroy) char *fingerprint = NULL;
        int r = find_primary(h->keys, &primary, reterr);
        if (r >= 0)
                r = choose(primary, &subkey, reterr);
        if (r < 0)
                return r;
        rnp_key_handle_t key = subkey ? subkey : primary;
        r = open_secret(key, name, ask, reterr);
        if (r >= 0 && rnp_key_get_fprint(key, &fingerprint) != RNP_SUCCESS)
                r = ingot_fail_nomem(reterr);
        return r < 0 ? r : ingot_strdup(&h->signs, fingerprint, reterr);
}

int ingot_openpgp_holder_open(struct ingot_openpgp_holder **ret, struct ingot_span content,
                              const char *name, const struct ingot_key_ask *ask,
                              ingot_error *reterr)
{
        _cleanup_openpgp_holder_ struct ingot_openpgp_holder *h = NULL;
        int r = new_holder(&h, content, RNP_LOAD_SAVE_PUBLIC_KEYS | RNP_LOAD_SAVE_SECRET_KEYS,
                           reterr);
        if (r >= 0)
                r = prepare(h, name, ask, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", name);
        *ret = TAKE_PTR(h);
        return 0;
}

static rnp_result_t make(rnp_op_sign_t op, rnp_key_handle_t key, uint32_t time)
{
        rnp_result_t e = rnp_op_sign_set_armor(op, false);
        if (e == RNP_SUCCESS)
                e = rnp_op_sign_set_hash(op, "SHA256");
        if (e == RNP_SUCCESS)
                e = rnp_op_sign_set_creation_time(op, time);
        if (e == RNP_SUCCESS)
                e = rnp_op_sign_add_signature(op, key, NULL);
        return e == RNP_SUCCESS ? rnp_op_sign_execute(op) : e;
}

int ingot_openpgp_holder_sign(const struct ingot_openpgp_holder *h, struct ingot_span message,
                              uint64_t time, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_(quiet_end) __attribute__((unused)) struct quiet quiet = quiet_begin();
        _cleanup_(key_destroy) rnp_key_handle_t key = NULL;
        _cleanup_(input_destroy) rnp_input_t in = NULL;
        _cleanup_(output_destroy) rnp_output_t out = NULL;
        _cleanup_(sign_destroy) rnp_op_sign_t op = NULL;
        uint32_t created = 0;
        uint8_t *data;
        size_t size;
        if (time > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a time after the year 2106");
        if (rnp_locate_key(h->keys, "fingerprint", h->signs, &key) != RNP_SUCCESS || !key ||
            rnp_key_get_creation(key, &created) != RNP_SUCCESS)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "the key is gone");
        if (rnp_input_from_memory(&in, message.data, message.size, false) != RNP_SUCCESS ||
            rnp_output_to_memory(&out, 0) != RNP_SUCCESS ||
            rnp_op_sign_detached_create(&op, h->keys, in, out) != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        rnp_result_t e = make(op, key, time > created ? (uint32_t) time : created);
        if (e == RNP_SUCCESS)
                e = rnp_output_memory_get_buf(out, &data, &size, false);
        if (e != RNP_SUCCESS)
                return ingot_fail(reterr, INGOT_E_SYSTEM, "cannot sign: %s",
                                  rnp_result_to_string(e));
        return ingot_buffer_append(ret, data, size, reterr);
}

int ingot_openpgp_holder_verify(const struct ingot_openpgp_holder *h, struct ingot_span message,
                                struct ingot_span signature, ingot_error *reterr)
{
        _cleanup_verdict_ struct ingot_verdict v = {0};
        struct ingot_key_file file = {
                .technology = INGOT_TECHNOLOGY_OPENPGP, .path = h->name, .content = h->certificate};
        const struct ingot_key_files keys = {.items = &file, .count = 1};
        const struct ingot_reader reader = ingot_reader_of_span(&message);
        const struct ingot_signature_request q = {
                .content = &reader, .keys = &keys, .now = (uint64_t) time(NULL)};
        const struct ingot_signature_file one = {"signature", signature};
        int r = ingot_signature_verify(&q, &one, 1, &v, reterr);
        if (r == 1)
                return ingot_verdict_error(&v, reterr);
        if (r >= 0 && v.count != 1)
                r = ingot_fail(reterr, INGOT_E_REFUSED, "%zu signatures in place of one", v.count);
        return r;
}
