/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a recipe lays over the tree of packages: folders, archives, single files, and removals.
 *
 * Laying over: a directory that is there keeps its mode and owner, unless the source states them
 * (an archive's own directory entry, or a folder with `keep_modes`); the directory laid over itself
 * is never changed. Links to directories are followed, so "bin/x" lands in usr/bin. Files and links
 * replace what is there; a directory and something else in one place are a CONFLICT.
 *
 * Content stays on the disk and is read when the image is written. Folders and files get the
 * build's stamp, as a checkout's says nothing; archives keep theirs, but none later than it.
 */
#pragma once

#include "base/log.h"
#include "base/text.h"
#include "format/tree.h"
#include "image/recipe.h"

enum ingot_source_kind {
        INGOT_SOURCE_FOLDER,  /* owners 0:0 */
        INGOT_SOURCE_ARCHIVE, /* a tar, however compressed; its own owners */
        INGOT_SOURCE_FILE,    /* owner 0:0 */
        INGOT_SOURCE_REMOVAL  /* FROM is a glob (base/glob.h) of paths in the tree */
};

struct ingot_source {
        enum ingot_source_kind kind;
        char *from;      /* a path of this machine, or a glob */
        char *target;    /* below the tree's root; NULL is "/". Of a file, where it ends in '/', the
                            folder that it keeps its name in */
        int mode;        /* of a file; -1: as on the disk, made normal */
        bool keep_modes; /* as on the disk. Otherwise modes are made normal, so that the umask of a
                            checkout does not change the image: 0755 where the owner may execute or
                            it is a directory, else 0644 */
};
void ingot_source_done(struct ingot_source *s);
#define _cleanup_source_ __attribute__((cleanup(ingot_source_done)))

/* "SOURCE:TARGET[:MODE]", or "FOLDER-OR-ARCHIVE[:TARGET]", as a recipe has them; MODE in octal. */
int ingot_source_parse(enum ingot_source_kind kind, const char *text, struct ingot_source *ret,
                       ingot_error *reterr);

/* The same, with a source that is relative to the recipe. */
int ingot_source_of_recipe(const struct ingot_recipe *recipe, enum ingot_source_kind kind,
                           const char *text, struct ingot_source *ret, ingot_error *reterr);

struct ingot_source_options {
        int64_t mtime;     /* the build's stamp, seconds since the epoch */
        const char *spool; /* the folder for a compressed archive's content; NULL: /var/tmp */
        const struct ingot_log *log;
        struct ingot_strings *removed; /* gets the paths that a removal took out; may be NULL */
        bool only_new; /* CONFLICT where a file would replace another */
};

/* Errors name the source and the path in it. A removal that matches nothing is a warning. */
int ingot_source_apply(struct ingot_tree *tree, const struct ingot_source *source,
                       const struct ingot_source_options *options, ingot_error *reterr);
