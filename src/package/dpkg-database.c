/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dpkg's database. The state of each package is "install ok unpacked"; its configuration files
 * stand beside their names as *.dpkg-new, and the status says so with "newconffile".
 *
 * Triggers: interests are entered as dpkg enters them. What the unpacking itself would activate
 * needs no note, because a package that is not configured yet is never told of it.
 */
#include "package/dpkg-database.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "os/make.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define ADMIN "var/lib/dpkg/"

/* "libc6:amd64" where several architectures of it may be installed, else "bash". */
static int package_id(const struct ingot_deb_package *p, char **ret, ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%s%s%s", p->name, p->multiarch_same ? ":" : "",
                            p->multiarch_same ? p->architecture : "");
}

static int put(int dirfd, const char *path, const void *data, size_t size, mode_t mode,
               ingot_error *reterr)
{
        _cleanup_close_ int fd =
                openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return ingot_fail_errno(reterr, "create %s", path);
        int r = ingot_file_write_all(fd, data, size, reterr);
        if (r >= 0 && fchmod(fd, mode) < 0)
                r = ingot_fail_errno(reterr, "set mode");
        return ingot_under(reterr, r, "%s", path);
}

static int put_info(int dirfd, const char *id, const char *kind, const void *data, size_t size,
                    mode_t mode, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, ADMIN "info/%s.%s", id, kind);
        return r < 0 ? r : put(dirfd, path, data, size, mode, reterr);
}

/* Every path in the order of the archive; the root is "/.". */
static int put_list(int dirfd, const struct ingot_deb_package *p, const char *id,
                    ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer list = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < p->file_count; i++)
                r = ingot_buffer_printf(&list, reterr, "/%s\n",
                                        *p->files[i].path ? p->files[i].path : ".");
        return r < 0 ? r : put_info(dirfd, id, "list", list.data, list.size, 0644, reterr);
}

static int put_controls(int dirfd, const struct ingot_deb_package *p, ingot_error *reterr)
{
        _cleanup_free_ char *id = NULL;
        int r = package_id(p, &id, reterr);
        for (size_t i = 0; r >= 0 && i < p->control_count; i++) {
                const struct ingot_deb_control_file *c = p->controls + i;
                if (strcmp(c->name, "control") != 0)
                        r = put_info(dirfd, id, c->name, c->data, c->size, c->mode & 0777, reterr);
        }
        return r < 0 ? r : put_list(dirfd, p, id, reterr);
}

/* The control fields with Status behind the first, and the configuration files. */
static int add_stanza(struct ingot_buffer *status, const struct ingot_deb_package *p,
                      ingot_error *reterr)
{
        const struct ingot_deb_control_file *control = ingot_deb_control(p, "control");
        const char *text = (const char *) control->data, *end = text + control->size;
        while (text < end && *text == '\n')
                text++;
        while (end > text && end[-1] == '\n')
                end--;
        int r = ingot_buffer_printf(status, reterr, "Status: install ok unpacked\n%.*s\n",
                                    (int) (end - text), text);
        bool first = true;
        for (size_t i = 0; r >= 0 && i < p->file_count; i++) {
                if (!p->files[i].conffile)
                        continue;
                r = ingot_buffer_printf(status, reterr, "%s /%s newconffile\n",
                                        first ? "Conffiles:\n" : "", p->files[i].path);
                first = false;
        }
        return r < 0 ? r : ingot_buffer_append(status, "\n", 1, reterr);
}

/* The lines of each trigger's file, by trigger name. */
struct interests {
        struct ingot_strings names;
        struct ingot_buffer *lines;
        struct ingot_buffer paths; /* triggers/File */
};

static void interests_done(struct interests *t)
{
        for (size_t i = 0; i < t->names.count; i++)
                ingot_buffer_done(t->lines + i);
        free(t->lines);
        ingot_strings_done(&t->names);
        ingot_buffer_done(&t->paths);
}

static int lines_of(struct interests *t, const char *name, struct ingot_buffer **ret,
                    ingot_error *reterr)
{
        for (size_t i = 0; i < t->names.count; i++)
                if (strcmp(t->names.items[i], name) == 0) {
                        *ret = t->lines + i;
                        return 0;
                }
        struct ingot_buffer *grown = reallocarray(t->lines, t->names.count + 1, sizeof(*grown));
        if (!grown)
                return ingot_fail_nomem(reterr);
        t->lines = grown;
        grown[t->names.count] = (struct ingot_buffer){0};
        int r = ingot_strings_add(&t->names, name, reterr);
        *ret = t->lines + t->names.count - (r >= 0 ? 1 : 0);
        return r;
}

