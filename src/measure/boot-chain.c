/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/boot-chain.h"
#include "base/cleanup.h"
#include "base/glob.h"
#include "format/uki.h"
#include "format/version.h"
#include "format/os-release.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONFIG_SIZE_MAX ((size_t) 1 << 20)
#define RELEASE_SIZE_MAX ((size_t) 1 << 20)
#define ENTRIES_MAX 4096

void ingot_boot_chain_done(struct ingot_boot_chain *chain)
{
        free(chain->loader_path);
        free(chain->uki_path);
        free(chain->extra_path);
        *chain = (struct ingot_boot_chain){0};
}

/* A component of a path without regard to case; of several that differ in case, an exact one. */
static const struct ingot_entry *entry_of(const struct ingot_inode *folder, const char *name,
                                          size_t size)
{
        const struct ingot_entry *found = NULL;
        for (size_t i = 0; i < folder->entry_count; i++) {
                const struct ingot_entry *e = folder->entries + i;
                if (strlen(e->name) != size || strncasecmp(e->name, name, size) != 0)
                        continue;
                if (!found || strncmp(e->name, name, size) == 0)
                        found = e;
        }
        return found;
}

/* NULL when there is none of that TYPE. RET_PATH, which may be NULL, gets the names as they are. */
static const struct ingot_inode *look(const struct ingot_tree *esp, const char *path,
                                      enum ingot_file_type type, struct ingot_buffer *ret_path,
                                      ingot_error *reterr)
{
        const struct ingot_inode *at = esp->root;
        while (at && *path) {
                size_t n = strcspn(path, "/");
                const struct ingot_entry *e =
                        at->type == INGOT_FILE_DIRECTORY && n > 0 ? entry_of(at, path, n) : NULL;
                at = e ? e->inode : NULL;
                if (e && ret_path &&
                    ingot_buffer_printf(ret_path, reterr, "%s%s", ret_path->size ? "/" : "",
                                        e->name) < 0)
                        return NULL;
                path += n;
                path += strspn(path, "/");
        }
        return at && at->type == type ? at : NULL;
}

static const struct ingot_inode *folder(const struct ingot_tree *esp, const char *path)
{
        return look(esp, path, INGOT_FILE_DIRECTORY, NULL, NULL);
}

void ingot_boot_chain_strip_counters(char *path)
{
        char *plus = strchr(path, '+');
        if (!plus)
                return;
        char *tail = plus + 1;
        size_t n = strspn(tail, "0123456789");
        if (n == 0)
                return;
        tail += n;
        if (*tail == '-') {
                n = strspn(++tail, "0123456789");
                if (n == 0)
                        return;
                tail += n;
        }
        if (*tail == 0 || *tail == '.')
                memmove(plus, tail, strlen(tail) + 1);
}

/* A UKI as systemd-boot lists it. */
struct entry {
        const struct ingot_entry *file;
        char *id; /* the name without counters, in lower case */
        char *sort_key, *version;
        int64_t left, done; /* -1: none */
};

static void entry_done(struct entry *e)
{
        free(e->id);
        free(e->sort_key);
        free(e->version);
}

struct entries {
        struct entry *items;
        size_t count;
};

static void entries_done(struct entries *list)
{
        for (size_t i = 0; i < list->count; i++)
                entry_done(list->items + i);
        free(list->items);
}

static int compare_numbers(int64_t a, int64_t b)
{
        return (a > b) - (a < b);
}

/* UAPI.1 "Sorting", and what systemd-boot does where it says nothing. */
static int compare_entries(const void *x, const void *y)
{
        const struct entry *a = x, *b = y;
        int d = (a->left == 0) - (b->left == 0);
        if (d == 0)
                d = strcmp(a->sort_key, b->sort_key);
        if (d == 0)
                d = -ingot_version_compare(a->version, b->version);
        if (d == 0)
                d = -ingot_version_compare(a->id, b->id);
        if (d == 0 && a->left >= 0 && b->left >= 0)
                d = -compare_numbers(a->left, b->left);
        if (d == 0)
                d = compare_numbers(a->done, b->done);
        return d != 0 ? d : strcmp(a->file->name, b->file->name);
}

