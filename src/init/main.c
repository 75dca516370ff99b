/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The initrd's program: process 1 from the kernel's start until systemd's. It finds the root by its
 * root hash, checks it with dm-verity, brings /var and /etc, and goes into it.
 */
#include "base/cleanup.h"
#include "format/init-config.h"
#include "format/verity.h"
#include "init/cmdline.h"
#include "init/credentials.h"
#include "init/disk.h"
#include "init/failure.h"
#include "init/handover.h"
#include "init/machine-id.h"
#include "init/message.h"
#include "init/phase.h"
#include "init/root.h"
#include "init/var.h"
#include "os/efivar.h"
#include "os/etc.h"
#include "os/file.h"
#include "os/kernel.h"
#include "os/mount.h"
#include "os/watchdog.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG "/etc/init.conf"
#define CONFIG_MAX (256 * 1024)
#define CMDLINE_MAX (64 * 1024)
#define LIMIT 120 /* seconds for all but the waiting for the disk */
#define EFIVARS "/sys/firmware/efi/efivars"

struct state {
        struct ingot_init_config config;
        struct init_cmdline cmdline;
        char *words; /* the command line as it stands */
        struct init_root_place place;
        struct init_var var;
        bool stub_credentials, system_credentials;
        int watchdog; /* -1: none */
};

/* The file systems of the kernel, so that there is a console and a log. */
static int mount_kernel(ingot_error *reterr)
{
        static const struct ingot_mount mounts[] = {
                {NULL, "/proc", "proc", MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL},
                {NULL, "/sys", "sysfs", MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL},
                {NULL, "/dev", "devtmpfs", MS_NOSUID, "mode=0755"},
                {NULL, "/run", "tmpfs", MS_NODEV | MS_NOSUID, "mode=0755"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
                int r = ingot_make_directories(mounts[i].target, 0755, reterr);
                if (r >= 0 && !ingot_mount_is(mounts[i].target))
                        r = ingot_mount(&mounts[i], reterr);
                if (r < 0)
                        return r;
        }
        return ingot_make_directories(INIT_SYSROOT, 0755, reterr);
}

static int read_config(struct state *s, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, CONFIG, CONFIG_MAX, &text, &size, reterr);
        if (r >= 0)
                r = ingot_under(reterr,
                                ingot_init_config_parse(INGOT_SPAN(text, size), &s->config, reterr),
                                CONFIG);
        return r;
}

static int read_cmdline(struct state *s, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, "/proc/cmdline", CMDLINE_MAX, &text, &size, reterr);
        if (r >= 0)
                r = init_cmdline_parse((const char *) text, &s->cmdline, reterr);
        if (r >= 0)
                s->words = (char *) TAKE_PTR(text);
        return r;
}

/* "dm_verity" of ".../dm-verity.ko", and what the command line says to it. */
static int load_module(const char *path, const char *words, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer parameters = {0};
        _cleanup_free_ char *name = NULL;
        const char *slash = strrchr(path, '/');
        int r = ingot_strdup(&name, slash ? slash + 1 : path, reterr);
        if (r < 0)
                return r;
        name[strcspn(name, ".")] = 0;
        r = init_cmdline_module(words, name, &parameters, reterr);
        return r < 0 ? r
                     : ingot_module_load(path, parameters.size ? (char *) parameters.data : "",
                                         reterr);
}

/* The kernel's own watchdog stands in where the machine has none, and comes last. */
static bool is_stand_in(const char *path)
{
        return ingot_ends_with(path, "/softdog.ko") && ingot_watchdog_exists();
}

/* One module that does not load need not be what this machine's root hangs on. */
static void load_modules(const struct state *s)
{
        for (size_t i = 0; i < s->config.modules.count; i++) {
                ingot_error error = {0};
                if (is_stand_in(s->config.modules.items[i]))
                        continue;
                if (load_module(s->config.modules.items[i], s->words, &error) < 0)
                        init_tell_error("module", &error);
        }
}

static void mount_efivars(void)
{
        static const struct ingot_mount m = {
                NULL, EFIVARS, "efivarfs", MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL};
        ingot_error error = {0};
        if (access(EFIVARS, F_OK) == 0 && !ingot_mount_is(EFIVARS) && ingot_mount(&m, &error) < 0)
                init_tell_error("EFI variables", &error);
}

/* Not with a shell, where a person takes time. */
static void start_watchdog(struct state *s)
{
        ingot_error error = {0};
        if (s->config.watchdog == 0 || (s->cmdline.shell && s->config.shell) ||
            !ingot_watchdog_exists())
                return;
        if (ingot_watchdog_open(&s->watchdog, &error) < 0 ||
            ingot_watchdog_set(s->watchdog, s->config.watchdog + s->config.timeout, &error) < 0)
                init_tell_error("watchdog", &error);
}

