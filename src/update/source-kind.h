/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of sources, each in a file of its own; source.c chooses. */
#pragma once

#include "update/source.h"

/* A folder with the release's files. */
int ingot_source_open_folder(const char *path, struct ingot_source *ret, ingot_error *reterr);
/* The folder's URL, http or https. A server that ignores ranges is read from the begin, once for
 * each fetch, with a warning. */
int ingot_source_open_http(const char *url, const struct ingot_source_options *options,
                           struct ingot_source *ret, ingot_error *reterr);
/* STORE[,INDEXES], as source.h says, each a path or a URL. */
int ingot_source_open_casync(const char *where, const struct ingot_source_options *options,
                             struct ingot_source *ret, ingot_error *reterr);

/* FOLDER/NAME as a URL; every byte of NAME that is not plain is escaped. */
int ingot_source_url(const char *folder, const char *name, char **ret, ingot_error *reterr);
/* Is it the plain name of a file? USAGE if not. */
int ingot_source_check_name(const char *name, ingot_error *reterr);
