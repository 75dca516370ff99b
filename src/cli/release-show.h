/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a release file offers, and what publishing did: for people, and as JSON. */
#pragma once

#include "cli/json.h"
#include "update/publish.h"

int release_print(const struct ingot_channel *c, ingot_error *reterr);
/* DRY_RUN: nothing was written. */
int release_show_result(const struct ingot_publish_result *result, bool dry_run,
                        ingot_error *reterr);
int release_result_json(const struct ingot_publish_result *result, bool dry_run,
                        ingot_error *reterr);
