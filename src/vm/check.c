/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's script, and the reader of what it writes. */
#include "vm/check.h"
#include "base/base64.h"
#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_SIZE = 4096 };

#define PREFIX "ingot-check "

/*
 * Type=exec and no ordering: a unit that were part of the boot would wait for itself. Wanted by
 * sysinit.target, which every boot starts, and by the targets of a boot that went wrong. Not in an
 * initrd that is a systemd of its own: it imports the same credentials.
 */
static const char unit[] = "[Unit]\n"
                           "Description=Report of ingot boot --check\n"
                           "DefaultDependencies=no\n"
                           "ConditionPathExists=!/etc/initrd-release\n"
                           "[Service]\n"
                           "Type=exec\n"
                           "LoadCredential=ingot.check\n"
                           "ExecStart=/bin/sh %d/ingot.check\n"
                           "StandardInput=null\n"
                           "StandardError=null\n"
                           "TTYPath=/dev/ttyS1\n"
                           "StandardOutput=tty\n";

static const char dropin[] = "[Unit]\nWants=ingot-check.service\n";

static const char *const wanted_by[] = {"sysinit.target", "emergency.target", "rescue.target"};

/* Descriptions are cut, so that one line of the report is one line of the port. */
static const char script[] =
        "say() { printf 'ingot-check %s\\n' \"$*\"; }\n"
        "file() {\n"
        "  [ -e \"$2\" ] || return\n"
        "  head -c 1048577 \"$2\" >/run/ingot-check\n"
        "  size=$(wc -c </run/ingot-check)\n"
        "  sum=$(sha256sum </run/ingot-check)\n"
        "  say file \"$1\" $size ${sum%% *}\n"
        "  [ $size -gt 1048576 ] || base64 -w 1024 /run/ingot-check | sed 's/^/ingot-check data /'\n"
        "  rm -f /run/ingot-check\n"
        "}\n"
        "uptime() { read -r up _ </proc/uptime; echo \"${up%%.*}\"; }\n"
        "end=$(($(uptime) + wait))\n"
        "while :; do\n"
        "  left=$((end - $(uptime)))\n"
        "  [ $left -gt 0 ] || left=1\n"
        "  state=$(timeout $left systemctl is-system-running --wait)\n"
        "  case $state in\n"
        "  ''|unknown|initializing|starting) [ $(uptime) -lt $end ] || break; sleep 1 ;;\n"
        "  *) break ;;\n"
        "  esac\n"
        "done\n"
        "[ \"$state\" ] || state=$(systemctl is-system-running)\n"
        "printf '\\n'\n"
        "say begin 2\n"
        "say state \"$state\"\n"
        "say target \"$(systemctl get-default)\"\n"
        "say target-state \"$(systemctl is-active default.target)\"\n"
        "say kernel \"$(uname -r)\"\n"
        "say machine-id \"$(cat /etc/machine-id)\"\n"
        "systemctl list-units --failed --plain --no-legend --full |\n"
        "while read -r unit load active sub description; do\n"
        "  [ \"$unit\" ] || continue\n"
        "  say failed \"$unit\" \"$description\"\n"
        "  journalctl -b -u \"$unit\" -n 8 -o cat --no-pager | cut -c 1-300 |\n"
        "  while IFS= read -r line; do say log \"$line\"; done\n"
        "done\n"
        "systemctl list-jobs --plain --no-legend --full |\n"
        "while read -r id unit type jobstate; do\n"
        "  [ \"$type\" ] && say job \"$unit\" \"$type\" \"$jobstate\"\n"
        "done\n"
        "for t in Firmware Loader InitRD Userspace Finish; do\n"
        "  say time $t \"$(systemctl show --value -p ${t}TimestampMonotonic)\"\n"
        "done\n"
        "for bank in sha1 sha256 sha384 sha512; do\n"
        "  for pcr in /sys/class/tpm/tpm0/pcr-$bank/*; do\n"
        "    [ -e \"$pcr\" ] && read -r value <\"$pcr\" && say pcr $bank \"${pcr##*/}\" $value\n"
        "  done\n"
        "done\n"
        /* files of efivarfs cannot be sought in, so they come through a pipe */
        "vars=/sys/firmware/efi/efivars\n"
        "secure=$vars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c\n"
        "[ ! -e $secure ] || say secure-boot $(cat $secure | tail -c 1 | od -A n -t u1)\n"
        "profile=$vars/StubProfile-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f\n"
        "[ ! -e $profile ] || say profile \"$(cat $profile | tail -c +5 | tr -d '\\0')\"\n"
        "file firmware-log /sys/kernel/security/tpm0/binary_bios_measurements\n"
        "file userspace-log /run/log/systemd/tpm2-measure.log\n"
        "say end\n"
        "exec systemctl poweroff\n";

