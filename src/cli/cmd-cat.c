/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot cat FILE PATH... */
#include "base/cleanup.h"
#include "base/size.h"
#include "cli/command.h"
#include "cli/view.h"

#include <stdio.h>

#define CHUNK 262144

struct cat_options {
        const char *partition;
};

static int print_file(const struct view *v, const char *path, ingot_error *reterr)
{
        struct ingot_inode *inode;
        int e = view_find(v, path, &inode, reterr);
        if (e < 0)
                return e;
        if (inode->type != INGOT_FILE_REGULAR)
                return ingot_fail(reterr, INGOT_E_USAGE, "'%s' is no file but a %s", path,
                                  ingot_file_type_name(inode->type));
        _cleanup_free_ uint8_t *chunk = malloc(CHUNK);
        if (!chunk)
                return ingot_fail_nomem(reterr);
        for (uint64_t done = 0; done < inode->content.size;) {
                size_t n = (size_t) ingot_min_u64(inode->content.size - done, CHUNK);
                e = ingot_read_at(&inode->content, done, chunk, n, reterr);
                if (e < 0)
                        return ingot_under(reterr, e, "%s", path);
                if (fwrite(chunk, 1, n, stdout) != n)
                        return ingot_fail_errno(reterr, "write the output");
                done += n;
        }
        return 0;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct cat_options *options = in->options;
        _cleanup_view_ struct view v = VIEW_NONE;
        int e = view_open(&v, in->operands[0], options->partition, reterr);
        for (size_t i = 1; e == 0 && i < in->operand_count; i++)
                e = print_file(&v, in->operands[i], reterr);
        return e;
}

static const struct option rows[] = {OPTION_PARTITION(struct cat_options, partition), {0}};

static const struct example examples[] = {
        {"ingot cat initrd.cpio etc/hostname", "Print a file of an initrd"},
        {"ingot cat linux.efi .cmdline", "Print the command line that a UKI has"},
        {"ingot cat linux.efi .initrd/etc/hostname", "Print a file of the initrd in a UKI"},
        {0},
};

const struct command cmd_cat = {
        .name = "cat",
        .synopsis = "FILE PATH...",
        .summary = "Print files that are in an image",
        .details = "Prints the bytes as they are. Links are followed within the image. See 'ingot "
                   "list' for what images can be looked into.",
        .rows = rows,
        .examples = examples,
        .operands_min = 2,
        .operands_max = OPERANDS_ANY,
        .options_size = sizeof(struct cat_options),
        .run = run,
};
