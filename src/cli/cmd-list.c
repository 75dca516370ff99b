/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot list FILE [PATH] */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct list_options {
        bool recursive, details;
        const char *partition;
};

struct listing {
        const struct list_options *options;
        const char *prefix;       /* in front of each path; "" or ends in '/' */
        struct json_object *list; /* NULL: print */
};

static const char letters[] = "-dlcbps";

static void mode_text(const struct ingot_inode *inode, char ret[11])
{
        static const char bits[] = "rwxrwxrwx";
        static const struct {
                unsigned bit, at;
                char with, without; /* the execute bit */
        } specials[] = {{04000, 3, 's', 'S'}, {02000, 6, 's', 'S'}, {01000, 9, 't', 'T'}};
        ret[0] = letters[inode->type];
        for (unsigned i = 0; i < 9; i++)
                ret[i + 1] = inode->mode & 0400u >> i ? bits[i] : '-';
        for (unsigned i = 0; i < ARRAY_SIZE(specials); i++)
                if (inode->mode & specials[i].bit)
                        ret[specials[i].at] =
                                ret[specials[i].at] == 'x' ? specials[i].with : specials[i].without;
        ret[10] = 0;
}

static void print_details(const struct ingot_inode *inode)
{
        char mode[11], size[32], date[32] = "-";
        struct tm tm;
        time_t t = inode->mtime;
        mode_text(inode, mode);
        if (inode->type == INGOT_FILE_CHARACTER || inode->type == INGOT_FILE_BLOCK)
                snprintf(size, sizeof(size), "%" PRIu32 ",%" PRIu32, inode->major, inode->minor);
        else
                snprintf(size, sizeof(size), "%" PRIu64, inode->content.size);
        if (gmtime_r(&t, &tm))
                strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm);
        printf("%s %5" PRIu32 " %5" PRIu32 " %11s %s ", mode, inode->uid, inode->gid, size, date);
}

static void print_entry(const struct listing *l, const char *path, const struct ingot_inode *inode)
{
        if (l->options->details)
                print_details(inode);
        print_text(stdout, l->prefix);
        print_text(stdout, path);
        if (inode->type == INGOT_FILE_SYMLINK && l->options->details) {
                fputs(" -> ", stdout);
                print_text(stdout, inode->target);
        }
        putchar('\n');
}

static int add_xattrs(struct json_object *o, const struct ingot_inode *inode, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *names = NULL;
        int e = inode->xattr_count ? ingot_json_new_array(&names, reterr) : 0;
        for (size_t i = 0; e == 0 && i < inode->xattr_count; i++)
                e = ingot_json_add_text(names, NULL, inode->xattrs[i].name, reterr);
        return e < 0 || !names ? e : ingot_json_add(o, "xattrs", &names, reterr);
}

static int add_time(struct json_object *o, const struct ingot_inode *inode, ingot_error *reterr)
{
        struct json_object *time = json_object_new_int64(inode->mtime);
        return time ? ingot_json_add(o, "mtime", &time, reterr) : ingot_fail_nomem(reterr);
}

static int add_entry(const struct listing *l, const char *path, const struct ingot_inode *inode,
                     ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        _cleanup_free_ char *full = NULL;
        char mode[8];
        bool device = inode->type == INGOT_FILE_CHARACTER || inode->type == INGOT_FILE_BLOCK;
        snprintf(mode, sizeof(mode), "%04o", inode->mode);
        int e = ingot_format(&full, reterr, "%s%s", l->prefix, path);
        if (e == 0)
                e = ingot_json_new_object(&o, reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "path", full, reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "type", ingot_file_type_name(inode->type), reterr);
        if (e == 0)
                e = ingot_json_add_text(o, "mode", mode, reterr);
        if (e == 0)
                e = ingot_json_add_u64(o, "uid", inode->uid, reterr);
        if (e == 0)
                e = ingot_json_add_u64(o, "gid", inode->gid, reterr);
        if (e == 0)
                e = add_time(o, inode, reterr);
        if (e == 0 && inode->type == INGOT_FILE_REGULAR)
                e = ingot_json_add_u64(o, "size", inode->content.size, reterr);
        if (e == 0 && inode->target)
                e = ingot_json_add_text(o, "target", inode->target, reterr);
        if (e == 0 && device)
                e = ingot_json_add_u64(o, "major", inode->major, reterr);
        if (e == 0 && device)
                e = ingot_json_add_u64(o, "minor", inode->minor, reterr);
        if (e == 0)
                e = add_xattrs(o, inode, reterr);
        return e < 0 ? e : ingot_json_add(l->list, NULL, &o, reterr);
}

