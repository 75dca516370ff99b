/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "base/buffer.h"
#include "test.h"
#include "vm/qemu.h"

/* argv with a line for each option; an argument with a leading dash starts one. */
static int lines(const struct ingot_qemu *q, struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings argv = {0};
        int r = ingot_qemu_arguments(q, &argv, reterr);
        for (size_t i = 0; r >= 0 && i < argv.count; i++)
                r = ingot_buffer_printf(ret, reterr, "%s%s",
                                        i == 0 ? "" : argv.items[i][0] == '-' ? "\n" : " ",
                                        argv.items[i]);
        return r;
}

static char code[] = "/fw/CODE,4M.fd", vars[] = "/fw/VARS.fd";

TEST(an_emulated_machine)
{
        ingot_error error = {0};
        struct ingot_firmware firmware = {.code = code, .vars = vars};
        _cleanup_strings_ struct ingot_strings forwards = {0}, smbios = {0};
        CHECK_OK(ingot_strings_add(&forwards, "8080:80", &error));
        CHECK_OK(ingot_strings_add(&forwards, "0.0.0.0:5353:53/udp", &error));
        CHECK_OK(ingot_strings_add(&smbios, "io.systemd.credential:a=b,c", &error));
        struct ingot_qemu q = {.version = 7,
                               .memory = UINT64_C(1) << 30,
                               .firmware = &firmware,
                               .vars = "/s/vars.fd",
                               .disk = "/s/disk.qcow2",
                               .console = 4,
                               .report = 5,
                               .tpm = 6,
                               .network = true,
                               .one_boot = true,
                               .forwards = &forwards,
                               .smbios = &smbios};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        CHECK_OK(lines(&q, &b, &error));
        CHECK_STR((char *) b.data,
                  "qemu-system-x86_64\n-no-user-config\n-nodefaults\n-display none\n"
                  "-monitor none\n-machine q35,smm=off\n-accel tcg,thread=multi\n"
                  "-cpu qemu64,-cx16\n-smp 2\n-m 1024M\n-global ICH9-LPC.disable_s3=1\n"
                  "-drive if=pflash,unit=0,format=raw,readonly=on,file=/fw/CODE,,4M.fd\n"
                  "-drive if=pflash,unit=1,format=raw,file=/s/vars.fd\n"
                  "-blockdev driver=qcow2,node-name=disk,discard=unmap,file.driver=file,"
                  "file.filename=/s/disk.qcow2\n"
                  "-device virtio-blk-pci,drive=disk,bootindex=1\n-device virtio-rng-pci\n"
                  "-chardev socket,id=console,fd=4\n-serial chardev:console\n"
                  "-chardev socket,id=report,fd=5\n-serial chardev:report\n"
                  "-chardev socket,id=tpm,fd=6\n-tpmdev emulator,id=tpm0,chardev=tpm\n"
                  "-device tpm-crb,tpmdev=tpm0\n"
                  "-netdev user,id=net,hostfwd=tcp:127.0.0.1:8080-:80,"
                  "hostfwd=udp:0.0.0.0:5353-:53\n"
                  "-device virtio-net-pci,netdev=net,romfile=\n"
                  "-smbios type=11,value=io.systemd.credential:a=b,,c\n-no-reboot");
}

/* The part of the command line that says how the machine runs. */
static int machine_of(const struct ingot_qemu *q, char ret[256], ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer b = {0};
        int r = lines(q, &b, reterr);
        if (r < 0)
                return r;
        const char *start = strstr((char *) b.data, "-machine"), *end = strstr(start, "\n-m ");
        snprintf(ret, 256, "%.*s", (int) (end - start), start);
        return 0;
}

TEST(settings_that_work_depend_on_the_version)
{
        ingot_error error = {0};
        char text[256];
        struct ingot_firmware smm = {.code = code, .vars = vars, .requires_smm = true};
        struct ingot_qemu q = {.version = 7, .memory = 1 << 30, .firmware = &smm, .vars = "v",
                               .disk = "d", .console = -1, .report = -1, .tpm = -1};
        CHECK_OK(machine_of(&q, text, &error));
        CHECK_STR(text, "-machine q35,smm=on\n-accel tcg,thread=single\n-cpu qemu64,-cx16\n-smp 1");
        q.version = 11;
        CHECK_OK(machine_of(&q, text, &error));
        CHECK_STR(text, "-machine q35,smm=on\n-accel tcg,thread=multi\n-cpu qemu64\n-smp 2");
        q.kvm = true;
        q.cpus = 3;
        CHECK_OK(machine_of(&q, text, &error));
        CHECK_STR(text, "-machine q35,smm=on\n-accel kvm\n-cpu host\n-smp 3");
}