static void read_counters(struct entry *e)
{
        const char *plus = strchr(e->file->name, '+');
        char *end;
        e->left = e->done = -1;
        if (!plus || plus[1] < '0' || plus[1] > '9' ||
            strlen(e->id) == strlen(e->file->name)) /* it was none */
                return;
        e->left = (int64_t) strtoul(plus + 1, &end, 10);
        e->done = *end == '-' ? (int64_t) strtoul(end + 1, NULL, 10) : 0;
}

static int first_field(struct ingot_span text, const char *const *keys, char **ret,
                       ingot_error *reterr)
{
        int r = 0;
        for (*ret = NULL; r >= 0 && !*ret && *keys; keys++)
                r = ingot_os_release_field(text, *keys, ret, reterr);
        return r < 0 || *ret ? r : ingot_strdup(ret, "", reterr);
}

/* 1: no UKI that systemd-boot lists. */
static int read_entry(const struct ingot_entry *file, struct entry *ret, ingot_error *reterr)
{
        static const char *const keys[] = {"IMAGE_ID", "ID", NULL};
        static const char *const versions[] = {"IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID",
                                               NULL};
        _cleanup_uki_ struct ingot_uki uki = {0};
        _cleanup_free_ uint8_t *release = NULL;
        size_t size;
        if (ingot_uki_read(&file->inode->content, &uki, NULL) < 0)
                return 1;
        const struct ingot_uki_section *s = ingot_uki_find(&uki, 0, INGOT_UKI_OSREL);
        if (!ingot_uki_is_uki(&uki) || !s ||
            ingot_pe_section_read(&file->inode->content, &s->pe, RELEASE_SIZE_MAX, &release, &size,
                                  NULL) < 0)
                return 1;
        int r = ingot_strdup(&ret->id, file->name, reterr);
        if (r < 0)
                return r;
        ingot_boot_chain_strip_counters(ret->id);
        ret->file = file;
        read_counters(ret);
        for (char *c = ret->id; *c; c++)
                *c = *c >= 'A' && *c <= 'Z' ? (char) (*c - 'A' + 'a') : *c;
        r = first_field(INGOT_SPAN(release, size), keys, &ret->sort_key, reterr);
        return r < 0 ? r : first_field(INGOT_SPAN(release, size), versions, &ret->version, reterr);
}

static bool has_suffix(const char *name, const char *suffix)
{
        size_t n = strlen(name), m = strlen(suffix);
        return n >= m && strcasecmp(name + n - m, suffix) == 0;
}

static int list_entries(const struct ingot_inode *linux_folder, struct entries *ret,
                        struct ingot_strings *notes, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < linux_folder->entry_count; i++) {
                const struct ingot_entry *file = linux_folder->entries + i;
                struct entry e = {0};
                if (file->inode->type != INGOT_FILE_REGULAR || *file->name == '.' ||
                    !has_suffix(file->name, ".efi"))
                        continue;
                struct entry *more =
                        ret->count == ENTRIES_MAX
                                ? NULL
                                : reallocarray(ret->items, ret->count + 1, sizeof(*more));
                if (!more)
                        return ret->count == ENTRIES_MAX
                                       ? ingot_fail(reterr, INGOT_E_LIMIT, "more than %d UKIs",
                                                    ENTRIES_MAX)
                                       : ingot_fail_nomem(reterr);
                ret->items = more;
                r = read_entry(file, &e, reterr);
                if (r == 0)
                        ret->items[ret->count++] = e;
                else
                        entry_done(&e);
                _cleanup_free_ char *note = NULL;
                if (r == 1)
                        r = ingot_format(&note, reterr,
                                         "EFI/Linux/%s is no UKI that can be started: left out",
                                         file->name);
                if (r >= 0 && note)
                        r = ingot_strings_add(notes, note, reterr);
        }
        return r < 0 ? r : 0;
}

