/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extensions: what fits an OS, what is installed, and what becomes of it with an update. */
#include "base/cleanup.h"
#include "extension/installed.h"
#include "os/file.h"
#include "os/root.h"
#include "test.h"
#include "update/extensions.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPAN(text) INGOT_SPAN(text, strlen(text))

TEST(extensions_fit_as_systemd_judges_them)
{
        static const struct {
                const char *extension, *os;
                enum ingot_extension_kind kind;
                int r;
                const char *why;
        } cases[] = {
                {"ID=debian\nVERSION_ID=13\n", "ID=debian\nVERSION_ID=13\n", 0, 0, ""},
                {"ID=debian\nVERSION_ID=13\n", "ID=debian\nVERSION_ID=14\n", 0, 1,
                 "VERSION_ID is 13, the OS has 14"},
                {"ID=debian\n", "ID=debian\nVERSION_ID=14\n", 0, 1, "VERSION_ID is not set"},
                {"ID=debian\n", "ID=debian\n", 0, 0, ""},
                {"ID=_any\n", "ID=debian\nVERSION_ID=14\n", 0, 0, ""},
                {"ID=_any\nARCHITECTURE=arm64\n", "ID=debian\n", 0, 1, "ARCHITECTURE is arm64"},
                {"ID=_any\nARCHITECTURE=_any\n", "ID=debian\n", 0, 0, ""},
                {"ID=_any\nARCHITECTURE=x86-64\n", "ID=debian\n", 0, 0, ""},
                {"ID=debian\nSYSEXT_LEVEL=2\n", "ID=debian\nSYSEXT_LEVEL=2\nVERSION_ID=9\n", 0, 0,
                 ""},
                {"ID=debian\nSYSEXT_LEVEL=1\nVERSION_ID=9\n",
                 "ID=debian\nSYSEXT_LEVEL=2\nVERSION_ID=9\n", 0, 1, "SYSEXT_LEVEL is 1"},
                {"ID=debian\nSYSEXT_LEVEL=1\nVERSION_ID=9\n", "ID=debian\nVERSION_ID=9\n", 0, 0,
                 ""},
                {"ID=debian\nSYSEXT_LEVEL=1\n", "ID=debian\nCONFEXT_LEVEL=1\n", 0, 0, ""},
                {"ID=debian\nCONFEXT_LEVEL=1\n", "ID=debian\nCONFEXT_LEVEL=2\n",
                 INGOT_EXTENSION_CONFEXT, 1, "CONFEXT_LEVEL is 1"},
                {"ID=debian\n", "ID=web\nID_LIKE=\"arch debian\"\n", 0, 0, ""},
                {"ID=deb\n", "ID=web\nID_LIKE=\"arch debian\"\n", 0, 1,
                 "ID is deb, the OS has web"},
                {"ID=debian\nSYSEXT_SCOPE=initrd\n", "ID=debian\n", 0, 1, "SYSEXT_SCOPE"},
                {"ID=debian\nSYSEXT_SCOPE=\"initrd system\"\n", "ID=debian\n", 0, 0, ""},
                {"ID=debian\nSYSEXT_SCOPE=initrd\n", "ID=debian\n", INGOT_EXTENSION_CONFEXT, 0, ""},
                {"VERSION_ID=13\n", "ID=debian\nVERSION_ID=13\n", 0, -INGOT_E_FORMAT, "no ID"},
                {"", "ID=debian\n", 0, -INGOT_E_FORMAT, "no ID"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct ingot_extension_os os = {SPAN(cases[i].os), "x86-64"};
                _cleanup_free_ char *why = NULL;
                ingot_error error = {0};
                int r = ingot_extension_fits(cases[i].kind, SPAN(cases[i].extension), &os, &why,
                                             &error);
                const char *text = r < 0 ? error.text : why ? why : "";
                if (r != cases[i].r || !strstr(text, cases[i].why))
                        printf("# case %zu: %d, %s\n", i, r, text);
                CHECK_EQ(r, cases[i].r);
                CHECK(strstr(text, cases[i].why));
        }
}

/* A folder as an extension. */
static int put(const char *place, const char *name, const char *text)
{
        _cleanup_free_ char *folder = NULL, *file = NULL;
        const char *base = strchr(name, '_') ? "b" : name;
        int r = ingot_format(&folder, NULL, "%s/%s/usr/lib/extension-release.d", test_path(place),
                             name);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, NULL);
        if (r >= 0)
                r = ingot_format(&file, NULL, "%s/extension-release.%s", folder, base);
        return r < 0 ? r : ingot_outfile_put(file, text, strlen(text), 0644, NULL);
}

