/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The System section of a recipe, applied to the tree: names, locale, time zone, units, users.
 *
 * Everything is a file that systemd reads as it is; nothing runs in the image at build.
 */
#pragma once

#include "base/log.h"
#include "base/text.h"
#include "format/tree.h"

/* The first of the ids that users of a recipe get, in the order in which they stand in it. */
#define INGOT_USER_UID_FIRST 1000

struct ingot_system_user {
        char *name;
        int64_t uid;                 /* -1: the first free one from INGOT_USER_UID_FIRST */
        char *comment;               /* or NULL */
        char *home;                  /* NULL: /home/NAME */
        char *shell;                 /* NULL: /bin/bash where the tree has it, else /bin/sh */
        char *password;              /* a hash by crypt(5); NULL: no password opens the account */
        struct ingot_strings groups; /* further ones, which must be in the tree */
        struct ingot_strings keys;   /* lines of ~/.ssh/authorized_keys */
};

struct ingot_system_options {
        char *hostname;      /* NULL: none; systemd then takes a credential, DHCP, or "localhost" */
        char *locale;        /* "C.UTF-8" */
        char *timezone;      /* "Europe/Berlin": a file of the tree's /usr/share/zoneinfo */
        char *keymap;        /* of the console: "de-nodeadkeys" */
        char *target;        /* "multi-user.target": where the boot goes; NULL: as it is */
        char *root_password; /* a hash by crypt(5); NULL: root is locked */
        struct ingot_strings root_keys;
        struct ingot_strings enable, disable, mask; /* units, with their suffix */
        struct ingot_system_user *users;
        size_t user_count;
};
void ingot_system_options_done(struct ingot_system_options *o);
void ingot_system_user_done(struct ingot_system_user *u);

/* A new user at the end of the list; the pointer is good until the next call. */
int ingot_system_add_user(struct ingot_system_options *o, const char *name,
                          struct ingot_system_user **ret, ingot_error *reterr);

/*
 * Applies them. To be called before ingot_hermetic_apply, which takes homes out of the image.
 * USAGE for a value that cannot be written, NOTFOUND for a unit, zone, group or shell that the tree
 * lacks, CONFLICT for a user or an id that is taken.
 *
 * Users stand in /etc/passwd, group, shadow and gshadow, and in usr/lib/sysusers.d/ingot-users.conf
 * for devices whose own passwd hides the image's. A home is a folder with /etc/skel and the keys.
 * Units: enabled as `systemctl enable` does it ([Install] with WantedBy=, RequiredBy=, UpheldBy=,
 * Alias=, Also=, DefaultInstance=), the links in /etc/systemd/system.
 */
int ingot_system_apply(struct ingot_tree *tree, const struct ingot_system_options *options,
                       int64_t mtime, const struct ingot_log *log, ingot_error *reterr);