/* One line of a triggers file (deb-triggers(5)): "interest-noawait NAME", "activate NAME", …. */
static int add_interest(struct interests *t, const struct ingot_deb_package *p, const char *line,
                        ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings words = {0};
        int r = ingot_strings_split(&words, line, " \t\r", reterr);
        if (r < 0 || words.count == 0 || words.items[0][0] == '#' ||
            !ingot_starts_with(words.items[0], "interest"))
                return r;
        if (words.count != 2)
                return ingot_fail(reterr, INGOT_E_FORMAT, "triggers: '%s'", line);
        bool noawait = strcmp(words.items[0], "interest-noawait") == 0;
        const char *name = words.items[1];
        _cleanup_free_ char *id = NULL;
        r = package_id(p, &id, reterr);
        if (r < 0)
                return r;
        if (name[0] == '/')
                return ingot_buffer_printf(&t->paths, reterr, "%s %s%s\n", name, id,
                                           noawait ? "/noawait" : "");
        if (strchr(name, '/') || name[0] == '.' || strlen(name) > 200)
                return ingot_fail(reterr, INGOT_E_FORMAT, "triggers: '%s'", name);
        struct ingot_buffer *lines = NULL;
        r = lines_of(t, name, &lines, reterr);
        return r < 0 ? r
                     : ingot_buffer_printf(lines, reterr, "%s%s\n", id, noawait ? "/noawait" : "");
}

static int add_interests(struct interests *t, const struct ingot_deb_package *p,
                         ingot_error *reterr)
{
        const struct ingot_deb_control_file *file = ingot_deb_control(p, "triggers");
        _cleanup_strings_ struct ingot_strings lines = {0};
        int r = file ? ingot_strings_split(&lines, (char *) file->data, "\n", reterr) : 0;
        for (size_t i = 0; r >= 0 && i < lines.count; i++)
                r = add_interest(t, p, lines.items[i], reterr);
        return r;
}

static int put_interests(int dirfd, const struct interests *t, ingot_error *reterr)
{
        int r = 0;
        if (t->paths.size > 0)
                r = put(dirfd, ADMIN "triggers/File", t->paths.data, t->paths.size, 0644, reterr);
        for (size_t i = 0; r >= 0 && i < t->names.count; i++) {
                _cleanup_free_ char *path = NULL;
                r = ingot_format(&path, reterr, ADMIN "triggers/%s", t->names.items[i]);
                if (r >= 0)
                        r = put(dirfd, path, t->lines[i].data, t->lines[i].size, 0644, reterr);
        }
        return r;
}

static int make_folders(int dirfd, ingot_error *reterr)
{
        static const char *const folders[] = {"var",         "var/lib",           "var/lib/dpkg",
                                              ADMIN "info",  ADMIN "updates",     ADMIN "triggers",
                                              ADMIN "parts", ADMIN "alternatives"};
        static const char *const files[] = {ADMIN "diversions", ADMIN "statoverride",
                                            ADMIN "triggers/Unincorp"};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(folders); i++)
                r = ingot_make_missing_directory_at(dirfd, folders[i], 0755, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(files); i++)
                r = put(dirfd, files[i], "", 0, 0644, reterr);
        return r < 0 ? r : put(dirfd, ADMIN "info/format", "1\n", 2, 0644, reterr);
}

int ingot_dpkg_database_write(int dirfd, const struct ingot_deb_package *packages, size_t count,
                              ingot_error *reterr)
{
        _cleanup_(interests_done) struct interests interests = {0};
        _cleanup_buffer_ struct ingot_buffer status = {0};
        int r = make_folders(dirfd, reterr);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                const struct ingot_deb_package *p = packages + i;
                if (p->unpacker != INGOT_DEB_OURS)
                        continue;
                r = put_controls(dirfd, p, reterr);
                if (r >= 0)
                        r = add_stanza(&status, p, reterr);
                if (r >= 0)
                        r = add_interests(&interests, p, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", p->name);
        }
        if (r >= 0)
                r = put_interests(dirfd, &interests, reterr);
        if (r >= 0)
                r = put(dirfd, ADMIN "status", status.data, status.size, 0644, reterr);
        return r;
}
