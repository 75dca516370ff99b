/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot boot FILE: an image in a virtual machine, on the terminal or checked. */
#include "cli/check-report.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/signers.h"
#include "vm/boot.h"

#include <limits.h>
#include <unistd.h>

struct boot_options {
        bool check, secure_boot, no_tpm, no_network, watchdog, as_shipped, verbose;
        const char *state, *vars, *cmdline, *logs, *write_log;
        uint64_t disk_size, memory, cpus, timeout;
        struct ingot_strings forwards, credentials;
        struct verify_options signers;
};

static const struct option rows[] = {
        FLAG('c', "check", struct boot_options, check,
             "Boot to the default target, report failed units, PCR values and boot times, power "
             "off; status 0 only when the target was reached, no unit failed, and no PCR differs "
             "from the image's measurement manifest"),
        OPTION_JSON,
        UINT('t', "timeout", "SECONDS", struct boot_options, timeout,
             "End the machine after that time; 300 with --check"),
        STRING(0, "logs", "DIR", struct boot_options, logs,
               "With --check, write firmware.log and userspace.log, which ingot pcr log reads, and "
               "report.json into this folder, in place of those of an earlier call"),
        OPTION_SIGNERS(struct boot_options, signers),
        FLAG('v', "verbose", struct boot_options, verbose,
             "With --check, show the machine's console on standard error"),
        STRING('s', "state", "DIR", struct boot_options, state,
               "Keep disk, UEFI variables and TPM in this folder, so that the next boot finds "
               "them; else they are thrown away"),
        STRING(0, "write-log", "FILE", struct boot_options, write_log,
               "Keep every write to the machine's disk, and the flushes between them, in this "
               "file, in the format of the kernel's dm-log-writes: from it and the disk before the boot "
               "comes what a power cut leaves"),
        SIZE(0, "disk-size", "BYTES", struct boot_options, disk_size,
             "Give the machine a disk of at least that size (4G); K, M, G and T are powers of "
             "1024"),
        SIZE('m', "memory", "BYTES", struct boot_options, memory, "Memory of the machine (1G)"),
        UINT(0, "cpus", "NUMBER", struct boot_options, cpus,
             "CPUs of the machine (as many as work well, at most 2)"),
        STRINGS('f', "forward", "PORT:GUEST-PORT", struct boot_options, forwards,
                "Forward a port of this host's 127.0.0.1 to the guest; ADDRESS: may stand before "
                "and /udp behind"),
        FLAG(0, "no-network", struct boot_options, no_network, "Give the machine no network"),
        FLAG(0, "watchdog", struct boot_options, watchdog,
             "Give the machine a hardware watchdog, which resets it when nobody tends it"),
        STRINGS(0, "credential", "NAME=VALUE", struct boot_options, credentials,
                "Pass a system credential to the guest"),
        STRING(0, "cmdline", "WORDS", struct boot_options, cmdline,
               "Append to the kernel's command line (console=ttyS0, unless --check)"),
        FLAG(0, "as-shipped", struct boot_options, as_shipped,
             "Append nothing to the kernel's command line, so that PCR 12 is as on a device"),
        FLAG(0, "secure-boot", struct boot_options, secure_boot,
             "Use firmware that can verify what it starts; without --vars it is in setup mode"),
        STRING(0, "vars", "FILE", struct boot_options, vars,
               "Start from this UEFI variable store, with its keys"),
        FLAG(0, "no-tpm", struct boot_options, no_tpm, "Give the machine no TPM"),
        OPTION_NO_COLOR,
        {0},
};

static const char details[] =
        "Boots a disk image in QEMU by UEFI, with a TPM 2.0 and the serial console in this "
        "terminal. The image itself is never written: the machine's disk is an overlay of it, "
        "thrown away at the end or kept with --state. Press Ctrl-] to end the machine.\n"
        "\n"
        "KVM is used where /dev/kvm can be opened; else the machine is emulated, which takes "
        "about a minute from the firmware to the default target.\n"
        "\n"
        "The image needs no agent for --check: a unit that reports is passed as a system "
        "credential, which takes systemd 256 or newer in the guest. Nothing is added to the "
        "command line then, and PCR values are those of a device but for what describes the "
        "machine.\n"
        "\n"
        "PCR values are compared with the measurement manifest on the ESP, or beside the image. "
        "Who "
        "signed that is checked when --key or --os says who may; a manifest that nobody of these "
        "signed fails the check.\n"
        "\n"
        "The programs qemu-system-x86_64 (package qemu-system-x86), qemu-img (qemu-utils) and "
        "swtpm (swtpm) are needed, and the firmware (ovmf), which is found by the descriptors in "
        "/usr/share/qemu/firmware.";

