/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/measurement-file.h"
#include "base/cleanup.h"
#include "image/esp.h"
#include "measure/measurement.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void ingot_measurement_file_done(struct ingot_measurement_file *f)
{
        for (size_t i = 0; i < f->signature_count; i++) {
                free((void *) f->signatures[i].name);
                free((void *) f->signatures[i].content.data);
        }
        free(f->signatures);
        free(f->where);
        ingot_buffer_done(&f->text);
        *f = (struct ingot_measurement_file){0};
}

bool ingot_is_signature_name(const char *name, const char *of, bool *ret_openpgp)
{
        static const struct {
                const char *suffix;
                bool openpgp;
        } forms[] = {{".p7s", false}, {".gpg", true}, {".asc", true}};
        size_t n = strlen(of);
        if (strncmp(name, of, n) != 0 || name[n] != '.')
                return false;
        const char *rest = name + n;
        size_t digits = strspn(rest + 1, "0123456789");
        if (digits > 0 && rest[digits + 1] == '.')
                rest += digits + 1;
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
                if (strcmp(rest, forms[i].suffix) == 0) {
                        *ret_openpgp = forms[i].openpgp;
                        return true;
                }
        return false;
}

/* Takes over DATA. */
static int add_signature(struct ingot_measurement_file *f, const char *name, uint8_t *data,
                         size_t size, ingot_error *reterr)
{
        struct ingot_signature_file *more =
                reallocarray(f->signatures, f->signature_count + 1, sizeof(*more));
        char *copy = more ? strdup(name) : NULL;
        if (more)
                f->signatures = more;
        if (!copy) {
                free(data);
                return ingot_fail_nomem(reterr);
        }
        f->signatures[f->signature_count++] =
                (struct ingot_signature_file){.name = copy, .content = INGOT_SPAN(data, size)};
        return 0;
}

static int read_signatures_beside(const char *path, struct ingot_measurement_file *f,
                                  ingot_error *reterr)
{
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_free_ char *folder = NULL;
        bool openpgp;
        int r = ingot_format(&folder, reterr, "%.*s.", (int) (name - path), path);
        if (r >= 0)
                r = ingot_list_files(folder, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *file = NULL;
                uint8_t *data;
                size_t size;
                if (!ingot_is_signature_name(names.items[i], name, &openpgp))
                        continue;
                r = ingot_format(&file, reterr, "%s/%s", folder, names.items[i]);
                if (r >= 0)
                        r = ingot_file_read(AT_FDCWD, file, INGOT_SIGNATURE_SIZE_MAX, &data, &size,
                                            reterr);
                if (r >= 0)
                        r = add_signature(f, names.items[i], data, size, reterr);
        }
        return r < 0 ? r : 0;
}

int ingot_measurement_file_read(const char *path, struct ingot_measurement_file *ret,
                                ingot_error *reterr)
{
        _cleanup_measurement_file_ struct ingot_measurement_file f = {0};
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_MEASUREMENT_SIZE_MAX, &bytes, &size, reterr);
        if (r >= 0)
                r = ingot_buffer_append(&f.text, bytes, size, reterr);
        if (r >= 0)
                r = ingot_strdup(&f.where, path, reterr);
        if (r >= 0)
                r = read_signatures_beside(path, &f, reterr);
        if (r < 0)
                return r;
        *ret = f;
        f = (struct ingot_measurement_file){0};
        return 0;
}

/* A file of the folder, or NULL. */
static const struct ingot_inode *find_file(const struct ingot_inode *folder, const char *name)
{
        const struct ingot_entry *e = ingot_tree_entry(folder, name);
        return e && e->inode->type == INGOT_FILE_REGULAR ? e->inode : NULL;
}

static const struct ingot_inode *find_folder(const struct ingot_tree *esp)
{
        const struct ingot_inode *folder = ingot_tree_lookup(esp, INGOT_ESP_MEASUREMENTS);
        return folder && folder->type == INGOT_FILE_DIRECTORY ? folder : NULL;
}

static int read_signatures_of(const struct ingot_inode *folder, const char *name,
                              struct ingot_measurement_file *f, ingot_error *reterr)
{
        int r = 0;
        bool openpgp;
        for (size_t i = 0; r >= 0 && i < folder->entry_count; i++) {
                const char *other = folder->entries[i].name;
                const struct ingot_inode *file = find_file(folder, other);
                uint8_t *data;
                size_t size;
                if (!file || !ingot_is_signature_name(other, name, &openpgp))
                        continue;
                r = ingot_inode_read(file, INGOT_SIGNATURE_SIZE_MAX, &data, &size, reterr);
                if (r >= 0)
                        r = add_signature(f, other, data, size, reterr);
        }
        return r;
}

int ingot_measurement_file_of_esp(const struct ingot_tree *esp, const char *name,
                                  struct ingot_measurement_file *ret, ingot_error *reterr)
{
        _cleanup_measurement_file_ struct ingot_measurement_file f = {0};
        _cleanup_free_ uint8_t *bytes = NULL;
        const struct ingot_inode *folder = find_folder(esp),
                                 *file = folder ? find_file(folder, name) : NULL;
        size_t size;
        if (!file)
                return 1;
        int r = ingot_format(&f.where, reterr, INGOT_ESP_MEASUREMENTS "/%s on the ESP", name);
        if (r >= 0)
                r = ingot_inode_read(file, INGOT_MEASUREMENT_SIZE_MAX, &bytes, &size, reterr);
        if (r >= 0)
                r = ingot_buffer_append(&f.text, bytes, size, reterr);
        if (r >= 0)
                r = read_signatures_of(folder, name, &f, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", name);
        *ret = f;
        f = (struct ingot_measurement_file){0};
        return 0;
}

int ingot_measurement_file_names(const struct ingot_tree *esp, struct ingot_strings *ret,
                                 ingot_error *reterr)
{
        const struct ingot_inode *folder = find_folder(esp);
        int r = 0;
        for (size_t i = 0; r >= 0 && folder && i < folder->entry_count; i++) {
                const char *name = folder->entries[i].name;
                if (find_file(folder, name) && ingot_ends_with(name, INGOT_MEASUREMENT_SUFFIX))
                        r = ingot_strings_add(ret, name, reterr);
        }
        ingot_strings_sort(ret);
        return r;
}

/* Of those that hold. */
static int first_signer(const struct ingot_verdict *v, char **ret, ingot_error *reterr)
{
        for (size_t i = 0; i < v->count; i++) {
                const struct ingot_judgement *j = v->items + i;
                if (!j->reason)
                        return ingot_strdup(ret, j->signer ? j->signer : j->key, reterr);
        }
        return ingot_fail(reterr, INGOT_E_INTERNAL, "a signature holds, and is by nobody");
}

int ingot_measurement_file_check(const struct ingot_measurement_file *f,
                                 const struct ingot_signature_request *q, char **ret_by,
                                 ingot_error *reterr)
{
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        struct ingot_span text = ingot_buffer_span(&f->text);
        const struct ingot_reader content = ingot_reader_of_span(&text);
        struct ingot_signature_request request = *q;
        request.content = &content;
        request.undated = true;
        if (f->signature_count == 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s is not signed: no .p7s or .gpg stands beside it", f->where);
        int r = ingot_signature_verify(&request, f->signatures, f->signature_count, &verdict,
                                       reterr);
        if (r == 1)
                r = ingot_verdict_error(&verdict, reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", f->where)
                     : first_signer(&verdict, ret_by, reterr);
}
