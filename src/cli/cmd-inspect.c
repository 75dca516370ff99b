/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot inspect FILE */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/inspect.h"
#include "os/file.h"

static int run_json(struct ingot_image *image, const char *name, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int e = ingot_json_new_object(&o, reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "file", name, reterr);
        if (e == 0)
                e = ingot_json_add_u64(o, "file_size", image->reader.size, reterr);
        if (e == 0)
                e = inspect_json(image, o, reterr);
        return e < 0 ? e : json_print(o, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const char *name = in->operands[0];
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_image_ struct ingot_image image = {0};
        int e = ingot_file_open(&file, name, reterr);
        if (e < 0)
                return e;
        struct ingot_reader r = ingot_file_reader(&file);
        e = ingot_image_open(&r, &image, reterr);
        if (e == 0)
                e = in->json ? run_json(&image, name, reterr) : inspect_print(&image, name, reterr);
        return ingot_under(reterr, e, "%s", name);
}

static const struct option rows[] = {OPTION_JSON, OPTION_NO_COLOR, {0}};

static const struct example examples[] = {
        {"ingot inspect disk.raw", "Show the partitions of a disk image and what is in them"},
        {"ingot inspect --json disk.raw >disk.json", "The same for a program"},
        {0},
};

const struct command cmd_inspect = {
        .name = "inspect",
        .synopsis = "FILE",
        .summary = "Show what an image is and what is in it",
        .details =
                "Knows disk images with a GUID partition table, unified kernel images and other "
                "EFI programs, erofs and FAT file systems, dm-verity hash trees, signatures of "
                "root hashes, and cpio archives; names ext4, LUKS and swap.\n"
                "\n"
                "A disk is drawn to scale. Of a hash tree the root hash is computed from its top "
                "block; whether the data matches is not checked. Nothing is mounted.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .run = run,
};
