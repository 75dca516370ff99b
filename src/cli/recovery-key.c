/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/recovery-key.h"
#include "base/cleanup.h"
#include "os/qr.h"
#include "os/terminal.h"

#include <stdio.h>
#include <unistd.h>

#define QUIET_ZONE 4 /* squares that are light, on each side (ISO/IEC 18004, section 9.1) */

static bool is_dark(const struct ingot_qr *qr, unsigned row, unsigned column)
{
        row -= QUIET_ZONE;
        column -= QUIET_ZONE;
        return row < qr->width && column < qr->width && qr->squares[row * qr->width + column];
}

/* Two rows of squares in one of the terminal, white on black, whatever its colours are. */
static void print_qr(const struct ingot_qr *qr)
{
        static const char *const blocks[2][2] = {{"█", "▀"}, {"▄", " "}}; /* dark: above, below */
        unsigned all = qr->width + 2 * QUIET_ZONE;
        for (unsigned row = 0; row < all; row += 2) {
                fputs("\033[40;37;1m", stdout);
                for (unsigned column = 0; column < all; column++)
                        fputs(blocks[is_dark(qr, row, column)][is_dark(qr, row + 1, column)],
                              stdout);
                fputs("\033[0m\n", stdout);
        }
}

void recovery_key_print(const char *key, const struct ingot_log *log)
{
        _cleanup_qr_ struct ingot_qr qr = {0};
        ingot_error error = {0};
        printf("%s\n", key);
        if (!ingot_is_terminal(STDOUT_FILENO))
                return;
        int r = ingot_qr_encode(key, &qr, &error);
        if (r < 0) {
                ingot_warn(log, "%s", error.text);
                return;
        }
        printf("\n");
        print_qr(&qr);
        printf("\nKeep it where this machine is not. It is not shown again.\n");
}
