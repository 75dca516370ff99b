/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot inspect FILE */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/inspect.h"
#include "cli/release-show.h"
#include "os/file.h"
#include "update/release-sign.h"

#include <fcntl.h>
#include <stdio.h>

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

static int print_release(const struct ingot_release_envelope *e, const struct ingot_channel *c,
                         ingot_error *reterr)
{
        int r = release_print(c, reterr);
        if (r < 0)
                return r;
        printf("\nsigned by:");
        for (size_t i = 0; i < e->count; i++)
                printf(" %s", ingot_technology_title(e->signatures[i].technology));
        printf("%s (not verified: 'ingot verify' does)\n", e->count > 0 ? "" : " nobody");
        return 0;
}

static int print_release_json(const struct ingot_release_envelope *e, const struct ingot_channel *c,
                              const char *name, uint64_t size, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL, *channel = NULL;
        struct json_object *list;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "file", name, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "file_size", size, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "content", "release", reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "signatures", &list, reterr);
        for (size_t i = 0; r >= 0 && i < e->count; i++)
                r = ingot_json_add_text(list, NULL,
                                        ingot_technology_name(e->signatures[i].technology), reterr);
        if (r >= 0)
                r = ingot_channel_json(c, &channel, reterr);
        if (r >= 0)
                r = ingot_json_add(o, "offers", &channel, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static int run_release(const struct invocation *in, const char *name, ingot_error *reterr)
{
        _cleanup_release_envelope_ struct ingot_release_envelope e = {0};
        _cleanup_channel_ struct ingot_channel c = {0};
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, name, INGOT_RELEASE_FILE_SIZE_MAX, &text, &size, reterr);
        if (r < 0)
                return r;
        r = ingot_release_envelope_decode(INGOT_SPAN(text, size), &e, reterr);
        if (r >= 0)
                r = ingot_channel_decode(ingot_buffer_span(&e.payload), &c, reterr);
        if (r >= 0)
                r = in->json ? print_release_json(&e, &c, name, size, reterr)
                             : print_release(&e, &c, reterr);
        return ingot_under(reterr, r, "%s", name);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const char *name = in->operands[0];
        if (ingot_ends_with(name, INGOT_RELEASE_SUFFIX))
                return run_release(in, name, reterr);
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
                "root hashes, and cpio archives; names ext4, LUKS and swap. Of a release file, "
                "NAME.CHANNEL.release.json, it shows what is offered.\n"
                "\n"
                "A disk is drawn to scale. Of a hash tree the root hash is computed from its top "
                "block; whether the data matches is not checked. Nothing is mounted.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .run = run,
};
