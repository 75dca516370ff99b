/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one main(): finds the command, parses its options, runs it, prints its error. */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/print.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND(name) extern const struct command cmd_##name;
#include "cli/commands.h"
#undef COMMAND

const struct command *const commands[] = {
#define COMMAND(name) &cmd_##name,
#include "cli/commands.h"
#undef COMMAND
        NULL,
};

const struct command *command_find(const char *name)
{
        for (size_t i = 0; commands[i]; i++)
                if (strcmp(commands[i]->name, name) == 0)
                        return commands[i];
        return NULL;
}

/* The commands whose first word is NAME, "a b, a c"; false when there is none. */
static bool list_second_words(const char *name, char *ret, size_t size)
{
        size_t n = strlen(name), at = 0;
        for (size_t i = 0; commands[i]; i++)
                if (strncmp(commands[i]->name, name, n) == 0 && commands[i]->name[n] == ' ' &&
                    at < size)
                        at += (size_t) snprintf(ret + at, size - at, "%s%s", at ? ", " : "",
                                                commands[i]->name);
        return at > 0;
}

int command_unknown(const char *name, ingot_error *reterr)
{
        char several[256];
        if (list_second_words(name, several, sizeof(several)))
                return ingot_fail(reterr, INGOT_E_USAGE, "no command %s alone; there are %s", name,
                                  several);
        const char *names[128];
        size_t count = 0;
        for (; commands[count] && count < ARRAY_SIZE(names); count++)
                names[count] = commands[count]->name;
        const char *nearest = ingot_nearest(name, names, count);
        if (nearest)
                return ingot_fail(reterr, INGOT_E_USAGE, "no command %s; did you mean %s?", name,
                                  nearest);
        return ingot_fail(reterr, INGOT_E_USAGE, "no command %s", name);
}

/* One word or two; *ret_words says how many the name took. */
static const struct command *find_words(int argc, char **argv, int *ret_words)
{
        char two[128];
        if (argc >= 2) {
                snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
                const struct command *c = command_find(two);
                *ret_words = 2;
                if (c)
                        return c;
        }
        *ret_words = 1;
        return command_find(argv[0]);
}

/* Prints the failure; returns the exit status. A usage error says where help is. */
static int fail(const struct command *c, const ingot_error *e)
{
        char context[80] = "";
        if (c)
                snprintf(context, sizeof(context), "%s: ", c->name);
        print_error(context, e);
        if (e->code == INGOT_E_USAGE)
                fprintf(stderr, "try 'ingot %s%s--help'\n", c ? c->name : "", c ? " " : "");
        return ingot_code_exit_status(e->code);
}

/* Data that did not reach stdout is a failure, whatever the command says. */
static int finish(const struct command *c, int status)
{
        ingot_error error = {0};
        print_progress_end();
        if ((fflush(stdout) != 0 || ferror(stdout)) && status == 0) {
                ingot_fail_errno(&error, "write the output");
                return fail(c, &error);
        }
        return status;
}

static int call(const struct command *c, struct invocation *in, int argc, char **argv)
{
        ingot_error error = {0};
        int r = option_parse(c, argc, argv, in, &error);
        if (r > 0) {
                help_command(stdout, c);
                return finish(c, 0);
        }
        if (r < 0)
                return fail(c, &error);
        struct ingot_log log = print_log(in->quiet);
        in->log = &log;
        print_allow_color(!in->no_color);
        r = c->run(in, &error);
        return finish(c, r < 0 ? fail(c, &error) : r);
}

static int run_command(const struct command *c, int argc, char **argv)
{
        _cleanup_free_ void *options = calloc(1, c->options_size ? c->options_size : 1);
        _cleanup_free_ const char **operands = calloc((size_t) argc + 1, sizeof(*operands));
        ingot_error error = {0};
        if (!options || !operands) {
                ingot_fail_nomem(&error);
                return fail(c, &error);
        }
        if (c->defaults)
                memcpy(options, c->defaults, c->options_size);
        struct invocation in = {.command = c, .options = options, .operands = operands};
        int status = call(c, &in, argc, argv);
        option_free(c->rows, options);
        return status;
}

/* The value of --NAME=VALUE or --NAME VALUE in the first words, or NULL. */
static const char *global_value(int argc, char **argv, const char *name)
{
        size_t n = strlen(name);
        if (strncmp(argv[0], name, n) != 0)
                return NULL;
        if (argv[0][n] == '=')
                return argv[0] + n + 1;
        return argv[0][n] == 0 && argc > 1 ? argv[1] : NULL;
}

static int print_man(const char *name, ingot_error *reterr)
{
        const struct command *c = NULL;
        if (strcmp(name, "ingot") != 0 && !(c = command_find(name)))
                return command_unknown(name, reterr);
        man_page(stdout, c);
        return 0;
}

/* `ingot --something`: options that belong to no command. */
static int global_option(int argc, char **argv, ingot_error *reterr)
{
        const char *value;
        if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
                help_all(stdout);
        else if (strcmp(argv[0], "--version") == 0)
                printf("ingot %s\n", INGOT_VERSION);
        else if (strcmp(argv[0], "--examples") == 0)
                help_examples(stdout);
        else if ((value = global_value(argc, argv, "--man")))
                return print_man(value, reterr);
        else if ((value = global_value(argc, argv, "--completion")))
                return completion_script(stdout, value, reterr);
        else
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "%s stands before a command, but is no such option", argv[0]);
        return 0;
}

int main(int argc, char **argv)
{
        ingot_error error = {0};
        int words = 0;
        setlocale(LC_CTYPE, "C.UTF-8");
        print_allow_color(true);
        if (argc < 2) {
                ingot_fail(&error, INGOT_E_USAGE, "which command?");
                return fail(NULL, &error);
        }
        if (argv[1][0] == '-') {
                int r = global_option(argc - 1, argv + 1, &error);
                return finish(NULL, r < 0 ? fail(NULL, &error) : 0);
        }
        const struct command *c = find_words(argc - 1, argv + 1, &words);
        if (!c) {
                bool help = argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h"));
                if (help && help_group(stdout, argv[1]))
                        return finish(NULL, 0);
                command_unknown(argv[1], &error);
                return fail(NULL, &error);
        }
        return run_command(c, argc - 1 - words, argv + 1 + words);
}
