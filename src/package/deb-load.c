/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A package to be installed, in memory but for the content of its files. */
#include "package/deb-load.h"
#include "base/cleanup.h"
#include "format/deb822.h"

#include <stdlib.h>

#define CONTROL_FILES_MAX 256

static void content_done(struct ingot_deb_content *f)
{
        free(f->path);
        free(f->target);
        free(f->place);
}

void ingot_deb_package_done(struct ingot_deb_package *p)
{
        ingot_file_close(&p->file);
        for (size_t i = 0; i < p->control_count; i++) {
                free(p->controls[i].name);
                free(p->controls[i].data);
        }
        for (size_t i = 0; i < p->file_count; i++)
                content_done(p->files + i);
        free(p->controls);
        free(p->files);
        free(p->path);
        free(p->name);
        free(p->version);
        free(p->architecture);
        free(p->depends);
        free(p->pre_depends);
        free(p->provides);
        *p = (struct ingot_deb_package){.file = INGOT_FILE_NONE};
}

const struct ingot_deb_control_file *ingot_deb_control(const struct ingot_deb_package *p,
                                                       const char *name)
{
        for (size_t i = 0; i < p->control_count; i++)
                if (strcmp(p->controls[i].name, name) == 0)
                        return p->controls + i;
        return NULL;
}

static int add_control(struct ingot_deb_package *p, const struct ingot_reader *tar,
                       const struct ingot_deb_file *file, ingot_error *reterr)
{
        if (file->type == INGOT_FILE_DIRECTORY)
                return 0;
        if (file->type != INGOT_FILE_REGULAR || file->hard_link || strchr(file->path, '/'))
                return ingot_fail(reterr, INGOT_E_FORMAT, "control file %s", file->path);
        if (p->control_count == CONTROL_FILES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "too many control files");
        struct ingot_deb_control_file *grown =
                reallocarray(p->controls, p->control_count + 1, sizeof(*grown));
        if (!grown)
                return ingot_fail_nomem(reterr);
        p->controls = grown;
        struct ingot_deb_control_file *c = grown + p->control_count;
        *c = (struct ingot_deb_control_file){.mode = file->mode, .size = (size_t) file->size};
        p->control_count++;
        c->data = malloc(c->size + 1);
        if (!c->data)
                return ingot_fail_nomem(reterr);
        c->data[c->size] = 0;
        int r = ingot_strdup(&c->name, file->path, reterr);
        return r < 0 ? r : ingot_read_at(tar, file->offset, c->data, c->size, reterr);
}

static int read_controls(struct ingot_deb_package *p, const struct ingot_reader *tar,
                         ingot_error *reterr)
{
        _cleanup_free_ struct ingot_deb_tar *t = malloc(sizeof(*t));
        struct ingot_deb_file file;
        int r;
        if (!t)
                return ingot_fail_nomem(reterr);
        if (tar->size > INGOT_DEB_CONTROL_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "control files over 256 MiB");
        ingot_deb_tar_begin(t, tar);
        while ((r = ingot_deb_tar_next(t, &file, reterr)) > 0) {
                r = add_control(p, tar, &file, reterr);
                if (r < 0)
                        break;
        }
        return r;
}

static int add_content(struct ingot_deb_package *p, const struct ingot_deb_file *file,
                       uint64_t tar_offset, ingot_error *reterr)
{
        if (p->file_count == p->file_allocated) {
                size_t grown = p->file_allocated ? 2 * p->file_allocated : 64;
                struct ingot_deb_content *files = reallocarray(p->files, grown, sizeof(*files));
                if (!files)
                        return ingot_fail_nomem(reterr);
                p->files = files;
                p->file_allocated = grown;
        }
        struct ingot_deb_content *f = p->files + p->file_count++;
        *f = (struct ingot_deb_content){
                .type = file->type,
                .hard_link = file->hard_link,
                .mode = file->mode,
                .uid = file->uid,
                .gid = file->gid,
                .major = file->major,
                .minor = file->minor,
                .mtime = file->mtime,
                .offset = tar_offset + file->offset,
                .size = file->size,
        };
        int r = ingot_strdup(&f->path, file->path, reterr);
        return r < 0 || !file->target ? r : ingot_strdup(&f->target, file->target, reterr);
}

static int read_contents(struct ingot_deb_package *p, const struct ingot_reader *tar,
                         uint64_t tar_offset, ingot_error *reterr)
{
        _cleanup_free_ struct ingot_deb_tar *t = malloc(sizeof(*t));
        struct ingot_deb_file file;
        int r;
        if (!t)
                return ingot_fail_nomem(reterr);
        ingot_deb_tar_begin(t, tar);
        while ((r = ingot_deb_tar_next(t, &file, reterr)) > 0) {
                r = add_content(p, &file, tar_offset, reterr);
                if (r < 0)
                        break;
        }
        return r;
}

