/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's command line. */
#include "init/cmdline.h"
#include "base/cleanup.h"

#include <string.h>

void init_cmdline_done(struct init_cmdline *c)
{
        free(c->init);
        *c = (struct init_cmdline){0};
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes the next word off *AT, without its quotes, in place; NULL at the end. */
static char *next_word(char **at)
{
        char *p = *at;
        while (is_blank(*p))
                p++;
        if (!*p)
                return NULL;
        char *word = p, *to = p;
        for (bool quoted = false; *p && (quoted || !is_blank(*p)); p++) {
                if (*p == '"')
                        quoted = !quoted;
                else
                        *to++ = *p;
        }
        *at = *p ? p + 1 : p;
        *to = 0;
        return word;
}

/* The value when WORD is KEY=value ("" for KEY alone), else NULL. */
static const char *value_of(const char *word, const char *key)
{
        size_t size = strlen(key);
        if (strncmp(word, key, size) != 0)
                return NULL;
        return word[size] == '=' ? word + size + 1 : word[size] == 0 ? word + size : NULL;
}

static int take_word(struct init_cmdline *c, const char *word, ingot_error *reterr)
{
        const char *value;
        if ((value = value_of(word, "roothash"))) {
                if (!ingot_unhex(c->root_hash, sizeof(c->root_hash), value))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "roothash=%s: not 64 hex digits", value);
                c->has_root_hash = true;
        } else if ((value = value_of(word, "rd.shell"))) {
                c->shell = true;
                if (*value && !ingot_parse_bool(value, &c->shell))
                        c->shell = false;
        } else if ((value = value_of(word, "systemd.import_credentials")) ||
                   (value = value_of(word, "rd.systemd.import_credentials"))) {
                bool import;
                c->no_credentials = ingot_parse_bool(value, &import) && !import;
        } else if ((value = value_of(word, "systemd.machine_id"))) {
                c->machine_id = *value != 0;
        } else if ((value = value_of(word, "init")) && *value == '/') {
                free(c->init);
                return ingot_strdup(&c->init, value, reterr);
        }
        return 0;
}

int init_cmdline_parse(const char *text, struct init_cmdline *ret, ingot_error *reterr)
{
        _cleanup_init_cmdline_ struct init_cmdline c = {0};
        _cleanup_free_ char *copy = NULL;
        int r = ingot_strdup(&copy, text, reterr);
        if (r < 0)
                return r;
        char *at = copy;
        for (char *word; (word = next_word(&at)) && strcmp(word, "--") != 0;) {
                r = take_word(&c, word, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "kernel command line");
        }
        *ret = c;
        c = (struct init_cmdline){0};
        return 0;
}

/* PARAMETER[=VALUE] when the word is for that module, else NULL. */
static const char *module_parameter(const char *word, const char *name)
{
        for (; *name; word++, name++)
                if (*word != *name && !(strchr("-_", *name) && (*word == '-' || *word == '_')))
                        return NULL;
        return *word == '.' && word[1] ? word + 1 : NULL;
}

int init_cmdline_module(const char *text, const char *name, struct ingot_buffer *ret,
                        ingot_error *reterr)
{
        _cleanup_free_ char *copy = NULL;
        const char *parameter;
        int r = ingot_strdup(&copy, text, reterr);
        char *at = copy;
        for (char *word; r >= 0 && (word = next_word(&at)) && strcmp(word, "--") != 0;)
                if ((parameter = module_parameter(word, name)))
                        r = ingot_buffer_printf(ret, reterr, "%s%s", ret->size ? " " : "",
                                                parameter);
        return r;
}

int init_cmdline_values(const char *text, const char *key, struct ingot_strings *ret,
                        ingot_error *reterr)
{
        _cleanup_free_ char *copy = NULL;
        const char *value;
        int r = ingot_strdup(&copy, text, reterr);
        char *at = copy;
        for (char *word; r >= 0 && (word = next_word(&at)) && strcmp(word, "--") != 0;)
                if ((value = value_of(word, key)))
                        r = ingot_strings_add(ret, value, reterr);
        return r;
}
