/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "format/partition-type.h"
#include "image/build-state.h"
#include "image/manifest.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char path[4200];

static int write_recipe(const char *more, ingot_error *reterr)
{
        char text[500];
        snprintf(path, sizeof(path), "%s/ingot.conf", test_folder());
        snprintf(text, sizeof(text), "[Image]\nName=m\nVersion=1\n%s", more);
        return ingot_outfile_put(path, text, strlen(text), 0644, reterr);
}

/* A build of which every part of the manifest has something to say. */
static int fill(struct ingot_build *b, ingot_error *reterr)
{
        static const struct ingot_locked_package package = {.name = (char *) "bash",
                                                            .version = (char *) "5.2",
                                                            .architecture = (char *) "amd64",
                                                            .size = 7,
                                                            .path = (char *) "pool/b.deb"};
        static const struct ingot_uuid disk = {{1}}, root = {{2}};
        struct ingot_build_slot slot = {.data_uuid = &root, .hash_uuid = &disk, .label = "m_1"};
        b->name = "m";
        b->version = "1";
        b->architecture = "x86-64";
        b->slot_size = 1 << 20;
        b->hash_slot_size = 1 << 20;
        b->command_line = (char *) "roothash=0 \"x\"";
        b->kernel.version = (char *) "6.12";
        b->uki_size = (1 << 20) + 3;
        ingot_gpt_init(&b->gpt, 512, &disk);
        ingot_verity_from_seed(&b->verity, &disk);
        snprintf(path, sizeof(path), "%s/m_1.efi", test_folder());
        int r = ingot_lock_add(&b->lock, &package, reterr);
        if (r >= 0)
                r = ingot_build_add_slot(b, &slot, reterr);
        if (r >= 0)
                r = ingot_outfile_create(&b->uki, path, 0644, reterr);
        if (r >= 0 && ftruncate(b->uki.fd, (off_t) b->uki_size) < 0)
                r = ingot_fail_errno(reterr, "set a size");
        return r < 0 ? r : ingot_build_uki_extents(b, reterr);
}

static void done(struct ingot_build *b)
{
        ingot_lock_done(&b->lock);
        ingot_outfile_discard(&b->uki);
        ingot_uki_extents_done(&b->uki_extents);
}

static int make(const char *recipe_lines, struct ingot_buffer *ret, ingot_error *reterr)
{
        __attribute__((cleanup(done))) struct ingot_build b = {.uki = INGOT_OUTFILE_NONE};
        _cleanup_(ingot_recipe_free_p) struct ingot_recipe *recipe = NULL;
        struct ingot_artifact artifact = {
                .name = (char *) "m_1.root-x86-64.02000000-0000-0000-0000-000000000000.raw",
                .size = 4096};
        int r = write_recipe(recipe_lines, reterr);
        if (r >= 0)
                r = ingot_recipe_load(test_folder(), NULL, 0, &recipe, reterr);
        if (r >= 0)
                r = fill(&b, reterr);
        if (r < 0)
                return r;
        b.recipe = recipe;
        b.result.artifacts = &artifact;
        b.result.artifact_count = 1;
        return ingot_build_manifest(&b, ret, reterr);
}

static bool documented(const char *text, const char *key)
{
        char quoted[100];
        snprintf(quoted, sizeof(quoted), "`%s`", key);
        if (!strstr(text, quoted))
                printf("# not documented: %s\n", key);
        return strstr(text, quoted);
}

static bool all_documented(const char *text, struct json_object *o)
{
        if (json_object_is_type(o, json_type_array)) {
                for (size_t i = 0; i < json_object_array_length(o); i++)
                        if (!all_documented(text, json_object_array_get_idx(o, i)))
                                return false;
                return true;
        }
        if (!json_object_is_type(o, json_type_object))
                return true;
        json_object_object_foreach(o, key, value) if (!documented(text, key) ||
                                                      !all_documented(text, value)) return false;
        return true;
}

TEST(every_member_is_in_the_document)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ uint8_t *document = NULL;
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        size_t size;
        CHECK_OK(make("", &text, &error));
        CHECK_OK(ingot_file_read(AT_FDCWD, test_source("docs/formats/manifest.md"), 1 << 20,
                                 &document, &size, &error));
        o = json_tokener_parse((const char *) text.data);
        CHECK(o);
        CHECK(all_documented((const char *) document, o));
        CHECK(json_object_object_get_ex(o, "partitions", &list));
        CHECK_EQ(json_object_array_length(list), 3);
        CHECK(json_object_object_get_ex(json_object_array_get_idx(list, 0), "artifact", NULL));
        CHECK(!json_object_object_get_ex(json_object_array_get_idx(list, 1), "artifact", NULL));
}

TEST(a_signature_partition_is_empty_until_there_is_a_signature)
{
        ingot_error error = {0};
        __attribute__((cleanup(done))) struct ingot_build b = {.uki = INGOT_OUTFILE_NONE};
        CHECK_OK(fill(&b, &error));
        CHECK_EQ(b.gpt.partition_count, 3);
        CHECK_STR(b.gpt.partitions[0].name, "m_1");
        CHECK_STR(b.gpt.partitions[1].name, "m_1");
        CHECK_STR(b.gpt.partitions[2].name, "_empty");
        CHECK_EQ(b.gpt.partitions[1].attributes, INGOT_GPT_READ_ONLY);
        CHECK_EQ(b.gpt.partitions[2].attributes, INGOT_GPT_READ_ONLY | INGOT_GPT_NO_AUTO);
}

TEST(an_empty_slot_is_not_found_by_itself)
{
        ingot_error error = {0};
        __attribute__((cleanup(done))) struct ingot_build b = {.uki = INGOT_OUTFILE_NONE};
        const struct ingot_build_slot slot = {.label = INGOT_LABEL_EMPTY};
        CHECK_OK(fill(&b, &error));
        CHECK_OK(ingot_build_add_slot(&b, &slot, &error));
        CHECK_EQ(b.gpt.partition_count, 6);
        for (size_t i = 3; i < 6; i++) {
                CHECK_STR(b.gpt.partitions[i].name, "_empty");
                CHECK_EQ(b.gpt.partitions[i].attributes, INGOT_GPT_READ_ONLY | INGOT_GPT_NO_AUTO);
        }
}

TEST(uki_has_a_digest_for_each_128_kib)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *uki, *extents, *line;
        CHECK_OK(make("", &text, &error));
        o = json_tokener_parse((const char *) text.data);
        CHECK(json_object_object_get_ex(o, "uki", &uki));
        CHECK(json_object_object_get_ex(uki, "extents", &extents));
        CHECK_EQ(json_object_array_length(extents), 9);
        /* printf '\0\0\0' | sha256sum */
        CHECK_STR(json_object_get_string(json_object_array_get_idx(extents, 8)),
                  "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c");
        CHECK(json_object_object_get_ex(uki, "command_line", &line));
        CHECK_STR(json_object_get_string(line), "roothash=0 \"x\"");
}

TEST(where_to_read_and_write_is_not_in_it)
{
        ingot_error error = {0};
        _cleanup_buffer_ struct ingot_buffer a = {0}, b = {0}, c = {0};
        CHECK_OK(make("", &a, &error));
        CHECK_OK(make("Output=/else/where\n[Distribution]\nMirror=http://a.example/debian\n"
                      "Keyring=/my/keys\n",
                      &b, &error));
        CHECK_STR((const char *) a.data, (const char *) b.data);
        CHECK_OK(make("[Boot]\nTries=3\n", &c, &error));
        CHECK(strcmp((const char *) a.data, (const char *) c.data) != 0);
}
