/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of a system whose root is some folder: paths are looked up as that system does it, so that
 * a link, absolute or not, never leads out of the folder. (Where each link is to be judged, see
 * os/plain-path.h.) ROOT is a descriptor of the folder.
 */
#pragma once

#include "base/buffer.h"
#include "base/text.h"
#include "os/file.h"

enum ingot_root_kind {
        INGOT_ROOT_ABSENT, /* also: a link to nowhere */
        INGOT_ROOT_FILE,
        INGOT_ROOT_FOLDER,
        INGOT_ROOT_EMPTY, /* a file without content */
        INGOT_ROOT_MASK,  /* a link to /dev/null */
        INGOT_ROOT_OTHER
};

/* NOTFOUND. FOLDER NULL: "/". */
int ingot_root_open(const char *folder, int *ret, ingot_error *reterr);

/* What is at PATH, links followed. */
int ingot_root_look(int root, const char *path, enum ingot_root_kind *ret, ingot_error *reterr);
/* The names in a folder, sorted, without those that start with a dot. 1: there is no such folder.
 */
int ingot_root_list(int root, const char *path, struct ingot_strings *ret, ingot_error *reterr);
/* A regular file's content, appended. FORMAT: it is none; LIMIT above MAX bytes. */
int ingot_root_read(int root, const char *path, size_t max, struct ingot_buffer *ret,
                    ingot_error *reterr);
/* The same, opened for reading. */
int ingot_root_open_file(int root, const char *path, struct ingot_file *ret, ingot_error *reterr);
/* A folder, opened. NOTFOUND. */
int ingot_root_open_folder(int root, const char *path, int *ret, ingot_error *reterr);