TEST(the_disk_has_the_sectors_of_its_table)
{
        ingot_error error = {0};
        struct ingot_firmware firmware = {.code = code, .vars = vars};
        struct ingot_qemu q = {.version = 7,
                               .memory = 1 << 30,
                               .firmware = &firmware,
                               .vars = "v",
                               .disk = "d",
                               .console = -1,
                               .report = -1,
                               .tpm = -1};
        static const uint32_t sizes[] = {0, 512, 4096};
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                _cleanup_buffer_ struct ingot_buffer b = {0};
                q.sector_size = sizes[i];
                CHECK_OK(lines(&q, &b, &error));
                const char *large =
                        strstr((char *) b.data, "drive=disk,bootindex=1,logical_block_size"
                                                "=4096,physical_block_size=4096\n");
                CHECK(!large == (sizes[i] != 4096));
        }
}

TEST(the_log_of_writes_stands_between_machine_and_disk)
{
        ingot_error error = {0};
        struct ingot_firmware firmware = {.code = code, .vars = vars};
        struct ingot_qemu q = {.version = 7,
                               .memory = 1 << 30,
                               .firmware = &firmware,
                               .vars = "v",
                               .disk = "d",
                               .write_log = "writes,1",
                               .console = -1,
                               .report = -1,
                               .tpm = -1};
        _cleanup_buffer_ struct ingot_buffer b = {0};
        CHECK_OK(lines(&q, &b, &error));
        CHECK(strstr((char *) b.data,
                     "-blockdev driver=qcow2,node-name=disk,discard=unmap,file.driver=file,"
                     "file.filename=d\n"
                     "-blockdev driver=blklogwrites,node-name=logged,file=disk,log.driver=file,"
                     "log.filename=writes,,1\n"
                     "-device virtio-blk-pci,drive=logged,bootindex=1\n"));
}

TEST(a_watchdog_is_a_device_that_is_asked_for)
{
        struct ingot_firmware firmware = {.code = code, .vars = vars};
        for (int on = 0; on < 2; on++) {
                ingot_error error = {0};
                struct ingot_qemu q = {.version = 7,
                                       .memory = 1 << 30,
                                       .firmware = &firmware,
                                       .vars = "v",
                                       .disk = "d",
                                       .watchdog = on,
                                       .console = -1,
                                       .report = -1,
                                       .tpm = -1};
                _cleanup_buffer_ struct ingot_buffer b = {0};
                CHECK_OK(lines(&q, &b, &error));
                CHECK(!strstr((char *) b.data, "-device i6300esb") == !on);
        }
}

TEST(forwards_that_cannot_be_meant_are_refused)
{
        static const char *const bad[] = {"80", "0:80", "80:0", "a:80", "80:65536", "1:2:3:4",
                                          "host:80:80", "80:80/tcpx", "127.0.0.1:80:80,id=x"};
        struct ingot_firmware firmware = {.code = code, .vars = vars};
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                ingot_error error = {0};
                _cleanup_strings_ struct ingot_strings forwards = {0}, argv = {0};
                CHECK_OK(ingot_strings_add(&forwards, bad[i], &error));
                struct ingot_qemu q = {.version = 7, .memory = 1 << 30, .firmware = &firmware,
                                       .vars = "v", .disk = "d", .console = -1, .report = -1,
                                       .tpm = -1, .network = true, .forwards = &forwards};
                CHECK_FAILS(ingot_qemu_arguments(&q, &argv, &error), INGOT_E_USAGE,
                            "not a forward");
        }
}

TEST(the_version_is_read)
{
        CHECK_EQ(ingot_qemu_version("QEMU emulator version 7.2.22 (Debian 1:7.2)\nCopyright"), 7);
        CHECK_EQ(ingot_qemu_version("QEMU emulator version 11.1.0"), 11);
        CHECK_EQ(ingot_qemu_version("QEMU emulator version x"), 0);
        CHECK_EQ(ingot_qemu_version(""), 0);
}
