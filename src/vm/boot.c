/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts a machine together, runs it, and takes it apart. */
#include "vm/boot.h"
#include "base/cleanup.h"
#include "os/event.h"
#include "os/file.h"
#include "os/process.h"
#include "os/terminal.h"
#include "vm/console.h"
#include "vm/firmware.h"
#include "vm/qemu.h"
#include "vm/state.h"
#include "vm/tpm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
        CHECK_TIMEOUT_MSEC = 300 * 1000,
        POWER_OFF_MSEC = 90 * 1000, /* from the report to the end */
        PANIC_MSEC = 1000,          /* from a kernel's panic to the end */
        STOP_MSEC = 3000,           /* QEMU's time to close its disk */
};
#define MEMORY_DEFAULT (UINT64_C(1) << 30)

/* One machine, from its parts to its end. */
struct machine {
        const struct ingot_boot_options *options;
        struct ingot_boot_result *result;
        struct ingot_vm_state state;
        struct ingot_process qemu, tpm;
        int tpm_socket;
        int console_pair[2], report_pair[2];
        struct ingot_console console;
        struct ingot_strings smbios;
        uint64_t deadline; /* of the clock; 0: none */
        bool hurried;
};

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static void machine_done(struct machine *m)
{
        ingot_process_stop(&m->qemu, STOP_MSEC);
        for (int i = 0; i < 2; i++) {
                close_fd(&m->console_pair[i]);
                close_fd(&m->report_pair[i]);
        }
        close_fd(&m->tpm_socket);
        /* QEMU's end of the socket is closed, so it ends by itself and writes its state */
        ingot_process_stop(&m->tpm, STOP_MSEC);
        ingot_strings_done(&m->smbios);
        ingot_vm_state_close(&m->state);
}

void ingot_boot_result_done(struct ingot_boot_result *r)
{
        ingot_check_done(&r->check);
}

static int find_version(unsigned *ret, ingot_error *reterr)
{
        _cleanup_process_result_ struct ingot_process_result result = {0};
        struct ingot_program p = {.argv = (const char *const[]){INGOT_QEMU_PROGRAM, "--version",
                                                                NULL},
                                  .package = INGOT_QEMU_PACKAGE,
                                  .timeout_msec = 30000};
        int r = ingot_process_run(&p, &result, reterr);
        if (r < 0)
                return r;
        *ret = ingot_qemu_version(result.output.data ? (char *) result.output.data : "");
        return *ret ? 0
                    : ingot_fail(reterr, INGOT_E_UNSUPPORTED, "%s does not tell its version",
                                 INGOT_QEMU_PROGRAM);
}

static int add_credential(struct machine *m, const char *text, ingot_error *reterr)
{
        const char *equals = strchr(text, '=');
        if (!equals)
                return ingot_fail(reterr, INGOT_E_USAGE, "not NAME=VALUE: '%s'", text);
        _cleanup_free_ char *name = strndup(text, (size_t) (equals - text));
        if (!name)
                return ingot_fail_nomem(reterr);
        return ingot_credential_smbios(name, INGOT_SPAN(equals + 1, strlen(equals + 1)),
                                       &m->smbios, reterr);
}

/* What the guest is told through SMBIOS. */
static int add_smbios(struct machine *m, ingot_error *reterr)
{
        const struct ingot_boot_options *o = m->options;
        int r = 0;
        for (size_t i = 0; r >= 0 && o->credentials && i < o->credentials->count; i++)
                r = add_credential(m, o->credentials->items[i], reterr);
        if (r >= 0 && o->cmdline && *o->cmdline) {
                _cleanup_free_ char *text = NULL;
                r = ingot_format(&text, reterr, "io.systemd.stub.kernel-cmdline-extra=%s",
                                 o->cmdline);
                if (r >= 0)
                        r = ingot_strings_add(&m->smbios, text, reterr);
        }
        if (r < 0 || !o->check)
                return r;
        /* a guest that does not come up reports what it waits for before the time is over */
        uint64_t seconds = o->timeout_msec / 1000;
        return ingot_check_smbios((unsigned) (seconds > 60 ? seconds - 45 : seconds / 2),
                                  &m->smbios, reterr);
}

static int make_sockets(struct machine *m, ingot_error *reterr)
{
        int r = ingot_socket_pair(m->console_pair, reterr);
        if (r >= 0 && m->options->check)
                r = ingot_socket_pair(m->report_pair, reterr);
        if (r >= 0 && !m->options->no_tpm)
                r = ingot_tpm_start(m->state.tpm, &m->tpm, &m->tpm_socket, reterr);
        return r;
}

