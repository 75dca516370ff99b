/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's serial console between QEMU's socket and the user's terminal. */
#pragma once

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        INGOT_CONSOLE_TAIL = 4096,
        INGOT_CONSOLE_ESCAPE = 0x1d /* Ctrl-] */
};

struct ingot_console {
        int machine; /* QEMU's socket */
        int input;   /* the user's keys; below 0: none */
        int output;  /* where the console is shown; below 0: nowhere */
        bool escape; /* Ctrl-] in the input asks for the end */
        uint8_t tail[INGOT_CONSOLE_TAIL]; /* a ring of the last bytes shown */
        size_t written;
        bool panicked; /* the tail holds the last words of a Linux kernel */
};

/* What the machine printed: to the output and into the tail. 1 when the machine has closed it. */
int ingot_console_output(struct ingot_console *c, ingot_error *reterr);
/* What the user typed: to the machine. 1 when that was Ctrl-]; at its end the input is -1. */
int ingot_console_input(struct ingot_console *c, ingot_error *reterr);
/* The last LINES lines (or fewer) that were printed, without escape sequences and empty lines. */
int ingot_console_last_lines(const struct ingot_console *c, size_t lines,
                             struct ingot_strings *ret, ingot_error *reterr);
