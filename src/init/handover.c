/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stub's files: systemd-stub(7), "Companion Files"; systemd's tmpfiles.d/20-systemd-stub.conf
 * and the import of credentials by its service manager are what this stands in for. */
#include "init/handover.h"
#include "base/cleanup.h"
#include "init/credentials.h"
#include "init/message.h"
#include "os/file.h"

#include <fcntl.h>

/* systemd's limits: of one credential, and of all. */
#define CREDENTIAL_MAX (1024 * 1024)
#define CREDENTIALS_MAX (1024 * 1024)
#define SIGNATURE_MAX (1024 * 1024)
#define SUFFIX ".cred"

static int copy_file(const char *from, const char *to, size_t max, mode_t mode, size_t *ret_size,
                     ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        int r = ingot_file_read(AT_FDCWD, from, max, &data, ret_size, reterr);
        return r < 0 ? r : ingot_outfile_put(to, data, *ret_size, mode, reterr);
}

/* One credential; LEFT is how many bytes all may still have. 1 when it was taken. */
static int take_credential(const char *folder, const char *file, size_t *left, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL, *from = NULL, *to = NULL;
        size_t size, most = *left < CREDENTIAL_MAX ? *left : CREDENTIAL_MAX;
        int r = ingot_strdup(&name, file, reterr);
        if (r < 0)
                return r;
        name[strlen(name) - strlen(SUFFIX)] = 0;
        if (!init_credential_name_valid(name))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no name for a credential");
        r = ingot_format(&from, reterr, "%s/%s", folder, file);
        if (r >= 0)
                r = ingot_format(&to, reterr, INIT_CREDENTIALS "/%s", name);
        if (r < 0)
                return r;
        if (access(to, F_OK) == 0)
                return 0;
        r = ingot_make_directories(INIT_CREDENTIALS, 0700, reterr);
        if (r >= 0)
                r = copy_file(from, to, most, 0400, &size, reterr);
        if (r < 0)
                return r;
        *left -= size;
        return 1;
}

static bool take_folder(const char *folder, size_t *left)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        bool any = false;
        if (access(folder, F_OK) < 0 || ingot_list_directory(AT_FDCWD, folder, &names, NULL) < 0)
                return false;
        for (size_t i = 0; i < names.count; i++) {
                ingot_error error = {0};
                if (names.items[i][0] == '.' || !ingot_ends_with(names.items[i], SUFFIX))
                        continue;
                int r = take_credential(folder, names.items[i], left, &error);
                any |= r > 0;
                if (r < 0)
                        init_tell("credential %s is left out: %s", names.items[i], error.text);
        }
        return any;
}

static int take_signature(const char *name, ingot_error *reterr)
{
        _cleanup_free_ char *from = NULL, *to = NULL;
        size_t size;
        int r = ingot_format(&from, reterr, "/.extra/%s", name);
        if (r >= 0)
                r = ingot_format(&to, reterr, "/run/systemd/%s", name);
        if (r < 0 || access(from, F_OK) < 0)
                return r;
        r = ingot_make_directories("/run/systemd", 0755, reterr);
        return r < 0 ? r : copy_file(from, to, SIGNATURE_MAX, 0644, &size, reterr);
}

int init_hand_over(bool credentials, ingot_error *reterr)
{
        size_t left = CREDENTIALS_MAX;
        /* Its parent is open to all, whatever the mode of the folder below it. */
        int r = ingot_make_directories("/run/credentials", 0755, reterr);
        if (r < 0)
                return r;
        bool any = credentials && take_folder("/.extra/credentials", &left);
        any |= credentials && take_folder("/.extra/global_credentials", &left);
        r = take_signature("tpm2-pcr-signature.json", reterr);
        if (r >= 0)
                r = take_signature("tpm2-pcr-public-key.pem", reterr);
        return r < 0 ? r : any;
}
