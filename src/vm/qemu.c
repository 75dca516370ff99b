/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Emulation has traps, found by measuring: with QEMU 7.2, -cpu max oopses guests with two CPUs and
 * hangs with one; cmpxchg16b corrupts flags now and then, on which Linux's slab allocator oopses;
 * and Secure Boot firmware (SMM) hangs with two CPUs on two threads. Newer ones have none of these;
 * a plain CPU model is the faster one to emulate in all of them.
 */
#include "vm/qemu.h"
#include "base/buffer.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CX16_SINCE = 8, SMM_THREADS_SINCE = 10 };

/* QEMU ends a value at a comma; a doubled one is a comma. */
static int escape_commas(const char *text, char **ret, ingot_error *reterr)
{
        char *out = malloc(strlen(text) * 2 + 1), *o = out;
        if (!out)
                return ingot_fail_nomem(reterr);
        for (; *text; text++) {
                *o++ = *text;
                if (*text == ',')
                        *o++ = ',';
        }
        *o = 0;
        *ret = out;
        return 0;
}

static int add(struct ingot_strings *argv, ingot_error *reterr, const char *option,
               const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "-option" and its value; a NULL format: no value. */
static int add(struct ingot_strings *argv, ingot_error *reterr, const char *option,
               const char *format, ...)
{
        int r = ingot_strings_add(argv, option, reterr);
        if (r < 0 || !format)
                return r;
        char *value = NULL;
        va_list args;
        va_start(args, format);
        int n = vasprintf(&value, format, args);
        va_end(args);
        if (n < 0)
                return ingot_fail_nomem(reterr);
        r = ingot_strings_add(argv, value, reterr);
        free(value);
        return r;
}

/* "-option PREFIX" with an escaped text behind it. */
static int add_text(struct ingot_strings *argv, ingot_error *reterr, const char *option,
                    const char *prefix, const char *text)
{
        _cleanup_free_ char *escaped = NULL;
        int r = escape_commas(text, &escaped, reterr);
        return r < 0 ? r : add(argv, reterr, option, "%s%s", prefix, escaped);
}

static int add_machine(const struct ingot_qemu *q, struct ingot_strings *argv, ingot_error *reterr)
{
        bool smm = q->firmware->requires_smm;
        bool threads = !smm || q->version >= SMM_THREADS_SINCE;
        unsigned cpus = q->cpus ? q->cpus : q->kvm || threads ? 2 : 1;
        const char *cpu = q->kvm ? "host" : q->version < CX16_SINCE ? "qemu64,-cx16" : "qemu64";
        int r = add(argv, reterr, "-machine", "q35,smm=%s", smm ? "on" : "off");
        if (r >= 0 && q->kvm)
                r = add(argv, reterr, "-accel", "kvm");
        else if (r >= 0)
                r = add(argv, reterr, "-accel", "tcg,thread=%s", threads ? "multi" : "single");
        if (r >= 0)
                r = add(argv, reterr, "-cpu", "%s", cpu);
        if (r >= 0)
                r = add(argv, reterr, "-smp", "%u", cpus);
        if (r >= 0)
                r = add(argv, reterr, "-m", "%lluM", (unsigned long long) (q->memory >> 20));
        if (r >= 0)
                r = add(argv, reterr, "-global", "ICH9-LPC.disable_s3=1");
        if (r >= 0 && smm)
                r = add(argv, reterr, "-global", "driver=cfi.pflash01,property=secure,value=on");
        return r;
}

static int add_storage(const struct ingot_qemu *q, struct ingot_strings *argv, ingot_error *reterr)
{
        int r = add_text(argv, reterr, "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=",
                         q->firmware->code);
        if (r >= 0)
                r = add_text(argv, reterr, "-drive", "if=pflash,unit=1,format=raw,file=", q->vars);
        if (r >= 0)
                r = add_text(argv, reterr, "-blockdev",
                             "driver=qcow2,node-name=disk,discard=unmap,file.driver=file,"
                             "file.filename=",
                             q->disk);
        if (r >= 0 && q->write_log)
                r = add_text(argv, reterr, "-blockdev",
                             "driver=blklogwrites,node-name=logged,file=disk,log.driver=file,"
                             "log.filename=",
                             q->write_log);
        if (r >= 0)
                r = add(argv, reterr, "-device", "virtio-blk-pci,drive=%s,bootindex=1%s",
                        q->write_log ? "logged" : "disk",
                        q->sector_size == 4096 ? ",logical_block_size=4096,physical_block_size=4096"
                                               : "");
        return r;
}

static int add_devices(const struct ingot_qemu *q, struct ingot_strings *argv, ingot_error *reterr)
{
        int r = add(argv, reterr, "-device", "virtio-rng-pci");
        if (r >= 0 && q->console >= 0)
                r = add(argv, reterr, "-chardev", "socket,id=console,fd=%d", q->console);
        if (r >= 0 && q->console >= 0)
                r = add(argv, reterr, "-serial", "chardev:console");
        if (r >= 0 && q->report >= 0)
                r = add(argv, reterr, "-chardev", "socket,id=report,fd=%d", q->report);
        if (r >= 0 && q->report >= 0)
                r = add(argv, reterr, "-serial", "chardev:report");
        if (r >= 0 && q->tpm >= 0)
                r = add(argv, reterr, "-chardev", "socket,id=tpm,fd=%d", q->tpm);
        if (r >= 0 && q->tpm >= 0)
                r = add(argv, reterr, "-tpmdev", "emulator,id=tpm0,chardev=tpm");
        if (r >= 0 && q->tpm >= 0)
                r = add(argv, reterr, "-device", "tpm-crb,tpmdev=tpm0");
        if (r >= 0 && q->watchdog)
                r = add(argv, reterr, "-device", "i6300esb");
        return r;
}

static bool port(const char *text, uint64_t *ret)
{
        return ingot_parse_u64(text, ret) && *ret > 0 && *ret < 65536;
}

/* ",hostfwd=tcp:127.0.0.1:8080-:80" out of "8080:80". */
static int add_forward(struct ingot_buffer *b, const char *text, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings parts = {0};
        uint64_t host, guest;
        bool udp = ingot_ends_with(text, "/udp");
        _cleanup_free_ char *ports = strndup(text, strlen(text) - (udp ? 4 : 0));
        if (!ports)
                return ingot_fail_nomem(reterr);
        int r = ingot_strings_split(&parts, ports, ":", reterr);
        if (r < 0)
                return r;
        struct in_addr address;
        size_t n = parts.count;
        if ((n != 2 && n != 3) || !port(parts.items[n - 2], &host) ||
            !port(parts.items[n - 1], &guest) ||
            (n == 3 && inet_pton(AF_INET, parts.items[0], &address) != 1))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "not a forward: '%s' (as in 8080:80 or 0.0.0.0:5353:53/udp)",
                                  text);
        return ingot_buffer_printf(b, reterr, ",hostfwd=%s:%s:%u-:%u", udp ? "udp" : "tcp",
                                   n == 3 ? parts.items[0] : "127.0.0.1", (unsigned) host,
                                   (unsigned) guest);
}

