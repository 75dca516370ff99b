/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order in which dpkg is to unpack and configure: always the same for the same packages, since
 * system users get their numbers in the order of configuration.
 *
 * First what is essential, with all it needs, as a system that can run scripts; dependencies are
 * not checked there, because scripts and tools depend on each other. Then what is left to unpack,
 * each after what it pre-depends on is configured; then all the rest. dpkg itself orders by Depends
 * within a step.
 */
#pragma once

#include "package/deb-load.h"

struct ingot_dpkg_step {
        bool configure; /* else: unpack */
        bool base;      /* dependencies are not to be checked */
        size_t *packages;
        size_t count;
};

struct ingot_dpkg_order {
        struct ingot_dpkg_step *steps;
        size_t count;
};

void ingot_dpkg_order_done(struct ingot_dpkg_order *o);

/* Decides who unpacks what: what has no script to run before, and lists its files' digests, is
 * OURS. */
int ingot_dpkg_classify(struct ingot_deb_package *packages, size_t count, ingot_error *reterr);

/* The steps for packages of which those that are OURS are unpacked already. */
int ingot_dpkg_order(const struct ingot_deb_package *packages, size_t count,
                     struct ingot_dpkg_order *ret, ingot_error *reterr);
