/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "image/build-state.h"
#include "os/file.h"
#include "test.h"

static char folder[4096];

static void write_recipe(const char *name, const char *text)
{
        char path[4200];
        snprintf(folder, sizeof(folder), "%s/recipe", test_folder());
        snprintf(path, sizeof(path), "%s/ingot.conf.d", folder);
        ingot_make_directories(path, 0755, NULL);
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        ingot_outfile_put(path, text, strlen(text), 0644, NULL);
}

static int load(const char *set, struct ingot_recipe **ret, ingot_error *error)
{
        return ingot_recipe_load(folder, &set, set ? 1 : 0, ret, error);
}

#define RECIPE _cleanup_(ingot_recipe_free_p) struct ingot_recipe *recipe = NULL

TEST(dropins_override_in_the_order_of_their_names)
{
        ingot_error error = {0};
        RECIPE;
        write_recipe("ingot.conf", "[Image]\nName=box\nVersion=1\n[Packages]\nInstall=a b\n");
        write_recipe("ingot.conf.d/20.conf", "[Image]\nVersion=3\n");
        write_recipe("ingot.conf.d/10.conf", "[Image]\nVersion=2\n[Packages]\nInstall=c\n");
        write_recipe("ingot.conf.d/30.txt", "[Image]\nVersion=4\n");
        CHECK_OK(load(NULL, &recipe, &error));
        CHECK_STR(ingot_recipe_text(recipe, INGOT_IMAGE_VERSION), "3");
        CHECK_EQ(ingot_recipe_list(recipe, INGOT_PACKAGES_INSTALL)->count, 3);
        CHECK_STR(recipe->values[INGOT_PACKAGES_INSTALL].origins.items[2],
                  "ingot.conf.d/10.conf:4");
        CHECK_EQ(ingot_recipe_number(recipe, INGOT_PARTITIONS_ESP_SIZE), 512 << 20);
}

TEST(sets_come_last_and_an_empty_one_brings_the_default)
{
        ingot_error error = {0};
        RECIPE;
        write_recipe("ingot.conf", "[Image]\nName=box\nVersion=1\n[Boot]\nEtc=volatile\n");
        CHECK_OK(load("Boot.Etc=", &recipe, &error));
        CHECK_STR(ingot_recipe_text(recipe, INGOT_BOOT_ETC), "overlay");
        CHECK_STR(recipe->values[INGOT_BOOT_ETC].origins.items[0], "default");
}

TEST(a_typo_names_file_line_and_the_right_word)
{
        ingot_error error = {0};
        RECIPE;
        write_recipe("ingot.conf", "[Image]\nName=box\nVersoin=1\n");
        CHECK_FAILS(load(NULL, &recipe, &error), INGOT_E_FORMAT,
                    "ingot.conf:3: there is no key in section Image named 'Versoin'; did you mean "
                    "'Version'?");
        write_recipe("ingot.conf", "[Imgae]\nName=box\n");
        CHECK_FAILS(load(NULL, &recipe, &error), INGOT_E_FORMAT, "did you mean 'Image'?");
        write_recipe("ingot.conf", "[Image]\nName=box\nVersion=1\n[Boot]\nEtc=overly\n");
        CHECK_FAILS(load(NULL, &recipe, &error), INGOT_E_FORMAT,
                    "ingot.conf:5: Boot.Etc is 'overly', not one of: overlay volatile read-only");
        CHECK_FAILS(load("Boot=x", &recipe, &error), INGOT_E_FORMAT, "ingot.conf:5");
        write_recipe("ingot.conf", "[Image]\nName=box\nVersion=1\n");
        CHECK_FAILS(load("Boot=x", &recipe, &error), INGOT_E_USAGE, "Section.Key=VALUE");
        CHECK_FAILS(load("Image.Name=a_b", &recipe, &error), INGOT_E_FORMAT, "a-z");
        CHECK_FAILS(load("Image.Name=../x", &recipe, &error), INGOT_E_FORMAT, "a-z");
        CHECK_FAILS(load("Image.Version=", &recipe, &error), INGOT_E_FORMAT, "needs Version=");
}

TEST(the_seed_depends_on_the_name_and_not_on_the_version)
{
        ingot_error error = {0};
        _cleanup_(ingot_recipe_free_p) struct ingot_recipe *a = NULL, *b = NULL, *c = NULL;
        write_recipe("ingot.conf", "[Image]\nName=box\nVersion=1\n");
        CHECK_OK(load(NULL, &a, &error));
        CHECK_OK(load("Image.Version=2", &b, &error));
        CHECK_OK(load("Image.Name=crate", &c, &error));
        struct ingot_uuid x = ingot_recipe_seed(a), y = ingot_recipe_seed(b),
                          z = ingot_recipe_seed(c);
        CHECK(ingot_uuid_equal(&x, &y));
        CHECK(!ingot_uuid_equal(&x, &z));
}

