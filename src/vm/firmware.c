/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which firmware a machine gets. Descriptors are decoded from the JSON text by json-c. */
#include "vm/firmware.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "os/file.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void put_json(struct json_object **o)
{
        json_object_put(*o);
}

static void free_tokener(struct json_tokener **t)
{
        if (*t)
                json_tokener_free(*t);
}

void ingot_firmware_done(struct ingot_firmware *f)
{
        free(f->code);
        free(f->vars);
        ingot_strings_done(&f->machines);
        *f = (struct ingot_firmware){0};
}

/* The member as a string, or NULL when it is none. */
static const char *member_text(struct json_object *o, const char *key)
{
        struct json_object *value;
        if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &value))
                return NULL;
        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
        struct json_object *value;
        if (!json_object_is_type(o, json_type_object) ||
            !json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, type))
                return NULL;
        return value;
}

static bool list_has(struct json_object *list, const char *text)
{
        size_t n = list ? json_object_array_length(list) : 0;
        for (size_t i = 0; i < n; i++) {
                struct json_object *item = json_object_array_get_idx(list, i);
                if (json_object_is_type(item, json_type_string) &&
                    strcmp(json_object_get_string(item), text) == 0)
                        return true;
        }
        return false;
}

static int take_machines(struct json_object *targets, struct ingot_strings *ret,
                         ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < json_object_array_length(targets); i++) {
                struct json_object *target = json_object_array_get_idx(targets, i);
                const char *architecture = member_text(target, "architecture");
                struct json_object *machines = member(target, "machines", json_type_array);
                if (!architecture || strcmp(architecture, "x86_64") != 0 || !machines)
                        continue;
                for (size_t m = 0; r >= 0 && m < json_object_array_length(machines); m++) {
                        struct json_object *machine = json_object_array_get_idx(machines, m);
                        if (json_object_is_type(machine, json_type_string))
                                r = ingot_strings_add(ret, json_object_get_string(machine), reterr);
                }
        }
        return r;
}

/* Flash in two raw files: code that is shared, variables that are copied. */
static bool is_split_flash(struct json_object *mapping, const char **ret_code,
                           const char **ret_vars)
{
        const char *device = member_text(mapping, "device");
        const char *mode = member_text(mapping, "mode");
        struct json_object *code = member(mapping, "executable", json_type_object);
        struct json_object *vars = member(mapping, "nvram-template", json_type_object);
        const char *code_format = member_text(code, "format");
        const char *vars_format = member_text(vars, "format");
        *ret_code = member_text(code, "filename");
        *ret_vars = member_text(vars, "filename");
        return device && strcmp(device, "flash") == 0 && (!mode || strcmp(mode, "split") == 0) &&
               *ret_code && *ret_vars && code_format && strcmp(code_format, "raw") == 0 &&
               vars_format && strcmp(vars_format, "raw") == 0;
}

static int parse_json(struct ingot_span json, struct json_object **ret, ingot_error *reterr)
{
        if (json.size > INGOT_FIRMWARE_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a descriptor of %zu bytes", json.size);
        __attribute__((cleanup(free_tokener))) struct json_tokener *t = json_tokener_new_ex(16);
        if (!t)
                return ingot_fail_nomem(reterr);
        struct json_object *o =
                json_tokener_parse_ex(t, (const char *) json.data, (int) json.size);
        if (json_tokener_get_error(t) != json_tokener_success) {
                json_object_put(o);
                return ingot_fail(reterr, INGOT_E_FORMAT, "not JSON: %s",
                                  json_tokener_error_desc(json_tokener_get_error(t)));
        }
        *ret = o;
        return 0;
}

int ingot_firmware_decode(struct ingot_span json, struct ingot_firmware *ret, ingot_error *reterr)
{
        __attribute__((cleanup(put_json))) struct json_object *o = NULL;
        _cleanup_firmware_ struct ingot_firmware f = {0};
        const char *code, *vars;
        int r = parse_json(json, &o, reterr);
        if (r < 0)
                return r;
        struct json_object *interfaces = member(o, "interface-types", json_type_array);
        struct json_object *mapping = member(o, "mapping", json_type_object);
        struct json_object *targets = member(o, "targets", json_type_array);
        struct json_object *features = member(o, "features", json_type_array);
        if (!interfaces || !mapping || !targets || !features)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "no interface-types, mapping, targets or features");
        if (!list_has(interfaces, "uefi") || !is_split_flash(mapping, &code, &vars))
                return 1;
        f.secure_boot = list_has(features, "secure-boot");
        f.enrolled_keys = list_has(features, "enrolled-keys");
        f.requires_smm = list_has(features, "requires-smm");
        r = take_machines(targets, &f.machines, reterr);
        if (r >= 0)
                r = ingot_strdup(&f.code, code, reterr);
        if (r >= 0)
                r = ingot_strdup(&f.vars, vars, reterr);
        if (r < 0)
                return r;
        if (f.machines.count == 0)
                return 1;
        *ret = f;
        f = (struct ingot_firmware){0};
        return 0;
}

