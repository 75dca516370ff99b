/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a distribution is to ingot: a few facts and a few functions. All that is Debian's alone is
 * behind this; a second distribution is a second one of these structs and a row in the table.
 */
#pragma once

#include "package/package.h"

/* Where a tree that was installed from this distribution has what booting needs. Paths have no
 * leading "/"; %s is the kernel's release ("6.12.48+deb13-cloud-amd64"). */
struct ingot_distribution_paths {
        const char *modules;  /* folder with one folder for each kernel release */
        const char *kernel;   /* "boot/vmlinuz-%s" */
        const char *stub;     /* systemd-stub; %s is the EFI architecture ("x64") */
        const char *loader;   /* systemd-boot; likewise */
        const char *database; /* folder of the package manager's database */
};

struct ingot_distribution {
        const char *name;          /* "debian" */
        const char *default_suite; /* for a recipe that names none: NULL where there is no such */
        const char *default_components;
        const char *default_keyring; /* path on the host */
        const char *package_suffix;  /* ".deb" */
        struct ingot_distribution_paths paths;

        /* The distribution's own name of a UAPI architecture ("amd64"), or NULL. */
        const char *(*architecture)(const char *uapi);
        /* The base URL of a source without mirror, from the host's own configuration. */
        int (*mirror)(const struct ingot_package_source *source, char **ret, ingot_error *reterr);
        /* ingot_package_lock() for this distribution: adds packages, in no special order, and the
         * date. Architecture, sources and request of *RET are there already. */
        int (*lock)(const struct ingot_package_request *r, struct ingot_lock *ret,
                    ingot_error *reterr);
};

extern const struct ingot_distribution ingot_distribution_debian;

/* NULL means "debian". NOTFOUND with the nearest name. */
int ingot_distribution_find(const char *name, const struct ingot_distribution **ret,
                            ingot_error *reterr);

/* The UAPI name of the machine this runs on ("x86-64"), or NULL when there is none. */
const char *ingot_host_architecture(void);

/* The base URL of a source: its own mirror, else the host's. The caller frees. */
int ingot_distribution_mirror(const struct ingot_distribution *d,
                              const struct ingot_package_source *source, char **ret,
                              ingot_error *reterr);
