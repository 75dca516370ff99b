/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New keys in tokens. OpenSSL's ways to PKCS#11 only use keys that are there, so this is p11-kit:
 * its URIs, and its list of the modules that are registered on this machine.
 *
 * A key is made so that it never leaves the token: sensitive, and not extractable.
 */
#include "base/text.h"
#include "trust/openssl.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <string.h>

#define SLOTS_MAX 64
#define ID_SIZE 8

struct token {
        P11KitUri *uri;
        CK_FUNCTION_LIST **modules; /* that were loaded; ends with NULL */
        CK_FUNCTION_LIST *module;   /* the one that has the token */
        CK_SLOT_ID slot;
        CK_SESSION_HANDLE session;
        bool open;
};

static void token_done(struct token *t)
{
        if (t->open) {
                (void) t->module->C_Logout(t->session);
                (void) t->module->C_CloseSession(t->session);
        }
        if (t->modules)
                p11_kit_modules_finalize_and_release(t->modules);
        p11_kit_uri_free(t->uri);
}

static int refused(CK_RV rv, const char *what, ingot_error *reterr)
{
        int code = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_INVALID
                           ? INGOT_E_REFUSED
                           : INGOT_E_SYSTEM;
        ingot_fail(reterr, code, "%s: %s", what, p11_kit_strerror(rv));
        return -code;
}

static int load_modules(struct token *t, ingot_error *reterr)
{
        const char *path = p11_kit_uri_get_module_path(t->uri);
        if (!path) {
                t->modules = p11_kit_modules_load_and_initialize(0);
                return t->modules ? 0
                                  : ingot_fail(reterr, INGOT_E_UNSUPPORTED, "PKCS#11 modules: %s",
                                               p11_kit_message());
        }
        t->modules = calloc(2, sizeof(*t->modules));
        if (!t->modules)
                return ingot_fail_nomem(reterr);
        t->modules[0] = p11_kit_module_load(path, 0);
        if (!t->modules[0] || p11_kit_module_initialize(t->modules[0]) != CKR_OK)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "PKCS#11 module %s: %s", path,
                                  p11_kit_message());
        return 0;
}

/* The token that the URI names, which must be one alone. */
static int find_token(struct token *t, ingot_error *reterr)
{
        size_t count = 0;
        for (CK_FUNCTION_LIST **m = t->modules; *m; m++) {
                CK_SLOT_ID slots[SLOTS_MAX];
                CK_ULONG n = SLOTS_MAX;
                if ((*m)->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
                        continue;
                for (CK_ULONG i = 0; i < n; i++) {
                        CK_TOKEN_INFO info;
                        if ((*m)->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
                            !p11_kit_uri_match_token_info(t->uri, &info) ||
                            !(info.flags & CKF_TOKEN_INITIALIZED))
                                continue;
                        t->module = *m;
                        t->slot = slots[i];
                        count++;
                }
        }
        if (count == 1)
                return 0;
        return ingot_fail(reterr, count ? INGOT_E_CONFLICT : INGOT_E_NOTFOUND,
                          count ? "several tokens fit: name one with token=LABEL"
                                : "no such token: 'p11-kit list-modules' shows those there are");
}

static int log_in(struct token *t, const char *pin, ingot_error *reterr)
{
        CK_RV rv = t->module->C_OpenSession(t->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                                            NULL, &t->session);
        if (rv != CKR_OK)
                return refused(rv, "open the token", reterr);
        t->open = true;
        rv = t->module->C_Login(t->session, CKU_USER, (CK_UTF8CHAR *) pin, strlen(pin));
        return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN
                       ? 0
                       : refused(rv, "log in to the token", reterr);
}

/* 1: the token has a private key of that label. */
static int has_key(struct token *t, CK_ATTRIBUTE label, ingot_error *reterr)
{
        CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
        CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof(class)}, label};
        CK_OBJECT_HANDLE found;
        CK_ULONG n = 0;
        CK_RV rv = t->module->C_FindObjectsInit(t->session, wanted, ARRAY_SIZE(wanted));
        if (rv == CKR_OK) {
                rv = t->module->C_FindObjects(t->session, &found, 1, &n);
                (void) t->module->C_FindObjectsFinal(t->session);
        }
        return rv != CKR_OK ? refused(rv, "look for the key", reterr) : n > 0;
}

