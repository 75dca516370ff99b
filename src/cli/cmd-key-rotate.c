/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot key rotate: new Secure Boot keys beside the old, old ones out, and what that would stop. */
#include "base/cleanup.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/secure-boot.h"
#include "cli/table.h"
#include "image/efi-programs.h"
#include "trust/authenticode.h"

enum { STATUS_REFUSED = 3 };

struct rotate_options {
        struct secure_boot_options common;
        struct ingot_strings retire;
        bool dry_run, force;
};

static const struct option rows[] = {
        STRINGS(0, "db", "FILE", struct rotate_options, common.db,
                "What may start from now on, too: a certificate, or an EFI program"),
        STRINGS(0, "kek", "FILE", struct rotate_options, common.kek,
                "A further key exchange key's certificate"),
        STRINGS(0, "dbx", "FILE", struct rotate_options, common.dbx,
                "What may not start any more: a certificate, or an EFI program"),
        STRINGS(0, "retire", "FILE", struct rotate_options, retire,
                "Take a certificate, or the digest of a program, out of db and KEK"),
        FLAG('n', "dry-run", struct rotate_options, dry_run,
             "Write nothing; say of each program whether it starts now and would then"),
        FLAG(0, "force", struct rotate_options, force,
             "Write even when a program that starts now would not any more"),
        SECURE_BOOT_ROWS(struct rotate_options),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static const char details[] =
        "Changes the keys that a machine has: those of a variable store (--vars), or of the "
        "signed updates on an ESP (--esp). What is added stands beside what is there, so that "
        "programs signed by the old and by the new key start; once all are signed anew, --retire "
        "takes the old key out. Everything else stays, Microsoft's keys too.\n"
        "\n"
        "KEK.auth is written when KEK changed, signed by the platform key; db.auth and dbx.auth "
        "when those changed, signed by a key exchange key. A new platform key is a new "
        "enrolment.\n"
        "\n"
        "The programs that are looked at are those of --esp and of each FILE: a program, an "
        "image of a disk or ESP, or a folder. When one that starts now would not start any more, "
        "nothing is written and the status is 3; so it is with --dry-run.";

static const struct example examples[] = {
        {"ingot key rotate --vars vars.fd --db new.crt -o both.fd",
         "Let programs signed by a new key start, too"},
        {"ingot key rotate --esp esp --db new.crt --kek-key KEK.key",
         "The same for the keys that systemd-boot enrols"},
        {"ingot key rotate --dry-run --vars both.fd --retire db.crt signed-by-new.efi",
         "Say whether that program still starts without the old key"},
        {0},
};

static int check_options(const struct rotate_options *o, size_t operands, ingot_error *reterr)
{
        const struct secure_boot_options *c = &o->common;
        if (!c->vars == !c->esp)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  c->vars ? "--vars and --esp exclude each other"
                                          : "whose keys? Name --vars or --esp");
        if (c->db.count + c->kek.count + c->dbx.count + o->retire.count == 0)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "what is to change? Name --db, --kek, --dbx or --retire");
        if (c->output && !c->vars)
                return ingot_fail(reterr, INGOT_E_USAGE, "--output goes only with --vars");
        if (!o->dry_run && c->vars && !c->output && !c->auth)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "where to? Name --output or --auth, or --dry-run");
        if (o->dry_run && operands == 0 && !c->esp)
                return ingot_fail(reterr, INGOT_E_USAGE, "which programs? Name a FILE");
        return 0;
}

static int retire_one(struct ingot_secure_boot *s, const char *path, ingot_error *reterr)
{
        static const enum ingot_secure_boot_variable from[] = {INGOT_SECURE_BOOT_DB,
                                                               INGOT_SECURE_BOOT_KEK};
        bool found = false;
        for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
                int r = ingot_secure_boot_remove_file(s, from[i], path, reterr);
                if (r < 0)
                        return r;
                found = found || r == 0;
        }
        if (!found)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "%s: nothing of it is in db or KEK",
                                  path);
        return 0;
}

/* The keys as they shall be. */
static int change(const struct rotate_options *o, const struct ingot_secure_boot *old,
                  struct ingot_secure_boot *new, ingot_error *reterr)
{
        struct ingot_uuid owner = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < INGOT_SECURE_BOOT_VARIABLES; i++) {
                r = ingot_secure_boot_keep(new, (enum ingot_secure_boot_variable) i, old, false,
                                           reterr);
                new->variables[i].time = old->variables[i].time;
        }
        if (r < 0)
                return r;
        const struct ingot_efi_signatures *pk = &new->variables[INGOT_SECURE_BOOT_PK].list;
        if (pk->count == 0)
                return ingot_fail(
                        reterr, INGOT_E_NOTFOUND,
                        "there is no platform key: nothing is enrolled (ingot key enroll)");
        if (pk->items[0].kind == INGOT_EFI_SIGNATURE_X509)
                owner = ingot_secure_boot_owner(pk->items[0].data);
        r = secure_boot_add_options(new, &o->common, &owner, reterr);
        for (size_t i = 0; r >= 0 && i < o->retire.count; i++)
                r = retire_one(new, o->retire.items[i], reterr);
        return r;
}

/* Judging programs by the keys before and after. */
struct survey {
        const struct ingot_secure_boot *old, *new;
        struct table *table;
        struct json_object *json;
        size_t count, stopped;
};

