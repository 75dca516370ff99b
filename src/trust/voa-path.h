/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The load paths of VOA (UAPI.11), highest priority first.
 *
 * The administrator's folders, /etc/voa and /run/voa, are none of the load paths of user mode. They
 * are looked at all the same, for what takes trust away: their masks hold, and their copies of a
 * certificate that a user's load path has join it, as they may bring its revocation. What stands
 * in them alone is not trusted by the user (docs/decisions/068).
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct ingot_voa_path {
        char *path;         /* "/usr/share/voa", as it is known below the root */
        bool ephemeral;     /* gone with the next boot: nothing may link into it */
        bool masks;         /* masks are expected here */
        bool administrator; /* user mode: only takes trust away */
};

struct ingot_voa_paths {
        struct ingot_voa_path *items;
        size_t count;
        bool user;
};
void ingot_voa_paths_done(struct ingot_voa_paths *p);
#define _cleanup_voa_paths_ __attribute__((cleanup(ingot_voa_paths_done)))

/* What the XDG base directories of a user are; NULL or empty: their default; what is not absolute
 * is passed over, as their specification says. Without HOME its defaults are left out. */
struct ingot_voa_user {
        const char *home, *config_home, *config_dirs, *runtime_dir, *data_home, *data_dirs;
};

int ingot_voa_paths_system(struct ingot_voa_paths *ret, ingot_error *reterr);
int ingot_voa_paths_user(struct ingot_voa_paths *ret, const struct ingot_voa_user *user,
                         ingot_error *reterr);
