/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From passwd and group to sysusers.d. */
#include "image/sysusers.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "image/config-line.h"

#include <string.h>

struct known {
        struct ingot_strings users, groups, members; /* members: "USER GROUP" */
};

static void known_done(struct known *k)
{
        ingot_strings_done(&k->users);
        ingot_strings_done(&k->groups);
        ingot_strings_done(&k->members);
}

static int note_line(void *context, const struct ingot_strings *words, ingot_error *reterr)
{
        struct known *k = context;
        char type = words->items[0][0];
        if (words->count < 2)
                return 0;
        const char *name = words->items[1];
        int r = 0;
        if (type == 'u')
                r = ingot_strings_add(&k->users, name, reterr);
        /* A user without a group of another name brings one of its own. */
        if (type == 'g' || (type == 'u' && !(words->count > 2 && strchr(words->items[2], ':'))))
                r = r < 0 ? r : ingot_strings_add(&k->groups, name, reterr);
        if (type == 'm' && words->count > 2) {
                _cleanup_free_ char *pair = NULL;
                r = ingot_format(&pair, reterr, "%s %s", name, words->items[2]);
                if (r >= 0)
                        r = ingot_strings_add(&k->members, pair, reterr);
        }
        return r;
}

static bool wanted(const struct ingot_strings *only, const char *name)
{
        return !only || ingot_strings_contains(only, name);
}

static int add_group(const struct known *k, const struct ingot_strings *fields,
                     const struct ingot_strings *only, struct ingot_buffer *out,
                     ingot_error *reterr)
{
        const char *name = fields->items[0];
        if (!wanted(only, name) || ingot_strings_contains(&k->groups, name))
                return 0;
        int r = ingot_buffer_printf(out, reterr, "g ");
        if (r >= 0)
                r = ingot_config_word(out, name, reterr);
        return r < 0 ? r : ingot_buffer_printf(out, reterr, " %s\n", fields->items[2]);
}

static int add_user(const struct known *k, const struct ingot_accounts *accounts,
                    const struct ingot_strings *f, const struct ingot_strings *only,
                    struct ingot_buffer *out, ingot_error *reterr)
{
        _cleanup_free_ char *group = NULL;
        uint64_t gid;
        if (!wanted(only, f->items[0]) || ingot_strings_contains(&k->users, f->items[0]))
                return 0;
        if (!ingot_parse_u64(f->items[3], &gid) || gid > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "etc/passwd: '%.64s' has no group",
                                  f->items[0]);
        int r = ingot_accounts_name(accounts, INGOT_GROUP, (uint32_t) gid, &group, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(out, reterr, "u ");
        if (r >= 0)
                r = ingot_config_word(out, f->items[0], reterr);
        if (r >= 0)
                r = ingot_buffer_printf(out, reterr, " %s:%s", f->items[2],
                                        group ? group : f->items[3]);
        for (size_t i = 4; i < 7 && r >= 0; i++) {
                r = ingot_buffer_printf(out, reterr, " ");
                if (r >= 0)
                        r = ingot_config_word(out, f->items[i], reterr);
        }
        return r < 0 ? r : ingot_buffer_printf(out, reterr, "\n");
}

static int add_members(const struct known *k, const struct ingot_strings *fields,
                       const struct ingot_strings *only, struct ingot_buffer *out,
                       ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings members = {0};
        int r = ingot_strings_split(&members, fields->items[3], ",", reterr);
        for (size_t i = 0; i < members.count && r >= 0; i++) {
                _cleanup_free_ char *pair = NULL;
                r = ingot_format(&pair, reterr, "%s %s", members.items[i], fields->items[0]);
                if (r < 0 || !wanted(only, members.items[i]) ||
                    ingot_strings_contains(&k->members, pair))
                        continue;
                r = ingot_buffer_printf(out, reterr, "m %s\n", pair);
        }
        return r;
}

enum pass { GROUPS, USERS, MEMBERS };

static int emit(enum pass pass, const struct known *k, const struct ingot_accounts *accounts,
                const struct ingot_strings *only, struct ingot_buffer *out, ingot_error *reterr)
{
        enum ingot_account_file file = pass == USERS ? INGOT_PASSWD : INGOT_GROUP;
        size_t needed = pass == USERS ? 7 : 4;
        for (size_t i = 0; i < accounts->files[file].count; i++) {
                _cleanup_strings_ struct ingot_strings fields = {0};
                const char *line = accounts->files[file].items[i];
                uint64_t id;
                int r = ingot_account_split(line, &fields, reterr);
                if (r < 0)
                        return r;
                if (fields.count < needed || !*fields.items[0] ||
                    !ingot_parse_u64(fields.items[2], &id) || id > UINT32_MAX)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "etc/%s: '%.100s'",
                                          file == INGOT_PASSWD ? "passwd" : "group", line);
                if (pass == GROUPS)
                        r = add_group(k, &fields, only, out, reterr);
                else if (pass == USERS)
                        r = add_user(k, accounts, &fields, only, out, reterr);
                else
                        r = add_members(k, &fields, only, out, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int ingot_sysusers_lines(const struct ingot_tree *tree, const struct ingot_accounts *accounts,
                         const struct ingot_strings *only, struct ingot_buffer *out,
                         ingot_error *reterr)
{
        struct known k __attribute__((cleanup(known_done))) = {0};
        int r = ingot_config_lines(tree, "usr/lib/sysusers.d", note_line, &k, reterr);
        for (enum pass pass = GROUPS; pass <= MEMBERS && r >= 0; pass++)
                r = emit(pass, &k, accounts, only, out, reterr);
        return r;
}
