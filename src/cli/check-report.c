/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's report, for people and for programs. Its texts come from the guest: all are escaped. */
#include "cli/check-report.h"
#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/table.h"
#include "os/file.h"

#include <string.h>

#define REPORT "report.json"

/* Below the folder of --logs. */
static const char *const names[INGOT_CHECK_FILES] = {
        [INGOT_CHECK_FIRMWARE_LOG] = "firmware.log",
        [INGOT_CHECK_USERSPACE_LOG] = "userspace.log",
};

static void print_line(const char *what, enum style style, const char *text)
{
        printf("%-15s ", what);
        print_styled(stdout, style, text ? text : "not known");
        putchar('\n');
}

static void print_seconds(const char *what, uint64_t usec)
{
        if (usec)
                printf("  %s %.1f s", what, (double) usec / 1e6);
}

static uint64_t total_usec(const struct ingot_check *c)
{
        return c->firmware_usec + c->loader_usec + c->kernel_usec + c->initrd_usec +
               c->userspace_usec;
}

static void print_failed(const struct ingot_check *c)
{
        for (size_t i = 0; i < c->failed_count; i++) {
                const struct ingot_check_unit *u = &c->failed[i];
                print_line(i == 0 ? "failed units" : "", STYLE_BAD, u->name);
                for (size_t l = 0; l < u->log.count; l++)
                        print_line("", STYLE_FAINT, u->log.items[l]);
        }
        if (c->failed_count == 0)
                print_line("failed units", STYLE_GOOD, "none");
        for (size_t i = 0; i < c->jobs.count; i++)
                print_line(i == 0 ? "waiting jobs" : "", STYLE_BAD, c->jobs.items[i]);
}

static int print_pcrs(const struct ingot_check *c, ingot_error *reterr)
{
        static const struct table_column columns[] = {{.title = "PCR", .right = true},
                                                      {.title = "SHA-256"}};
        _cleanup_table_ struct table t = TABLE(columns);
        int r = 0;
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++) {
                char hex[2 * INGOT_SHA256_SIZE + 1];
                if (!(c->pcrs.banks[i] & 1U << INGOT_BANK_SHA256))
                        continue;
                ingot_hex(hex, c->pcrs.pcrs[i].value[INGOT_BANK_SHA256], INGOT_SHA256_SIZE);
                r = table_addf(&t, reterr, "%u", i);
                if (r >= 0)
                        r = table_add(&t, hex, reterr);
        }
        if (r >= 0)
                table_print(&t, stdout);
        return r;
}

static const char *pcr_words(uint32_t pcr)
{
        switch (pcr) {
        case 4:
                return "programs that were started";
        case 9:
                return "command line and initrd, as the kernel got them";
        case 11:
                return "the UKI, and the phases of the boot";
        case 12:
                return "choices, addons, credentials and configuration beside the UKI";
        default:
                return "system extensions beside the UKI";
        }
}

static int print_compared(const struct ingot_compared_pcr *p, const struct ingot_vm_measured *m,
                          const struct ingot_check *c, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        char what[16], want[2 * INGOT_BANK_SIZE_MAX + 1], have[2 * INGOT_BANK_SIZE_MAX + 1];
        size_t size = ingot_bank_size(p->bank);
        int r = 0;
        snprintf(what, sizeof(what), "PCR %u", p->pcr);
        if (p->result == INGOT_COMPARED_EQUAL)
                r = ingot_buffer_printf(
                        &text, reterr, "equal in %d bank%s: %s", __builtin_popcount(p->banks),
                        __builtin_popcount(p->banks) == 1 ? "" : "s", pcr_words(p->pcr));
        else if (p->result == INGOT_COMPARED_UNKNOWN)
                r = ingot_buffer_printf(&text, reterr, "not compared: %s",
                                        p->reason ? p->reason : "its value is not known before");
        else {
                ingot_hex(want, p->want.value[p->bank], size);
                ingot_hex(have, c->pcrs.pcrs[p->pcr].value[p->bank], size);
                r = ingot_buffer_printf(&text, reterr, "different: %s; %s is %.16s…, not %.16s…",
                                        pcr_words(p->pcr), ingot_bank_name(p->bank), have, want);
        }
        if (r >= 0)
                print_line(what,
                           p->result == INGOT_COMPARED_EQUAL     ? STYLE_GOOD
                           : p->result == INGOT_COMPARED_UNKNOWN ? STYLE_FAINT
                                                                 : STYLE_BAD,
                           (char *) text.data);
        for (size_t i = 0; i < m->causes.count; i++)
                if (m->causes.items[i].at.pcr == p->pcr)
                        print_line("", STYLE_PLAIN, m->causes.items[i].text);
        return r;
}