int ingot_credential_smbios(const char *name, struct ingot_span value, struct ingot_strings *ret,
                            ingot_error *reterr)
{
        if (!*name || strlen(name) > 255 || strchr(name, '/') || strcmp(name, ".") == 0 ||
            strcmp(name, "..") == 0 || strpbrk(name, "=: \t\n") || !ingot_utf8_valid(name))
                return ingot_fail(reterr, INGOT_E_USAGE, "not a credential's name: '%s'", name);
        _cleanup_free_ char *encoded = NULL, *text = NULL;
        int r = ingot_base64_encode(value, &encoded, reterr);
        if (r >= 0)
                r = ingot_format(&text, reterr, "io.systemd.credential.binary:%s=%s", name,
                                 encoded);
        return r < 0 ? r : ingot_strings_add(ret, text, reterr);
}

int ingot_check_smbios(unsigned wait_sec, struct ingot_strings *ret, ingot_error *reterr)
{
        _cleanup_free_ char *whole = NULL;
        int r = ingot_format(&whole, reterr, "wait=%u\n%s", wait_sec, script);
        if (r >= 0)
                r = ingot_credential_smbios("ingot.check", INGOT_SPAN(whole, strlen(whole)), ret,
                                            reterr);
        if (r >= 0)
                r = ingot_credential_smbios("systemd.extra-unit.ingot-check.service",
                                            INGOT_SPAN(unit, sizeof(unit) - 1), ret, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(wanted_by); i++) {
                _cleanup_free_ char *name = NULL;
                r = ingot_format(&name, reterr, "systemd.unit-dropin.%s", wanted_by[i]);
                if (r >= 0)
                        r = ingot_credential_smbios(name, INGOT_SPAN(dropin, sizeof(dropin) - 1),
                                                    ret, reterr);
        }
        return r;
}

void ingot_check_done(struct ingot_check *c)
{
        free(c->state);
        free(c->target);
        free(c->target_state);
        free(c->kernel);
        free(c->machine_id);
        for (size_t i = 0; i < c->failed_count; i++) {
                free(c->failed[i].name);
                free(c->failed[i].description);
                ingot_strings_done(&c->failed[i].log);
        }
        free(c->failed);
        for (unsigned i = 0; i < INGOT_CHECK_FILES; i++)
                ingot_buffer_done(&c->files[i].data);
        ingot_strings_done(&c->jobs);
        ingot_buffer_done(&c->line);
        *c = (struct ingot_check){0};
}

/* The first word of *text, which then starts behind it; its length, 0 when there is none. */
static size_t take_word(const char **text, const char **word)
{
        *word = *text + strspn(*text, " ");
        size_t n = strcspn(*word, " ");
        *text = *word + n + ((*word)[n] == ' ');
        return n;
}

static int set_text(char **place, const char *text, ingot_error *reterr)
{
        free(*place);
        *place = NULL;
        return ingot_strdup(place, text, reterr);
}

