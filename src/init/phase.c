/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two TPM commands as bytes, and the log line. */
#include "init/phase.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/uuid.h"
#include "init/message.h"
#include "os/efivar.h"
#include "os/file.h"
#include "os/tpm-device.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define TPM_ST_NO_SESSIONS 0x8001
#define TPM_ST_SESSIONS 0x8002
#define TPM_CC_PCR_EXTEND 0x182
#define TPM_CC_GET_CAPABILITY 0x17a
#define TPM_CAP_PCRS 5
#define TPM_RS_PW 0x40000009
#define AUTHORIZATION_SIZE 9 /* handle, empty nonce, attributes, empty password */
#define HEADER_SIZE 10
#define LOG_FOLDER "/run/log/systemd"
#define LOG LOG_FOLDER "/tpm2-measure.log"

const char *init_phase_word(enum init_phase phase)
{
        return phase == INIT_PHASE_ENTER_INITRD ? "enter-initrd" : "leave-initrd";
}

static int put_be(struct ingot_buffer *b, uint32_t value, size_t size, ingot_error *reterr)
{
        uint8_t bytes[4];
        ingot_be32_store(bytes, value);
        return ingot_buffer_append(b, bytes + 4 - size, size, reterr);
}

/* A command's header; the size is filled in when all is there. */
static int begin(struct ingot_buffer *b, uint16_t tag, uint32_t code, ingot_error *reterr)
{
        int r = put_be(b, tag, 2, reterr);
        if (r >= 0)
                r = put_be(b, 0, 4, reterr);
        return r < 0 ? r : put_be(b, code, 4, reterr);
}

static int end(struct ingot_buffer *b, int r)
{
        if (r >= 0)
                ingot_be32_store(b->data + 2, (uint32_t) b->size);
        return r;
}

int init_phase_banks_command(struct ingot_buffer *ret, ingot_error *reterr)
{
        int r = begin(ret, TPM_ST_NO_SESSIONS, TPM_CC_GET_CAPABILITY, reterr);
        if (r >= 0)
                r = put_be(ret, TPM_CAP_PCRS, 4, reterr);
        if (r >= 0)
                r = put_be(ret, 0, 4, reterr);
        if (r >= 0)
                r = put_be(ret, 1, 4, reterr);
        return end(ret, r);
}

int init_tpm_response_check(struct ingot_span response, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(response);
        ingot_cursor_skip(&c, 2);
        uint32_t size = ingot_cursor_be32(&c), code = ingot_cursor_be32(&c);
        if (c.failed || size != response.size)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the TPM's response is malformed");
        if (code != 0)
                return ingot_fail(reterr, INGOT_E_REFUSED, "the TPM answers with error %#x", code);
        return 0;
}

static uint16_t cursor_be16(struct ingot_cursor *c)
{
        struct ingot_span s = ingot_cursor_take(c, 2);
        return s.data ? ingot_be16_load(s.data) : 0;
}

int init_phase_banks_decode(struct ingot_span response, unsigned *ret_mask, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(response);
        unsigned mask = 0;
        int r = init_tpm_response_check(response, reterr);
        if (r < 0)
                return r;
        ingot_cursor_skip(&c, HEADER_SIZE + 1);
        uint32_t capability = ingot_cursor_be32(&c), count = ingot_cursor_be32(&c);
        for (uint32_t i = 0; i < count && !c.failed; i++) {
                uint16_t algorithm = cursor_be16(&c);
                struct ingot_span pcrs = ingot_cursor_take(&c, ingot_cursor_u8(&c));
                if (pcrs.size <= INIT_PHASE_PCR / 8 ||
                    !(pcrs.data[INIT_PHASE_PCR / 8] & 1 << INIT_PHASE_PCR % 8))
                        continue;
                for (unsigned bank = 0; bank < INIT_PHASE_BANKS; bank++)
                        if (init_phase_banks[bank].algorithm == algorithm)
                                mask |= 1U << bank;
        }
        if (c.failed || capability != TPM_CAP_PCRS)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the TPM's list of banks is malformed");
        *ret_mask = mask;
        return 0;
}

int init_phase_extend_command(enum init_phase phase, unsigned mask, struct ingot_buffer *ret,
                              ingot_error *reterr)
{
        static const uint8_t password[] = {TPM_RS_PW >> 24, 0, 0, TPM_RS_PW & 0xff, 0, 0, 0, 0, 0};
        int r = begin(ret, TPM_ST_SESSIONS, TPM_CC_PCR_EXTEND, reterr);
        if (r >= 0)
                r = put_be(ret, INIT_PHASE_PCR, 4, reterr);
        if (r >= 0)
                r = put_be(ret, AUTHORIZATION_SIZE, 4, reterr);
        if (r >= 0)
                r = ingot_buffer_append(ret, password, sizeof(password), reterr);
        if (r >= 0)
                r = put_be(ret, (uint32_t) __builtin_popcount(mask), 4, reterr);
        for (unsigned i = 0; r >= 0 && i < INIT_PHASE_BANKS; i++) {
                const struct init_phase_bank *bank = &init_phase_banks[i];
                if (!(mask & 1U << i))
                        continue;
                r = put_be(ret, bank->algorithm, 2, reterr);
                if (r >= 0)
                        r = ingot_buffer_append(ret, bank->words[phase], bank->size, reterr);
        }
        return end(ret, r);
}

