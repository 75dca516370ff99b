/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debian control data. */
#include "format/deb822.h"
#include "test.h"

static ingot_error error;

static struct ingot_deb822 over(const char *text)
{
        return ingot_deb822_over(INGOT_SPAN(text, strlen(text)));
}

TEST(paragraphs_and_fields_are_found)
{
        struct ingot_deb822 d = over("\n# comment\nPackage: a\nDescription: one\n two\n .\n three\n"
                                     "Empty:\n\n \n\npackage:  b  \r\nX: y");
        struct ingot_deb822_field f;
        CHECK_EQ(ingot_deb822_paragraph(&d, &error), 1);
        CHECK_EQ(ingot_deb822_field(&d, &f, &error), 1);
        CHECK(ingot_deb822_is(&f, "package") && ingot_span_is(f.value, "a"));
        CHECK_EQ(d.line, 3);
        CHECK_EQ(ingot_deb822_field(&d, &f, &error), 1);
        CHECK(ingot_span_is(f.value, "one\n two\n .\n three"));
        CHECK_EQ(ingot_deb822_field(&d, &f, &error), 1);
        CHECK(ingot_deb822_is(&f, "Empty") && f.value.size == 0);
        CHECK_EQ(ingot_deb822_field(&d, &f, &error), 0);
        CHECK_EQ(ingot_deb822_paragraph(&d, &error), 1);
        CHECK_EQ(ingot_deb822_field(&d, &f, &error), 1);
        CHECK(ingot_deb822_is(&f, "Package") && ingot_span_is(f.value, "b"));
        CHECK_EQ(ingot_deb822_paragraph(&d, &error), 0);
}

TEST(a_line_without_a_field_is_malformed)
{
        static const char *const bad[] = {"A: b\nno colon\n", "A: b\n: value\n", "A: b\nsp ace: x\n",
                                          "A: b\n-dash: x\n"};
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                struct ingot_deb822 d = over(bad[i]);
                struct ingot_deb822_field f;
                CHECK_EQ(ingot_deb822_paragraph(&d, &error), 1);
                CHECK_EQ(ingot_deb822_field(&d, &f, &error), 1);
                CHECK_FAILS(ingot_deb822_field(&d, &f, &error), INGOT_E_FORMAT, "line 2");
        }
}

TEST(words_are_cut_at_blanks_and_newlines)
{
        struct ingot_span text = INGOT_SPAN(" a  bc\n d ", 10), word;
        CHECK(ingot_deb822_word(&text, &word) && ingot_span_is(word, "a"));
        CHECK(ingot_deb822_word(&text, &word) && ingot_span_is(word, "bc"));
        CHECK(ingot_deb822_word(&text, &word) && ingot_span_is(word, "d"));
        CHECK(!ingot_deb822_word(&text, &word));
}

TEST(nothing_is_no_paragraph)
{
        struct ingot_deb822 d = over("\n\n");
        CHECK_EQ(ingot_deb822_paragraph(&d, &error), 0);
}
