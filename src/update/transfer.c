/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transfer files: each is read whole, and then laid over the layout that a build makes. */
#include "update/transfer.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "format/ini.h"
#include "format/partition-type.h"
#include "format/version.h"
#include "format/os-release.h"
#include "os/config-files.h"
#include "os/root.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER "sysupdate.d"
#define SUFFIX ".transfer"
#define PATTERNS_MAX 64

static const enum ingot_designator designators[INGOT_SLOT_PARTS] = {
        INGOT_DESIGNATOR_ROOT, INGOT_DESIGNATOR_ROOT_VERITY, INGOT_DESIGNATOR_ROOT_VERITY_SIG};

/* One file with its drop-ins, as it says. */
struct transfer {
        const struct ingot_transfer_system *system;
        char *source_type, *source_path, *target_type, *target_path, *relative, *partition_type;
        char *minimum, *features;
        struct ingot_strings patterns, source_patterns, protect;
        int no_auto, grow_fs, read_only;
        bool has_flags, has_tries_left, has_tries_done;
        uint64_t flags, tries_left, tries_done;
};

static void transfer_done(struct transfer *t)
{
        char *texts[] = {t->source_type, t->source_path,    t->target_type, t->target_path,
                         t->relative,    t->partition_type, t->minimum,     t->features};
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                free(texts[i]);
        ingot_strings_done(&t->patterns);
        ingot_strings_done(&t->source_patterns);
        ingot_strings_done(&t->protect);
}

void ingot_transfers_done(struct ingot_transfers *t)
{
        for (size_t i = 0; i < INGOT_SLOT_PARTS; i++)
                ingot_strings_done(&t->parts[i].patterns);
        ingot_strings_done(&t->uki_patterns);
        ingot_strings_done(&t->protect);
        free(t->uki_folder);
        free(t->minimum);
        free(t->source);
}

/* ---- one file ---- */

/* What stands for "%C" (systemd.unit(5), "Specifiers"); NULL in *ret: not known here. */
static int specifier(const struct ingot_transfer_system *system, char c, char **ret,
                     ingot_error *reterr)
{
        static const struct {
                char letter;
                const char *key;
        } keys[] = {{'A', "IMAGE_VERSION"}, {'B', "BUILD_ID"},  {'M', "IMAGE_ID"}, {'o', "ID"},
                    {'w', "VERSION_ID"},    {'W', "VARIANT_ID"}};
        *ret = NULL;
        if (c == '%')
                return ingot_strdup(ret, "%", reterr);
        if (c == 'a')
                return ingot_strdup(ret, system->architecture, reterr);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (keys[i].letter == c) {
                        int r = ingot_os_release_field(system->os_release, keys[i].key, ret,
                                                       reterr);
                        return r < 0 || *ret ? r : ingot_strdup(ret, "", reterr);
                }
        return 0;
}

static int expand(const struct ingot_transfer_system *system, const char *value, char **ret,
                  ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer out = {0};
        int r = ingot_buffer_printf(&out, reterr, "%s", "");
        for (const char *p = value; r >= 0 && *p; p++) {
                _cleanup_free_ char *text = NULL;
                if (*p != '%') {
                        r = ingot_buffer_printf(&out, reterr, "%c", *p);
                        continue;
                }
                r = specifier(system, *++p, &text, reterr);
                if (r >= 0 && !text)
                        return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                          "the specifier '%%%.1s' is not known here", p);
                if (r >= 0)
                        r = ingot_buffer_printf(&out, reterr, "%s", text);
        }
        if (r >= 0 && !out.data)
                return ingot_strdup(ret, "", reterr);
        if (r >= 0)
                *ret = (char *) ingot_buffer_take(&out);
        return r;
}

static int set_text(char **to, char **value)
{
        free(*to);
        *to = TAKE_PTR(*value);
        return 0;
}

static int set_bool(int *to, const char *value, ingot_error *reterr)
{
        bool yes;
        if (!ingot_parse_bool(value, &yes))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.64s' is neither yes nor no", value);
        *to = yes;
        return 0;
}

static int set_number(uint64_t *to, bool *has, const char *value, ingot_error *reterr)
{
        if (!ingot_parse_u64(value, to))
                return ingot_fail(reterr, INGOT_E_FORMAT, "'%.64s' is no number", value);
        *has = true;
        return 0;
}