int init_phase_log_line(enum init_phase phase, unsigned mask, const char *boot_id,
                        uint64_t boottime_usec, struct ingot_buffer *ret, ingot_error *reterr)
{
        const char *comma = "";
        int r = ingot_buffer_printf(ret, reterr, "\x1e{\"pcr\":%u,\"digests\":[", INIT_PHASE_PCR);
        for (unsigned i = 0; r >= 0 && i < INIT_PHASE_BANKS; i++) {
                const struct init_phase_bank *bank = &init_phase_banks[i];
                char hex[2 * 64 + 1];
                if (!(mask & 1U << i))
                        continue;
                ingot_hex(hex, bank->words[phase], bank->size);
                r = ingot_buffer_printf(ret, reterr, "%s{\"hashAlg\":\"%s\",\"digest\":\"%s\"}",
                                        comma, bank->name, hex);
                comma = ",";
        }
        if (r >= 0)
                r = ingot_buffer_printf(ret, reterr,
                                        "],\"content_type\":\"systemd\",\"content\":{\"string\":"
                                        "\"%s\",\"bootId\":\"%s\",\"timestamp\":%llu,"
                                        "\"eventType\":\"phase\"}}\n",
                                        init_phase_word(phase), boot_id,
                                        (unsigned long long) boottime_usec);
        return r;
}

static int read_boot_id(char ret[33], ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        struct ingot_uuid id;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &size,
                                reterr);
        if (r < 0)
                return r;
        if (size > 0 && text[size - 1] == '\n')
                text[size - 1] = 0;
        if (!ingot_uuid_parse((const char *) text, &id))
                return ingot_fail(reterr, INGOT_E_FORMAT, "the boot id is malformed");
        ingot_hex(ret, id.bytes, 16);
        return 0;
}

static int log_line_now(enum init_phase phase, unsigned mask, struct ingot_buffer *ret,
                        ingot_error *reterr)
{
        struct timespec t = {0};
        char boot_id[33];
        int r = read_boot_id(boot_id, reterr);
        if (r < 0)
                return r;
        clock_gettime(CLOCK_BOOTTIME, &t);
        return init_phase_log_line(phase, mask, boot_id,
                                   (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000, ret,
                                   reterr);
}

/* The log, locked. While its sticky bit is set it may lack a measurement that was made. */
static int open_log(int *ret, ingot_error *reterr)
{
        int r = ingot_make_directories(LOG_FOLDER, 0755, reterr);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = open(LOG, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || flock(fd, LOCK_EX) < 0 || fchmod(fd, 0600 | S_ISVTX) < 0)
                return ingot_fail_errno(reterr, "open " LOG);
        *ret = TAKE_FD(fd);
        return 0;
}

static int ask_banks(int tpm, unsigned *ret_mask, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer command = {0};
        uint8_t response[INGOT_TPM_RESPONSE_MAX];
        size_t size;
        int r = init_phase_banks_command(&command, reterr);
        if (r >= 0)
                r = ingot_tpm_device_transact(tpm, ingot_buffer_span(&command), response, &size, reterr);
        return r < 0 ? r : init_phase_banks_decode(INGOT_SPAN(response, size), ret_mask, reterr);
}

static int extend(int tpm, enum init_phase phase, unsigned mask, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer command = {0};
        uint8_t response[INGOT_TPM_RESPONSE_MAX];
        size_t size;
        int r = init_phase_extend_command(phase, mask, &command, reterr);
        if (r >= 0)
                r = ingot_tpm_device_transact(tpm, ingot_buffer_span(&command), response, &size, reterr);
        return r < 0 ? r : init_tpm_response_check(INGOT_SPAN(response, size), reterr);
}

static int measure(int tpm, enum init_phase phase, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer line = {0};
        _cleanup_close_ int log = -1;
        unsigned mask;
        int r = ask_banks(tpm, &mask, reterr);
        if (r >= 0 && mask == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "the TPM has no bank that we know");
        if (r >= 0)
                r = open_log(&log, reterr);
        if (r >= 0)
                r = extend(tpm, phase, mask, reterr);
        if (r >= 0)
                r = log_line_now(phase, mask, &line, reterr);
        if (r >= 0)
                r = ingot_file_write_all(log, line.data, line.size, reterr);
        if (r >= 0 && fchmod(log, 0600) < 0)
                return ingot_fail_errno(reterr, "finish " LOG);
        return r;
}

int init_phase_measure(enum init_phase phase, ingot_error *reterr)
{
        _cleanup_close_ int tpm = -1;
        if (!ingot_efivar_exists("StubPcrKernelImage", INGOT_EFIVAR_LOADER))
                return 1;
        int r = ingot_tpm_device_open(&tpm, reterr);
        if (r == -INGOT_E_NOTFOUND) {
                init_tell("the kernel was measured, but there is no TPM: is its driver in the "
                          "initrd?");
                return 1;
        }
        if (r >= 0)
                r = measure(tpm, phase, reterr);
        return ingot_under(reterr, r, "measure %s", init_phase_word(phase));
}
