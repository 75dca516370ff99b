/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's memory of its updates: what is in it, and how it changes. */
#include "update/state.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define STATE_FILE INGOT_UPDATE_STATE_FOLDER "/state.json"
#define LOCK_FILE INGOT_UPDATE_STATE_FOLDER "/lock"

static void failure_done(struct ingot_update_failure *f)
{
        free(f->version);
        free(f->unit);
        free(f->reason);
}

void ingot_update_state_done(struct ingot_update_state *s)
{
        for (size_t i = 0; i < s->serial_count; i++)
                free(s->serials[i].channel);
        for (size_t i = 0; i < s->failure_count; i++)
                failure_done(s->failures + i);
        free(s->serials);
        free(s->failures);
        free(s->pin);
        free(s->last.version);
        free(s->last.problem);
}

static int state_path(const char *root, const char *file, char **ret, ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%s%s", root ? root : "", file);
}

int ingot_update_state_load(const char *root, struct ingot_update_state *ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = state_path(root, STATE_FILE, &path, reterr);
        if (r < 0)
                return r;
        r = ingot_file_read(AT_FDCWD, path, INGOT_UPDATE_STATE_SIZE_MAX, &text, &size, reterr);
        if (r == -INGOT_E_NOTFOUND) {
                *ret = (struct ingot_update_state){0};
                return 0;
        }
        if (r < 0)
                return r;
        r = ingot_update_state_decode(INGOT_SPAN(text, size), ret, reterr);
        return ingot_under(reterr, r,
                           "%s (what is in it can be given up by moving the file away; then old "
                           "release files and failed versions are no longer known)",
                           path);
}

int ingot_update_state_save(const char *root, const struct ingot_update_state *s,
                            ingot_error *reterr)
{
        _cleanup_free_ char *folder = NULL, *path = NULL;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = state_path(root, INGOT_UPDATE_STATE_FOLDER, &folder, reterr);
        if (r >= 0)
                r = state_path(root, STATE_FILE, &path, reterr);
        if (r >= 0)
                r = ingot_update_state_encode(s, &text, reterr);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        return r < 0 ? r : ingot_outfile_put(path, text.data, text.size, 0644, reterr);
}

int ingot_update_state_lock(const char *root, int *ret_fd, ingot_error *reterr)
{
        _cleanup_free_ char *folder = NULL, *path = NULL;
        int r = state_path(root, INGOT_UPDATE_STATE_FOLDER, &folder, reterr);
        if (r >= 0)
                r = state_path(root, LOCK_FILE, &path, reterr);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        if (r >= 0)
                r = ingot_file_lock(path, ret_fd, reterr);
        return r == -INGOT_E_CONFLICT
                       ? ingot_fail(reterr, INGOT_E_CONFLICT,
                                    "another ingot update is at work on this machine: wait for it")
                       : r;
}

uint64_t ingot_update_serial(const struct ingot_update_state *s, const char *channel)
{
        for (size_t i = 0; i < s->serial_count; i++)
                if (strcmp(s->serials[i].channel, channel) == 0)
                        return s->serials[i].serial;
        return 0;
}

int ingot_update_serial_set(struct ingot_update_state *s, const char *channel, uint64_t serial,
                            ingot_error *reterr)
{
        for (size_t i = 0; i < s->serial_count; i++)
                if (strcmp(s->serials[i].channel, channel) == 0) {
                        s->serials[i].serial = serial;
                        return 0;
                }
        if (s->serial_count == INGOT_UPDATE_SERIALS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "more than %d channels",
                                  INGOT_UPDATE_SERIALS_MAX);
        struct ingot_update_serial *more =
                reallocarray(s->serials, s->serial_count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        s->serials = more;
        more[s->serial_count] = (struct ingot_update_serial){.serial = serial};
        int r = ingot_strdup(&more[s->serial_count].channel, channel, reterr);
        s->serial_count += r >= 0;
        return r;
}

static struct ingot_update_failure *find_failure(const struct ingot_update_state *s,
                                                 const char *version)
{
        for (size_t i = 0; i < s->failure_count; i++)
                if (strcmp(s->failures[i].version, version) == 0)
                        return s->failures + i;
        return NULL;
}

const struct ingot_update_failure *ingot_update_failure(const struct ingot_update_state *s,
                                                        const char *version)
{
        return find_failure(s, version);
}

static int copy_text(char **to, const char *from, ingot_error *reterr)
{
        char *copy = NULL;
        if (!from)
                return 0;
        int r = ingot_strdup(&copy, from, reterr);
        if (r < 0)
                return r;
        free(*to);
        *to = copy;
        return 0;
}

void ingot_update_failure_forget(struct ingot_update_state *s, const char *version)
{
        struct ingot_update_failure *f = find_failure(s, version);
        if (!f)
                return;
        failure_done(f);
        s->failure_count--;
        memmove(f, f + 1, (size_t) (s->failures + s->failure_count - f) * sizeof(*f));
}

int ingot_update_failure_add(struct ingot_update_state *s, const struct ingot_update_failure *f,
                             ingot_error *reterr)
{
        struct ingot_update_failure *old = find_failure(s, f->version), new = {.time = f->time};
        int r = 0;
        if (!old) {
                struct ingot_update_failure *more =
                        reallocarray(s->failures, s->failure_count + 1, sizeof(*more));
                if (!more)
                        return ingot_fail_nomem(reterr);
                s->failures = more;
                r = ingot_strdup(&new.version, f->version, reterr);
                if (r < 0)
                        return r;
                old = more + s->failure_count++;
                *old = new;
        }
        if (f->time)
                old->time = f->time;
        r = copy_text(&old->unit, f->unit, reterr);
        if (r >= 0)
                r = copy_text(&old->reason, f->reason, reterr);
        if (r >= 0 && s->failure_count > INGOT_UPDATE_FAILURES_MAX)
                ingot_update_failure_forget(s, s->failures[0].version);
        return r;
}
