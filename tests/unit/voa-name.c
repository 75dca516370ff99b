/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trust/voa-name.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "os/plain-path.h"
#include "test.h"
#include "trust/voa-path.h"

#include <stdlib.h>
#include <unistd.h>

TEST(os_names)
{
        static const char *const good[] = {
                "arch",      "debian:12", "fedora:41:workstation", "arch:::cashier-system:1.0.0",
                "a:b:c:d:e", "..a"};
        static const char *const bad[][2] = {
                {"", "is empty"},      {":12", "has no ID"},    {"arch:", "ends in"},
                {"arch::", "ends in"}, {"a:b:c:d:e:f", "five"}, {"Arch", "character"},
                {"a/b", "character"},  {"..", "no name"},       {"caf\xc3\xa9", "character"}};
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                CHECK(!ingot_voa_os_fault(good[i]));
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                const char *fault = ingot_voa_os_fault(bad[i][0]);
                CHECK(fault && strstr(fault, bad[i][1]));
        }
}

TEST(an_os_release_gives_one_os)
{
        static const struct {
                const char *text, *os;
        } cases[] = {
                {"ID=debian\nVERSION_ID=\"12\"\n", "debian:12"},
                {"NAME=x\nID=arch\nIMAGE_ID='cashier'\nIMAGE_VERSION=1.0\n", "arch:::cashier:1.0"},
                {"VERSION_ID=3\n", "linux:3"},
                {"ID=a\nID=b\r\n", "b"},
                {"", "linux"},
        };
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *os = NULL;
                CHECK_OK(ingot_voa_os_of_release(INGOT_SPAN(cases[i].text, strlen(cases[i].text)),
                                                 &os, &error));
                CHECK_STR(os, cases[i].os);
        }
        char *os = NULL;
        CHECK_FAILS(ingot_voa_os_of_release(INGOT_SPAN("ID=a\nVERSION_ID=1:2\n", 20), &os, &error),
                    INGOT_E_FORMAT, "'1:2' is no part of an OS name");
}

TEST(a_place_comes_back_as_it_was)
{
        static const char place[] = "arch/trust-anchor-image/default/x509/a-certificate.pem";
        static const char *const bad[][2] = {
                {"arch/package/default/minisign", "OS/PURPOSE"},
                {"arch/package/default/minisign/a.pub/b", "OS/PURPOSE"},
                {"arch//default/minisign/a.pub", "the purpose '' is empty"},
                {"../package/default/minisign/a.pub", "the OS '..' is no name"},
                {"arch/trust-anchor-trust-anchor-x/default/minisign/a.pub", "twice"},
                {"arch/package/default/openpgp:2/a.pub", "technology 'openpgp:2'"},
                {"arch/package/default/ssh/a.pub", "SHA-256"},
                {"arch/package/default/openpgp/0A.openpgp", "fingerprint"},
        };
        _cleanup_free_ char *back = NULL;
        struct ingot_voa_place p = {0};
        ingot_error error = {0};
        CHECK_OK(ingot_voa_place_parse(place, &p, &error));
        CHECK(ingot_voa_purpose_is_anchor(p.purpose));
        CHECK_OK(ingot_voa_place_format(&p, &back, &error));
        CHECK_STR(back, place);
        ingot_voa_place_done(&p);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                CHECK_FAILS(ingot_voa_place_parse(bad[i][0], &p, &error), INGOT_E_FORMAT,
                            bad[i][1]);
}

TEST(load_paths_of_a_user_follow_the_base_directories)
{
        static const char *const want[] = {"/etc/voa",
                                           "/run/voa",
                                           "/c/voa",
                                           "/x/voa",
                                           "/y/voa",
                                           "/r/voa",
                                           "/h/.local/share/voa",
                                           "/usr/share/voa"};
        const struct ingot_voa_user user = {.home = "/h",
                                            .config_home = "//c/",
                                            .config_dirs = "/x:relative:/y:/x",
                                            .runtime_dir = "/r",
                                            .data_dirs = "/usr/share"};
        _cleanup_voa_paths_ struct ingot_voa_paths paths = {0};
        ingot_error error = {0};
        CHECK_OK(ingot_voa_paths_user(&paths, &user, &error));
        CHECK_EQ(paths.count, ARRAY_SIZE(want));
        for (size_t i = 0; i < paths.count; i++) {
                CHECK_STR(paths.items[i].path, want[i]);
                CHECK_EQ(paths.items[i].administrator, i < 2);
                CHECK_EQ(paths.items[i].ephemeral, i == 1 || i == 5);
        }
}

TEST(a_plain_path_never_goes_through_a_link)
{
        _cleanup_free_ char *link = NULL, *path = NULL;
        _cleanup_buffer_ struct ingot_buffer content = {0};
        _cleanup_close_ int root = -1;
        enum ingot_plain_kind kind;
        ingot_error error = {0};
        CHECK_OK(ingot_format(&path, &error, "%s/plain/real", test_folder()));
        CHECK_OK(ingot_make_directories(path, 0755, &error));
        CHECK_OK(ingot_plain_open_root(test_folder(), &root, &error));
        CHECK_EQ(symlinkat("real", root, "plain/alias"), 0);
        free(TAKE_PTR(path));
        CHECK_OK(ingot_format(&path, &error, "%s/plain/real/file", test_folder()));
        CHECK_OK(ingot_outfile_put(path, "text", 4, 0644, &error));
        CHECK_OK(ingot_plain_look(root, "/plain/real/file", &kind, NULL, &error));
        CHECK_EQ(kind, INGOT_PLAIN_FILE);
        CHECK_OK(ingot_plain_look(root, "/plain/alias/file", &kind, NULL, &error));
        CHECK_EQ(kind, INGOT_PLAIN_ABSENT);
        CHECK_OK(ingot_plain_look(root, "/plain/alias", &kind, &link, &error));
        CHECK_EQ(kind, INGOT_PLAIN_LINK);
        CHECK_STR(link, "real");
        CHECK_OK(ingot_plain_look(root, "/", &kind, NULL, &error));
        CHECK_EQ(kind, INGOT_PLAIN_FOLDER);
        CHECK_FAILS(ingot_plain_read(root, "/plain/alias/file", 10, &content, &error),
                    INGOT_E_NOTFOUND, "is not there");
        CHECK_FAILS(ingot_plain_read(root, "/plain/real/file", 3, &content, &error), INGOT_E_LIMIT,
                    "more than 3 bytes");
        CHECK_OK(ingot_plain_read(root, "/plain/real/file", 4, &content, &error));
        CHECK_EQ(content.size, 4);
}
