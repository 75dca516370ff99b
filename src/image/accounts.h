/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The users and groups of a tree: etc/passwd, group, shadow and gshadow (passwd(5), group(5),
 * shadow(5), gshadow(5)), kept as their lines, so that what is not changed stays byte by byte.
 */
#pragma once

#include "base/text.h"
#include "format/tree.h"

enum ingot_account_file {
        INGOT_PASSWD, /* name:x:uid:gid:comment:home:shell */
        INGOT_GROUP,  /* name:x:gid:members */
        INGOT_SHADOW, /* name:hash:changed:min:max:warn:inactive:expire: */
        INGOT_GSHADOW /* name:hash:administrators:members */
};
#define INGOT_ACCOUNT_FILES 4

struct ingot_accounts {
        struct ingot_strings files[INGOT_ACCOUNT_FILES]; /* lines, without their ends */
};
void ingot_accounts_done(struct ingot_accounts *a);
#define _cleanup_accounts_ __attribute__((cleanup(ingot_accounts_done)))

/* Files that are not there are empty. FORMAT for a NUL, LIMIT above 4 MiB. */
int ingot_accounts_load(const struct ingot_tree *tree, struct ingot_accounts *ret,
                        ingot_error *reterr);
/* Writes them back: modes and owners stay; new ones are as Debian has them. */
int ingot_accounts_store(const struct ingot_accounts *a, struct ingot_tree *tree, int64_t mtime,
                         ingot_error *reterr);

/* Splits a line at every ':'; empty fields stay. */
int ingot_account_split(const char *line, struct ingot_strings *ret, ingot_error *reterr);

/* The line of NAME, or NULL. */
const char *ingot_accounts_find(const struct ingot_accounts *a, enum ingot_account_file file,
                                const char *name);
/* The name of the first user or group (INGOT_PASSWD, INGOT_GROUP) with that id in *ret, or NULL;
 * the caller frees. */
int ingot_accounts_name(const struct ingot_accounts *a, enum ingot_account_file file, uint32_t id,
                        char **ret, ingot_error *reterr);
bool ingot_accounts_id_taken(const struct ingot_accounts *a, enum ingot_account_file file,
                             uint32_t id);

/* Adds a line; its field 0 is the name. CONFLICT when that is there. */
int ingot_accounts_add(struct ingot_accounts *a, enum ingot_account_file file, const char *line,
                       ingot_error *reterr);
/* USER becomes a member of GROUP, in both files. NOTFOUND without the group. */
int ingot_accounts_add_member(struct ingot_accounts *a, const char *group, const char *user,
                              ingot_error *reterr);
/* Field 1 of NAME's line in shadow; NOTFOUND without the line. */
int ingot_accounts_set_password(struct ingot_accounts *a, const char *name, const char *hash,
                                ingot_error *reterr);
/* The day of the last change of every password that states one. */
int ingot_accounts_set_changed(struct ingot_accounts *a, uint64_t days, ingot_error *reterr);
