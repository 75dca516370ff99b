/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * components RUNS [FOLDER]: predicts the PCRs of components with 1,204,224 combinations of
 * variants; prints the shortest time of RUNS in microseconds, and the number of values. FOLDER gets
 * the components as files.
 */
#include "base/cleanup.h"
#include "make-components.h"
#include "measure/component-folder.h"
#include "measure/component-predict.h"

#include <stdlib.h>
#include <time.h>

static double now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static int run(unsigned runs, const char *folder, ingot_error *reterr)
{
        _cleanup_components_ struct ingot_components c = {0};
        double best = 0;
        size_t values = 0;
        int r = make_large_components(&c, reterr);
        if (r >= 0 && folder)
                r = ingot_components_write(&c, folder, reterr);
        for (unsigned i = 0; r >= 0 && i < runs; i++) {
                _cleanup_pcr_sets_ struct ingot_pcr_sets sets = {0};
                double before = now();
                r = ingot_components_predict_sets(&c, &ingot_prediction_window_default, 0xffffff,
                                                  INGOT_BANK_SHA256, &sets, reterr);
                double took = now() - before;
                best = i == 0 || took < best ? took : best;
                values = 0;
                for (size_t k = 0; r >= 0 && k < sets.count; k++)
                        values += sets.items[k].count;
        }
        if (r >= 0)
                printf("%.0f %zu\n", best, values);
        return r;
}

int main(int argc, char **argv)
{
        ingot_error error = {0};
        if (argc < 2 || argc > 3)
                return 2;
        if (run((unsigned) atoi(argv[1]), argc > 2 ? argv[2] : NULL, &error) >= 0)
                return 0;
        fprintf(stderr, "components: %s\n", error.text);
        return 1;
}
