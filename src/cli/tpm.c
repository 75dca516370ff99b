/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/tpm.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>

const char *tpm_where(const char *given)
{
        const char *set = given ? given : getenv("SYSTEMD_TPM2_DEVICE");
        return set && *set ? set : NULL;
}

int tpm_read_policy(const char *path, struct ingot_pcrlock_policy *ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_PCRLOCK_POLICY_SIZE_MAX, &text, &size,
                                reterr);
        return r < 0 ? r
                     : ingot_under(reterr,
                                   ingot_pcrlock_policy_decode(INGOT_SPAN(text, size), ret, reterr),
                                   "%s", path);
}

int tpm_read_signatures(const char *path, struct ingot_pcrsig *ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_PCRSIG_SIZE_MAX, &text, &size, reterr);
        return r < 0 ? r
                     : ingot_under(reterr, ingot_pcrsig_decode(INGOT_SPAN(text, size), ret, reterr),
                                   "%s", path);
}

int tpm_parse_bank(const char *name, enum ingot_bank *ret, ingot_error *reterr)
{
        *ret = INGOT_BANK_SHA256;
        if (!name || ingot_bank_parse(name, ret))
                return 0;
        return ingot_fail(reterr, INGOT_E_USAGE,
                          "\"%s\" is no bank: there are sha1, sha256, sha384, sha512", name);
}
