/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot update apply */
#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/update-source.h"
#include "os/event.h"
#include "os/process.h"
#include "update/components.h"
#include "update/next-root.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define PROGRESS_MSEC 250

struct apply_options {
        struct update_wish wish;
        bool dry_run, reboot, soft_reboot;
};

struct work {
        const struct invocation *in;
        const struct apply_options *options;
        struct update_offer offer;
        struct ingot_apply_figures figures;
        uint64_t begun_msec, shown_msec;
};

/* ---- for programs: a line for each thing that happens ---- */

static int print_line(struct json_object *o, ingot_error *reterr)
{
        const char *text;
        int r = ingot_json_text(o, false, &text, reterr);
        if (r < 0)
                return r;
        puts(text);
        fflush(stdout);
        return 0;
}

static void show_progress(void *context, const struct ingot_apply_progress *now)
{
        struct work *w = context;
        _cleanup_json_ struct json_object *o = NULL;
        uint64_t msec = ingot_clock_msec();
        if (!w->in->json || (msec - w->shown_msec < PROGRESS_MSEC && now->to_go > 0))
                return;
        w->shown_msec = msec;
        int r = ingot_json_new_object(&o, NULL);
        if (r >= 0)
                r = ingot_json_add_text(o, "event", "progress", NULL);
        if (r >= 0)
                r = ingot_json_add_u64(o, "reused", now->reused, NULL);
        if (r >= 0)
                r = ingot_json_add_u64(o, "fetched", now->fetched, NULL);
        if (r >= 0)
                r = ingot_json_add_u64(o, "to_go", now->to_go, NULL);
        if (r >= 0)
                (void) print_line(o, NULL);
}

static int print_result_json(const struct work *w, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        const struct ingot_release *release = w->offer.choice.release;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "event", w->options->dry_run ? "plan" : "done", reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "version", release ? release->version : NULL, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "work",
                                        ingot_update_work_name(release ? w->offer.target.work
                                                                       : INGOT_UPDATE_NOTHING),
                                        reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "size", ingot_apply_total(&w->figures), reterr);
        if (r >= 0)
                r = ingot_json_add_u64(
                        o, "reused",
                        ingot_apply_total(&w->figures) - ingot_apply_fetched(&w->figures), reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "fetched", ingot_apply_fetched(&w->figures), reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "resealed", w->offer.reseal, reterr);
        if (r >= 0)
                r = json_add_texts(o, "passed", &w->offer.choice.passed, reterr);
        return r < 0 ? r : print_line(o, reterr);
}

/* ---- for people ---- */

/* By how fast it was the last time. */
static void print_time(const struct ingot_update_last *last, uint64_t bytes)
{
        if (last->fetched < 1 << 20 || last->msec == 0)
                return;
        uint64_t seconds = bytes / 1024 * last->msec / (last->fetched / 1024) / 1000;
        printf(", about %" PRIu64 " min %" PRIu64 " s as fast as the last time", seconds / 60,
               seconds % 60);
}

static void print_passed(const struct work *w)
{
        for (size_t i = 0; i < w->offer.choice.passed.count; i++) {
                print_text(stdout, w->offer.choice.passed.items[i]);
                printf("\n");
        }
}

static void print_result(const struct work *w)
{
        const struct ingot_release *release = w->offer.choice.release;
        const struct ingot_apply_figures *f = &w->figures;
        char fetched[16], total[16];
        print_passed(w);
        if (!release || w->offer.target.work == INGOT_UPDATE_NOTHING) {
                update_print_nothing(&w->offer);
                return;
        }
        ingot_human_size(fetched, ingot_apply_fetched(f));
        ingot_human_size(total, ingot_apply_total(f));
        print_text(stdout, release->version);
        printf(w->options->dry_run ? ": %s of %s would be fetched, the rest is here"
                                   : ": installed; %s of %s were fetched, the rest was here",
               fetched, total);
        if (w->options->dry_run)
                print_time(&w->offer.view.state.last, ingot_apply_fetched(f));
        printf("\n");
        if (w->offer.reseal)
                printf("The policy in " INGOT_PCRLOCK_POLICY_PATH
                       " %s made anew, for it and for what runs.\n",
                       w->options->dry_run ? "would be" : "was");
        if (!w->options->dry_run && !w->options->reboot && !w->options->soft_reboot)
                printf("It runs after the next restart.\n");
}

