/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to a TPM, and what its answers mean. */
#include "base/cleanup.h"
#include "os/tpm-esys.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- tpm2-tss's way to a TPM (TSS 2.0 TPM Command Transmission Interface), over ours ---- */

static struct ingot_tpm *of_tcti(TSS2_TCTI_CONTEXT *tcti)
{
        return (struct ingot_tpm *) (void *) tcti;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command)
{
        return tpm_transport_send(&of_tcti(tcti)->transport, command, size) ? TSS2_RC_SUCCESS
                                                                            : TSS2_TCTI_RC_IO_ERROR;
}

/* RESPONSE NULL asks how large it will be at most. */
static TSS2_RC receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response, int32_t timeout)
{
        uint8_t bytes[INGOT_TPM_RESPONSE_MAX];
        size_t n;
        (void) timeout;
        if (!response) {
                *size = INGOT_TPM_RESPONSE_MAX;
                return TSS2_RC_SUCCESS;
        }
        if (!tpm_transport_receive(&of_tcti(tcti)->transport, bytes, &n))
                return TSS2_TCTI_RC_IO_ERROR;
        if (n > *size)
                return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
        memcpy(response, bytes, n);
        *size = n;
        return TSS2_RC_SUCCESS;
}

static void finalize(TSS2_TCTI_CONTEXT *tcti)
{
        (void) tcti;
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *tcti)
{
        (void) tcti;
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC poll_handles(TSS2_TCTI_CONTEXT *tcti, TSS2_TCTI_POLL_HANDLE *handles, size_t *count)
{
        if (handles && *count > 0)
                handles[0] = (struct pollfd){.fd = of_tcti(tcti)->transport.fd, .events = POLLIN};
        *count = 1;
        return TSS2_RC_SUCCESS;
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *tcti, uint8_t locality)
{
        (void) tcti;
        return locality == 0 ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC make_sticky(TSS2_TCTI_CONTEXT *tcti, TPM2_HANDLE *handle, uint8_t sticky)
{
        (void) tcti;
        (void) handle;
        (void) sticky;
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static const TSS2_TCTI_CONTEXT_COMMON_V2 interface = {
        .v1 = {.magic = 0x696e676f7474706d, /* "ingottpm" */
               .version = 2,
               .transmit = transmit,
               .receive = receive,
               .finalize = finalize,
               .cancel = cancel,
               .getPollHandles = poll_handles,
               .setLocality = set_locality},
        .makeSticky = make_sticky,
};

int ingot_tpm_open(struct ingot_tpm **ret, const char *where, ingot_error *reterr)
{
        _cleanup_tpm_ struct ingot_tpm *t = calloc(1, sizeof(*t));
        if (!t)
                return ingot_fail_nomem(reterr);
        t->transport = TPM_TRANSPORT_NONE;
        t->tcti = interface;
        t->srk = ESYS_TR_NONE;
        int r = tpm_transport_open(&t->transport, where, reterr);
        if (r >= 0)
                r = tpm_library_load(&t->call, reterr);
        if (r < 0)
                return r;
        TSS2_RC rc = t->call->Esys_Initialize(&t->esys, (TSS2_TCTI_CONTEXT *) &t->tcti, NULL);
        if (rc)
                return tpm_fail(t, rc, reterr, "open the TPM");
        *ret = TAKE_PTR(t);
        return 0;
}

void ingot_tpm_close(struct ingot_tpm *t)
{
        if (!t)
                return;
        if (t->esys)
                t->call->Esys_Finalize(&t->esys);
        tpm_transport_close(&t->transport);
        free(t);
}

/* ---- answers ---- */

/* Codes of format one carry what they are about in the bits above (part 2, section 6.6). */
TSS2_RC tpm_code(TSS2_RC rc)
{
        TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
        if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER)
                return 0;
        rc &= ~TSS2_RC_LAYER_MASK;
        return rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc;
}

static const struct {
        TSS2_RC rc;
        enum ingot_code code;
        const char *says;
} answers[] = {
        {TPM2_RC_POLICY_FAIL, INGOT_E_REFUSED, "the policy does not hold"},
        {TPM2_RC_PCR_CHANGED, INGOT_E_REFUSED, "a PCR changed meanwhile; try again"},
        {TPM2_RC_VALUE, INGOT_E_REFUSED, "the value is none that is allowed"},
        {TPM2_RC_INTEGRITY, INGOT_E_REFUSED,
         "it was not made by this TPM's storage root key: another TPM, or a cleared one"},
        {TPM2_RC_AUTH_FAIL, INGOT_E_REFUSED, "the authorization is wrong, and was counted"},
        {TPM2_RC_BAD_AUTH, INGOT_E_REFUSED,
         "the authorization is wrong: is a password set for the owner hierarchy?"},
        {TPM2_RC_SIGNATURE, INGOT_E_REFUSED, "the signature is wrong"},
        {TPM2_RC_NV_AUTHORIZATION, INGOT_E_REFUSED, "the NV index may not be used so"},
        {TPM2_RC_LOCKOUT, INGOT_E_REFUSED,
         "it is locked after too many wrong authorizations: wait, or end it with "
         "'tpm2_dictionarylockout --clear-lockout'"},
        {TPM2_RC_NV_SPACE, INGOT_E_SPACE,
         "its NV memory is full: 'tpm2_getcap handles-nv-index' lists what takes it, "
         "'tpm2_nvundefine' frees an index"},
        {TPM2_RC_NV_DEFINED, INGOT_E_CONFLICT, "the NV index is there already"},
        {TPM2_RC_NV_RANGE, INGOT_E_FORMAT, "the NV index is smaller"},
        {TPM2_RC_HANDLE, INGOT_E_NOTFOUND, "there is no such object"},
        {TPM2_RC_COMMAND_CODE, INGOT_E_UNSUPPORTED, "this TPM does not have the command"},
        {TPM2_RC_HASH, INGOT_E_UNSUPPORTED, "this TPM does not have the hash algorithm"},
        {TPM2_RC_BAD_TAG, INGOT_E_UNSUPPORTED, "it answers as a TPM 1.2"},
        {TPM2_RC_INITIALIZE, INGOT_E_SYSTEM,
         "it was not started: the firmware, or swtpm with --flags startup-clear, does that"},
        {TPM2_RC_FAILURE, INGOT_E_SYSTEM, "it failed its self-test"},
};

int tpm_fail(const struct ingot_tpm *t, TSS2_RC rc, ingot_error *reterr, const char *format, ...)
{
        char doing[256];
        va_list args;
        va_start(args, format);
        vsnprintf(doing, sizeof(doing), format, args);
        va_end(args);
        if ((rc & ~TSS2_RC_LAYER_MASK) == TSS2_BASE_RC_IO_ERROR) {
                errno = t->transport.os;
                return ingot_fail_errno(reterr, "TPM: %s", doing);
        }
        TSS2_RC code = tpm_code(rc);
        for (size_t i = 0; code && i < ARRAY_SIZE(answers); i++)
                if (answers[i].rc == code)
                        return ingot_fail(reterr, (int) answers[i].code, "TPM: %s: %s (%#x)", doing,
                                          answers[i].says, rc);
        return ingot_fail(reterr, INGOT_E_SYSTEM, "TPM: %s: %s (%#x)", doing,
                          t->call->Tss2_RC_Decode(rc), rc);
}