/* The row of docs/recipe.md for a key: the table is written from what the program knows. */
static void format_row(const struct ingot_recipe_key_info *info, char *ret, size_t size)
{
        static const char *const types[] = {
                [INGOT_VALUE_TEXT] = "text",     [INGOT_VALUE_NAME] = "name",
                [INGOT_VALUE_VERSION] = "version", [INGOT_VALUE_BOOL] = "yes or no",
                [INGOT_VALUE_UINT] = "number",   [INGOT_VALUE_SIZE] = "size",
                [INGOT_VALUE_UUID] = "UUID",     [INGOT_VALUE_CHOICE] = "choice",
                [INGOT_VALUE_PATH] = "path",     [INGOT_VALUE_WORDS] = "words",
                [INGOT_VALUE_LINES] = "lines"};
        snprintf(ret, size, "| `%s=` | %s | %s | %s |", info->key,
                 info->choices ? info->choices : types[info->type],
                 info->fallback ? info->fallback : "", info->summary);
}

TEST(the_documentation_has_every_key)
{
        ingot_error error = {0};
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        CHECK_OK(ingot_file_read(-1, test_source("docs/recipe.md"), 1 << 20, &text, &size,
                                 &error));
        for (size_t i = 0; i < INGOT_RECIPE_KEY_MAX; i++) {
                char row[1024], heading[64];
                format_row(ingot_recipe_keys + i, row, sizeof(row));
                snprintf(heading, sizeof(heading), "## [%s]", ingot_recipe_keys[i].section);
                if (!strstr((char *) text, row) || !strstr((char *) text, heading))
                        printf("# missing in docs/recipe.md, %s:\n# %s\n", heading, row);
                CHECK(strstr((char *) text, row) && strstr((char *) text, heading));
        }
}

TEST(numbers_have_bounds)
{
        static const char *const sets[][2] = {
                {"Boot.Tries=100", "--set: Boot.Tries is 100, not from 0 to 99"},
                {"Boot.Tries=4294967296", "not from 0 to 99"},
                {"Partitions.Level=0", "not from 1 to 22"},
                {"Partitions.VarSize=15M", "VarSize is 15M, not from 16"},
                {"Partitions.VarSize=8000000T", "not from 16"},
                {"Partitions.EspSize=0", "EspSize is 0, not from 1"},
                {"Image.Timestamp=9223372036854775808", "not from 0 to 253402300799"},
        };
        ingot_error error = {0};
        write_recipe("ingot.conf", "[Image]\nName=box\nVersion=1\n");
        for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
                RECIPE;
                CHECK_FAILS(load(sets[i][0], &recipe, &error), INGOT_E_FORMAT, sets[i][1]);
        }
}

TEST(command_line_has_one_root_hash_and_whole_quotes)
{
        static const struct {
                const char *set, *says;
        } bad[] = {
                {"Boot.CommandLine=quiet roothash=00", "--set: Boot.CommandLine has roothash="},
                {"Boot.CommandLine=a=\"b c", "opens a quote that it does not close"},
        };
        ingot_error error = {0};
        write_recipe("ingot.conf", "[Image]\nName=box\nVersion=1\n");
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                RECIPE;
                CHECK_OK(load(bad[i].set, &recipe, &error));
                CHECK_FAILS(ingot_build_check_command_line(recipe, &error), INGOT_E_FORMAT,
                            bad[i].says);
        }
        RECIPE;
        CHECK_OK(load("Boot.CommandLine=a=\"b c\" d", &recipe, &error));
        CHECK_OK(ingot_build_check_command_line(recipe, &error));
}

TEST(a_set_brings_nothing_that_a_file_cannot_have)
{
        ingot_error error = {0};
        RECIPE;
        write_recipe("ingot.conf", "[Image]\nName=box\nVersion=1\n");
        CHECK_FAILS(load("System.Hostname=a\nb", &recipe, &error), INGOT_E_FORMAT,
                    "--set: System.Hostname has a line break");
        CHECK_FAILS(load("Boot.CommandLine=a\033[2J", &recipe, &error), INGOT_E_FORMAT,
                    "control character");
        CHECK_OK(load("System.User=  \t", &recipe, &error));
        CHECK_EQ(ingot_recipe_list(recipe, INGOT_SYSTEM_USER)->count, 0);
}
