/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Merkle walk: from a root hash that is trusted to a root file system with its hash tree, by
 * fetching only the blocks that the machine has nowhere.
 *
 *   1. The tree, from the top down. The digests in a hash block that is right name the blocks
 * below; those that an old tree has, wherever in it, are copied, the others fetched. Only blocks
 * with the right digest are written. The superblock is made, not fetched.
 *   2. The plan: for each data block, in order: is it zeros, does it stand in the target already
 *      (after an update that broke off), does an old file system have it, or is it to be fetched.
 *   3. The data, read and checked against its digest before it is written, wherever it is from.
 *
 * Old file systems with the same salt and block sizes are known by their own trees; others are
 * hashed once. Nothing of an old file system is believed: a block that is damaged, or cannot be
 * read, is fetched instead. Memory: 8 bytes for each block of an old file system, 40 where it had
 * to be hashed, and 16 for each run of the plan. Digests in the index are cut short, so every block
 * that is taken is hashed again.
 */
#pragma once

#include "format/verity.h"
#include "update/source.h"

#include <stdbool.h>

/* What is wanted; all of it out of the signed release file. */
struct ingot_walk_image {
        struct ingot_verity verity;
        uint8_t root_hash[INGOT_VERITY_DIGEST_SIZE];
        const char *data_file, *tree_file; /* names at the sources */
};

/* A file system that is there. */
struct ingot_walk_old {
        struct ingot_reader data;
        struct ingot_reader tree; /* hash area with superblock; size 0: none, the data is hashed */
};

/* Where it goes. Readers see what was written. Data may hold blocks of an earlier try. The data's
 * writer is called from two threads at once: from one with what is copied, in order and up to 256
 * KiB at a time, from the caller's with what is fetched (with threads = 1 all comes from the
 * caller's). Nothing is flushed here. */
struct ingot_walk_target {
        struct ingot_writer data, tree;
        struct ingot_reader data_back, tree_back;
        bool begun; /* an earlier try may have left right blocks: look at what is there */
};

struct ingot_walk_options {
        const struct ingot_walk_old *old;
        size_t old_count;
        struct ingot_source *sources; /* in the order in which they are asked */
        size_t source_count;
        unsigned threads; /* 0: one for each CPU */
        const struct ingot_log *log;
};

/* Bytes of blocks. The tree's parts and its superblock are tree_size; the data's are data_size. */
struct ingot_walk_figures {
        uint64_t data_size, tree_size;                 /* of the whole */
        uint64_t tree_kept, tree_copied, tree_fetched; /* kept: stood in the target */
        uint64_t zeros, kept, copied, fetched;         /* of the data */
        uint64_t ranges;                               /* that the fetched blocks make */
};

struct ingot_walk;

/* OPTIONS and what it points to outlive the walk. TARGET's tree is read and written, its data only
 * read (a plan can be made for a target of which only the tree is writable: a dry run). Fetches
 * the missing hash blocks. REFUSED: no source has right ones; SYSTEM: none could be asked. */
int ingot_walk_plan(const struct ingot_walk_image *image, const struct ingot_walk_target *target,
                    const struct ingot_walk_options *options, struct ingot_walk **ret,
                    ingot_error *reterr);
/* What the plan says; after the run, what was done (damaged old blocks had to be fetched). */
const struct ingot_walk_figures *ingot_walk_figures(const struct ingot_walk *w);
/* What of the data is in the target by now: for use in the log's progress ("Updating"). */
struct ingot_walk_figures ingot_walk_done(const struct ingot_walk *w);
/* Writes what the plan says, once. What was written before a failure is right: another walk over
 * the same target, begun, goes on. */
int ingot_walk_run(struct ingot_walk *w, ingot_error *reterr);
void ingot_walk_free(struct ingot_walk *w);
static inline void ingot_walk_free_p(struct ingot_walk **w)
{
        ingot_walk_free(*w);
}

/* A file by the digests of its pieces (the UKI): pieces that an old file has, at whatever multiple
 * of the piece's size, are copied from it. */
struct ingot_walk_pieces {
        const char *file;
        uint64_t size;
        uint32_t piece_size;    /* the last piece may be shorter */
        const uint8_t *digests; /* SHA-256 of each */
};

/* What stands in TARGET_BACK (size 0: nothing) and is right stays. Figures: data_size, kept,
 * copied, fetched, ranges; they grow while it goes, each time before the log's progress is told.
 * With TARGET NULL nothing is fetched or written, only counted. */
int ingot_walk_file(const struct ingot_walk_pieces *pieces, const struct ingot_reader *old,
                    size_t old_count, const struct ingot_writer *target,
                    const struct ingot_reader *target_back,
                    const struct ingot_walk_options *options, struct ingot_walk_figures *ret,
                    ingot_error *reterr);
