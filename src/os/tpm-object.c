/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The storage root key, and secrets sealed to it. */
#include "base/cleanup.h"
#include "os/tpm-esys.h"

#include <string.h>

/*
 * TCG EK Credential Profile for TPM Family 2.0, template L-2 with the attributes of a storage key
 * (TCG TPM v2.0 Provisioning Guidance, section 7.5.1): the same template gives the same key until
 * the TPM is cleared.
 */
static const TPM2B_PUBLIC srk_template = {
        .publicArea =
                {
                        .type = TPM2_ALG_ECC,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                            TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
                                            TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
                        .parameters.eccDetail =
                                {
                                        .symmetric = {.algorithm = TPM2_ALG_AES,
                                                      .keyBits.aes = 128,
                                                      .mode.aes = TPM2_ALG_CFB},
                                        .scheme.scheme = TPM2_ALG_NULL,
                                        .curveID = TPM2_ECC_NIST_P256,
                                        .kdf.scheme = TPM2_ALG_NULL,
                                },
                },
};

/* A new one, which another program may have put there in between. */
static int create_srk(struct ingot_tpm *t, ingot_error *reterr)
{
        static const TPM2B_SENSITIVE_CREATE nothing = {0};
        static const TPM2B_DATA no_data = {0};
        static const TPML_PCR_SELECTION no_pcrs = {0};
        ESYS_TR primary = ESYS_TR_NONE;
        TPM2B_PUBLIC *public = NULL;
        TSS2_RC rc = t->call->Esys_CreatePrimary(
                t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &nothing,
                &srk_template, &no_data, &no_pcrs, &primary, &public, NULL, NULL, NULL);
        if (rc)
                return tpm_fail(t, rc, reterr, "make the storage root key");
        t->call->Esys_Free(public);
        rc = t->call->Esys_EvictControl(t->esys, ESYS_TR_RH_OWNER, primary, ESYS_TR_PASSWORD,
                                        ESYS_TR_NONE, ESYS_TR_NONE, INGOT_TPM_SRK, &t->srk);
        tpm_flush(t, primary);
        return rc ? tpm_fail(t, rc, reterr, "keep the storage root key at %#x", INGOT_TPM_SRK) : 0;
}

int tpm_srk_open(struct ingot_tpm *t, ingot_error *reterr)
{
        if (t->srk != ESYS_TR_NONE)
                return 0;
        TSS2_RC rc = t->call->Esys_TR_FromTPMPublic(t->esys, INGOT_TPM_SRK, ESYS_TR_NONE,
                                                    ESYS_TR_NONE, ESYS_TR_NONE, &t->srk);
        if (!rc)
                return 0;
        t->srk = ESYS_TR_NONE;
        if (tpm_code(rc) == TPM2_RC_HANDLE)
                return create_srk(t, reterr);
        return tpm_fail(t, rc, reterr, "find the storage root key");
}

int ingot_tpm_srk(struct ingot_tpm *t, struct ingot_buffer *ret, ingot_error *reterr)
{
        int r = tpm_srk_open(t, reterr);
        if (r < 0 || !ret)
                return r;
        uint8_t *bytes = NULL;
        size_t size = 0;
        TSS2_RC rc = t->call->Esys_TR_Serialize(t->esys, t->srk, &bytes, &size);
        if (rc)
                return tpm_fail(t, rc, reterr, "serialize the storage root key");
        r = ingot_buffer_append(ret, bytes, size, reterr);
        t->call->Esys_Free(bytes);
        return r;
}

/* The names of both: the handle may differ. */
static int same_name(struct ingot_tpm *t, ESYS_TR a, ESYS_TR b, bool *ret, ingot_error *reterr)
{
        TPM2B_NAME *x = NULL, *y = NULL;
        TSS2_RC rc = t->call->Esys_TR_GetName(t->esys, a, &x);
        if (!rc)
                rc = t->call->Esys_TR_GetName(t->esys, b, &y);
        if (!rc)
                *ret = x->size == y->size && memcmp(x->name, y->name, x->size) == 0;
        t->call->Esys_Free(x);
        t->call->Esys_Free(y);
        return rc ? tpm_fail(t, rc, reterr, "compare storage root keys") : 0;
}

int ingot_tpm_srk_check(struct ingot_tpm *t, struct ingot_span serialized, ingot_error *reterr)
{
        ESYS_TR given = ESYS_TR_NONE;
        bool same = false;
        int r = tpm_srk_open(t, reterr);
        if (r < 0)
                return r;
        TSS2_RC rc =
                t->call->Esys_TR_Deserialize(t->esys, serialized.data, serialized.size, &given);
        if (rc)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the storage root key is malformed");
        r = same_name(t, given, t->srk, &same, reterr);
        t->call->Esys_TR_Close(t->esys, &given);
        if (r < 0 || same)
                return r;
        return ingot_fail(
                reterr, INGOT_E_REFUSED,
                "sealed by another TPM, or before this one was cleared: only the recovery "
                "key helps; then seal anew");
}

