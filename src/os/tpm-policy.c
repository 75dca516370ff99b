/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions, and what a policy is made of (TPM 2.0 Library, part 3, section 23). */
#include "base/cleanup.h"
#include "os/tpm-esys.h"

#include <string.h>

void tpm_flush(struct ingot_tpm *t, ESYS_TR handle)
{
        if (handle != ESYS_TR_NONE)
                (void) t->call->Esys_FlushContext(t->esys, handle);
}

int tpm_session_start(struct ingot_tpm *t, TPM2_SE type, ESYS_TR *ret, ingot_error *reterr)
{
        static const TPMT_SYM_DEF aes = {
                .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
        static const TPMA_SESSION attributes =
                TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION;
        ESYS_TR session = ESYS_TR_NONE;
        int r = tpm_srk_open(t, reterr);
        if (r < 0)
                return r;
        TSS2_RC rc = t->call->Esys_StartAuthSession(t->esys, t->srk, ESYS_TR_NONE, ESYS_TR_NONE,
                                                    ESYS_TR_NONE, ESYS_TR_NONE, NULL, type, &aes,
                                                    TPM2_ALG_SHA256, &session);
        if (!rc)
                rc = t->call->Esys_TRSess_SetAttributes(t->esys, session, attributes, 0xff);
        if (rc) {
                tpm_flush(t, session);
                return tpm_fail(t, rc, reterr, "start a session");
        }
        *ret = session;
        return 0;
}

int ingot_tpm_session_start(struct ingot_tpm *t, struct ingot_tpm_session *ret, ingot_error *reterr)
{
        ESYS_TR handle;
        int r = tpm_session_start(t, TPM2_SE_POLICY, &handle, reterr);
        if (r >= 0)
                *ret = (struct ingot_tpm_session){.tpm = t, .handle = handle};
        return r;
}

void ingot_tpm_session_end(struct ingot_tpm_session *s)
{
        if (s->tpm)
                tpm_flush(s->tpm, s->handle);
        *s = (struct ingot_tpm_session){0};
}

int ingot_tpm_policy_pcr(const struct ingot_tpm_session *s, uint16_t algorithm, uint32_t pcrs,
                         ingot_error *reterr)
{
        TPML_PCR_SELECTION selection;
        tpm_select(&selection, algorithm, pcrs);
        TSS2_RC rc = s->tpm->call->Esys_PolicyPCR(s->tpm->esys, s->handle, ESYS_TR_NONE,
                                                  ESYS_TR_NONE, ESYS_TR_NONE, NULL, &selection);
        return rc ? tpm_fail(s->tpm, rc, reterr, "PolicyPCR") : 0;
}

int ingot_tpm_policy_or(const struct ingot_tpm_session *s,
                        const uint8_t (*branches)[INGOT_SHA256_SIZE], size_t count,
                        ingot_error *reterr)
{
        TPML_DIGEST list = {.count = (UINT32) count};
        if (count < 2 || count > ARRAY_SIZE(list.digests))
                return ingot_fail(reterr, INGOT_E_LIMIT, "PolicyOR of %zu branches: it has 2 to 8",
                                  count);
        for (size_t i = 0; i < count; i++) {
                list.digests[i].size = INGOT_SHA256_SIZE;
                memcpy(list.digests[i].buffer, branches[i], INGOT_SHA256_SIZE);
        }
        TSS2_RC rc = s->tpm->call->Esys_PolicyOR(s->tpm->esys, s->handle, ESYS_TR_NONE,
                                                 ESYS_TR_NONE, ESYS_TR_NONE, &list);
        return rc ? tpm_fail(s->tpm, rc, reterr, "PolicyOR") : 0;
}

int ingot_tpm_policy_digest(const struct ingot_tpm_session *s, uint8_t ret[INGOT_SHA256_SIZE],
                            ingot_error *reterr)
{
        TPM2B_DIGEST *digest = NULL;
        TSS2_RC rc = s->tpm->call->Esys_PolicyGetDigest(s->tpm->esys, s->handle, ESYS_TR_NONE,
                                                        ESYS_TR_NONE, ESYS_TR_NONE, &digest);
        if (rc)
                return tpm_fail(s->tpm, rc, reterr, "PolicyGetDigest");
        int r = digest->size == INGOT_SHA256_SIZE
                        ? 0
                        : ingot_fail(reterr, INGOT_E_FORMAT, "the TPM's policy is no SHA-256");
        if (r >= 0)
                memcpy(ret, digest->buffer, INGOT_SHA256_SIZE);
        s->tpm->call->Esys_Free(digest);
        return r;
}

int ingot_tpm_policy_authorize_nv(const struct ingot_tpm_session *s, uint32_t index,
                                  ingot_error *reterr)
{
        struct ingot_tpm *t = s->tpm;
        ESYS_TR nv = ESYS_TR_NONE;
        TSS2_RC rc = t->call->Esys_TR_FromTPMPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE,
                                                    ESYS_TR_NONE, &nv);
        if (rc)
                return tpm_fail(t, rc, reterr, "NV index %#x", index);
        rc = t->call->Esys_PolicyAuthorizeNV(t->esys, ESYS_TR_RH_OWNER, nv, s->handle,
                                             ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
        (void) t->call->Esys_TR_Close(t->esys, &nv);
        return rc ? tpm_fail(t, rc, reterr, "PolicyAuthorizeNV with NV index %#x", index) : 0;
}

/* ---- RSA: TPM2_PolicyAuthorize ---- */

/* As systemd loads keys of PCR policies: any use, no scheme, the exponent written out though 0
 * would stand for the usual one. Its name depends on all of that. */
static int rsa_public(const struct ingot_tpm_rsa *key, TPM2B_PUBLIC *ret, ingot_error *reterr)
{
        TPM2B_PUBLIC p = {.publicArea = {.type = TPM2_ALG_RSA,
                                         .nameAlg = TPM2_ALG_SHA256,
                                         .objectAttributes = TPMA_OBJECT_DECRYPT |
                                                             TPMA_OBJECT_SIGN_ENCRYPT |
                                                             TPMA_OBJECT_USERWITHAUTH}};
        TPMS_RSA_PARMS *rsa = &p.publicArea.parameters.rsaDetail;
        TPM2B_PUBLIC_KEY_RSA *modulus = &p.publicArea.unique.rsa;
        if (key->modulus.size == 0 || key->modulus.size > sizeof(modulus->buffer))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "no TPM takes an RSA key of %zu bits", 8 * key->modulus.size);
        rsa->symmetric.algorithm = TPM2_ALG_NULL;
        rsa->scheme.scheme = TPM2_ALG_NULL;
        rsa->keyBits = (UINT16) (8 * key->modulus.size);
        rsa->exponent = key->exponent;
        modulus->size = (UINT16) key->modulus.size;
        memcpy(modulus->buffer, key->modulus.data, key->modulus.size);
        *ret = p;
        return 0;
}

