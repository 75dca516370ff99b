/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/event.h"
#include "test.h"
#include "vm/console.h"

#include <fcntl.h>
#include <unistd.h>

static int say(struct ingot_console *c, int machine, const char *text, ingot_error *reterr)
{
        if (write(machine, text, strlen(text)) < 0)
                return ingot_fail_errno(reterr, "write");
        return ingot_console_output(c, reterr);
}

TEST(the_last_lines_are_remembered_without_escapes)
{
        ingot_error error = {0};
        int pair[2];
        CHECK_OK(ingot_socket_pair(pair, &error));
        _cleanup_close_ int ours = pair[0], machine = pair[1];
        struct ingot_console c = {.machine = ours, .input = -1, .output = -1};
        for (int i = 0; i < 1000; i++)
                CHECK_OK(say(&c, machine, "a line that is forgotten\r\n", &error));
        CHECK_OK(say(&c, machine, "\033[1;31mred\033[0m\r\n\r\n\033[2Jlast", &error));
        _cleanup_strings_ struct ingot_strings lines = {0};
        CHECK_OK(ingot_console_last_lines(&c, 2, &lines, &error));
        CHECK_EQ(lines.count, (size_t) 2);
        CHECK_STR(lines.items[0], "red");
        CHECK_STR(lines.items[1], "last");
}

TEST(a_panic_is_seen_across_reads)
{
        ingot_error error = {0};
        int pair[2];
        CHECK_OK(ingot_socket_pair(pair, &error));
        _cleanup_close_ int ours = pair[0], machine = pair[1];
        struct ingot_console c = {.machine = ours, .input = -1, .output = -1};
        CHECK_OK(say(&c, machine, "Kernel panic is not meant here\n", &error));
        CHECK_OK(say(&c, machine, "[ 1.0] Kernel panic - not", &error));
        CHECK(!c.panicked);
        CHECK_OK(say(&c, machine, " syncing: x", &error));
        CHECK(c.panicked);
}

TEST(keys_reach_the_machine_and_the_escape_ends)
{
        ingot_error error = {0};
        int pair[2], keys[2];
        CHECK_OK(ingot_socket_pair(pair, &error));
        CHECK_EQ(pipe(keys), 0);
        _cleanup_close_ int ours = pair[0], machine = pair[1], from = keys[0], to = keys[1];
        struct ingot_console c = {.machine = ours, .input = from, .output = -1, .escape = true};
        char got[16] = "";
        CHECK_EQ(write(to, "ls\003", 3), 3);
        CHECK_EQ(ingot_console_input(&c, &error), 0);
        CHECK_EQ(read(machine, got, sizeof(got)), 3);
        CHECK_EQ(write(to, "x\035y", 3), 3);
        CHECK_EQ(ingot_console_input(&c, &error), 1);
        CHECK_EQ(read(machine, got, sizeof(got)), 1);
        close(TAKE_FD(to));
        CHECK_EQ(ingot_console_input(&c, &error), 0);
        CHECK_EQ(c.input, -1);
        close(TAKE_FD(machine));
        CHECK_EQ(ingot_console_output(&c, &error), 1);
}