static int print_signature(const struct ingot_vm_measured *m, ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        if (!m->where && !m->refused)
                return 0;
        int r = m->refused  ? ingot_format(&text, reterr, "refused: %s", m->refused)
                : m->signer ? ingot_format(&text, reterr, "signed by %s", m->signer)
                            : ingot_format(&text, reterr,
                                           "signature not checked; --key names who may sign");
        if (r >= 0)
                print_line("manifest",
                           m->refused  ? STYLE_BAD
                           : m->signer ? STYLE_GOOD
                                       : STYLE_FAINT,
                           text);
        return r;
}

static int print_measured(const struct ingot_vm_measured *m, const struct ingot_check *c,
                          ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = m->where ? ingot_buffer_printf(&text, reterr, "%s, profile %u%s%s%s", m->where,
                                               m->profile->profile, m->profile->title ? " (" : "",
                                               m->profile->title ? m->profile->title : "",
                                               m->profile->title ? ")" : "")
                         : ingot_buffer_printf(&text, reterr, "nothing was compared: %s",
                                               m->why ? m->why : m->refused);
        if (r >= 0)
                print_line("measured boot", STYLE_PLAIN, (char *) text.data);
        if (r >= 0)
                r = print_signature(m, reterr);
        for (size_t i = 0; r >= 0 && m->where && i < ARRAY_SIZE(m->pcrs); i++)
                r = print_compared(m->pcrs + i, m, c, reterr);
        return r;
}

int check_report_print(const struct ingot_check *c, const struct ingot_vm_measured *m,
                       ingot_error *reterr)
{
        bool running = c->state && strcmp(c->state, "running") == 0;
        bool reached = c->target_state && strcmp(c->target_state, "active") == 0;
        print_line("state", running ? STYLE_GOOD : STYLE_BAD, c->state);
        print_line("default target", STYLE_PLAIN, c->target);
        print_line("reached", reached ? STYLE_GOOD : STYLE_BAD, reached ? "yes" : "no");
        print_line("kernel", STYLE_PLAIN, c->kernel);
        print_failed(c);
        printf("%-14s", "boot time");
        print_seconds("firmware", c->firmware_usec);
        print_seconds("loader", c->loader_usec);
        print_seconds("kernel", c->kernel_usec);
        print_seconds("initrd", c->initrd_usec);
        print_seconds("userspace", c->userspace_usec);
        print_seconds("total", total_usec(c));
        printf("\n");
        int r = print_measured(m, c, reterr);
        printf("\n");
        return r < 0 ? r : print_pcrs(c, reterr);
}

static int add_unit(struct json_object *list, const struct ingot_check_unit *u, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "unit", u->name, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "description", u->description, reterr);
        if (r >= 0)
                r = json_add_texts(o, "log", &u->log, reterr);
        return r < 0 ? r : ingot_json_add(list, NULL, &o, reterr);
}

static int add_failed(struct json_object *o, const struct ingot_check *c, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *list = NULL;
        int r = ingot_json_new_array(&list, reterr);
        for (size_t i = 0; r >= 0 && i < c->failed_count; i++)
                r = add_unit(list, &c->failed[i], reterr);
        return r < 0 ? r : ingot_json_add(o, "failed_units", &list, reterr);
}

