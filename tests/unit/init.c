/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "format/init-config.h"
#include "init/cmdline.h"
#include "init/credentials.h"
#include "init/disk.h"
#include "init/failure.h"
#include "init/handover.h"
#include "init/machine-id.h"
#include "init/root.h"
#include "init/var.h"
#include "os/file.h"
#include "os/verity-root.h"
#include "test.h"

#define HASH "463706035feb32cb6d6800dc06038101c54e913b567169f19737e9062f90c7e6"

static struct ingot_uuid uuid(const char *text)
{
        struct ingot_uuid u = {{0}};
        ingot_uuid_parse(text, &u);
        return u;
}

static int parse(const char *text, struct ingot_init_config *ret, ingot_error *reterr)
{
        return ingot_init_config_parse(INGOT_SPAN(text, strlen(text)), ret, reterr);
}

TEST(a_configuration_is_read)
{
        ingot_error error = {0};
        _cleanup_init_config_ struct ingot_init_config c = {0};
        CHECK_OK(parse("# a comment\n\nEtc=volatile\nShell=yes\n"
                       "Var=979e9af7-1627-4b8e-a6a0-7019e578a8d7\nVarSize=1073741824\nTimeout=5\n"
                       "Restart=yes\nWatchdog=60\n"
                       "Module=/b.ko\nModule=/a.ko",
                       &c, &error));
        CHECK_EQ(c.etc, INGOT_ETC_VOLATILE);
        CHECK(c.shell && c.has_var);
        CHECK_EQ(c.var.bytes[0], 0x97);
        CHECK_EQ(c.var_size, 1 << 30);
        CHECK_EQ(c.timeout, 5);
        CHECK_EQ(c.reboot, 10);
        CHECK(c.restart);
        CHECK_EQ(c.watchdog, 60);
        CHECK_EQ(c.modules.count, 2);
        CHECK_STR(c.modules.items[0], "/b.ko");
}

TEST(a_configuration_with_a_mistake_is_refused)
{
        static const struct {
                const char *text, *words;
        } bad[] = {
                {"Etc=overlay\nShel=yes\n", "line 2: unknown key 'Shel'"},
                {"Etc=sometimes\n", "Etc= cannot be 'sometimes'"},
                {"Shell=perhaps\n", "Shell="},
                {"Var=979e9af7\n", "Var="},
                {"Timeout=3601\n", "Timeout="},
                {"Reboot=-1\n", "Reboot="},
                {"Restart=often\n", "Restart="},
                {"Watchdog=4000\n", "Watchdog="},
                {"Module=a.ko\n", "Module="},
                {"Etc\n", "no '='"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                ingot_error error = {0};
                struct ingot_init_config c = {0};
                CHECK_FAILS(parse(bad[i].text, &c, &error), INGOT_E_FORMAT, bad[i].words);
        }
}

TEST(a_command_line_is_read)
{
        ingot_error error = {0};
        _cleanup_init_cmdline_ struct init_cmdline c = {0};
        CHECK_OK(init_cmdline_parse("quiet  roothash=" HASH " x=\"a init=/no\" rd.shell "
                                    "init=/bin/first init=/bin/second -- rd.shell=no\n",
                                    &c, &error));
        CHECK(c.has_root_hash && c.shell && !c.machine_id);
        CHECK_EQ(c.root_hash[0], 0x46);
        CHECK_EQ(c.root_hash[31], 0xe6);
        CHECK_STR(c.init, "/bin/second");
}

TEST(words_for_modules_are_handed_on)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0}, none = {0};
        static const char words[] =
                "quiet dm-verity.require_signatures=1 dm_verity.x dm_verity2.y=1 "
                "dm_verity=3 dm_verity. erofs.z=\"a b\" -- dm_verity.no=1\n";
        CHECK_OK(init_cmdline_module(words, "dm-verity", &b, &error));
        CHECK_STR((char *) b.data, "require_signatures=1 x");
        CHECK_OK(init_cmdline_module(words, "verity", &none, &error));
        CHECK_EQ(none.size, 0);
}

TEST(values_of_a_word_that_comes_again_are_kept_in_order)
{
        ingot_error error = {0};
        _cleanup_strings_ struct ingot_strings s = {0};
        CHECK_OK(init_cmdline_values("a a.b=1:x \"a.b=2:y z\" a.b_c=3 a.b=4 -- a.b=5\n", "a.b", &s,
                                     &error));
        CHECK_EQ(s.count, (size_t) 3);
        CHECK_STR(s.items[0], "1:x");
        CHECK_STR(s.items[1], "2:y z");
        CHECK_STR(s.items[2], "4");
}

