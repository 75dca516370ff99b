/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of an update: see the header. Every write goes through `steps`. */
#include "update/apply.h"
#include "base/cleanup.h"
#include "image/esp.h"
#include "image/measurement-file.h"
#include "measure/boot-chain.h"
#include "update/fetch-file.h"

#include <stdlib.h>
#include <string.h>

#define OLD_UKIS_MAX 32
#define SMALL_MAX ((size_t) 16 << 20) /* of a file that is held in memory */

struct apply {
        struct ingot_machine *m;
        const struct ingot_release *release;
        const struct ingot_update_target *target;
        const struct ingot_apply_options *options;
        struct ingot_steps steps;
        struct ingot_apply_figures figures;
        struct ingot_walk *walk;
        struct ingot_walk_options walk_options;
        struct ingot_log log;
};

uint64_t ingot_apply_total(const struct ingot_apply_figures *f)
{
        return f->root.data_size + f->root.tree_size + f->uki.data_size + f->other_size;
}

uint64_t ingot_apply_fetched(const struct ingot_apply_figures *f)
{
        return f->root.fetched + f->root.tree_fetched + f->uki.fetched + f->other_fetched;
}

/* ---- table and entries ---- */

static int write_area(struct ingot_steps *s, const struct ingot_gpt_area *area, ingot_error *reterr)
{
        const struct ingot_writer disk = ingot_steps_disk(s);
        int r = ingot_write_at(&disk, area->offset, area->bytes, area->size, reterr);
        return r < 0 ? r : ingot_steps_flush(s, reterr);
}

int ingot_update_write_table(struct ingot_steps *s, const struct ingot_gpt *gpt,
                             ingot_error *reterr)
{
        _cleanup_free_ struct ingot_gpt_area *areas = calloc(2, sizeof(*areas));
        if (!areas)
                return ingot_fail_nomem(reterr);
        int r = ingot_gpt_encode(gpt, areas, areas + 1, reterr);
        if (r >= 0)
                r = write_area(s, areas + 1, reterr);
        if (r >= 0)
                r = write_area(s, areas, reterr);
        return ingot_under(reterr, r, "partition table");
}

static int measurement_path(const struct ingot_machine *m, const char *version, char **ret,
                            ingot_error *reterr)
{
        return ingot_format(ret, reterr, INGOT_ESP_MEASUREMENTS "/%s_%s" INGOT_MEASUREMENT_SUFFIX,
                            m->name, version);
}

/* A measurement manifest with the signatures beside it. */
static int remove_files_of(struct ingot_steps *s, const struct ingot_machine *m,
                           const char *version, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings files = {0};
        _cleanup_free_ char *manifest = NULL, *folder = NULL;
        int r = measurement_path(m, version, &manifest, reterr);
        if (r >= 0)
                r = ingot_format(&folder, reterr, "%s/" INGOT_ESP_MEASUREMENTS, m->esp);
        if (r >= 0)
                r = ingot_file_exists(folder) ? ingot_list_files(folder, &files, reterr) : 0;
        for (size_t i = 0; r >= 0 && i < files.count; i++) {
                _cleanup_free_ char *path = NULL;
                bool openpgp;
                r = ingot_format(&path, reterr, INGOT_ESP_MEASUREMENTS "/%s", files.items[i]);
                if (r >= 0 && (strcmp(path, manifest) == 0 ||
                               ingot_is_signature_name(path, manifest, &openpgp)))
                        r = ingot_steps_remove(s, path, reterr);
        }
        return r < 0 ? r : 0;
}

/* Those of an entry whose version no other entry has. */
static int remove_measurement(struct ingot_steps *s, const struct ingot_machine *m,
                              const char *file, const struct ingot_strings *names,
                              ingot_error *reterr)
{
        const char *version = NULL;
        for (size_t i = 0; i < m->entries.count; i++)
                if (strcmp(m->entries.items[i].file, file) == 0)
                        version = m->entries.items[i].version;
        for (size_t i = 0; version && i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (e->version && strcmp(e->version, version) == 0 &&
                    !ingot_strings_contains(names, e->file))
                        return 0;
        }
        return version ? remove_files_of(s, m, version, reterr) : 0;
}

