/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The measurement manifest of a build (docs/formats/measurement.md), NAME_VERSION.measurement.json:
 * what machines will measure that start from this ESP. It stands on the ESP itself, too, where no
 * PCR depends on it, and never in the root, whose hash is measured.
 */
#pragma once

#include "image/sign-describe.h"
#include "measure/predict.h"

struct ingot_build;

/* Of the build as it is, not signed, into b->measurement; and onto b->esp. */
int ingot_build_measurement(struct ingot_build *b, ingot_error *reterr);

/* What machines measure that start from b->esp, of the phases that the image's systemd measures;
 * and its text, appended, with a newline. */
int ingot_build_predict(const struct ingot_build *b, const struct ingot_predict_options *options,
                        struct ingot_measurement *ret, ingot_error *reterr);
int ingot_build_measurement_text(const struct ingot_measurement *m, struct ingot_buffer *ret,
                                 ingot_error *reterr);

/* Bytes that it may take on the ESP, with its signatures; for the check before it is there. */
uint64_t ingot_build_measurement_room(const struct ingot_build *b);

/*
 * Of the build as it will be when it is signed: as a new content of the request, in which all that
 * hangs on the PCR policies' signatures comes from contents before it. Its size, which is known, in
 * *ret_size.
 */
int ingot_build_sign_measurement(struct ingot_build *b, uint64_t *ret_size, ingot_error *reterr);
