/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "format/module.h"
#include "make-module.h"
#include "test.h"

static const char info[] = "license=GPL\0depends=a,b\0softdep=pre: c";

TEST(strings_come_in_order)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_strings_ struct ingot_strings s = {0};
        make_module(&b, info, sizeof(info));
        CHECK_OK(ingot_module_info(ingot_buffer_span(&b), &s, &error));
        CHECK_EQ(s.count, 3);
        CHECK_STR(s.items[0], "license=GPL");
        CHECK_STR(s.items[1], "depends=a,b");
        CHECK_STR(s.items[2], "softdep=pre: c");
}

TEST(every_cut_is_refused_or_harmless)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        make_module(&b, info, sizeof(info));
        for (size_t size = 0; size < b.size; size++) {
                ingot_error error = {0};
                _cleanup_strings_ struct ingot_strings s = {0};
                _cleanup_free_ uint8_t *copy = malloc(size + 1);
                CHECK(copy);
                memcpy(copy, b.data, size);
                CHECK_FAILS(ingot_module_info(INGOT_SPAN(copy, size), &s, &error), INGOT_E_FORMAT,
                            "ELF");
        }
}

TEST(sections_outside_of_the_file_are_refused)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_strings_ struct ingot_strings s = {0};
        make_module(&b, info, sizeof(info));
        uint8_t *section = b.data + b.size - 128;
        ingot_le64_store(section + 24, UINT64_MAX - 3);
        CHECK_FAILS(ingot_module_info(ingot_buffer_span(&b), &s, &error), INGOT_E_FORMAT,
                    ".modinfo outside");
        ingot_le64_store(section + 64 + 32, UINT64_MAX);
        CHECK_FAILS(ingot_module_info(ingot_buffer_span(&b), &s, &error), INGOT_E_FORMAT,
                    "names outside");
}

TEST(big_endian_is_not_supported)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        _cleanup_strings_ struct ingot_strings s = {0};
        make_module(&b, info, sizeof(info));
        b.data[5] = 2;
        CHECK_FAILS(ingot_module_info(ingot_buffer_span(&b), &s, &error), INGOT_E_UNSUPPORTED,
                    "little-endian");
}
