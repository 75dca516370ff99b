/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The extension images that a machine has installed to stay: what systemd-sysext and
 * systemd-confext find in /etc/extensions, /var/lib/extensions and /var/lib/confexts, and what an
 * update brought for the version that runs (INGOT_EXTENSIONS_FOLDER/VERSION). Folders, disk images
 * (NAME.raw), versioned ones (NAME.raw.v/) and links to any of these. What stands in /usr is a part
 * of the OS, what stands in /run does not stay.
 */
#pragma once

#include "base/buffer.h"
#include "base/text.h"
#include "extension/match.h"

/* VERSION/sysext/NAME.raw and VERSION/confext/NAME.raw: extensions for one version of the OS alone.
 */
#define INGOT_EXTENSIONS_FOLDER "/var/lib/ingot/extensions"

struct ingot_extension {
        enum ingot_extension_kind kind;
        char *name;                  /* as in extension-release.NAME */
        char *path;                  /* below the root */
        bool brought;                /* stands below INGOT_EXTENSIONS_FOLDER */
        bool first;                  /* stands in /etc, which goes before all other places */
        struct ingot_buffer release; /* the text of its extension-release; or: */
        char *problem;               /* why that cannot be read; else NULL */
};

struct ingot_extensions {
        struct ingot_extension *items; /* sysexts, then confexts, each by name */
        size_t count;
};

/* ROOT is a folder's descriptor. RUNNING is the version that runs, or NULL. Of one name only the
 * one that counts; masked ones (empty folders, links to /dev/null) are none. */
int ingot_extensions_find(int root, const char *running, struct ingot_extensions *ret,
                          ingot_error *reterr);
void ingot_extensions_done(struct ingot_extensions *x);
#define _cleanup_extensions_ __attribute__((cleanup(ingot_extensions_done)))

/* The extension-release of the image or folder at PATH below the folder ROOT, appended. REFUSED: it
 * has none of that name, nor just one that may have another (UAPI.4, "strict"). */
int ingot_extension_read(enum ingot_extension_kind kind, int root, const char *path,
                         const char *name, struct ingot_buffer *ret, ingot_error *reterr);
struct ingot_tree;
/* The same of an image's tree. */
int ingot_extension_read_tree(enum ingot_extension_kind kind, const struct ingot_tree *tree,
                              const char *name, struct ingot_buffer *ret, ingot_error *reterr);