static int take_field(struct ingot_deb_package *p, const struct ingot_deb822_field *f,
                      ingot_error *reterr)
{
        const struct {
                const char *name;
                char **to;
        } fields[] = {
                {"Package", &p->name},
                {"Version", &p->version},
                {"Architecture", &p->architecture},
                {"Depends", &p->depends},
                {"Pre-Depends", &p->pre_depends},
                {"Provides", &p->provides},
        };
        if (ingot_deb822_is(f, "Essential"))
                p->essential = ingot_span_is(f->value, "yes");
        if (ingot_deb822_is(f, "Multi-Arch"))
                p->multiarch_same = ingot_span_is(f->value, "same");
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
                if (ingot_deb822_is(f, fields[i].name) && !*fields[i].to)
                        return ingot_format(fields[i].to, reterr, "%.*s", (int) f->value.size,
                                            (const char *) f->value.data);
        return 0;
}

/* Names go into paths and commands: policy 5.6.1, 5.6.12. */
static bool safe_word(const char *text, const char *more)
{
        size_t n = strlen(text);
        for (size_t i = 0; i < n; i++)
                if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') ||
                      strchr(more, text[i])))
                        return false;
        return n > 0 && n < 200 && text[0] != '-' && text[0] != '.';
}

static int read_fields(struct ingot_deb_package *p, ingot_error *reterr)
{
        const struct ingot_deb_control_file *control = ingot_deb_control(p, "control");
        if (!control)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no control file");
        struct ingot_deb822 d = ingot_deb822_over(INGOT_SPAN(control->data, control->size));
        struct ingot_deb822_field field;
        int r = ingot_deb822_paragraph(&d, reterr);
        while (r > 0 && (r = ingot_deb822_field(&d, &field, reterr)) > 0) {
                int taken = take_field(p, &field, reterr);
                if (taken < 0)
                        r = taken;
        }
        if (r < 0)
                return ingot_under(reterr, r, "control");
        if (!p->name || !p->version || !p->architecture || !safe_word(p->name, "+-.") ||
            !safe_word(p->architecture, "-"))
                return ingot_fail(reterr, INGOT_E_FORMAT, "control: name, version or architecture");
        return 0;
}

/* "/etc/x", or "remove-on-upgrade /etc/x", which names nothing that is there. */
static int mark_conffiles(struct ingot_deb_package *p, ingot_error *reterr)
{
        const struct ingot_deb_control_file *list = ingot_deb_control(p, "conffiles");
        _cleanup_strings_ struct ingot_strings lines = {0};
        int r = list ? ingot_strings_split(&lines, (char *) list->data, "\n", reterr) : 0;
        for (size_t i = 0; r >= 0 && i < lines.count; i++) {
                size_t n = strlen(lines.items[i]);
                while (n > 0 && strchr(" \t\r", lines.items[i][n - 1]))
                        lines.items[i][--n] = 0;
                for (size_t k = 0; lines.items[i][0] == '/' && k < p->file_count; k++)
                        if (strcmp(p->files[k].path, lines.items[i] + 1) == 0)
                                p->files[k].conffile = true;
        }
        return r;
}

static int load(struct ingot_deb_package *p, ingot_error *reterr)
{
        struct ingot_deb deb;
        struct ingot_reader control, data;
        int r = ingot_file_open(&p->file, p->path, reterr);
        if (r < 0)
                return r;
        const struct ingot_reader file = ingot_file_reader(&p->file);
        r = ingot_deb_decode(&file, &deb, reterr);
        if (r >= 0)
                r = ingot_reader_part(&file, deb.control.offset, deb.control.size, &control,
                                      reterr);
        if (r >= 0)
                r = ingot_reader_part(&file, deb.data.offset, deb.data.size, &data, reterr);
        if (r >= 0)
                r = read_controls(p, &control, reterr);
        if (r >= 0)
                r = read_fields(p, reterr);
        if (r >= 0)
                r = read_contents(p, &data, deb.data.offset, reterr);
        return r < 0 ? r : mark_conffiles(p, reterr);
}

int ingot_deb_package_load(const char *path, struct ingot_deb_package *ret, ingot_error *reterr)
{
        struct ingot_deb_package p = {.file = INGOT_FILE_NONE};
        int r = ingot_strdup(&p.path, path, reterr);
        if (r >= 0)
                r = load(&p, reterr);
        ingot_file_close(&p.file);
        if (r < 0) {
                r = ingot_under(reterr, r, "%s", p.name ? p.name : path);
                ingot_deb_package_done(&p);
                return r;
        }
        *ret = p;
        return 0;
}
