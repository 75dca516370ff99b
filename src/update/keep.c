/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rollback and cleaning. */
#include "update/keep.h"
#include "base/cleanup.h"
#include "image/esp.h"
#include "update/components.h"

#include <stdlib.h>
#include <string.h>

int ingot_update_bad_versions(const struct ingot_machine *m, struct ingot_strings *ret,
                              ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (e->version && ingot_boot_entry_bad(e) &&
                    !ingot_strings_contains(ret, e->version))
                        r = ingot_strings_add(ret, e->version, reterr);
        }
        return r;
}

/* ---- rollback ---- */

static const struct ingot_boot_entry *next_entry(const struct ingot_machine *m)
{
        for (size_t i = 0; i < m->entries.count; i++)
                if (m->entries.items[i].next)
                        return m->entries.items + i;
        return NULL;
}

static int choose_from(const struct ingot_machine *m, const char *from, char **ret,
                       ingot_error *reterr)
{
        const struct ingot_boot_entry *e = next_entry(m);
        if (from)
                return ingot_boot_entry_of(&m->entries, from, NULL)
                               ? ingot_strdup(ret, from, reterr)
                               : ingot_fail(reterr, INGOT_E_NOTFOUND,
                                            "version %s has no boot entry", from);
        if (!e || !e->version)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s would boot next, which is no version of %s: choose on the "
                                  "console, or with bootctl set-default",
                                  e ? e->file : "nothing", m->name);
        return ingot_strdup(ret, e->version, reterr);
}

/* The newest version but FROM that can be booted. */
static int choose_to(struct ingot_machine *m, const char *from, char **ret, ingot_error *reterr)
{
        const struct ingot_reader disk = ingot_file_reader(&m->disk);
        ingot_error why = {0};
        int r = 0;
        for (size_t i = 0; i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                const struct ingot_slot *s =
                        e->has_root_hash ? ingot_slots_by_hash(&m->slots, e->root_hash) : NULL;
                if (!e->version || strcmp(e->version, from) == 0 || ingot_boot_entry_bad(e) || !s)
                        continue;
                r = s->running ? 0 : ingot_slot_verify(s, &disk, &why);
                if (r >= 0)
                        return ingot_strdup(ret, e->version, reterr);
        }
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "there is no version to go back to: beside %s none is whole and has an "
                          "entry that is not bad%s%s",
                          from, why.code ? "; " : "", why.text);
}

static int spoil_entries(struct ingot_machine *m, struct ingot_steps *s, const char *version,
                         ingot_error *reterr)
{
        const char *folder = m->transfers.uki_folder;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                _cleanup_free_ char *name = NULL, *path = NULL, *to = NULL;
                if (!e->version || strcmp(e->version, version) != 0 || ingot_boot_entry_bad(e))
                        continue;
                r = ingot_boot_entry_bad_name(e, &name, reterr);
                if (r >= 0)
                        r = ingot_format(&path, reterr, "%s/%s", folder, e->file);
                if (r >= 0)
                        r = ingot_format(&to, reterr, "%s/%s", folder, name);
                if (r >= 0)
                        r = ingot_steps_rename(s, path, to, reterr);
        }
        return r < 0 ? r : ingot_steps_flush_esp(s, folder, reterr);
}

int ingot_update_rollback(struct ingot_machine *m, struct ingot_steps *s, const char *from,
                          char **ret_from, char **ret_to, ingot_error *reterr)
{
        _cleanup_free_ char *leave = NULL, *to = NULL;
        int r = choose_from(m, from, &leave, reterr);
        if (r >= 0)
                r = choose_to(m, leave, &to, reterr);
        if (r >= 0)
                r = spoil_entries(m, s, leave, reterr);
        if (r >= 0)
                r = ingot_machine_refresh(m, reterr);
        if (r < 0)
                return r;
        const struct ingot_boot_entry *e = next_entry(m);
        if (e && e->version && strcmp(e->version, leave) == 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s would still boot next: 'default' or 'preferred' in "
                                  "loader/loader.conf, or an EFI variable (bootctl set-default '') "
                                  "names it",
                                  e->file);
        *ret_from = TAKE_PTR(leave);
        *ret_to = TAKE_PTR(to);
        return 0;
}

