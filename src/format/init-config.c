/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration: a table of keys, and a loop over lines. */
#include "format/init-config.h"
#include "base/cleanup.h"

#define TIMEOUT_DEFAULT 30
#define REBOOT_DEFAULT 10
#define SECONDS_MAX 3600

void ingot_init_config_done(struct ingot_init_config *c)
{
        ingot_strings_done(&c->modules);
        *c = (struct ingot_init_config){0};
}

static const char *const etc_names[] = {"overlay", "volatile", "read-only"};

bool ingot_etc_mode_parse(const char *text, enum ingot_etc_mode *ret)
{
        for (unsigned i = 0; i < ARRAY_SIZE(etc_names); i++)
                if (strcmp(text, etc_names[i]) == 0) {
                        *ret = (enum ingot_etc_mode) i;
                        return true;
                }
        return false;
}

const char *ingot_etc_mode_name(enum ingot_etc_mode mode)
{
        return etc_names[mode];
}

static bool set_etc(struct ingot_init_config *c, const char *value)
{
        return ingot_etc_mode_parse(value, &c->etc);
}

static bool set_shell(struct ingot_init_config *c, const char *value)
{
        return ingot_parse_bool(value, &c->shell);
}

static bool set_var(struct ingot_init_config *c, const char *value)
{
        c->has_var = true;
        return ingot_uuid_parse(value, &c->var);
}

static bool set_var_size(struct ingot_init_config *c, const char *value)
{
        return ingot_parse_u64(value, &c->var_size);
}

static bool parse_seconds(const char *value, unsigned *ret)
{
        uint64_t n;
        if (!ingot_parse_u64(value, &n) || n > SECONDS_MAX)
                return false;
        *ret = (unsigned) n;
        return true;
}

static bool set_timeout(struct ingot_init_config *c, const char *value)
{
        return parse_seconds(value, &c->timeout);
}

static bool set_reboot(struct ingot_init_config *c, const char *value)
{
        return parse_seconds(value, &c->reboot);
}

static bool set_restart(struct ingot_init_config *c, const char *value)
{
        return ingot_parse_bool(value, &c->restart);
}

static bool set_watchdog(struct ingot_init_config *c, const char *value)
{
        return parse_seconds(value, &c->watchdog);
}

static bool add_module(struct ingot_init_config *c, const char *value)
{
        return value[0] == '/' && ingot_strings_add(&c->modules, value, NULL) >= 0;
}

static const struct {
        const char *key;
        bool (*set)(struct ingot_init_config *c, const char *value);
} keys[] = {
        {"Etc", set_etc},          {"Shell", set_shell},       {"Var", set_var},
        {"VarSize", set_var_size}, {"Timeout", set_timeout},   {"Reboot", set_reboot},
        {"Restart", set_restart},  {"Watchdog", set_watchdog}, {"Module", add_module},
};

static int parse_line(struct ingot_init_config *c, char *line, ingot_error *reterr)
{
        char *equals = strchr(line, '=');
        if (!equals)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no '=' in '%s'", line);
        *equals = 0;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                if (strcmp(line, keys[i].key) != 0)
                        continue;
                if (keys[i].set(c, equals + 1))
                        return 0;
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s= cannot be '%s'", line, equals + 1);
        }
        return ingot_fail(reterr, INGOT_E_FORMAT, "unknown key '%s'", line);
}

int ingot_init_config_parse(struct ingot_span text, struct ingot_init_config *ret,
                            ingot_error *reterr)
{
        _cleanup_init_config_ struct ingot_init_config c = {.timeout = TIMEOUT_DEFAULT,
                                                            .reboot = REBOOT_DEFAULT};
        size_t at = 0;
        for (unsigned number = 1; at < text.size; number++) {
                const char *start = (const char *) text.data + at;
                const char *end = memchr(start, '\n', text.size - at);
                size_t size = end ? (size_t) (end - start) : text.size - at;
                at += size + 1;
                if (size == 0 || start[0] == '#')
                        continue;
                _cleanup_free_ char *line = strndup(start, size);
                if (!line)
                        return ingot_fail_nomem(reterr);
                int r = parse_line(&c, line, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "line %u", number);
        }
        *ret = c;
        c = (struct ingot_init_config){0};
        return 0;
}
