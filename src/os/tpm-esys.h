/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of os/tpm.h share: libtss2-esys, loaded at run time, and a connection by it. */
#pragma once

#include "os/tpm-transport.h"
#include "os/tpm.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>

/* LIBRARY(soname) and the functions of it that are used. */
#define TPM_ESYS_FUNCTIONS(F)                                                                      \
        F(Esys_Initialize)                                                                         \
        F(Esys_Finalize)                                                                           \
        F(Esys_Free)                                                                               \
        F(Esys_GetCapability)                                                                      \
        F(Esys_PCR_Read)                                                                           \
        F(Esys_PCR_Extend)                                                                         \
        F(Esys_TR_FromTPMPublic)                                                                   \
        F(Esys_TR_Close)                                                                           \
        F(Esys_TR_GetName)                                                                         \
        F(Esys_TR_Serialize)                                                                       \
        F(Esys_TR_Deserialize)                                                                     \
        F(Esys_CreatePrimary)                                                                      \
        F(Esys_EvictControl)                                                                       \
        F(Esys_StartAuthSession)                                                                   \
        F(Esys_TRSess_SetAttributes)                                                               \
        F(Esys_TRSess_GetNonceTPM)                                                                 \
        F(Esys_FlushContext)                                                                       \
        F(Esys_Create)                                                                             \
        F(Esys_Load)                                                                               \
        F(Esys_LoadExternal)                                                                       \
        F(Esys_Unseal)                                                                             \
        F(Esys_PolicyPCR)                                                                          \
        F(Esys_PolicyOR)                                                                           \
        F(Esys_PolicyAuthorize)                                                                    \
        F(Esys_PolicyAuthorizeNV)                                                                  \
        F(Esys_PolicySigned)                                                                       \
        F(Esys_PolicyGetDigest)                                                                    \
        F(Esys_VerifySignature)                                                                    \
        F(Esys_NV_DefineSpace)                                                                     \
        F(Esys_NV_UndefineSpace)                                                                   \
        F(Esys_NV_Write)                                                                           \
        F(Esys_NV_Read)                                                                            \
        F(Esys_NV_ReadPublic)
#define TPM_MU_FUNCTIONS(F)                                                                        \
        F(Tss2_MU_TPM2B_PRIVATE_Marshal)                                                           \
        F(Tss2_MU_TPM2B_PRIVATE_Unmarshal)                                                         \
        F(Tss2_MU_TPM2B_PUBLIC_Marshal)                                                            \
        F(Tss2_MU_TPM2B_PUBLIC_Unmarshal)                                                          \
        F(Tss2_MU_TPM2B_NV_PUBLIC_Marshal)                                                         \
        F(Tss2_MU_TPMT_PUBLIC_Marshal)
#define TPM_RC_FUNCTIONS(F) F(Tss2_RC_Decode)

#define TPM_FUNCTION_POINTER(name) __typeof__(&name) name;
struct tpm_functions {
        TPM_ESYS_FUNCTIONS(TPM_FUNCTION_POINTER)
        TPM_MU_FUNCTIONS(TPM_FUNCTION_POINTER)
        TPM_RC_FUNCTIONS(TPM_FUNCTION_POINTER)
};

/* UNSUPPORTED with the package when a library is not there. */
int tpm_library_load(const struct tpm_functions **ret, ingot_error *reterr);

struct ingot_tpm {
        TSS2_TCTI_CONTEXT_COMMON_V2 tcti; /* the first member: libtss2 gives it back to us */
        struct tpm_transport transport;
        const struct tpm_functions *call;
        ESYS_CONTEXT *esys;
        ESYS_TR srk; /* ESYS_TR_NONE: not looked up yet */
};

/* A leaf: what the TPM, the library or the way to them answered. RC is not 0. */
int tpm_fail(const struct ingot_tpm *t, TSS2_RC rc, ingot_error *reterr, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
/* The TPM's own code, without the layer and which parameter it is about. */
TSS2_RC tpm_code(TSS2_RC rc);

/* Looks up the storage root key, and makes it. */
int tpm_srk_open(struct ingot_tpm *t, ingot_error *reterr);
/* Sessions of HMAC or policy, salted by the storage root key, that encrypt parameters. */
int tpm_session_start(struct ingot_tpm *t, TPM2_SE type, ESYS_TR *ret, ingot_error *reterr);
void tpm_flush(struct ingot_tpm *t, ESYS_TR handle);
/* PCRs (a bit for each) of one bank. */
void tpm_select(TPML_PCR_SELECTION *ret, uint16_t algorithm, uint32_t pcrs);

/* Marshals *VALUE by Tss2_MU_TYPE_Marshal and appends it. */
#define TPM_MARSHAL(t, type, value, ret, reterr)                                                   \
        __extension__({                                                                            \
                uint8_t bytes_[sizeof(*(value)) + 2];                                              \
                size_t size_ = 0;                                                                  \
                TSS2_RC rc_ =                                                                      \
                        (t)->Tss2_MU_##type##_Marshal((value), bytes_, sizeof(bytes_), &size_);    \
                rc_ ? ingot_fail(reterr, INGOT_E_INTERNAL, "marshal " #type)                       \
                    : ingot_buffer_append((ret), bytes_, size_, (reterr));                         \
        })
