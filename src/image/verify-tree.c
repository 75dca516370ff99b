/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hash trees: each against its data, and its root hash against all that names one: the UUIDs of
 * its partitions (UAPI.2 "Verity"), and the command lines of the UKIs.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/partition-type.h"
#include "image/verify-state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX_SIZE (2 * INGOT_VERITY_DIGEST_SIZE + 1)

static int add_pair(struct ingot_verify *v, struct ingot_verify_file *file,
                    struct ingot_image *data, struct ingot_image *hash, ingot_error *reterr)
{
        struct ingot_verify_pair *grown =
                reallocarray(v->pairs, v->pair_count + 1, sizeof(*v->pairs));
        if (!grown)
                return ingot_fail_nomem(reterr);
        v->pairs = grown;
        v->pairs[v->pair_count++] = (struct ingot_verify_pair){
                .file = file, .data = data, .hash = hash, .signature = INGOT_FINDING_NOT_SIGNED};
        return 0;
}

/* Of a hash tree in a file of its own: the file that has the data partition's UUID in its name
 * (which is in the root hash), else the only other one that could be it. */
static struct ingot_image *find_data(struct ingot_verify *v, const struct ingot_verify_file *hash)
{
        char uuid[INGOT_UUID_TEXT_SIZE] = "";
        struct ingot_image *only = NULL;
        size_t candidates = 0;
        if (hash->image.root_hash_known) {
                struct ingot_uuid u = ingot_verity_data_uuid(hash->image.root_hash);
                ingot_uuid_format(&u, uuid);
        }
        for (size_t i = 0; i < v->file_count; i++) {
                struct ingot_verify_file *f = v->files + i;
                enum ingot_content c = f->image.content;
                if (!f->opened || f == hash || c == INGOT_CONTENT_VERITY ||
                    c == INGOT_CONTENT_VERITY_SIGNATURE || c == INGOT_CONTENT_DISK ||
                    c == INGOT_CONTENT_UKI || c == INGOT_CONTENT_PE)
                        continue;
                if (*uuid && strstr(f->name, uuid))
                        return &f->image;
                only = &f->image;
                candidates++;
        }
        return candidates == 1 ? only : NULL;
}

/* With one data block there is no tree to take the root hash from. */
static int complete(struct ingot_image *hash, struct ingot_image *data, ingot_error *reterr)
{
        uint32_t size = hash->verity.data_block_size;
        _cleanup_free_ uint8_t *block = malloc(size);
        if (!block)
                return ingot_fail_nomem(reterr);
        int r = ingot_read_at(&data->reader, 0, block, size, reterr);
        if (r < 0)
                return r;
        ingot_verity_digest(&hash->verity, block, size, 1, hash->root_hash);
        hash->root_hash_known = true;
        return 0;
}

static int check_pair(struct ingot_verify *v, struct ingot_verify_pair *p, ingot_error *reterr)
{
        const struct ingot_verity_check_options options = {.threads = v->options->threads,
                                                           .log = v->options->log};
        int r = p->hash->root_hash_known ? 0 : complete(p->hash, p->data, reterr);
        if (r >= 0)
                r = ingot_verity_check(&p->data->reader, &p->hash->reader, p->hash->root_hash,
                                       &options, reterr);
        p->holds = r >= 0;
        return r;
}

static int visit_tree(struct ingot_verify *v, struct ingot_verify_file *file,
                      struct ingot_image *part, struct ingot_image *program,
                      struct ingot_image *image, ingot_error *reterr)
{
        ingot_error error = {0};
        char hex[HEX_SIZE] = "", by[sizeof(hex) + 16];
        char *where;
        if (image->content != INGOT_CONTENT_VERITY || image->problem || program ||
            (part && ingot_verify_is_empty_slot(part)))
                return 0;
        struct ingot_image *data = part ? image->data : find_data(v, file);
        int r = ingot_verify_where(v, file, part, NULL, &where, reterr);
        if (r < 0)
                return r;
        if (!data)
                return ingot_verify_add(v, "hash tree", where, INGOT_FINDING_NOT_CHECKED, NULL,
                                        "its data is not here", reterr);
        r = add_pair(v, file, data, image, reterr);
        if (r < 0) {
                free(where);
                return r;
        }
        r = check_pair(v, v->pairs + v->pair_count - 1, &error);
        if (image->root_hash_known)
                ingot_hex(hex, image->root_hash, sizeof(image->root_hash));
        snprintf(by, sizeof(by), "root hash %s", hex);
        return ingot_verify_result(v, "hash tree", where, by, r, &error, reterr);
}

