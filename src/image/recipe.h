/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The recipe: ingot.conf of a folder, with drop-ins in ingot.conf.d/ (UAPI.6: all *.conf in byte
 * order of their names, each overriding what stood before it). What may stand in it is one table
 * (ingot_recipe_keys), from which the parser, the checks and the documentation come.
 *
 * Single values: the last assignment wins; an empty one brings the default back. Lists grow with
 * each assignment; an empty one empties them. Every value remembers where it came from.
 */
#pragma once

#include "base/buffer.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/uuid.h"

#include <stdbool.h>

enum ingot_recipe_key {
        INGOT_IMAGE_NAME,
        INGOT_IMAGE_VERSION,
        INGOT_IMAGE_ARCHITECTURE,
        INGOT_IMAGE_SEED,
        INGOT_IMAGE_TIMESTAMP,
        INGOT_IMAGE_OUTPUT,
        INGOT_DISTRIBUTION_NAME,
        INGOT_DISTRIBUTION_RELEASE,
        INGOT_DISTRIBUTION_MIRROR,
        INGOT_DISTRIBUTION_SOURCES,
        INGOT_DISTRIBUTION_COMPONENTS,
        INGOT_DISTRIBUTION_KEYRING,
        INGOT_DISTRIBUTION_CHECK_VALID_UNTIL,
        INGOT_PACKAGES_INSTALL,
        INGOT_PACKAGES_BASE,
        INGOT_PACKAGES_ASSUME,
        INGOT_PACKAGES_RECOMMENDS,
        INGOT_FILES_TREE,
        INGOT_FILES_TAR,
        INGOT_FILES_FILE,
        INGOT_FILES_REMOVE,
        INGOT_FILES_MODES,
        INGOT_BOOT_COMMAND_LINE,
        INGOT_BOOT_PROFILES,
        INGOT_BOOT_ESP_FILES,
        INGOT_BOOT_KERNEL,
        INGOT_BOOT_MODULES,
        INGOT_BOOT_ETC,
        INGOT_BOOT_SHELL,
        INGOT_BOOT_TRIES,
        INGOT_BOOT_TIMEOUT,
        INGOT_PARTITIONS_LAYOUT,
        INGOT_PARTITIONS_COMPRESSION,
        INGOT_PARTITIONS_LEVEL,
        INGOT_PARTITIONS_ESP_SIZE,
        INGOT_PARTITIONS_ROOT_SIZE,
        INGOT_PARTITIONS_VAR_SIZE,
        INGOT_PARTITIONS_SECTOR_SIZE,
        INGOT_SYSTEM_HOSTNAME,
        INGOT_SYSTEM_LOCALE,
        INGOT_SYSTEM_TIME_ZONE,
        INGOT_SYSTEM_KEYMAP,
        INGOT_SYSTEM_TARGET,
        INGOT_SYSTEM_ROOT_PASSWORD,
        INGOT_SYSTEM_USER,
        INGOT_SYSTEM_ENABLE,
        INGOT_SYSTEM_DISABLE,
        INGOT_SYSTEM_MASK,
        INGOT_SIGNING_PCR_PUBLIC_KEY,
        INGOT_SIGNING_PCR_BANKS,
        INGOT_SIGNING_SECURE_BOOT,
        INGOT_SIGNING_SECURE_BOOT_CERTIFICATE,
        INGOT_SIGNING_TABLE_SIZE,
        INGOT_SIGNING_VERITY,
        INGOT_SIGNING_VERITY_CERTIFICATE,
        INGOT_SIGNING_RELEASE,
        INGOT_SIGNING_RELEASE_CERTIFICATE,
        INGOT_SIGNING_RELEASE_THRESHOLD,
        INGOT_UPDATE_SOURCE,
        INGOT_UPDATE_CHANNEL,
        INGOT_UPDATE_KEYS,
        INGOT_UPDATE_THRESHOLD,
        INGOT_UPDATE_TIMER,
        INGOT_UPDATE_CHECKS,
        INGOT_UPDATE_BOOT_TIMEOUT,
        INGOT_UPDATE_WATCHDOG,
        INGOT_RECIPE_KEY_MAX
};

