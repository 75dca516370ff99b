/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a CMS signature, and as a file of certificates, with a certificate that is known:
 * nothing the fuzzer can make holds over this content, as it has no key.
 */
#include "base/cleanup.h"
#include "os/file.h"
#include "trust/x509.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char content[] = "nobody has signed this";

static void judge(const struct ingot_key_files *keys, struct ingot_span signature)
{
        _cleanup_verdict_ struct ingot_verdict v = {0};
        struct ingot_span span = INGOT_SPAN(content, sizeof(content));
        struct ingot_reader reader = ingot_reader_of_span(&span);
        struct ingot_signature_request q = {.content = &reader, .keys = keys, .now = 1795000000};
        ingot_error error;
        (void) ingot_x509_recognise(signature);
        if (ingot_x509_judge(&q, signature, &v, &error) < 0)
                return;
        for (size_t i = 0; i < v.count; i++)
                if (!v.items[i].reason && v.items[i].verifier == &keys->items[0])
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct ingot_key_files known;
        char path[4096];
        ingot_error error;
        const char *top = getenv("INGOT_SOURCE");
        if (known.count == 0) {
                snprintf(path, sizeof(path), "%s/tests/signatures/x509-signer.pem",
                         top ? top : ".");
                if (ingot_key_files_add(&known, path, &error) < 0)
                        abort();
        }
        judge(&known, INGOT_SPAN(data, size));
        struct ingot_key_file file = {.technology = INGOT_TECHNOLOGY_X509,
                                      .path = (char *) "input",
                                      .content = {.data = (uint8_t *) data, .size = size}};
        struct ingot_key_files keys = {.items = &file, .count = 1};
        if (size > 0)
                judge(&keys, INGOT_SPAN(data, size));
        return 0;
}
