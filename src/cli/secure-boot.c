/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading and writing Secure Boot keys as the options say. */
#include "cli/secure-boot.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <fcntl.h>
#include <string.h>

enum { KEY_MAX = 65536 };

static int esp_folder(const struct secure_boot_options *o, char **ret, ingot_error *reterr)
{
        const char *name = o->name ? o->name : "auto";
        if (!*name || strchr(name, '/') || name[0] == '.')
                return ingot_fail(reterr, INGOT_E_USAGE, "'%s' is no name of keys", name);
        return ingot_format(ret, reterr, "%s/loader/keys/%s", o->esp, name);
}

int secure_boot_load_old(const struct secure_boot_options *o,
                         const struct ingot_secure_boot_store *store, struct ingot_secure_boot *ret,
                         ingot_error *reterr)
{
        _cleanup_free_ char *folder = NULL;
        if (store->size > 0) {
                int r = ingot_secure_boot_from_store(ret, &store->variables, reterr);
                if (r < 0 || o->vars || !o->esp)
                        return ingot_under(reterr, r, "%s", o->vars ? o->vars : "firmware");
        }
        if (!o->esp)
                return 0;
        int r = esp_folder(o, &folder, reterr);
        if (r >= 0)
                r = ingot_secure_boot_folder_load(ret, folder, reterr);
        return r < 0 ? r : 0;
}

int secure_boot_add_options(struct ingot_secure_boot *s, const struct secure_boot_options *o,
                            const struct ingot_uuid *owner, ingot_error *reterr)
{
        const struct {
                const struct ingot_strings *files;
                enum ingot_secure_boot_variable which;
        } all[] = {{&o->kek, INGOT_SECURE_BOOT_KEK},
                   {&o->db, INGOT_SECURE_BOOT_DB},
                   {&o->dbx, INGOT_SECURE_BOOT_DBX}};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(all); i++)
                for (size_t k = 0; r >= 0 && k < all[i].files->count; k++)
                        r = ingot_secure_boot_add_file(s, all[i].which, all[i].files->items[k],
                                                       owner, reterr);
        return r;
}

/* NAME.key beside NAME.crt. 1: there is no such file. */
static int key_beside(const char *certificate, const struct ingot_key_ask *asker,
                      struct ingot_key **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *pem = NULL;
        size_t size;
        const char *dot = certificate ? strrchr(certificate, '.') : NULL;
        if (!dot || strchr(dot, '/'))
                return 1;
        int r = ingot_format(&path, reterr, "%.*s.key", (int) (dot - certificate), certificate);
        if (r < 0)
                return r;
        r = ingot_file_read(AT_FDCWD, path, KEY_MAX, &pem, &size, reterr);
        if (r < 0)
                return r == -INGOT_E_NOTFOUND ? 1 : r;
        r = ingot_key_decode(ret, INGOT_SPAN(pem, size), path, asker, reterr);
        explicit_bzero(pem, size);
        return r;
}

static int open_key(const char *named, const char *certificate, const struct ingot_key_ask *asker,
                    struct ingot_key **ret, ingot_error *reterr)
{
        int r = named ? ingot_key_open(ret, named, asker, reterr)
                      : key_beside(certificate, asker, ret, reterr);
        return r < 0 ? r : 0;
}

static int write_updates(const struct secure_boot_job *job, const struct ingot_efi_time *time,
                         ingot_error *reterr)
{
        const struct secure_boot_options *o = job->options;
        _cleanup_key_ struct ingot_key *pk = NULL, *kek = NULL;
        _cleanup_free_ char *folder = NULL;
        const struct ingot_key_ask asker = passphrase_from(o->passphrase_file);
        int r = open_key(o->pk_key, job->pk_certificate, &asker, &pk, reterr);
        if (r >= 0)
                r = open_key(o->kek_key, job->kek_certificate, &asker, &kek, reterr);
        if (r < 0)
                return r;
        const struct ingot_secure_boot_signing signing = {
                .keys = {[INGOT_SECURE_BOOT_PK] = pk, [INGOT_SECURE_BOOT_KEK] = kek},
                .signers = job->signers,
                .time = *time,
        };
        if (o->auth)
                r = ingot_secure_boot_folder_save(job->new, job->which, &signing, o->auth, reterr);
        if (r >= 0 && o->esp)
                r = esp_folder(o, &folder, reterr);
        if (r >= 0 && o->esp)
                r = ingot_secure_boot_folder_save(job->new, job->which, &signing, folder, reterr);
        return r;
}

/* The time that the user gave has to be later than what is replaced, or no firmware takes it. */
static int choose_time(const struct secure_boot_job *job, struct ingot_efi_time *ret,
                       ingot_error *reterr)
{
        uint64_t given = job->options->timestamp;
        if (!given)
                return ingot_secure_boot_time(job->new, job->old, ret, reterr);
        for (size_t i = 0; i < INGOT_SECURE_BOOT_VARIABLES; i++)
                if (job->which[i] && given <= ingot_efi_time_to_unix(&job->old->variables[i].time))
                        return ingot_fail(reterr, INGOT_E_USAGE,
                                          "--timestamp is not later than that of %s, and firmware "
                                          "would not take it",
                                          ingot_secure_boot_facts[i].name);
        if (!ingot_efi_time_from_unix(given, ret))
                return ingot_fail(reterr, INGOT_E_USAGE, "--timestamp is after the year 9999");
        return 0;
}

int secure_boot_write(const struct secure_boot_job *job, ingot_error *reterr)
{
        const struct secure_boot_options *o = job->options;
        struct ingot_efi_time time;
        int r = choose_time(job, &time, reterr);
        if (r >= 0 && (o->esp || o->auth))
                r = write_updates(job, &time, reterr);
        if (r >= 0 && o->output)
                r = ingot_secure_boot_store_save(job->store, job->new, &time, o->output, reterr);
        return r;
}
