/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "test.h"

#include <stdlib.h>

enum { RED, GREEN };
static const char *const colors[] = {"red", "green", NULL};

struct sample {
        bool dry, verbose;
        const char *name;
        struct ingot_strings tags;
        uint64_t size, count;
        int color;
};

static const struct option rows[] = {
        FLAG('n', "dry-run", struct sample, dry, "Write nothing"),
        FLAG('v', "verbose", struct sample, verbose, "Say more"),
        STRING('o', "output", "FILE", struct sample, name, "Where it goes"),
        STRINGS('t', "tag", "NAME", struct sample, tags, "A tag"),
        SIZE('s', "size", "BYTES", struct sample, size, "Size"),
        UINT(0, "count", "NUMBER", struct sample, count, "Count"),
        CHOICE(0, "color", "NAME", struct sample, color, colors, "Colour"),
        OPTION_JSON,
        {0},
};

static const struct command command = {.name = "sample",
                                       .synopsis = "FILE...",
                                       .rows = rows,
                                       .operands_min = 1,
                                       .operands_max = 2};

static struct sample sample;
static struct invocation in;
static const char *operands[16];

/* Parses the words of the array, which ends with NULL. */
static int parse(const char *const *words, ingot_error *reterr)
{
        int argc = 0;
        option_free(rows, &sample);
        sample = (struct sample){0};
        in = (struct invocation){.command = &command, .options = &sample, .operands = operands};
        while (words[argc])
                argc++;
        return option_parse(&command, argc, (char **) words, &in, reterr);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(every_kind_of_option_is_read)
{
        ingot_error error = {0};
        CHECK_OK(parse(WORDS("--dry-run", "a", "--output=x", "--tag", "1", "--tag=2", "--size=4K",
                             "--count", "18446744073709551615", "--color=green", "--json"),
                       &error));
        CHECK(sample.dry && !sample.verbose && in.json);
        CHECK_STR(sample.name, "x");
        CHECK_EQ(sample.tags.count, (size_t) 2);
        CHECK_STR(sample.tags.items[1], "2");
        CHECK_EQ(sample.size, 4096);
        CHECK_EQ(sample.count, UINT64_MAX);
        CHECK_EQ(sample.color, GREEN);
        CHECK_EQ(in.operand_count, (size_t) 1);
        option_free(rows, &sample);
        CHECK_EQ(sample.tags.count, (size_t) 0);
}

TEST(letters_are_bundled_and_take_values)
{
        ingot_error error = {0};
        CHECK_OK(parse(WORDS("-nvo", "out", "a"), &error));
        CHECK(sample.dry && sample.verbose);
        CHECK_STR(sample.name, "out");
        CHECK_OK(parse(WORDS("-ns4G", "a"), &error));
        CHECK_EQ(sample.size, UINT64_C(4) << 30);
        CHECK_FAILS(parse(WORDS("-nx"), &error), INGOT_E_USAGE, "no option -x");
        CHECK_FAILS(parse(WORDS("a", "-o"), &error), INGOT_E_USAGE, "--output needs a value: FILE");
}

TEST(two_dashes_end_the_options)
{
        ingot_error error = {0};
        CHECK_OK(parse(WORDS("-", "--", "--size"), &error));
        CHECK_EQ(in.operand_count, (size_t) 2);
        CHECK_STR(in.operands[0], "-");
        CHECK_STR(in.operands[1], "--size");
}

TEST(mistakes_are_named)
{
        ingot_error error = {0};
        CHECK_FAILS(parse(WORDS("--sise=1", "a"), &error), INGOT_E_USAGE,
                    "no option --sise; did you mean --size?");
        CHECK_FAILS(parse(WORDS("--siz=1", "a"), &error), INGOT_E_USAGE, "no option --siz");
        CHECK_FAILS(parse(WORDS("--zzzzzzzzzz"), &error), INGOT_E_USAGE, "no option --zzzzzzzzzz");
        CHECK(!strstr(error.text, "did you mean"));
        CHECK_FAILS(parse(WORDS("--size=3Q", "a"), &error), INGOT_E_USAGE, "--size: not a size: '3Q'");
        CHECK_FAILS(parse(WORDS("--count=-1", "a"), &error), INGOT_E_USAGE,
                    "--count: not a number: '-1'");
        CHECK_FAILS(parse(WORDS("--count=18446744073709551616", "a"), &error), INGOT_E_USAGE,
                    "not a number");
        CHECK_FAILS(parse(WORDS("--color=gren", "a"), &error), INGOT_E_USAGE,
                    "not one of its values: 'gren'; did you mean 'green'?");
        CHECK_FAILS(parse(WORDS("--dry-run=yes", "a"), &error), INGOT_E_USAGE,
                    "--dry-run takes no value");
        CHECK_FAILS(parse(WORDS("-n"), &error), INGOT_E_USAGE, "it needs FILE...");
        CHECK_FAILS(parse(WORDS("a", "b", "c"), &error), INGOT_E_USAGE, "one operand too many: 'c'");
}

TEST(help_needs_no_operands)
{
        ingot_error error = {0};
        CHECK_EQ(parse(WORDS("--help"), &error), 1);
        CHECK_EQ(parse(WORDS("-h"), &error), 1);
        CHECK_EQ(parse(WORDS("--", "--help"), &error), 0);
}