bool ingot_firmware_fits(const struct ingot_firmware *f, const char *machine, bool secure_boot)
{
        if (f->secure_boot != secure_boot || f->enrolled_keys)
                return false;
        for (size_t i = 0; i < f->machines.count; i++)
                if (fnmatch(f->machines.items[i], machine, 0) == 0)
                        return true;
        return false;
}

/* All names in all folders, once each, sorted. */
static int list_names(const char *const *folders, struct ingot_strings *ret, ingot_error *reterr)
{
        for (; *folders; folders++) {
                _cleanup_strings_ struct ingot_strings names = {0};
                ingot_error error = {0};
                if (ingot_list_directory(AT_FDCWD, *folders, &names, &error) < 0)
                        continue;
                for (size_t i = 0; i < names.count; i++) {
                        if (!ingot_ends_with(names.items[i], ".json") ||
                            ingot_strings_contains(ret, names.items[i]))
                                continue;
                        int r = ingot_strings_add(ret, names.items[i], reterr);
                        if (r < 0)
                                return r;
                }
        }
        ingot_strings_sort(ret);
        return 0;
}

/* 1: it offers nothing that fits. */
static int try_descriptor(const char *path, const char *machine, bool secure_boot,
                          struct ingot_firmware *ret, ingot_error *reterr)
{
        _cleanup_firmware_ struct ingot_firmware f = {0};
        _cleanup_free_ uint8_t *data = NULL;
        size_t size = 0;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_FIRMWARE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        if (size == 0)
                return 1;
        r = ingot_firmware_decode(INGOT_SPAN(data, size), &f, reterr);
        if (r != 0)
                return r < 0 ? ingot_under(reterr, r, "%s", path) : r;
        if (!ingot_firmware_fits(&f, machine, secure_boot) || access(f.code, R_OK) < 0 ||
            access(f.vars, R_OK) < 0)
                return 1;
        *ret = f;
        f = (struct ingot_firmware){0};
        return 0;
}

int ingot_firmware_find(const char *const *folders, const char *machine, bool secure_boot,
                        const struct ingot_log *log, struct ingot_firmware *ret,
                        ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = list_names(folders, &names, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < names.count; i++) {
                _cleanup_free_ char *path = NULL;
                ingot_error error = {0};
                for (const char *const *f = folders; *f; f++) {
                        free(path);
                        path = NULL;
                        r = ingot_format(&path, reterr, "%s/%s", *f, names.items[i]);
                        if (r < 0)
                                return r;
                        if (access(path, F_OK) == 0)
                                break;
                }
                r = try_descriptor(path, machine, secure_boot, ret, &error);
                if (r == 0)
                        return 0;
                if (r < 0)
                        ingot_warn(log, "firmware descriptor passed over: %s", error.text);
        }
        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no UEFI firmware for %s%s", machine,
                          secure_boot ? " with Secure Boot" : "");
}

/* Where no descriptor helps: Debian, Fedora, Arch, openSUSE. */
static const struct {
        bool secure_boot;
        const char *code, *vars;
} places[] = {
        {false, "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
        {true, "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
        {false, "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
        {true, "/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
        {false, "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
        {true, "/usr/share/edk2/x64/OVMF_CODE.secboot.4m.fd",
         "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
        {false, "/usr/share/qemu/ovmf-x86_64-4m-code.bin",
         "/usr/share/qemu/ovmf-x86_64-4m-vars.bin"},
        {true, "/usr/share/qemu/ovmf-x86_64-smm-code.bin",
         "/usr/share/qemu/ovmf-x86_64-smm-vars.bin"},
};

static int find_in_places(bool secure_boot, struct ingot_firmware *ret, ingot_error *reterr)
{
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                _cleanup_firmware_ struct ingot_firmware f = {.secure_boot = secure_boot,
                                                              .requires_smm = secure_boot};
                if (places[i].secure_boot != secure_boot || access(places[i].code, R_OK) < 0 ||
                    access(places[i].vars, R_OK) < 0)
                        continue;
                int r = ingot_strdup(&f.code, places[i].code, reterr);
                if (r >= 0)
                        r = ingot_strdup(&f.vars, places[i].vars, reterr);
                if (r < 0)
                        return r;
                *ret = f;
                f = (struct ingot_firmware){0};
                return 0;
        }
        return ingot_fail(reterr, INGOT_E_NOTFOUND,
                          "UEFI firmware for QEMU%s is missing: install the package ovmf",
                          secure_boot ? " with Secure Boot" : "");
}

int ingot_firmware_find_host(const char *machine, bool secure_boot, const struct ingot_log *log,
                             struct ingot_firmware *ret, ingot_error *reterr)
{
        const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
        _cleanup_free_ char *own = NULL;
        int r = config && *config == '/'
                        ? ingot_format(&own, reterr, "%s/qemu/firmware", config)
                        : ingot_format(&own, reterr, "%s/.config/qemu/firmware", home ? home : "");
        if (r < 0)
                return r;
        const char *const folders[] = {own, "/etc/qemu/firmware", "/usr/share/qemu/firmware", NULL};
        ingot_error error = {0};
        r = ingot_firmware_find(folders, machine, secure_boot, log, ret, &error);
        if (r == -INGOT_E_NOTFOUND)
                return find_in_places(secure_boot, ret, reterr);
        if (r < 0 && reterr)
                *reterr = error;
        return r;
}