int ingot_tpm_seal(struct ingot_tpm *t, const uint8_t policy[INGOT_SHA256_SIZE],
                   struct ingot_span secret, struct ingot_buffer *ret_private,
                   struct ingot_buffer *ret_public, ingot_error *reterr)
{
        static const TPM2B_DATA no_data = {0};
        static const TPML_PCR_SELECTION no_pcrs = {0};
        TPM2B_PUBLIC template = {.publicArea = {.type = TPM2_ALG_KEYEDHASH,
                                                .nameAlg = TPM2_ALG_SHA256,
                                                .objectAttributes = TPMA_OBJECT_FIXEDTPM |
                                                                    TPMA_OBJECT_FIXEDPARENT |
                                                                    TPMA_OBJECT_NODA,
                                                .authPolicy.size = INGOT_SHA256_SIZE}};
        TPM2B_SENSITIVE_CREATE sensitive = {0};
        TPM2B_PRIVATE *private = NULL;
        TPM2B_PUBLIC *public = NULL;
        ESYS_TR session = ESYS_TR_NONE;
        if (secret.size == 0 || secret.size > INGOT_TPM_SECRET_MAX)
                return ingot_fail(
                        reterr, secret.size ? INGOT_E_LIMIT : INGOT_E_USAGE,
                        "a TPM seals 1 to %d bytes, not %zu: seal a key, and encrypt with "
                        "it",
                        INGOT_TPM_SECRET_MAX, secret.size);
        template.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
        memcpy(template.publicArea.authPolicy.buffer, policy, INGOT_SHA256_SIZE);
        int r = tpm_session_start(t, TPM2_SE_HMAC, &session, reterr);
        if (r < 0)
                return r;
        sensitive.sensitive.data.size = (UINT16) secret.size;
        memcpy(sensitive.sensitive.data.buffer, secret.data, secret.size);
        TSS2_RC rc = t->call->Esys_Create(t->esys, t->srk, session, ESYS_TR_NONE, ESYS_TR_NONE,
                                          &sensitive, &template, &no_data, &no_pcrs, &private,
                                          &public, NULL, NULL, NULL);
        explicit_bzero(&sensitive, sizeof(sensitive));
        tpm_flush(t, session);
        if (rc)
                return tpm_fail(t, rc, reterr, "seal");
        r = TPM_MARSHAL(t->call, TPM2B_PRIVATE, private, ret_private, reterr);
        if (r >= 0)
                r = TPM_MARSHAL(t->call, TPM2B_PUBLIC, public, ret_public, reterr);
        t->call->Esys_Free(private);
        t->call->Esys_Free(public);
        return r;
}

static int load_sealed(struct ingot_tpm *t, struct ingot_span blob, ESYS_TR *ret,
                       ingot_error *reterr)
{
        TPM2B_PRIVATE private = {0};
        TPM2B_PUBLIC public = {0};
        ESYS_TR session = ESYS_TR_NONE;
        size_t at = 0;
        if (t->call->Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob.data, blob.size, &at, &private) ||
            t->call->Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob.data, blob.size, &at, &public) ||
            at != blob.size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the sealed object is malformed");
        int r = tpm_session_start(t, TPM2_SE_HMAC, &session, reterr);
        if (r < 0)
                return r;
        TSS2_RC rc = t->call->Esys_Load(t->esys, t->srk, session, ESYS_TR_NONE, ESYS_TR_NONE,
                                        &private, &public, ret);
        tpm_flush(t, session);
        return rc ? tpm_fail(t, rc, reterr, "load the sealed object") : 0;
}

int ingot_tpm_unseal(const struct ingot_tpm_session *s, struct ingot_span blob,
                     struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_tpm *t = s->tpm;
        ESYS_TR object = ESYS_TR_NONE;
        TPM2B_SENSITIVE_DATA *secret = NULL;
        int r = load_sealed(t, blob, &object, reterr);
        if (r < 0)
                return r;
        TSS2_RC rc = t->call->Esys_Unseal(t->esys, object, s->handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                          &secret);
        tpm_flush(t, object);
        if (rc)
                return tpm_fail(t, rc, reterr, "unseal");
        r = ingot_buffer_append(ret, secret->buffer, secret->size, reterr);
        explicit_bzero(secret, sizeof(*secret));
        t->call->Esys_Free(secret);
        return r;
}
