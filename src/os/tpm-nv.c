/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NV indexes (TPM 2.0 Library, part 3, section 31). */
#include "base/cleanup.h"
#include "os/tpm-esys.h"

#include <string.h>

static int open_index(struct ingot_tpm *t, uint32_t index, ESYS_TR *ret, ingot_error *reterr)
{
        TSS2_RC rc = t->call->Esys_TR_FromTPMPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE,
                                                    ESYS_TR_NONE, ret);
        return rc ? tpm_fail(t, rc, reterr, "NV index %#x", index) : 0;
}

/* The TPM lists handles in order, from FIRST on. */
static int find_free(struct ingot_tpm *t, uint32_t *ret, ingot_error *reterr)
{
        uint32_t free_index = INGOT_TPM_NV_FIRST;
        for (bool more = true; more;) {
                TPMS_CAPABILITY_DATA *c = NULL;
                TPMI_YES_NO rest = TPM2_NO;
                TSS2_RC rc = t->call->Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
                                                         ESYS_TR_NONE, TPM2_CAP_HANDLES, free_index,
                                                         TPM2_MAX_CAP_HANDLES, &rest, &c);
                if (rc)
                        return tpm_fail(t, rc, reterr, "list NV indexes");
                const TPML_HANDLE *list = &c->data.handles;
                uint32_t i = 0;
                while (i < list->count && list->handle[i] == free_index) {
                        i++;
                        free_index++;
                }
                more = rest && i > 0 && i == list->count;
                t->call->Esys_Free(c);
        }
        if (free_index > INGOT_TPM_NV_LAST)
                return ingot_fail(reterr, INGOT_E_SPACE, "the TPM has no free NV index");
        *ret = free_index;
        return 0;
}

int ingot_tpm_nv_define(struct ingot_tpm *t, uint32_t index,
                        const uint8_t policy[INGOT_SHA256_SIZE], uint16_t size, uint32_t *ret_index,
                        ingot_error *reterr)
{
        static const TPM2B_AUTH no_auth = {0};
        ESYS_TR nv = ESYS_TR_NONE;
        int r = index ? 0 : find_free(t, &index, reterr);
        if (r < 0)
                return r;
        TPM2B_NV_PUBLIC public = {.nvPublic = {.nvIndex = index,
                                               .nameAlg = TPM2_ALG_SHA256,
                                               .attributes = TPMA_NV_POLICYWRITE |
                                                             TPMA_NV_WRITEALL | TPMA_NV_OWNERREAD,
                                               .authPolicy.size = INGOT_SHA256_SIZE,
                                               .dataSize = size}};
        memcpy(public.nvPublic.authPolicy.buffer, policy, INGOT_SHA256_SIZE);
        TSS2_RC rc =
                t->call->Esys_NV_DefineSpace(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
                                             ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &public, &nv);
        if (rc)
                return tpm_fail(t, rc, reterr, "define NV index %#x", index);
        (void) t->call->Esys_TR_Close(t->esys, &nv);
        *ret_index = index;
        return 0;
}

int ingot_tpm_nv_undefine(struct ingot_tpm *t, uint32_t index, ingot_error *reterr)
{
        ESYS_TR nv = ESYS_TR_NONE;
        int r = open_index(t, index, &nv, reterr);
        if (r < 0)
                return r;
        TSS2_RC rc = t->call->Esys_NV_UndefineSpace(t->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD,
                                                    ESYS_TR_NONE, ESYS_TR_NONE);
        return rc ? tpm_fail(t, rc, reterr, "remove NV index %#x", index) : 0;
}

int ingot_tpm_nv_write(const struct ingot_tpm_session *s, uint32_t index, struct ingot_span data,
                       ingot_error *reterr)
{
        struct ingot_tpm *t = s->tpm;
        TPM2B_MAX_NV_BUFFER buffer = {.size = (UINT16) data.size};
        ESYS_TR nv = ESYS_TR_NONE;
        if (data.size > sizeof(buffer.buffer))
                return ingot_fail(reterr, INGOT_E_LIMIT, "%zu bytes for an NV index", data.size);
        memcpy(buffer.buffer, data.data, data.size);
        int r = open_index(t, index, &nv, reterr);
        if (r < 0)
                return r;
        TSS2_RC rc = t->call->Esys_NV_Write(t->esys, nv, nv, s->handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                            &buffer, 0);
        (void) t->call->Esys_TR_Close(t->esys, &nv);
        return rc ? tpm_fail(t, rc, reterr, "write NV index %#x", index) : 0;
}