int ingot_update_remove_entries(struct ingot_steps *s, const struct ingot_machine *m,
                                const struct ingot_strings *names, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < names->count; i++) {
                _cleanup_free_ char *path = NULL;
                r = ingot_format(&path, reterr, "%s/%s", m->transfers.uki_folder, names->items[i]);
                if (r >= 0)
                        r = ingot_steps_remove(s, path, reterr);
                if (r >= 0)
                        r = remove_measurement(s, m, names->items[i], names, reterr);
        }
        if (r < 0 || names->count == 0)
                return r;
        return ingot_steps_flush_esp(s, m->transfers.uki_folder, reterr);
}

/* The machine's table as CHANGE makes it, on the disk and in memory. */
static int change_table(struct apply *a,
                        int (*change)(const struct ingot_slot_change *, struct ingot_gpt *,
                                      ingot_error *),
                        ingot_error *reterr)
{
        _cleanup_free_ struct ingot_gpt *gpt = malloc(sizeof(*gpt));
        if (!gpt)
                return ingot_fail_nomem(reterr);
        *gpt = *a->m->gpt;
        const struct ingot_slot_change c = {.slot = a->target->slot,
                                            .transfers = &a->m->transfers,
                                            .version = a->release->version,
                                            .root_hash = a->release->root_hash,
                                            .has_signature = a->release->signature.name};
        int r = change(&c, gpt, reterr);
        if (r >= 0)
                r = ingot_update_write_table(&a->steps, gpt, reterr);
        if (r >= 0)
                *a->m->gpt = *gpt;
        return r;
}

/* ---- the root ---- */

static struct ingot_writer slot_writer(struct apply *a, enum ingot_slot_part part)
{
        const struct ingot_writer disk = ingot_steps_disk(&a->steps);
        return ingot_writer_part(&disk, a->target->slot->offset[part]);
}

static int slot_reader(struct ingot_machine *m, const struct ingot_slot *s,
                       enum ingot_slot_part part, struct ingot_reader *ret, ingot_error *reterr)
{
        const struct ingot_reader disk = ingot_file_reader(&m->disk);
        return ingot_reader_part(&disk, s->offset[part], s->size[part], ret, reterr);
}

/* Every other slot that has something to copy from. */
static int find_old(struct apply *a, struct ingot_walk_old **ret, ingot_error *reterr)
{
        struct ingot_walk_old *old = calloc(a->m->slots.count + 1, sizeof(*old));
        size_t n = 0;
        int r = old ? 0 : ingot_fail_nomem(reterr);
        for (size_t i = 0; r >= 0 && i < a->m->slots.count; i++) {
                const struct ingot_slot *s = a->m->slots.items + i;
                if (s == a->target->slot || s->state != INGOT_SLOT_WHOLE)
                        continue;
                r = slot_reader(a->m, s, INGOT_SLOT_DATA, &old[n].data, reterr);
                if (r >= 0)
                        r = slot_reader(a->m, s, INGOT_SLOT_TREE, &old[n].tree, reterr);
                n++;
        }
        a->walk_options.old = *ret = old;
        a->walk_options.old_count = n;
        return r;
}

/* Of all that is to be written, which the release says before anything of it is planned. */
static uint64_t total_of(const struct apply *a)
{
        const struct ingot_release *r = a->release;
        uint64_t total = r->uki.size + r->measurement.size;
        for (size_t i = 0; i < r->measurement_signature_count; i++)
                total += r->measurement_signatures[i].size;
        return a->target->work == INGOT_UPDATE_SLOT
                       ? total + r->root.size + r->tree.size + r->signature.size
                       : total;
}

