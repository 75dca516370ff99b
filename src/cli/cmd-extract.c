/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot extract FILE [PATH] */
#include "cli/command.h"
#include "cli/view.h"
#include "os/unpack.h"

#include <string.h>

struct extract_options {
        const char *partition, *output;
        bool privileged;
};

/* The last name of PATH. */
static const char *last_name(const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct extract_options *options = in->options;
        const char *path = in->operand_count > 1 ? in->operands[1] : "/";
        struct ingot_unpack_options unpack = {.privileged = options->privileged, .log = in->log};
        _cleanup_view_ struct view v = VIEW_NONE;
        struct ingot_inode *inode;
        if (!options->output)
                return ingot_fail(reterr, INGOT_E_USAGE, "where to? Name a folder with --output");
        int e = view_open(&v, in->operands[0], options->partition, reterr);
        if (e == 0)
                e = view_find(&v, path, &inode, reterr);
        if (e == 0)
                e = ingot_unpack(inode, last_name(path), options->output, &unpack, reterr);
        return e;
}

static const struct option rows[] = {
        STRING('o', "output", "DIR", struct extract_options, output,
               "The folder to write to; made if it is not there"),
        OPTION_PARTITION(struct extract_options, partition),
        FLAG(0, "privileged", struct extract_options, privileged,
             "Keep owners, set-id bits, devices and all extended attributes; needs root"),
        OPTION_QUIET,
        {0},
};

static const struct example examples[] = {
        {"ingot extract initrd.cpio -o initrd", "Unpack an initrd into a folder"},
        {"ingot extract linux.efi .linux -o .", "Take the kernel out of a UKI"},
        {"ingot extract linux.efi .initrd/ -o initrd-of-uki", "Unpack the initrd of a UKI"},
        {0},
};

const struct command cmd_extract = {
        .name = "extract",
        .synopsis = "FILE [PATH]",
        .summary = "Write files that are in an image into a folder",
        .details = "Of a directory its content is written, of anything else the thing itself. "
                   "Nothing that is there is replaced, and nothing is written outside of the "
                   "folder, whatever the image says. Files belong to the caller unless "
                   "--privileged is given. See 'ingot list' for what images can be looked into.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 2,
        .options_size = sizeof(struct extract_options),
        .run = run,
};