static int set_flags(struct transfer *t, const char *value, ingot_error *reterr)
{
        char *end;
        t->flags = strtoull(value, &end, 0);
        t->has_flags = true;
        return *value && !*end ? 0
                               : ingot_fail(reterr, INGOT_E_FORMAT, "'%.64s' is no number", value);
}

/* A list of patterns; an empty value begins it anew. */
static int add_patterns(struct ingot_strings *to, const char *value, ingot_error *reterr)
{
        size_t before = to->count;
        if (!*value) {
                ingot_strings_done(to);
                *to = (struct ingot_strings){0};
                return 0;
        }
        int r = ingot_strings_split(to, value, " \t", reterr);
        for (size_t i = before; r >= 0 && i < to->count; i++)
                r = ingot_name_pattern_check(to->items[i], reterr);
        if (r >= 0 && to->count > PATTERNS_MAX)
                r = ingot_fail(reterr, INGOT_E_LIMIT, "more than %d patterns", PATTERNS_MAX);
        return r;
}

static int set_transfer(struct transfer *t, const char *key, char **value, ingot_error *reterr)
{
        if (strcmp(key, "MinVersion") == 0)
                return set_text(&t->minimum, value);
        if (strcmp(key, "ProtectVersion") == 0)
                return **value ? ingot_strings_add(&t->protect, *value, reterr) : 0;
        if (strcmp(key, "Features") == 0)
                return set_text(&t->features, value);
        return 0;
}

static int set_source(struct transfer *t, const char *key, char **value, ingot_error *reterr)
{
        if (strcmp(key, "Type") == 0)
                return set_text(&t->source_type, value);
        if (strcmp(key, "Path") == 0)
                return set_text(&t->source_path, value);
        return strcmp(key, "MatchPattern") == 0 ? add_patterns(&t->source_patterns, *value, reterr)
                                                : 0;
}

static int set_target(struct transfer *t, const char *key, char **value, ingot_error *reterr)
{
        const struct {
                const char *key;
                char **to;
        } texts[] = {{"Type", &t->target_type},
                     {"Path", &t->target_path},
                     {"PathRelativeTo", &t->relative},
                     {"MatchPartitionType", &t->partition_type}};
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (strcmp(key, texts[i].key) == 0)
                        return set_text(texts[i].to, value);
        if (strcmp(key, "MatchPattern") == 0)
                return add_patterns(&t->patterns, *value, reterr);
        if (strcmp(key, "PartitionNoAuto") == 0)
                return set_bool(&t->no_auto, *value, reterr);
        if (strcmp(key, "PartitionGrowFileSystem") == 0)
                return set_bool(&t->grow_fs, *value, reterr);
        if (strcmp(key, "ReadOnly") == 0)
                return set_bool(&t->read_only, *value, reterr);
        if (strcmp(key, "PartitionFlags") == 0)
                return set_flags(t, *value, reterr);
        if (strcmp(key, "TriesLeft") == 0)
                return set_number(&t->tries_left, &t->has_tries_left, *value, reterr);
        if (strcmp(key, "TriesDone") == 0)
                return set_number(&t->tries_done, &t->has_tries_done, *value, reterr);
        return 0;
}

static int take_line(void *context, const struct ingot_ini_line *line, ingot_error *reterr)
{
        struct transfer *t = context;
        _cleanup_free_ char *value = NULL;
        int r = expand(t->system, line->value, &value, reterr);
        if (r >= 0 && strcmp(line->section, "Transfer") == 0)
                r = set_transfer(t, line->key, &value, reterr);
        else if (r >= 0 && strcmp(line->section, "Source") == 0)
                r = set_source(t, line->key, &value, reterr);
        else if (r >= 0 && strcmp(line->section, "Target") == 0)
                r = set_target(t, line->key, &value, reterr);
        return ingot_under(reterr, r, "%s:%u: %s=", line->file, line->line, line->key);
}

static int read_ini(struct transfer *t, const char *path, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_root_read(t->system->root, path, INGOT_INI_SIZE_MAX, &text, reterr);
        return r < 0 ? r : ingot_ini_parse(path, ingot_buffer_span(&text), take_line, t, reterr);
}

/* PATH and the drop-ins of NAME.transfer.d. */
static int read_transfer(struct transfer *t, const char *path, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings dropins = {0};
        _cleanup_free_ char *folder = NULL;
        int r = read_ini(t, path, reterr);
        if (r >= 0)
                r = ingot_format(&folder, reterr, FOLDER "/%s.d", strrchr(path, '/') + 1);
        if (r >= 0)
                r = ingot_config_list(t->system->root, ingot_config_folders, folder, ".conf",
                                      &dropins, reterr);
        for (size_t i = 0; r >= 0 && i < dropins.count; i++)
                r = read_ini(t, dropins.items[i], reterr);
        return r;
}