TEST(credentials_are_taken_unless_the_command_line_says_no)
{
        static const struct {
                const char *text;
                bool no;
        } cases[] = {{"", false},
                     {"systemd.import_credentials=no", true},
                     {"rd.systemd.import_credentials=0", true},
                     {"systemd.import_credentials=yes", false},
                     {"systemd.import_credentials=no systemd.import_credentials=1", false},
                     {"systemd.import_credentials=perhaps", false}};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ingot_error error = {0};
                _cleanup_init_cmdline_ struct init_cmdline c = {0};
                CHECK_OK(init_cmdline_parse(cases[i].text, &c, &error));
                CHECK_EQ(c.no_credentials, cases[i].no);
        }
}

TEST(a_credential_is_a_name_and_a_value)
{
        ingot_error error = {0};
        _cleanup_credential_ struct init_credential c = {0}, binary = {0}, empty = {0};
        CHECK_OK(init_credential_decode("a.b=c=d:e", '=', false, &c, &error));
        CHECK_STR(c.name, "a.b");
        CHECK(c.value.size == 5 && memcmp(c.value.data, "c=d:e", 5) == 0);
        CHECK_OK(init_credential_decode("x:AAE=", ':', true, &binary, &error));
        CHECK(binary.value.size == 2 && memcmp(binary.value.data, "\0\1", 2) == 0);
        CHECK_OK(init_credential_decode("x=", '=', false, &empty, &error));
        CHECK_EQ(empty.value.size, (size_t) 0);
}

TEST(what_is_no_credential_is_refused)
{
        static const struct {
                const char *text, *words;
                char separator;
                bool binary;
        } bad[] = {{"a", "no '='", '=', false},
                   {"a=b", "no ':'", ':', false},
                   {"=b", "no name", '=', false},
                   {"../a=b", "no name", '=', false},
                   {"a=?", "base64", '=', true}};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                ingot_error error = {0};
                struct init_credential c = {0};
                CHECK_FAILS(init_credential_decode(bad[i].text, bad[i].separator, bad[i].binary,
                                                   &c, &error),
                            INGOT_E_FORMAT, bad[i].words);
        }
}

TEST(words_that_only_look_like_ours_are_left_alone)
{
        ingot_error error = {0};
        _cleanup_init_cmdline_ struct init_cmdline c = {0};
        CHECK_OK(init_cmdline_parse("xroothash=1 roothash.x=2 rd.shellx rd.shell=0 init=relative "
                                    "systemd.machine_id=firmware",
                                    &c, &error));
        CHECK(!c.has_root_hash && !c.shell && !c.init && c.machine_id);
}

TEST(a_root_hash_must_be_whole)
{
        ingot_error error = {0};
        struct init_cmdline c = {0};
        CHECK_FAILS(init_cmdline_parse("roothash=" HASH "00", &c, &error), INGOT_E_FORMAT,
                    "roothash");
        CHECK_FAILS(init_cmdline_parse("roothash", &c, &error), INGOT_E_FORMAT, "roothash");
}

TEST(a_counter_in_the_name_of_an_entry)
{
        CHECK(init_entry_has_counter("os_1+3.efi"));
        CHECK(init_entry_has_counter("/EFI/Linux/os_1+3-0.efi"));
        CHECK(init_entry_has_counter("os+2-1.conf"));
        CHECK(!init_entry_has_counter("os_1.efi"));
        CHECK(!init_entry_has_counter("os+x.efi"));
        CHECK(!init_entry_has_counter("os+3"));
        CHECK(!init_entry_has_counter("os+3-.efi"));
        CHECK(!init_entry_has_counter("g++.efi"));
}

TEST(names_of_credentials)
{
        CHECK(init_credential_name_valid("network.dns"));
        CHECK(!init_credential_name_valid(""));
        CHECK(!init_credential_name_valid(".."));
        CHECK(!init_credential_name_valid("a/b"));
        CHECK(!init_credential_name_valid("a:b"));
        CHECK(!init_credential_name_valid("a\nb"));
        CHECK(!init_credential_name_valid("\xc3\xbc"));
}

TEST(machine_ids)
{
        struct ingot_uuid u;
        CHECK(init_machine_id_parse("4098b3f648d74c13b1f04ccfba7798e8\n", &u));
        CHECK(init_machine_id_parse("4098b3f648d74c13b1f04ccfba7798e8", &u));
        CHECK_EQ(u.bytes[1], 0x98);
        CHECK(!init_machine_id_parse("", &u));
        CHECK(!init_machine_id_parse("uninitialized\n", &u));
        CHECK(!init_machine_id_parse("4098b3f648d74c13b1f04ccfba7798e", &u));
        CHECK(!init_machine_id_parse("4098b3f648d74c13b1f04ccfba7798e8x", &u));
        CHECK(!init_machine_id_parse("4098b3f648d74c13b1f04ccfba7798e8\nx", &u));
        CHECK(!init_machine_id_parse("00000000000000000000000000000000\n", &u));
}

