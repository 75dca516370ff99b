/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenPGP by librnp. Its own policy (weak digests by date) stays on; ours comes on top of it. */
#include "trust/openpgp.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <rnp/rnp.h>
#include <rnp/rnp_err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KEYRING_SIZE_MAX ((size_t) 64 << 20)
#define SIGNATURES_MAX 64
#define RSA_BITS_MIN 2048

struct ingot_openpgp {
        rnp_ffi_t ffi;
};

static void input_destroy(rnp_input_t *in)
{
        rnp_input_destroy(*in);
}

static void output_destroy(rnp_output_t *out)
{
        rnp_output_destroy(*out);
}

static void verify_destroy(rnp_op_verify_t *op)
{
        rnp_op_verify_destroy(*op);
}

static void key_destroy(rnp_key_handle_t *key)
{
        rnp_key_handle_destroy(*key);
}

static void signature_destroy(rnp_signature_handle_t *s)
{
        rnp_signature_handle_destroy(*s);
}

static void buffer_destroy(char **text)
{
        rnp_buffer_destroy(*text);
}

static int load(struct ingot_openpgp *o, const char *path, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_(input_destroy) rnp_input_t in = NULL;
        size_t size, before = 0, after = 0;
        int r = ingot_file_read(AT_FDCWD, path, KEYRING_SIZE_MAX, &data, &size, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "keyring");
        rnp_get_public_key_count(o->ffi, &before);
        if (rnp_input_from_memory(&in, data, size, false) != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        /* A keyring may hold keys of kinds that librnp does not know: those are passed over. */
        rnp_result_t e = rnp_import_keys(
                o->ffi, in, RNP_LOAD_SAVE_PUBLIC_KEYS | RNP_LOAD_SAVE_PERMISSIVE, NULL);
        rnp_get_public_key_count(o->ffi, &after);
        if (e != RNP_SUCCESS || after == before)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s holds no OpenPGP key%s%s", path,
                                  e != RNP_SUCCESS ? ": " : "",
                                  e != RNP_SUCCESS ? rnp_result_to_string(e) : "");
        return 0;
}

