/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A build that is signed at once. */
#include "base/cleanup.h"
#include "image/sign-attach.h"
#include "image/sign-request.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int answer(const char *path, const struct ingot_signers *signers, ingot_error *reterr)
{
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        size_t made;
        int r = ingot_sign_request_load(path, &q, reterr);
        if (r >= 0)
                r = ingot_sign_answer(&q, signers, &made, reterr);
        if (r >= 0)
                r = ingot_sign_check_complete(&q, reterr);
        return r < 0 ? r : ingot_sign_request_save(&q, path, reterr);
}

static int compare_artifacts(const void *a, const void *b)
{
        const struct ingot_artifact *x = a, *y = b;
        bool x_sums = strcmp(x->name, "SHA256SUMS") == 0,
             y_sums = strcmp(y->name, "SHA256SUMS") == 0;
        return x_sums != y_sums ? x_sums - y_sums : strcmp(x->name, y->name);
}

static int add_new(struct ingot_build_result *result, const char *name, ingot_error *reterr)
{
        for (size_t i = 0; i < result->artifact_count; i++)
                if (strcmp(result->artifacts[i].name, name) == 0)
                        return 0;
        struct ingot_artifact *more =
                reallocarray(result->artifacts, result->artifact_count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        result->artifacts = more;
        more[result->artifact_count] = (struct ingot_artifact){0};
        int r = ingot_strdup(&more[result->artifact_count].name, name, reterr);
        if (r >= 0)
                result->artifact_count++;
        return r;
}

/* What the files are like now. */
static int refresh(const char *folder, struct ingot_build_result *result, ingot_error *reterr)
{
        for (size_t i = 0; i < result->artifact_count; i++) {
                struct ingot_artifact *a = result->artifacts + i;
                _cleanup_file_ struct ingot_file f = INGOT_FILE_NONE;
                _cleanup_free_ char *path = NULL;
                int r = ingot_format(&path, reterr, "%s/%s", folder, a->name);
                if (r >= 0)
                        r = ingot_file_open(&f, path, reterr);
                if (r >= 0)
                        r = ingot_file_digest(path, a->sha256, reterr);
                if (r < 0)
                        return r;
                a->size = f.size;
        }
        qsort(result->artifacts, result->artifact_count, sizeof(*result->artifacts),
              compare_artifacts);
        return 0;
}

int ingot_sign_build(const struct ingot_signers *signers, struct ingot_build_result *result,
                     ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings files = {0};
        _cleanup_free_ char *path = NULL, *folder = NULL;
        const char *slash = strrchr(result->image, '/');
        int r = ingot_format(&folder, reterr, "%.*s", slash ? (int) (slash - result->image) : 1,
                             slash ? result->image : ".");
        for (size_t i = 0; r >= 0 && !path && i < result->artifact_count; i++)
                if (ingot_ends_with(result->artifacts[i].name, ".sign.json"))
                        r = ingot_format(&path, reterr, "%s/%s", folder, result->artifacts[i].name);
        if (r >= 0 && !path)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "the build left no signing request");
        if (r >= 0)
                r = answer(path, signers, reterr);
        if (r >= 0)
                r = ingot_sign_attach(path, &files, reterr);
        for (size_t i = 0; r >= 0 && i < files.count; i++)
                r = add_new(result, files.items[i], reterr);
        return r < 0 ? r : refresh(folder, result, reterr);
}
