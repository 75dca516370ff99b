/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "format/deb.h"
#include "make-deb.h"
#include "test.h"

static int decode(const struct ingot_buffer *bytes, struct ingot_deb *ret, ingot_error *reterr)
{
        const struct ingot_span span = ingot_buffer_span(bytes);
        const struct ingot_reader reader = ingot_reader_of_span(&span);
        return ingot_deb_decode(&reader, ret, reterr);
}

TEST(the_members_of_a_package_are_found)
{
        ingot_error error = {0};
        struct ingot_deb deb;
        _cleanup_buffer_ struct ingot_buffer b = {0};
        must(ingot_buffer_append(&b, "!<arch>\n", 8, NULL));
        ar_add(&b, "debian-binary/", "2.0\n", 4);
        ar_add(&b, "_gpgorigin", "odd", 3);
        ar_add(&b, "control.tar.xz/", "control", 7);
        ar_add(&b, "_more", "", 0);
        ar_add(&b, "data.tar", "data", 4);
        CHECK_OK(decode(&b, &deb, &error));
        CHECK_EQ(deb.control.size, 7);
        CHECK(deb.control.compressed);
        CHECK(memcmp(b.data + deb.control.offset, "control", 7) == 0);
        CHECK(memcmp(b.data + deb.data.offset, "data", 4) == 0);
        CHECK(!deb.data.compressed);
}

TEST(what_is_no_package_is_refused)
{
        ingot_error error = {0};
        struct ingot_deb deb;
        _cleanup_buffer_ struct ingot_buffer b = {0};
        must(ingot_buffer_append(&b, "!<arch>\n", 8, NULL));
        CHECK_FAILS(decode(&b, &deb, &error), INGOT_E_FORMAT, "lacks");
        ar_add(&b, "debian-binary", "3.0\n", 4);
        CHECK_FAILS(decode(&b, &deb, &error), INGOT_E_UNSUPPORTED, "3.0");
        b.data[8 + 60] = '2';
        ar_add(&b, "data.tar", "data", 4);
        CHECK_FAILS(decode(&b, &deb, &error), INGOT_E_FORMAT, "data.tar");
        b.size = 8 + 64;
        ar_add(&b, "control.tar", "x", 1);
        ar_add(&b, "data.tar.gz", "long content", 12);
        b.size--;
        CHECK_FAILS(decode(&b, &deb, &error), INGOT_E_FORMAT, "beyond");
        b.data[8 + 58] = 'x';
        CHECK_FAILS(decode(&b, &deb, &error), INGOT_E_FORMAT, "header");
        b.size = 5;
        CHECK_FAILS(decode(&b, &deb, &error), INGOT_E_FORMAT, "not a Debian package");
}

static int only_member(const struct tar_member *m, struct ingot_deb_tar *t,
                       struct ingot_deb_file *ret, ingot_error *reterr)
{
        static struct ingot_buffer tar;
        static struct ingot_span span;
        tar.size = 0;
        tar_add(&tar, m);
        span = ingot_buffer_span(&tar);
        const struct ingot_reader reader = ingot_reader_of_span(&span);
        ingot_deb_tar_begin(t, &reader);
        return ingot_deb_tar_next(t, ret, reterr);
}

static struct ingot_deb_tar tar_reader;

