/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/measurement-loader.h"
#include "base/cleanup.h"
#include "format/loader-info.h"
#include "measure/digests.h"
#include "measure/stub-rules.h"

#include <stdlib.h>
#include <string.h>

#define LOADER "620-loader"
#define PROGRAM "systemd-boot "
#define PCR_PARAMETERS 12

static const struct ingot_loader_rules *rules(const char *info)
{
        return info && ingot_starts_with(info, PROGRAM)
                       ? ingot_loader_rules_of(ingot_loader_major(info))
                       : NULL;
}

static bool is_loader(const struct ingot_measured_event *e)
{
        return e->by == INGOT_MEASURER_FIRMWARE && e->component &&
               strcmp(e->component, LOADER) == 0;
}

static int make_unknown(struct ingot_measured_event *e, const char *why, ingot_error *reterr)
{
        e->state = INGOT_MEASURED_UNKNOWN;
        e->record.banks = 0;
        free(TAKE_PTR(e->reason));
        return ingot_strdup(&e->reason, why, reterr);
}

/* IMAGE NULL: it is not known. ALIKE: it measures what the other one does. */
static int put_into(struct ingot_measured_profile *p, const struct ingot_record *image, bool alike,
                    ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < p->count; i++) {
                struct ingot_measured_event *e = p->events + i;
                if (is_loader(e) && image)
                        memcpy(e->record.digest, image->digest, sizeof(e->record.digest));
                else if (is_loader(e))
                        r = make_unknown(e, "the boot loader of this machine cannot be read",
                                         reterr);
                else if (!alike &&
                         (e->by == INGOT_MEASURER_LOADER || e->record.pcr == PCR_PARAMETERS))
                        r = make_unknown(e, "the boot loader of this machine measures otherwise",
                                         reterr);
        }
        return r;
}

static int read_loader(const struct ingot_reader *file, char **ret_info,
                       struct ingot_record *ret_image, ingot_error *reterr)
{
        _cleanup_pe_ struct ingot_pe pe = {0};
        int r = ingot_pe_decode(file, &pe, reterr);
        if (r >= 0)
                r = ingot_digests_of_image(file, &pe, ret_image, reterr);
        if (r >= 0 && ingot_loader_info_read(file, &pe, ret_info, NULL) < 0)
                *ret_info = NULL;
        return ingot_under(reterr, r, "boot loader");
}

int ingot_measurement_put_loader(struct ingot_measurement *m, const struct ingot_reader *file,
                                 ingot_error *reterr)
{
        _cleanup_free_ char *info = NULL;
        struct ingot_record image = {0};
        if (!m->loader.path)
                return 0;
        int r = file ? read_loader(file, &info, &image, reterr) : 0;
        if (r < 0)
                return r;
        if (file && memcmp(image.digest[INGOT_BANK_SHA256], m->loader.digest,
                           ingot_bank_size(INGOT_BANK_SHA256)) == 0)
                return 0;
        bool alike = rules(info) && rules(info) == rules(m->loader.info);
        for (size_t i = 0; r >= 0 && i < m->profile_count; i++)
                r = put_into(m->profiles + i, file ? &image : NULL, alike, reterr);
        return r;
}