/* What the walks report in their own words, added up. */
static void report(void *context, const char *what, uint64_t done, uint64_t total)
{
        struct apply *a = context;
        const struct ingot_walk_figures f = a->walk ? ingot_walk_done(a->walk) : a->figures.root,
                                        *u = &a->figures.uki;
        (void) what, (void) done, (void) total;
        if (a->options->dry_run)
                return;
        struct ingot_apply_progress now = {
                .fetched = f.fetched + f.tree_fetched + u->fetched + a->figures.other_fetched,
                .reused = f.zeros + f.kept + f.copied + (f.tree_size - f.tree_fetched) + u->kept +
                          u->copied};
        const uint64_t have = now.fetched + now.reused, all = total_of(a);
        now.to_go = all > have ? all - have : 0;
        ingot_progress(a->options->log, "Updating", all - now.to_go, all);
        if (a->options->progress)
                a->options->progress(a->options->context, &now);
}

static void warn(void *context, const char *text)
{
        const struct apply *a = context;
        ingot_warn(a->options->log, "%s", text);
}

/* Memory in place of the tree's partition, for a dry run. */
static int write_memory(void *context, uint64_t offset, const void *data, size_t size,
                        ingot_error *reterr)
{
        struct ingot_span *memory = context;
        if (offset > memory->size || size > memory->size - offset)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "a write behind the tree");
        memcpy((uint8_t *) memory->data + offset, data, size);
        return 0;
}

static int walk_into(struct apply *a, const struct ingot_walk_target *target, ingot_error *reterr)
{
        const struct ingot_walk_image image = {.verity = a->release->verity,
                                               .data_file = a->release->root.name,
                                               .tree_file = a->release->tree.name};
        struct ingot_walk_image copy = image;
        memcpy(copy.root_hash, a->release->root_hash, sizeof(copy.root_hash));
        int r = ingot_walk_plan(&copy, target, &a->walk_options, &a->walk, reterr);
        if (r < 0)
                return r;
        a->figures.root = *ingot_walk_figures(a->walk);
        if (!a->options->dry_run)
                r = ingot_walk_run(a->walk, reterr);
        if (r >= 0)
                a->figures.root = *ingot_walk_figures(a->walk);
        ingot_walk_free(a->walk);
        a->walk = NULL;
        return r;
}

static int write_root(struct apply *a, ingot_error *reterr)
{
        _cleanup_free_ struct ingot_walk_old *old = NULL;
        _cleanup_free_ uint8_t *memory = NULL;
        struct ingot_span tree = {0};
        struct ingot_walk_target target = {.begun = a->target->begun};
        int r = find_old(a, &old, reterr);
        if (r >= 0)
                r = slot_reader(a->m, a->target->slot, INGOT_SLOT_DATA, &target.data_back, reterr);
        if (r >= 0)
                r = slot_reader(a->m, a->target->slot, INGOT_SLOT_TREE, &target.tree_back, reterr);
        if (r < 0)
                return r;
        target.data = slot_writer(a, INGOT_SLOT_DATA);
        target.tree = slot_writer(a, INGOT_SLOT_TREE);
        if (a->options->dry_run) {
                memory = calloc(1, (size_t) a->release->tree.size);
                if (!memory)
                        return ingot_fail_nomem(reterr);
                tree = INGOT_SPAN(memory, (size_t) a->release->tree.size);
                target.tree = (struct ingot_writer){.write_at = write_memory, .context = &tree};
                if (a->target->begun)
                        r = ingot_read_at(&target.tree_back, 0, memory, tree.size, reterr);
                target.tree_back = ingot_reader_of_span(&tree);
        }
        return r < 0 ? r : walk_into(a, &target, reterr);
}

/* ---- files that are taken whole ---- */

/* A small file by its digest; of a dry run only its size counts. */
static int fetch_small(struct apply *a, const struct ingot_release_file *f,
                       struct ingot_buffer *ret, ingot_error *reterr)
{
        if (f->size == 0 || f->size > SMALL_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s has %llu bytes", f->name,
                                  (unsigned long long) f->size);
        int r = a->options->dry_run
                        ? 0
                        : ingot_fetch_bytes(f, SMALL_MAX, &a->walk_options, ret, reterr);
        if (r < 0)
                return r;
        a->figures.other_size += f->size;
        a->figures.other_fetched += f->size;
        report(a, f->name, f->size, f->size);
        return 0;
}

