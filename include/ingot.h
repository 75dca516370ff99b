/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libingot: turns packages into a sealed, measured OS image, and looks into such images.
 *
 * Link with `pkg-config --cflags --libs ingot`. Everything here is there since 0.1.
 *
 *     struct ingot_recipe *recipe;
 *     struct ingot_product *product;
 *     ingot_error error;
 *     if (ingot_recipe_open("appliance", NULL, 0, &recipe, &error) < 0 ||
 *         ingot_recipe_build(recipe, NULL, &product, &error) < 0)
 *             fprintf(stderr, "%s: %s\n", ingot_error_name(error.code), error.text);
 *
 * Errors. A function that can fail returns an int: 0 done, < 0 failed, where the value is the
 * negated code (enum ingot_code). The last argument is the caller's error object; it may be NULL,
 * and is written only on failure. What a failed function would have returned through its other
 * pointers is not touched.
 *
 * Ownership. What a function hands out through `struct X **ret` is the caller's, and has a function
 * that frees it (which accepts NULL). `const` pointers belong to the object they came from and live
 * as long as it does. Strings are UTF-8 unless an image says otherwise: file names in images are
 * bytes without '/' and NUL, and may hold anything else; escape them before a terminal sees them.
 *
 * Threads. Nothing is global. One object is used by one thread at a time, but that
 * ingot_tree_read() of one tree may run in several. The library starts threads of its own where a
 * `threads` argument says so, prints nothing, never ends the process, and reads no environment but
 * HOME, PATH, XDG_CACHE_HOME and the proxies of downloads, and these only to build.
 *
 * Trust. Nothing of a recipe's downloads or of an image is believed before it is checked; images
 * may come from anybody. Units are bytes and seconds since 1970.
 *
 * Compatibility. Within one soname (libingot.so.0) structures and functions stay as they are.
 */
#ifndef INGOT_H
#define INGOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INGOT_PUBLIC __attribute__((visibility("default")))

/* ---- Version and errors ---- */

/* The library's version: "0.1.0". */
INGOT_PUBLIC const char *ingot_version(void);

#ifndef INGOT_ERROR_IS_DECLARED /* by base/error.h, for the library's own sources */
enum ingot_code {
        INGOT_E_USAGE = 1,   /* the caller asked for something that cannot be meant */
        INGOT_E_SYSTEM,      /* a system call failed: could not be done or checked; errno in os */
        INGOT_E_NOMEM,       /* out of memory */
        INGOT_E_FORMAT,      /* bytes are malformed */
        INGOT_E_REFUSED,     /* well-formed, but a digest, signature or policy says no */
        INGOT_E_SPACE,       /* it does not fit */
        INGOT_E_LIMIT,       /* larger than what ingot is willing to handle */
        INGOT_E_NOTFOUND,    /* what was named is not there */
        INGOT_E_CONFLICT,    /* two things exclude each other */
        INGOT_E_UNSUPPORTED, /* valid, but ingot cannot do it */
        INGOT_E_INTERNAL,    /* a bug in ingot */
        INGOT_E_CODE_MAX
};

/* Needs no initialisation, and none of it is allocated. */
typedef struct ingot_error {
        int code;        /* enum ingot_code */
        int os;          /* errno when code is INGOT_E_SYSTEM, else 0 */
        char text[1024]; /* what could not be done: "disk.raw: partition 2: …", no newline */
} ingot_error;
#endif

/* A code's one-word name: "refused"; "unknown" for what is no code. */
INGOT_PUBLIC const char *ingot_error_name(int code);

/* ---- Recipes ---- */

/* An ingot.conf with its drop-ins, resolved: docs/recipe.md, ingot.conf's manual. */
struct ingot_recipe;

/*
 * Reads a recipe. PATH is its folder, or its ingot.conf. SETTINGS are COUNT times
 * "Section.Key=VALUE"; they override what the files say (may be NULL when COUNT is 0).
 * NOTFOUND: a folder without ingot.conf. SYSTEM: it cannot be opened. FORMAT: a key, section or
 * value that cannot be, with file and line. USAGE: a malformed setting.
 */
