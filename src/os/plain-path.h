/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths below a root of which no component is a symbolic link: what is there, what it links to,
 * what it holds. Whoever follows links does it himself, one by one, and so sees every one of them.
 *
 * A path starts with '/' and means the root by "/"; it holds no ".", ".." or empty component.
 */
#pragma once

#include "base/buffer.h"
#include "base/text.h"

enum ingot_plain_kind {
        INGOT_PLAIN_ABSENT, /* also when something before the last component is no folder */
        INGOT_PLAIN_FILE,
        INGOT_PLAIN_FOLDER,
        INGOT_PLAIN_LINK,
        INGOT_PLAIN_OTHER /* device, pipe, socket */
};

/* The folder that is the root, as a descriptor in *ret. */
int ingot_plain_open_root(const char *folder, int *ret, ingot_error *reterr);

/* What stands at PATH; of a link also its text in *ret_link, which the caller frees. */
int ingot_plain_look(int root, const char *path, enum ingot_plain_kind *ret, char **ret_link,
                     ingot_error *reterr);
/* The names in a folder, sorted. */
int ingot_plain_list(int root, const char *path, struct ingot_strings *ret, ingot_error *reterr);
/* A regular file's content, appended; LIMIT above MAX bytes. */
int ingot_plain_read(int root, const char *path, size_t max, struct ingot_buffer *ret,
                     ingot_error *reterr);
