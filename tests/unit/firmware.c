/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/file.h"
#include "test.h"
#include "vm/firmware.h"

#include <stdlib.h>

#define DESCRIPTOR(interface, device, code, vars, architecture, machine, features)                 \
        "{\"description\": \"x\", \"interface-types\": [" interface "], \"mapping\": {"            \
        "\"device\": \"" device "\", \"executable\": {\"filename\": \"" code                       \
        "\", \"format\": \"raw\"}, \"nvram-template\": {\"filename\": \"" vars                     \
        "\", \"format\": \"raw\"}}, \"targets\": [{\"architecture\": \"" architecture              \
        "\", \"machines\": [\"" machine "\"]}], \"features\": [" features "], \"tags\": []}"

#define PLAIN(code, vars, features)                                                                \
        DESCRIPTOR("\"uefi\"", "flash", code, vars, "x86_64", "pc-q35-*", features)

static int decode(const char *text, struct ingot_firmware *ret, ingot_error *reterr)
{
        ingot_firmware_done(ret);
        return ingot_firmware_decode(INGOT_SPAN(text, strlen(text)), ret, reterr);
}

TEST(a_descriptor_is_decoded)
{
        ingot_error error = {0};
        _cleanup_firmware_ struct ingot_firmware f = {0};
        CHECK_EQ(decode(PLAIN("/c", "/v", "\"acpi-s3\", \"secure-boot\", \"requires-smm\""), &f,
                        &error), 0);
        CHECK_STR(f.code, "/c");
        CHECK_STR(f.vars, "/v");
        CHECK(f.secure_boot && f.requires_smm && !f.enrolled_keys);
        CHECK(ingot_firmware_fits(&f, "pc-q35-7.2", true));
        CHECK(!ingot_firmware_fits(&f, "pc-q35-7.2", false));
        CHECK(!ingot_firmware_fits(&f, "pc-i440fx-7.2", true));
        f.enrolled_keys = true;
        CHECK(!ingot_firmware_fits(&f, "pc-q35-7.2", true));
}

TEST(other_firmware_is_passed_over)
{
        ingot_error error = {0};
        _cleanup_firmware_ struct ingot_firmware f = {0};
        CHECK_EQ(decode(DESCRIPTOR("\"bios\"", "flash", "c", "v", "x86_64", "m", ""), &f, &error), 1);
        CHECK_EQ(decode(DESCRIPTOR("\"uefi\"", "memory", "c", "v", "x86_64", "m", ""), &f, &error), 1);
        CHECK_EQ(decode(DESCRIPTOR("\"uefi\"", "flash", "c", "v", "aarch64", "m", ""), &f, &error), 1);
        /* newer: firmware whose variables are in the same file, or that has none */
        CHECK_EQ(decode("{\"interface-types\":[\"uefi\"],\"mapping\":{\"device\":\"flash\","
                        "\"mode\":\"stateless\",\"executable\":{\"filename\":\"c\",\"format\":"
                        "\"raw\"}},\"targets\":[],\"features\":[]}", &f, &error), 1);
}

TEST(what_is_no_descriptor_is_refused)
{
        static const char *const bad[] = {"", "{", "[]", "{}", "null", "\"uefi\"", "{\"mapping\":1}",
                                          "[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]"};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                ingot_error error = {0};
                _cleanup_firmware_ struct ingot_firmware f = {0};
                CHECK_FAILS(decode(bad[i], &f, &error), INGOT_E_FORMAT, "");
        }
}

static char top[4000];

static int put(const char *name, const char *text, ingot_error *reterr)
{
        char path[4200];
        snprintf(path, sizeof(path), "%s/%s", top, name);
        return ingot_outfile_put(path, text, strlen(text), 0644, reterr);
}

/* A descriptor whose files are in the test's folder. */
static int put_descriptor(const char *name, const char *code, const char *features,
                          ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        int r = ingot_format(&text, reterr, PLAIN("%s/%s", "%s/vars", "%s"), top, code, top,
                             features);
        return r < 0 ? r : put(name, text, reterr);
}

TEST(the_first_that_fits_wins)
{
        ingot_error error = {0};
        char high[4100], low[4100], want[4200];
        snprintf(top, sizeof(top), "%s", test_folder());
        snprintf(high, sizeof(high), "%s/high", top);
        snprintf(low, sizeof(low), "%s/low", top);
        CHECK_OK(ingot_make_directories(high, 0755, &error));
        CHECK_OK(ingot_make_directories(low, 0755, &error));
        const char *const folders[] = {high, "/no/such/folder", low, NULL};
        _cleanup_firmware_ struct ingot_firmware f = {0};
        CHECK_FAILS(ingot_firmware_find(folders, "pc-q35-7.2", false, NULL, &f, &error),
                    INGOT_E_NOTFOUND, "no UEFI firmware");

        CHECK_OK(put("a", "", &error));
        CHECK_OK(put("b", "", &error));
        CHECK_OK(put("vars", "", &error));
        CHECK_OK(put_descriptor("low/10-secure.json", "a", "\"secure-boot\"", &error));
        CHECK_OK(put_descriptor("low/15-absent.json", "absent", "", &error));
        CHECK_OK(put("low/16-broken.json", "{", &error));
        CHECK_OK(put_descriptor("low/20-a.json", "a", "", &error));
        CHECK_OK(put_descriptor("high/30-b.json", "b", "", &error));
        CHECK_OK(put_descriptor("low/05-readme.txt", "b", "", &error));
        CHECK_OK(ingot_firmware_find(folders, "pc-q35-7.2", false, NULL, &f, &error));
        snprintf(want, sizeof(want), "%s/a", top);
        CHECK_STR(f.code, want);

        /* an empty file of the same name hides it */
        ingot_firmware_done(&f);
        CHECK_OK(put("high/20-a.json", "", &error));
        CHECK_OK(ingot_firmware_find(folders, "pc-q35-7.2", false, NULL, &f, &error));
        snprintf(want, sizeof(want), "%s/b", top);
        CHECK_STR(f.code, want);
        ingot_firmware_done(&f);
        CHECK_OK(ingot_firmware_find(folders, "pc-q35-7.2", true, NULL, &f, &error));
        CHECK(f.secure_boot);
}
