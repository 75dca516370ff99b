/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public face: recipes, and building them. */
#include "base/cleanup.h"
#include "image/build.h"
#include "image/recipe.h"
#include "library/public.h"

#include <stdlib.h>

int ingot_recipe_open(const char *path, const char *const *settings, size_t count,
                      struct ingot_recipe **ret, ingot_error *reterr)
{
        return ingot_recipe_load(path, settings, count, ret, reterr);
}

void ingot_recipe_close(struct ingot_recipe *recipe)
{
        if (recipe)
                ingot_recipe_free(recipe);
}

int ingot_recipe_show(const struct ingot_recipe *recipe, bool origins, char **ret,
                      ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_recipe_print(recipe, origins, &text, reterr);
        if (r >= 0)
                r = ingot_buffer_append(&text, "", 1, reterr);
        if (r < 0)
                return r;
        *ret = (char *) ingot_buffer_take(&text);
        return 0;
}

struct digest_text {
        char sha256[2 * INGOT_SHA256_SIZE + 1];
};

/* What is handed out, and what its pointers point to. */
struct product {
        struct ingot_product face; /* first: it is what the caller frees */
        struct ingot_build_result result;
        char root_hash[2 * INGOT_SHA256_SIZE + 1];
        struct digest_text *digests;
        struct ingot_product_file *files;
};

void ingot_product_free(struct ingot_product *product)
{
        struct product *p = (struct product *) product;
        if (!p)
                return;
        ingot_build_result_done(&p->result);
        free(p->digests);
        free(p->files);
        free(p);
}
INGOT_DEFINE_CLEANUP(struct ingot_product, ingot_product_free);

static int fill_product(struct product *p, ingot_error *reterr)
{
        size_t count = p->result.artifact_count;
        p->digests = calloc(count + 1, sizeof(*p->digests));
        p->files = calloc(count + 1, sizeof(*p->files));
        if (!p->digests || !p->files)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < count; i++) {
                const struct ingot_artifact *a = p->result.artifacts + i;
                ingot_hex(p->digests[i].sha256, a->sha256, sizeof(a->sha256));
                p->files[i] = (struct ingot_product_file){
                        .name = a->name, .size = a->size, .sha256 = p->digests[i].sha256};
        }
        ingot_hex(p->root_hash, p->result.root_hash, sizeof(p->result.root_hash));
        p->face = (struct ingot_product){.image = p->result.image,
                                         .root_hash = p->root_hash,
                                         .files = p->files,
                                         .file_count = count};
        return 0;
}

int ingot_recipe_build(const struct ingot_recipe *recipe,
                       const struct ingot_build_settings *settings, struct ingot_product **ret,
                       ingot_error *reterr)
{
        static const struct ingot_build_settings defaults;
        const struct ingot_build_settings *s = settings ? settings : &defaults;
        const struct ingot_log log = {
                .warning = s->warning, .progress = s->progress, .context = s->context};
        const struct ingot_build_options options = {.recipe = recipe,
                                                    .locked = s->locked,
                                                    .offline = s->offline,
                                                    .cache = s->cache,
                                                    .threads = s->threads,
                                                    .like = s->like,
                                                    .log = &log};
        struct product *p = calloc(1, sizeof(*p));
        if (!p)
                return ingot_fail_nomem(reterr);
        _cleanup_(ingot_product_free_p) struct ingot_product *product = &p->face;
        int r = ingot_build(&options, &p->result, reterr);
        if (r >= 0)
                r = fill_product(p, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(product);
        return 0;
}
