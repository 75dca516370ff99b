/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the manifest says of packages and artifacts, for other outputs that say the same. */
#pragma once

#include "base/json.h"
#include "image/build.h"
#include "package/lock.h"

/* Adds a list of name, version, architecture, size and sha256. */
int ingot_manifest_packages(struct json_object *o, const char *key, const struct ingot_lock *lock,
                            ingot_error *reterr);
/* Adds a list of name, size and sha256. */
int ingot_manifest_artifacts(struct json_object *o, const char *key,
                             const struct ingot_artifact *artifacts, size_t count,
                             ingot_error *reterr);