/* The value of the last line "KEY VALUE" of loader.conf. */
static int config_value(const struct ingot_inode *config, const char *key, char **ret,
                        ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        char *rest = NULL;
        *ret = NULL;
        if (!config || config->content.size > CONFIG_SIZE_MAX)
                return 0;
        int r = ingot_inode_read(config, CONFIG_SIZE_MAX, &text, &size, reterr);
        for (char *line = r < 0 ? NULL : strtok_r((char *) text, "\r\n", &rest); r >= 0 && line;
             line = strtok_r(NULL, "\r\n", &rest)) {
                line += strspn(line, " \t");
                size_t n = strcspn(line, " \t");
                if (n != strlen(key) || strncmp(line, key, n) != 0)
                        continue;
                line += n + strspn(line + n, " \t");
                free(*ret);
                *ret = NULL;
                r = ingot_strdup(ret, line, reterr);
                for (size_t k = *ret ? strlen(*ret) : 0; k > 0 && strchr(" \t", (*ret)[k - 1]); k--)
                        (*ret)[k - 1] = 0;
        }
        return r;
}

/* The first that the patterns of loader.conf name, else the first. */
static int choose(const struct entries *list, const struct ingot_inode *config,
                  const struct entry **ret, ingot_error *reterr)
{
        static const char *const keys[] = {"preferred", "default"};
        int r = 0;
        *ret = list->items;
        for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
                _cleanup_free_ char *pattern = NULL;
                r = config_value(config, keys[k], &pattern, reterr);
                if (r < 0)
                        return r;
                for (char *c = pattern; c && *c; c++)
                        *c = *c >= 'A' && *c <= 'Z' ? (char) (*c - 'A' + 'a') : *c;
                for (size_t i = 0; pattern && i < list->count; i++)
                        if (ingot_glob_match(pattern, list->items[i].id)) {
                                *ret = list->items + i;
                                return 0;
                        }
        }
        return 0;
}

static int note_choice(const struct ingot_tree *esp, const struct entries *list,
                       const struct entry *chosen, struct ingot_strings *notes, ingot_error *reterr)
{
        _cleanup_free_ char *note = NULL;
        const struct ingot_inode *others = folder(esp, "loader/entries");
        int r = 0;
        if (list->count > 1)
                r = ingot_format(&note, reterr,
                                 "of %zu UKIs %s is the one that systemd-boot starts by itself; an "
                                 "EFI variable or a person may choose another",
                                 list->count, chosen->file->name);
        if (r >= 0 && note)
                r = ingot_strings_add(notes, note, reterr);
        for (size_t i = 0; r >= 0 && others && i < others->entry_count; i++)
                if (has_suffix(others->entries[i].name, ".conf"))
                        return ingot_strings_add(notes,
                                                 "loader/entries has entries of type 1, which may "
                                                 "be started instead",
                                                 reterr);
        return r;
}

static int choose_uki(const struct ingot_tree *esp, struct ingot_boot_chain *chain,
                      struct ingot_strings *notes, ingot_error *reterr)
{
        _cleanup_(entries_done) struct entries list = {0};
        const struct ingot_inode *linux_folder = folder(esp, "EFI/Linux");
        const struct entry *chosen;
        int r = linux_folder ? list_entries(linux_folder, &list, notes, reterr) : 0;
        if (r < 0)
                return r;
        if (list.count == 0)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no UKI in EFI/Linux");
        qsort(list.items, list.count, sizeof(*list.items), compare_entries);
        r = choose(&list, chain->config, &chosen, reterr);
        if (r >= 0)
                r = note_choice(esp, &list, chosen, notes, reterr);
        if (r >= 0)
                r = ingot_format(&chain->uki_path, reterr, "EFI/Linux/%s", chosen->file->name);
        if (r >= 0)
                chain->uki = chosen->file->inode;
        return r;
}

