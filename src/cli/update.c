/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/update.h"
#include "base/cleanup.h"
#include "cli/print.h"

#include <inttypes.h>

void update_view_close(struct update_view *v)
{
        ingot_machine_close(&v->machine);
        ingot_update_state_done(&v->state);
        ingot_boot_records_done(&v->boots);
        ingot_close_p(&v->lock);
        *v = UPDATE_VIEW_NONE;
}

/* An entry without tries is a version that failed, whether anything wrote that down or not. */
static int note_failures(struct update_view *v, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings bad = {0};
        int r = ingot_update_bad_versions(&v->machine, &bad, reterr);
        for (size_t i = 0; r >= 0 && i < bad.count; i++) {
                const struct ingot_boot_history h =
                        ingot_boot_records_history(&v->boots, bad.items[i]);
                _cleanup_free_ char *text = NULL;
                if (ingot_update_failure(&v->state, bad.items[i]))
                        continue;
                r = ingot_boot_history_text(&h, &text, reterr);
                const struct ingot_update_failure f = {.version = bad.items[i],
                                                       .unit = h.last ? h.last->unit : NULL,
                                                       .reason = text,
                                                       .time = h.last ? h.last->time : 0};
                if (r >= 0)
                        r = ingot_update_failure_add(&v->state, &f, reterr);
        }
        return r;
}

int update_view_open(struct update_view *v, const struct update_machine *o, bool writable,
                     const struct ingot_log *log, ingot_error *reterr)
{
        const struct ingot_machine_options options = {.root = o->root,
                                                      .disk = o->disk,
                                                      .esp = o->esp,
                                                      .running = o->running,
                                                      .writable = writable,
                                                      .log = log};
        int r = writable ? ingot_update_state_lock(o->root, &v->lock, reterr) : 0;
        if (r >= 0)
                r = ingot_machine_open(&options, &v->machine, reterr);
        if (r >= 0)
                r = ingot_update_state_load(o->root, &v->state, reterr);
        if (r >= 0)
                r = ingot_boot_records_load(o->root, &v->boots, reterr);
        return r < 0 ? r : note_failures(v, reterr);
}

void update_print_entry(FILE *out, const struct ingot_boot_entry *e)
{
        print_text(out, e->version ? e->version : e->file);
        if (e->counted && e->left > 0)
                fprintf(out, " (on trial: %" PRIu64 " %s left)", e->left,
                        e->left == 1 ? "try" : "tries");
        else if (ingot_boot_entry_bad(e))
                fprintf(out, " (bad: no try left)");
}

int update_find_hidden(struct ingot_machine *m, const struct ingot_slot *slot,
                       const struct ingot_log *log, struct ingot_strings *ret, ingot_error *reterr)
{
        ingot_error why = {0};
        int r = slot ? ingot_hidden_in_slot(m, slot, ret, &why) : 0;
        if (r == -INGOT_E_NOMEM)
                return ingot_fail_nomem(reterr);
        if (r < 0)
                ingot_warn(log, "what /etc of this machine hides is not known: %s", why.text);
        return 0;
}

void update_print_hidden(const struct ingot_slot *slot, const struct ingot_strings *hidden)
{
        for (size_t i = 0; i < hidden->count; i++) {
                print_styled(stdout, STYLE_WARN, "hidden:");
                printf(" ");
                print_text(stdout, hidden->items[i]);
                printf(": this machine's own stands over the new one of version ");
                print_text(stdout, slot->version);
                printf("\n");
        }
}

struct ingot_steps update_steps(struct update_view *v)
{
        return (struct ingot_steps){
                .disk = &v->machine.disk, .esp = v->machine.esp, .open = INGOT_FILE_NONE};
}
