/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/smbios.h"
#include "test.h"

#define BIOS "\x00\x06\x00\x00\x01\x02" "vendor\0" "1.0\0" "\0"
#define BARE "\x20\x05\x01\x00\x00" "\0\0"
#define OEM "\x0b\x05\x02\x00\x02" "io.systemd.credential:a=b\0" "second\0" "\0"
#define OEM_MORE "\x0b\x05\x03\x00\x01" "third\0" "\0"
#define OEM_NONE "\x0b\x05\x04\x00\x00" "\0\0"
#define END "\x7f\x04\x05\x00" "\0\0"

static int add(void *context, const char *text, ingot_error *reterr)
{
        return ingot_strings_add(context, text, reterr);
}

static int refuse(void *context, const char *text, ingot_error *reterr)
{
        (void) context;
        return ingot_fail(reterr, INGOT_E_REFUSED, "not %s", text);
}

#define READ(bytes, ret, reterr)                                                                   \
        ingot_smbios_oem_strings(INGOT_SPAN(bytes, sizeof(bytes) - 1), add, ret, reterr)

TEST(strings_of_all_oem_structures_come_in_their_order)
{
        ingot_error error = {0};
        _cleanup_strings_ struct ingot_strings s = {0};
        CHECK_OK(READ(BIOS OEM BARE OEM_NONE OEM_MORE END, &s, &error));
        CHECK_EQ(s.count, (size_t) 3);
        CHECK_STR(s.items[0], "io.systemd.credential:a=b");
        CHECK_STR(s.items[1], "second");
        CHECK_STR(s.items[2], "third");
}

TEST(nothing_counts_behind_the_end)
{
        ingot_error error = {0};
        _cleanup_strings_ struct ingot_strings s = {0};
        CHECK_OK(READ(BIOS END OEM "rubbish", &s, &error));
        CHECK_EQ(s.count, (size_t) 0);
        CHECK_OK(READ(BIOS, &s, &error)); /* nor need there be one */
        CHECK_OK(READ("", &s, &error));
        CHECK_EQ(s.count, (size_t) 0);
}

TEST(a_table_that_is_cut_short_is_malformed)
{
        static const char whole[] = BIOS OEM;
        for (size_t size = 1; size < sizeof(whole) - 1; size++) {
                ingot_error error = {0};
                _cleanup_strings_ struct ingot_strings s = {0};
                _cleanup_free_ uint8_t *cut = malloc(size);
                CHECK(cut);
                memcpy(cut, whole, size);
                if (size == sizeof(BIOS) - 1)
                        continue;
                CHECK_FAILS(ingot_smbios_oem_strings(INGOT_SPAN(cut, size), add, &s, &error),
                            INGOT_E_FORMAT, "SMBIOS structure of type");
        }
        ingot_error error = {0};
        _cleanup_strings_ struct ingot_strings s = {0};
        CHECK_FAILS(READ(OEM "\x0b\x03\x00\x00\0\0\0\0", &s, &error), INGOT_E_FORMAT, "type 11");
        CHECK_EQ(s.count, (size_t) 2); /* what stood before it was handed out */
}

TEST(who_takes_the_strings_may_stop)
{
        ingot_error error = {0};
        CHECK_FAILS(ingot_smbios_oem_strings(INGOT_SPAN(OEM, sizeof(OEM) - 1), refuse, NULL, &error),
                    INGOT_E_REFUSED, "not io.systemd.credential:a=b");
}