static const struct example examples[] = {
        {"ingot boot --check image.raw", "Say whether an image comes up without a failed unit"},
        {"ingot boot --check --json --state=machine image.raw",
         "The same as JSON, on a machine whose disk and TPM are kept"},
        {"ingot boot --timeout=20 -m 2G -f 8080:80 image.raw",
         "Boot on this terminal; the guest's web server is at 127.0.0.1:8080"},
        {0},
};

static int check_options(const struct boot_options *o, bool json, ingot_error *reterr)
{
        bool signers = o->signers.keys.count > 0 || o->signers.os.count > 0;
        if (!o->check && (json || o->verbose || o->logs || signers))
                return ingot_fail(reterr, INGOT_E_USAGE, "--%s goes only with --check",
                                  json                        ? "json"
                                  : o->logs                   ? "logs"
                                  : o->signers.keys.count > 0 ? "key"
                                  : signers                   ? "os"
                                                              : "verbose");
        if (o->cpus > 64 || o->timeout > 1000000)
                return ingot_fail(reterr, INGOT_E_USAGE, "--%s is too large",
                                  o->cpus > 64 ? "cpus" : "timeout");
        if (o->memory && o->memory < 64 << 20)
                return ingot_fail(reterr, INGOT_E_USAGE, "--memory is too small to boot");
        if (o->as_shipped && o->cmdline)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "--as-shipped and --cmdline exclude each other");
        return 0;
}

static const char *choose_cmdline(const struct boot_options *o)
{
        if (o->cmdline || o->as_shipped || o->check)
                return o->cmdline;
        return "console=ttyS0";
}

static int report(const struct boot_options *o, const struct invocation *in,
                  const struct ingot_signature_request *signers,
                  const struct ingot_boot_result *result, ingot_error *reterr)
{
        if (!o->check)
                return 0;
        if (!result->powered_off)
                ingot_warn(in->log, "the machine did not switch itself off after its report");
        _cleanup_vm_measured_ struct ingot_vm_measured m = {0};
        const struct ingot_check *c = &result->check;
        int r = ingot_vm_measured_compare(in->operands[0], c, o->cmdline && *o->cmdline, signers,
                                          &m, reterr);
        if (r >= 0)
                r = in->json ? check_report_print_json(c, &m, result->powered_off, reterr)
                             : check_report_print(c, &m, reterr);
        if (r >= 0 && o->logs)
                r = check_report_write(c, &m, result->powered_off, o->logs, in->log, reterr);
        return r < 0 ? r : !(ingot_check_healthy(c) && ingot_vm_measured_holds(&m));
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct boot_options *o = in->options;
        _cleanup_signers_ struct signers signers = {.request = {0}};
        int unsigned_too = 0, r = check_options(o, in->json, reterr);
        if (r >= 0)
                r = unsigned_too = signers_load(&signers, &o->signers, NULL, in->log, reterr);
        if (r >= 0 && o->logs)
                r = check_report_clear(o->logs, reterr);
        if (r < 0)
                return r;
        bool terminal = !o->check && isatty(STDIN_FILENO);
        struct ingot_boot_options boot = {
                .image = in->operands[0],
                .state = o->state,
                .disk_size = o->disk_size,
                .memory = o->memory,
                .cpus = (unsigned) o->cpus,
                .secure_boot = o->secure_boot,
                .vars = o->vars,
                .no_tpm = o->no_tpm,
                .no_network = o->no_network,
                .watchdog = o->watchdog,
                .forwards = &o->forwards,
                .credentials = &o->credentials,
                .write_log = o->write_log,
                .cmdline = choose_cmdline(o),
                .check = o->check,
                .timeout_msec = o->timeout * 1000,
                .console_input = o->check ? -1 : STDIN_FILENO,
                .console_output = !o->check    ? STDOUT_FILENO
                                  : o->verbose ? STDERR_FILENO
                                               : -1,
                .terminal = terminal,
        };
        if (terminal)
                fprintf(stderr, "Ctrl-] ends the machine\n");
        _cleanup_boot_result_ struct ingot_boot_result result = {0};
        r = ingot_boot(&boot, in->log, &result, reterr);
        return r < 0 ? r : report(o, in, unsigned_too ? NULL : &signers.request, &result, reterr);
}

const struct command cmd_boot = {
        .name = "boot",
        .synopsis = "FILE",
        .summary = "Boot a disk image in a virtual machine",
        .details = details,
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .options_size = sizeof(struct boot_options),
        .run = run,
};