static int find(struct ingot_extensions *x)
{
        _cleanup_close_ int fd = -1;
        int r = ingot_root_open(test_folder(), &fd, NULL);
        return r < 0 ? r : ingot_extensions_find(fd, "1", x, NULL);
}

TEST(what_is_installed_and_what_masks_it)
{
        _cleanup_extensions_ struct ingot_extensions x = {0};
        CHECK(put("var/lib/extensions", "a", "ID=_any\n") >= 0);
        CHECK(put("var/lib/extensions", "masked", "ID=_any\n") >= 0);
        CHECK(ingot_make_directories(test_path("etc/extensions/masked"), 0755, NULL) >= 0);
        CHECK(put("var/lib/extensions", "linked", "ID=_any\n") >= 0);
        CHECK(symlink("/dev/null", test_path("etc/extensions/linked.raw")) == 0);
        CHECK(put("var/lib/extensions/b.v", "b_1", "ID=old\n") >= 0);
        CHECK(put("var/lib/extensions/b.v", "b_10", "ID=new\n") >= 0);
        CHECK(put("var/lib/extensions/b.v", "b_9", "ID=old\n") >= 0);
        CHECK(put("var/lib/ingot/extensions/1/sysext", "brought", "ID=x\n") >= 0);
        CHECK(put("var/lib/ingot/extensions/2/sysext", "other", "ID=x\n") >= 0);
        CHECK(ingot_make_directories(test_path("var/lib/extensions/none"), 0755, NULL) >= 0);
        CHECK(ingot_outfile_put(test_path("var/lib/extensions/bad.raw"), "x", 1, 0644, NULL) >= 0);
        CHECK(ingot_outfile_put(test_path("var/lib/extensions/note.txt"), "x", 1, 0644, NULL) >= 0);
        CHECK(find(&x) >= 0);
        for (size_t i = 0; i < x.count; i++)
                printf("# %s %s %s\n", x.items[i].name, x.items[i].path,
                       x.items[i].problem ? x.items[i].problem : "");
        CHECK_EQ(x.count, 4);
        CHECK(strcmp(x.items[0].name, "a") == 0 && !x.items[0].first && !x.items[0].brought);
        CHECK(strcmp(x.items[1].name, "b") == 0 && strstr(x.items[1].path, "b_10"));
        CHECK(x.items[1].release.size == 7 && memcmp(x.items[1].release.data, "ID=new\n", 7) == 0);
        CHECK(strcmp(x.items[2].name, "bad") == 0 && x.items[2].problem);
        CHECK(strcmp(x.items[3].name, "brought") == 0 && x.items[3].brought);
}

static struct ingot_extension extension(const char *name, const char *release, bool brought,
                                        bool first)
{
        struct ingot_extension x = {.name = (char *) name,
                                    .path = (char *) "/var/lib/extensions/x",
                                    .brought = brought,
                                    .first = first};
        x.release.data = (uint8_t *) release;
        x.release.size = strlen(release);
        return x;
}

