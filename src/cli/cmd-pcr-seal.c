/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot pcr seal FILE */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/tpm.h"
#include "measure/pcr-mask.h"
#include "measure/seal.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PEM_MAX 16384
#define SECRET_FILE_MAX 65536 /* more is refused with better words than these */

struct seal_options {
        const char *pcrs, *bank, *public_key, *public_key_pcrs, *reference, *policy, *tpm, *output;
};

static const struct seal_options defaults = {.public_key_pcrs = "11"};

static const struct option rows[] = {
        STRING(0, "pcrs", "PCRS", struct seal_options, pcrs,
               "By the values that these PCRs have now: 7+14"),
        STRING(0, "public-key", "FILE", struct seal_options, public_key,
               "By values that this key signs, now or later: as the UKIs of a vendor have them"),
        STRING(0, "public-key-pcrs", "PCRS", struct seal_options, public_key_pcrs,
               "Which PCRs it signs the values of; default 11"),
        STRING(0, "reference", "TEXT", struct seal_options, reference,
               "What the signatures must be for; default: nothing in particular"),
        STRING(0, "policy", "FILE", struct seal_options, policy,
               "By the policy that 'ingot pcr lock' keeps: pcrlock.json"),
        STRING(0, "bank", "BANK", struct seal_options, bank,
               "Whose values: sha1, sha256, sha384, sha512; default sha256"),
        STRING('o', "output", "FILE", struct seal_options, output,
               "Write the sealed secret there; default: print it"),
        OPTION_TPM(struct seal_options, tpm),
        {0},
};

static int take_options(const struct seal_options *o, struct ingot_seal_options *ret,
                        struct ingot_pcrlock_policy *policy, uint8_t **pem, ingot_error *reterr)
{
        size_t size;
        int r = tpm_parse_bank(o->bank, &ret->bank, reterr);
        if (r >= 0 && o->pcrs)
                r = ingot_pcr_mask_parse(o->pcrs, &ret->pcrs, reterr);
        if (r >= 0 && o->policy) {
                r = tpm_read_policy(o->policy, policy, reterr);
                ret->policy = policy;
        }
        if (r < 0 || !o->public_key)
                return r;
        r = ingot_pcr_mask_parse(o->public_key_pcrs, &ret->public_key_pcrs, reterr);
        if (r >= 0)
                r = ingot_file_read(AT_FDCWD, o->public_key, PEM_MAX, pem, &size, reterr);
        if (r < 0)
                return r;
        ret->public_key = INGOT_SPAN(*pem, size);
        ret->reference = o->reference;
        return 0;
}

static int put(const struct ingot_sealed *sealed, const char *path, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_sealed_encode(sealed, &text, reterr);
        if (r >= 0 && path)
                return ingot_outfile_put(path, text.data, text.size, 0644, reterr);
        if (r >= 0)
                fwrite(text.data, 1, text.size, stdout);
        return r;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct seal_options *o = in->options;
        const char *path = strcmp(in->operands[0], "-") == 0 ? "/dev/stdin" : in->operands[0];
        _cleanup_pcrlock_policy_ struct ingot_pcrlock_policy policy = {0};
        _cleanup_sealed_ struct ingot_sealed sealed = {0};
        _cleanup_tpm_ struct ingot_tpm *tpm = NULL;
        _cleanup_free_ uint8_t *secret = NULL, *pem = NULL;
        struct ingot_seal_options options = {0};
        size_t size = 0;
        int r = take_options(o, &options, &policy, &pem, reterr);
        if (r >= 0)
                r = ingot_file_read(AT_FDCWD, path, SECRET_FILE_MAX, &secret, &size, reterr);
        if (r >= 0)
                r = ingot_tpm_open(&tpm, tpm_where(o->tpm), reterr);
        if (r >= 0)
                r = ingot_seal(tpm, &options, INGOT_SPAN(secret, size), &sealed, reterr);
        if (secret)
                explicit_bzero(secret, size);
        return r < 0 ? r : put(&sealed, o->output, reterr);
}

static const struct example examples[] = {
        {"ingot pcr seal --pcrs=7 --output=sealed.json secret",
         "Seal a secret by the keys that this machine's Secure Boot trusts"},
        {"ingot pcr seal --public-key=pcr.pub --output=sealed.json secret",
         "Seal it so that every UKI whose vendor has this key can unseal it"},
        {"ingot pcr seal --policy=pcrlock.json --output=sealed.json secret",
         "Seal it by the policy that 'ingot pcr lock' keeps"},
        {0},
};

const struct command cmd_pcr_seal = {
        .name = "pcr seal",
        .synopsis = "FILE",
        .summary = "Seal a secret by PCRs of the TPM",
        .details =
                "Lets the TPM encrypt up to 128 bytes (FILE, or - for what comes in), so that it "
                "gives them out only on this machine, and only when the PCRs are as they should "
                "be: have the values of now, or one that a key has signed, or one that the policy "
                "in an NV index accepts. PCRs of now may be demanded beside one of the others. "
                "'ingot pcr unseal' gets them back. For more than 128 bytes seal a key.\n"
                "\n"
                "What is written is not secret. It is a token as systemd-cryptenroll puts it into "
                "the header of a LUKS2 volume (docs/formats/sealed.md).",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .options_size = sizeof(struct seal_options),
        .defaults = &defaults,
        .run = run,
};