static int start_qemu(struct machine *m, const struct ingot_qemu *q, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings argv = {0};
        _cleanup_close_ int messages = -1;
        int r = ingot_qemu_arguments(q, &argv, reterr);
        if (r < 0)
                return r;
        _cleanup_free_ const char **pointers = calloc(argv.count + 1, sizeof(*pointers));
        if (!pointers)
                return ingot_fail_nomem(reterr);
        memcpy(pointers, argv.items, argv.count * sizeof(*pointers));
        messages = open(m->state.messages, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (messages < 0)
                return ingot_fail_errno(reterr, "create %s", m->state.messages);
        int keep[3];
        size_t kept = 0;
        const int all[] = {q->console, q->report, q->tpm};
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                if (all[i] >= 0)
                        keep[kept++] = all[i];
        struct ingot_program p = {.argv = pointers,
                                  .package = INGOT_QEMU_PACKAGE,
                                  .own_group = true,
                                  .keep = keep,
                                  .keep_count = kept};
        return ingot_process_start(&p, (int[3]){-1, messages, messages}, &m->qemu, reterr);
}

/* QEMU writes into a file that is there. */
static int make_write_log(const char *path, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        int r = path ? ingot_file_open_new(&file, path, 0600, reterr) : 0;
        return r >= 0 && path ? ingot_file_truncate(&file, 0, reterr) : r;
}

static int start(struct machine *m, const struct ingot_log *log, ingot_error *reterr)
{
        const struct ingot_boot_options *o = m->options;
        _cleanup_firmware_ struct ingot_firmware firmware = {0};
        struct ingot_qemu q = {.kvm = access("/dev/kvm", R_OK | W_OK) == 0,
                               .memory = o->memory ? o->memory : MEMORY_DEFAULT,
                               .cpus = o->cpus,
                               .firmware = &firmware,
                               .network = !o->no_network,
                               .watchdog = o->watchdog,
                               .one_boot = o->check,
                               .forwards = o->forwards,
                               .write_log = o->write_log,
                               .smbios = &m->smbios};
        char type[32];
        int r = find_version(&q.version, reterr);
        if (r < 0)
                return r;
        snprintf(type, sizeof(type), "pc-q35-%u.0", q.version);
        r = ingot_firmware_find_host(type, o->secure_boot, log, &firmware, reterr);
        if (r < 0)
                return r;
        struct ingot_vm_state_options state = {.image = o->image,
                                               .folder = o->state,
                                               .disk_size = o->disk_size,
                                               .vars = o->vars ? o->vars : firmware.vars};
        r = add_smbios(m, reterr);
        if (r >= 0)
                r = ingot_vm_state_open(&state, &m->state, reterr);
        if (r >= 0)
                r = make_write_log(o->write_log, reterr);
        if (r >= 0)
                r = make_sockets(m, reterr);
        if (r < 0)
                return r;
        q.disk = m->state.disk;
        q.sector_size = m->state.sector_size;
        q.vars = m->state.vars;
        q.console = m->console_pair[1];
        q.report = m->report_pair[1];
        q.tpm = m->tpm_socket;
        r = start_qemu(m, &q, reterr);
        close_fd(&m->console_pair[1]);
        close_fd(&m->report_pair[1]);
        close_fd(&m->tpm_socket);
        return r;
}

/* "…; the console ends with: A / B / C" behind a failure. */
static int with_console(const struct machine *m, int r, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings lines = {0};
        if (!reterr || ingot_console_last_lines(&m->console, 5, &lines, NULL) < 0)
                return r;
        for (size_t i = 0; i < lines.count; i++) {
                size_t n = strlen(reterr->text);
                snprintf(reterr->text + n, sizeof(reterr->text) - n, "%s%.150s",
                         i == 0 ? "; the console ends with: " : " / ", lines.items[i]);
        }
        return r;
}

/* QEMU has ended by itself. */
static int judge_end(struct machine *m, int status, ingot_error *reterr)
{
        if (status != 0) {
                _cleanup_free_ uint8_t *text = NULL;
                size_t size = 0;
                (void) ingot_file_read(AT_FDCWD, m->state.messages, 65536, &text, &size, NULL);
                while (size > 0 && text[size - 1] == '\n')
                        text[--size] = 0;
                char *line = size ? strrchr((char *) text, '\n') : NULL;
                return ingot_fail(reterr, INGOT_E_SYSTEM, "%s failed (%d): %s", INGOT_QEMU_PROGRAM,
                                  status, line ? line + 1 : size ? (char *) text : "no message");
        }
        if (m->options->check && !m->result->check.ended) {
                int r = ingot_fail(reterr, INGOT_E_SYSTEM,
                                   "the machine ended or rebooted before it reported");
                return with_console(m, r, reterr);
        }
        m->result->powered_off = true;
        return 0;
}

/* The time is over: a machine that has reported is only slow to switch itself off. */
static int judge_timeout(struct machine *m, ingot_error *reterr)
{
        if (m->result->check.ended)
                return 0;
        if (m->options->check && m->console.panicked) {
                int r = ingot_fail(reterr, INGOT_E_SYSTEM, "the guest's kernel panicked");
                return with_console(m, r, reterr);
        }
        const char *what = !m->options->check ? "the machine was not switched off"
                           : m->result->check.begun
                                   ? "the guest's report did not end"
                                   : "the guest did not report (that needs systemd 256 or newer)";
        errno = 0;
        int r = ingot_fail(reterr, INGOT_E_SYSTEM, "%s within %llu s", what,
                           (unsigned long long) m->options->timeout_msec / 1000);
        return with_console(m, r, reterr);
}

static int read_report(struct machine *m, ingot_error *reterr)
{
        uint8_t data[4096];
        size_t size;
        int r = ingot_read_some(m->report_pair[0], data, sizeof(data), &size, reterr);
        if (r > 0)
                close_fd(&m->report_pair[0]);
        if (r != 0)
                return r < 0 ? r : 0;
        bool ended = m->result->check.ended;
        r = ingot_check_feed(&m->result->check, INGOT_SPAN(data, size), reterr);
        if (r >= 0 && !ended && m->result->check.ended)
                m->deadline = ingot_clock_msec() + POWER_OFF_MSEC;
        return r;
}

/* What has become ready. 1: the user asks for the end. */
static int serve(struct machine *m, const struct ingot_wait w[3], ingot_error *reterr)
{
        int r = 0;
        if (w[0].ready && (r = ingot_console_output(&m->console, reterr)) > 0) {
                close_fd(&m->console_pair[0]);
                m->console.machine = -1;
                r = 0;
        }
        if (r >= 0 && w[1].ready)
                r = read_report(m, reterr);
        if (r >= 0 && w[2].ready)
                r = ingot_console_input(&m->console, reterr);
        return r;
}

static int milliseconds_left(const struct machine *m)
{
        if (m->deadline == 0)
                return -1;
        uint64_t now = ingot_clock_msec();
        uint64_t left = m->deadline > now ? m->deadline - now : 0;
        return left > INT_MAX ? INT_MAX : (int) left;
}

/* QEMU may have ended with bytes still in the sockets. */
static int drain(struct machine *m, ingot_error *reterr)
{
        for (;;) {
                struct ingot_wait w[] = {{.fd = m->console.machine}, {.fd = m->report_pair[0]}, {-1}};
                int r = ingot_wait_any(w, 2, 0, reterr);
                if (r == 0)
                        r = serve(m, w, reterr);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
}

/* Nothing comes after a panic but the end of what it prints. */
static void hurry_after_panic(struct machine *m)
{
        uint64_t soon = ingot_clock_msec() + PANIC_MSEC;
        if (m->options->check && m->console.panicked && !m->hurried) {
                m->deadline = soon < m->deadline ? soon : m->deadline;
                m->hurried = true;
        }
}

static int run(struct machine *m, struct ingot_signals *signals, ingot_error *reterr)
{
        for (;;) {
                struct ingot_wait w[] = {{.fd = m->console.machine},
                                         {.fd = m->report_pair[0]},
                                         {.fd = m->console.input},
                                         {.fd = signals->fd},
                                         {.fd = m->qemu.pidfd}};
                int r = ingot_wait_any(w, ARRAY_SIZE(w), milliseconds_left(m), reterr);
                if (r > 0)
                        return judge_timeout(m, reterr);
                if (r < 0 || (r = serve(m, w, reterr)) < 0)
                        return r;
                if (r > 0)
                        return 0;
                hurry_after_panic(m);
                if (w[3].ready)
                        return ingot_fail(reterr, INGOT_E_SYSTEM, "ended by a signal (%d)",
                                          ingot_signals_take(signals));
                if (w[4].ready) {
                        int status = 0;
                        r = ingot_process_wait(&m->qemu, -1, &status, reterr);
                        if (r >= 0)
                                r = drain(m, reterr);
                        return r < 0 ? r : judge_end(m, status, reterr);
                }
        }
}

int ingot_boot(const struct ingot_boot_options *o, const struct ingot_log *log,
               struct ingot_boot_result *ret, ingot_error *reterr)
{
        struct ingot_boot_options options = *o;
        if (options.check && options.timeout_msec == 0)
                options.timeout_msec = CHECK_TIMEOUT_MSEC;
        /* restored last: a second Ctrl-C does not end the clearing up */
        _cleanup_signals_ struct ingot_signals signals = INGOT_SIGNALS_NONE;
        _cleanup_(machine_done) struct machine m = {.options = &options,
                                                    .result = ret,
                                                    .state = INGOT_VM_STATE_NONE,
                                                    .qemu = INGOT_PROCESS_NONE,
                                                    .tpm = INGOT_PROCESS_NONE,
                                                    .tpm_socket = -1,
                                                    .console_pair = {-1, -1},
                                                    .report_pair = {-1, -1}};
        _cleanup_terminal_ struct ingot_terminal terminal = INGOT_TERMINAL_NONE;
        *ret = (struct ingot_boot_result){0};
        /* before the first file is made, so that all of them are removed whatever comes */
        int r = ingot_signals_catch(&signals, reterr);
        if (r >= 0)
                r = start(&m, log, reterr);
        if (r >= 0 && options.terminal)
                r = ingot_terminal_raw(options.console_input, &terminal, reterr);
        if (r < 0)
                return r;
        m.console = (struct ingot_console){.machine = m.console_pair[0],
                                           .input = options.console_input,
                                           .output = options.console_output,
                                           .escape = options.terminal};
        if (options.timeout_msec)
                m.deadline = ingot_clock_msec() + options.timeout_msec;
        return run(&m, &signals, reterr);
}
