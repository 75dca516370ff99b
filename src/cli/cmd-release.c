/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot release FOLDER [BUILD] */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/option-time.h"
#include "cli/passphrase.h"
#include "cli/print.h"
#include "cli/release-show.h"
#include "cli/sign.h"
#include "os/file.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

enum { KEEP = 3, NOTES_MAX = 65536 };
#define NOT_GIVEN UINT64_MAX

struct release_options {
        const char *channel, *minimum, *expires, *notes, *passphrase_file;
        uint64_t keep, rollout, jobs;
        struct ingot_strings extensions, keys, certificates, verify_keys;
        bool no_build, dry_run;
};

static const struct release_options defaults = {
        .channel = "stable", .keep = NOT_GIVEN, .rollout = NOT_GIVEN};

static const struct option rows[] = {
        STRING('c', "channel", "NAME", struct release_options, channel,
               "The channel that offers it; \"stable\" if not given"),
        UINT(0, "keep", "N", struct release_options, keep,
             "Keep so many versions, and remove the files of older ones; 3 if not given, 0 for "
             "all"),
        STRING(0, "minimum", "VERSION", struct release_options, minimum,
               "Nothing older may be installed from now on; \"\" takes that back"),
        STRING(0, "expires", "DATE", struct release_options, expires,
               "Nobody takes the release file after that time (2026-11-22; UTC); \"never\" takes "
               "that back"),
        STRING(0, "notes", "FILE", struct release_options, notes,
               "What is to be said of the version, for people; an empty file takes that back"),
        UINT(0, "rollout", "PERCENT", struct release_options, rollout,
             "So many of the machines may take the version now; 100 if it is new"),
        STRINGS(0, "extension", "FILE", struct release_options, extensions,
                "An extension image that fits the version, NAME_VERSION.raw; may be given several "
                "times"),
        FLAG(0, "no-build", struct release_options, no_build,
             "Add no version; change or sign anew what is offered"),
        STRINGS('k', "key", "release=KEY", struct release_options, keys,
                "Sign at once, and publish; a PEM file, a token's URI (pkcs11:...) or an OpenPGP "
                "secret key; may be given several times"),
        STRINGS(0, "certificate", "release=FILE", struct release_options, certificates,
                "The certificate of that key; by default the one in the key's file, or beside it"),
        OPTION_PASSPHRASE_FILE(struct release_options, passphrase_file),
        STRINGS(0, "verify-key", "FILE", struct release_options, verify_keys,
                "Who may have signed what the folder offers now, beside the recipe's "
                "ReleaseCertificate and the given keys; may be given several times"),
        FLAG('n', "dry-run", struct release_options, dry_run,
             "Check the build, say what would be offered, and write nothing"),
        UINT('j', "jobs", "N", struct release_options, jobs, "Check with so many threads"),
        OPTION_JSON,
        OPTION_QUIET,
        OPTION_NO_COLOR,
        {0},
};

static int read_options(const struct release_options *o, struct ingot_publish_options *p,
                        uint8_t **notes, ingot_error *reterr)
{
        size_t size;
        int r = 0;
        if (o->rollout != NOT_GIVEN && o->rollout > 100)
                return ingot_fail(reterr, INGOT_E_USAGE, "--rollout is a percentage, up to 100");
        p->channel = o->channel;
        p->minimum = o->minimum;
        p->keep = o->keep != NOT_GIVEN ? o->keep : o->no_build ? 0 : KEEP;
        p->set_rollout = o->rollout != NOT_GIVEN;
        p->rollout = p->set_rollout ? (unsigned) o->rollout : 0;
        p->set_expires = o->expires;
        if (o->expires && strcmp(o->expires, "never") != 0)
                r = option_time("--expires", o->expires, &p->expires, reterr);
        if (r >= 0 && o->notes) {
                r = ingot_file_read(AT_FDCWD, o->notes, NOTES_MAX, notes, &size, reterr);
                if (r >= 0 &&
                    (strlen((char *) *notes) != size || !ingot_utf8_valid((char *) *notes)))
                        r = ingot_fail(reterr, INGOT_E_FORMAT, "%s: notes are a text in UTF-8",
                                       o->notes);
                p->notes = (char *) *notes;
        }
        return r;
}

