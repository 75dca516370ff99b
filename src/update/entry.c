/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Boot entries on the ESP, as they are. */
#include "update/entry.h"
#include "base/cleanup.h"
#include "format/uki.h"
#include "image/esp-open.h"
#include "measure/boot-chain.h"
#include "os/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_LINE_MAX ((size_t) 1 << 16)
#define EFI ".efi"

void ingot_boot_entries_done(struct ingot_boot_entries *e)
{
        for (size_t i = 0; i < e->count; i++) {
                free(e->items[i].file);
                free(e->items[i].version);
        }
        free(e->items);
        ingot_strings_done(&e->temporary);
        *e = (struct ingot_boot_entries){0};
}

bool ingot_root_hash_of_command_line(const char *text, uint8_t ret[INGOT_SHA256_SIZE])
{
        static const char key[] = "roothash=";
        uint8_t hash[INGOT_SHA256_SIZE];
        char hex[2 * INGOT_SHA256_SIZE + 1];
        bool found = false;
        for (const char *p = text; *p;) {
                size_t blanks = strspn(p, " \t\n"), n = strcspn(p + blanks, " \t\n");
                p += blanks;
                if (n >= sizeof(key) - 1 && strncmp(p, key, sizeof(key) - 1) == 0) {
                        size_t digits = n - (sizeof(key) - 1);
                        found = digits == sizeof(hex) - 1;
                        if (found) {
                                memcpy(hex, p + sizeof(key) - 1, digits);
                                hex[digits] = 0;
                                found = ingot_unhex(hash, sizeof(hash), hex);
                        }
                }
                p += n;
        }
        if (found)
                memcpy(ret, hash, sizeof(hash));
        return found;
}

/* A file that is no UKI has none. */
static void read_root_hash(const struct ingot_reader *r, struct ingot_boot_entry *e)
{
        _cleanup_uki_ struct ingot_uki uki = {0};
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        if (ingot_uki_read(r, &uki, NULL) < 0)
                return;
        const struct ingot_uki_section *s = ingot_uki_find(&uki, 0, INGOT_UKI_CMDLINE);
        if (!s || ingot_pe_section_read(r, &s->pe, COMMAND_LINE_MAX, &text, &size, NULL) < 0)
                return;
        _cleanup_free_ char *line = strndup((const char *) text, size);
        e->has_root_hash = line && ingot_root_hash_of_command_line(line, e->root_hash);
}

