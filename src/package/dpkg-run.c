/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The target's own dpkg, run in a sandbox. */
#include "package/dpkg-run.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "os/sandbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define OUTPUT_MAX ((size_t) 256 << 10)
#define LINES_TOLD 6

/*
 * What scripts see. There is no init to talk to (SYSTEMD_OFFLINE), nobody to ask, and no initrd to
 * be made by the target's tools (INITRD: initramfs-tools and dracut honour it in kernel hooks). The
 * seeds keep the order of Perl's and Python's tables, which reaches files, the same each time.
 */
static const char *const fixed_environment[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        "LC_ALL=C.UTF-8",
        "DEBIAN_FRONTEND=noninteractive",
        "DEBCONF_NONINTERACTIVE_SEEN=true",
        "DEBCONF_NOWARNINGS=yes",
        "SYSTEMD_OFFLINE=1",
        "INITRD=No",
        "PERL_HASH_SEED=0",
        "PYTHONHASHSEED=0",
};

static int make_environment(const struct ingot_dpkg_run *run, struct ingot_strings *ret,
                            ingot_error *reterr)
{
        _cleanup_free_ char *date = NULL;
        int r = ingot_format(&date, reterr, "SOURCE_DATE_EPOCH=%" PRId64, run->timestamp);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(fixed_environment); i++)
                r = ingot_strings_add(ret, fixed_environment[i], reterr);
        if (r >= 0)
                r = ingot_strings_add(ret, date, reterr);
        for (size_t i = 0; r >= 0 && run->environment && run->environment[i]; i++)
                r = ingot_strings_add(ret, run->environment[i], reterr);
        return r;
}

static int add_assumed(const struct ingot_dpkg_run *run, struct ingot_strings *argv,
                       ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && run->assumed && run->assumed[i]; i++) {
                _cleanup_free_ char *option = NULL;
                r = ingot_format(&option, reterr, "--ignore-depends=%s", run->assumed[i]);
                if (r >= 0)
                        r = ingot_strings_add(argv, option, reterr);
        }
        return r;
}

/* Nothing is flushed: the tree is thrown away when the build does not reach its end. */
static int make_command(const struct ingot_dpkg_run *run, struct ingot_strings *argv,
                        ingot_error *reterr)
{
        static const char *const words[] = {"/usr/bin/dpkg",   "--force-unsafe-io",
                                            "--force-confold", "--force-confdef",
                                            "--log=/dev/null", "--no-pager"};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(words); i++)
                r = ingot_strings_add(argv, words[i], reterr);
        return r < 0 ? r : add_assumed(run, argv, reterr);
}

/* A NULL-terminated view of a list; the caller frees the array alone. */
static int as_vector(const struct ingot_strings *list, const char ***ret, ingot_error *reterr)
{
        const char **vector = calloc(list->count + 1, sizeof(*vector));
        if (!vector)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < list->count; i++)
                vector[i] = list->items[i];
        *ret = vector;
        return 0;
}

static int run_dpkg(const struct ingot_dpkg_run *run, const struct ingot_strings *argv,
                    const struct ingot_sandbox_file *files, size_t file_count, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings environment = {0};
        _cleanup_free_ const char **command = NULL, **variables = NULL;
        _cleanup_sandbox_result_ struct ingot_sandbox_result result = {0};
        int r = make_environment(run, &environment, reterr);
        if (r >= 0)
                r = as_vector(argv, &command, reterr);
        if (r >= 0)
                r = as_vector(&environment, &variables, reterr);
        if (r < 0)
                return r;
        const struct ingot_sandbox sandbox = {
                .root = run->root,
                .argv = command,
                .environment = variables,
                .files = files,
                .file_count = file_count,
                .ledger = run->ledger,
                .max_output = OUTPUT_MAX,
        };
        r = ingot_sandbox_run(&sandbox, &result, reterr);
        if (r >= 0 && result.exit_status != 0)
                r = ingot_dpkg_explain((char *) result.output.data, result.exit_status, reterr);
        return r;
}

static int add_packages(const struct ingot_deb_package *packages,
                        const struct ingot_dpkg_step *step, struct ingot_strings *argv,
                        struct ingot_strings *names, struct ingot_sandbox_file *files,
                        ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < step->count; i++) {
                const struct ingot_deb_package *p = packages + step->packages[i];
                _cleanup_free_ char *word = NULL, *name = NULL;
                if (step->configure) {
                        r = ingot_format(&word, reterr, "%s:%s", p->name, p->architecture);
                        /* "all" is no architecture a package can be asked for by. */
                        if (r >= 0 && strcmp(p->architecture, "all") == 0)
                                word[strlen(p->name)] = 0;
                } else {
                        r = ingot_format(&name, reterr, "%s_%s.deb", p->name, p->architecture);
                        if (r >= 0)
                                r = ingot_format(&word, reterr, "/dev/ingot/%s", name);
                        if (r >= 0)
                                r = ingot_strings_add(names, name, reterr);
                        files[i].path = p->path;
                }
                if (r >= 0)
                        r = ingot_strings_add(argv, word, reterr);
        }
        for (size_t i = 0; r >= 0 && i < names->count; i++)
                files[i].name = names->items[i];
        return r;
}