static int show(void *context, const char *path, struct ingot_inode *inode, ingot_error *reterr)
{
        const struct listing *l = context;
        int e = 0;
        if (l->list)
                e = add_entry(l, path, inode, reterr);
        else
                print_entry(l, path, inode);
        return e < 0 ? e : !l->options->recursive;
}

static int show_all(const struct listing *l, const char *path, struct ingot_inode *inode,
                    ingot_error *reterr)
{
        const struct ingot_tree tree = {.root = inode};
        if (inode->type == INGOT_FILE_DIRECTORY)
                return ingot_tree_walk(&tree, show, (void *) l, reterr);
        struct listing alone = *l;
        alone.prefix = "";
        int e = show(&alone, path + strspn(path, "/"), inode, reterr);
        return e < 0 ? e : 0;
}

/* PATH without slashes at its ends, and one behind it; "" for the root. */
static int make_prefix(const char *path, char **ret, ingot_error *reterr)
{
        path += strspn(path, "/");
        size_t n = strlen(path);
        while (n > 0 && path[n - 1] == '/')
                n--;
        return ingot_format(ret, reterr, "%.*s%s", (int) n, path, n ? "/" : "");
}

/* A link to a directory stands for the directory, any other for itself. */
static int find_listed(const struct view *v, const char *path, struct ingot_inode **ret,
                       ingot_error *reterr)
{
        struct ingot_inode *target;
        int e = ingot_image_find(v->part, path, false, ret, reterr);
        if (e == 0 && (*ret)->type == INGOT_FILE_SYMLINK && view_find(v, path, &target, NULL) == 0 &&
            target->type == INGOT_FILE_DIRECTORY)
                *ret = target;
        return e;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct list_options *options = in->options;
        const char *path = in->operand_count > 1 ? in->operands[1] : "/";
        _cleanup_view_ struct view v = VIEW_NONE;
        _cleanup_json_ struct json_object *list = NULL;
        _cleanup_free_ char *prefix = NULL;
        struct ingot_inode *inode;
        int e = view_open(&v, in->operands[0], options->partition, reterr);
        if (e == 0)
                e = find_listed(&v, path, &inode, reterr);
        if (e == 0)
                e = make_prefix(path, &prefix, reterr);
        if (e == 0 && in->json)
                e = ingot_json_new_array(&list, reterr);
        if (e < 0)
                return e;
        struct listing l = {.options = options, .prefix = prefix, .list = list};
        e = show_all(&l, path, inode, reterr);
        return e < 0 || !list ? e : json_print(list, reterr);
}

static const struct option rows[] = {
        FLAG('R', "recursive", struct list_options, recursive, "List what is below, too"),
        FLAG('l', "long", struct list_options, details,
             "Show type and mode, owner, group, size and time (UTC)"),
        OPTION_PARTITION(struct list_options, partition),
        OPTION_JSON,
        {0},
};

static const struct example examples[] = {
        {"ingot list --partition=esp disk.raw /", "List the top of a disk's ESP"},
        {"ingot list -lR initrd.cpio", "List all of an initrd with modes and sizes"},
        {"ingot list linux.efi", "List the sections of a UKI"},
        {"ingot list linux.efi .initrd/", "List the initrd that a UKI holds"},
        {0},
};

const struct command cmd_list = {
        .name = "list",
        .synopsis = "FILE [PATH]",
        .summary = "List the files in an image",
        .details = "Looks into disk images, erofs and FAT file systems, cpio archives, and EFI "
                   "programs, whose sections are shown as files. Nothing is mounted. Of a disk the "
                   "root partition is shown unless --partition names another one.\n"
                   "\n"
                   "A path goes on into a file that is one of these itself: .initrd/etc of a UKI, "
                   "EFI/Linux/a.efi/.initrd/init of an ESP. A slash at its end means what is in the "
                   "file.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 2,
        .options_size = sizeof(struct list_options),
        .run = run,
};
