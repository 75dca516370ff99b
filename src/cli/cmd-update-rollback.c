/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot update rollback */
#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/update.h"

#include <time.h>

struct rollback_options {
        struct update_machine machine;
        const char *version;
};

static int print_result(const struct invocation *in, const char *from, const char *to,
                        ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        if (!in->json) {
                print_text(stdout, from);
                printf(" is marked as bad; the next boot is of ");
                print_text(stdout, to);
                printf("\n");
                return 0;
        }
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "from", from, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "to", to, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct rollback_options *o = in->options;
        _cleanup_update_view_ struct update_view v = UPDATE_VIEW_NONE;
        _cleanup_free_ char *from = NULL, *to = NULL;
        int r = update_view_open(&v, &o->machine, true, in->log, reterr);
        if (r < 0)
                return r;
        struct ingot_steps steps = update_steps(&v);
        r = ingot_update_rollback(&v.machine, &steps, o->version, &from, &to, reterr);
        if (r < 0)
                return r;
        const struct ingot_update_failure f = {.version = from,
                                               .reason = (char *) "an operator rolled it back",
                                               .time = (uint64_t) time(NULL)};
        r = ingot_update_failure_add(&v.state, &f, reterr);
        if (r >= 0)
                r = ingot_update_state_save(o->machine.root, &v.state, reterr);
        return r < 0 ? r : print_result(in, from, to, reterr);
}

static const struct option rows[] = {
        STRING(0, "version", "VERSION", struct rollback_options, version,
               "The one to leave; default: the one that would boot next"),
        OPTION_UPDATE_ROOT(struct rollback_options, machine),
        OPTION_UPDATE_DISK(struct rollback_options, machine),
        OPTION_UPDATE_ESP(struct rollback_options, machine),
        OPTION_UPDATE_RUNNING(struct rollback_options, machine),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static const struct example examples[] = {
        {"ingot update rollback --root=machine --disk=disk.raw --esp=esp",
         "Boot the version before from now on"},
        {0},
};

const struct command cmd_update_rollback = {
        .name = "update rollback",
        .synopsis = "",
        .summary = "Boot the version before from now on",
        .details =
                "Takes the tries of the version's boot entry away (NAME_VERSION+0-1.efi), so that "
                "the boot loader puts it last. That needs no EFI variable, and holds until a newer "
                "version is installed. The version counts as failed: it is not installed again by "
                "itself. The slot of the other version is checked first, every block of it.\n"
                "\n"
                "Exits with 3 when there is no version to go back to. Nothing restarts: that is "
                "'systemctl reboot'.",
        .rows = rows,
        .examples = examples,
        .options_size = sizeof(struct rollback_options),
        .run = run,
};
