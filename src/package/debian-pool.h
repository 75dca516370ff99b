/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Debian's package indexes as a libsolv pool. libsolv's own reader of them drops what ingot needs
 * (Essential, Priority, Size), and the text stays mapped, so that a package costs its relations and
 * one offset. Private to src/package/debian-*.c.
 */
#pragma once

#include "package/debian.h"

#include <solv/pool.h>
#include <solv/queue.h>
#include <solv/solver.h>

struct ingot_debian_pool {
        Pool *pool;
        const struct ingot_debian_indexes *indexes;
        size_t *offsets; /* of each solvable's paragraph in its index, by Id */
        size_t allocated;
        Queue essential; /* Ids of names: Essential: yes */
        Queue required;  /* Ids of names: Priority: required */
        Queue standard;  /* Ids of names: Priority: important or standard */
        Queue assumed;   /* Ids of solvables that stand for packages which are not there */
        Queue firsts;    /* Ids of relations: what stands first where there are alternatives */
};

int ingot_debian_pool_load(struct ingot_debian_pool *ret, const char *architecture,
                           const struct ingot_debian_indexes *indexes,
                           const struct ingot_package_request *request, ingot_error *reterr);
void ingot_debian_pool_done(struct ingot_debian_pool *p);
#define _cleanup_debian_pool_ __attribute__((cleanup(ingot_debian_pool_done)))

/* One relation "name (>= version)" or "a | b"; FORMAT when it is none. */
int ingot_debian_relation(Pool *pool, struct ingot_span text, Id *ret, ingot_error *reterr);

/* A relation as Debian writes it. */
int ingot_debian_relation_text(Pool *pool, Id relation, struct ingot_buffer *ret,
                               ingot_error *reterr);

/* Why the solver found no set: CONFLICT, in package terms. */
int ingot_debian_problems(Solver *solver, ingot_error *reterr);