TEST(what_becomes_of_them)
{
        static const char new[] = "ID=web\nVERSION_ID=2\n", old[] = "ID=web\nVERSION_ID=1\n";
        struct ingot_extension items[] = {
                extension("any", "ID=_any\n", false, false),
                extension("mine", old, false, false),
                extension("offered", old, false, false),
                extension("offered-etc", old, false, true),
                extension("brought", "ID=_any\n", true, false),
                extension("both", "ID=_any\n", true, false),
                extension("gone", old, false, false),
                extension("fits", new, false, false),
        };
        struct ingot_release_extension offers[] = {{.name = (char *) "offered"},
                                                   {.name = (char *) "offered-etc"},
                                                   {.name = (char *) "both"},
                                                   {.name = (char *) "fits"}};
        static const enum ingot_extension_fate fates[] = {
                INGOT_EXTENSION_STAYS,   INGOT_EXTENSION_LOST,    INGOT_EXTENSION_FETCHED,
                INGOT_EXTENSION_LOST,    INGOT_EXTENSION_CARRIED, INGOT_EXTENSION_FETCHED,
                INGOT_EXTENSION_DROPPED, INGOT_EXTENSION_STAYS};
        const struct ingot_extensions all = {items, ARRAY_SIZE(items)};
        const struct ingot_release release = {.version = (char *) "2",
                                              .os_release = (char *) new,
                                              .extensions = offers,
                                              .extension_count = ARRAY_SIZE(offers)};
        _cleanup_strings_ struct ingot_strings drop = {0}, wrong = {0};
        _cleanup_extension_moves_ struct ingot_extension_moves m = {0}, none = {0};
        ingot_error error = {0};
        CHECK(ingot_strings_add(&drop, "gone", NULL) >= 0);
        CHECK(ingot_strings_add(&wrong, "nobody", NULL) >= 0);
        CHECK_EQ(ingot_extension_moves_plan(&all, &release, "x86-64", &wrong, &none, &error),
                 -INGOT_E_USAGE);
        CHECK(ingot_extension_moves_plan(&all, &release, "x86-64", &drop, &m, &error) >= 0);
        CHECK_EQ(m.count, ARRAY_SIZE(items));
        for (size_t i = 0; i < m.count; i++)
                CHECK_EQ(m.items[i].fate, fates[i]);
        CHECK_EQ(ingot_extension_moves_check(&m, &error), -INGOT_E_REFUSED);
        CHECK(strstr(error.text, "mine") && strstr(error.text, "offered-etc"));
        CHECK(strstr(error.text, "VERSION_ID is 1, the OS has 2") && strstr(error.text, "--drop"));
        CHECK(!strstr(error.text, "gone"));
}

/* A release that does not say which system it is fits only what fits all. */
TEST(a_release_without_an_os_release)
{
        struct ingot_extension items[] = {extension("any", "ID=_any\n", false, false),
                                          extension("mine", "ID=web\n", false, false)};
        const struct ingot_extensions all = {items, 2};
        const struct ingot_release release = {.version = (char *) "2"};
        _cleanup_extension_moves_ struct ingot_extension_moves m = {0};
        CHECK(ingot_extension_moves_plan(&all, &release, "x86-64", NULL, &m, NULL) >= 0);
        CHECK_EQ(m.items[0].fate, INGOT_EXTENSION_STAYS);
        CHECK_EQ(m.items[1].fate, INGOT_EXTENSION_LOST);
}

TEST(they_are_brought_whole_or_not_at_all)
{
        static const char content[] = "an extension image", other[] = "another one, as long";
        const struct ingot_extension x = extension("new", "ID=x\n", false, false);
        struct ingot_release_extension offer = {.name = (char *) "new",
                                                .file = {.name = (char *) "new_2.raw", .size = 18}};
        struct ingot_extension_move move = {
                .extension = &x, .fate = INGOT_EXTENSION_FETCHED, .offer = &offer};
        const struct ingot_extension_moves m = {&move, 1};
        _cleanup_source_ struct ingot_source source = {0};
        struct ingot_walk_options options = {.sources = &source, .source_count = 1};
        _cleanup_strings_ struct ingot_strings keep = {0};
        _cleanup_free_ char *path = strdup(test_path("var/lib/ingot/extensions/3/sysext/new.raw"));
        ingot_error error = {0};
        CHECK(path);
        ingot_sha256_of(content, 18, offer.file.sha256);
        CHECK(ingot_make_directories(test_path("site"), 0755, NULL) >= 0);
        CHECK(ingot_outfile_put(test_path("site/new_2.raw"), other, 18, 0644, NULL) >= 0);
        CHECK(ingot_source_open(test_path("site"), NULL, &source, &error) >= 0);
        CHECK_EQ(ingot_extension_moves_run(&m, test_folder(), "3", &options, &error),
                 -INGOT_E_REFUSED);
        CHECK(!ingot_file_exists(path));
        CHECK(ingot_outfile_put(test_path("site/new_2.raw"), content, 18, 0644, NULL) >= 0);
        CHECK(ingot_extension_moves_run(&m, test_folder(), "3", &options, &error) >= 0);
        CHECK(ingot_file_exists(path));
        CHECK(ingot_strings_add(&keep, "4", NULL) >= 0);
        CHECK(ingot_extensions_sweep(test_folder(), &keep, &error) >= 0);
        CHECK(!ingot_file_exists(path));
}