/* Parameters of the curves, as DER of their object identifiers. */
static CK_ATTRIBUTE curve_of(unsigned bits)
{
        static uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
        static uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
        return bits == 256 ? (CK_ATTRIBUTE){CKA_EC_PARAMS, p256, sizeof(p256)}
                           : (CK_ATTRIBUTE){CKA_EC_PARAMS, p384, sizeof(p384)};
}

static int generate(struct token *t, enum ingot_key_kind kind, unsigned bits, CK_ATTRIBUTE label,
                    ingot_error *reterr)
{
        CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
        CK_ULONG modulus = bits;
        uint8_t exponent[] = {1, 0, 1}, digest[INGOT_SHA256_SIZE];
        bool rsa = kind == INGOT_KEY_RSA;
        CK_MECHANISM mechanism = {rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
        ingot_sha256_of(label.pValue, label.ulValueLen, digest); /* both halves find each other */
        CK_ATTRIBUTE id = {CKA_ID, digest, ID_SIZE};
        CK_ATTRIBUTE public[] = {label, id, {CKA_TOKEN, &yes, sizeof(yes)},
                                 {CKA_VERIFY, &yes, sizeof(yes)},
                                 rsa ? (CK_ATTRIBUTE){CKA_MODULUS_BITS, &modulus, sizeof(modulus)}
                                     : curve_of(bits),
                                 {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)}};
        CK_ATTRIBUTE private[] = {label, id, {CKA_TOKEN, &yes, sizeof(yes)},
                                  {CKA_PRIVATE, &yes, sizeof(yes)},
                                  {CKA_SENSITIVE, &yes, sizeof(yes)},
                                  {CKA_EXTRACTABLE, &no, sizeof(no)},
                                  {CKA_SIGN, &yes, sizeof(yes)}};
        CK_OBJECT_HANDLE handles[2];
        CK_RV rv = t->module->C_GenerateKeyPair(t->session, &mechanism, public,
                                                ARRAY_SIZE(public) - !rsa, private,
                                                ARRAY_SIZE(private), &handles[0], &handles[1]);
        return rv == CKR_OK ? 0 : refused(rv, "make the key in the token", reterr);
}

int ingot_token_generate(const char *uri, const char *pin, enum ingot_key_kind kind, unsigned bits,
                         ingot_error *reterr)
{
        _cleanup_(token_done) struct token t = {.uri = p11_kit_uri_new()};
        if (!t.uri)
                return ingot_fail_nomem(reterr);
        if (p11_kit_uri_parse(uri, P11_KIT_URI_FOR_ANY, t.uri) != P11_KIT_URI_OK)
                return ingot_fail(reterr, INGOT_E_USAGE, "no PKCS#11 URI (RFC 7512)");
        CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(t.uri, CKA_LABEL);
        if (!label)
                return ingot_fail(reterr, INGOT_E_USAGE, "the URI does not name the key: object=NAME");
        if (kind == INGOT_KEY_ED25519)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "Ed25519 keys are not made in tokens");
        if (!*pin && p11_kit_uri_get_pin_value(t.uri))
                pin = p11_kit_uri_get_pin_value(t.uri);
        int r = load_modules(&t, reterr);
        if (r >= 0)
                r = find_token(&t, reterr);
        if (r >= 0)
                r = log_in(&t, pin, reterr);
        if (r >= 0)
                r = has_key(&t, *label, reterr);
        if (r == 0)
                return generate(&t, kind, bits, *label, reterr);
        return r;
}
