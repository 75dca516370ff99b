/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/file.h"
#include "os/process.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#define SHELL(script) ((const char *const[]){"sh", "-c", script, NULL})

TEST(output_and_errors_are_captured_apart)
{
        ingot_error error = {0};
        _cleanup_process_result_ struct ingot_process_result result = {0};
        struct ingot_program p = {.argv = SHELL("tr a-z A-Z; echo oops >&2; pwd"),
                                  .input = INGOT_SPAN("hello\n", 6),
                                  .directory = "/"};
        CHECK_OK(ingot_process_run(&p, &result, &error));
        CHECK_STR((char *) result.output.data, "HELLO\n/\n");
        CHECK_STR((char *) result.errors.data, "oops\n");
        CHECK_EQ(result.exit_status, 0);
}

TEST(a_failure_ends_with_the_last_line_of_stderr)
{
        ingot_error error = {0};
        struct ingot_program p = {.argv = SHELL("echo first >&2; printf 'second\\n\\n' >&2; exit 7")};
        CHECK_FAILS(ingot_process_run(&p, NULL, &error), INGOT_E_SYSTEM,
                    "sh failed (exit 7): second");
        p.argv = SHELL("kill -9 $$");
        CHECK_FAILS(ingot_process_run(&p, NULL, &error), INGOT_E_SYSTEM, "sh failed (signal 9)");
        CHECK_EQ(error.os, 0);
        _cleanup_process_result_ struct ingot_process_result result = {0};
        p = (struct ingot_program){.argv = SHELL("exit 3"), .any_status = true};
        CHECK_OK(ingot_process_run(&p, &result, &error));
        CHECK_EQ(result.exit_status, 3);
}

TEST(a_missing_program_names_its_package)
{
        ingot_error error = {0};
        struct ingot_program p = {.argv = (const char *const[]){"ingot-no-such", NULL},
                                  .package = "no-such-package"};
        CHECK_FAILS(ingot_process_run(&p, NULL, &error), INGOT_E_NOTFOUND,
                    "ingot-no-such is missing: install the package no-such-package");
        p.argv = SHELL("true");
        p.directory = "/no/such/folder";
        CHECK_FAILS(ingot_process_run(&p, NULL, &error), INGOT_E_SYSTEM, "start ");
        CHECK_EQ(error.os, ENOENT);
}

TEST(the_environment_is_changed)
{
        ingot_error error = {0};
        _cleanup_process_result_ struct ingot_process_result result = {0};
        setenv("INGOT_A", "1", 1);
        setenv("INGOT_B", "2", 1);
        struct ingot_program p = {.argv = SHELL("echo ${INGOT_A-none} $INGOT_B $INGOT_C"),
                                  .environment = (const char *const[]){"INGOT_A", "INGOT_B=3",
                                                                       "INGOT_C=4", NULL}};
        CHECK_OK(ingot_process_run(&p, &result, &error));
        CHECK_STR((char *) result.output.data, "none 3 4\n");
}

TEST(a_program_that_hangs_is_ended)
{
        ingot_error error = {0};
        struct ingot_program p = {.argv = SHELL("exec sleep 60"), .timeout_msec = 100};
        CHECK_FAILS(ingot_process_run(&p, NULL, &error), INGOT_E_SYSTEM, "wait for its end");
        CHECK_EQ(error.os, ETIMEDOUT);
        CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
        /* one that leaves a child with its pipes open does not hold us up */
        p = (struct ingot_program){.argv = SHELL("sleep 5 & echo done"), .timeout_msec = 4000};
        _cleanup_process_result_ struct ingot_process_result result = {0};
        CHECK_OK(ingot_process_run(&p, &result, &error));
        CHECK_STR((char *) result.output.data, "done\n");
}

TEST(output_has_a_bound)
{
        ingot_error error = {0};
        struct ingot_program p = {.argv = SHELL("yes"), .max_output = 1000};
        CHECK_FAILS(ingot_process_run(&p, NULL, &error), INGOT_E_LIMIT, "more than 1000 bytes");
        _cleanup_process_result_ struct ingot_process_result result = {0};
        p.argv = SHELL("yes 12345678 | head -c 1000000 >&2; echo end >&2");
        CHECK_OK(ingot_process_run(&p, &result, &error));
        CHECK(result.errors.size <= 2 * 64 * 1024);
        CHECK_STR((char *) result.errors.data + result.errors.size - 4, "end\n");
}

TEST(no_descriptor_leaks_into_the_program)
{
        ingot_error error = {0};
        int leak = open("/dev/null", O_RDONLY), kept = open("/dev/zero", O_RDONLY);
        _cleanup_free_ char *script = NULL;
        CHECK_OK(ingot_format(&script, &error, "test ! -e /proc/self/fd/%d && test -e "
                              "/proc/self/fd/%d", leak, kept));
        struct ingot_program p = {.argv = (const char *const[]){"sh", "-c", script, NULL},
                                  .keep = &kept,
                                  .keep_count = 1};
        int r = ingot_process_run(&p, NULL, &error);
        close(leak);
        close(kept);
        CHECK_OK(r);
}

TEST(a_program_beside_us_is_stopped)
{
        ingot_error error = {0};
        _cleanup_process_ struct ingot_process process = INGOT_PROCESS_NONE;
        struct ingot_program p = {.argv = (const char *const[]){"sleep", "60", NULL},
                                  .own_group = true};
        int none[3] = {-1, -1, -1}, status = 0;
        CHECK_OK(ingot_process_start(&p, none, &process, &error));
        CHECK_EQ(ingot_process_wait(&process, 20, &status, &error), 1);
        CHECK_EQ(getpgid(process.pid), process.pid);
        ingot_process_stop(&process, 1000);
        CHECK_EQ(process.pid, 0);
        CHECK_OK(ingot_process_start(&p, none, &process, &error));
        CHECK_EQ(kill(process.pid, SIGKILL), 0);
        CHECK_EQ(ingot_process_wait(&process, 5000, &status, &error), 0);
        CHECK_EQ(status, 128 + SIGKILL);
}

TEST(it_dies_with_the_one_who_started_it)
{
        ingot_error error = {0};
        int pids[2];
        CHECK_EQ(pipe(pids), 0);
        pid_t middle = fork();
        if (middle == 0) {
                struct ingot_process process;
                struct ingot_program p = {.argv = (const char *const[]){"sleep", "60", NULL}};
                int r = ingot_process_start(&p, (int[3]){-1, -1, -1}, &process, &error);
                if (r < 0 || write(pids[1], &process.pid, sizeof(process.pid)) < 0)
                        _exit(1);
                raise(SIGKILL);
        }
        waitpid(middle, NULL, 0);
        pid_t pid = 0;
        CHECK_EQ(read(pids[0], &pid, sizeof(pid)), sizeof(pid));
        close(pids[0]);
        close(pids[1]);
        char path[64], state = 0;
        snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
        for (int i = 0; i < 100 && state != 'Z'; i++) {
                FILE *f = fopen(path, "r");
                if (!f)
                        return; /* gone, and reaped */
                if (fscanf(f, "%*d %*s %c", &state) != 1)
                        state = 'Z';
                fclose(f);
                usleep(10000);
        }
        CHECK_EQ(state, 'Z');
}