static int take_failed(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        const char *name;
        size_t n = take_word(&text, &name);
        if (n == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a failed unit without a name");
        if (c->failed_count == INGOT_CHECK_UNITS_MAX)
                return 0;
        struct ingot_check_unit *grown =
                reallocarray(c->failed, c->failed_count + 1, sizeof(*grown));
        if (!grown)
                return ingot_fail_nomem(reterr);
        c->failed = grown;
        struct ingot_check_unit *u = &c->failed[c->failed_count++];
        *u = (struct ingot_check_unit){.name = strndup(name, n)};
        return u->name ? ingot_strdup(&u->description, text, reterr) : ingot_fail_nomem(reterr);
}

static int take_log(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        if (c->failed_count == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a log line before a failed unit");
        struct ingot_strings *log = &c->failed[c->failed_count - 1].log;
        return log->count < INGOT_CHECK_LOG_MAX ? ingot_strings_add(log, text, reterr) : 0;
}

static int take_job(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        return c->jobs.count < INGOT_CHECK_UNITS_MAX ? ingot_strings_add(&c->jobs, text, reterr)
                                                     : 0;
}

/* The next word of *text, where it fits into SIZE bytes with its NUL. */
static bool copy_word(const char **text, char *ret, size_t size)
{
        const char *word;
        size_t n = take_word(text, &word);
        if (n == 0 || n >= size)
                return false;
        memcpy(ret, word, n);
        ret[n] = 0;
        return true;
}

static int take_pcr(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        const char *whole = text;
        uint64_t index;
        enum ingot_bank bank;
        char name[16], number[8];
        if (!copy_word(&text, name, sizeof(name)) || !ingot_bank_parse(name, &bank) ||
            !copy_word(&text, number, sizeof(number)) || !ingot_parse_u64(number, &index) ||
            index >= INGOT_PCR_COUNT ||
            !ingot_unhex(c->pcrs.pcrs[index].value[bank], ingot_bank_size(bank), text))
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a PCR's value: '%s'", whole);
        c->pcrs.banks[index] |= 1U << bank;
        return 0;
}

static int take_profile(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        uint64_t number;
        if (!ingot_parse_u64(text, &number) || number > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a profile's number: '%s'", text);
        c->profile = (uint32_t) number;
        return 0;
}

static int take_secure_boot(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "not whether Secure Boot is on: '%s'",
                                  text);
        c->secure_boot = *text == '1';
        return 0;
}

static const char *const file_names[INGOT_CHECK_FILES] = {
        [INGOT_CHECK_FIRMWARE_LOG] = "firmware-log",
        [INGOT_CHECK_USERSPACE_LOG] = "userspace-log",
};

static int take_file(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        const char *whole = text;
        char name[32], number[24];
        struct ingot_check_file *f = NULL;
        bool named = copy_word(&text, name, sizeof(name));
        for (unsigned i = 0; named && i < INGOT_CHECK_FILES; i++)
                if (strcmp(file_names[i], name) == 0)
                        f = &c->files[i];
        c->file = f;
        if (named && !f)
                return 0; /* of a newer script */
        if (!f || f->there || !copy_word(&text, number, sizeof(number)) ||
            !ingot_parse_u64(number, &f->size) ||
            !ingot_unhex(f->sha256, sizeof(f->sha256), text))
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a file's name and digest: '%s'",
                                  whole);
        f->there = true;
        return 0;
}

static int take_data(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        struct ingot_check_file *f = c->file;
        if (!f)
                return 0;
        int r = ingot_base64_decode(INGOT_SPAN(text, strlen(text)), &f->data, reterr);
        if (r >= 0 && (f->data.size > f->size || f->size > INGOT_CHECK_FILE_MAX))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s is longer than it says",
                                  file_names[f - c->files]);
        return r;
}

/* A log is whole, or it is none: what an explanation builds on must not have holes. */
static int check_files(const struct ingot_check *c, ingot_error *reterr)
{
        for (unsigned i = 0; i < INGOT_CHECK_FILES; i++) {
                const struct ingot_check_file *f = &c->files[i];
                struct ingot_sha256 h;
                uint8_t digest[INGOT_SHA256_SIZE];
                if (!f->there || f->size > INGOT_CHECK_FILE_MAX)
                        continue;
                ingot_sha256_init(&h);
                ingot_sha256_update(&h, f->data.data, f->data.size);
                ingot_sha256_final(&h, digest);
                if (f->data.size != f->size || memcmp(digest, f->sha256, sizeof(digest)) != 0)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "%s did not arrive as it was sent", file_names[i]);
        }
        return 0;
}

/* systemd's timestamps: the firmware's and the loader's count back from the kernel's start. They
 * are kept as they come, and made into durations at the end. */
static int take_time(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        const struct {
                const char *name;
                uint64_t *place;
        } names[] = {{"Firmware", &c->firmware_usec},
                     {"Loader", &c->loader_usec},
                     {"InitRD", &c->initrd_usec},
                     {"Userspace", &c->kernel_usec},
                     {"Finish", &c->userspace_usec}};
        const char *word;
        size_t n = take_word(&text, &word);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strlen(names[i].name) == n && memcmp(names[i].name, word, n) == 0)
                        return ingot_parse_u64(text, names[i].place)
                                       ? 0
                                       : ingot_fail(reterr, INGOT_E_FORMAT, "not a time: '%s'",
                                                    text);
        return 0;
}

