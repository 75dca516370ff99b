/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transfer files, our client's configuration, units and drop-ins; and the words of the kernel. */
#include "image/build-update.h"
#include "base/cleanup.h"
#include "image/build-state.h"
#include "image/hermetic.h"
#include "image/unit.h"
#include "image/update-keys.h"
#include "image/update-units.h"

#include <inttypes.h>
#include <string.h>

#define UNITS "usr/lib/systemd/system/"
#define TRANSFERS "usr/lib/sysupdate.d/"
#define CHANNEL_DEFAULT "stable"
#define BOOT_TIMEOUT_DEFAULT 300
#define WATCHDOG_DEFAULT 60
#define TRIES_DEFAULT 3 /* of a release on trial */
#define PANIC_SECONDS 10

const char *const ingot_watchdog_modules[] = {"-i6300esb", "-wdat_wdt",   "-lpc_ich", "-i2c_i801",
                                              "-iTCO_wdt", "-sp5100_tco", "-softdog", NULL};

bool ingot_build_has_update(const struct ingot_recipe *recipe)
{
        return ingot_recipe_text(recipe, INGOT_UPDATE_SOURCE) != NULL;
}

static uint64_t number_or(const struct ingot_recipe *recipe, enum ingot_recipe_key key,
                          uint64_t otherwise)
{
        return ingot_recipe_text(recipe, key) ? ingot_recipe_number(recipe, key) : otherwise;
}

unsigned ingot_build_watchdog(const struct ingot_recipe *recipe)
{
        return ingot_build_has_update(recipe)
                       ? (unsigned) number_or(recipe, INGOT_UPDATE_WATCHDOG, WATCHDOG_DEFAULT)
                       : 0;
}

static const char *channel_of(const struct ingot_recipe *recipe)
{
        const char *text = ingot_recipe_text(recipe, INGOT_UPDATE_CHANNEL);
        return text ? text : CHANNEL_DEFAULT;
}

static int check_source(const char *source, ingot_error *reterr)
{
        static const char *const schemes[] = {"https://", "http://", "file:///"};
        bool known = false;
        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
                known |= ingot_starts_with(source, schemes[i]) && source[strlen(schemes[i])];
        for (const char *c = source; *c; c++)
                known &= *c > ' ' && *c < 0x7f && !strchr("\"'\\", *c);
        return known ? 0
                     : ingot_fail(reterr, INGOT_E_FORMAT,
                                  "Update.Source is no URL of a folder (https://, http:// or "
                                  "file:///, without blanks and quotes): '%.100s'",
                                  source);
}

int ingot_build_check_update(const struct ingot_recipe *recipe, ingot_error *reterr)
{
        const char *source = ingot_recipe_text(recipe, INGOT_UPDATE_SOURCE);
        for (unsigned i = INGOT_UPDATE_SOURCE + 1; !source && i <= INGOT_UPDATE_WATCHDOG; i++)
                if (ingot_recipe_text(recipe, i))
                        return ingot_fail(reterr, INGOT_E_CONFLICT,
                                          "Update.%s without Update.Source: nothing says where "
                                          "releases come from",
                                          ingot_recipe_keys[i].key);
        if (!source)
                return 0;
        if (ingot_recipe_list(recipe, INGOT_UPDATE_KEYS)->count == 0)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "Update.Source without Update.Key: nothing says who may sign "
                                  "releases");
        if (strcmp(ingot_recipe_text(recipe, INGOT_PARTITIONS_LAYOUT), "ab") != 0)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "Update.Source needs two slots: Partitions.Layout=ab");
        return check_source(source, reterr);
}

static int put(struct ingot_build *b, const char *path, const struct ingot_buffer *text,
               ingot_error *reterr)
{
        return ingot_tree_put_bytes(b->tree, path, 0644, b->timestamp, text->data, text->size,
                                    reterr);
}

/* [Transfer] and [Source]; PATTERN is behind the product's name. Of '%' there are two, as in a unit
 * (sysupdate.d(5)). */
static int begin_transfer(const struct ingot_build *b, const char *pattern,
                          struct ingot_buffer *text, ingot_error *reterr)
{
        int r = ingot_buffer_printf(text, reterr,
                                    "[Transfer]\nProtectVersion=%%A\n\n[Source]\nType=url-file\n"
                                    "Path=");
        for (const char *c = ingot_recipe_text(b->recipe, INGOT_UPDATE_SOURCE); r >= 0 && *c; c++)
                r = ingot_buffer_printf(text, reterr, *c == '%' ? "%%%%" : "%c", *c);
        return r < 0 ? r
                     : ingot_buffer_printf(text, reterr, "\nMatchPattern=%s_@v%s\n\n[Target]\n",
                                           b->name, pattern);
}

/* The slot's partitions, in the order in which they are filled. What is filled is found by itself
 * (docs/decisions/007). */