/* NULs up to the end of its partition, as systemd-repart pads it. */
static int write_signature(struct apply *a, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        const struct ingot_slot *s = a->target->slot;
        if (!a->release->signature.name)
                return 0;
        int r = fetch_small(a, &a->release->signature, &text, reterr);
        if (r < 0 || a->options->dry_run)
                return r;
        r = ingot_buffer_append_zeros(&text, (size_t) (s->size[INGOT_SLOT_SIGNATURE] - text.size),
                                      reterr);
        if (r < 0)
                return r;
        const struct ingot_writer w = slot_writer(a, INGOT_SLOT_SIGNATURE);
        return ingot_write_at(&w, 0, text.data, text.size, reterr);
}

static int fill_slot(struct apply *a, ingot_error *reterr)
{
        bool dry = a->options->dry_run;
        int r = dry ? 0 : change_table(a, ingot_slot_begin, reterr);
        if (r >= 0)
                r = ingot_under(reterr, write_root(a, reterr), "root");
        if (r >= 0)
                r = ingot_under(reterr, write_signature(a, reterr), "signature");
        if (r >= 0 && !dry)
                r = ingot_steps_flush(&a->steps, reterr);
        if (r >= 0 && !dry)
                r = change_table(a, ingot_slot_finish, reterr);
        return r;
}

/* ---- the ESP ---- */

/* A small file of the release, whole or not at all. */
static int write_esp_file(struct apply *a, const struct ingot_release_file *f, const char *path,
                          ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *temporary = NULL;
        int r = fetch_small(a, f, &text, reterr);
        if (r < 0 || a->options->dry_run)
                return r;
        r = ingot_format(&temporary, reterr, "%s" INGOT_ENTRY_TEMPORARY, path);
        if (r >= 0)
                r = ingot_steps_open(&a->steps, temporary, reterr);
        if (r < 0)
                return r;
        const struct ingot_writer w = ingot_steps_file(&a->steps);
        r = ingot_write_at(&w, 0, text.data, text.size, reterr);
        if (r >= 0)
                r = ingot_steps_close(&a->steps, text.size, reterr);
        return r < 0 ? r : ingot_steps_rename(&a->steps, temporary, path, reterr);
}

/* The manifest comes after its signatures. */
static int write_measurement(struct apply *a, ingot_error *reterr)
{
        const struct ingot_release *release = a->release;
        _cleanup_free_ char *path = NULL;
        if (!release->measurement.name)
                return 0;
        size_t n = strlen(release->measurement.name);
        int r = measurement_path(a->m, release->version, &path, reterr);
        for (size_t i = 0; r >= 0 && i < release->measurement_signature_count; i++) {
                const struct ingot_release_file *f = release->measurement_signatures + i;
                _cleanup_free_ char *beside = NULL;
                r = ingot_format(&beside, reterr, "%s%s", path, f->name + n);
                if (r >= 0)
                        r = write_esp_file(a, f, beside, reterr);
        }
        if (r >= 0)
                r = write_esp_file(a, &release->measurement, path, reterr);
        return r < 0 || a->options->dry_run
                       ? r
                       : ingot_steps_flush_esp(&a->steps, INGOT_ESP_MEASUREMENTS, reterr);
}

struct ukis {
        struct ingot_file files[OLD_UKIS_MAX];
        struct ingot_reader readers[OLD_UKIS_MAX];
        size_t count;
};

static void ukis_done(struct ukis *u)
{
        for (size_t i = 0; i < u->count; i++)
                ingot_file_close(u->files + i);
}

static int open_old_ukis(const struct apply *a, struct ukis *u, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < a->m->entries.count && u->count < OLD_UKIS_MAX; i++) {
                _cleanup_free_ char *path = NULL;
                r = ingot_format(&path, reterr, "%s/%s/%s", a->m->esp, a->m->transfers.uki_folder,
                                 a->m->entries.items[i].file);
                if (r < 0 || ingot_file_open(u->files + u->count, path, NULL) < 0)
                        continue; /* the slot's old one is gone by now */
                u->readers[u->count] = ingot_file_reader(u->files + u->count);
                u->count++;
        }
        return r;
}

