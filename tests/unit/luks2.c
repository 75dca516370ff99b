/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* format/luks2.h, with a header that cryptsetup 2.8 and systemd-cryptenroll 262 have written. */
#include "format/luks2.h"
#include "base/cleanup.h"
#include "measure/luks-token.h"
#include "os/file.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>

struct volume {
        uint8_t *bytes;
        size_t size;
        struct ingot_span span;
        struct ingot_reader reader;
        struct ingot_luks2 header;
};

static void volume_done(struct volume *v)
{
        free(v->bytes);
        ingot_luks2_done(&v->header);
}
#define _cleanup_volume_ __attribute__((cleanup(volume_done)))

static int load(struct volume *v, ingot_error *reterr)
{
        free(TAKE_PTR(v->bytes));
        int r = ingot_file_read(AT_FDCWD, test_source("tests/fuzz/corpus/luks2/cryptenroll"),
                                1 << 20, &v->bytes, &v->size, reterr);
        v->span = INGOT_SPAN(v->bytes, v->size);
        v->reader = ingot_reader_of_span(&v->span);
        return r;
}

static int read_again(struct volume *v, ingot_error *reterr)
{
        ingot_luks2_done(&v->header);
        return ingot_luks2_read(&v->reader, &v->header, reterr);
}

TEST(tokens_and_key_slots_of_a_volume)
{
        ingot_error error = {0};
        _cleanup_volume_ struct volume v = {0};
        _cleanup_luks_tokens_ struct ingot_luks_tokens t = {0};
        CHECK_OK(load(&v, &error));
        CHECK_OK(read_again(&v, &error));
        CHECK_EQ(strlen(v.header.uuid), 36);
        CHECK_OK(ingot_luks_tokens_decode(ingot_buffer_span(&v.header.json), &t, &error));
        CHECK_EQ(t.slots, 4);
        CHECK_EQ(t.passphrases, 2);
        CHECK_EQ(t.count, 2);
        const struct ingot_luks_token *tpm = t.items;
        CHECK_EQ(tpm->id, 3);
        CHECK_STR(tpm->type, "systemd-tpm2");
        CHECK_STR(tpm->slots.items[0], "5");
        CHECK_EQ(tpm->sealed.count, 1);
        CHECK_EQ(tpm->sealed.pcrs, 1u << 7);
        CHECK_STR(t.items[1].type, "systemd-recovery");
}

TEST(of_two_copies_the_one_that_is_whole_and_newer_counts)
{
        ingot_error error = {0};
        _cleanup_volume_ struct volume v = {0};
        CHECK_OK(load(&v, &error));
        v.bytes[0x4000 + 4200] ^= 1;
        CHECK_OK(read_again(&v, &error));
        v.bytes[0x4000 + 4200] ^= 1;
        v.bytes[4200] ^= 1;
        CHECK_OK(read_again(&v, &error));
        v.bytes[0x4000 + 4200] ^= 1;
        CHECK_FAILS(read_again(&v, &error), INGOT_E_FORMAT, "checksum");
        /* Without the first one's magic the second is found by its own. */
        CHECK_OK(load(&v, &error));
        memset(v.bytes, 0, 4096);
        CHECK_OK(read_again(&v, &error));
}

TEST(what_is_no_volume_or_another_one)
{
        ingot_error error = {0};
        _cleanup_volume_ struct volume v = {0};
        CHECK_OK(load(&v, &error));
        v.span.size = v.reader.size = 100;
        CHECK_FAILS(read_again(&v, &error), INGOT_E_NOTFOUND, "no LUKS volume");
        v.span.size = v.reader.size = 8192;
        CHECK_FAILS(read_again(&v, &error), INGOT_E_FORMAT, "cut short");
        v.span.size = v.reader.size = v.size;
        v.bytes[7] = 1;
        CHECK_FAILS(read_again(&v, &error), INGOT_E_UNSUPPORTED, "LUKS version 1");
        v.bytes[7] = 2;
        memset(v.bytes + 0x4000, 0, 4096);
        v.bytes[13] = 3;
        CHECK_FAILS(read_again(&v, &error), INGOT_E_FORMAT, "no header has that size");
        CHECK_OK(load(&v, &error));
        memset(v.bytes + 0x4000, 0, 4096);
        v.bytes[263] = 1;
        CHECK_FAILS(read_again(&v, &error), INGOT_E_FORMAT, "another place");
        CHECK_OK(load(&v, &error));
        memset(v.bytes + 0x4000, 0, 4096);
        memcpy(v.bytes + 72, "sha512", 7);
        CHECK_FAILS(read_again(&v, &error), INGOT_E_UNSUPPORTED, "no SHA-256");
}

static void refused(const char *json, const char *words)
{
        ingot_error error = {0};
        _cleanup_luks_tokens_ struct ingot_luks_tokens t = {0};
        CHECK_FAILS(ingot_luks_tokens_decode(INGOT_SPAN(json, strlen(json)), &t, &error),
                    INGOT_E_FORMAT, words);
}

TEST(tokens_that_are_malformed)
{
        ingot_error error = {0};
        _cleanup_luks_tokens_ struct ingot_luks_tokens t = {0};
        static const char odd[] = "{\"keyslots\":{\"0\":{}},\"tokens\":{\"1\":{\"type\":"
                                  "\"systemd-tpm2\",\"keyslots\":[\"0\"]}}}";
        refused("{\"tokens\":{}}", "keyslots");
        refused("{\"keyslots\":{},\"tokens\":{\"x\":{\"type\":\"a\",\"keyslots\":[]}}}",
                "no number");
        refused("{\"keyslots\":{},\"tokens\":{\"0\":{\"keyslots\":[]}}}", "type");
        refused("{\"keyslots\":{},\"tokens\":{\"0\":{\"type\":\"a\",\"keyslots\":[1]}}}",
                "no text");
        CHECK_OK(ingot_luks_tokens_decode(INGOT_SPAN(odd, strlen(odd)), &t, &error));
        CHECK_EQ(t.items[0].sealed.count, 0);
        CHECK(strstr(t.items[0].problem, "tpm2-blob"));
        CHECK_EQ(t.passphrases, 0);
}