static int put_partitions(struct ingot_build *b, ingot_error *reterr)
{
        static const char *const types[] = {"root-x86-64-verity-sig", "root-x86-64-verity",
                                            "root-x86-64"};
        bool sign = ingot_recipe_bool(b->recipe, INGOT_SIGNING_VERITY);
        int r = 0;
        for (size_t i = sign ? 0 : 1; r >= 0 && i < ARRAY_SIZE(types); i++) {
                _cleanup_buffer_ struct ingot_buffer text = {0};
                _cleanup_free_ char *path = NULL, *pattern = NULL;
                r = ingot_format(&path, reterr, TRANSFERS "5%zu-%s.transfer", i, types[i]);
                if (r >= 0)
                        r = ingot_format(&pattern, reterr, ".%s.@u.raw", types[i]);
                if (r >= 0)
                        r = begin_transfer(b, pattern, &text, reterr);
                if (r >= 0)
                        r = ingot_buffer_printf(&text, reterr,
                                                "Type=partition\nPath=auto\nMatchPattern=%s_@v\n"
                                                "MatchPartitionType=%s\nPartitionNoAuto=no\n"
                                                "ReadOnly=yes\nInstancesMax=2\n",
                                                b->name, types[i]);
                if (r >= 0)
                        r = put(b, path, &text, reterr);
        }
        return r;
}

/* The last by its name: only then is there something to boot. */
static int put_uki(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        uint64_t tries = ingot_recipe_number(b->recipe, INGOT_BOOT_TRIES);
        int r = begin_transfer(b, ".efi", &text, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(&text, reterr,
                                        "Type=regular-file\nPath=/EFI/Linux\nPathRelativeTo=boot\n"
                                        "MatchPattern=%s_@v+@l-@d.efi %s_@v+@l.efi %s_@v.efi\n"
                                        "Mode=0444\nTriesLeft=%" PRIu64
                                        "\nTriesDone=0\nInstancesMax=2\n",
                                        b->name, b->name, b->name, tries ? tries : TRIES_DEFAULT);
        return r < 0 ? r : put(b, TRANSFERS "59-uki.transfer", &text, reterr);
}

static int put_client(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_buffer_printf(
                &text, reterr, "[Update]\nSource=%s\nChannel=%s\nThreshold=%" PRIu64 "\n",
                ingot_recipe_text(b->recipe, INGOT_UPDATE_SOURCE), channel_of(b->recipe),
                number_or(b->recipe, INGOT_UPDATE_THRESHOLD, 1));
        return r < 0 ? r : put(b, "usr/lib/ingot/update.conf", &text, reterr);
}

static int install_keys(struct ingot_build *b, struct ingot_strings *changed, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings paths = {0};
        const struct ingot_strings *files = ingot_recipe_list(b->recipe, INGOT_UPDATE_KEYS);
        const struct ingot_update_keys keys = {
                .files = &paths,
                .threshold = number_or(b->recipe, INGOT_UPDATE_THRESHOLD, 1),
                .mtime = b->timestamp};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < files->count; i++) {
                _cleanup_free_ char *path = NULL;
                r = ingot_recipe_path(b->recipe, files->items[i], &path, reterr);
                if (r >= 0)
                        r = ingot_strings_add(&paths, path, reterr);
        }
        return r < 0 ? r : ingot_update_keys_install(b->tree, &keys, changed, reterr);
}

/* The units of data/units, where no package brought them, and the links of those that are wanted.
 */
static int put_units(struct ingot_build *b, ingot_error *reterr)
{
        bool timer = ingot_recipe_bool(b->recipe, INGOT_UPDATE_TIMER);
        int r = 0;
        for (const struct ingot_update_unit *u = ingot_update_units; r >= 0 && u->name; u++) {
                _cleanup_free_ char *path = NULL, *link = NULL, *target = NULL;
                r = ingot_format(&path, reterr, UNITS "%s", u->name);
                if (r >= 0 && !ingot_tree_resolve(b->tree, path))
                        r = ingot_tree_put_bytes(b->tree, path, 0644, b->timestamp, u->start,
                                                 (size_t) (u->end - u->start), reterr);
                if (r < 0 || !u->wanted_by || (u->is_timer && !timer))
                        continue;
                r = ingot_format(&link, reterr, UNITS "%s.wants/%s", u->wanted_by, u->name);
                if (r >= 0)
                        r = ingot_format(&target, reterr, "../%s", u->name);
                if (r >= 0)
                        r = ingot_tree_put_symlink(b->tree, link, target, b->timestamp, reterr);
        }
        return r;
}