static int copy_uki(struct apply *a, const char *temporary, ingot_error *reterr)
{
        const struct ingot_release *release = a->release;
        const struct ingot_walk_pieces pieces = {.file = release->uki.name,
                                                 .size = release->uki.size,
                                                 .piece_size = release->extent_size,
                                                 .digests = release->extents};
        _cleanup_(ukis_done) struct ukis old = {0};
        const struct ingot_reader none = {0};
        int r = open_old_ukis(a, &old, reterr);
        if (r >= 0 && a->options->dry_run)
                return ingot_walk_file(&pieces, old.readers, old.count, NULL, &none,
                                       &a->walk_options, &a->figures.uki, reterr);
        if (r >= 0)
                r = ingot_steps_open(&a->steps, temporary, reterr);
        if (r < 0)
                return r;
        const struct ingot_writer w = ingot_steps_file(&a->steps);
        const struct ingot_reader back = ingot_steps_file_back(&a->steps);
        r = ingot_walk_file(&pieces, old.readers, old.count, &w, &back, &a->walk_options,
                            &a->figures.uki, reterr);
        if (r >= 0)
                r = ingot_steps_close(&a->steps, release->uki.size, reterr);
        ingot_steps_abandon(&a->steps);
        return r;
}

static int write_uki(struct apply *a, ingot_error *reterr)
{
        const char *folder = a->m->transfers.uki_folder;
        _cleanup_free_ char *path = NULL, *temporary = NULL;
        int r = ingot_format(&path, reterr, "%s/%s", folder, a->target->entry);
        if (r >= 0)
                r = ingot_format(&temporary, reterr, "%s" INGOT_ENTRY_TEMPORARY, path);
        if (r >= 0)
                r = copy_uki(a, temporary, reterr);
        if (r < 0 || a->options->dry_run)
                return r;
        r = ingot_steps_rename(&a->steps, temporary, path, reterr);
        return r < 0 ? r : ingot_steps_flush_esp(&a->steps, folder, reterr);
}

/* ---- all of it ---- */

static int run(struct apply *a, ingot_error *reterr)
{
        const struct ingot_update_target *t = a->target;
        int r = 0;
        if (t->work == INGOT_UPDATE_SLOT && t->slot->running)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "the slot that runs was chosen");
        if (!a->options->dry_run)
                r = ingot_update_remove_entries(&a->steps, a->m, &t->remove, reterr);
        if (r >= 0 && t->work == INGOT_UPDATE_SLOT)
                r = fill_slot(a, reterr);
        if (r >= 0)
                r = ingot_under(reterr, write_measurement(a, reterr), "measurement manifest");
        if (r >= 0)
                r = ingot_under(reterr, write_uki(a, reterr), "UKI");
        if (r >= 0 && !a->options->dry_run)
                r = ingot_update_remove_entries(&a->steps, a->m, &t->stale, reterr);
        return r;
}

int ingot_update_apply(struct ingot_machine *m, const struct ingot_release *release,
                       const struct ingot_update_target *target,
                       const struct ingot_apply_options *options, struct ingot_apply_figures *ret,
                       ingot_error *reterr)
{
        struct apply a = {.m = m, .release = release, .target = target, .options = options};
        if (target->work == INGOT_UPDATE_NOTHING) {
                *ret = a.figures;
                return 0;
        }
        a.steps = (struct ingot_steps){.disk = &m->disk,
                                       .esp = m->esp,
                                       .watch = options->watch,
                                       .context = options->context,
                                       .open = INGOT_FILE_NONE};
        a.log = (struct ingot_log){.warning = warn, .progress = report, .context = &a};
        a.walk_options = (struct ingot_walk_options){.sources = options->sources,
                                                     .source_count = options->source_count,
                                                     .threads = options->threads,
                                                     .log = &a.log};
        int r = run(&a, reterr);
        ingot_walk_free_p(&a.walk);
        ingot_steps_abandon(&a.steps);
        if (r < 0)
                return r;
        *ret = a.figures;
        return 0;
}
