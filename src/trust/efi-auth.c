/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signed updates of EFI variables. */
#include "trust/efi-auth.h"
#include "format/der.h"

#define SIGNED_DATA "1.2.840.113549.1.7.2"

/* The SignedData of a ContentInfo, with its own tag and length; false when it is none. */
static bool unwrap(struct ingot_span der, struct ingot_span *ret)
{
        struct ingot_span info, data;
        struct ingot_cursor c = ingot_cursor_over(der);
        if (!ingot_der_take(&c, INGOT_DER_SEQUENCE, &info) || ingot_cursor_left(&c) > 0)
                return false;
        c = ingot_cursor_over(info);
        if (!ingot_der_take_oid(&c, SIGNED_DATA) ||
            !ingot_der_take(&c, INGOT_DER_CONTEXT(0), &data))
                return false;
        *ret = data;
        return true;
}

/* The ContentInfo around a SignedData. */
static int wrap(struct ingot_span signed_data, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_der_writer w = {.out = ret, .error = reterr};
        size_t info = ingot_der_begin(&w, INGOT_DER_SEQUENCE);
        ingot_der_oid(&w, SIGNED_DATA);
        size_t content = ingot_der_begin(&w, INGOT_DER_CONTEXT(0));
        ingot_der_raw(&w, signed_data);
        ingot_der_end(&w, content);
        ingot_der_end(&w, info);
        return w.r;
}

int ingot_efi_auth_sign(const struct ingot_efi_update *update, const struct ingot_key *key,
                        const struct ingot_certificate *certificate, struct ingot_buffer *ret,
                        ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer message = {0}, pkcs7 = {0};
        struct ingot_efi_auth auth = {.time = update->time, .payload = update->payload};
        if (!ingot_certificate_fits(certificate, key))
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s: the certificate %s is not that of the signing key",
                                  update->name, ingot_certificate_subject(certificate));
        int r = ingot_efi_auth_signed_bytes(update->name, &update->vendor, update->attributes,
                                            &update->time, update->payload, &message, reterr);
        if (r >= 0)
                r = ingot_pkcs7_sign_detached(key, certificate, ingot_buffer_span(&message), &pkcs7,
                                              reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", update->name);
        if (!unwrap(ingot_buffer_span(&pkcs7), &auth.signature))
                return ingot_fail(reterr, INGOT_E_INTERNAL, "%s: a signature of another form",
                                  update->name);
        return ingot_efi_auth_encode(&auth, ret, reterr);
}

int ingot_efi_auth_verify(const struct ingot_efi_auth *auth, const char *name,
                          const struct ingot_uuid *vendor, uint32_t attributes,
                          const struct ingot_certificates *signers, size_t *ret_which,
                          ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer message = {0}, pkcs7 = {0};
        struct ingot_span inner;
        int r = ingot_efi_auth_signed_bytes(name, vendor, attributes, &auth->time, auth->payload,
                                            &message, reterr);
        if (r >= 0 && unwrap(auth->signature, &inner))
                r = ingot_buffer_append(&pkcs7, auth->signature.data, auth->signature.size, reterr);
        else if (r >= 0)
                r = wrap(auth->signature, &pkcs7, reterr);
        if (r >= 0)
                r = ingot_pkcs7_verify_pinned(ingot_buffer_span(&pkcs7),
                                              ingot_buffer_span(&message), signers, ret_which,
                                              reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", name) : 0;
}