static int add_network(const struct ingot_qemu *q, struct ingot_strings *argv, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer forwards = {0};
        int r = ingot_buffer_printf(&forwards, reterr, "%s", "");
        for (size_t i = 0; r >= 0 && q->forwards && i < q->forwards->count; i++)
                r = add_forward(&forwards, q->forwards->items[i], reterr);
        if (r < 0 || !q->network)
                return r;
        r = add(argv, reterr, "-netdev", "user,id=net%s", (const char *) forwards.data);
        /* no option ROM: the firmware shall not try to boot over the network */
        return r < 0 ? r : add(argv, reterr, "-device", "virtio-net-pci,netdev=net,romfile=");
}

int ingot_qemu_arguments(const struct ingot_qemu *q, struct ingot_strings *ret, ingot_error *reterr)
{
        int r = add(ret, reterr, INGOT_QEMU_PROGRAM, NULL);
        if (r >= 0)
                r = add(ret, reterr, "-no-user-config", NULL);
        if (r >= 0)
                r = add(ret, reterr, "-nodefaults", NULL);
        if (r >= 0)
                r = add(ret, reterr, "-display", "none");
        if (r >= 0)
                r = add(ret, reterr, "-monitor", "none");
        if (r >= 0)
                r = add_machine(q, ret, reterr);
        if (r >= 0)
                r = add_storage(q, ret, reterr);
        if (r >= 0)
                r = add_devices(q, ret, reterr);
        if (r >= 0)
                r = add_network(q, ret, reterr);
        for (size_t i = 0; r >= 0 && q->smbios && i < q->smbios->count; i++)
                r = add_text(ret, reterr, "-smbios", "type=11,value=", q->smbios->items[i]);
        return r >= 0 && q->one_boot ? add(ret, reterr, "-no-reboot", NULL) : r;
}

unsigned ingot_qemu_version(const char *text)
{
        static const char before[] = "QEMU emulator version ";
        if (!ingot_starts_with(text, before))
                return 0;
        long version = strtol(text + sizeof(before) - 1, NULL, 10);
        return version > 0 && version < 1000 ? (unsigned) version : 0;
}
