/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemctl is asked as root on the machine itself, by its private socket: it works before D-Bus.
 */
#include "update/boot-units.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/process.h"

#include <string.h>

#define TARGET "boot-complete.target"
#define OWN_UNIT "ingot-boot-failed.service"
#define UNITS_MAX 64
#define TIMEOUT_MSEC 20000

void ingot_boot_culprit_done(struct ingot_boot_culprit *c)
{
        free(c->unit);
        free(c->reason);
        *c = (struct ingot_boot_culprit){0};
}

/* The lines that systemctl prints. */
static int ask(const char *const *argv, struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_process_result_ struct ingot_process_result result = {0};
        const struct ingot_program program = {.argv = argv,
                                              .package = "systemd",
                                              .timeout_msec = TIMEOUT_MSEC,
                                              .any_status = true};
        int r = ingot_process_run(&program, &result, reterr);
        return r < 0 || result.output.size == 0
                       ? r
                       : ingot_strings_split(ret, (const char *) result.output.data, "\n", reterr);
}

static int take(struct ingot_boot_culprit *c, const char *unit, const char *reason,
                ingot_error *reterr)
{
        int r = ingot_strdup(&c->unit, unit, reterr);
        return r < 0 || !reason || !*reason ? r : ingot_strdup(&c->reason, reason, reterr);
}

static const char *value_of(const char *line, const char *key)
{
        size_t n = strlen(key);
        return strncmp(line, key, n) == 0 && line[n] == '=' ? line + n + 1 : NULL;
}

/* UNIT's result when it failed. */
static int look_at(const char *unit, struct ingot_boot_culprit *c, ingot_error *reterr)
{
        const char *const argv[] = {"systemctl", "show", "--property=ActiveState,Result",
                                    "--",        unit,   NULL};
        _cleanup_strings_ struct ingot_strings lines = {0};
        const char *state = NULL, *result = NULL;
        int r = ask(argv, &lines, reterr);
        for (size_t i = 0; i < lines.count; i++) {
                const char *value = value_of(lines.items[i], "ActiveState");
                state = value ? value : state;
                value = value_of(lines.items[i], "Result");
                result = value ? value : result;
        }
        if (r < 0 || !state || strcmp(state, "failed") != 0)
                return r;
        return take(c, unit, result, reterr);
}

/* The first words of lines are units. */
static int look_at_first(const struct ingot_strings *lines, struct ingot_boot_culprit *c,
                         ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && !c->unit && i < lines->count && i < UNITS_MAX; i++) {
                _cleanup_strings_ struct ingot_strings words = {0};
                r = ingot_strings_split(&words, lines->items[i], " \t", reterr);
                for (size_t w = 0; r >= 0 && !c->unit && w < words.count && w < UNITS_MAX; w++)
                        if (strchr(words.items[w], '.'))
                                r = look_at(words.items[w], c, reterr);
        }
        return r;
}

static int find_required(struct ingot_boot_culprit *c, ingot_error *reterr)
{
        static const char *const argv[] = {"systemctl", "show", "--property=Requires",
                                           "--value",   TARGET, NULL};
        _cleanup_strings_ struct ingot_strings lines = {0};
        int r = ask(argv, &lines, reterr);
        return r < 0 ? r : look_at_first(&lines, c, reterr);
}

static int find_failed(struct ingot_boot_culprit *c, ingot_error *reterr)
{
        static const char *const argv[] = {"systemctl", "list-units",  "--state=failed",
                                           "--plain",   "--no-legend", NULL};
        _cleanup_strings_ struct ingot_strings lines = {0};
        int r = ask(argv, &lines, reterr);
        return r < 0 ? r : look_at_first(&lines, c, reterr);
}

/* Lines are: number, unit, type of the job, its state. A service tells more than a target. */
static int find_unfinished(struct ingot_boot_culprit *c, ingot_error *reterr)
{
        static const char *const argv[] = {"systemctl", "list-jobs", "--no-legend", NULL};
        _cleanup_strings_ struct ingot_strings lines = {0};
        int r = ask(argv, &lines, reterr);
        for (size_t i = 0; r >= 0 && !c->unit && i < lines.count; i++) {
                _cleanup_strings_ struct ingot_strings words = {0};
                r = ingot_strings_split(&words, lines.items[i], " \t", reterr);
                if (r >= 0 && words.count >= 4 && strcmp(words.items[2], "start") == 0 &&
                    strcmp(words.items[3], "running") == 0 && strcmp(words.items[1], OWN_UNIT) != 0)
                        r = take(c, words.items[1], "not done yet", reterr);
        }
        return r;
}

int ingot_boot_culprit(struct ingot_boot_culprit *ret, ingot_error *reterr)
{
        static int (*const ways[])(struct ingot_boot_culprit *,
                                   ingot_error *) = {find_required, find_failed, find_unfinished};
        _cleanup_boot_culprit_ struct ingot_boot_culprit c = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && !c.unit && i < ARRAY_SIZE(ways); i++)
                r = ways[i](&c, reterr);
        if (r < 0)
                return r;
        *ret = c;
        c = (struct ingot_boot_culprit){0};
        return 0;
}