/* ---- what is done ---- */

/* What the machine will remember; KEEP: of an earlier try of this version. */
static int note_begin(struct work *w, ingot_error *reterr)
{
        struct ingot_update_state *s = &w->offer.view.state;
        const char *version = w->offer.choice.release->version;
        free(TAKE_PTR(s->last.problem));
        free(TAKE_PTR(s->last.version));
        s->last.begun = (uint64_t) time(NULL);
        s->last.finished = 0;
        int r = ingot_strdup(&s->last.version, version, reterr);
        return r < 0 ? r : ingot_update_state_save(w->options->wish.machine.root, s, reterr);
}

static int note_end(struct work *w, int outcome, const ingot_error *why, ingot_error *reterr)
{
        struct ingot_update_state *s = &w->offer.view.state;
        uint64_t fetched = ingot_apply_fetched(&w->figures);
        int r = 0;
        s->last.finished = (uint64_t) time(NULL);
        if (outcome < 0)
                r = ingot_strdup(&s->last.problem, why->text, reterr);
        else
                ingot_update_failure_forget(s, w->offer.choice.release->version);
        if (outcome >= 0 && fetched > 0) {
                s->last.fetched = fetched;
                s->last.msec = ingot_clock_msec() - w->begun_msec;
        }
        return r < 0 ? r : ingot_update_state_save(w->options->wish.machine.root, s, reterr);
}

static int apply(struct work *w, ingot_error *reterr)
{
        const struct ingot_apply_options options = {.sources = w->offer.sources,
                                                    .source_count = w->offer.source_count,
                                                    .dry_run = w->options->dry_run,
                                                    .progress = show_progress,
                                                    .context = w,
                                                    .log = w->in->log};
        return ingot_update_apply(&w->offer.view.machine, w->offer.choice.release, &w->offer.target,
                                  &options, &w->figures, reterr);
}

/* Versions that have a slot, and so may be started, keep what was brought for them. */
static int sweep_extensions(struct work *w, ingot_error *reterr)
{
        const struct ingot_machine *m = &w->offer.view.machine;
        _cleanup_strings_ struct ingot_strings keep = {0};
        int r = ingot_strings_add(&keep, w->offer.choice.release->version, reterr);
        if (r >= 0 && m->version)
                r = ingot_strings_add(&keep, m->version, reterr);
        for (size_t i = 0; r >= 0 && i < m->slots.count; i++)
                if (m->slots.items[i].version)
                        r = ingot_strings_add(&keep, m->slots.items[i].version, reterr);
        return r < 0 ? r : ingot_extensions_sweep(w->options->wish.machine.root, &keep, reterr);
}

/* Before anything else: whenever the machine then starts, and whatever, it unlocks. */
static int reseal(struct work *w, ingot_error *reterr)
{
        return w->offer.reseal
                       ? ingot_under(reterr,
                                     ingot_reseal_run(w->offer.reseal, &w->offer.policy, reterr),
                                     "the TPM's policy cannot be made anew")
                       : 0;
}

/* Extensions first: the new version must not be started without them. */
static int apply_with_extensions(struct work *w, ingot_error *reterr)
{
        const struct ingot_walk_options options = {.sources = w->offer.sources,
                                                   .source_count = w->offer.source_count,
                                                   .log = w->in->log};
        int r = ingot_extension_moves_run(&w->offer.moves, w->options->wish.machine.root,
                                          w->offer.choice.release->version, &options, reterr);
        if (r >= 0)
                r = apply(w, reterr);
        return r < 0 ? r : sweep_extensions(w, reterr);
}

