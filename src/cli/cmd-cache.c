/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot cache [clean] */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "os/sweep.h"
#include "package/cache.h"

#include <inttypes.h>
#include <string.h>

#define SECONDS_OF_A_DAY 86400

struct cache_options {
        const char *cache;
        uint64_t older_than;
};

static const struct option rows[] = {
        STRING(0, "cache", "DIR", struct cache_options, cache,
               "Use this cache instead of $XDG_CACHE_HOME/ingot"),
        UINT(0, "older-than", "DAYS", struct cache_options, older_than,
             "Keep what was used in the last so many days; default 0"),
        OPTION_JSON,
        {0},
};

static int print_json(const char *folder, const struct ingot_sweep *s, bool clean,
                      ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "folder", folder, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "files", s->files, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "bytes", s->bytes, reterr);
        if (r >= 0 && clean)
                r = ingot_json_add_u64(o, "removed_files", s->removed, reterr);
        if (r >= 0 && clean)
                r = ingot_json_add_u64(o, "removed_bytes", s->removed_bytes, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static void print_result(const char *folder, const struct ingot_sweep *s, bool clean)
{
        char size[16], removed[16];
        ingot_human_size(size, s->bytes);
        ingot_human_size(removed, s->removed_bytes);
        if (clean)
                printf("removed %" PRIu64 " files, %s\n", s->removed, removed);
        print_text(stdout, folder);
        printf(": %" PRIu64 " files, %s\n", s->files, size);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct cache_options *o = in->options;
        _cleanup_cache_ struct ingot_cache cache = {0};
        struct ingot_sweep result;
        bool clean = in->operand_count > 0;
        if (clean && strcmp(in->operands[0], "clean") != 0)
                return ingot_fail(reterr, INGOT_E_USAGE, "\"%s\" is not \"clean\"",
                                  in->operands[0]);
        if (!clean && o->older_than > 0)
                return ingot_fail(reterr, INGOT_E_USAGE, "--older-than goes with \"clean\"");
        if (o->older_than > UINT64_MAX / SECONDS_OF_A_DAY)
                return ingot_fail(reterr, INGOT_E_USAGE, "so many days have not been");
        int r = ingot_cache_open(&cache, o->cache, reterr);
        if (r >= 0)
                r = clean ? ingot_sweep_clean(cache.folder, o->older_than * SECONDS_OF_A_DAY,
                                              &result, reterr)
                          : ingot_sweep_measure(cache.folder, &result, reterr);
        if (r < 0)
                return r;
        if (in->json)
                return print_json(cache.folder, &result, clean, reterr);
        print_result(cache.folder, &result, clean);
        return 0;
}

static const struct example examples[] = {
        {"ingot cache --cache=cache", "How much lies in a cache"},
        {"ingot cache clean --cache=cache --older-than=30",
         "Remove what no build has used for a month"},
        {0},
};

const struct command cmd_cache = {
        .name = "cache",
        .synopsis = "[clean]",
        .summary = "Show or clean the cache of downloads",
        .details = "What builds download and unpack is kept below $XDG_CACHE_HOME/ingot, or "
                   "~/.cache/ingot. All of it can be had again: it may be deleted whenever no "
                   "build is running.\n\n"
                   "Without operand the size is shown; \"clean\" removes all, or what was not used "
                   "lately.",
        .rows = rows,
        .examples = examples,
        .operands_max = 1,
        .options_size = sizeof(struct cache_options),
        .run = run,
};