static int read_public(struct ingot_tpm *t, ESYS_TR nv, TPM2B_NV_PUBLIC **ret_public,
                       TPM2B_NAME **ret_name, ingot_error *reterr)
{
        TSS2_RC rc = t->call->Esys_NV_ReadPublic(t->esys, nv, ESYS_TR_NONE, ESYS_TR_NONE,
                                                 ESYS_TR_NONE, ret_public, ret_name);
        return rc ? tpm_fail(t, rc, reterr, "read what an NV index is") : 0;
}

static int read_data(struct ingot_tpm *t, ESYS_TR nv, uint16_t size, struct ingot_buffer *ret,
                     ingot_error *reterr)
{
        TPM2B_MAX_NV_BUFFER *data = NULL;
        TSS2_RC rc = t->call->Esys_NV_Read(t->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD,
                                           ESYS_TR_NONE, ESYS_TR_NONE, size, 0, &data);
        if (tpm_code(rc) == TPM2_RC_NV_UNINITIALIZED)
                return 1;
        if (rc)
                return tpm_fail(t, rc, reterr, "read an NV index");
        int r = ingot_buffer_append(ret, data->buffer, data->size, reterr);
        t->call->Esys_Free(data);
        return r;
}

int ingot_tpm_nv_read(struct ingot_tpm *t, uint32_t index, struct ingot_buffer *ret,
                      ingot_error *reterr)
{
        TPM2B_NV_PUBLIC *public = NULL;
        TPM2B_NAME *name = NULL;
        ESYS_TR nv = ESYS_TR_NONE;
        int r = open_index(t, index, &nv, reterr);
        if (r < 0)
                return r;
        r = read_public(t, nv, &public, &name, reterr);
        if (r >= 0)
                r = read_data(t, nv, public->nvPublic.dataSize, ret, reterr);
        t->call->Esys_Free(public);
        t->call->Esys_Free(name);
        (void) t->call->Esys_TR_Close(t->esys, &nv);
        return ingot_under(reterr, r, "NV index %#x", index);
}

void ingot_tpm_nv_done(struct ingot_tpm_nv *nv)
{
        ingot_buffer_done(&nv->public_area);
        ingot_buffer_done(&nv->serialized);
}

static int serialize(struct ingot_tpm *t, ESYS_TR nv, struct ingot_buffer *ret, ingot_error *reterr)
{
        uint8_t *bytes = NULL;
        size_t size = 0;
        TSS2_RC rc = t->call->Esys_TR_Serialize(t->esys, nv, &bytes, &size);
        if (rc)
                return tpm_fail(t, rc, reterr, "serialize an NV index");
        int r = ingot_buffer_append(ret, bytes, size, reterr);
        t->call->Esys_Free(bytes);
        return r;
}

static int take_public(struct ingot_tpm *t, ESYS_TR nv, struct ingot_tpm_nv *ret,
                       ingot_error *reterr)
{
        TPM2B_NV_PUBLIC *public = NULL;
        TPM2B_NAME *name = NULL;
        int r = read_public(t, nv, &public, &name, reterr);
        if (r >= 0 && name->size != sizeof(ret->name))
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED, "its name is no SHA-256");
        if (r >= 0) {
                memcpy(ret->name, name->name, sizeof(ret->name));
                r = TPM_MARSHAL(t->call, TPM2B_NV_PUBLIC, public, &ret->public_area, reterr);
        }
        if (r >= 0)
                r = serialize(t, nv, &ret->serialized, reterr);
        t->call->Esys_Free(public);
        t->call->Esys_Free(name);
        return r;
}

int ingot_tpm_nv_public(struct ingot_tpm *t, uint32_t index, struct ingot_tpm_nv *ret,
                        ingot_error *reterr)
{
        _cleanup_tpm_nv_ struct ingot_tpm_nv read = {0};
        ESYS_TR nv = ESYS_TR_NONE;
        int r = open_index(t, index, &nv, reterr);
        if (r < 0)
                return r;
        r = take_public(t, nv, &read, reterr);
        (void) t->call->Esys_TR_Close(t->esys, &nv);
        if (r < 0)
                return ingot_under(reterr, r, "NV index %#x", index);
        *ret = read;
        read = (struct ingot_tpm_nv){0};
        return 0;
}
