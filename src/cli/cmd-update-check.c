/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot update check */
#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/update-source.h"

struct check_options {
        struct update_wish wish;
};

static void print_offer(const struct update_offer *o)
{
        const struct ingot_release *release = o->choice.release;
        const char *notes = release ? release->notes : NULL;
        char size[16];
        if (!release || o->target.work == INGOT_UPDATE_NOTHING) {
                update_print_nothing(o);
        } else {
                ingot_human_size(size, release->root.size + release->tree.size + release->uki.size);
                print_text(stdout, release->version);
                printf(": can be installed (%s; 'ingot update apply --dry-run' says how much of "
                       "that is fetched)\n",
                       size);
        }
        for (size_t i = 0; i < o->choice.passed.count; i++) {
                print_text(stdout, o->choice.passed.items[i]);
                printf("\n");
        }
        update_print_locks(o);
        if (notes && *notes) {
                printf("\n");
                print_text(stdout, notes);
                printf("\n");
        }
}

static int print_json(const struct update_offer *o, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *json = NULL;
        const struct ingot_release *release = o->choice.release;
        int r = ingot_json_new_object(&json, reterr);
        if (r >= 0)
                r = ingot_json_add_text(json, "name", o->channel.name, reterr);
        if (r >= 0)
                r = ingot_json_add_text(json, "channel", o->channel.channel, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(json, "serial", o->channel.serial, reterr);
        if (r >= 0)
                r = ingot_json_add_text(json, "current", o->view.machine.version, reterr);
        if (r >= 0)
                r = ingot_json_add_text(json, "version", release ? release->version : NULL, reterr);
        if (r >= 0)
                r = ingot_json_add_text(
                        json, "work",
                        ingot_update_work_name(release ? o->target.work : INGOT_UPDATE_NOTHING),
                        reterr);
        if (r >= 0)
                r = ingot_json_add_text(json, "notes", release ? release->notes : NULL, reterr);
        if (r >= 0)
                r = json_add_texts(json, "passed", &o->choice.passed, reterr);
        if (r >= 0)
                r = update_add_locks(o, json, reterr);
        return r < 0 ? r : json_print(json, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct check_options *options = in->options;
        _cleanup_update_offer_ struct update_offer o = UPDATE_OFFER_NONE;
        _cleanup_strings_ struct ingot_strings hidden = {0};
        int r = update_offer_open(&o, &options->wish, false, in->log, reterr);
        if (r < 0)
                return r;
        if (in->json)
                return print_json(&o, reterr);
        print_offer(&o);
        if (o.choice.release && o.target.work != INGOT_UPDATE_SLOT) {
                r = update_find_hidden(&o.view.machine, o.target.slot, in->log, &hidden, reterr);
                if (r >= 0 && o.target.slot)
                        update_print_hidden(o.target.slot, &hidden);
        }
        return r;
}

static const struct option rows[] = {
        OPTION_UPDATE_WISH(struct check_options, wish),
        OPTION_UPDATE_ROOT(struct check_options, wish.machine),
        OPTION_UPDATE_DISK(struct check_options, wish.machine),
        OPTION_UPDATE_ESP(struct check_options, wish.machine),
        OPTION_UPDATE_RUNNING(struct check_options, wish.machine),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static const struct example examples[] = {
        {"ingot update check --root=machine --disk=disk.raw --esp=esp",
         "Is there a newer version for the machine in these files?"},
        {0},
};

const struct command cmd_update_check = {
        .name = "update check",
        .synopsis = "",
        .summary = "Show whether there is a newer version, and whether it can be installed",
        .details =
                "Gets the channel's release file, verifies its signatures, and says which version "
                "this machine would take. Nothing is written, and nothing else is fetched but the "
                "measurement manifest of the new version, where something is locked to the TPM: it "
                "says of each lock whether it opens after the restart, if need be by a policy made "
                "anew.\n"
                "\n"
                "By itself a machine takes the newest version that is newer than its own, did not "
                "fail on it, and is rolled out to it; where it is pinned, only that one. Versions "
                "that are passed over are listed with the reason.\n"
                "\n"
                "Where the new version is installed, and not started yet, files of this machine's "
                "/etc that hide what is new in it are listed, as 'ingot update apply' and 'ingot "
                "update status' do; before that nobody here knows its files.\n"
                "\n"
                "Exits with 3 when what is offered is refused: not signed by enough of those who "
                "may, expired, older than one seen before, of another product or architecture, "
                "below the channel's minimum, too large for the slots or the ESP; "
                "without a needed extension; one with which a disk that is locked to the TPM would "
                "not open.",
        .rows = rows,
        .examples = examples,
        .options_size = sizeof(struct check_options),
        .run = run,
};
