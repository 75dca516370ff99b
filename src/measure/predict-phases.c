/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the initrd and the system measure: the words of the phases into PCR 11
 * (systemd-pcrphase(8)), and what newer initrds of systemd measure besides. Which initrd it is, is
 * seen in it.
 */
#include "base/cleanup.h"
#include "format/cpio.h"
#include "measure/pcr11.h"
#include "measure/predict-state.h"

#include <string.h>

#define UNITS "usr/lib/systemd/system/"

enum initrd_kind {
        INITRD_OURS,
        INITRD_SYSTEMD, /* with systemd-pcrphase */
        INITRD_OTHER,
};

struct initrd {
        enum initrd_kind kind;
        bool separator;  /* "os-separator" into the firmware's PCRs and some others */
        bool nvpcrs;     /* NV indexes that are used as PCRs */
        const char *why; /* of INITRD_OTHER */
};

static bool has(const struct ingot_tree *tree, const char *path)
{
        return ingot_tree_resolve(tree, path) != NULL;
}

/* A link in TARGET.wants says that a unit is started; the link may lead to nowhere here. */
static bool wanted(const struct ingot_tree *tree, const char *path)
{
        return ingot_tree_lookup(tree, path) != NULL;
}

static void look_into(const struct ingot_tree *tree, struct initrd *ret)
{
        if (has(tree, "init") && has(tree, "etc/init.conf") && !has(tree, "etc/initrd-release")) {
                ret->kind = INITRD_OURS;
                return;
        }
        if (!has(tree, "etc/initrd-release") ||
            !wanted(tree, UNITS "initrd.target.wants/systemd-pcrphase-initrd.service")) {
                ret->why = "the initrd has no systemd-pcrphase: other initrds may measure "
                           "something else";
                return;
        }
        ret->kind = INITRD_SYSTEMD;
        ret->separator = wanted(tree, UNITS "sysinit.target.wants/systemd-pcrosseparator.service");
        ret->nvpcrs = has(tree, "usr/lib/nvpcr");
}

/* The archive that the UKI carries; what addons and the stub put behind it has no units. */
static void find_initrd(const struct ingot_predict *p, struct initrd *ret)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        const struct ingot_uki_section *s =
                ingot_uki_find(&p->uki, p->profile->profile, INGOT_UKI_INITRD);
        struct ingot_reader content;
        *ret = (struct initrd){.kind = INITRD_OTHER};
        if (!s || s->pe.virtual_size == 0)
                ret->why = "the UKI has no initrd of its own";
        else if (ingot_pe_section_reader(ingot_predict_reader(p), &s->pe, &content, NULL) < 0 ||
                 ingot_cpio_read(&content, NULL, &tree, NULL) < 0)
                ret->why =
                        "the initrd is of a kind that cannot be read here, so who measures in it "
                        "is not known";
        else
                look_into(tree, ret);
}

/* A word into PCR; its state is known when the initrd is. */
static int put_word(struct ingot_predict *p, uint32_t pcr, enum ingot_measurer by,
                    enum ingot_phase phase, const char *component, const char *word,
                    const char *why, ingot_error *reterr)
{
        struct ingot_predict_event e = {
                .pcr = pcr, .by = by, .phase = phase, .component = component};
        return why ? ingot_predict_put_unknown(p, &e, word, why, reterr)
                   : ingot_predict_put_data(p, &e, INGOT_SPAN(word, strlen(word)), word, reterr);
}

static int put_separators(struct ingot_predict *p, const struct initrd *i, ingot_error *reterr)
{
        static const uint32_t pcrs[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14};
        int r = 0;
        for (size_t k = 0; i->separator && r >= 0 && k < ARRAY_SIZE(pcrs); k++)
                r = put_word(p, pcrs[k], INGOT_MEASURER_INITRD, INGOT_PHASE_ENTER_INITRD,
                             "750-os-separator", "os-separator", NULL, reterr);
        if (r < 0 || !i->nvpcrs)
                return r;
        return put_word(p, 9, INGOT_MEASURER_INITRD, INGOT_PHASE_ENTER_INITRD,
                        "770-nvpcr-separator", "the start of the NV indexes that are PCRs",
                        "their names are the TPM's", reterr);
}

int ingot_predict_phases(struct ingot_predict *p, ingot_error *reterr)
{
        static const struct {
                enum ingot_phase phase;
                enum ingot_measurer by;
                const char *component;
        } words[] = {
                {INGOT_PHASE_ENTER_INITRD, INGOT_MEASURER_INITRD, "750-enter-initrd"},
                {INGOT_PHASE_LEAVE_INITRD, INGOT_MEASURER_INITRD, "800-leave-initrd"},
                {INGOT_PHASE_SYSINIT, INGOT_MEASURER_SYSTEM, "850-sysinit"},
                {INGOT_PHASE_READY, INGOT_MEASURER_SYSTEM, "900-ready"},
        };
        struct initrd i;
        int r = 0;
        find_initrd(p, &i);
        for (size_t k = 0; r >= 0 && k < ARRAY_SIZE(words); k++) {
                const char *why = words[k].by == INGOT_MEASURER_INITRD ? i.why : NULL;
                r = put_word(p, INGOT_PCR11, words[k].by, words[k].phase, words[k].component,
                             ingot_phase_name(words[k].phase), why, reterr);
                if (r >= 0 && words[k].phase == INGOT_PHASE_ENTER_INITRD)
                        r = put_separators(p, &i, reterr);
        }
        return r;
}
