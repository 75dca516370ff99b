/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading and writing the files that hold Secure Boot keys. */
#include "trust/secure-boot-files.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>

#define FILE_MAX (64u << 20) /* a program of which the digest is listed may be a UKI */

void ingot_secure_boot_store_done(struct ingot_secure_boot_store *s)
{
        free(s->file);
        ingot_edk2_variables_done(&s->variables);
        *s = (struct ingot_secure_boot_store){0};
}

int ingot_secure_boot_store_load(struct ingot_secure_boot_store *ret, const char *path,
                                 ingot_error *reterr)
{
        _cleanup_secure_boot_store_ struct ingot_secure_boot_store s = {0};
        int r = ingot_file_read(AT_FDCWD, path, INGOT_EDK2_FILE_MAX, &s.file, &s.size, reterr);
        if (r < 0)
                return r;
        r = ingot_edk2_variables_decode(INGOT_SPAN(s.file, s.size), &s.variables, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        *ret = s;
        s = (struct ingot_secure_boot_store){0};
        return 0;
}

int ingot_secure_boot_store_save(struct ingot_secure_boot_store *store,
                                 const struct ingot_secure_boot *set,
                                 const struct ingot_efi_time *time, const char *path,
                                 ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        int r = ingot_secure_boot_to_store(set, time, &store->variables, reterr);
        if (r >= 0)
                r = ingot_edk2_variables_encode(
                        &store->variables, INGOT_SPAN(store->file, store->size), &bytes, reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", path)
                     : ingot_outfile_put(path, bytes.data, bytes.size, 0644, reterr);
}

int ingot_secure_boot_add_file(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                               const char *path, const struct ingot_uuid *owner,
                               ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, FILE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        r = ingot_secure_boot_add(s, which, INGOT_SPAN(data, size), owner, reterr);
        return ingot_under(reterr, r, "%s", path);
}

int ingot_secure_boot_remove_file(struct ingot_secure_boot *s,
                                  enum ingot_secure_boot_variable which, const char *path,
                                  ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, FILE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        r = ingot_secure_boot_remove(s, which, INGOT_SPAN(data, size), reterr);
        return ingot_under(reterr, r, "%s", path);
}

int ingot_secure_boot_folder_load(struct ingot_secure_boot *s, const char *folder,
                                  ingot_error *reterr)
{
        size_t found = 0;
        for (size_t i = 0; i < INGOT_SECURE_BOOT_VARIABLES; i++) {
                _cleanup_free_ char *path = NULL;
                _cleanup_free_ uint8_t *data = NULL;
                ingot_error error = {0};
                size_t size;
                int r = ingot_format(&path, reterr, "%s/%s.auth", folder,
                                     ingot_secure_boot_facts[i].name);
                if (r < 0)
                        return r;
                r = ingot_file_read(AT_FDCWD, path, INGOT_EFI_SIGNATURES_MAX, &data, &size, &error);
                if (r == -INGOT_E_NOTFOUND || (r < 0 && error.os == ENOENT))
                        continue;
                if (r >= 0)
                        r = ingot_under(
                                &error,
                                ingot_secure_boot_from_auth(s, (enum ingot_secure_boot_variable) i,
                                                            INGOT_SPAN(data, size), &error),
                                "%s", path);
                if (r < 0) {
                        if (reterr)
                                *reterr = error;
                        return r;
                }
                found++;
        }
        return found == 0;
}

/* The bytes of NAME.auth. */
static int sign_one(const struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                    const struct ingot_secure_boot_signing *signing, struct ingot_buffer *ret,
                    ingot_error *reterr)
{
        const struct ingot_secure_boot_fact *fact = ingot_secure_boot_facts + which;
        const char *signer = ingot_secure_boot_facts[fact->signer].name;
        if (!signing->keys[fact->signer])
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "%s is signed by the key of %s, which is not there: name it with "
                                  "--%s-key",
                                  fact->name, signer,
                                  fact->signer == INGOT_SECURE_BOOT_PK ? "pk" : "kek");
        return ingot_secure_boot_sign(s, which, &signing->time, signing->keys[fact->signer],
                                      signing->signers, ret, reterr);
}

static int write_one(const char *folder, enum ingot_secure_boot_variable which,
                     const struct ingot_buffer *auth, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "%s/%s.auth", folder,
                             ingot_secure_boot_facts[which].name);
        return r < 0 ? r : ingot_outfile_put(path, auth->data, auth->size, 0644, reterr);
}

int ingot_secure_boot_folder_save(const struct ingot_secure_boot *s,
                                  const bool which[INGOT_SECURE_BOOT_VARIABLES],
                                  const struct ingot_secure_boot_signing *signing,
                                  const char *folder, ingot_error *reterr)
{
        struct ingot_buffer auths[INGOT_SECURE_BOOT_VARIABLES] = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < INGOT_SECURE_BOOT_VARIABLES; i++)
                if (which[i] && s->variables[i].list.count > 0)
                        r = sign_one(s, (enum ingot_secure_boot_variable) i, signing, auths + i,
                                     reterr);
        if (r >= 0)
                r = ingot_make_directories(folder, 0755, reterr);
        for (size_t i = 0; r >= 0 && i < INGOT_SECURE_BOOT_VARIABLES; i++)
                if (auths[i].size > 0)
                        r = write_one(folder, (enum ingot_secure_boot_variable) i, auths + i,
                                      reterr);
        for (size_t i = 0; i < INGOT_SECURE_BOOT_VARIABLES; i++)
                ingot_buffer_done(auths + i);
        return r;
}
