/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Image policies: from text, to text, and against what an image has. */
#include "format/image-policy.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <string.h>

#define SPACE " \t\n\r"

const enum ingot_designator ingot_image_policy_designators[INGOT_IMAGE_POLICY_DESIGNATORS] = {
        INGOT_DESIGNATOR_ROOT,
        INGOT_DESIGNATOR_USR,
        INGOT_DESIGNATOR_HOME,
        INGOT_DESIGNATOR_SRV,
        INGOT_DESIGNATOR_ESP,
        INGOT_DESIGNATOR_XBOOTLDR,
        INGOT_DESIGNATOR_SWAP,
        INGOT_DESIGNATOR_ROOT_VERITY,
        INGOT_DESIGNATOR_USR_VERITY,
        INGOT_DESIGNATOR_ROOT_VERITY_SIG,
        INGOT_DESIGNATOR_USR_VERITY_SIG,
        INGOT_DESIGNATOR_TMP,
        INGOT_DESIGNATOR_VAR,
};

/* In the order in which they are printed; those behind are other words for several. */
static const struct {
        const char *name;
        uint32_t flags;
} words[] = {
        {"verity", INGOT_POLICY_VERITY},
        {"signed", INGOT_POLICY_SIGNED},
        {"encrypted", INGOT_POLICY_ENCRYPTED},
        {"encryptedwithintegrity", INGOT_POLICY_ENCRYPTED_WITH_INTEGRITY},
        {"unprotected", INGOT_POLICY_UNPROTECTED},
        {"unused", INGOT_POLICY_UNUSED},
        {"absent", INGOT_POLICY_ABSENT},
        {"read-only-on", INGOT_POLICY_READ_ONLY_ON},
        {"read-only-off", INGOT_POLICY_READ_ONLY_OFF},
        {"growfs-off", INGOT_POLICY_GROWFS_OFF},
        {"growfs-on", INGOT_POLICY_GROWFS_ON},
        {"btrfs", INGOT_POLICY_BTRFS},
        {"erofs", INGOT_POLICY_EROFS},
        {"ext4", INGOT_POLICY_EXT4},
        {"f2fs", INGOT_POLICY_F2FS},
        {"squashfs", INGOT_POLICY_SQUASHFS},
        {"vfat", INGOT_POLICY_VFAT},
        {"xfs", INGOT_POLICY_XFS},
        {"open", INGOT_POLICY_USE_MASK},
        {"ignore", INGOT_POLICY_IGNORE},
};
#define FLAG_COUNT (ARRAY_SIZE(words) - 2)

/* Which partition holds the hash tree, or the signature, of which. */
static const struct pair {
        enum ingot_designator data, hash, signature;
} pairs[] = {
        {INGOT_DESIGNATOR_ROOT, INGOT_DESIGNATOR_ROOT_VERITY, INGOT_DESIGNATOR_ROOT_VERITY_SIG},
        {INGOT_DESIGNATOR_USR, INGOT_DESIGNATOR_USR_VERITY, INGOT_DESIGNATOR_USR_VERITY_SIG},
};

static const struct pair *pair_of(enum ingot_designator d)
{
        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
                if (d == pairs[i].data || d == pairs[i].hash || d == pairs[i].signature)
                        return pairs + i;
        return NULL;
}

/* A copy without spaces at its ends. */
static int strip(const char *text, size_t size, char **ret, ingot_error *reterr)
{
        while (size > 0 && strchr(SPACE, text[0]))
                text++, size--;
        while (size > 0 && strchr(SPACE, text[size - 1]))
                size--;
        return ingot_format(ret, reterr, "%.*s", (int) size, text);
}

static int unknown(const char *what, const char *word, const char *const *names, size_t count,
                   ingot_error *reterr)
{
        const char *nearest = ingot_nearest(word, names, count);
        _cleanup_free_ char *shown = ingot_escape(word);
        if (!shown)
                return ingot_fail_nomem(reterr);
        if (nearest)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "'%.100s' is no %s of an image policy; "
                                  "did you mean '%s'?",
                                  shown, what, nearest);
        return ingot_fail(reterr, INGOT_E_USAGE, "'%.100s' is no %s of an image policy", shown,
                          what);
}

