/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot compare A B */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "image/compare.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

struct opened {
        struct ingot_file file;
        struct ingot_reader reader;
        struct ingot_image image;
};

static void opened_close(struct opened *o)
{
        ingot_image_done(&o->image);
        ingot_file_close(&o->file);
}

static int open_image(struct opened *o, const char *name, ingot_error *reterr)
{
        int e = ingot_file_open(&o->file, name, reterr);
        if (e < 0)
                return e;
        o->reader = ingot_file_reader(&o->file);
        e = ingot_image_open(&o->reader, &o->image, reterr);
        o->image.name = name;
        return ingot_under(reterr, e, "%s", name);
}

static int print_json(const struct ingot_comparison *c, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL, *list = NULL;
        int e = ingot_json_new_object(&o, reterr);
        if (e == 0)
                e = ingot_json_add_bool(o, "equal", c->count == 0, reterr);
        if (e == 0)
                e = ingot_json_new_array(&list, reterr);
        for (size_t i = 0; e == 0 && i < c->count; i++) {
                const struct ingot_difference *d = c->items + i;
                _cleanup_json_ struct json_object *one = NULL;
                e = ingot_json_new_object(&one, reterr);
                if (e == 0)
                        e = ingot_json_add_text(one, "kind", ingot_difference_kind_name(d->kind),
                                                reterr);
                if (e == 0)
                        e = ingot_json_add_text(one, "change", ingot_change_name(d->change),
                                                reterr);
                if (e == 0)
                        e = ingot_json_add_text(one, "where", d->where, reterr);
                if (e == 0)
                        e = ingot_json_add_text(one, "name", d->name, reterr);
                if (e == 0)
                        e = ingot_json_add_text(one, "what", d->what, reterr);
                if (e == 0)
                        e = ingot_json_add(list, NULL, &one, reterr);
        }
        if (e == 0)
                e = ingot_json_add(o, "differences", &list, reterr);
        return e < 0 ? e : json_print(o, reterr);
}

/* One line each, below a line for each part. */
static void print_differences(const struct ingot_comparison *c)
{
        static const char signs[] = "~-+";
        static const enum style styles[] = {STYLE_WARN, STYLE_BAD, STYLE_GOOD};
        const char *where = "";
        for (size_t i = 0; i < c->count; i++) {
                const struct ingot_difference *d = c->items + i;
                if (strcmp(where, d->where) != 0) {
                        print_styled(stdout, STYLE_BOLD, *d->where ? d->where : "the whole");
                        puts(":");
                }
                where = d->where;
                printf("%s%c%s %-9s ", print_style(stdout, styles[d->change]), signs[d->change],
                       print_style(stdout, STYLE_PLAIN), ingot_difference_kind_name(d->kind));
                print_text(stdout, d->name);
                fputs(": ", stdout);
                print_text(stdout, d->what);
                putchar('\n');
        }
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        _cleanup_(opened_close) struct opened a = {.file = INGOT_FILE_NONE};
        _cleanup_(opened_close) struct opened b = {.file = INGOT_FILE_NONE};
        _cleanup_comparison_ struct ingot_comparison c = {0};
        int e = open_image(&a, in->operands[0], reterr);
        if (e == 0)
                e = open_image(&b, in->operands[1], reterr);
        if (e == 0)
                e = ingot_image_compare(&a.image, &b.image, in->log, &c, reterr);
        if (e < 0)
                return e;
        print_progress_end();
        if (in->json)
                e = print_json(&c, reterr);
        else
                print_differences(&c);
        return e < 0 ? e : c.count > 0;
}

static const struct option rows[] = {OPTION_JSON, OPTION_QUIET, OPTION_NO_COLOR, {0}};

static const struct example examples[] = {
        {"ingot compare old.cpio new.cpio || test $? = 1", "Say what differs between two initrds"},
        {0},
};

const struct command cmd_compare = {
        .name = "compare",
        .synopsis = "A B",
        .summary = "Say what differs between two images",
        .details = "Names packages (of the dpkg database in the image), files, partitions and "
                   "sections of UKIs that are only in the first (-), only in the second (+), or "
                   "differ (~). Partitions are paired by their types.\n"
                   "\n"
                   "The exit status is 0 when the images are equal, byte for byte, and 1 when they "
                   "differ; 1 is also that of a failure, which prints a message.",
        .rows = rows,
        .examples = examples,
        .operands_min = 2,
        .operands_max = 2,
        .run = run,
};