int ingot_dpkg_run_step(const struct ingot_dpkg_run *run, const struct ingot_deb_package *packages,
                        const struct ingot_dpkg_step *step, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings argv = {0}, names = {0};
        _cleanup_free_ struct ingot_sandbox_file *files =
                calloc(step->count ? step->count : 1, sizeof(*files));
        if (!files)
                return ingot_fail_nomem(reterr);
        int r = make_command(run, &argv, reterr);
        if (r >= 0 && step->base)
                r = ingot_strings_add(&argv, "--force-depends", reterr);
        if (r >= 0)
                r = ingot_strings_add(&argv, step->configure ? "--configure" : "--unpack", reterr);
        if (r >= 0)
                r = add_packages(packages, step, &argv, &names, files, reterr);
        if (r >= 0)
                r = run_dpkg(run, &argv, files, names.count, reterr);
        return r;
}

int ingot_dpkg_run_pending(const struct ingot_dpkg_run *run, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings argv = {0};
        int r = make_command(run, &argv, reterr);
        if (r >= 0)
                r = ingot_strings_add(&argv, "--configure", reterr);
        if (r >= 0)
                r = ingot_strings_add(&argv, "-a", reterr);
        return r < 0 ? r : run_dpkg(run, &argv, NULL, 0, reterr);
}

/* The last lines of [start, end), joined by " | ". */
static void last_lines(const char *start, const char *end, char *ret, size_t size)
{
        const char *from = end;
        unsigned lines = 0;
        while (from > start && from[-1] == '\n')
                end = --from;
        for (; from > start; from--)
                if (from[-1] == '\n' && ++lines == LINES_TOLD)
                        break;
        /* The end is what counts when it is too long. */
        if ((size_t) (end - from) > size / 2)
                from = end - size / 2;
        size_t n = 0;
        for (; from < end && n + 4 < size; from++) {
                if (*from != '\n') {
                        ret[n++] = *from;
                        continue;
                }
                memcpy(ret + n, " | ", 3);
                n += 3;
        }
        ret[n] = 0;
}

static const char *script_of(const char *line)
{
        static const struct {
                const char *words, *script;
        } scripts[] = {
                {"pre-installation script", "preinst"},
                {"post-installation script", "postinst"},
                {"pre-removal script", "prerm"},
                {"post-removal script", "postrm"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(scripts); i++)
                if (strstr(line, scripts[i].words))
                        return scripts[i].script;
        return NULL;
}

/* Where dpkg began with the package that failed before END. */
static const char *start_of_package(const char *output, const char *end)
{
        static const char *const beginnings[] = {"Setting up ", "Preparing to unpack ",
                                                 "Processing triggers for "};
        for (const char *line = end; line > output; line--)
                for (size_t i = 0; line[-1] == '\n' && i < ARRAY_SIZE(beginnings); i++)
                        if (ingot_starts_with(line, beginnings[i]))
                                return line;
        return output;
}

/* What dpkg says it was processing: "package NAME", or "archive PATH/NAME_ARCHITECTURE.deb", which
 * becomes the former: the path is one in the sandbox. */
static void name_package(const char *text, char *ret, size_t size)
{
        size_t n = strcspn(text, "(\n");
        while (n > 0 && text[n - 1] == ' ')
                n--;
        if (ingot_starts_with(text, "archive ")) {
                const char *name = text + strlen("archive ");
                for (const char *c = name; c < text + n; c++)
                        if (*c == '/')
                                name = c + 1;
                int length = (int) ingot_min_u64(strcspn(name, "_\n"), (size_t) (text + n - name));
                snprintf(ret, size, "package %.*s", length, name);
        } else {
                snprintf(ret, size, "%.*s", (int) n, text);
        }
}

int ingot_dpkg_explain(const char *output, int exit_status, ingot_error *reterr)
{
        static const char marker[] = "dpkg: error processing ";
        char said[700], reason[300], what[200];
        const char *error = strstr(output, marker);
        if (!error) {
                last_lines(output, output + strlen(output), said, sizeof(said));
                return ingot_fail(reterr, INGOT_E_SYSTEM, "dpkg failed (exit %d): %s", exit_status,
                                  said);
        }
        /* "dpkg: error processing package NAME (--configure):\n REASON\n" */
        const char *line = strchr(error, '\n');
        name_package(error + strlen(marker), what, sizeof(what));
        line = line ? line + 1 + strspn(line + 1, " ") : "";
        snprintf(reason, sizeof(reason), "%.*s", (int) strcspn(line, "\n"), line);
        last_lines(start_of_package(output, error), error, said, sizeof(said));
        const char *script = script_of(reason);
        if (script)
                return ingot_fail(reterr, INGOT_E_SYSTEM, "%s: its %s failed: %s: %s", what, script,
                                  reason, said);
        return ingot_fail(reterr, INGOT_E_CONFLICT, "%s: %s", what, reason);
}