static int parse_word(const char *word, uint32_t *flags, ingot_error *reterr)
{
        const char *names[ARRAY_SIZE(words)];
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                if (strcmp(word, words[i].name) == 0) {
                        *flags |= words[i].flags;
                        return 0;
                }
                names[i] = words[i].name;
        }
        if (!*word)
                return ingot_fail(reterr, INGOT_E_USAGE, "an empty word between '+'");
        return unknown("flag", word, names, ARRAY_SIZE(names), reterr);
}

/* No word, or "-", is no flag. */
static int parse_flags(const char *text, uint32_t *ret, ingot_error *reterr)
{
        uint32_t flags = 0;
        int r = 0;
        if (strcmp(text, "") != 0 && strcmp(text, "-") != 0)
                for (const char *end; r >= 0 && text; text = *end ? end + 1 : NULL) {
                        _cleanup_free_ char *word = NULL;
                        end = text + strcspn(text, "+");
                        r = strip(text, (size_t) (end - text), &word, reterr);
                        if (r >= 0)
                                r = parse_word(word, &flags, reterr);
                }
        if (r >= 0)
                *ret = flags;
        return r;
}

static int parse_designator(const char *name, enum ingot_designator *ret, ingot_error *reterr)
{
        const char *names[INGOT_IMAGE_POLICY_DESIGNATORS];
        for (size_t i = 0; i < INGOT_IMAGE_POLICY_DESIGNATORS; i++) {
                *ret = ingot_image_policy_designators[i];
                names[i] = ingot_designator_name(*ret);
                if (strcmp(name, names[i]) == 0)
                        return 0;
        }
        return unknown("partition", name, names, ARRAY_SIZE(names), reterr);
}

/* "root=verity+signed", or "=ignore". */
static int parse_rule(struct ingot_image_policy *p, const char *rule, size_t size, bool *others,
                      ingot_error *reterr)
{
        const char *equals = memchr(rule, '=', size);
        _cleanup_free_ char *name = NULL, *list = NULL;
        enum ingot_designator d;
        uint32_t flags;
        if (!equals)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "'%.*s' has no '=': a rule is PARTITION="
                                  "FLAG+FLAG",
                                  (int) (size < 100 ? size : 100), rule);
        int r = strip(rule, (size_t) (equals - rule), &name, reterr);
        if (r >= 0)
                r = strip(equals + 1, size - (size_t) (equals + 1 - rule), &list, reterr);
        if (r >= 0)
                r = parse_flags(list, &flags, reterr);
        if (r >= 0 && *name)
                r = parse_designator(name, &d, reterr);
        if (r < 0)
                return r;
        if (*name ? p->given[d] : *others)
                return ingot_fail(reterr, INGOT_E_USAGE, "two rules for %s",
                                  *name ? name : "all other partitions");
        if (*name) {
                p->given[d] = true;
                p->flags[d] = flags;
        } else {
                *others = true;
                p->others = flags;
        }
        return 0;
}

int ingot_image_policy_parse(const char *text, struct ingot_image_policy *ret, ingot_error *reterr)
{
        static const struct {
                const char *text;
                uint32_t others;
        } whole[] = {
                {"*", INGOT_POLICY_USE_MASK},
                {"-", INGOT_POLICY_IGNORE},
                {"", INGOT_POLICY_IGNORE},
                {"~", INGOT_POLICY_ABSENT},
        };
        struct ingot_image_policy p = {.others = INGOT_POLICY_IGNORE};
        bool others = false;
        int r = 0;
        for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
                if (strcmp(text, whole[i].text) == 0) {
                        p.others = whole[i].others;
                        *ret = p;
                        return 0;
                }
        for (const char *at = text, *end; r >= 0 && at; at = *end ? end + 1 : NULL) {
                end = at + strcspn(at, ":");
                r = parse_rule(&p, at, (size_t) (end - at), &others, reterr);
        }
        if (r < 0)
                return ingot_under(reterr, r, "image policy");
        *ret = p;
        return 0;
}