/* Without BUILD nothing is added: what would need one says so. */
static int choose_build(const struct invocation *in, const struct release_options *o,
                        struct ingot_publish_options *p, ingot_error *reterr)
{
        if (o->no_build && (in->operand_count > 1 || o->extensions.count > 0))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "--no-build goes with neither BUILD nor --extension");
        if (!o->no_build)
                p->build = in->operand_count > 1 ? in->operands[1] : "build";
        return 0;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct release_options *o = in->options;
        _cleanup_publish_result_ struct ingot_publish_result result = {0};
        _cleanup_key_files_ struct ingot_key_files trusted = {0};
        _cleanup_signers_ struct ingot_signers signers = {0};
        _cleanup_free_ uint8_t *notes = NULL;
        struct ingot_publish_options p = {.folder = in->operands[0],
                                          .extensions = &o->extensions,
                                          .trusted = &trusted,
                                          .now = (uint64_t) time(NULL),
                                          .dry_run = o->dry_run,
                                          .threads = (unsigned) o->jobs,
                                          .log = in->log};
        int r = choose_build(in, o, &p, reterr);
        if (r >= 0)
                r = read_options(o, &p, &notes, reterr);
        for (size_t i = 0; r >= 0 && i < o->verify_keys.count; i++)
                r = ingot_key_files_add(&trusted, o->verify_keys.items[i], reterr);
        if (r >= 0)
                r = sign_load(&o->keys, &o->certificates, o->passphrase_file, &signers, reterr);
        p.signers = signers.count > 0 ? &signers : NULL;
        if (r >= 0)
                r = ingot_publish(&p, &result, reterr);
        print_progress_end();
        if (r < 0)
                return r;
        return in->json ? release_result_json(&result, o->dry_run, reterr)
                        : release_show_result(&result, o->dry_run, reterr);
}

static const struct example examples[] = {
        {"ingot release www appliance/build --key release=release.key",
         "Publish a build into the folder www, signed at once"},
        {"ingot release www --no-build --rollout 50 --key release=release.key",
         "Let half of the machines take the newest version"},
        {"ingot release www appliance/build --channel rc",
         "Offer it in another channel; who has the key signs elsewhere ..."},
        {"ingot sign answer -k release=release.key www/appliance.rc.release.sign.json",
         "... with nothing but the request ..."},
        {"ingot sign attach www/appliance.rc.release.sign.json", "... and then it is there"},
        {0},
};

const struct command cmd_release = {
        .name = "release",
        .synopsis = "FOLDER [BUILD]",
        .summary = "Publish a build into a folder that any web server can serve",
        .details =
                "Checks the build in BUILD (\"build\" if not given) against its manifest, its hash "
                "tree and its sums, copies its artifacts but for the disk image into FOLDER, and "
                "replaces there the release file of the channel, NAME.CHANNEL.release.json, with "
                "its signatures inside, and SHA256SUMS with SHA256SUMS.gpg, which "
                "systemd-sysupdate reads. All other files have names that are never used for "
                "another content.\n"
                "\n"
                "Clients take release files by growing serial, until they expire, and nothing "
                "older than the minimum. A folder is for one product; it may have several "
                "channels.\n"
                "\n"
                "With --key the release is signed at once. Otherwise, and while signatures are "
                "missing, a signing request is left in FOLDER: 'ingot sign answer' fills it in "
                "where the keys are, and 'ingot sign attach' publishes. Whoever signs, signs again "
                "what the folder offers already, so those release files must have been signed by "
                "the same people or with --verify-key.\n"
                "\n"
                "Killed at any moment, FOLDER is whole; the same call again finishes.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 2,
        .options_size = sizeof(struct release_options),
        .defaults = &defaults,
        .run = run,
};