int ingot_verify_trees(struct ingot_verify *v, ingot_error *reterr)
{
        return ingot_verify_each(v, visit_tree, reterr);
}

/* The partitions of a tree must be found by those who look for its root hash. */
static int check_uuids(struct ingot_verify *v, const struct ingot_verify_pair *p,
                       ingot_error *reterr)
{
        ingot_error error = {0};
        char *where;
        if (!p->hash->partition || !p->data->partition)
                return 0;
        const struct ingot_uuid data = ingot_verity_data_uuid(p->hash->root_hash);
        const struct ingot_uuid hash = ingot_verity_hash_uuid(p->hash->root_hash);
        int e = 0;
        if (!ingot_uuid_equal(&data, &p->data->partition->uuid))
                e = ingot_fail(&error, INGOT_E_REFUSED,
                               "the UUID of partition %u is not the start of the root hash",
                               p->data->partition->number);
        else if (!ingot_uuid_equal(&hash, &p->hash->partition->uuid))
                e = ingot_fail(&error, INGOT_E_REFUSED,
                               "the UUID of partition %u is not the end of the root hash",
                               p->hash->partition->number);
        int r = ingot_verify_where(v, p->file, p->data, NULL, &where, reterr);
        return r < 0 ? r
                     : ingot_verify_result(v, "root hash", where, "partition UUIDs", e, &error,
                                           reterr);
}

/* The tree that WORD ("roothash=…") names. */
static int find_named(const struct ingot_verify *v, const char *word, ingot_error *reterr)
{
        char hex[HEX_SIZE];
        const char *value = strchr(word, '=') + 1;
        for (size_t i = 0; i < v->pair_count; i++) {
                if (!v->pairs[i].hash->root_hash_known)
                        continue;
                ingot_hex(hex, v->pairs[i].hash->root_hash, INGOT_VERITY_DIGEST_SIZE);
                if (strcmp(hex, value) == 0)
                        return 0;
        }
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "the command line has %.80s, and no hash tree here has that root hash",
                          word);
}

/* The root hashes on a command line; 1 when there is none. */
static int check_words(const struct ingot_verify *v, const char *line, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        int r = ingot_strings_split(&words, line, " \t\n", reterr), found = 1;
        for (size_t i = 0; i < words.count && r >= 0; i++)
                if (ingot_starts_with(words.items[i], "roothash=") ||
                    ingot_starts_with(words.items[i], "usrhash=")) {
                        r = find_named(v, words.items[i], reterr);
                        found = 0;
                }
        return r < 0 ? r : found;
}

static int check_cmdline(struct ingot_verify *v, const struct ingot_image *uki, uint32_t profile,
                         ingot_error *reterr)
{
        _cleanup_free_ char *line = NULL;
        int r = ingot_verify_cmdline(uki, profile, &line, reterr);
        if (r == -INGOT_E_NOTFOUND)
                return 1;
        return r < 0 ? r : check_words(v, line, reterr);
}

static int visit_uki(struct ingot_verify *v, struct ingot_verify_file *file,
                     struct ingot_image *part, struct ingot_image *program,
                     struct ingot_image *image, ingot_error *reterr)
{
        ingot_error error = {0};
        char *where;
        /* A UKI by itself boots something that is elsewhere. */
        if (image->content != INGOT_CONTENT_UKI || image->problem ||
            (v->file_count == 1 && !program))
                return 0;
        int r = ingot_verify_where(v, file, part, program, &where, reterr), e = 0, none = 1;
        if (r < 0)
                return r;
        uint32_t profiles = image->uki->profile_count;
        for (uint32_t i = 0; i < (profiles ? profiles : 1) && e >= 0; i++) {
                e = check_cmdline(v, image, profiles ? i : INGOT_UKI_BASE, &error);
                none = e == 0 ? 0 : none;
        }
        if (e >= 0 && none == 1)
                return ingot_verify_add(v, "root hash", where, INGOT_FINDING_NOT_SIGNED, NULL,
                                        "no command line names a root hash", reterr);
        return ingot_verify_result(v, "root hash", where, "command line", e < 0 ? e : 0, &error,
                                   reterr);
}

int ingot_verify_root_hashes(struct ingot_verify *v, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < v->pair_count && r >= 0; i++)
                if (v->pairs[i].hash->root_hash_known)
                        r = check_uuids(v, v->pairs + i, reterr);
        return r < 0 ? r : ingot_verify_each(v, visit_uki, reterr);
}
