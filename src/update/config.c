/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* update.conf and its drop-ins. */
#include "update/config.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "format/ini.h"
#include "os/config-files.h"
#include "os/root.h"

#include <stdlib.h>
#include <string.h>

#define MAIN_FILE "ingot/update.conf"

void ingot_update_config_done(struct ingot_update_config *c)
{
        ingot_strings_done(&c->sources);
        ingot_strings_done(&c->keys);
        free(c->channel);
}

/* An empty value begins the list anew. */
static int add_words(struct ingot_strings *to, const char *value, ingot_error *reterr)
{
        if (*value)
                return ingot_strings_split(to, value, " \t", reterr);
        ingot_strings_done(to);
        *to = (struct ingot_strings){0};
        return 0;
}

static int set_key(struct ingot_update_config *c, const char *key, const char *value,
                   ingot_error *reterr)
{
        if (strcmp(key, "Source") == 0)
                return add_words(&c->sources, value, reterr);
        if (strcmp(key, "Key") == 0)
                return add_words(&c->keys, value, reterr);
        if (strcmp(key, "Channel") == 0) {
                free(c->channel);
                c->channel = NULL;
                return *value ? ingot_strdup(&c->channel, value, reterr) : 0;
        }
        if (strcmp(key, "Threshold") == 0)
                return ingot_parse_u64(value, &c->threshold)
                               ? 0
                               : ingot_fail(reterr, INGOT_E_FORMAT, "'%.64s' is no number", value);
        if (strcmp(key, "Limit") == 0)
                return ingot_parse_size(value, &c->limit)
                               ? 0
                               : ingot_fail(reterr, INGOT_E_FORMAT, "'%.64s' is no size", value);
        return ingot_fail(reterr, INGOT_E_FORMAT,
                          "there is no such key: Source, Channel, Key, Threshold and Limit are");
}

static int take_line(void *context, const struct ingot_ini_line *line, ingot_error *reterr)
{
        int r = strcmp(line->section, "Update") == 0
                        ? set_key(context, line->key, line->value, reterr)
                        : ingot_fail(reterr, INGOT_E_FORMAT, "the only section is [Update]");
        return ingot_under(reterr, r, "%s:%u: %s", line->file, line->line, line->key);
}

int ingot_update_config_load(int root, struct ingot_update_config *ret, ingot_error *reterr)
{
        _cleanup_update_config_ struct ingot_update_config c = {0};
        _cleanup_strings_ struct ingot_strings paths = {0};
        _cleanup_free_ char *path = NULL;
        int r = ingot_config_find(root, ingot_config_folders, MAIN_FILE, &path, reterr);
        if (r >= 0 && *path)
                r = ingot_strings_add(&paths, path, reterr);
        if (r >= 0)
                r = ingot_config_list(root, ingot_config_folders, MAIN_FILE ".d", ".conf", &paths,
                                      reterr);
        for (size_t i = 0; r >= 0 && i < paths.count; i++) {
                _cleanup_buffer_ struct ingot_buffer text = {0};
                r = ingot_root_read(root, paths.items[i], INGOT_INI_SIZE_MAX, &text, reterr);
                if (r >= 0)
                        r = ingot_ini_parse(paths.items[i], ingot_buffer_span(&text), take_line, &c,
                                            reterr);
        }
        if (r < 0)
                return r;
        *ret = c;
        c = (struct ingot_update_config){0};
        return 0;
}