INGOT_PUBLIC int ingot_recipe_open(const char *path, const char *const *settings, size_t count,
                                   struct ingot_recipe **ret, ingot_error *reterr);
INGOT_PUBLIC void ingot_recipe_close(struct ingot_recipe *recipe);

/* The recipe as one ingot.conf, all defaults filled in; with ORIGINS a comment above each value
 * says which file and line it came from. *ret: the caller frees it with free(). */
INGOT_PUBLIC int ingot_recipe_show(const struct ingot_recipe *recipe, bool origins, char **ret,
                                   ingot_error *reterr);

/* How to build. All zeros are the defaults. */
struct ingot_build_settings {
        bool locked;       /* take ingot.lock as it is; CONFLICT when it does not fit the recipe */
        bool offline;      /* packages out of the cache alone */
        const char *cache; /* folder of downloads; NULL: $XDG_CACHE_HOME/ingot */
        unsigned threads;  /* 0: one for each CPU; the result does not depend on it */
        const char *like;  /* the release before, whose unchanged blocks keep their places, so that
                              updates are small: a disk image, a root file system, or the folder of
                              a build; an input like the recipe. NULL: none */

        /* Called in the caller's thread; either may be NULL. Text may hold any byte. */
        void (*warning)(void *context, const char *text);
        /* WHAT is being done, DONE of TOTAL (0: not known); called often. */
        void (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
        void *context;
};

/* A file that a build made. */
struct ingot_product_file {
        const char *name;   /* in the folder of the image */
        uint64_t size;      /* bytes */
        const char *sha256; /* 64 hex digits */
};

/* What a build made. */
struct ingot_product {
        const char *image;     /* path of the disk image */
        const char *root_hash; /* dm-verity's of the root partition, 64 hex digits */
        const struct ingot_product_file *files; /* all, in byte order of names, SHA256SUMS last */
        size_t file_count;
};

/*
 * Builds the image that RECIPE describes, and its side artifacts, in the recipe's output folder.
 * Needs no privilege. SETTINGS may be NULL. Every file appears whole or not at all; when the build
 * fails none is replaced. The same recipe and lock give the same bytes.
 * REFUSED: a package or index that is not what was signed. CONFLICT: packages that exclude each
 * other. UNSUPPORTED: packages, when the library was built without them. SYSTEM, SPACE: the host.
 * Runs child processes: the caller must not reap all children (wait(), SIGCHLD ignored) meanwhile.
 */
INGOT_PUBLIC int ingot_recipe_build(const struct ingot_recipe *recipe,
                                    const struct ingot_build_settings *settings,
                                    struct ingot_product **ret, ingot_error *reterr);
INGOT_PUBLIC void ingot_product_free(struct ingot_product *product);

/* ---- Looking into images ---- */

/* An opened image: a disk with a GUID partition table, or what a partition may hold. Nothing is
 * mounted, no privilege is needed. */
struct ingot_view;

/* A partition; or the whole file, when it is no disk. */
struct ingot_part {
        unsigned number;       /* in the partition table, from 1; 0: the whole file */
        const char *content;   /* "erofs", "fat", "verity", "uki", "ext4", "empty", "unknown" … */
        const char *type;      /* "root-x86-64", "esp"; a UUID when it has no name; NULL: whole */
        const char *label;     /* its name in the table, or NULL */
        const char *uuid;      /* its own, or NULL */
        const char *problem;   /* recognised, but cannot be read, and why; or NULL */
        const char *root_hash; /* of a hash tree, or of the partition it is of: 64 hex digits, or
                                  NULL. Computed from the tree's top block: what the tree says,
                                  which only ingot_view_verify() compares with the data */
        uint64_t offset, size; /* bytes, in the file */
};

/*
 * Opens a file or block device and recognises what is in it. A partition that cannot be read has
 * `problem`. NOTFOUND: no such file. SYSTEM: it cannot be opened or read. FORMAT: malformed as a
 * whole.
 */
INGOT_PUBLIC int ingot_view_open(const char *path, struct ingot_view **ret, ingot_error *reterr);
INGOT_PUBLIC void ingot_view_close(struct ingot_view *view);

/* "disk", "erofs", "uki" … of the whole, and its size in bytes. */
INGOT_PUBLIC const char *ingot_view_content(const struct ingot_view *view);
INGOT_PUBLIC uint64_t ingot_view_size(const struct ingot_view *view);

/* The parts: of a disk its partitions in the order of the table, otherwise one. INDEX counts from
 * 0; NULL when there is none. */
INGOT_PUBLIC size_t ingot_view_part_count(const struct ingot_view *view);
INGOT_PUBLIC const struct ingot_part *ingot_view_part(const struct ingot_view *view, size_t index);

/*
 * Checks a partition, and its dm-verity tree on the same disk, block by block. INDEX is either of
 * the two. ROOT_HASH: 64 hex digits that somebody trusts; NULL: what the tree itself says, which
 * proves that data and tree fit each other, and no more. THREADS 0: one for each CPU. REFUSED: a
 * block does not match, and which. UNSUPPORTED: there is no tree for it. USAGE: no such part, or
 * ROOT_HASH is none.
 */
INGOT_PUBLIC int ingot_view_verify(const struct ingot_view *view, size_t index,
                                   const char *root_hash, unsigned threads, ingot_error *reterr);

/* ---- Files in images ---- */

/* The files of a part; of a UKI its sections. Lives as long as the view. */
struct ingot_tree;

/*
 * SELECTOR names a partition of a disk: number, label, type ("root-x86-64") or the first part of
 * one ("root", "esp"); NULL: the root, else usr, else the only one with files. NOTFOUND;
 * UNSUPPORTED: no file system that can be read; FORMAT: a malformed one.
 */
INGOT_PUBLIC int ingot_view_tree(struct ingot_view *view, const char *selector,
                                 const struct ingot_tree **ret, ingot_error *reterr);

/* A file of a tree. */
struct ingot_file_facts {
        const char *type;   /* "file", "directory", "link", … as `ingot list --json` says */
        const char *target; /* of symbolic links, or NULL */
        uint64_t size;      /* bytes; 0 when it is no file */
        int64_t mtime;      /* seconds since 1970 */
        uint32_t mode;      /* 07777 */
        uint32_t uid, gid;
        uint32_t major, minor; /* of devices */
        uint32_t links;        /* names it has */
};

/* What stands at PATH ("/etc/os-release", the first '/' may be left out); a link is not followed at
 * the end, but is on the way. *ret is a copy, whose strings are the tree's. NOTFOUND. */
INGOT_PUBLIC int ingot_tree_stat(const struct ingot_tree *tree, const char *path,
                                 struct ingot_file_facts *ret, ingot_error *reterr);

/*
 * Calls FN for everything below the folder PATH, parents before what is in them, names in byte
 * order; a hard link once for each name. NAME is the path from the root, without a leading '/'. FN
 * returns 0 to go on, 1 to leave out what is below a folder, < 0 to stop with this value (the error
 * is then FN's to write). NOTFOUND; USAGE when PATH is no folder.
 */
typedef int (*ingot_tree_fn)(void *context, const char *name, const struct ingot_file_facts *facts);
INGOT_PUBLIC int ingot_tree_each(const struct ingot_tree *tree, const char *path, ingot_tree_fn fn,
                                 void *context, ingot_error *reterr);

/* Reads up to SIZE bytes at OFFSET of the file at PATH, links followed; *ret_size is how many:
 * fewer only at the end of the file. FORMAT: damaged. NOTFOUND; USAGE when it is no file. */
INGOT_PUBLIC int ingot_tree_read(const struct ingot_tree *tree, const char *path, uint64_t offset,
                                 void *buffer, size_t size, size_t *ret_size, ingot_error *reterr);

#ifdef __cplusplus
}
#endif

#endif
