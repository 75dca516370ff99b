/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot sign attach DIR|REQUEST */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/release-show.h"
#include "image/sign-attach.h"

#include <stdio.h>

/* Of a folder of releases. */
static int attach_release(const struct invocation *in, const char *path, ingot_error *reterr)
{
        _cleanup_publish_result_ struct ingot_publish_result result = {0};
        int r = ingot_publish_attach(path, in->log, &result, reterr);
        return r < 0 ? r : release_show_result(&result, false, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        _cleanup_strings_ struct ingot_strings files = {0};
        _cleanup_free_ char *path = NULL;
        int r = ingot_sign_find(in->operands[0], &path, reterr);
        if (r >= 0)
                r = ingot_sign_request_load(path, &q, reterr);
        if (r >= 0 && q.release)
                return attach_release(in, path, reterr);
        if (r >= 0)
                r = ingot_sign_attach(path, &files, reterr);
        if (r < 0)
                return r;
        ingot_strings_sort(&files);
        for (size_t i = 0; i < files.count; i++) {
                print_text(stdout, files.items[i]);
                putchar('\n');
        }
        return 0;
}

static const struct option rows[] = {{0}};

static const struct example examples[] = {
        {"ingot sign attach appliance/build",
         "Put the answers of the request there into its files"},
        {0},
};

const struct command cmd_sign_attach = {
        .name = "sign attach",
        .synopsis = "DIR|REQUEST",
        .summary = "Put signatures into a build's artifacts",
        .details =
                "Puts the answers of a signing request into the artifacts beside it: PCR policies "
                "and Secure Boot signatures into the UKI, the loader's into the EFI System "
                "Partition, the root hash's into its partition; and writes the manifest, "
                "SHA256SUMS and their signatures. No key is needed.\n"
                "\n"
                "All answers are checked first, and each file must be the one that the request was "
                "made for. The files appear all at once at the end. The same build and answers "
                "give the same bytes, also when it is done again.\n"
                "\n"
                "SHA256SUMS names the files that updaters fetch. The disk image has a file of its "
                "own, IMAGE.sha256: its sum cannot be known before it is signed, so no one signs "
                "it.\n"
                "\n"
                "Of the request that ingot release leaves in a folder of releases, the signed "
                "release file and sums are put there, and the release is published.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .run = run,
};
