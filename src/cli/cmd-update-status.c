/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot update status */
#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/table.h"
#include "cli/update.h"
#include "trust/verdict.h"

#include <inttypes.h>
#include <string.h>

struct status_options {
        struct update_machine machine;
};

static const struct ingot_boot_entry *next_of(const struct ingot_machine *m)
{
        for (size_t i = 0; i < m->entries.count; i++)
                if (m->entries.items[i].next)
                        return m->entries.items + i;
        return NULL;
}

static const struct ingot_boot_entry *entry_of_slot(const struct ingot_machine *m,
                                                    const struct ingot_slot *s)
{
        for (size_t i = 0; s && s->state == INGOT_SLOT_WHOLE && i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (e->has_root_hash && memcmp(e->root_hash, s->root_hash, INGOT_SHA256_SIZE) == 0)
                        return e;
        }
        return NULL;
}

/* ---- for people ---- */

/* What the boot loader started before. */
static void print_soft(const struct ingot_machine *m)
{
        const struct ingot_slot *booted = ingot_slots_by_hash(&m->slots, m->booted);
        if (!ingot_machine_soft(m))
                return;
        printf(", by a soft reboot: the boot loader started ");
        print_text(stdout, booted ? booted->version : "what is in no slot any more");
}

static void print_running(const struct ingot_machine *m)
{
        const struct ingot_slot *s = ingot_machine_running(m);
        const struct ingot_boot_entry *e = entry_of_slot(m, s);
        print_styled(stdout, STYLE_BOLD, "runs:  ");
        print_text(stdout, m->name);
        printf(" ");
        print_text(stdout, m->version ? m->version : "without a version");
        if (!m->has_running)
                printf("; from what is not known");
        else if (!s)
                printf("; not from a slot of this disk");
        else if (e && e->counted && e->left > 0)
                printf(ingot_machine_soft(m) && e->done == 0
                               ? ", on trial: the boot loader has not started it yet"
                               : ", on trial: it is not yet found good");
        else if (e && ingot_boot_entry_bad(e))
                printf(", marked as bad");
        else if (e)
                printf(", found good");
        print_soft(m);
        printf("\n");
}

static void print_next(const struct ingot_machine *m)
{
        const struct ingot_boot_entry *e = next_of(m);
        print_styled(stdout, STYLE_BOLD, "next:  ");
        if (!e) {
                printf("no UKI of this ESP would be started\n");
                return;
        }
        if (e->version) {
                print_text(stdout, m->name);
                printf(" ");
        }
        update_print_entry(stdout, e);
        printf("\n");
}

static void print_failures(const struct update_view *v)
{
        for (size_t i = 0; i < v->state.failure_count; i++) {
                const struct ingot_update_failure *f = v->state.failures + i;
                print_styled(stdout, STYLE_BAD, "failed:");
                printf(" ");
                print_text(stdout, f->version);
                if (f->reason) {
                        printf(": ");
                        print_text(stdout, f->reason);
                }
                printf("; it is not tried again by itself\n");
        }
}

static void print_last(const struct ingot_update_state *s)
{
        char when[32];
        if (s->pin) {
                printf("pin:    ");
                print_text(stdout, s->pin);
                printf(": no other version is installed\n");
        }
        if (!s->last.version)
                return;
        ingot_time_text(s->last.finished ? s->last.finished : s->last.begun, when);
        printf("last:   ");
        print_text(stdout, s->last.version);
        if (s->last.problem) {
                printf(" was not installed, %s: ", when);
                print_text(stdout, s->last.problem);
                printf("\n");
        } else {
                printf(s->last.finished
                               ? " was installed, %s\n"
                               : " was begun, %s, and broke off; 'ingot update apply' goes "
                                 "on\n",
                       when);
        }
}

