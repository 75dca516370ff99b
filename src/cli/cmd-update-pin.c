/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot update pin VERSION|--none */
#include "base/cleanup.h"
#include "cli/update.h"
#include "format/name-pattern.h"

struct pin_options {
        const char *root;
        bool none;
};

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct pin_options *o = in->options;
        _cleanup_update_state_ struct ingot_update_state state = {0};
        _cleanup_close_ int lock = -1;
        if ((in->operand_count == 1) == o->none)
                return ingot_fail(reterr, INGOT_E_USAGE, "give a VERSION, or --none");
        if (!o->none && !ingot_version_valid(in->operands[0]))
                return ingot_fail(reterr, INGOT_E_USAGE, "'%.64s' is no version", in->operands[0]);
        int r = ingot_update_state_lock(o->root, &lock, reterr);
        if (r >= 0)
                r = ingot_update_state_load(o->root, &state, reterr);
        if (r < 0)
                return r;
        free(TAKE_PTR(state.pin));
        r = o->none ? 0 : ingot_strdup(&state.pin, in->operands[0], reterr);
        return r < 0 ? r : ingot_update_state_save(o->root, &state, reterr);
}

static const struct option rows[] = {
        FLAG(0, "none", struct pin_options, none, "Any version again"),
        STRING(0, "root", "DIR", struct pin_options, root,
               "Of the machine whose root is that folder"),
        {0},
};

static const struct example examples[] = {
        {"ingot update pin 1 --root=machine", "Stay with version 1"},
        {"ingot update pin --none --root=machine", "Take updates again"},
        {0},
};

const struct command cmd_update_pin = {
        .name = "update pin",
        .synopsis = "[VERSION]",
        .summary = "Allow no version but one",
        .details =
                "From then on 'ingot update check' and 'ingot update apply' take that version and "
                "refuse every other one, be it newer or asked for by name. Nothing is installed "
                "or removed by this.",
        .rows = rows,
        .examples = examples,
        .operands_max = 1,
        .options_size = sizeof(struct pin_options),
        .run = run,
};
