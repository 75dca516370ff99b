/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot build [RECIPE] */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/passphrase.h"
#include "cli/print.h"
#include "cli/sign.h"
#include "image/build.h"
#include "image/manifest.h"
#include "image/sign-attach.h"

#include <stdio.h>

struct build_options {
        struct ingot_strings set, keys, certificates;
        bool print, locked, offline;
        const char *cache, *like, *passphrase_file;
        uint64_t jobs;
};

static const struct option rows[] = {
        STRINGS('s', "set", "SECTION.KEY=VALUE", struct build_options, set,
                "Override one value of the recipe; may be given several times"),
        FLAG(0, "print", struct build_options, print,
             "Show the resolved recipe, and where each value came from; build nothing"),
        FLAG(0, "locked", struct build_options, locked,
             "Take ingot.lock as it is; fail when it does not fit the recipe"),
        FLAG(0, "offline", struct build_options, offline, "Take packages out of the cache alone"),
        STRING(0, "cache", "DIR", struct build_options, cache,
               "Use this cache instead of $XDG_CACHE_HOME/ingot"),
        STRING(0, "like", "RELEASE", struct build_options, like,
               "Keep the places of what did not change since RELEASE, so that updates are small: a "
               "disk image, a root file system, or a folder of builds"),
        UINT('j', "jobs", "N", struct build_options, jobs,
             "Work with so many threads; the result does not depend on it"),
        STRINGS('k', "key", "PURPOSE=KEY", struct build_options, keys,
                "Sign at once what is for PURPOSE: secure-boot, verity, pcr or release; a PEM "
                "file, a token's URI (pkcs11:...) or, for release, an OpenPGP secret key; may be "
                "given several times"),
        STRINGS(0, "certificate", "PURPOSE=FILE", struct build_options, certificates,
                "The certificate of that key; by default the one in the key's file, or beside it"),
        OPTION_PASSPHRASE_FILE(struct build_options, passphrase_file),
        OPTION_JSON,
        OPTION_QUIET,
        {0},
};

static int print_recipe(const struct ingot_recipe *recipe, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_recipe_print(recipe, true, &text, reterr);
        if (r >= 0)
                fwrite(text.data, 1, text.size, stdout);
        return r;
}

static int print_json(const struct ingot_build_result *result, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "image", result->image, reterr);
        if (r >= 0)
                r = ingot_json_add_hex(o, "root_hash", result->root_hash, INGOT_SHA256_SIZE,
                                       reterr);
        if (r >= 0)
                r = ingot_manifest_artifacts(o, "artifacts", result->artifacts,
                                             result->artifact_count, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static int print_result(const struct ingot_build_result *result, bool json, ingot_error *reterr)
{
        char size[16], hex[2 * INGOT_SHA256_SIZE + 1];
        if (json)
                return print_json(result, reterr);
        for (size_t i = 0; i < result->artifact_count; i++) {
                ingot_human_size(size, result->artifacts[i].size);
                printf("%6s  %s\n", size, result->artifacts[i].name);
        }
        ingot_hex(hex, result->root_hash, INGOT_SHA256_SIZE);
        printf("\nroot hash %s\n", hex);
        print_styled(stdout, STYLE_BOLD, result->image);
        printf("\n");
        return 0;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct build_options *o = in->options;
        _cleanup_(ingot_recipe_free_p) struct ingot_recipe *recipe = NULL;
        _cleanup_build_result_ struct ingot_build_result result = {0};
        _cleanup_signers_ struct ingot_signers signers = {0};
        int r = ingot_recipe_load(in->operand_count > 0 ? in->operands[0] : ".",
                                  (const char *const *) o->set.items, o->set.count, &recipe,
                                  reterr);
        if (r < 0)
                return r;
        if (o->print)
                return print_recipe(recipe, reterr);
        r = sign_load(&o->keys, &o->certificates, o->passphrase_file, &signers, reterr);
        if (r < 0)
                return r;
        struct ingot_build_options build = {.recipe = recipe,
                                            .locked = o->locked,
                                            .offline = o->offline,
                                            .cache = o->cache,
                                            .like = o->like,
                                            .signers = signers.count > 0 ? &signers : NULL,
                                            .threads = (unsigned) o->jobs,
                                            .log = in->log};
        r = ingot_build(&build, &result, reterr);
        print_progress_end();
        if (r >= 0 && signers.count > 0)
                r = ingot_sign_build(&signers, &result, reterr);
        return r < 0 ? r : print_result(&result, in->json, reterr);
}

static const struct example examples[] = {
        {"ingot build appliance", "Build the recipe appliance/ingot.conf"},
        {"ingot build appliance --set Image.Version=2 --like appliance/build",
         "Version 2, so that an update from version 1 fetches as little as possible"},
        {"ingot build appliance --print", "Show what would be built, and where each value is from"},
        {0},
};

const struct command cmd_build = {
        .name = "build",
        .synopsis = "[RECIPE]",
        .summary = "Build an image from a recipe",
        .details =
                "Builds the image that RECIPE, a folder with an ingot.conf, describes. The folder "
                "is the current one by default.\n"
                "\n"
                "The packages are those of ingot.lock beside the recipe; when there is none, or it "
                "does not fit the recipe, it is written first. No root is needed. The same recipe "
                "and lock give the same bytes.\n"
                "\n"
                "The artifacts are written to RECIPE/build, all at once at the end: the disk "
                "image, "
                "its root and verity partitions, the UKI, the manifest, SHA256SUMS, and the "
                "signing "
                "request, which 'ingot sign answer' fills in where the keys are and 'ingot sign "
                "attach' puts into the artifacts. With --key both are done at once; all that the "
                "recipe's section [Sign] asks for must then be answered.\n"
                "\n"
                "With --like unchanged files keep their bytes and their blocks in the root file "
                "system, and an update from that release fetches little more than what changed. In "
                "a folder it is the newest release that is older than this one. It is an input as "
                "the lock is: the same recipe, lock and release before give the same bytes, and "
                "the manifest names its digest.",
        .rows = rows,
        .examples = examples,
        .operands_max = 1,
        .options_size = sizeof(struct build_options),
        .run = run,
};