/* The partition that the loader came from, which tells the disk. */
static bool boot_partition(struct ingot_uuid *ret)
{
        _cleanup_free_ char *text = NULL;
        return ingot_efivar_read_text("LoaderDevicePartUUID", INGOT_EFIVAR_LOADER, &text, NULL) >= 0 &&
               ingot_uuid_parse(text, ret);
}

static int bring_root(struct state *s, ingot_error *reterr)
{
        struct ingot_uuid boot;
        if (!s->cmdline.has_root_hash)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the kernel command line has no roothash=: nothing says which "
                                  "root to start");
        struct ingot_uuid data = ingot_verity_data_uuid(s->cmdline.root_hash);
        struct ingot_uuid hash = ingot_verity_hash_uuid(s->cmdline.root_hash);
        int r = init_root_wait(&data, &hash, boot_partition(&boot) ? &boot : NULL,
                               s->config.timeout, &s->place, reterr);
        return r < 0 ? r : init_root_mount(&s->place, s->cmdline.root_hash, reterr);
}

/* /var, /etc and the machine id, which belong together. */
static int bring_state(struct state *s, ingot_error *reterr)
{
        struct ingot_uuid id;
        ingot_error bind_error = {0};
        int r = init_var_mount(&s->config, s->place.disk, &s->var, reterr);
        bool persistent = s->var.disk != NULL;
        if (r >= 0)
                r = init_var_unit(&s->var, reterr);
        if (r >= 0)
                r = ingot_etc_mount(INIT_SYSROOT, s->config.etc, persistent, "work", reterr);
        if (r < 0 || s->cmdline.machine_id)
                return r;
        r = init_machine_id_settle(s->config.etc, persistent, &id, reterr);
        if (r >= 0 && init_var_bind(&s->var, &id, &bind_error) < 0)
                init_tell_error("/var keeps its old UUID", &bind_error);
        return r;
}

/* systemd imports no credentials of its own once it is told of the stub's: then we do. */
static int hand_over(struct state *s, ingot_error *reterr)
{
        int r = init_hand_over(!s->cmdline.no_credentials, reterr);
        s->stub_credentials = r > 0;
        if (r > 0)
                r = init_credentials_import(s->words, reterr);
        s->system_credentials = r > 0;
        return r;
}

static int start_system(struct state *s, ingot_error *reterr)
{
        int r = read_config(s, reterr);
        if (r >= 0)
                r = read_cmdline(s, reterr);
        if (r < 0)
                return r;
        load_modules(s);
        start_watchdog(s);
        mount_efivars();
        init_limit(&s->config, s->config.timeout + LIMIT);
        r = init_phase_measure(INIT_PHASE_ENTER_INITRD, reterr);
        if (r >= 0)
                r = hand_over(s, reterr);
        if (r >= 0)
                r = bring_root(s, reterr);
        if (r >= 0)
                r = bring_state(s, reterr);
        if (r >= 0)
                r = init_phase_measure(INIT_PHASE_LEAVE_INITRD, reterr);
        return r < 0 ? r : ingot_switch_root(INIT_SYSROOT, reterr);
}

/* Becomes the system's own first process; its name is followed by the kernel's words for it. */
static int execute(const struct state *s, char **argv, ingot_error *reterr)
{
        if (s->watchdog >= 0)
                ingot_watchdog_set(s->watchdog, s->config.watchdog, NULL);
        init_limit(&s->config, 0);
        const char *const programs[] = {s->cmdline.init, "/sbin/init", "/usr/lib/systemd/systemd"};
        if (s->stub_credentials)
                setenv("ENCRYPTED_CREDENTIALS_DIRECTORY", INIT_CREDENTIALS, 1);
        if (s->system_credentials)
                setenv("CREDENTIALS_DIRECTORY", INIT_CREDENTIALS_SYSTEM, 1);
        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
                if (!programs[i])
                        continue;
                argv[0] = (char *) programs[i];
                execv(programs[i], argv);
                ingot_fail_errno(reterr, "start %s", programs[i]);
                init_tell_error("root", reterr);
        }
        return -INGOT_E_SYSTEM;
}

int main(int argc, char **argv)
{
        struct state s = {.config = {.reboot = 10}, .watchdog = -1};
        ingot_error error = {0};
        (void) argc;
        if (getpid() != 1)
                return 2;
        umask(0022);
        int r = mount_kernel(&error);
        init_message_open();
        if (r >= 0)
                r = start_system(&s, &error);
        if (r >= 0)
                r = execute(&s, argv, &error);
        mount_efivars(); /* where the boot's counter is told */
        init_failure(&error, &s.config, s.cmdline.shell);
}
