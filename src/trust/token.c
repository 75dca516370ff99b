/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys in tokens: OpenSSL reaches PKCS#11 by a provider (pkcs11-provider; OpenSSL 3.0.7 and later)
 * or, before there was one, by an engine (libengine-pkcs11-openssl). Whichever is installed is
 * taken, the provider first. Which module it loads is their matter: p11-kit's proxy, which knows
 * all that are registered, unless the URI's module-path or their own settings say otherwise.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/text.h"
#include "os/file.h"
#include "trust/openssl.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#ifndef OPENSSL_NO_ENGINE
#include <openssl/engine.h>
#endif

#define PIN_SIZE_MAX 256

/* What stands behind KEY in the URI, as it is there; or NULL. */
static char *uri_value(const char *uri, const char *key)
{
        const char *at = strstr(uri, key);
        return at ? strndup(at + strlen(key), strcspn(at + strlen(key), "&;")) : NULL;
}

/* The first line of a file: engines differ in how they read one. */
static int read_pin(const char *path, char *ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, 4096, &data, &size, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "pin-source");
        size_t length = strcspn((char *) data, "\r\n");
        if (length == 0 || length >= PIN_SIZE_MAX)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "pin-source: no PIN in the first line of %s",
                               path);
        else
                snprintf(ret, PIN_SIZE_MAX, "%.*s", (int) length, (char *) data);
        OPENSSL_cleanse(data, size);
        return r;
}

/* The PIN, unless the URI has it; one that the URI names a file for is taken from there. */
static int ask_pin(char *uri, const struct ingot_key_ask *ask, char *ret, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL, *what = NULL, *source = uri_value(uri, "pin-source=");
        ret[0] = '\0';
        if (source) {
                ingot_uri_erase(uri, "pin-source=");
                return read_pin(source + (ingot_starts_with(source, "file:") ? 5 : 0), ret, reterr);
        }
        if (strstr(uri, "pin-value="))
                return 0;
        if (!ask)
                return ingot_fail(reterr, INGOT_E_USAGE, "nobody is asked for the token's PIN: the "
                                  "URI names its file with ?pin-source=FILE");
        int r = ingot_key_name(&name, uri, reterr);
        if (r >= 0)
                r = ingot_format(&what, reterr, "token %s", name);
        if (r >= 0)
                r = ask->ask(ask->context, what, ret, PIN_SIZE_MAX, reterr);
        return r;
}

static int give_pin(UI *ui, UI_STRING *string)
{
        return UI_get_string_type(string) != UIT_PROMPT
                       ? 1
                       : UI_set_result(ui, string, UI_get0_user_data(ui)) >= 0;
}

/* 1: there is no such provider. */
static int open_by_provider(EVP_PKEY **ret, const char *uri, UI_METHOD *ui, char *pin,
                            ingot_error *reterr)
{
        if (!OSSL_PROVIDER_try_load(NULL, "pkcs11", 1))
                return 1;
        OSSL_STORE_CTX *store = OSSL_STORE_open(uri, ui, pin, NULL, NULL);
        if (!store)
                return ingot_openssl_fail(reterr, INGOT_E_NOTFOUND, "open the token");
        while (!*ret && !OSSL_STORE_eof(store)) {
                OSSL_STORE_INFO *info = OSSL_STORE_load(store);
                if (!info)
                        break;
                if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
                        *ret = OSSL_STORE_INFO_get1_PKEY(info);
                OSSL_STORE_INFO_free(info);
        }
        OSSL_STORE_close(store);
        return *ret ? 0 : ingot_openssl_fail(reterr, INGOT_E_NOTFOUND, "no such private key");
}

#ifndef OPENSSL_NO_ENGINE
/* 1: there is no such engine. */
static int open_by_engine(EVP_PKEY **ret, const char *uri, UI_METHOD *ui, char *pin,
                          ingot_error *reterr)
{
        _cleanup_free_ char *module = uri_value(uri, "module-path=");
        ENGINE *engine = ENGINE_by_id("pkcs11");
        if (!engine)
                return 1;
        /* It would print on stderr, and what it prints has the PIN in it. */
        (void) ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0);
        bool ready = !module || ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module, 0) == 1;
        ready = ready && ENGINE_init(engine) == 1;
        if (ready && *pin)
                ready = ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) == 1;
        if (ready)
                *ret = ENGINE_load_private_key(engine, uri, ui, pin);
        if (ready)
                ENGINE_finish(engine); /* the key holds it by itself */
        ENGINE_free(engine);
        return *ret ? 0
                    : ingot_openssl_fail(reterr, INGOT_E_NOTFOUND,
                                         "no such private key, or not opened by that PIN");
}
#endif

int ingot_key_generate_in_token(const char *where, enum ingot_key_kind kind, unsigned bits,
                                const struct ingot_key_ask *ask, ingot_error *reterr)
{
        _cleanup_free_ char *uri = NULL, *name = NULL;
        char pin[PIN_SIZE_MAX];
        int r = ingot_strdup(&uri, where, reterr);
        if (r >= 0)
                r = ingot_key_name(&name, where, reterr);
        if (r >= 0)
                r = ask_pin(uri, ask, pin, reterr);
        if (r < 0)
                return r;
#if HAVE_P11_KIT
        r = ingot_token_generate(uri, pin, kind, bits, reterr);
#else
        (void) kind, (void) bits;
        r = ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                       "this ingot is built without p11-kit, which makes keys in tokens");
#endif
        OPENSSL_cleanse(pin, sizeof(pin));
        return ingot_under(reterr, r, "%s", name);
}

int ingot_token_open(EVP_PKEY **ret, const char *where, const struct ingot_key_ask *ask,
                     ingot_error *reterr)
{
        _cleanup_free_ char *uri = NULL;
        char pin[PIN_SIZE_MAX];
        EVP_PKEY *pkey = NULL;
        int r = ingot_strdup(&uri, where, reterr);
        if (r >= 0)
                r = ask_pin(uri, ask, pin, reterr);
        if (r < 0)
                return r;
        UI_METHOD *ui = UI_create_method("ingot");
        if (!ui)
                return ingot_fail_nomem(reterr);
        UI_method_set_reader(ui, give_pin);
        ERR_clear_error();
        r = open_by_provider(&pkey, uri, ui, pin, reterr);
#ifndef OPENSSL_NO_ENGINE
        if (r == 1)
                r = open_by_engine(&pkey, uri, ui, pin, reterr);
#endif
        UI_destroy_method(ui);
        OPENSSL_cleanse(pin, sizeof(pin));
        ERR_clear_error();
        if (r == 1)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "OpenSSL has no way to tokens: install pkcs11-provider, or "
                                  "libengine-pkcs11-openssl");
        if (r == 0)
                *ret = pkey;
        return r;
}