/* By path, or by the name of a file of EFI/Linux, with or without counters. */
static int named_uki(const struct ingot_tree *esp, const char *name, struct ingot_boot_chain *chain,
                     ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer path = {0};
        const struct ingot_inode *linux_folder = folder(esp, "EFI/Linux");
        chain->uki = look(esp, name, INGOT_FILE_REGULAR, &path, reterr);
        if (chain->uki)
                return ingot_strdup(&chain->uki_path, (const char *) path.data, reterr);
        for (size_t i = 0; linux_folder && i < linux_folder->entry_count; i++) {
                const struct ingot_entry *e = linux_folder->entries + i;
                _cleanup_free_ char *plain = NULL;
                int r = ingot_strdup(&plain, e->name, reterr);
                if (r < 0)
                        return r;
                ingot_boot_chain_strip_counters(plain);
                if (e->inode->type != INGOT_FILE_REGULAR ||
                    (strcasecmp(e->name, name) != 0 && strcasecmp(plain, name) != 0))
                        continue;
                chain->uki = e->inode;
                return ingot_format(&chain->uki_path, reterr, "EFI/Linux/%s", e->name);
        }
        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no UKI %s", name);
}

static int find_loader(const struct ingot_tree *esp, struct ingot_boot_chain *chain,
                       ingot_error *reterr)
{
        static const char *const paths[] = {"EFI/BOOT/BOOTX64.EFI",
                                            "EFI/BOOT/BOOTAA64.EFI",
                                            "EFI/BOOT/BOOTIA32.EFI",
                                            "EFI/systemd/systemd-bootx64.efi",
                                            "EFI/systemd/systemd-bootaa64.efi",
                                            "EFI/systemd/systemd-bootia32.efi"};
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                _cleanup_buffer_ struct ingot_buffer path = {0};
                chain->loader = look(esp, paths[i], INGOT_FILE_REGULAR, &path, reterr);
                if (chain->loader)
                        return ingot_strdup(&chain->loader_path, (const char *) path.data, reterr);
        }
        return 0;
}

/* Firmware may start a UKI as its loader. */
static void start_without_loader(struct ingot_boot_chain *chain)
{
        _cleanup_uki_ struct ingot_uki uki = {0};
        if (chain->loader && ingot_uki_read(&chain->loader->content, &uki, NULL) >= 0 &&
            ingot_uki_is_uki(&uki)) {
                chain->uki = chain->loader;
                chain->uki_path = chain->loader_path;
                chain->loader = NULL;
                chain->loader_path = NULL;
        }
}

static int find_extra(const struct ingot_tree *esp, struct ingot_boot_chain *chain,
                      ingot_error *reterr)
{
        _cleanup_free_ char *plain = NULL, *wanted = NULL;
        _cleanup_buffer_ struct ingot_buffer path = {0};
        int r = ingot_strdup(&plain, chain->uki_path, reterr);
        if (r < 0)
                return r;
        ingot_boot_chain_strip_counters(plain);
        r = ingot_format(&wanted, reterr, "%s.extra.d", plain);
        if (r < 0)
                return r;
        chain->extra = look(esp, wanted, INGOT_FILE_DIRECTORY, &path, reterr);
        return ingot_strdup(&chain->extra_path, chain->extra ? (const char *) path.data : wanted,
                            reterr);
}

int ingot_boot_chain_find(const struct ingot_tree *esp, const char *uki,
                          struct ingot_boot_chain *ret, struct ingot_strings *notes,
                          ingot_error *reterr)
{
        _cleanup_boot_chain_ struct ingot_boot_chain chain = {
                .config = look(esp, "loader/loader.conf", INGOT_FILE_REGULAR, NULL, NULL),
                .addons = folder(esp, "loader/addons"),
                .credentials = folder(esp, "loader/credentials"),
                .extensions = folder(esp, "loader/extensions"),
        };
        int r = find_loader(esp, &chain, reterr);
        if (r >= 0 && !uki)
                start_without_loader(&chain);
        if (r >= 0 && !chain.uki)
                r = uki ? named_uki(esp, uki, &chain, reterr)
                        : choose_uki(esp, &chain, notes, reterr);
        if (r >= 0)
                r = find_extra(esp, &chain, reterr);
        if (r < 0)
                return r;
        *ret = chain;
        chain = (struct ingot_boot_chain){0};
        return 0;
}