TEST(members_of_all_kinds_are_read)
{
        ingot_error error = {0};
        struct ingot_deb_tar *t = &tar_reader;
        struct ingot_deb_file f;
        CHECK_EQ(only_member(&(struct tar_member){.path = "./", .type = '5', .mode = 0755}, t, &f,
                             &error),
                 1);
        CHECK_STR(f.path, "");
        CHECK_EQ(f.type, INGOT_FILE_DIRECTORY);
        CHECK_EQ(only_member(&(struct tar_member){.path = ".//usr/./bin/x",
                                                  .type = '0',
                                                  .mode = 04755,
                                                  .uid = 7,
                                                  .gid = 8,
                                                  .content = "text"},
                             t, &f, &error),
                 1);
        CHECK_STR(f.path, "usr/bin/x");
        CHECK_EQ(f.mode, 04755);
        CHECK_EQ(f.uid, 7);
        CHECK_EQ(f.gid, 8);
        CHECK_EQ(f.size, 4);
        CHECK_EQ(f.mtime, 1000000);
        CHECK_EQ(ingot_deb_tar_next(t, &f, &error), 0);
        CHECK_EQ(only_member(&(struct tar_member){.path = "./a", .type = '1', .target = "./b/c"}, t,
                             &f, &error),
                 1);
        CHECK(f.hard_link);
        CHECK_STR(f.target, "b/c");
        CHECK_EQ(only_member(&(struct tar_member){.path = "./a", .type = '2', .target = "../b"}, t,
                             &f, &error),
                 1);
        CHECK_STR(f.target, "../b");
        CHECK_EQ(only_member(&(struct tar_member){.path = "n", .type = '3', .major = 1, .minor = 3},
                             t, &f, &error),
                 1);
        CHECK_EQ(f.type, INGOT_FILE_CHARACTER);
        CHECK_EQ(f.minor, 3);
}

TEST(long_names_are_put_together)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer tar = {0};
        char path[302] = "./", target[202];
        struct ingot_deb_file f;
        for (int i = 2; i < 300; i++)
                path[i] = i % 50 == 0 ? '/' : 'n';
        path[300] = 0;
        memset(target, 't', sizeof(target));
        target[200] = 0;
        tar_add(&tar,
                &(struct tar_member){.path = "././@LongLink", .type = 'K', .content = target});
        tar_add(&tar, &(struct tar_member){.path = "././@LongLink", .type = 'L', .content = path});
        tar_add(&tar, &(struct tar_member){.path = "./short", .type = '2', .target = "short"});
        const struct ingot_span span = ingot_buffer_span(&tar);
        const struct ingot_reader reader = ingot_reader_of_span(&span);
        ingot_deb_tar_begin(&tar_reader, &reader);
        CHECK_EQ(ingot_deb_tar_next(&tar_reader, &f, &error), 1);
        CHECK_STR(f.path, path + 2);
        CHECK_STR(f.target, target);
}

TEST(hostile_members_are_refused)
{
        ingot_error error = {0};
        struct ingot_deb_tar *t = &tar_reader;
        struct ingot_deb_file f;
        CHECK_FAILS(only_member(&(struct tar_member){.path = "./a/../../etc", .type = '5'}, t, &f,
                                &error),
                    INGOT_E_FORMAT, "leads out");
        CHECK_FAILS(only_member(&(struct tar_member){.path = "./a\nb", .type = '0'}, t, &f, &error),
                    INGOT_E_FORMAT, "newline");
        CHECK_FAILS(only_member(&(struct tar_member){.path = "a", .type = '1', .target = "../b"}, t,
                                &f, &error),
                    INGOT_E_FORMAT, "leads out");
        CHECK_FAILS(only_member(&(struct tar_member){.path = "a", .type = '2'}, t, &f, &error),
                    INGOT_E_FORMAT, "without a name");
        CHECK_FAILS(only_member(&(struct tar_member){.path = "a", .type = 'x', .content = "p"}, t,
                                &f, &error),
                    INGOT_E_UNSUPPORTED, "kind");
}

TEST(a_damaged_header_is_refused)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer tar = {0};
        struct ingot_deb_file f;
        tar_add(&tar, &(struct tar_member){.path = "./f", .type = '0', .content = "text"});
        tar.data[0] ^= 1;
        struct ingot_span span = ingot_buffer_span(&tar);
        const struct ingot_reader reader = ingot_reader_of_span(&span);
        ingot_deb_tar_begin(&tar_reader, &reader);
        CHECK_FAILS(ingot_deb_tar_next(&tar_reader, &f, &error), INGOT_E_FORMAT, "header");
        tar.data[0] ^= 1;
        memcpy(tar.data + 124, "77777777777", 11);
        tar_seal(tar.data);
        ingot_deb_tar_begin(&tar_reader, &reader);
        CHECK_FAILS(ingot_deb_tar_next(&tar_reader, &f, &error), INGOT_E_FORMAT, "beyond");
}