/* {"sha256": {"0": …}, …}: the banks that the guest's TPM has. */
static int add_pcrs(struct json_object *o, const struct ingot_check *c, ingot_error *reterr)
{
        struct json_object *pcrs, *list;
        int r = ingot_json_add_object(o, "pcrs", &pcrs, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++) {
                list = NULL;
                for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++) {
                        char key[8];
                        snprintf(key, sizeof(key), "%u", i);
                        if (!(c->pcrs.banks[i] & 1U << bank))
                                continue;
                        if (!list)
                                r = ingot_json_add_object(pcrs, ingot_bank_name(bank), &list,
                                                          reterr);
                        if (r >= 0)
                                r = ingot_json_add_hex(list, key, c->pcrs.pcrs[i].value[bank],
                                                       ingot_bank_size(bank), reterr);
                }
        }
        return r;
}

static int add_banks(struct json_object *o, unsigned banks, ingot_error *reterr)
{
        struct json_object *list;
        int r = ingot_json_add_array(o, "banks", &list, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                if (banks >> bank & 1)
                        r = ingot_json_add_text(list, NULL, ingot_bank_name(bank), reterr);
        return r;
}

static int add_expected(struct json_object *o, const struct ingot_compared_pcr *p,
                        ingot_error *reterr)
{
        struct json_object *expected;
        int r = ingot_json_add_object(o, "expected", &expected, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                if (p->banks >> bank & 1)
                        r = ingot_json_add_hex(expected, ingot_bank_name(bank), p->want.value[bank],
                                               ingot_bank_size(bank), reterr);
        return r;
}

static int add_causes(struct json_object *o, const struct ingot_vm_measured *m, uint32_t pcr,
                      ingot_error *reterr)
{
        struct json_object *list, *one;
        int r = ingot_json_add_array(o, "causes", &list, reterr);
        for (size_t i = 0; r >= 0 && i < m->causes.count; i++) {
                const struct ingot_cause *c = m->causes.items + i;
                if (c->at.pcr != pcr)
                        continue;
                r = ingot_json_add_object(list, NULL, &one, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "id", c->id, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(one, "text", c->text, reterr);
        }
        return r;
}

static int add_compared(struct json_object *list, const struct ingot_compared_pcr *p,
                        const struct ingot_vm_measured *m, ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "pcr", p->pcr, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "result", ingot_compared_name(p->result), reterr);
        if (r >= 0)
                r = add_banks(o, p->result == INGOT_COMPARED_UNKNOWN ? 0 : p->banks, reterr);
        if (r >= 0 && p->result == INGOT_COMPARED_UNKNOWN)
                r = ingot_json_add_text(o, "reason", p->reason, reterr);
        if (r >= 0 && p->result == INGOT_COMPARED_DIFFERENT)
                r = add_expected(o, p, reterr);
        if (r >= 0 && p->result == INGOT_COMPARED_DIFFERENT)
                r = add_causes(o, m, p->pcr, reterr);
        return r;
}

static int add_measured(struct json_object *o, const struct ingot_vm_measured *m,
                        ingot_error *reterr)
{
        struct json_object *one, *list;
        int r = ingot_json_add_object(o, "measurement", &one, reterr);
        if (r >= 0)
                r = ingot_json_add_text(one, "manifest", m->where, reterr);
        if (r >= 0 && (m->where || m->refused))
                r = ingot_json_add_text(one, "signature",
                                        m->refused  ? "refused"
                                        : m->signer ? "holds"
                                                    : "not-checked",
                                        reterr);
        if (r >= 0 && (m->refused || m->signer))
                r = ingot_json_add_text(one, m->refused ? "refused" : "signer",
                                        m->refused ? m->refused : m->signer, reterr);
        if (r >= 0 && !m->where)
                return ingot_json_add_text(one, "reason", m->why ? m->why : m->refused, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(one, "profile", m->profile->profile, reterr);
        if (r >= 0)
                r = ingot_json_add_array(one, "pcrs", &list, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(m->pcrs); i++)
                r = add_compared(list, m->pcrs + i, m, reterr);
        return r;
}

static int add_times(struct json_object *o, const struct ingot_check *c, ingot_error *reterr)
{
        const struct {
                const char *key;
                uint64_t usec;
        } times[] = {{"firmware", c->firmware_usec},   {"loader", c->loader_usec},
                     {"kernel", c->kernel_usec},       {"initrd", c->initrd_usec},
                     {"userspace", c->userspace_usec}, {"total", total_usec(c)}};
        _cleanup_json_ struct json_object *list = NULL;
        int r = ingot_json_new_object(&list, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(times); i++)
                r = ingot_json_add_u64(list, times[i].key, times[i].usec, reterr);
        return r < 0 ? r : ingot_json_add(o, "boot_time_usec", &list, reterr);
}

static int make_json(const struct ingot_check *c, const struct ingot_vm_measured *m,
                     bool powered_off, struct json_object **ret, ingot_error *reterr)
{
        const struct {
                const char *key, *text;
        } texts[] = {{"state", c->state},
                     {"default_target", c->target},
                     {"default_target_state", c->target_state},
                     {"kernel", c->kernel},
                     {"machine_id", c->machine_id}};
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "healthy",
                                        ingot_check_healthy(c) && ingot_vm_measured_holds(m),
                                        reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
                r = ingot_json_add_text(o, texts[i].key, texts[i].text, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "powered_off", powered_off, reterr);
        if (r >= 0)
                r = add_failed(o, c, reterr);
        if (r >= 0)
                r = json_add_texts(o, "waiting_jobs", &c->jobs, reterr);
        if (r >= 0)
                r = add_times(o, c, reterr);
        if (r >= 0)
                r = add_pcrs(o, c, reterr);
        if (r >= 0)
                r = add_measured(o, m, reterr);
        if (r >= 0)
                *ret = TAKE_PTR(o);
        return r;
}

int check_report_print_json(const struct ingot_check *c, const struct ingot_vm_measured *m,
                            bool powered_off, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = make_json(c, m, powered_off, &o, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static int write_file(const char *folder, const char *name, struct ingot_span content,
                      ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "%s/%s", folder, name);
        return r < 0 ? r : ingot_outfile_put(path, content.data, content.size, 0644, reterr);
}

/* What this call does not write, one before it may have. */
int check_report_clear(const char *folder, ingot_error *reterr)
{
        int r = ingot_make_directories(folder, 0755, reterr);
        for (unsigned i = 0; r >= 0 && i <= INGOT_CHECK_FILES; i++) {
                _cleanup_free_ char *path = NULL;
                r = ingot_format(&path, reterr, "%s/%s", folder,
                                 i < INGOT_CHECK_FILES ? names[i] : REPORT);
                if (r >= 0)
                        r = ingot_file_remove(path, reterr);
        }
        return r;
}

int check_report_write(const struct ingot_check *c, const struct ingot_vm_measured *m,
                       bool powered_off, const char *folder, const struct ingot_log *log,
                       ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        const char *text;
        int r = 0;
        for (unsigned i = 0; r >= 0 && i < INGOT_CHECK_FILES; i++) {
                const struct ingot_check_file *f = &c->files[i];
                if (!f->there || f->size > INGOT_CHECK_FILE_MAX)
                        ingot_warn(log, "no %s: the guest has %s", names[i],
                                   f->there ? "a log of more than 1 MiB" : "no such log");
                else
                        r = write_file(folder, names[i], ingot_buffer_span(&f->data), reterr);
        }
        if (r >= 0)
                r = make_json(c, m, powered_off, &o, reterr);
        if (r >= 0)
                r = ingot_json_text(o, true, &text, reterr);
        return r < 0 ? r : write_file(folder, REPORT, INGOT_SPAN(text, strlen(text)), reterr);
}