static int read_entry(const char *folder, const char *name, const struct ingot_transfers *transfers,
                      struct ingot_boot_entry *ret, ingot_error *reterr)
{
        struct ingot_name_fields fields = {0};
        _cleanup_free_ char *path = NULL;
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        int r = ingot_strdup(&ret->file, name, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s/%s", folder, name);
        if (r >= 0)
                r = ingot_file_open(&file, path, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&file);
        ret->size = file.size;
        read_root_hash(&reader, ret);
        r = ingot_transfer_match(&transfers->uki_patterns, name, &fields, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        ret->counted = ingot_name_has(&fields, INGOT_NAME_TRIES_LEFT);
        ret->left = fields.number[INGOT_NAME_TRIES_LEFT];
        ret->done = fields.number[INGOT_NAME_TRIES_DONE];
        return ingot_strdup(&ret->version, fields.version, reterr);
}

static int add_entry(struct ingot_boot_entries *list, const char *folder, const char *name,
                     const struct ingot_transfers *transfers, ingot_error *reterr)
{
        struct ingot_boot_entry *more = reallocarray(list->items, list->count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        list->items = more;
        more[list->count] = (struct ingot_boot_entry){0};
        return read_entry(folder, name, transfers, more + list->count++, reterr);
}

/* The one that the loader starts by itself; where it cannot be told, none is. */
static void mark_next(const char *esp, const char *chosen, struct ingot_boot_entries *list)
{
        _cleanup_esp_view_ struct ingot_esp_view view = INGOT_ESP_VIEW_NONE;
        _cleanup_boot_chain_ struct ingot_boot_chain chain = {0};
        _cleanup_strings_ struct ingot_strings notes = {0};
        if (ingot_esp_view_open(&view, esp, NULL) < 0)
                return;
        if (!chosen || ingot_boot_chain_find(view.tree, chosen, &chain, &notes, NULL) < 0)
                if (ingot_boot_chain_find(view.tree, NULL, &chain, &notes, NULL) < 0)
                        return;
        const char *slash = strrchr(chain.uki_path, '/');
        for (size_t i = 0; slash && i < list->count; i++)
                list->items[i].next = strcmp(list->items[i].file, slash + 1) == 0;
}

int ingot_boot_entries_find(const char *esp, const struct ingot_transfers *transfers,
                            const char *chosen, struct ingot_boot_entries *ret, ingot_error *reterr)
{
        _cleanup_(ingot_boot_entries_done) struct ingot_boot_entries list = {0};
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_free_ char *folder = NULL;
        int r = ingot_format(&folder, reterr, "%s/%s", esp, transfers->uki_folder);
        if (r >= 0 && !ingot_file_exists(esp))
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "there is no such folder");
        if (r >= 0 && ingot_file_exists(folder))
                r = ingot_list_files(folder, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                if (ingot_ends_with(names.items[i], EFI INGOT_ENTRY_TEMPORARY))
                        r = ingot_strings_add(&list.temporary, names.items[i], reterr);
                else if (ingot_ends_with(names.items[i], EFI))
                        r = add_entry(&list, folder, names.items[i], transfers, reterr);
        }
        if (r < 0)
                return r;
        mark_next(esp, chosen, &list);
        *ret = list;
        list = (struct ingot_boot_entries){0};
        return 0;
}

const struct ingot_boot_entry *ingot_boot_entry_of(const struct ingot_boot_entries *e,
                                                   const char *version, const uint8_t *root_hash)
{
        const struct ingot_boot_entry *found = NULL;
        for (size_t i = 0; i < e->count; i++) {
                const struct ingot_boot_entry *x = e->items + i;
                if (x->version && strcmp(x->version, version) == 0 &&
                    (!root_hash || (x->has_root_hash &&
                                    memcmp(x->root_hash, root_hash, INGOT_SHA256_SIZE) == 0)) &&
                    (!found || (ingot_boot_entry_bad(found) && !ingot_boot_entry_bad(x))))
                        found = x;
        }
        return found;
}

int ingot_boot_entry_name(const struct ingot_transfers *transfers, const char *version, char **ret,
                          ingot_error *reterr)
{
        struct ingot_name_fields fields = {0};
        int r = -1;
        ingot_name_set_version(&fields, version);
        if (transfers->tries_left > 0) {
                ingot_name_set_number(&fields, INGOT_NAME_TRIES_LEFT, transfers->tries_left);
                ingot_name_set_number(&fields, INGOT_NAME_TRIES_DONE, transfers->tries_done);
        }
        /* The first pattern that can be made: without counting, one that has no counters. */
        for (size_t i = 0; r < 0 && i < transfers->uki_patterns.count; i++)
                r = ingot_name_make(transfers->uki_patterns.items[i], &fields, ret, reterr);
        return r;
}

/* NAME.efi in front of its counters, if it has some. */
static size_t stem_size(const struct ingot_boot_entry *e)
{
        const char *plus = strrchr(e->file, '+');
        return e->counted && plus ? (size_t) (plus - e->file) : strlen(e->file) - strlen(EFI);
}

int ingot_boot_entry_bad_name(const struct ingot_boot_entry *e, char **ret, ingot_error *reterr)
{
        uint64_t done = e->counted ? e->left + e->done : 1;
        return ingot_format(ret, reterr, "%.*s+0-%" PRIu64 EFI, (int) stem_size(e), e->file,
                            done ? done : 1);
}

int ingot_boot_entry_good_name(const struct ingot_boot_entry *e, char **ret, ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%.*s" EFI, (int) stem_size(e), e->file);
}
