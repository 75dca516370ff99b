/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "walk-image.h"
#include "os/file.h"
#include "test.h"

#include <stdlib.h>

void walk_image_hash(struct walk_image *image)
{
        struct ingot_verity_builder_options o = {.verity = image->verity, .threads = 1};
        free(image->tree);
        image->tree = NULL;
        image->data_span = INGOT_SPAN(image->data, image->data_size);
        struct ingot_reader data = ingot_reader_of_span(&image->data_span);
        ingot_error error;
        if (ingot_verity_build(&data, &o, &image->tree, &image->tree_size, image->root_hash,
                               &error) < 0)
                abort();
        image->tree_span = INGOT_SPAN(image->tree, image->tree_size);
}

void walk_image_make(struct walk_image *image, const uint32_t *content, size_t count,
                     uint32_t data_block, uint32_t hash_block, uint8_t salt)
{
        image->data_size = count * data_block;
        image->data = calloc(count, data_block);
        for (size_t i = 0; i < count; i++) {
                uint64_t state = content[i] * UINT64_C(0x9e3779b97f4a7c15);
                for (size_t at = 0; at < data_block && content[i]; at += 8)
                        ingot_le64_store(image->data + i * data_block + at, test_random(&state));
        }
        image->verity = (struct ingot_verity){.uuid = {{1, 2, 3}},
                                              .data_block_size = data_block,
                                              .hash_block_size = hash_block,
                                              .data_blocks = count,
                                              .salt_size = 32};
        memset(image->verity.salt, salt, 32);
        walk_image_hash(image);
}

void walk_image_done(struct walk_image *image)
{
        free(image->data);
        free(image->tree);
}

struct ingot_walk_old walk_image_old(const struct walk_image *image)
{
        return (struct ingot_walk_old){.data = ingot_reader_of_span(&image->data_span),
                                       .tree = ingot_reader_of_span(&image->tree_span)};
}

struct ingot_walk_image walk_image_wanted(const struct walk_image *image)
{
        struct ingot_walk_image w = {
                .verity = image->verity, .data_file = "data", .tree_file = "tree"};
        memcpy(w.root_hash, image->root_hash, sizeof(w.root_hash));
        return w;
}

int walk_image_save(const struct walk_image *image, const char *folder, ingot_error *reterr)
{
        char path[4096];
        snprintf(path, sizeof(path), "%s/data", folder);
        int r = ingot_outfile_put(path, image->data, image->data_size, 0644, reterr);
        snprintf(path, sizeof(path), "%s/tree", folder);
        return r < 0 ? r : ingot_outfile_put(path, image->tree, image->tree_size, 0644, reterr);
}

void walk_target_make(struct walk_target *t, const struct walk_image *image)
{
        *t = (struct walk_target){.image = image};
        pthread_mutex_init(&t->lock, NULL);
        t->data = malloc(image->data_size);
        t->tree = malloc(image->tree_size);
        memset(t->data, 0xa5, image->data_size);
        memset(t->tree, 0xa5, image->tree_size);
        t->data_span = INGOT_SPAN(t->data, image->data_size);
        t->tree_span = INGOT_SPAN(t->tree, image->tree_size);
}

void walk_target_done(struct walk_target *t)
{
        free(t->data);
        free(t->tree);
        pthread_mutex_destroy(&t->lock);
}

/* WANT is the image's area, TO the target's. */
static int put(struct walk_target *t, const uint8_t *want, uint8_t *to, size_t room,
               uint64_t offset, const void *data, size_t size, ingot_error *reterr)
{
        int r = 0;
        pthread_mutex_lock(&t->lock);
        t->writes++;
        t->data_written += to == t->data ? size : 0;
        if (offset > room || size > room - offset || memcmp(want + offset, data, size) != 0) {
                t->wrong = true;
                r = ingot_fail(reterr, INGOT_E_INTERNAL, "wrong bytes are written");
        } else if (t->fail_at > 0 && t->writes >= t->fail_at) {
                r = ingot_fail(reterr, INGOT_E_SYSTEM, "the disk is gone");
        } else {
                memcpy(to + offset, data, size);
        }
        pthread_mutex_unlock(&t->lock);
        return r;
}

static int write_data(void *context, uint64_t offset, const void *data, size_t size,
                      ingot_error *reterr)
{
        struct walk_target *t = context;
        return put(t, t->image->data, t->data, t->image->data_size, offset, data, size, reterr);
}

static int write_tree(void *context, uint64_t offset, const void *data, size_t size,
                      ingot_error *reterr)
{
        struct walk_target *t = context;
        return put(t, t->image->tree, t->tree, t->image->tree_size, offset, data, size, reterr);
}

struct ingot_walk_target walk_target_of(struct walk_target *t, bool begun)
{
        return (struct ingot_walk_target){.data = {.write_at = write_data, .context = t},
                                          .tree = {.write_at = write_tree, .context = t},
                                          .data_back = ingot_reader_of_span(&t->data_span),
                                          .tree_back = ingot_reader_of_span(&t->tree_span),
                                          .begun = begun};
}

bool walk_target_complete(const struct walk_target *t)
{
        return !t->wrong && memcmp(t->data, t->image->data, t->image->data_size) == 0 &&
               memcmp(t->tree, t->image->tree, t->image->tree_size) == 0;
}
