/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Components for tests and measurements: records of words, and a chain of many combinations. */
#pragma once

#include "measure/component.h"

#include <stdio.h>
#include <string.h>

/* A record of PCR in all banks, whose digest is that of TEXT. */
static inline int make_record(struct ingot_variant *v, uint32_t pcr, const char *text,
                              ingot_error *reterr)
{
        return ingot_records_measure(&v->records, pcr, INGOT_SPAN(text, strlen(text)), reterr);
}

/* 7 kernels, 7 initrds, 3 command lines, and 13 things that are one way or another: 1,204,224
 * combinations. */
static inline int make_large_components(struct ingot_components *c, ingot_error *reterr)
{
        static const struct {
                const char *id;
                unsigned variants;
                uint32_t pcrs[3];
        } chain[] = {
                {"240-secureboot-policy", 2, {7}},
                {"250-firmware-code-early", 2, {0, 2}},
                {"251-firmware-config", 2, {1, 3}},
                {"400-secureboot-separator", 2, {7}},
                {"500-separator", 2, {0, 2, 4}},
                {"550-firmware-code-late", 2, {2}},
                {"600-gpt", 2, {5}},
                {"610-loader", 2, {4}},
                {"620-secureboot-authority", 2, {7}},
                {"630-loader-conf", 2, {5}},
                {"650-kernel", 7, {4, 11, 12}},
                {"700-exit-boot-services", 2, {5}},
                {"710-kernel-cmdline", 3, {9, 12}},
                {"720-kernel-initrd", 7, {9}},
                {"820-machine-id", 2, {15}},
                {"830-root-file-system", 2, {15}},
        };
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(chain); i++)
                for (unsigned j = 0; r >= 0 && j < chain[i].variants; j++) {
                        struct ingot_variant *v;
                        char name[48];
                        snprintf(name, sizeof(name), "%s.%u", chain[i].id, j);
                        r = ingot_components_add(c, chain[i].id, name, &v, reterr);
                        for (size_t k = 0; r >= 0 && k < 3; k++)
                                if (k == 0 || chain[i].pcrs[k] != 0)
                                        r = make_record(v, chain[i].pcrs[k], name, reterr);
                }
        return r;
}
