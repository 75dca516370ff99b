/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The overlay refers to the image by its path, so a changed image would tear it: that is checked. */
#include "vm/state.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "format/gpt.h"
#include "os/file.h"
#include "os/process.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DISK_SIZE_DEFAULT (UINT64_C(4) << 30)
enum { VARS_MAX = 16 * 1024 * 1024 };

void ingot_vm_state_close(struct ingot_vm_state *s)
{
        ingot_workdir_remove(&s->temporary);
        free(s->folder);
        free(s->disk);
        free(s->vars);
        free(s->tpm);
        free(s->messages);
        *s = INGOT_VM_STATE_NONE;
}

static int make_temporary(struct ingot_vm_state *s, ingot_error *reterr)
{
        const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
        _cleanup_free_ char *parent = NULL;
        int r;
        if (cache && *cache == '/')
                r = ingot_format(&parent, reterr, "%s/ingot/machines", cache);
        else if (home && *home == '/')
                r = ingot_format(&parent, reterr, "%s/.cache/ingot/machines", home);
        else
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "no folder for the machine: neither XDG_CACHE_HOME nor HOME is "
                                  "set");
        if (r >= 0)
                r = ingot_workdir_create(parent, &s->temporary, reterr);
        return r < 0 ? r : ingot_strdup(&s->folder, s->temporary.path, reterr);
}

static int make_folder(const char *wanted, struct ingot_vm_state *s, ingot_error *reterr)
{
        char whole[PATH_MAX];
        if (!wanted)
                return make_temporary(s, reterr);
        int r = ingot_make_directories(wanted, 0700, reterr);
        if (r < 0)
                return r;
        if (!realpath(wanted, whole))
                return ingot_fail_errno(reterr, "find the folder %s", wanted);
        s->kept = true;
        return ingot_strdup(&s->folder, whole, reterr);
}

static int make_names(struct ingot_vm_state *s, ingot_error *reterr)
{
        if (strchr(s->folder, ','))
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "a comma in the path of the machine's folder: %s", s->folder);
        int r = ingot_format(&s->disk, reterr, "%s/disk.qcow2", s->folder);
        if (r >= 0)
                r = ingot_format(&s->vars, reterr, "%s/vars.fd", s->folder);
        if (r >= 0)
                r = ingot_format(&s->tpm, reterr, "%s/tpm", s->folder);
        return r < 0 ? r : ingot_format(&s->messages, reterr, "%s/qemu.log", s->folder);
}

/* Which bytes the overlay lies on: path, size, and when they were written. */
static int identify(const char *image, uint64_t size, char **ret, ingot_error *reterr)
{
        struct stat st;
        if (stat(image, &st) < 0)
                return ingot_fail_errno(reterr, "stat %s", image);
        return ingot_format(ret, reterr, "%s\n%llu\n%lld.%09ld\n", image, (unsigned long long) size,
                            (long long) st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static int create_overlay(const char *image, uint64_t size, const char *disk, ingot_error *reterr)
{
        _cleanup_free_ char *bytes = NULL;
        int r = ingot_format(&bytes, reterr, "%llu", (unsigned long long) size);
        if (r < 0)
                return r;
        const char *const argv[] = {"qemu-img", "create", "-q", "-f",  "qcow2", "-F",
                                    "raw",      "-b",     image, disk, bytes,   NULL};
        struct ingot_program p = {.argv = argv, .package = "qemu-utils", .timeout_msec = 60000};
        return ingot_process_run(&p, NULL, reterr);
}

/* The identity is written last: a folder without it was never finished, and is made again. */
static int make_disk(struct ingot_vm_state *s, const char *image, uint64_t size, uint64_t wanted,
                     ingot_error *reterr)
{
        _cleanup_free_ char *identity = NULL, *path = NULL;
        _cleanup_free_ uint8_t *before = NULL;
        size_t before_size;
        ingot_error error = {0};
        int r = identify(image, size, &identity, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, "%s/image", s->folder);
        if (r < 0)
                return r;
        r = ingot_file_read(AT_FDCWD, path, 2 * PATH_MAX, &before, &before_size, &error);
        if (r >= 0 && strcmp((char *) before, identity) == 0)
                return 0;
        if (r >= 0)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "%s was made for another image, or this one was built anew: "
                                  "remove the folder or name another",
                                  s->folder);
        if (r != -INGOT_E_NOTFOUND) {
                if (reterr)
                        *reterr = error;
                return r;
        }
        wanted = wanted ? wanted : DISK_SIZE_DEFAULT;
        r = create_overlay(image, wanted > size ? wanted : size, s->disk, reterr);
        return r < 0 ? r : ingot_outfile_put(path, identity, strlen(identity), 0600, reterr);
}

static int make_vars(const struct ingot_vm_state *s, const char *template, ingot_error *reterr)
{
        struct stat st;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        if (s->kept && stat(s->vars, &st) == 0)
                return 0;
        int r = ingot_file_read(AT_FDCWD, template, VARS_MAX, &data, &size, reterr);
        return r < 0 ? r : ingot_outfile_put(s->vars, data, size, 0600, reterr);
}

/* A table is found only where the machine's disk has sectors of its size. */
static uint32_t find_sector_size(struct ingot_file *image)
{
        struct ingot_reader reader = ingot_file_reader(image);
        struct ingot_gpt gpt;
        return ingot_gpt_read(&reader, &gpt, NULL) >= 0 ? gpt.sector_size : 512;
}

int ingot_vm_state_open(const struct ingot_vm_state_options *o, struct ingot_vm_state *ret,
                        ingot_error *reterr)
{
        _cleanup_vm_state_ struct ingot_vm_state s = INGOT_VM_STATE_NONE;
        _cleanup_file_ struct ingot_file image = INGOT_FILE_NONE;
        char whole[PATH_MAX];
        int r = ingot_file_open(&image, o->image, reterr);
        if (r < 0)
                return r;
        if (image.size < 34 * 512) /* a GPT alone has as much */
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is no disk image", o->image);
        if (!realpath(o->image, whole))
                return ingot_fail_errno(reterr, "find %s", o->image);
        s.sector_size = find_sector_size(&image);
        r = make_folder(o->folder, &s, reterr);
        if (r >= 0)
                r = make_names(&s, reterr);
        if (r >= 0)
                r = make_disk(&s, whole, image.size, o->disk_size, reterr);
        if (r >= 0)
                r = make_vars(&s, o->vars, reterr);
        if (r < 0)
                return r;
        *ret = s;
        s = INGOT_VM_STATE_NONE;
        return 0;
}
