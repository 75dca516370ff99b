/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What to do when there is no system to go on with. Every way out is bounded in time, but for the
 * shell, where a person decides. */
#include "init/failure.h"
#include "base/cleanup.h"
#include "init/message.h"
#include "init/root.h"
#include "os/efivar.h"
#include "os/kernel.h"
#include "os/mount.h"
#include "os/process.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define POWER_OFF_SECONDS 60

bool init_entry_has_counter(const char *name)
{
        const char *p = strrchr(name, '+');
        if (!p || !isdigit((unsigned char) *++p))
                return false;
        while (isdigit((unsigned char) *p))
                p++;
        if (*p == '-' && isdigit((unsigned char) p[1]))
                for (p++; isdigit((unsigned char) *p);)
                        p++;
        return strcmp(p, ".efi") == 0 || strcmp(p, ".conf") == 0;
}

bool init_boot_is_counted(void)
{
        static const char *const names[] = {"StubImageIdentifier", "LoaderEntrySelected"};
        if (ingot_efivar_exists("LoaderBootCountPath", INGOT_EFIVAR_LOADER))
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_free_ char *name = NULL;
                if (ingot_efivar_read_text(names[i], INGOT_EFIVAR_LOADER, &name, NULL) >= 0 &&
                    init_entry_has_counter(name))
                        return true;
        }
        return false;
}

/* True when it ran; returns when it ended. */
static bool run_program(const char *const *argv)
{
        const int fds[3] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
        const struct ingot_program program = {.argv = argv};
        struct ingot_process p = INGOT_PROCESS_NONE;
        ingot_error error = {0};
        int status;
        if (access(argv[0], X_OK) < 0)
                return false;
        init_tell("a shell on the console: %s; the machine restarts when it ends", argv[0]);
        if (ingot_process_start(&program, fds, &p, &error) < 0) {
                init_tell_error("shell", &error);
                return false;
        }
        ingot_process_wait(&p, -1, &status, NULL);
        return true;
}

/* A shell of where we are, else of the root when that is mounted: nothing else is done there. */
static void run_shell(void)
{
        static const char *const busybox[] = {"/bin/busybox", "sh", "-i", NULL};
        static const char *const sh[] = {"/bin/sh", "-i", NULL};
        ingot_error error = {0};
        if (run_program(busybox) || run_program(sh))
                return;
        if (ingot_mount_is(INIT_SYSROOT)) {
                if (ingot_switch_root(INIT_SYSROOT, &error) < 0)
                        init_tell_error("shell", &error);
                else if (run_program(sh))
                        return;
        }
        init_tell("rd.shell: no shell: the root is not mounted or has none, and neither has this "
                  "initrd (package busybox-static)");
}

/* Nothing but system calls: the program may be anywhere. */
static void restart_now(int signal)
{
        static const char text[] = "ingot: the initrd takes too long: restarting\n";
        (void) signal;
        if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) { /* nobody is there to be told */
        }
        ingot_machine_end(true, NULL);
}

void init_limit(const struct ingot_init_config *config, unsigned seconds)
{
        struct sigaction action = {.sa_handler = restart_now};
        if (seconds > 0 && !config->restart && !init_boot_is_counted())
                return;
        sigaction(SIGALRM, &action, NULL);
        alarm(seconds);
}

_Noreturn void init_failure(const ingot_error *error, const struct ingot_init_config *config,
                            bool shell_asked)
{
        bool counted = init_boot_is_counted(), restart = true;
        unsigned seconds = config->reboot;
        init_limit(config, 0);
        init_tell_error("this system cannot be started", error);
        if (shell_asked && !config->shell)
                init_tell("rd.shell is ignored: the recipe does not allow it");
        if (shell_asked && config->shell) {
                run_shell();
        } else if (!counted && !config->restart) {
                restart = false;
                seconds = POWER_OFF_SECONDS;
        }
        init_tell(restart ? "restarting in %u s%s" : "switching off in %u s%s", seconds,
                  counted ? ": the loader counts this as a failed try" : "");
        sleep(seconds);
        ingot_machine_end(restart, NULL);
        for (;;)
                pause();
}