int ingot_tpm_rsa_public(const struct ingot_tpm_rsa *key, struct ingot_buffer *ret,
                         ingot_error *reterr)
{
        const struct tpm_functions *call;
        TPM2B_PUBLIC p;
        int r = rsa_public(key, &p, reterr);
        if (r >= 0)
                r = tpm_library_load(&call, reterr);
        return r < 0 ? r : TPM_MARSHAL(call, TPMT_PUBLIC, &p.publicArea, ret, reterr);
}

static int verify(struct ingot_tpm *t, ESYS_TR key, const uint8_t digest[INGOT_SHA256_SIZE],
                  struct ingot_span signature, TPMT_TK_VERIFIED **ret, ingot_error *reterr)
{
        TPM2B_DIGEST d = {.size = INGOT_SHA256_SIZE};
        TPMT_SIGNATURE s = {.sigAlg = TPM2_ALG_RSASSA};
        memcpy(d.buffer, digest, INGOT_SHA256_SIZE);
        s.signature.rsassa.hash = TPM2_ALG_SHA256;
        if (signature.size > sizeof(s.signature.rsassa.sig.buffer))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a signature of %zu bytes",
                                  signature.size);
        s.signature.rsassa.sig.size = (UINT16) signature.size;
        memcpy(s.signature.rsassa.sig.buffer, signature.data, signature.size);
        TSS2_RC rc = t->call->Esys_VerifySignature(t->esys, key, ESYS_TR_NONE, ESYS_TR_NONE,
                                                   ESYS_TR_NONE, &d, &s, ret);
        return rc ? tpm_fail(t, rc, reterr, "check the policy's signature") : 0;
}

static int authorize(const struct ingot_tpm_session *s, ESYS_TR key, struct ingot_span reference,
                     struct ingot_span signature, ingot_error *reterr)
{
        struct ingot_tpm *t = s->tpm;
        uint8_t both[2 * INGOT_SHA256_SIZE], digest[INGOT_SHA256_SIZE];
        TPM2B_DIGEST approved = {.size = INGOT_SHA256_SIZE};
        TPM2B_NONCE ref = {.size = (UINT16) reference.size};
        TPMT_TK_VERIFIED *ticket = NULL;
        TPM2B_NAME *name = NULL;
        if (reference.size > INGOT_SHA256_SIZE)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a policy reference of %zu bytes",
                                  reference.size);
        int r = ingot_tpm_policy_digest(s, both, reterr);
        if (r < 0)
                return r;
        if (reference.size > 0) {
                memcpy(both + INGOT_SHA256_SIZE, reference.data, reference.size);
                memcpy(ref.buffer, reference.data, reference.size);
        }
        memcpy(approved.buffer, both, INGOT_SHA256_SIZE);
        ingot_sha256_of(both, INGOT_SHA256_SIZE + reference.size, digest);
        r = verify(t, key, digest, signature, &ticket, reterr);
        if (r < 0)
                return r;
        TSS2_RC rc = t->call->Esys_TR_GetName(t->esys, key, &name);
        if (!rc)
                rc = t->call->Esys_PolicyAuthorize(t->esys, s->handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                                   ESYS_TR_NONE, &approved, &ref, name, ticket);
        t->call->Esys_Free(name);
        t->call->Esys_Free(ticket);
        return rc ? tpm_fail(t, rc, reterr, "PolicyAuthorize") : 0;
}

