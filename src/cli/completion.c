/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completion scripts: commands, options, the values of choices, files and folders. */
#include "cli/help.h"

#include <string.h>

static bool is_folder(const struct option *o)
{
        return o->argument && strstr(o->argument, "DIR") != NULL;
}

static void bash_options(FILE *out, const struct command *c)
{
        for (const struct option *o = c->rows; o && o->name; o++)
                fprintf(out, "--%s%s ", o->name, o->argument ? "=" : "");
        fputs("--help", out);
}

/* What completes the value of one option. */
static void bash_values(FILE *out, const struct command *c)
{
        for (const struct option *o = c->rows; o && o->name; o++) {
                if (!o->argument)
                        continue;
                fprintf(out, "        '%s --%s') ", c->name, o->name);
                if (o->choices) {
                        fputs("COMPREPLY=($(compgen -W '", out);
                        for (const char *const *v = o->choices; *v; v++)
                                fprintf(out, "%s%s", v == o->choices ? "" : " ", *v);
                        fputs("' -- \"$current\")) ;;\n", out);
                } else {
                        fprintf(out, "COMPREPLY=($(compgen %s -- \"$current\")) ;;\n",
                                is_folder(o) ? "-d" : "-f");
                }
        }
}

static void bash_names(FILE *out)
{
        for (size_t i = 0; commands[i]; i++)
                fprintf(out, "%s%s", i ? " " : "", commands[i]->name);
}

static void completion_bash(FILE *out)
{
        fputs("# bash completion for ingot; made from its option tables\n"
              "_ingot()\n{\n"
              "        local current=$2 previous=$3 command=${COMP_WORDS[1]-} options=\n"
              "        COMPREPLY=()\n"
              "        [[ $current == = ]] && current=\n"
              "        [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD-2]}\n"
              "        if ((COMP_CWORD == 1)); then\n"
              "                COMPREPLY=($(compgen -W '",
              out);
        bash_names(out);
        fputs(" --help --version --man --completion' -- \"$current\"))\n"
              "                return\n        fi\n"
              "        case \" ",
              out);
        bash_names(out);
        fputs(" \" in\n        *\" $command ${COMP_WORDS[2]-} \"*) "
              "command+=\" ${COMP_WORDS[2]-}\" ;;\n        esac\n"
              "        case \"$command $previous\" in\n",
              out);
        for (size_t i = 0; commands[i]; i++)
                bash_values(out, commands[i]);
        fputs("        *)\n                case \"$command\" in\n", out);
        for (size_t i = 0; commands[i]; i++) {
                fprintf(out, "                '%s') options='", commands[i]->name);
                bash_options(out, commands[i]);
                fputs("' ;;\n", out);
        }
        fputs("                esac\n"
              "                if [[ $current == -* ]]; then\n"
              "                        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
              "                        [[ ${COMPREPLY-} == *= ]] && compopt -o nospace\n"
              "                else\n"
              "                        COMPREPLY=($(compgen -f -- \"$current\"))\n"
              "                fi ;;\n        esac\n}\n"
              "complete -o filenames -F _ingot ingot\n",
              out);
}

/* Text within a single-quoted _arguments specification. */
static void zsh_text(FILE *out, const char *text)
{
        for (; *text; text++)
                if (*text == '\'')
                        fputs("'\\''", out);
                else if (strchr("[]:\\", *text))
                        fprintf(out, "\\%c", *text);
                else
                        fputc(*text, out);
}

static void zsh_option(FILE *out, const struct option *o)
{
        bool repeated = o->type == OPTION_TYPE_STRINGS;
        fprintf(out, "                        '%s--%s%s[", repeated ? "*" : "", o->name,
                o->argument ? "=" : "");
        zsh_text(out, o->help);
        fputc(']', out);
        if (o->argument) {
                fputc(':', out);
                zsh_text(out, o->argument);
                fputc(':', out);
                if (o->choices) {
                        fputc('(', out);
                        for (const char *const *v = o->choices; *v; v++)
                                fprintf(out, "%s%s", v == o->choices ? "" : " ", *v);
                        fputc(')', out);
                } else {
                        fputs(is_folder(o) ? "_files -/" : "_files", out);
                }
        }
        fputs("' \\\n", out);
}

static void completion_zsh(FILE *out)
{
        fputs("#compdef ingot\n# made from ingot's option tables\n"
              "_ingot() {\n        local -a commands\n        commands=(\n",
              out);
        for (size_t i = 0; commands[i]; i++) {
                fputs("                '", out);
                zsh_text(out, commands[i]->name);
                fputc(':', out);
                zsh_text(out, commands[i]->summary);
                fputs("'\n", out);
        }
        fputs("        )\n"
              "        if ((CURRENT == 2)); then\n"
              "                _describe command commands\n"
              "                return\n        fi\n"
              "        local command=$words[2]\n"
              "        [[ -n ${(M)commands:#$command $words[3]:*} ]] && command+=\" $words[3]\"\n"
              "        case $command in\n",
              out);
        for (size_t i = 0; commands[i]; i++) {
                fprintf(out, "        '%s')\n                _arguments \\\n", commands[i]->name);
                for (const struct option *o = commands[i]->rows; o && o->name; o++)
                        zsh_option(out, o);
                fputs("                        '--help[Show a short help]' \\\n"
                      "                        '*:file:_files' ;;\n",
                      out);
        }
        fputs("        esac\n}\n_ingot \"$@\"\n", out);
}

int completion_script(FILE *out, const char *shell, ingot_error *reterr)
{
        if (strcmp(shell, "bash") == 0)
                completion_bash(out);
        else if (strcmp(shell, "zsh") == 0)
                completion_zsh(out);
        else
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "no completion for the shell %s, only for bash and zsh", shell);
        return 0;
}
