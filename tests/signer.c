/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys for tests, by librnp. */
#include "signer.h"
#include "os/file.h"

#include <ctype.h>
#include <rnp/rnp.h>
#include <rnp/rnp_err.h>
#include <stdlib.h>

struct signer {
        rnp_ffi_t ffi;
        rnp_key_handle_t key;
        uint64_t signs;
        char *fingerprint;
};

void signer_free(struct signer *s)
{
        if (!s)
                return;
        rnp_buffer_destroy(s->fingerprint);
        rnp_key_handle_destroy(s->key);
        rnp_ffi_destroy(s->ffi);
        free(s);
}

static bool generate(struct signer *s, const struct signer_options *o)
{
        rnp_op_generate_t op = NULL;
        bool ok = rnp_ffi_create(&s->ffi, "GPG", "GPG") == RNP_SUCCESS;
        if (ok && o->created)
                ok = rnp_set_timestamp(s->ffi, o->created) == RNP_SUCCESS;
        ok = ok && rnp_op_generate_create(&op, s->ffi, "EDDSA") == RNP_SUCCESS &&
             rnp_op_generate_set_userid(op, "Test archive") == RNP_SUCCESS &&
             rnp_op_generate_set_expiration(op, o->lifetime) == RNP_SUCCESS &&
             rnp_op_generate_execute(op) == RNP_SUCCESS &&
             rnp_op_generate_get_key(op, &s->key) == RNP_SUCCESS;
        rnp_op_generate_destroy(op);
        return ok;
}

struct signer *signer_new(const struct signer_options *options)
{
        struct signer *s = calloc(1, sizeof(*s));
        if (!s || !generate(s, options)) {
                signer_free(s);
                return NULL;
        }
        s->signs = options->signs;
        if (options->revoked &&
            rnp_key_revoke(s->key, 0, "SHA256", "compromised", "test") != RNP_SUCCESS) {
                signer_free(s);
                return NULL;
        }
        return s;
}

const char *signer_fingerprint(struct signer *s)
{
        if (!s->fingerprint && rnp_key_get_fprint(s->key, &s->fingerprint) != RNP_SUCCESS)
                return NULL;
        for (char *c = s->fingerprint; *c; c++)
                *c = (char) tolower((unsigned char) *c);
        return s->fingerprint;
}

bool signer_export(struct signer *s, const char *path, bool armour)
{
        rnp_output_t out = NULL;
        uint8_t *data = NULL;
        size_t size = 0;
        uint32_t flags = RNP_KEY_EXPORT_PUBLIC | (armour ? RNP_KEY_EXPORT_ARMORED : 0);
        ingot_error error;
        bool ok = rnp_output_to_memory(&out, 0) == RNP_SUCCESS &&
                  rnp_key_export(s->key, out, flags) == RNP_SUCCESS &&
                  rnp_output_memory_get_buf(out, &data, &size, false) == RNP_SUCCESS &&
                  ingot_outfile_put(path, data, size, 0644, &error) == 0;
        rnp_output_destroy(out);
        return ok;
}

bool signer_secret(struct signer *s, const char *passphrase, struct ingot_buffer *ret)
{
        rnp_output_t out = NULL;
        uint8_t *data = NULL;
        size_t size = 0;
        ingot_error error;
        bool ok = !passphrase ||
                  rnp_key_protect(s->key, passphrase, NULL, NULL, NULL, 0) == RNP_SUCCESS;
        ok = ok && rnp_output_to_memory(&out, 0) == RNP_SUCCESS &&
             rnp_key_export(s->key, out, RNP_KEY_EXPORT_SECRET) == RNP_SUCCESS &&
             rnp_output_memory_get_buf(out, &data, &size, false) == RNP_SUCCESS &&
             ingot_buffer_append(ret, data, size, &error) == 0;
        rnp_output_destroy(out);
        return ok;
}

static bool sign(struct signer *s, const char *text, const char *hash, bool detached,
                 struct ingot_buffer *ret)
{
        rnp_input_t in = NULL;
        rnp_output_t out = NULL;
        rnp_op_sign_t op = NULL;
        uint8_t *data = NULL;
        size_t size = 0;
        ingot_error error;
        bool ok = rnp_input_from_memory(&in, (const uint8_t *) text, strlen(text), false) ==
                          RNP_SUCCESS &&
                  rnp_output_to_memory(&out, 0) == RNP_SUCCESS;
        ok = ok && (detached ? rnp_op_sign_detached_create(&op, s->ffi, in, out)
                             : rnp_op_sign_cleartext_create(&op, s->ffi, in, out)) == RNP_SUCCESS;
        if (ok && s->signs)
                ok = rnp_op_sign_set_creation_time(op, (uint32_t) s->signs) == RNP_SUCCESS;
        ok = ok && rnp_op_sign_set_hash(op, hash) == RNP_SUCCESS &&
             rnp_op_sign_add_signature(op, s->key, NULL) == RNP_SUCCESS &&
             rnp_op_sign_execute(op) == RNP_SUCCESS &&
             rnp_output_memory_get_buf(out, &data, &size, false) == RNP_SUCCESS &&
             ingot_buffer_append(ret, data, size, &error) == 0;
        rnp_op_sign_destroy(op);
        rnp_input_destroy(in);
        rnp_output_destroy(out);
        return ok;
}

bool signer_clear(struct signer *s, const char *text, const char *hash, struct ingot_buffer *ret)
{
        return sign(s, text, hash, false, ret);
}

bool signer_detached(struct signer *s, const char *text, const char *hash, struct ingot_buffer *ret)
{
        return sign(s, text, hash, true, ret);
}