/* Without what means nothing for that partition. */
static uint32_t normalise(uint32_t flags, enum ingot_designator d)
{
        const struct pair *pair = pair_of(d);
        if ((flags & INGOT_POLICY_USE_MASK) == 0)
                flags |= INGOT_POLICY_USE_MASK;
        if (!pair || d != pair->data)
                flags &= ~(uint32_t) (INGOT_POLICY_VERITY | INGOT_POLICY_SIGNED);
        if (pair && d != pair->data)
                flags &= ~(uint32_t) (INGOT_POLICY_ENCRYPTED |
                                      INGOT_POLICY_ENCRYPTED_WITH_INTEGRITY);
        if ((flags & INGOT_POLICY_USE_MASK) == INGOT_POLICY_ABSENT)
                flags &= ~(INGOT_POLICY_READ_ONLY_MASK | INGOT_POLICY_GROWFS_MASK);
        return flags;
}

uint32_t ingot_image_policy_get(const struct ingot_image_policy *policy, enum ingot_designator d)
{
        const struct pair *pair = pair_of(d);
        if (policy->given[d])
                return normalise(policy->flags[d], d);
        if (!pair || d == pair->data || !policy->given[pair->data])
                return normalise(policy->others, d);
        uint32_t data = ingot_image_policy_get(policy, pair->data);
        uint32_t cause =
                d == pair->hash ? INGOT_POLICY_VERITY | INGOT_POLICY_SIGNED : INGOT_POLICY_SIGNED;
        if (!(data & cause))
                return normalise(policy->others, d);
        return INGOT_POLICY_UNPROTECTED |
               (data &
                (INGOT_POLICY_IGNORE | INGOT_POLICY_READ_ONLY_MASK | INGOT_POLICY_GROWFS_MASK));
}

bool ingot_image_policy_is_open(const struct ingot_image_policy *policy, enum ingot_designator d)
{
        uint32_t flags = policy->given[d] ? policy->flags[d] : policy->others;
        return (flags & INGOT_POLICY_USE_MASK) == 0;
}

static int print_flags(struct ingot_buffer *text, uint32_t flags, ingot_error *reterr)
{
        int r = flags ? 0 : ingot_buffer_printf(text, reterr, "-");
        const char *plus = "";
        for (size_t i = 0; i < FLAG_COUNT && r >= 0; i++)
                if (flags & words[i].flags) {
                        r = ingot_buffer_printf(text, reterr, "%s%s", plus, words[i].name);
                        plus = "+";
                }
        return r;
}

int ingot_image_policy_print_flags(uint32_t flags, char **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        for (size_t i = FLAG_COUNT; i < ARRAY_SIZE(words); i++)
                if (flags == words[i].flags)
                        return ingot_strdup(ret, words[i].name, reterr);
        int r = print_flags(&text, flags, reterr);
        if (r >= 0)
                *ret = (char *) ingot_buffer_take(&text);
        return r;
}

int ingot_image_policy_print(const struct ingot_image_policy *policy, char **ret,
                             ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = 0;
        for (size_t i = 0; i < INGOT_IMAGE_POLICY_DESIGNATORS && r >= 0; i++) {
                enum ingot_designator d = ingot_image_policy_designators[i];
                if (!policy->given[d])
                        continue;
                r = ingot_buffer_printf(&text, reterr, "%s=", ingot_designator_name(d));
                if (r >= 0)
                        r = print_flags(&text, policy->flags[d], reterr);
                if (r >= 0)
                        r = ingot_buffer_printf(&text, reterr, ":");
        }
        if (r >= 0)
                r = ingot_buffer_printf(&text, reterr, "=");
        if (r >= 0)
                r = print_flags(&text, policy->others, reterr);
        if (r >= 0)
                *ret = (char *) ingot_buffer_take(&text);
        return r;
}

/* How a partition that is there would be used, once it is known which of its pair are. */
static uint32_t state_of(const bool used[], enum ingot_designator d, bool encrypted)
{
        const struct pair *pair = pair_of(d);
        if (pair && d == pair->data && used[pair->hash])
                return used[pair->signature] ? INGOT_POLICY_SIGNED : INGOT_POLICY_VERITY;
        return encrypted ? INGOT_POLICY_ENCRYPTED : INGOT_POLICY_UNPROTECTED;
}