static int install(struct work *w, ingot_error *reterr)
{
        ingot_error why = {0};
        if (!w->offer.choice.release || w->offer.target.work == INGOT_UPDATE_NOTHING)
                return 0;
        if (w->options->dry_run)
                return apply(w, reterr);
        int r = note_begin(w, reterr);
        if (r < 0)
                return r;
        w->begun_msec = ingot_clock_msec();
        r = reseal(w, &why);
        if (r >= 0)
                r = apply_with_extensions(w, &why);
        int e = note_end(w, r, &why, reterr);
        if (r < 0 && reterr)
                *reterr = why;
        return r < 0 ? r : e;
}

/* Will the loader start what was installed? A variable or loader.conf may say otherwise. */
static int check_next(struct work *w, ingot_error *reterr)
{
        struct ingot_machine *m = &w->offer.view.machine;
        int r = ingot_machine_refresh(m, reterr);
        if (r >= 0)
                r = ingot_update_components_sweep(m, NULL, reterr);
        for (size_t i = 0; r >= 0 && i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (e->next &&
                    !(e->version && strcmp(e->version, w->offer.choice.release->version) == 0))
                        ingot_warn(w->in->log,
                                   "%s is what the loader starts next: an EFI variable (bootctl "
                                   "set-default '') or loader/loader.conf names it, or it is newer",
                                   e->file);
        }
        return r;
}

static int restart(ingot_error *reterr)
{
        static const char *const words[] = {"systemctl", "reboot", NULL};
        const struct ingot_program program = {.argv = words, .package = "systemd"};
        return ingot_process_run(&program, NULL, reterr);
}

/* Into what is installed, and does not run yet. */
static int soft_reboot(struct work *w, ingot_error *reterr)
{
        const struct ingot_release *release = w->offer.choice.release;
        const struct ingot_machine *m = &w->offer.view.machine;
        if (!release ||
            (m->has_running && memcmp(m->running, release->root_hash, sizeof(m->running)) == 0))
                return 0;
        int r = ingot_next_root_mount(m, release->version, release->root_hash, w->in->log, reterr);
        if (r >= 0)
                r = ingot_next_root_start(reterr);
        return ingot_under(reterr, r, "version %s is installed, but not started: soft reboot",
                           release->version);
}

/* Files of /etc that the new version has otherwise, and the machine, too. */
static int print_hidden(struct work *w, ingot_error *reterr)
{
        struct ingot_machine *m = &w->offer.view.machine;
        const struct ingot_slot *s =
                ingot_slots_by_hash(&m->slots, w->offer.choice.release->root_hash);
        _cleanup_strings_ struct ingot_strings hidden = {0};
        int r = update_find_hidden(m, s, w->in->log, &hidden, reterr);
        if (r >= 0 && s)
                update_print_hidden(s, &hidden);
        return r;
}

