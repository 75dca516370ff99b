/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions against what a machine knows of them. */
#include "update/choose.h"
#include "base/cleanup.h"
#include "format/version.h"

#include <string.h>

void ingot_update_choice_done(struct ingot_update_choice *c)
{
        ingot_strings_done(&c->passed);
}

unsigned ingot_update_rollout_place(const char *machine_id, const char *version)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        struct ingot_sha256 h;
        ingot_sha256_init(&h);
        ingot_sha256_update(&h, machine_id, strlen(machine_id));
        ingot_sha256_update(&h, version, strlen(version));
        ingot_sha256_final(&h, digest);
        return ingot_be32_load(digest) % 100;
}

/* REFUSED: below what the channel, or the machine's transfer files, still allow. */
static int check_minimum(const struct ingot_machine *m, const struct ingot_channel *channel,
                         const char *version, ingot_error *reterr)
{
        const char *minimum = m->transfers.minimum;
        int r = ingot_channel_check_minimum(channel, version, reterr);
        if (r >= 0 && minimum && ingot_version_compare(version, minimum) < 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "version %s is older than MinVersion=%s of this machine's "
                                  "transfer files: change it there to go back further",
                                  version, minimum);
        return r;
}

static int check_pin(const struct ingot_update_state *state, const char *version,
                     ingot_error *reterr)
{
        if (!state->pin || strcmp(state->pin, version) == 0)
                return 0;
        return ingot_fail(
                reterr, INGOT_E_REFUSED,
                "version %s is not taken: this machine is pinned to %s ('ingot update pin "
                "--none' ends that)",
                version, state->pin);
}

static int check_failure(const struct ingot_update_state *state, const char *version,
                         ingot_error *reterr)
{
        const struct ingot_update_failure *f = ingot_update_failure(state, version);
        return f ? ingot_fail(reterr, INGOT_E_REFUSED,
                              "version %s is not taken: it failed on this machine%s%s "
                              "(--version=%s tries it again)",
                              version, f->reason ? ", " : "", f->reason ? f->reason : "", version)
                 : 0;
}

static int check_rollout(const struct ingot_machine *m, const struct ingot_release *release,
                         ingot_error *reterr)
{
        /* A machine without an id is the last to take part. */
        unsigned place = m->id ? ingot_update_rollout_place(m->id, release->version) : 99;
        return place < release->rollout
                       ? 0
                       : ingot_fail(reterr, INGOT_E_REFUSED,
                                    "version %s is not taken yet: it is rolled out to %u %% of the "
                                    "machines, and this one is behind %u %% (--version=%s takes it "
                                    "now)",
                                    release->version, release->rollout, place, release->version);
}

static int check_itself(const struct ingot_machine *m, const struct ingot_channel *channel,
                        const struct ingot_update_state *state, const struct ingot_release *release,
                        ingot_error *reterr)
{
        int r = check_pin(state, release->version, reterr);
        if (r >= 0)
                r = check_minimum(m, channel, release->version, reterr);
        if (r >= 0)
                r = check_failure(state, release->version, reterr);
        return r < 0 ? r : check_rollout(m, release, reterr);
}

/* Is it worth a look? The pinned version is, also when it is older. */
static bool is_wanted(const struct ingot_machine *m, const struct ingot_update_state *state,
                      const char *version)
{
        if (!m->version || !*m->version)
                return true;
        if (state->pin && strcmp(state->pin, version) == 0)
                return ingot_version_compare(version, m->version) != 0;
        return ingot_version_compare(version, m->version) > 0;
}

static int choose_itself(const struct ingot_machine *m, const struct ingot_channel *channel,
                         const struct ingot_update_state *state, struct ingot_update_choice *c,
                         ingot_error *reterr)
{
        for (size_t i = 0; i < channel->release_count; i++) {
                const struct ingot_release *release = channel->releases + i;
                ingot_error why = {0};
                if (!is_wanted(m, state, release->version))
                        continue;
                int r = check_itself(m, channel, state, release, &why);
                if (r >= 0) {
                        c->release = release;
                        return 0;
                }
                r = ingot_strings_add(&c->passed, why.text, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int choose_named(const struct ingot_machine *m, const struct ingot_channel *channel,
                        const struct ingot_update_state *state, const char *version,
                        struct ingot_update_choice *c, ingot_error *reterr)
{
        c->release = ingot_channel_find(channel, version);
        if (!c->release)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the channel %s of %s has no version %s; the newest is %s",
                                  channel->channel, channel->name, version,
                                  channel->release_count ? channel->releases[0].version : "none");
        int r = check_pin(state, version, reterr);
        return r < 0 ? r : check_minimum(m, channel, version, reterr);
}

int ingot_update_choose(const struct ingot_machine *m, const struct ingot_channel *channel,
                        const struct ingot_update_state *state, const char *version,
                        struct ingot_update_choice *ret, ingot_error *reterr)
{
        _cleanup_update_choice_ struct ingot_update_choice c = {0};
        int r = version ? choose_named(m, channel, state, version, &c, reterr)
                        : choose_itself(m, channel, state, &c, reterr);
        if (r < 0)
                return r;
        *ret = c;
        c = (struct ingot_update_choice){0};
        return 0;
}
