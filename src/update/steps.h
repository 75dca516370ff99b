/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one way by which an update changes a machine: writes to the disk, and files in folders of the
 * ESP. What must be on the medium before something else is said by a flush between them, so the
 * order of an update can be read where the steps are called (update/apply.c), be watched, and be
 * cut at any point by a test.
 */
#pragma once

#include "os/file.h"

enum ingot_step_kind {
        INGOT_STEP_WRITE,     /* to the disk */
        INGOT_STEP_FLUSH,     /* of the disk: what was written is on the medium */
        INGOT_STEP_ESP_OPEN,  /* a file: made when it is not there */
        INGOT_STEP_ESP_WRITE, /* into it */
        INGOT_STEP_ESP_SIZE,  /* what is behind is cut off */
        INGOT_STEP_ESP_SYNC,  /* the file's content is on the medium */
        INGOT_STEP_ESP_RENAME,
        INGOT_STEP_ESP_REMOVE,
        INGOT_STEP_ESP_FLUSH, /* folders, and all of the file system */
};

/* PATH and TO are below the ESP. */
struct ingot_step {
        enum ingot_step_kind kind;
        const char *path, *to;
        uint64_t offset;
        const void *data;
        uint64_t size;
};

struct ingot_steps {
        struct ingot_file *disk;
        const char *esp; /* its folder */
        /* Is told of each step before it is done; < 0: it is not. NULL: nobody watches. Writes to
         * the disk come from several threads at once, unless they are made by one. */
        int (*watch)(void *context, const struct ingot_step *step, ingot_error *reterr);
        void *context;
        struct ingot_file open; /* of the ESP, one at a time */
        const char *open_path;
};

/* Writes to the disk, at offsets of the disk; S outlives it. */
struct ingot_writer ingot_steps_disk(struct ingot_steps *s);
int ingot_steps_flush(struct ingot_steps *s, ingot_error *reterr);

/* A file is opened (folders are made), written, and closed; what it holds already stays. PATH
 * outlives that. */
int ingot_steps_open(struct ingot_steps *s, const char *path, ingot_error *reterr);
struct ingot_writer ingot_steps_file(struct ingot_steps *s);
/* What is in it by now. */
struct ingot_reader ingot_steps_file_back(struct ingot_steps *s);
/* Cuts it to SIZE bytes, waits until it is on the medium, and closes it. */
int ingot_steps_close(struct ingot_steps *s, uint64_t size, ingot_error *reterr);
void ingot_steps_abandon(struct ingot_steps *s);

/* The file stays whole under one of the two names (docs/decisions/137). */
int ingot_steps_rename(struct ingot_steps *s, const char *path, const char *to,
                       ingot_error *reterr);
/* Not there is no error. */
int ingot_steps_remove(struct ingot_steps *s, const char *path, ingot_error *reterr);
/* What was renamed and removed in the folder is on the medium. */
int ingot_steps_flush_esp(struct ingot_steps *s, const char *folder, ingot_error *reterr);