int ingot_openpgp_open(struct ingot_openpgp **ret, const char *const *keyrings, size_t count,
                       ingot_error *reterr)
{
        _cleanup_(ingot_openpgp_close_p) struct ingot_openpgp *o = calloc(1, sizeof(*o));
        if (!o || rnp_ffi_create(&o->ffi, "GPG", "GPG") != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null >= 0 && rnp_ffi_set_log_fd(o->ffi, null) != RNP_SUCCESS)
                close(null);
        for (size_t i = 0; i < count; i++) {
                int r = load(o, keyrings[i], reterr);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(o);
        return 0;
}

void ingot_openpgp_close(struct ingot_openpgp *o)
{
        if (!o)
                return;
        if (o->ffi)
                rnp_ffi_destroy(o->ffi);
        free(o);
}

static bool hash_strong(const char *hash)
{
        static const char *const strong[] = {"SHA224",   "SHA256",   "SHA384",
                                             "SHA512", "SHA3-256", "SHA3-512"};
        for (size_t i = 0; i < ARRAY_SIZE(strong); i++)
                if (strcmp(hash, strong[i]) == 0)
                        return true;
        return false;
}

/* NULL when KEY is good now, else what is wrong with it. */
static const char *key_fault(rnp_key_handle_t key)
{
        _cleanup_(buffer_destroy) char *algorithm = NULL;
        bool revoked = true;
        uint64_t until = 0;
        uint32_t bits = 0;
        if (rnp_key_is_revoked(key, &revoked) != RNP_SUCCESS || revoked)
                return "the key is revoked";
        if (rnp_key_valid_till64(key, &until) != RNP_SUCCESS || until == 0)
                return "the key is not valid";
        if (until != UINT64_MAX && until < (uint64_t) time(NULL))
                return "the key is expired";
        if (rnp_key_get_alg(key, &algorithm) != RNP_SUCCESS ||
            rnp_key_get_bits(key, &bits) != RNP_SUCCESS)
                return "the key is of an unknown kind";
        if ((strcmp(algorithm, "RSA") == 0 && bits < RSA_BITS_MIN) ||
            strcmp(algorithm, "DSA") == 0)
                return "the key is weak";
        return NULL;
}

/* The primary key of a key that signed, and its fingerprint. */
static const char *primary_fault(struct ingot_openpgp *o, rnp_key_handle_t key,
                                 struct ingot_openpgp_signer *ret)
{
        _cleanup_(buffer_destroy) char *fingerprint = NULL;
        _cleanup_(key_destroy) rnp_key_handle_t primary = NULL;
        bool is_primary = false;
        if (rnp_key_is_primary(key, &is_primary) != RNP_SUCCESS ||
            (is_primary ? rnp_key_get_fprint(key, &fingerprint)
                        : rnp_key_get_primary_fprint(key, &fingerprint)) != RNP_SUCCESS)
                return "the key belongs to no other";
        snprintf(ret->fingerprint, sizeof(ret->fingerprint), "%s", fingerprint);
        if (rnp_locate_key(o->ffi, "fingerprint", fingerprint, &primary) != RNP_SUCCESS || !primary)
                return "its primary key is missing";
        return key_fault(primary);
}

static const char *status_fault(rnp_result_t status)
{
        switch (status) {
        case RNP_SUCCESS:
                return NULL;
        case RNP_ERROR_SIGNATURE_EXPIRED:
                return "the signature is expired";
        case RNP_ERROR_KEY_NOT_FOUND:
                return "the key is not in the keyring";
        case RNP_ERROR_SIGNATURE_INVALID:
                return "the signature does not match, or its key or digest is not accepted";
        default:
                return "the signature cannot be read";
        }
}

/* NULL when the signature counts, and who made it; else why not. */
static const char *signature_fault(struct ingot_openpgp *o, rnp_op_verify_signature_t s,
                                   struct ingot_openpgp_signer *ret)
{
        _cleanup_(buffer_destroy) char *hash = NULL;
        _cleanup_(key_destroy) rnp_key_handle_t key = NULL;
        uint32_t created = 0;
        const char *status = status_fault(rnp_op_verify_signature_get_status(s));
        if (rnp_op_verify_signature_get_hash(s, &hash) != RNP_SUCCESS)
                return "the signature cannot be read";
        if (!hash_strong(hash))
                return "its digest is weak";
        if (rnp_op_verify_signature_get_key(s, &key) != RNP_SUCCESS || !key)
                return status ? status : "the key is not in the keyring";
        const char *fault = primary_fault(o, key, ret);
        if (!fault)
                fault = key_fault(key);
        if (fault)
                return fault;
        rnp_op_verify_signature_get_times(s, &created, NULL);
        ret->created = created;
        return status;
}

static void signature_key_id(rnp_op_verify_signature_t s, char ret[64])
{
        _cleanup_(signature_destroy) rnp_signature_handle_t handle = NULL;
        _cleanup_(buffer_destroy) char *id = NULL;
        snprintf(ret, 64, "unknown");
        if (rnp_op_verify_signature_get_handle(s, &handle) == RNP_SUCCESS &&
            rnp_signature_get_keyid(handle, &id) == RNP_SUCCESS && id)
                snprintf(ret, 64, "%s", id);
}

/* Finds a signature that counts among those that were checked. */
static int judge(struct ingot_openpgp *o, rnp_op_verify_t op, rnp_result_t result,
                 struct ingot_openpgp_signer *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer reasons = {0};
        size_t count = 0;
        rnp_op_verify_get_signature_count(op, &count);
        if (count == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "there is no signature (%s)",
                                  rnp_result_to_string(result));
        for (size_t i = 0; i < count && i < SIGNATURES_MAX; i++) {
                rnp_op_verify_signature_t s = NULL;
                struct ingot_openpgp_signer signer = {0};
                char id[64];
                if (rnp_op_verify_get_signature_at(op, i, &s) != RNP_SUCCESS)
                        continue;
                const char *fault = signature_fault(o, s, &signer);
                if (!fault && result == RNP_SUCCESS) {
                        if (ret)
                                *ret = signer;
                        return 0;
                }
                signature_key_id(s, id);
                int r = ingot_buffer_printf(&reasons, reterr, "%sby key %s: %s",
                                            i > 0 ? "; " : "", id,
                                            fault ? fault : rnp_result_to_string(result));
                if (r < 0)
                        return r;
        }
        return ingot_fail(reterr, INGOT_E_REFUSED, "no signature counts: %s",
                          reasons.data ? (char *) reasons.data : "none is readable");
}

int ingot_openpgp_verify_clear(struct ingot_openpgp *o, struct ingot_span document,
                               struct ingot_buffer *ret_text,
                               struct ingot_openpgp_signer *ret_signer, ingot_error *reterr)
{
        static const char begin[] = "-----BEGIN PGP SIGNED MESSAGE-----";
        _cleanup_(input_destroy) rnp_input_t in = NULL;
        _cleanup_(output_destroy) rnp_output_t out = NULL;
        _cleanup_(verify_destroy) rnp_op_verify_t op = NULL;
        uint8_t *text = NULL;
        size_t size = 0;
        if (document.size < sizeof(begin) || memcmp(document.data, begin, sizeof(begin) - 1) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a clear-signed document");
        if (rnp_input_from_memory(&in, document.data, document.size, false) != RNP_SUCCESS ||
            rnp_output_to_memory(&out, 0) != RNP_SUCCESS ||
            rnp_op_verify_create(&op, o->ffi, in, out) != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        int r = judge(o, op, rnp_op_verify_execute(op), ret_signer, reterr);
        if (r < 0)
                return r;
        if (rnp_output_memory_get_buf(out, &text, &size, false) != RNP_SUCCESS)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "take the signed text");
        return ingot_buffer_append(ret_text, text, size, reterr);
}

int ingot_openpgp_verify_detached(struct ingot_openpgp *o, struct ingot_span data,
                                  struct ingot_span signature,
                                  struct ingot_openpgp_signer *ret_signer, ingot_error *reterr)
{
        _cleanup_(input_destroy) rnp_input_t in = NULL, sig = NULL;
        _cleanup_(verify_destroy) rnp_op_verify_t op = NULL;
        if (rnp_input_from_memory(&in, data.data, data.size, false) != RNP_SUCCESS ||
            rnp_input_from_memory(&sig, signature.data, signature.size, false) != RNP_SUCCESS ||
            rnp_op_verify_detached_create(&op, o->ffi, in, sig) != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        return judge(o, op, rnp_op_verify_execute(op), ret_signer, reterr);
}
