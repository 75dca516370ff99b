/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does an extension image (sysext, confext) fit an OS? By the rules of UAPI.4, "Extension Release",
 * as systemd 262 applies them: SCOPE, then ARCHITECTURE, then ID (or the OS's ID_LIKE; "_any" is
 * enough), then SYSEXT_LEVEL or CONFEXT_LEVEL where both sides have one, otherwise VERSION_ID.
 * An OS without VERSION_ID and level asks for the ID alone.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

enum ingot_extension_kind { INGOT_EXTENSION_SYSEXT, INGOT_EXTENSION_CONFEXT };
#define INGOT_EXTENSION_KINDS 2

/* "sysext", "confext". */
const char *ingot_extension_kind_name(enum ingot_extension_kind kind);
bool ingot_extension_kind_parse(const char *name, enum ingot_extension_kind *ret);

/* What an OS is: the text of its os-release(5), and its architecture in UAPI.4's words. */
struct ingot_extension_os {
        struct ingot_span os_release;
        const char *architecture;
};

/*
 * EXTENSION is the text of an extension-release file. 0: it fits the system that is OS; 1: it does
 * not, and *ret_why, which the caller frees, says which value differs: "VERSION_ID is 1, the OS
 * has 2". FORMAT: it is empty, or says no ID.
 */
int ingot_extension_fits(enum ingot_extension_kind kind, struct ingot_span extension,
                         const struct ingot_extension_os *os, char **ret_why, ingot_error *reterr);