static int add_slot_row(struct table *t, const struct ingot_machine *m, const struct ingot_slot *s,
                        ingot_error *reterr)
{
        const struct ingot_boot_entry *e = entry_of_slot(m, s);
        char hex[17], size[16];
        ingot_hex(hex, s->root_hash, 8);
        ingot_human_size(size, s->size[INGOT_SLOT_DATA]);
        int r = table_addf(t, reterr, "%u", s->numbers[INGOT_SLOT_DATA]);
        if (r >= 0)
                r = table_add(t, s->version, reterr);
        if (r >= 0)
                r = table_addf(t, reterr, "%s%s", ingot_slot_state_name(s->state),
                               s->running ? ", runs" : "");
        if (r >= 0)
                r = table_add(t, size, reterr);
        if (r >= 0)
                r = s->state == INGOT_SLOT_WHOLE ? table_addf(t, reterr, "%s…", hex)
                                                 : table_add(t, NULL, reterr);
        return r < 0 ? r : table_add(t, e ? e->file : NULL, reterr);
}

static int print_slots(const struct ingot_machine *m, ingot_error *reterr)
{
        static const struct table_column columns[] = {
                {"PARTITION", true, false},  {"VERSION", false, false},
                {"STATE", false, false},     {"SIZE", true, false},
                {"ROOT HASH", false, false}, {"BOOT ENTRY", false, true}};
        _cleanup_table_ struct table t = TABLE(columns);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->slots.count; i++)
                r = add_slot_row(&t, m, m->slots.items + i, reterr);
        if (r >= 0) {
                printf("\n");
                table_print(&t, stdout);
        }
        return r;
}

/* Of what runs next. */
static const struct ingot_slot *next_slot(const struct ingot_machine *m)
{
        const struct ingot_boot_entry *e = next_of(m);
        return e && e->has_root_hash ? ingot_slots_by_hash(&m->slots, e->root_hash) : NULL;
}

static int print_all(const struct update_view *v, const struct ingot_strings *hidden,
                     ingot_error *reterr)
{
        print_running(&v->machine);
        print_next(&v->machine);
        print_failures(v);
        print_last(&v->state);
        if (hidden->count > 0)
                update_print_hidden(next_slot(&v->machine), hidden);
        return print_slots(&v->machine, reterr);
}

/* ---- for programs ---- */