/* ---- into the layout ---- */

static int copy_patterns(struct ingot_strings *to, const struct transfer *t, ingot_error *reterr)
{
        const struct ingot_strings *from = t->patterns.count ? &t->patterns : &t->source_patterns;
        int r = from->count ? 0 : ingot_fail(reterr, INGOT_E_FORMAT, "no MatchPattern=");
        ingot_strings_done(to);
        *to = (struct ingot_strings){0};
        for (size_t i = 0; r >= 0 && i < from->count; i++)
                r = ingot_strings_add(to, from->items[i], reterr);
        return r;
}

/* By its identifier ("root", "root-x86-64") or UUID. */
static const struct ingot_partition_type *find_type(const struct transfer *t)
{
        const char *name = t->partition_type ? t->partition_type : "linux-generic";
        const struct ingot_partition_type *type = ingot_partition_type_by_name(name);
        struct ingot_uuid uuid;
        if (!type && ingot_uuid_parse(name, &uuid))
                type = ingot_partition_type_by_uuid(&uuid);
        for (enum ingot_designator d = 0; !type && d < INGOT_DESIGNATOR_MAX; d++)
                if (strcmp(ingot_designator_name(d), name) == 0)
                        type = ingot_partition_type_find(d, t->system->architecture);
        return type;
}

static bool is_usr(enum ingot_designator d)
{
        return d == INGOT_DESIGNATOR_USR || d == INGOT_DESIGNATOR_USR_VERITY ||
               d == INGOT_DESIGNATOR_USR_VERITY_SIG;
}

/* 1: it is nothing of a slot. */
static int take_partition(const struct transfer *t, struct ingot_transfers *ret,
                          ingot_error *reterr)
{
        const struct ingot_partition_type *type = find_type(t);
        if (type && is_usr(type->designator))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "slots of /usr alone are not updated by ingot");
        for (size_t i = 0; type && i < INGOT_SLOT_PARTS; i++) {
                struct ingot_transfer_part *part = ret->parts + i;
                if (type->designator != designators[i])
                        continue;
                part->type = type->uuid;
                part->no_auto = t->no_auto;
                part->grow_fs = t->grow_fs;
                part->read_only = t->read_only;
                part->has_flags = t->has_flags;
                part->flags = t->flags;
                return copy_patterns(&part->patterns, t, reterr);
        }
        return 1;
}

static bool is_uki(const struct transfer *t)
{
        const struct ingot_strings *p = t->patterns.count ? &t->patterns : &t->source_patterns;
        return t->relative &&
               (strcmp(t->relative, "esp") == 0 || strcmp(t->relative, "boot") == 0) &&
               p->count > 0 && ingot_ends_with(p->items[0], ".efi");
}

static int take_file(const struct transfer *t, struct ingot_transfers *ret, ingot_error *reterr)
{
        if (t->relative && strcmp(t->relative, "xbootldr") == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "UKIs on an XBOOTLDR partition are not updated by ingot");
        if (!is_uki(t))
                return 1;
        if (t->system->has_xbootldr && strcmp(t->relative, "boot") == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "PathRelativeTo=boot is the XBOOTLDR partition of this disk, "
                                  "where ingot updates no UKIs; with PathRelativeTo=esp, in a "
                                  "drop-in, they go to the ESP");
        const char *path = t->target_path ? t->target_path : "";
        path += strspn(path, "/");
        free(ret->uki_folder);
        ret->uki_folder = NULL;
        int r = ingot_strdup(&ret->uki_folder, path, reterr);
        if (r >= 0)
                r = copy_patterns(&ret->uki_patterns, t, reterr);
        ret->tries_left = t->has_tries_left ? t->tries_left : 0;
        ret->tries_done = t->has_tries_done ? t->tries_done : 0;
        return r;
}

static int take_common(const struct transfer *t, struct ingot_transfers *ret, ingot_error *reterr)
{
        int r = 0;
        if (t->minimum && *t->minimum &&
            (!ret->minimum || ingot_version_compare(ret->minimum, t->minimum) < 0)) {
                free(ret->minimum);
                ret->minimum = NULL;
                r = ingot_strdup(&ret->minimum, t->minimum, reterr);
        }
        for (size_t i = 0; r >= 0 && i < t->protect.count; i++)
                r = ingot_strings_add(&ret->protect, t->protect.items[i], reterr);
        if (r >= 0 && !ret->source && t->source_path)
                r = ingot_strdup(&ret->source, t->source_path, reterr);
        return r;
}