static int finish(struct work *w, ingot_error *reterr)
{
        bool installed = w->offer.choice.release && w->offer.target.work != INGOT_UPDATE_NOTHING;
        int r = installed && !w->options->dry_run ? check_next(w, reterr) : 0;
        if (r >= 0 && w->in->json)
                r = print_result_json(w, reterr);
        else if (r >= 0)
                print_result(w);
        if (r >= 0 && installed && !w->options->dry_run && !w->in->json)
                r = print_hidden(w, reterr);
        fflush(stdout);
        if (r >= 0 && w->options->soft_reboot)
                return soft_reboot(w, reterr);
        return r >= 0 && installed && w->options->reboot ? restart(reterr) : r;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct apply_options *o = in->options;
        struct work w = {.in = in, .options = o, .offer = UPDATE_OFFER_NONE};
        if (o->reboot && o->soft_reboot)
                return ingot_fail(reterr, INGOT_E_USAGE, "--reboot or --soft-reboot, not both");
        if ((o->reboot || o->soft_reboot) &&
            (o->dry_run || o->wish.machine.root || o->wish.machine.disk))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "%s goes with an update of this machine alone",
                                  o->reboot ? "--reboot" : "--soft-reboot");
        int r = o->soft_reboot ? ingot_next_root_check_systemd(reterr) : 0;
        if (r >= 0)
                r = update_offer_open(&w.offer, &o->wish, !o->dry_run, in->log, reterr);
        if (r >= 0 && o->soft_reboot)
                r = ingot_next_root_check_machine(&w.offer.view.machine, reterr);
        if (r >= 0)
                update_warn_locks(&w.offer, in->log);
        if (r >= 0)
                r = install(&w, reterr);
        if (r >= 0)
                r = finish(&w, reterr);
        update_offer_close(&w.offer);
        return r;
}

static const struct option rows[] = {
        FLAG('n', "dry-run", struct apply_options, dry_run,
             "Write nothing; say how much would be fetched, and how long that takes"),
        FLAG(0, "reboot", struct apply_options, reboot, "Restart when something was installed"),
        FLAG(0, "soft-reboot", struct apply_options, soft_reboot,
             "Go into the version without a restart of the kernel"),
        OPTION_UPDATE_WISH(struct apply_options, wish),
        OPTION_UPDATE_ROOT(struct apply_options, wish.machine),
        OPTION_UPDATE_DISK(struct apply_options, wish.machine),
        OPTION_UPDATE_ESP(struct apply_options, wish.machine),
        OPTION_UPDATE_RUNNING(struct apply_options, wish.machine),
        OPTION_QUIET,
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static const struct example examples[] = {
        {"ingot update apply -n --root=machine --disk=disk.raw --esp=esp",
         "How much would be fetched?"},
        {"ingot update apply --root=machine --disk=disk.raw --esp=esp",
         "Install the newest version of a folder on the disk of another machine"},
        {0},
};

const struct command cmd_update_apply = {
        .name = "update apply",
        .synopsis = "",
        .summary = "Install the newest version into the slot that does not run",
        .details =
                "Fetches only blocks that no slot has: the new hash tree is walked down from the "
                "signed root hash, and every block is checked before it is written. An update that "
                "broke off, for whatever reason, is gone on with by the next one.\n"
                "\n"
                "The order leaves a whole version on the machine at every moment: the slot's old "
                "UKI goes first, the partition table says that the slot is being written, then "
                "come data, hash tree and signature, then the table that says that it is whole, "
                "and the UKI last, with a boot counter. The slot that runs, and those of other "
                "products, are never written.\n"
                "\n"
                "With --soft-reboot systemd (254 or later) goes into the version without a restart "
                "of the kernel; also when it was installed before and does not run. What the "
                "initrd would mount is mounted on /run/nextroot first. Kernel, command line and "
                "PCRs stay those of the UKI that was started, and the boot entry keeps its tries: "
                "the next restart is its first. Refused for a root without modules for the kernel "
                "that runs, and while what was started is on trial.\n"
                "\n"
                "A policy of 'ingot pcr lock' or systemd-pcrlock in the TPM that would not open "
                "with the new version is made anew before, for it and for what runs: its "
                "components come out of the release's measurement manifest. Where that cannot be, "
                "the update is refused with the reason; --reseal=no has it refused at once.\n"
                "\n"
                "Which version is taken, and what is refused with exit status 3, says 'ingot "
                "update check'. With --json each line is an object: \"event\" is \"progress\" "
                "(reused, fetched and to_go are bytes of root, hash tree, signature, measurement "
                "manifest and UKI; to_go is 0 in the last one), \"plan\" or "
                "\"done\".",
        .rows = rows,
        .examples = examples,
        .options_size = sizeof(struct apply_options),
        .run = run,
};