static int add_slots(struct json_object *o, const struct ingot_machine *m, ingot_error *reterr)
{
        struct json_object *list, *item;
        int r = ingot_json_add_array(o, "slots", &list, reterr);
        for (size_t i = 0; r >= 0 && i < m->slots.count; i++) {
                const struct ingot_slot *s = m->slots.items + i;
                r = ingot_json_add_object(list, NULL, &item, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(item, "partition", s->numbers[INGOT_SLOT_DATA],
                                               reterr);
                if (r >= 0)
                        r = ingot_json_add_text(item, "label", s->label, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(item, "version", s->version, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(item, "state", ingot_slot_state_name(s->state),
                                                reterr);
                if (r >= 0)
                        r = ingot_json_add_bool(item, "running", s->running, reterr);
                if (r >= 0)
                        r = ingot_json_add_u64(item, "size", s->size[INGOT_SLOT_DATA], reterr);
                if (r >= 0 && s->state == INGOT_SLOT_WHOLE)
                        r = ingot_json_add_hex(item, "root_hash", s->root_hash, INGOT_SHA256_SIZE,
                                               reterr);
        }
        return r;
}

static int add_entries(struct json_object *o, const struct ingot_machine *m, ingot_error *reterr)
{
        struct json_object *list, *item;
        int r = ingot_json_add_array(o, "entries", &list, reterr);
        for (size_t i = 0; r >= 0 && i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                r = ingot_json_add_object(list, NULL, &item, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(item, "file", e->file, reterr);
                if (r >= 0)
                        r = ingot_json_add_text(item, "version", e->version, reterr);
                if (r >= 0)
                        r = ingot_json_add_bool(item, "next", e->next, reterr);
                if (r >= 0)
                        r = ingot_json_add_bool(item, "bad", ingot_boot_entry_bad(e), reterr);
                if (r >= 0 && e->counted)
                        r = ingot_json_add_u64(item, "tries_left", e->left, reterr);
                if (r >= 0 && e->counted)
                        r = ingot_json_add_u64(item, "tries_done", e->done, reterr);
                if (r >= 0 && e->has_root_hash)
                        r = ingot_json_add_hex(item, "root_hash", e->root_hash, INGOT_SHA256_SIZE,
                                               reterr);
        }
        return r;
}

static int print_json(const struct update_view *v, const struct ingot_strings *hidden,
                      ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        const struct ingot_machine *m = &v->machine;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "name", m->name, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "version", m->version, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "architecture", m->architecture, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "disk", m->disk_path, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "esp", m->esp, reterr);
        if (r >= 0)
                r = m->has_running ? ingot_json_add_hex(o, "running", m->running, INGOT_SHA256_SIZE,
                                                        reterr)
                                   : ingot_json_add_text(o, "running", NULL, reterr);
        if (r >= 0)
                r = m->has_booted
                            ? ingot_json_add_hex(o, "booted", m->booted, INGOT_SHA256_SIZE, reterr)
                            : ingot_json_add_text(o, "booted", NULL, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "soft_reboot", ingot_machine_soft(m), reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "pin", v->state.pin, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "checked", v->state.checked, reterr);
        if (r >= 0)
                r = add_slots(o, m, reterr);
        if (r >= 0)
                r = add_entries(o, m, reterr);
        if (r >= 0)
                r = ingot_update_failures_json(o, &v->state, reterr);
        if (r >= 0)
                r = json_add_texts(o, "hidden", hidden, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct status_options *o = in->options;
        _cleanup_update_view_ struct update_view v = UPDATE_VIEW_NONE;
        _cleanup_strings_ struct ingot_strings hidden = {0};
        int r = update_view_open(&v, &o->machine, false, in->log, reterr);
        if (r < 0)
                return r;
        r = update_find_hidden(&v.machine, next_slot(&v.machine), in->log, &hidden, reterr);
        if (r < 0)
                return r;
        return in->json ? print_json(&v, &hidden, reterr) : print_all(&v, &hidden, reterr);
}

static const struct option rows[] = {
        OPTION_UPDATE_ROOT(struct status_options, machine),
        OPTION_UPDATE_DISK(struct status_options, machine),
        OPTION_UPDATE_ESP(struct status_options, machine),
        OPTION_UPDATE_RUNNING(struct status_options, machine),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static const struct example examples[] = {
        {"ingot update status --root=machine --disk=disk.raw --esp=esp",
         "What runs, what boots next, and what failed"},
        {0},
};

const struct command cmd_update_status = {
        .name = "update status",
        .synopsis = "",
        .summary = "Show which versions are installed, what runs, boots next, and failed",
        .details = "Begins with what runs, what the boot loader starts next, and which versions "
                   "failed, at which unit where that was noted. Then a row for each slot: a root "
                   "partition with its hash tree. A slot is \"whole\", \"empty\", \"begun\" (an "
                   "update of it broke off; 'ingot update apply' goes on with it) or \"foreign\" "
                   "(another product's: it is never written).\n"
                   "\n"
                   "Where files that were changed in /etc on this machine hide what is new in the "
                   "version that is started next, they are listed.\n"
                   "\n"
                   "An entry on trial has tries left, and loses one at each boot, until "
                   "systemd-bless-boot takes the counter off.\n"
                   "\n"
                   "Of this machine everything is found by itself, for which it takes root. For "
                   "another one name --root, --disk and --esp; what runs there is then the version "
                   "that its os-release says, unless --running says.",
        .rows = rows,
        .examples = examples,
        .options_size = sizeof(struct status_options),
        .run = run,
};
