/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot sign answer --key PURPOSE=KEY REQUEST */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/passphrase.h"
#include "cli/sign.h"
#include "image/sign-attach.h"

#include <stdio.h>

struct answer_options {
        struct ingot_strings keys, certificates;
        const char *output, *passphrase_file;
};

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct answer_options *o = in->options;
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        _cleanup_signers_ struct ingot_signers signers = {0};
        _cleanup_free_ char *path = NULL;
        size_t made;
        if (o->keys.count == 0)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "no --key: PURPOSE=KEY, of which PURPOSE is secure-boot, verity, "
                                  "pcr or release");
        int r = ingot_sign_find(in->operands[0], &path, reterr);
        if (r >= 0)
                r = ingot_sign_request_load(path, &q, reterr);
        if (r >= 0)
                r = sign_load(&o->keys, &o->certificates, o->passphrase_file, &signers, reterr);
        if (r >= 0)
                r = ingot_sign_answer(&q, &signers, &made, reterr);
        if (r >= 0)
                r = ingot_sign_request_save(&q, o->output ? o->output : path, reterr);
        if (r < 0)
                return r;
        printf("%zu answers\n", made);
        sign_print_missing(&q);
        return 0;
}

static const struct option rows[] = {
        STRINGS('k', "key", "PURPOSE=KEY", struct answer_options, keys,
                "Sign with this key what is for PURPOSE: secure-boot, verity, pcr or release; a "
                "PEM file, a token's URI (pkcs11:...) or, for release, an OpenPGP secret key; may "
                "be "
                "given several times"),
        STRINGS('c', "certificate", "PURPOSE=FILE", struct answer_options, certificates,
                "The certificate of that key; by default the one in the key's file, or beside it"),
        OPTION_PASSPHRASE_FILE(struct answer_options, passphrase_file),
        STRING('o', "output", "FILE", struct answer_options, output,
               "Write the answered request there; by default in place of the request"),
        {0},
};

static const struct example examples[] = {
        {"ingot sign answer --key verity=verity.key appliance_1.sign.json",
         "Sign the root hash, and pass the request on"},
        {"ingot sign answer -k pcr=pcr.key -k secure-boot=db.key appliance_1.sign.json",
         "The next holder has two keys, and signs the programs, too"},
        {0},
};

const struct command cmd_sign_answer = {
        .name = "sign answer",
        .synopsis = "REQUEST",
        .summary = "Sign what a build asks to be signed",
        .details =
                "Fills in the answers of the signing request that a build left, NAME.sign.json, as "
                "far as the given keys can. Nothing but this file is needed, so it works on a "
                "machine that is never online.\n"
                "\n"
                "There are three stages: PCR policies and the root hash; programs for Secure Boot, "
                "which contain the first; manifest and sums, which name the second. A stage is "
                "answered when the one before is. Whoever has all keys finishes in one command; "
                "otherwise the file goes from one holder to the next. Answers that are there stay, "
                "and are checked first.\n"
                "\n"
                "The request is untrusted input: ingot sign show tells what would be signed.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .options_size = sizeof(struct answer_options),
        .run = run,
};