enum ingot_value_type {
        INGOT_VALUE_TEXT,    /* one line, as it stands */
        INGOT_VALUE_NAME,    /* a-z, 0-9, '.', '-': a file name, an os-release IMAGE_ID */
        INGOT_VALUE_VERSION, /* UAPI.10 characters, without '_' */
        INGOT_VALUE_BOOL,
        INGOT_VALUE_UINT,
        INGOT_VALUE_SIZE, /* bytes, with K, M, G, T */
        INGOT_VALUE_UUID,
        INGOT_VALUE_CHOICE,
        INGOT_VALUE_PATH,  /* relative to the recipe's folder */
        INGOT_VALUE_WORDS, /* a list: the words of all assignments */
        INGOT_VALUE_LINES, /* a list: one item for each assignment */
};

struct ingot_recipe_key_info {
        const char *section, *key;
        enum ingot_value_type type;
        const char *fallback; /* the default, or NULL: unset */
        const char *choices;  /* of INGOT_VALUE_CHOICE: words */
        const char *summary;
        uint64_t least, most; /* of numbers and sizes; most 0: no bounds */
        bool place;           /* says where to read or write, not what: no part of the image */
};

extern const struct ingot_recipe_key_info ingot_recipe_keys[INGOT_RECIPE_KEY_MAX];

struct ingot_recipe_value {
        struct ingot_strings items;   /* one for single values */
        struct ingot_strings origins; /* of each item: "ingot.conf:3", "--set" or "default" */
};

struct ingot_recipe {
        char *folder; /* absolute */
        struct ingot_recipe_value values[INGOT_RECIPE_KEY_MAX];
};

/*
 * PATH is a recipe's folder or its ingot.conf. SETS are "Section.Key=VALUE"; they come last.
 * Errors: NOTFOUND without an ingot.conf; FORMAT with file, line and the nearest right name for an
 * unknown section or key, and for values that are not of their type; USAGE for a malformed set.
 */
int ingot_recipe_load(const char *path, const char *const *sets, size_t set_count,
                      struct ingot_recipe **ret, ingot_error *reterr);
/* Whether PATH names a recipe, readable or not. */
bool ingot_recipe_exists(const char *path);
void ingot_recipe_free(struct ingot_recipe *recipe);

/* Whether it can be a product's name (Image.Name), and a version (Image.Version). */
bool ingot_image_name_valid(const char *text);
bool ingot_image_version_valid(const char *text);

/* The value, or NULL when unset. Of a list: the first item. */
const char *ingot_recipe_text(const struct ingot_recipe *recipe, enum ingot_recipe_key key);
const struct ingot_strings *ingot_recipe_list(const struct ingot_recipe *recipe,
                                              enum ingot_recipe_key key);
bool ingot_recipe_bool(const struct ingot_recipe *recipe, enum ingot_recipe_key key);
uint64_t ingot_recipe_number(const struct ingot_recipe *recipe, enum ingot_recipe_key key);

/* PATH, made absolute from the recipe's folder. */
int ingot_recipe_path(const struct ingot_recipe *recipe, const char *path, char **ret,
                      ingot_error *reterr);

/* Image.Seed, else one derived from Image.Name: never from the version, so that all releases of
 * one product share it. */
struct ingot_uuid ingot_recipe_seed(const struct ingot_recipe *recipe);

/* SHA-256 of the resolved recipe as it is printed without origins and without the keys that are
 * places: equal where the same is built. */
int ingot_recipe_digest(const struct ingot_recipe *recipe, uint8_t ret[INGOT_SHA256_SIZE],
                        ingot_error *reterr);

/* The resolved recipe as INI; with ORIGINS a comment above each value says where it came from. */
int ingot_recipe_print(const struct ingot_recipe *recipe, bool origins, struct ingot_buffer *out,
                       ingot_error *reterr);

static inline void ingot_recipe_free_p(struct ingot_recipe **r)
{
        if (*r)
                ingot_recipe_free(*r);
}
