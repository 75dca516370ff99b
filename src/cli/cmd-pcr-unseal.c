/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot pcr unseal FILE */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/tpm.h"
#include "measure/seal.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct unseal_options {
        const char *policy, *signatures, *tpm, *output;
};

static const struct option rows[] = {
        STRING(0, "signatures", "FILE", struct unseal_options, signatures,
               "The signed values: tpm2-pcr-signature.json, or .pcrsig of the UKI"),
        STRING(0, "policy", "FILE", struct unseal_options, policy,
               "The policy: pcrlock.json; default: " INGOT_PCRLOCK_POLICY_PATH),
        STRING('o', "output", "FILE", struct unseal_options, output,
               "Write the secret there, for its owner alone; default: print it"),
        OPTION_TPM(struct unseal_options, tpm),
        {0},
};

static int read_sealed(const char *path, struct ingot_sealed *ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_SEALED_SIZE_MAX, &text, &size, reterr);
        return r < 0 ? r
                     : ingot_under(reterr, ingot_sealed_decode(INGOT_SPAN(text, size), ret, reterr),
                                   "%s", path);
}

static int put(const struct ingot_buffer *secret, const char *path, ingot_error *reterr)
{
        if (path)
                return ingot_outfile_put(path, secret->data, secret->size, 0600, reterr);
        fwrite(secret->data, 1, secret->size, stdout);
        return 0;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct unseal_options *o = in->options;
        const char *path = strcmp(in->operands[0], "-") == 0 ? "/dev/stdin" : in->operands[0];
        _cleanup_sealed_ struct ingot_sealed sealed = {0};
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy policy = {0};
        _cleanup_pcrsig_ struct ingot_pcrsig signatures = {0};
        _cleanup_buffer_ struct ingot_buffer secret = {0};
        _cleanup_tpm_ struct ingot_tpm *tpm = NULL;
        struct ingot_unseal_options known = {0};
        int r = read_sealed(path, &sealed, reterr);
        if (r >= 0 && sealed.pcrlock) {
                r = tpm_read_policy(o->policy ? o->policy : INGOT_PCRLOCK_POLICY_PATH, &policy,
                                    reterr);
                known.policy = &policy;
        }
        if (r >= 0 && o->signatures) {
                r = tpm_read_signatures(o->signatures, &signatures, reterr);
                known.signatures = &signatures;
        }
        if (r >= 0)
                r = ingot_tpm_open(&tpm, tpm_where(o->tpm), reterr);
        if (r >= 0)
                r = ingot_unseal(tpm, &sealed, &known, &secret, reterr);
        if (r >= 0)
                r = put(&secret, o->output, reterr);
        if (secret.data)
                explicit_bzero(secret.data, secret.size);
        return r;
}

static const struct example examples[] = {
        {"ingot pcr unseal --output=secret sealed.json", "Get a secret back into a file"},
        {"ingot pcr unseal --signatures=tpm2-pcr-signature.json signed.json",
         "Get one back that values signed by a vendor unseal"},
        {"ingot pcr unseal --policy=pcrlock.json locked.json",
         "Get one back that the policy of 'ingot pcr lock' unseals"},
        {0},
};

const struct command cmd_pcr_unseal = {
        .name = "pcr unseal",
        .synopsis = "FILE",
        .summary = "Get a sealed secret back from the TPM",
        .details =
                "Unseals what 'ingot pcr seal' has sealed (FILE, or - for what comes in), and what "
                "systemd-cryptenroll has, as 'cryptsetup token export' prints it. Such a token's "
                "secret is the volume's passphrase once it is encoded as base64.\n"
                "\n"
                "When the TPM would not give it out, the PCR is named that has another value, "
                "where it is written down which one it should have.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .options_size = sizeof(struct unseal_options),
        .run = run,
};