/* The default target, and what the recipe wants checked. */
static int checked_units(const struct ingot_build *b, struct ingot_buffer *words,
                         ingot_error *reterr)
{
        const struct ingot_strings *checks = ingot_recipe_list(b->recipe, INGOT_UPDATE_CHECKS);
        const char *target = ingot_recipe_text(b->recipe, INGOT_SYSTEM_TARGET);
        int r = ingot_buffer_printf(words, reterr, "%s", target ? target : "multi-user.target");
        for (size_t i = 0; r >= 0 && i < checks->count; i++) {
                r = ingot_unit_check(b->tree, checks->items[i], reterr);
                if (r >= 0)
                        r = ingot_buffer_printf(words, reterr, " %s", checks->items[i]);
        }
        return ingot_under(reterr, r, "Update.Check");
}

/* A boot is good when these are up in time; else it has failed, and the next try, or the release
 * before, is taken. */
static int put_completion(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0}, words = {0};
        int r = checked_units(b, &words, reterr);
        if (r >= 0)
                r = ingot_buffer_printf(
                        &text, reterr,
                        "[Unit]\nRequires=%s\nAfter=%s\nOnFailure=ingot-boot-failed.service\n"
                        "JobTimeoutSec=%" PRIu64 "\n",
                        (char *) words.data, (char *) words.data,
                        number_or(b->recipe, INGOT_UPDATE_BOOT_TIMEOUT, BOOT_TIMEOUT_DEFAULT));
        return r < 0 ? r : put(b, UNITS "boot-complete.target.d/50-ingot.conf", &text, reterr);
}

static int put_manager(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        unsigned watchdog = ingot_build_watchdog(b->recipe);
        int r = ingot_buffer_printf(&text, reterr, "[Manager]\nCrashAction=reboot\n");
        if (r >= 0 && watchdog > 0)
                r = ingot_buffer_printf(&text, reterr, "RuntimeWatchdogSec=%u\n", watchdog);
        return r < 0 ? r
                     : put(b, "usr/lib/systemd/system.conf.d/50-ingot-update.conf", &text, reterr);
}

/* A machine on which /etc/passwd was changed has its own, which hides the users of a new release.
 * The stamp of /etc is the release's and says that nothing is to be done (docs/decisions/050), so
 * systemd-sysusers runs at every boot; where nobody is missing it writes nothing. */
static int put_users(struct ingot_build *b, ingot_error *reterr)
{
        static const char text[] = "[Unit]\nConditionNeedsUpdate=\n";
        if (strcmp(ingot_recipe_text(b->recipe, INGOT_BOOT_ETC), "overlay") != 0)
                return 0;
        return ingot_tree_put_bytes(b->tree, UNITS "systemd-sysusers.service.d/50-ingot.conf", 0644,
                                    b->timestamp, text, strlen(text), reterr);
}

/* What makes all of it work is in the packages. */
static int check_programs(const struct ingot_build *b, ingot_error *reterr)
{
        if (!ingot_tree_resolve(b->tree, "usr/lib/systemd/systemd-bless-boot"))
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the tree has no systemd-bless-boot, without which no release is "
                                  "ever good: add the package systemd-boot to Packages.Install");
        if (!ingot_tree_resolve(b->tree, "usr/bin/ingot") &&
            !ingot_tree_resolve(b->tree, "usr/lib/systemd/systemd-sysupdate") &&
            !ingot_tree_resolve(b->tree, "usr/bin/systemd-sysupdate"))
                ingot_warn(b->options->log,
                           "the image has neither /usr/bin/ingot nor systemd-sysupdate: it cannot "
                           "update itself");
        if (!ingot_tree_resolve(b->tree, "usr/sbin/fsck.vfat"))
                ingot_warn(b->options->log,
                           "the image has no fsck.vfat: where the power goes during an update, the "
                           "ESP may take no other one until somebody repairs it; add the package "
                           "dosfstools to Packages.Install");
        return 0;
}

int ingot_build_update(struct ingot_build *b, ingot_error *reterr)
{
        static int (*const parts[])(struct ingot_build *, ingot_error *) = {
                put_partitions, put_uki,     put_client, put_units,
                put_completion, put_manager, put_users};
        _cleanup_strings_ struct ingot_strings changed = {0};
        if (!ingot_build_has_update(b->recipe))
                return 0;
        int r = check_programs(b, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(parts); i++)
                r = parts[i](b, reterr);
        if (r >= 0)
                r = ingot_under(reterr, install_keys(b, &changed, reterr), "Update.Key");
        return r < 0 ? r : ingot_dpkg_forget_digests(b->tree, &changed, b->timestamp, reterr);
}

int ingot_build_update_words(const struct ingot_recipe *recipe, struct ingot_buffer *line,
                             ingot_error *reterr)
{
        const struct ingot_strings *words = ingot_recipe_list(recipe, INGOT_BOOT_COMMAND_LINE);
        if (!ingot_build_has_update(recipe))
                return 0;
        for (size_t i = 0; i < words->count; i++)
                if (ingot_starts_with(words->items[i], "panic="))
                        return 0;
        return ingot_buffer_printf(line, reterr, " panic=%d", PANIC_SECONDS);
}
