/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys that VOA has for what is verified. */
#include "cli/trust.h"
#include "cli/verify.h"
#include "trust/voa-keys.h"

int verify_voa(const struct verify_options *o, const struct ingot_log *log,
               struct ingot_key_files *keys, ingot_error *reterr)
{
        _cleanup_voa_paths_ struct ingot_voa_paths paths = {0};
        _cleanup_voa_ struct ingot_voa_result result = {0};
        const char *context = o->context ? o->context : "default";
        if (!o->purpose)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "--os needs --purpose=PURPOSE: image, package, "
                                  "repository-metadata, …");
        int r = trust_paths(o->user, &paths, reterr);
        if (r < 0)
                return r;
        const struct ingot_voa_lookup lookup = {.root = o->root,
                                                .paths = &paths,
                                                .os = (const char *const *) o->os.items,
                                                .os_count = o->os.count,
                                                .purpose = o->purpose,
                                                .anchors = true,
                                                .context = context,
                                                .technology = -1};
        r = ingot_voa_find(&lookup, &result, reterr);
        for (size_t i = 0; r >= 0 && i < result.warning_count; i++)
                ingot_warn(log, "%s: %s", result.warnings[i].path, result.warnings[i].reason);
        if (r >= 0)
                r = ingot_voa_keys(&result, &paths, keys, reterr);
        if (r >= 0 && !ingot_key_files_verify(keys))
                r = ingot_fail(reterr, INGOT_E_NOTFOUND,
                               "VOA has no verifier for %s/%s/%s: put one below /etc/voa, or name "
                               "it with --key",
                               o->os.items[0], o->purpose, context);
        return r;
}
