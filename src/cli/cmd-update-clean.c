/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot update clean */
#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/update.h"

struct clean_options {
        struct update_machine machine;
};

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct clean_options *o = in->options;
        _cleanup_update_view_ struct update_view v = UPDATE_VIEW_NONE;
        _cleanup_strings_ struct ingot_strings removed = {0};
        _cleanup_json_ struct json_object *json = NULL;
        int r = update_view_open(&v, &o->machine, true, in->log, reterr);
        if (r < 0)
                return r;
        struct ingot_steps steps = update_steps(&v);
        r = ingot_update_clean(&v.machine, &steps, &removed, reterr);
        if (r >= 0)
                r = ingot_update_state_save(o->machine.root, &v.state, reterr);
        if (r >= 0 && in->json)
                r = ingot_json_new_object(&json, reterr);
        if (r >= 0 && in->json)
                r = json_add_texts(json, "removed", &removed, reterr);
        if (r < 0)
                return r;
        if (in->json)
                return json_print(json, reterr);
        for (size_t i = 0; i < removed.count; i++) {
                print_text(stdout, removed.items[i]);
                printf("\n");
        }
        return 0;
}

static const struct option rows[] = {
        OPTION_UPDATE_ROOT(struct clean_options, machine),
        OPTION_UPDATE_DISK(struct clean_options, machine),
        OPTION_UPDATE_ESP(struct clean_options, machine),
        OPTION_UPDATE_RUNNING(struct clean_options, machine),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static const struct example examples[] = {
        {"ingot update clean --root=machine --disk=disk.raw --esp=esp",
         "Remove what updates that broke off have left"},
        {0},
};

const struct command cmd_update_clean = {
        .name = "update clean",
        .synopsis = "",
        .summary = "Remove what updates that broke off have left",
        .details =
                "Removes half-written files from the ESP, boot entries whose root file system is "
                "in "
                "no slot, and measurement manifests and components (those that an update wrote) of "
                "versions that have no entry; slots whose "
                "update broke off become empty, and lose what could have been gone on with. Prints "
                "what was removed. What runs, whole slots and their entries, and what is of "
                "another product, stays.",
        .rows = rows,
        .examples = examples,
        .options_size = sizeof(struct clean_options),
        .run = run,
};