static int judge(const struct ingot_secure_boot *keys, const struct ingot_reader *reader,
                 ingot_error *ret_why, ingot_error *reterr)
{
        _cleanup_authenticode_report_ struct ingot_authenticode_report report = {0};
        int r = ingot_authenticode_judge(reader, &keys->variables[INGOT_SECURE_BOOT_DB].list,
                                         &keys->variables[INGOT_SECURE_BOOT_DBX].list, &report,
                                         reterr);
        if (r < 0)
                return r;
        *ret_why = report.why;
        return !report.allowed;
}

static int survey_json(struct survey *s, const char *name, bool before, bool after, const char *why,
                       ingot_error *reterr)
{
        struct json_object *o;
        int r = ingot_json_add_object(s->json, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "program", name, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "starts", before, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "would_start", after, reterr);
        return r < 0 ? r : ingot_json_add_text(o, "reason", after ? NULL : why, reterr);
}

static int survey_program(void *context, const char *name, const struct ingot_reader *reader,
                          ingot_error *reterr)
{
        struct survey *s = context;
        ingot_error ignored = {0}, why = {0};
        int before = judge(s->old, reader, &ignored, reterr);
        int after = before < 0 ? before : judge(s->new, reader, &why, reterr);
        if (after < 0)
                return ingot_under(reterr, after, "%s", name);
        s->count++;
        s->stopped += before == 0 && after == 1;
        int r = survey_json(s, name, !before, !after, why.text, reterr);
        if (r >= 0)
                r = table_add(s->table, name, reterr);
        if (r >= 0)
                r = table_add(s->table, before ? "no" : "yes", reterr);
        if (r >= 0)
                r = table_add(s->table, after ? "no" : "yes", reterr);
        return r < 0 ? r : table_add(s->table, after ? why.text : "", reterr);
}

static int survey_all(const struct invocation *in, struct survey *s, ingot_error *reterr)
{
        const struct rotate_options *o = in->options;
        int r = o->common.esp ? ingot_efi_programs(o->common.esp, survey_program, s, reterr) : 0;
        for (size_t i = 0; r >= 0 && i < in->operand_count; i++)
                r = ingot_efi_programs(in->operands[i], survey_program, s, reterr);
        return r;
}

static const struct table_column columns[] = {{.title = "PROGRAM", .shrink = true},
                                              {.title = "NOW"},
                                              {.title = "THEN"},
                                              {.title = "WHY"}};

/* 0, or the status when a program would stop. */
static int tell(const struct invocation *in, const struct survey *s, ingot_error *reterr)
{
        const struct rotate_options *o = in->options;
        bool bad = s->stopped > 0 && !o->force;
        if (in->json) {
                int r = json_print(s->json, reterr);
                if (r < 0)
                        return r;
        } else if (o->dry_run || bad) {
                table_print(s->table, stdout);
        }
        if (bad && !o->dry_run)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%zu of %zu programs would not start any more; nothing was "
                                  "written (--force writes)",
                                  s->stopped, s->count);
        return s->stopped > 0 && o->dry_run ? STATUS_REFUSED : 0;
}

static int write_changes(const struct rotate_options *o, const struct ingot_secure_boot *old,
                         const struct ingot_secure_boot *new, struct ingot_secure_boot_store *store,
                         const struct ingot_log *log, ingot_error *reterr)
{
        bool changed[INGOT_SECURE_BOOT_VARIABLES], any = false;
        for (int i = 0; i < INGOT_SECURE_BOOT_VARIABLES; i++) {
                changed[i] = !ingot_secure_boot_same(old, new, (enum ingot_secure_boot_variable) i);
                any = any || changed[i];
        }
        if (!any)
                ingot_warn(log, "the keys are as they shall be already");
        const struct secure_boot_job job = {.options = &o->common,
                                            .old = old,
                                            .new = new,
                                            .signers = old,
                                            .which = changed,
                                            .store = store};
        return secure_boot_write(&job, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct rotate_options *o = in->options;
        _cleanup_secure_boot_store_ struct ingot_secure_boot_store store = {0};
        _cleanup_secure_boot_ struct ingot_secure_boot old = {0}, new = {0};
        _cleanup_table_ struct table table = TABLE(columns);
        _cleanup_json_ struct json_object *json = NULL;
        int r = check_options(o, in->operand_count, reterr);
        if (r >= 0 && o->common.vars)
                r = ingot_secure_boot_store_load(&store, o->common.vars, reterr);
        if (r >= 0)
                r = secure_boot_load_old(&o->common, &store, &old, reterr);
        if (r >= 0)
                r = change(o, &old, &new, reterr);
        if (r >= 0)
                r = ingot_json_new_array(&json, reterr);
        struct survey s = {.old = &old, .new = &new, .table = &table, .json = json};
        if (r >= 0)
                r = survey_all(in, &s, reterr);
        if (r >= 0)
                r = tell(in, &s, reterr);
        return r != 0 || o->dry_run ? r : write_changes(o, &old, &new, &store, in->log, reterr);
}

const struct command cmd_key_rotate = {
        .name = "key rotate",
        .synopsis = "[FILE...]",
        .summary = "Change Secure Boot keys, and say which programs would stop starting",
        .details = details,
        .rows = rows,
        .examples = examples,
        .operands_min = 0,
        .operands_max = OPERANDS_ANY,
        .options_size = sizeof(struct rotate_options),
        .run = run,
};