/* Later minus earlier; 0 when either is not known. */
static uint64_t between(uint64_t earlier, uint64_t later)
{
        return earlier && later > earlier ? later - earlier : 0;
}

static void make_durations(struct ingot_check *c)
{
        uint64_t firmware = c->firmware_usec, loader = c->loader_usec, initrd = c->initrd_usec;
        uint64_t userspace = c->kernel_usec, finish = c->userspace_usec;
        c->firmware_usec = between(loader, firmware);
        c->loader_usec = loader;
        c->kernel_usec = initrd ? initrd : userspace;
        c->initrd_usec = between(initrd, userspace);
        c->userspace_usec = between(userspace, finish);
}

static int take_begin(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        if (strcmp(text, "2") != 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "a report of version '%s'", text);
        if (c->begun)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a second report");
        c->begun = true;
        return 0;
}

static int take_line(struct ingot_check *c, const char *text, ingot_error *reterr)
{
        const struct {
                const char *key;
                char **place;
        } texts[] = {{"state", &c->state},
                     {"target", &c->target},
                     {"target-state", &c->target_state},
                     {"kernel", &c->kernel},
                     {"machine-id", &c->machine_id}};
        static const struct {
                const char *key;
                int (*take)(struct ingot_check *c, const char *text, ingot_error *reterr);
        } takers[] = {{"failed", take_failed},
                      {"log", take_log},
                      {"job", take_job},
                      {"pcr", take_pcr},
                      {"profile", take_profile},
                      {"secure-boot", take_secure_boot},
                      {"file", take_file},
                      {"data", take_data},
                      {"time", take_time}};
        const char *key;
        size_t n = take_word(&text, &key);
        if (n == 5 && memcmp(key, "begin", n) == 0)
                return take_begin(c, text, reterr);
        if (!c->begun || c->ended)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a line outside of the report");
        if (n == 3 && memcmp(key, "end", n) == 0) {
                int r = check_files(c, reterr);
                if (r < 0)
                        return r;
                make_durations(c);
                c->ended = true;
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (strlen(texts[i].key) == n && memcmp(texts[i].key, key, n) == 0)
                        return set_text(texts[i].place, text, reterr);
        for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
                if (strlen(takers[i].key) == n && memcmp(takers[i].key, key, n) == 0)
                        return takers[i].take(c, text, reterr);
        return 0; /* of a newer script */
}

/* A line is whole: of the report, or passed over. */
static int end_line(struct ingot_check *c, ingot_error *reterr)
{
        static const uint8_t nul = 0;
        int r = 0;
        while (c->line.size > 0 && c->line.data[c->line.size - 1] == '\r')
                c->line.size--;
        if (!c->overlong && !memchr(c->line.data ? (const void *) c->line.data : "", 0,
                                    c->line.size)) {
                r = ingot_buffer_append(&c->line, &nul, 1, reterr);
                if (r >= 0 && ingot_starts_with((const char *) c->line.data, PREFIX))
                        r = take_line(c, (const char *) c->line.data + sizeof(PREFIX) - 1, reterr);
        }
        c->line.size = 0;
        c->overlong = false;
        return ingot_under(reterr, r, "the guest's report");
}

int ingot_check_feed(struct ingot_check *c, struct ingot_span bytes, ingot_error *reterr)
{
        for (size_t i = 0; i < bytes.size; i++) {
                int r = 0;
                if (bytes.data[i] == '\n')
                        r = end_line(c, reterr);
                else if (c->line.size < LINE_MAX_SIZE)
                        r = ingot_buffer_append(&c->line, bytes.data + i, 1, reterr);
                else
                        c->overlong = true;
                if (r < 0)
                        return r;
        }
        return 0;
}

bool ingot_check_healthy(const struct ingot_check *c)
{
        return c->ended && c->failed_count == 0 && c->jobs.count == 0 && c->state &&
               strcmp(c->state, "running") == 0 && c->target_state &&
               strcmp(c->target_state, "active") == 0;
}
