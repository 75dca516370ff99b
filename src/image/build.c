/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The build, step by step, and the folder it works in. */
#include "image/build.h"
#include "base/cleanup.h"
#include "image/build-state.h"
#include "image/build-update.h"
#include "os/process.h"
#include "os/workdir.h"
#include "package/cache.h"

#include <stdlib.h>

static void build_done(struct ingot_build *b)
{
        ingot_tree_free(b->esp);
        ingot_tree_free(b->tree);
        ingot_build_like_done(&b->like);
        ingot_build_packages_done(b);
        ingot_outfile_discard(&b->disk);
        ingot_outfile_discard(&b->uki);
        ingot_kernel_done(&b->kernel);
        ingot_buffer_done(&b->kernel_image);
        ingot_buffer_done(&b->stub);
        ingot_buffer_done(&b->initrd);
        ingot_build_result_done(&b->result);
        ingot_uki_extents_done(&b->uki_extents);
        ingot_buffer_done(&b->pcrsig);
        ingot_buffer_done(&b->measurement);
        ingot_sign_request_done(&b->request);
        ingot_profiles_done(&b->profiles);
        ingot_workdir_remove(&b->workdir);
        free(b->stub_info);
        free(b->label);
        free(b->output);
        free(b->cache);
        free(b->command_line);
}

void ingot_build_result_done(struct ingot_build_result *r)
{
        for (size_t i = 0; i < r->artifact_count; i++)
                free(r->artifacts[i].name);
        free(r->artifacts);
        free(r->image);
        *r = (struct ingot_build_result){0};
}

int ingot_build_output_path(const struct ingot_build *b, const char *name, char **ret,
                            ingot_error *reterr)
{
        return ingot_format(ret, reterr, "%s/%s", b->output, name);
}

/* What would fail at the end of the long work fails before it. */
static int check(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_build_check_command_line(b->recipe, reterr);
        if (r >= 0)
                r = ingot_build_check_update(b->recipe, reterr);
        if (r >= 0)
                r = ingot_profiles_of_recipe(b->recipe, &b->profiles, reterr);
        if (r >= 0)
                r = ingot_build_sign_prepare(b, reterr);
        return r < 0 ? r
                     : ingot_under(reterr, ingot_program_find("mke2fs", "e2fsprogs", &path, reterr),
                                   "/var");
}

static int prepare(struct ingot_build *b, ingot_error *reterr)
{
        const struct ingot_recipe *recipe = b->recipe;
        const char *cache = b->options->cache;
        _cleanup_free_ char *parent = NULL;
        b->name = ingot_recipe_text(recipe, INGOT_IMAGE_NAME);
        b->version = ingot_recipe_text(recipe, INGOT_IMAGE_VERSION);
        b->architecture = ingot_recipe_text(recipe, INGOT_IMAGE_ARCHITECTURE);
        b->seed = ingot_recipe_seed(recipe);
        b->timestamp = ingot_recipe_text(recipe, INGOT_IMAGE_TIMESTAMP)
                               ? (int64_t) ingot_recipe_number(recipe, INGOT_IMAGE_TIMESTAMP)
                               : INGOT_TIMESTAMP_DEFAULT;
        int r = ingot_format(&b->label, reterr, "%s_%s", b->name, b->version);
        if (r >= 0)
                r = ingot_recipe_path(recipe, ingot_recipe_text(recipe, INGOT_IMAGE_OUTPUT),
                                      &b->output, reterr);
        if (r >= 0)
                r = ingot_make_directories(b->output, 0755, reterr);
        if (r < 0)
                return r;
        ingot_outfile_sweep(b->output);
        ingot_outfile_sweep(recipe->folder);
        r = cache ? ingot_strdup(&b->cache, cache, reterr)
                  : ingot_cache_default(&b->cache, reterr);
        if (r >= 0)
                r = ingot_format(&parent, reterr, "%s/work", b->cache);
        if (r >= 0)
                r = ingot_workdir_create(parent, &b->workdir, reterr);
        b->work = b->workdir.path;
        return r;
}

static int create_disk(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL, *path = NULL;
        int r = ingot_format(&name, reterr, "%s_%s.raw", b->label, b->architecture);
        if (r >= 0)
                r = ingot_build_output_path(b, name, &path, reterr);
        if (r >= 0)
                r = ingot_outfile_create(&b->disk, path, 0644, reterr);
        return r;
}

int ingot_build(const struct ingot_build_options *options, struct ingot_build_result *ret,
                ingot_error *reterr)
{
        static int (*const steps[])(struct ingot_build *, ingot_error *) = {check,
                                                                            prepare,
                                                                            ingot_build_open_like,
                                                                            ingot_build_packages,
                                                                            ingot_build_tree,
                                                                            ingot_build_kernel,
                                                                            ingot_build_check_esp,
                                                                            create_disk,
                                                                            ingot_build_layout,
                                                                            ingot_build_root,
                                                                            ingot_build_uki,
                                                                            ingot_build_disk,
                                                                            ingot_build_artifacts};
        __attribute__((cleanup(build_done))) struct ingot_build b = {.options = options,
                                                                     .recipe = options->recipe,
                                                                     .disk = INGOT_OUTFILE_NONE,
                                                                     .uki = INGOT_OUTFILE_NONE,
                                                                     .workdir = INGOT_WORKDIR_NONE,
                                                                     .like.file = INGOT_FILE_NONE};
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                int r = steps[i](&b, reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < INGOT_SHA256_SIZE; i++)
                b.result.root_hash[i] = b.root_hash[i];
        *ret = b.result;
        b.result = (struct ingot_build_result){0};
        return 0;
}
