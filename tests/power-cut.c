/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The power cuts of a recorded update (ingot boot --write-log):
 *
 *     power-cut whole LOG BASE OUT                       the disk after all that was written
 *     power-cut disk LOG BASE FIRST END SEED NUMBER OUT  the disk after a cut
 *     power-cut check LOG BASE FIRST END SEED FROM TO RELEASES ROOT FOLDER NAME OLD NEW
 *
 * BASE is the disk before the recording, in full size; FIRST and END are the entries of the log
 * that are the update. A check prints what fails, and figures, and ends with status 1 when
 * something did.
 */
#include "power-cut.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* OUT is a new, sparse file of the whole disk. */
static int write_disk(const struct cut_disk *d, const char *out, ingot_error *reterr)
{
        return cut_disk_write_part(d, 0, (uint64_t) d->sectors * CUT_SECTOR, out, reterr);
}

static int open_disk(char **argv, struct cut_disk *d, ingot_error *reterr)
{
        return cut_disk_open(d, argv[0], argv[1], strtoul(argv[2], NULL, 10),
                             strtoul(argv[3], NULL, 10), strtoull(argv[4], NULL, 10), reterr);
}

static int run_whole(char **argv, ingot_error *reterr)
{
        _cleanup_cut_disk_ struct cut_disk d = {0};
        int r = cut_disk_open(&d, argv[0], argv[1], 0, 0, 0, reterr);
        if (r < 0)
                return r;
        cut_disk_whole(&d);
        printf("%zu entries\n", d.writes.count);
        return write_disk(&d, argv[2], reterr);
}

static int run_disk(char **argv, ingot_error *reterr)
{
        _cleanup_cut_disk_ struct cut_disk d = {0};
        int r = open_disk(argv, &d, reterr);
        if (r < 0)
                return r;
        cut_disk_cut(&d, (unsigned) strtoul(argv[5], NULL, 10));
        printf("at %zu of %zu to %zu, %zu not flushed: %s\n", d.at, d.first, d.end,
               d.at - d.durable, cut_disk_kind(&d));
        return write_disk(&d, argv[6], reterr);
}

static int run_check(char **argv, ingot_error *reterr)
{
        _cleanup_cut_disk_ struct cut_disk d = {0};
        struct power_cut_figures f = {0};
        int r = open_disk(argv, &d, reterr);
        if (r < 0)
                return r;
        const struct power_cut_options o = {.disk = &d,
                                            .from = (unsigned) strtoul(argv[5], NULL, 10),
                                            .to = (unsigned) strtoul(argv[6], NULL, 10),
                                            .releases = argv[7],
                                            .root = argv[8],
                                            .folder = argv[9],
                                            .name = argv[10],
                                            .versions = {argv[11], argv[12]}};
        r = power_cut_check(&o, &f, reterr);
        if (r < 0)
                return r;
        printf("%u cuts: %u failed; %s boots after %u, %s after %u; the next update writes a slot "
               "after %u, a UKI alone after %u; fsck.vfat finds %u clean, %u not; sfdisk reads "
               "%u\n",
               f.cuts, f.failures, o.versions[0], f.booted[0], o.versions[1], f.booted[1], f.slots,
               f.entries, f.clean, f.dirty, f.tables_of_others);
        printf("the next updates fetch %" PRIu64 " bytes; of %" PRIu64
               " that were there at most %.2f %% again\n",
               f.fetched, f.there, 100 * f.worst);
        return f.failures > 0;
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                int arguments;
                int (*run)(char **argv, ingot_error *reterr);
        } commands[] = {{"whole", 3, run_whole}, {"disk", 7, run_disk}, {"check", 13, run_check}};
        ingot_error error = {0};
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                if (argc != commands[i].arguments + 2 || strcmp(argv[1], commands[i].name) != 0)
                        continue;
                int r = commands[i].run(argv + 2, &error);
                if (r < 0)
                        fprintf(stderr, "power-cut: %s\n", error.text);
                return r < 0 ? 2 : r;
        }
        fprintf(stderr, "power-cut: see the head of its source for its words\n");
        return 2;
}
