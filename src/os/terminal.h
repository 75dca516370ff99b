/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user's terminal, given over byte by byte to a machine's console, and got back. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct ingot_terminal {
        int fd; /* -1: nothing to restore */
        struct termios saved;
};
#define INGOT_TERMINAL_NONE ((struct ingot_terminal){.fd = -1})

bool ingot_is_terminal(int fd);
/* Every key reaches the reader of FD, also Ctrl-C; output is passed as it is. */
int ingot_terminal_raw(int fd, struct ingot_terminal *ret, ingot_error *reterr);
void ingot_terminal_restore(struct ingot_terminal *t);
/* Asks on the controlling terminal, without echo; one line, without its end. SYSTEM when there is no
 * terminal, or nothing was typed. */
int ingot_terminal_ask_secret(const char *prompt, char *ret, size_t size, ingot_error *reterr);
/* Asks there, with what is typed shown; false when the answer begins with n. */
int ingot_terminal_ask_yes(const char *prompt, bool *ret, ingot_error *reterr);
#define _cleanup_terminal_ __attribute__((cleanup(ingot_terminal_restore)))