static int refuse(enum ingot_designator d, const char *what, uint32_t allowed, ingot_error *reterr)
{
        _cleanup_free_ char *list = NULL;
        int r = ingot_image_policy_print_flags(allowed, &list, reterr);
        return r < 0 ? r
                     : ingot_fail(reterr, INGOT_E_REFUSED, "%s is %s; the policy allows %s",
                                  ingot_designator_name(d), what, list);
}

/* Attributes and file system of a partition that is used. */
static int check_details(uint32_t allowed, enum ingot_designator d,
                         const struct ingot_image_policy_found *f, ingot_error *reterr)
{
        const struct {
                uint32_t mask, have;
                const char *what;
        } details[] = {
                {INGOT_POLICY_READ_ONLY_MASK,
                 f->read_only ? INGOT_POLICY_READ_ONLY_ON : INGOT_POLICY_READ_ONLY_OFF,
                 f->read_only ? "marked read-only" : "not marked read-only"},
                {INGOT_POLICY_GROWFS_MASK,
                 f->growfs ? INGOT_POLICY_GROWFS_ON : INGOT_POLICY_GROWFS_OFF,
                 f->growfs ? "marked to grow" : "not marked to grow"},
                {f->encrypted ? 0 : INGOT_POLICY_FSTYPE_MASK, f->fstype, "another file system"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(details); i++)
                if ((allowed & details[i].mask) && !(allowed & details[i].have))
                        return refuse(d, details[i].what, allowed & details[i].mask, reterr);
        return 0;
}

static int check_one(uint32_t allowed, enum ingot_designator d,
                     const struct ingot_image_policy_found *f, uint32_t state,
                     struct ingot_image_policy_result *result, ingot_error *reterr)
{
        result->state[d] = state;
        if (state == INGOT_POLICY_ENCRYPTED && !(allowed & state) &&
            (allowed & INGOT_POLICY_ENCRYPTED_WITH_INTEGRITY)) {
                result->undecided = true;
        } else if (!(allowed & state)) {
                _cleanup_free_ char *word = NULL;
                int r = ingot_image_policy_print_flags(state, &word, reterr);
                return r < 0 ? r : refuse(d, word, allowed & INGOT_POLICY_USE_MASK, reterr);
        }
        if (state == INGOT_POLICY_ABSENT || state == INGOT_POLICY_UNUSED)
                return 0;
        return check_details(allowed, d, f, reterr);
}

int ingot_image_policy_check(const struct ingot_image_policy *policy,
                             const struct ingot_image_policy_found found[INGOT_DESIGNATOR_MAX],
                             struct ingot_image_policy_result *ret, ingot_error *reterr)
{
        struct ingot_image_policy_result result = {0};
        bool used[INGOT_DESIGNATOR_MAX] = {false};
        int r = 0;
        for (size_t i = 0; i < INGOT_IMAGE_POLICY_DESIGNATORS && r >= 0; i++) {
                enum ingot_designator d = ingot_image_policy_designators[i];
                uint32_t allowed = ingot_image_policy_get(policy, d) & INGOT_POLICY_USE_MASK;
                used[d] = found[d].present && (allowed & ~(uint32_t) INGOT_POLICY_IGNORE);
                if (found[d].present && allowed == INGOT_POLICY_ABSENT)
                        r = refuse(d, "there", allowed, reterr);
        }
        for (size_t i = 0; i < INGOT_IMAGE_POLICY_DESIGNATORS && r >= 0; i++) {
                enum ingot_designator d = ingot_image_policy_designators[i];
                uint32_t state = used[d]            ? state_of(used, d, found[d].encrypted)
                                 : found[d].present ? INGOT_POLICY_UNUSED
                                                    : INGOT_POLICY_ABSENT;
                r = check_one(ingot_image_policy_get(policy, d), d, found + d, state, &result,
                              reterr);
        }
        if (r < 0)
                return r;
        *ret = result;
        return 0;
}