int ingot_tpm_policy_authorize(const struct ingot_tpm_session *s, const struct ingot_tpm_rsa *key,
                               struct ingot_span reference, struct ingot_span signature,
                               ingot_error *reterr)
{
        struct ingot_tpm *t = s->tpm;
        ESYS_TR handle = ESYS_TR_NONE;
        TPM2B_PUBLIC public;
        int r = rsa_public(key, &public, reterr);
        if (r < 0)
                return r;
        TSS2_RC rc = t->call->Esys_LoadExternal(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                                NULL, &public, ESYS_TR_RH_OWNER, &handle);
        if (rc)
                return tpm_fail(t, rc, reterr, "load the policy's key");
        r = authorize(s, handle, reference, signature, reterr);
        tpm_flush(t, handle);
        return r;
}

/* ---- HMAC: TPM2_PolicySigned ---- */

/* The seed is zeros, so that the public area depends on the secret alone. */
static void hmac_public(struct ingot_span secret, TPM2B_PUBLIC *ret)
{
        struct ingot_sha256 h;
        uint8_t seed[INGOT_SHA256_SIZE] = {0};
        TPM2B_PUBLIC p = {.publicArea = {.type = TPM2_ALG_KEYEDHASH,
                                         .nameAlg = TPM2_ALG_SHA256,
                                         .objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT,
                                         .unique.keyedHash.size = INGOT_SHA256_SIZE}};
        TPMT_KEYEDHASH_SCHEME *scheme = &p.publicArea.parameters.keyedHashDetail.scheme;
        scheme->scheme = TPM2_ALG_HMAC;
        scheme->details.hmac.hashAlg = TPM2_ALG_SHA256;
        ingot_sha256_init(&h);
        ingot_sha256_update(&h, seed, sizeof(seed));
        ingot_sha256_update(&h, secret.data, secret.size);
        ingot_sha256_final(&h, p.publicArea.unique.keyedHash.buffer);
        *ret = p;
}

static int load_hmac(struct ingot_tpm *t, struct ingot_span secret, ESYS_TR *ret,
                     ingot_error *reterr)
{
        TPM2B_PUBLIC public;
        TPM2B_SENSITIVE sensitive = {
                .sensitiveArea = {.sensitiveType = TPM2_ALG_KEYEDHASH,
                                  .seedValue.size = INGOT_SHA256_SIZE,
                                  .sensitive.bits.size = (UINT16) secret.size}};
        if (secret.size > INGOT_TPM_SECRET_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a key of %zu bytes", secret.size);
        hmac_public(secret, &public);
        memcpy(sensitive.sensitiveArea.sensitive.bits.buffer, secret.data, secret.size);
        TSS2_RC rc = t->call->Esys_LoadExternal(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                                &sensitive, &public, ESYS_TR_RH_NULL, ret);
        explicit_bzero(&sensitive, sizeof(sensitive));
        return rc ? tpm_fail(t, rc, reterr, "load the key of a PIN") : 0;
}

int ingot_tpm_policy_signed(const struct ingot_tpm_session *s, struct ingot_span secret,
                            ingot_error *reterr)
{
        struct ingot_tpm *t = s->tpm;
        ESYS_TR key = ESYS_TR_NONE;
        TPM2B_NONCE *nonce = NULL;
        TPMT_SIGNATURE signature = {.sigAlg = TPM2_ALG_HMAC};
        uint8_t message[sizeof(nonce->buffer) + 4] = {0}, digest[INGOT_SHA256_SIZE];
        int r = load_hmac(t, secret, &key, reterr);
        if (r < 0)
                return r;
        TSS2_RC rc = t->call->Esys_TRSess_GetNonceTPM(t->esys, s->handle, &nonce);
        if (!rc) {
                /* aHash: nonceTPM ‖ expiration (0, four bytes) ‖ cpHashA (none) ‖ policyRef (none)
                 */
                memcpy(message, nonce->buffer, nonce->size);
                ingot_sha256_of(message, nonce->size + 4U, digest);
                signature.signature.hmac.hashAlg = TPM2_ALG_SHA256;
                ingot_hmac_sha256(secret.data, secret.size, digest, sizeof(digest),
                                  signature.signature.hmac.digest.sha256);
                rc = t->call->Esys_PolicySigned(t->esys, key, s->handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                                ESYS_TR_NONE, nonce, NULL, NULL, 0, &signature,
                                                NULL, NULL);
                t->call->Esys_Free(nonce);
        }
        tpm_flush(t, key);
        return rc ? tpm_fail(t, rc, reterr, "PolicySigned") : 0;
}
