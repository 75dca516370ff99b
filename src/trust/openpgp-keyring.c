/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key files in librnp, and which of them a key came from. */
#include "trust/openpgp-keyring.h"
#include "base/cleanup.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048

void ingot_openpgp_keyring_done(struct ingot_openpgp_keyring *k)
{
        for (size_t i = 0; k->imported && i < k->files->count; i++)
                json_object_put(k->imported[i]);
        free(k->imported);
        ffi_destroy(&k->ffi);
        *k = (struct ingot_openpgp_keyring){0};
}

/* The keys of a file. It may hold keys of kinds that librnp does not know: those are passed over.
 */
static int load_file(struct ingot_openpgp_keyring *k, size_t index, ingot_error *reterr)
{
        struct ingot_span data = ingot_buffer_span(&k->files->items[index].content);
        _cleanup_(input_destroy) rnp_input_t in = NULL;
        _cleanup_(buffer_destroy) char *results = NULL;
        size_t before = 0, after = 0;
        rnp_get_public_key_count(k->ffi, &before);
        if (rnp_input_from_memory(&in, data.data, data.size, false) != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        rnp_result_t e = rnp_import_keys(
                k->ffi, in, RNP_LOAD_SAVE_PUBLIC_KEYS | RNP_LOAD_SAVE_PERMISSIVE, &results);
        rnp_get_public_key_count(k->ffi, &after);
        k->imported[index] = results ? json_tokener_parse(results) : NULL;
        struct json_object *keys = json_object_object_get(k->imported[index], "keys");
        if (e != RNP_SUCCESS || (after == before && json_object_array_length(keys) == 0))
                return ingot_fail(reterr, INGOT_E_FORMAT, "holds no OpenPGP key%s%s",
                                  e != RNP_SUCCESS ? ": " : "",
                                  e != RNP_SUCCESS ? rnp_result_to_string(e) : "");
        return 0;
}

int ingot_openpgp_keyring_load(struct ingot_openpgp_keyring *ret,
                               const struct ingot_key_files *files, uint64_t time,
                               struct ingot_verdict *v, ingot_error *reterr)
{
        _cleanup_openpgp_keyring_ struct ingot_openpgp_keyring k = {.files = files};
        int r = 0;
        k.imported = calloc(files->count + 1, sizeof(*k.imported));
        if (!k.imported || rnp_ffi_create(&k.ffi, "GPG", "GPG") != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        if (rnp_set_timestamp(k.ffi, time) != RNP_SUCCESS)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "set the time of librnp");
        for (size_t i = 0; r >= 0 && i < files->count; i++) {
                if (files->items[i].technology != INGOT_TECHNOLOGY_OPENPGP)
                        continue;
                r = load_file(&k, i, reterr);
                if (r < 0)
                        r = ingot_verdict_bad_key(v, &files->items[i], r, reterr);
        }
        if (r < 0)
                return r;
        *ret = k;
        k = (struct ingot_openpgp_keyring){0};
        return 0;
}

static bool has(struct json_object *imported, const char *fingerprint)
{
        struct json_object *keys = json_object_object_get(imported, "keys"), *print;
        for (size_t i = 0; keys && i < json_object_array_length(keys); i++)
                if (json_object_object_get_ex(json_object_array_get_idx(keys, i), "fingerprint",
                                              &print) &&
                    strcasecmp(json_object_get_string(print), fingerprint) == 0)
                        return true;
        return false;
}

const struct ingot_key_file *ingot_openpgp_keyring_file(const struct ingot_openpgp_keyring *k,
                                                        const char *fingerprint, bool anchor)
{
        const struct ingot_key_file *found = NULL;
        for (size_t i = 0; i < k->files->count; i++) {
                const struct ingot_key_file *f = k->files->items + i;
                if (f->anchor == anchor && (!found || (found->load_path && !f->load_path)) &&
                    has(k->imported[i], fingerprint))
                        found = f;
        }
        return found;
}

bool ingot_openpgp_hash_strong(const char *hash)
{
        static const char *const strong[] = {"SHA224", "SHA256",   "SHA384",
                                             "SHA512", "SHA3-256", "SHA3-512"};
        for (size_t i = 0; i < ARRAY_SIZE(strong); i++)
                if (strcmp(hash, strong[i]) == 0)
                        return true;
        return false;
}

const char *ingot_openpgp_key_fault(rnp_key_handle_t key, uint64_t time)
{
        _cleanup_(buffer_destroy) char *algorithm = NULL;
        bool revoked = true;
        uint64_t until = 0;
        uint32_t bits = 0;
        if (rnp_key_is_revoked(key, &revoked) != RNP_SUCCESS || revoked)
                return "the key is revoked";
        if (rnp_key_valid_till64(key, &until) != RNP_SUCCESS || until == 0)
                return "the key is not valid";
        if (until != UINT64_MAX && until < time)
                return "the key was expired when it signed";
        if (rnp_key_get_alg(key, &algorithm) != RNP_SUCCESS ||
            rnp_key_get_bits(key, &bits) != RNP_SUCCESS)
                return "the key is of an unknown kind";
        if ((strcmp(algorithm, "RSA") == 0 && bits < RSA_BITS_MIN) || strcmp(algorithm, "DSA") == 0)
                return "the key is weak";
        return NULL;
}
