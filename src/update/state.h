/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine remembers of its updates: /var/lib/ingot/update/state.json
 * (docs/formats/update-state.md); how boots went is told by update/boot-record.h. Everything in it
 * can be lost without harm but for two things: the protection against an old release file that is
 * signed (serials), and the memory of versions that failed. A file that is damaged is therefore an
 * error, not an empty one.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INGOT_UPDATE_STATE_FOLDER "/var/lib/ingot/update"
#define INGOT_UPDATE_STATE_SIZE_MAX ((size_t) 1 << 20)
#define INGOT_UPDATE_SERIALS_MAX 64
#define INGOT_UPDATE_FAILURES_MAX 64 /* the oldest is forgotten for a new one */

/* The highest serial seen of a channel's release file. */
struct ingot_update_serial {
        char *channel; /* "NAME.CHANNEL" */
        uint64_t serial;
};

/* A version that was tried, and is not tried again by itself. Times are seconds since 1970. */
struct ingot_update_failure {
        char *version;
        char *unit;   /* at which it failed; NULL: not known */
        char *reason; /* a few words, or NULL */
        uint64_t time;
};

/* The last `ingot update apply` that wrote something. */
struct ingot_update_last {
        char *version; /* NULL: there was none */
        char *problem; /* why it ended; NULL: it is whole, or was killed when `finished` is 0 */
        uint64_t begun, finished;
        uint64_t fetched, msec; /* bytes, and how long that took: the speed to reckon with */
};

struct ingot_update_state {
        uint64_t checked; /* when a release file was last accepted; 0: never */
        char *pin;        /* the only version that may be installed; or NULL */
        struct ingot_update_last last;
        struct ingot_update_serial *serials;
        size_t serial_count;
        struct ingot_update_failure *failures; /* oldest first, no version twice */
        size_t failure_count;
};

void ingot_update_state_done(struct ingot_update_state *s);
#define _cleanup_update_state_ __attribute__((cleanup(ingot_update_state_done)))

struct ingot_buffer;
/* FORMAT, LIMIT, UNSUPPORTED. */
int ingot_update_state_decode(struct ingot_span text, struct ingot_update_state *ret,
                              ingot_error *reterr);
int ingot_update_state_encode(const struct ingot_update_state *s, struct ingot_buffer *ret,
                              ingot_error *reterr);

struct json_object;
/* The member "failures" of O: for the file, and for programs. */
int ingot_update_failures_json(struct json_object *o, const struct ingot_update_state *s,
                               ingot_error *reterr);

/* Below ROOT (NULL: "/"); none is an empty one. */
int ingot_update_state_load(const char *root, struct ingot_update_state *ret, ingot_error *reterr);
/* In one rename; the folder is made. */
int ingot_update_state_save(const char *root, const struct ingot_update_state *s,
                            ingot_error *reterr);
/* Only one process changes slots, ESP and state: *ret_fd holds the lock until it is closed.
 * CONFLICT: another has it. */
int ingot_update_state_lock(const char *root, int *ret_fd, ingot_error *reterr);

/* The highest serial seen of "NAME.CHANNEL"; 0: none. */
uint64_t ingot_update_serial(const struct ingot_update_state *s, const char *channel);
/* LIMIT for more than INGOT_UPDATE_SERIALS_MAX channels. */
int ingot_update_serial_set(struct ingot_update_state *s, const char *channel, uint64_t serial,
                            ingot_error *reterr);
const struct ingot_update_failure *ingot_update_failure(const struct ingot_update_state *s,
                                                        const char *version);
/* Copies. What is known already of a version stays where the new one does not say. */
int ingot_update_failure_add(struct ingot_update_state *s, const struct ingot_update_failure *f,
                             ingot_error *reterr);
void ingot_update_failure_forget(struct ingot_update_state *s, const char *version);