/* ---- clean ---- */

static int clean_slots(struct ingot_machine *m, struct ingot_steps *s, struct ingot_strings *ret,
                       ingot_error *reterr)
{
        bool changed = false;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->slots.count; i++) {
                const struct ingot_slot *slot = m->slots.items + i;
                if (slot->state != INGOT_SLOT_BEGUN || slot->running)
                        continue;
                r = ingot_slot_clear(slot, &m->transfers, m->gpt, reterr);
                if (r >= 0)
                        r = ingot_strings_add(ret, slot->label, reterr);
                changed = true;
        }
        return r < 0 || !changed ? r : ingot_update_write_table(s, m->gpt, reterr);
}

static int clean_entries(struct ingot_machine *m, struct ingot_steps *s, struct ingot_strings *ret,
                         ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (e->version && !ingot_update_entry_held(m, e, NULL))
                        r = ingot_strings_add(&names, e->file, reterr);
        }
        for (size_t i = 0; r >= 0 && i < m->entries.temporary.count; i++)
                r = ingot_strings_add(&names, m->entries.temporary.items[i], reterr);
        if (r >= 0)
                r = ingot_update_remove_entries(s, m, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++)
                r = ingot_strings_add(ret, names.items[i], reterr);
        return r;
}

/* Is FILE, "NAME_VERSION.measurement.json" or a signature beside it, of a version that has an
 * entry, or of something else altogether? */
static bool is_wanted(const struct ingot_machine *m, const char *file)
{
        size_t n = strlen(m->name);
        const char *end = strstr(file, INGOT_MEASUREMENT_SUFFIX);
        if (!end || strncmp(file, m->name, n) != 0 || file[n] != '_' || file + n >= end)
                return true;
        _cleanup_free_ char *version = strndup(file + n + 1, (size_t) (end - file) - n - 1);
        return !ingot_ends_with(file, INGOT_ENTRY_TEMPORARY) &&
               (!version || ingot_boot_entry_of(&m->entries, version, NULL));
}

static int clean_measurements(struct ingot_machine *m, struct ingot_steps *s,
                              struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings files = {0};
        _cleanup_free_ char *folder = NULL;
        bool changed = false;
        int r = ingot_format(&folder, reterr, "%s/" INGOT_ESP_MEASUREMENTS, m->esp);
        if (r >= 0 && ingot_file_exists(folder))
                r = ingot_list_files(folder, &files, reterr);
        for (size_t i = 0; r >= 0 && i < files.count; i++) {
                _cleanup_free_ char *path = NULL;
                if (is_wanted(m, files.items[i]))
                        continue;
                r = ingot_format(&path, reterr, INGOT_ESP_MEASUREMENTS "/%s", files.items[i]);
                if (r >= 0)
                        r = ingot_steps_remove(s, path, reterr);
                if (r >= 0)
                        r = ingot_strings_add(ret, files.items[i], reterr);
                changed = true;
        }
        return r < 0 || !changed ? (r < 0 ? r : 0)
                                 : ingot_steps_flush_esp(s, INGOT_ESP_MEASUREMENTS, reterr);
}

int ingot_update_clean(struct ingot_machine *m, struct ingot_steps *s, struct ingot_strings *ret,
                       ingot_error *reterr)
{
        int r = clean_entries(m, s, ret, reterr);
        if (r >= 0)
                r = clean_slots(m, s, ret, reterr);
        if (r >= 0)
                r = ingot_machine_refresh(m, reterr);
        if (r >= 0)
                r = clean_measurements(m, s, ret, reterr);
        return r < 0 ? r : ingot_update_components_sweep(m, ret, reterr);
}