TEST(the_id_that_var_keeps)
{
        ingot_error error = {0};
        struct ingot_uuid u;
        char var[512], path[600];
        snprintf(var, sizeof(var), "%s/var", test_folder());
        CHECK(!init_machine_id_of_var(var, &u));
        snprintf(path, sizeof(path), "%s/lib/ingot/etc/upper", var);
        CHECK_OK(ingot_make_directories(path, 0755, &error));
        snprintf(path, sizeof(path), "%s/lib/ingot/machine-id", var);
        CHECK_OK(ingot_outfile_put(path, "11111111111111111111111111111111\n", 33, 0444, &error));
        CHECK(init_machine_id_of_var(var, &u));
        CHECK_EQ(u.bytes[0], 0x11);
        snprintf(path, sizeof(path), "%s/lib/ingot/etc/upper/machine-id", var);
        CHECK_OK(ingot_outfile_put(path, "uninitialized\n", 14, 0444, &error));
        CHECK(init_machine_id_of_var(var, &u));
        CHECK_EQ(u.bytes[0], 0x11);
        CHECK_OK(ingot_outfile_put(path, "22222222222222222222222222222222\n", 33, 0444, &error));
        CHECK(init_machine_id_of_var(var, &u));
        CHECK_EQ(u.bytes[0], 0x22);
}

/* The id and UUID are those of systemd-id128 var-partition-uuid. */
TEST(the_uuid_of_a_machines_var)
{
        struct ingot_uuid id = uuid("4098b3f648d74c13b1f04ccfba7798e8");
        struct ingot_uuid var = init_var_uuid(&id), want = uuid("1e497c32-2006-46dd-a9d5-e66cd9ecc769");
        CHECK(ingot_uuid_equal(&var, &want));
}

TEST(whose_var_it_is)
{
        struct ingot_uuid build = uuid("979e9af7-1627-4b8e-a6a0-7019e578a8d7");
        struct ingot_uuid id = uuid("4098b3f648d74c13b1f04ccfba7798e8");
        struct ingot_uuid machine = init_var_uuid(&id);
        CHECK_EQ(init_var_owner_of(&build, &build, NULL, false), INIT_VAR_BUILD);
        CHECK_EQ(init_var_owner_of(&build, &build, &id, true), INIT_VAR_BUILD);
        CHECK_EQ(init_var_owner_of(&machine, &build, &id, true), INIT_VAR_MACHINE);
        CHECK_EQ(init_var_owner_of(&machine, NULL, &id, false), INIT_VAR_MACHINE);
        CHECK_EQ(init_var_owner_of(&machine, &build, NULL, true), INIT_VAR_RESET);
        CHECK_EQ(init_var_owner_of(&machine, &build, NULL, false), INIT_VAR_FOREIGN);
        CHECK_EQ(init_var_owner_of(&build, NULL, &id, true), INIT_VAR_FOREIGN);
}

TEST(what_device_mapper_is_asked_for)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer table = {0};
        char name[64];
        uint8_t hash[32];
        struct ingot_verity v = {.uuid = uuid("3a460cbc-bf03-4660-bcd6-3cb9e9b0b168"),
                                 .data_block_size = 4096,
                                 .hash_block_size = 4096,
                                 .data_blocks = 256,
                                 .salt_size = 2,
                                 .salt = {0xab, 0xcd}};
        const struct ingot_verity_root root = {
                .name = "root", .data_node = "a", .hash_node = "b", .root_hash = hash};
        CHECK(ingot_unhex(hash, sizeof(hash), HASH));
        /* 256 blocks: two leaf blocks and the top, behind the superblock. */
        CHECK_OK(ingot_verity_root_table(&v, &root, 256 * 4096, 4 * 4096, NULL, &table, name,
                                         &error));
        CHECK_STR((char *) table.data, "1 /dev/a /dev/b 4096 4096 256 1 sha256 " HASH " abcd");
        CHECK_STR(name, "CRYPT-VERITY-3a460cbcbf034660bcd63cb9e9b0b168-root");
        CHECK_FAILS(ingot_verity_root_table(&v, &root, 256 * 4096 - 1, 4 * 4096, NULL, &table, name,
                                            &error),
                    INGOT_E_REFUSED, "256 blocks");
        CHECK_FAILS(ingot_verity_root_table(&v, &root, 256 * 4096, 3 * 4096, NULL, &table, name,
                                            &error),
                    INGOT_E_REFUSED, "256 blocks");
        v.data_blocks = UINT64_MAX / 4096 + 2;
        CHECK(ingot_verity_root_table(&v, &root, UINT64_MAX, UINT64_MAX, NULL, &table, name,
                                      &error) < 0);
}

TEST(the_unit_of_var_does_not_stop)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        CHECK_OK(init_var_unit_text("vda4", &b, &error));
        CHECK(strstr((char *) b.data, "What=/dev/vda4\nWhere=/var\n"));
        CHECK(strstr((char *) b.data, "DefaultDependencies=no\n"));
}
