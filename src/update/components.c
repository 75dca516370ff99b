/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "update/components.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "os/root.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER ".pcrlock.d"
#define FILE_SUFFIX ".pcrlock"
#define SECURE_BOOT ".secure-boot"

static void cut(char *name, const char *suffix)
{
        if (ingot_ends_with(name, suffix))
                name[strlen(name) - strlen(suffix)] = 0;
}

/* "@1" at the end, of a profile. */
static void cut_profile(char *name)
{
        char *at = strrchr(name, '@');
        if (at && at[1] && at[1 + strspn(at + 1, "0123456789")] == 0)
                *at = 0;
}

bool ingot_update_component_own(const char *variant)
{
        return ingot_ends_with(variant, INGOT_UPDATE_COMPONENT_SUFFIX);
}

int ingot_update_component_version(const struct ingot_machine *m, const char *variant, char **ret,
                                   ingot_error *reterr)
{
        struct ingot_name_fields fields = {0};
        _cleanup_free_ char *name = NULL, *file = NULL;
        *ret = NULL;
        int r = ingot_strdup(&name, variant, reterr);
        if (r < 0)
                return r;
        cut(name, INGOT_UPDATE_COMPONENT_SUFFIX);
        cut(name, SECURE_BOOT);
        cut_profile(name);
        r = ingot_format(&file, reterr, "%s.efi", name);
        if (r >= 0)
                r = ingot_transfer_match(&m->transfers.uki_patterns, file, &fields, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        return ingot_strdup(ret, fields.version, reterr);
}

bool ingot_update_component_needed(const struct ingot_machine *m,
                                   const struct ingot_update_target *target, const char *version)
{
        if (m->version && strcmp(m->version, version) == 0)
                return true;
        for (size_t i = 0; i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (e->version && strcmp(e->version, version) == 0 &&
                    !(target && ingot_strings_contains(&target->remove, e->file)))
                        return true;
        }
        return false;
}

/* *ret: it goes. */
static int judge(const struct ingot_machine *m, const char *file, bool *ret, ingot_error *reterr)
{
        _cleanup_free_ char *variant = NULL, *version = NULL;
        *ret = false;
        if (!ingot_ends_with(file, INGOT_UPDATE_COMPONENT_SUFFIX FILE_SUFFIX))
                return 0;
        int r = ingot_strdup(&variant, file, reterr);
        if (r < 0)
                return r;
        cut(variant, FILE_SUFFIX);
        r = ingot_update_component_version(m, variant, &version, reterr);
        *ret = r >= 0 && version && !ingot_update_component_needed(m, NULL, version);
        return r;
}

static int sweep_folder(const struct ingot_machine *m, const char *name, struct ingot_strings *ret,
                        ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings files = {0};
        _cleanup_free_ char *folder = NULL;
        int r = ingot_format(&folder, reterr, INGOT_UPDATE_COMPONENTS "/%s", name);
        if (r >= 0)
                r = ingot_root_list(m->root_fd, folder, &files, reterr);
        for (size_t i = 0; r == 0 && i < files.count; i++) {
                _cleanup_free_ char *path = NULL, *said = NULL;
                bool goes;
                r = judge(m, files.items[i], &goes, reterr);
                if (r < 0 || !goes)
                        continue;
                r = ingot_format(&path, reterr, "%s%s/%s", m->root ? m->root : "", folder,
                                 files.items[i]);
                if (r >= 0)
                        r = ingot_file_remove(path, reterr);
                if (r >= 0)
                        r = ingot_format(&said, reterr, "%s/%s", name, files.items[i]);
                if (r >= 0 && ret)
                        r = ingot_strings_add(ret, said, reterr);
        }
        return r < 0 ? r : 0;
}

int ingot_update_components_sweep(const struct ingot_machine *m, struct ingot_strings *ret,
                                  ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_root_list(m->root_fd, INGOT_UPDATE_COMPONENTS, &names, reterr);
        for (size_t i = 0; r == 0 && i < names.count; i++)
                if (ingot_ends_with(names.items[i], FOLDER))
                        r = sweep_folder(m, names.items[i], ret, reterr);
        return r < 0 ? r : 0;
}
