/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"
#include "format/ini.h"
#include "test.h"

static int print(void *context, const struct ingot_ini_line *l, ingot_error *reterr)
{
        return ingot_buffer_printf(context, reterr, "%u:%s.%s=%s|", l->line, l->section, l->key,
                                   l->value);
}

static struct ingot_buffer out;
static int parse(const char *text, ingot_error *error)
{
        ingot_buffer_done(&out);
        return ingot_ini_parse("f", INGOT_SPAN(text, strlen(text)), print, &out, error);
}

TEST(lines_are_joined_and_counted)
{
        ingot_error error = {0};
        CHECK_OK(parse("# x\n[A]\nk = v \nl=a\\\n  b\\\n#no\nc\n\n[B]\n e=\r\n", &error));
        CHECK_STR((char *) out.data, "3:A.k=v|4:A.l=a b c|10:B.e=|");
        ingot_buffer_done(&out);
}

TEST(a_comment_does_not_continue)
{
        ingot_error error = {0};
        CHECK_OK(parse("[A]\n# c \\\nk=v\n", &error));
        CHECK_STR((char *) out.data, "3:A.k=v|");
        ingot_buffer_done(&out);
}

TEST(what_is_no_ini_is_refused_with_its_line)
{
        ingot_error error = {0};
        CHECK_FAILS(parse("k=v", &error), INGOT_E_FORMAT, "f:1: 'k=v' stands before");
        CHECK_FAILS(parse("[A]\nfoo\n", &error), INGOT_E_FORMAT, "f:2: neither");
        CHECK_FAILS(parse("[A\n", &error), INGOT_E_FORMAT, "f:1: a section is");
        CHECK_FAILS(parse("[A]\n=v\n", &error), INGOT_E_FORMAT, "f:2: neither");
        CHECK_FAILS(parse("[A]\nk=\xff\n", &error), INGOT_E_FORMAT, "not UTF-8");
        ingot_buffer_done(&out);
}
