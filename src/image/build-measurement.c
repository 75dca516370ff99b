/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this build's machines will measure. */
#include "image/build-measurement.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "image/build-state.h"
#include "image/esp.h"

#include <stdlib.h>
#include <string.h>

/* Of a manifest, for each profile; and of a signature. Both are several times what is usual. */
#define ROOM_PROFILE ((uint64_t) 128 << 10)
#define ROOM_SIGNATURE ((uint64_t) 32 << 10)

/* systemd measures through libtss2, and not at all without it. */
static void drop_system(struct ingot_measured_profile *p)
{
        size_t kept = 0;
        for (size_t i = 0; i < p->count; i++) {
                if (p->events[i].by != INGOT_MEASURER_SYSTEM)
                        p->events[kept++] = p->events[i];
                else
                        ingot_measured_event_done(p->events + i);
        }
        p->count = kept;
}

int ingot_build_predict(const struct ingot_build *b, const struct ingot_predict_options *options,
                        struct ingot_measurement *ret, ingot_error *reterr)
{
        int r = ingot_measurement_predict(b->esp, options, ret, reterr);
        for (size_t i = 0; r >= 0 && !b->measures_phases && i < ret->profile_count; i++)
                drop_system(ret->profiles + i);
        return ingot_under(reterr, r, "measurement manifest");
}

static int uki_path(const struct ingot_build *b, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        int r = ingot_esp_uki_name(b->name, b->version,
                                   (unsigned) ingot_recipe_number(b->recipe, INGOT_BOOT_TRIES),
                                   &name, reterr);
        return r < 0 ? r : ingot_format(ret, reterr, "EFI/Linux/%s", name);
}

int ingot_build_measurement_text(const struct ingot_measurement *m, struct ingot_buffer *ret,
                                 ingot_error *reterr)
{
        int r = ingot_measurement_encode(m, ret, reterr);
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, "\n");
}

int ingot_build_measurement(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_free_ char *uki = NULL, *path = NULL;
        struct ingot_predict_options options = {0};
        int r = uki_path(b, &uki, reterr);
        options.uki = uki;
        if (r >= 0)
                r = ingot_build_predict(b, &options, &m, reterr);
        for (size_t i = 0; r >= 0 && i < m.notes.count; i++)
                ingot_warn(b->options->log, "%s", m.notes.items[i]);
        if (r >= 0)
                r = ingot_build_measurement_text(&m, &b->measurement, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, INGOT_ESP_MEASUREMENTS "/%s%s", b->label,
                                 INGOT_MEASUREMENT_SUFFIX);
        if (r >= 0)
                r = ingot_tree_make_directory(b->esp, INGOT_ESP_MEASUREMENTS, b->timestamp, NULL,
                                              reterr);
        return r < 0 ? r
                     : ingot_tree_put_bytes(b->esp, path, 0644, b->timestamp, b->measurement.data,
                                            b->measurement.size, reterr);
}

uint64_t ingot_build_measurement_room(const struct ingot_build *b)
{
        return (b->profiles.count + 1) * ROOM_PROFILE +
               ingot_recipe_number(b->recipe, INGOT_SIGNING_RELEASE_THRESHOLD) * ROOM_SIGNATURE;
}