static int take_transfer(const struct ingot_transfer_system *system, const char *path,
                         struct ingot_transfers *ret, ingot_error *reterr)
{
        _cleanup_(transfer_done) struct transfer t = {
                .system = system, .no_auto = -1, .grow_fs = -1, .read_only = -1};
        int r = read_transfer(&t, path, reterr);
        if (r < 0)
                return r;
        if (t.features && *t.features) {
                ingot_warn(system->log, "%s belongs to an optional feature: left out", path);
                return 0;
        }
        if (t.target_type && strcmp(t.target_type, "partition") == 0)
                r = take_partition(&t, ret, reterr);
        else
                r = t.target_type && strcmp(t.target_type, "regular-file") == 0
                            ? take_file(&t, ret, reterr)
                            : 1;
        if (r == 1) {
                ingot_warn(system->log,
                           "%s is about neither root, hash tree, signature nor UKI: left to "
                           "systemd-sysupdate",
                           path);
                return 0;
        }
        if (r >= 0)
                r = take_common(&t, ret, reterr);
        ret->found = true;
        return ingot_under(reterr, r, "%s", path);
}

/* ---- what a build makes ---- */

static int set_defaults(const struct ingot_transfer_system *system, struct ingot_transfers *ret,
                        ingot_error *reterr)
{
        static const char *const endings[] = {"+@l-@d.efi", "+@l.efi", ".efi"};
        _cleanup_free_ char *label = NULL;
        int r = ingot_format(&label, reterr, "%s_@v", system->name);
        for (size_t i = 0; r >= 0 && i < INGOT_SLOT_PARTS; i++) {
                struct ingot_transfer_part *part = ret->parts + i;
                const struct ingot_partition_type *type =
                        ingot_partition_type_find(designators[i], system->architecture);
                if (!type)
                        return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                          "no partition types for the architecture '%s'",
                                          system->architecture);
                part->type = type->uuid;
                part->no_auto = part->grow_fs = part->read_only = -1;
                r = ingot_name_pattern_check(label, reterr);
                if (r >= 0)
                        r = ingot_strings_add(&part->patterns, label, reterr);
        }
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(endings); i++) {
                _cleanup_free_ char *pattern = NULL;
                r = ingot_format(&pattern, reterr, "%s%s", label, endings[i]);
                if (r >= 0)
                        r = ingot_strings_add(&ret->uki_patterns, pattern, reterr);
        }
        ret->tries_left = 3;
        return r < 0 ? r : ingot_strdup(&ret->uki_folder, "EFI/Linux", reterr);
}

int ingot_transfers_load(const struct ingot_transfer_system *system, struct ingot_transfers *ret,
                         ingot_error *reterr)
{
        _cleanup_(ingot_transfers_done) struct ingot_transfers t = {0};
        _cleanup_strings_ struct ingot_strings paths = {0};
        int r = set_defaults(system, &t, reterr);
        if (r >= 0)
                r = ingot_config_list(system->root, ingot_config_folders, FOLDER, SUFFIX, &paths,
                                      reterr);
        for (size_t i = 0; r >= 0 && i < paths.count; i++)
                r = take_transfer(system, paths.items[i], &t, reterr);
        if (r < 0)
                return r;
        *ret = t;
        t = (struct ingot_transfers){0};
        return 0;
}

int ingot_transfer_match(const struct ingot_strings *patterns, const char *name,
                         struct ingot_name_fields *ret, ingot_error *reterr)
{
        int r = 1;
        for (size_t i = 0; r > 0 && i < patterns->count; i++)
                r = ingot_name_match(patterns->items[i], name, ret, reterr);
        return r > 0 ? 1 : r;
}

uint64_t ingot_transfer_attributes(const struct ingot_transfer_part *part)
{
        uint64_t a = part->has_flags ? part->flags : INGOT_GPT_READ_ONLY;
        const struct {
                int said;
                uint64_t bit;
        } bits[] = {{part->no_auto, INGOT_GPT_NO_AUTO},
                    {part->grow_fs, INGOT_GPT_GROW_FS},
                    {part->read_only, INGOT_GPT_READ_ONLY}};
        for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
                if (bits[i].said >= 0)
                        a = bits[i].said ? a | bits[i].bit : a & ~bits[i].bit;
        return a;
}
