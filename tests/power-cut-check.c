/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "power-cut.h"
#include "base/cleanup.h"
#include "format/partition-type.h"
#include "image/esp-open.h"
#include "image/esp.h"
#include "measure/boot-chain.h"
#include "os/process.h"
#include "update/apply.h"
#include "update/release-sign.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t) INGOT_VERITY_BLOCK_SIZE)
#define UKIS "EFI/Linux"
#define SFDISK_EVERY 10

enum { OLD, NEW };

/* Of a block of the new release: where else than in its slot it can be had. */
enum source { ANYWHERE, FROM_OLD, FETCHED };

/* The files of a release, as they were published. */
struct files {
        const struct ingot_release *release;
        struct ingot_map root, tree, uki;
        char hash[2 * INGOT_SHA256_SIZE + 1];
};

struct check {
        const struct power_cut_options *o;
        struct power_cut_figures *figures;
        struct ingot_channel channel;
        struct files files[2];
        uint8_t *data_from, *tree_from; /* enum source of the new release's blocks */
        struct ingot_file work;         /* the disk that is updated … */
        uint32_t *have;                 /* … and what is in it, for cut_disk_write() */
        char work_path[1024], esp_image[1024], esp[1024], seen[1024];
};

static void check_done(struct check *c)
{
        for (size_t i = 0; i < ARRAY_SIZE(c->files); i++) {
                ingot_map_close(&c->files[i].root);
                ingot_map_close(&c->files[i].tree);
                ingot_map_close(&c->files[i].uki);
        }
        ingot_channel_done(&c->channel);
        free(c->data_from);
        free(c->tree_from);
        free(c->have);
        ingot_file_close(&c->work);
}

/* ---- before the first cut ---- */

static int map_file(const struct check *c, const struct ingot_release_file *f,
                    struct ingot_map *ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "%s/%s", c->o->releases, f->name);
        return r < 0 ? r : ingot_map_open(ret, path, reterr);
}

static int open_releases(struct check *c, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        _cleanup_release_envelope_ struct ingot_release_envelope envelope = {0};
        size_t size;
        int r = ingot_format(&path, reterr, "%s/%s.stable" INGOT_RELEASE_SUFFIX, c->o->releases,
                             c->o->name);
        if (r >= 0)
                r = ingot_file_read(AT_FDCWD, path, INGOT_RELEASE_SIZE_MAX, &text, &size, reterr);
        if (r >= 0)
                r = ingot_release_envelope_decode(INGOT_SPAN(text, size), &envelope, reterr);
        if (r >= 0)
                r = ingot_channel_decode(ingot_buffer_span(&envelope.payload), &c->channel, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(c->files); i++) {
                struct files *f = c->files + i;
                f->release = ingot_channel_find(&c->channel, c->o->versions[i]);
                if (!f->release)
                        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no version %s in %s",
                                          c->o->versions[i], path);
                ingot_hex(f->hash, f->release->root_hash, INGOT_SHA256_SIZE);
                r = map_file(c, &f->release->root, &f->root, reterr);
                if (r >= 0)
                        r = map_file(c, &f->release->tree, &f->tree, reterr);
                if (r >= 0)
                        r = map_file(c, &f->release->uki, &f->uki, reterr);
        }
        return r;
}

static int compare_blocks(const void *a, const void *b)
{
        return memcmp(*(const uint8_t *const *) a, *(const uint8_t *const *) b, BLOCK);
}

/* Where each of NEW's blocks is found: zeros are made, the old release's are in the other slot. */
static int find_blocks(struct ingot_span new, struct ingot_span old, uint8_t **ret,
                       ingot_error *reterr)
{
        static const uint8_t zeros[BLOCK];
        size_t n = new.size / BLOCK, m = old.size / BLOCK;
        _cleanup_free_ const uint8_t **sorted = calloc(m + 1, sizeof(*sorted));
        _cleanup_free_ uint8_t *from = calloc(n + 1, 1);
        if (!sorted || !from)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < m; i++)
                sorted[i] = old.data + i * BLOCK;
        qsort(sorted, m, sizeof(*sorted), compare_blocks);
        for (size_t i = 0; i < n; i++) {
                const uint8_t *block = new.data + i *BLOCK;
                from[i] = memcmp(block, zeros, BLOCK) == 0                              ? ANYWHERE
                          : bsearch(&block, sorted, m, sizeof(*sorted), compare_blocks) ? FROM_OLD
                                                                                        : FETCHED;
        }
        *ret = TAKE_PTR(from);
        return 0;
}

static int prepare(struct check *c, ingot_error *reterr)
{
        const char *folder = c->o->folder;
        snprintf(c->work_path, sizeof(c->work_path), "%s/disk.raw", folder);
        snprintf(c->esp_image, sizeof(c->esp_image), "%s/esp.raw", folder);
        snprintf(c->esp, sizeof(c->esp), "%s/esp", folder);
        snprintf(c->seen, sizeof(c->seen), "%s/seen", folder);
        c->have = calloc(c->o->disk->sectors + 1, sizeof(*c->have));
        if (!c->have)
                return ingot_fail_nomem(reterr);
        int r = open_releases(c, reterr);
        if (r >= 0)
                r = find_blocks(c->files[NEW].root.span, c->files[OLD].root.span, &c->data_from,
                                reterr);
        if (r >= 0)
                r = find_blocks(c->files[NEW].tree.span, c->files[OLD].tree.span, &c->tree_from,
                                reterr);
        if (r >= 0)
                c->tree_from[0] = ANYWHERE; /* the superblock is made, not fetched */
        if (r >= 0)                         /* the disk before any write */
                r = cut_disk_write_part(c->o->disk, 0, (uint64_t) c->o->disk->sectors * CUT_SECTOR,
                                        c->work_path, reterr);
        return r < 0 ? r : ingot_file_open_update(&c->work, c->work_path, reterr);
}

/* ---- programs of others ---- */

static int run_program(const char *const *argv, int *ret_status, char **ret_output,
                       ingot_error *reterr)
{
        static const char *const environment[] = {"MTOOLS_SKIP_CHECK=1", NULL};
        _cleanup_process_result_ struct ingot_process_result result = {0};
        const struct ingot_program p = {
                .argv = argv, .environment = environment, .any_status = ret_status != NULL};
        int r = ingot_process_run(&p, &result, reterr);
        if (r >= 0 && ret_status)
                *ret_status = result.exit_status;
        if (r >= 0 && ret_output)
                r = ingot_strdup(ret_output, result.output.data ? (char *) result.output.data : "",
                                 reterr);
        return r;
}

/* Folders of the ESP, as far as mtools can read them. */
static int copy_esp(const struct check *c, const char *to, bool lenient, ingot_error *reterr)
{
        const char *const argv[] = {"mcopy",      "-s",    "-n",       "-m", "-i",
                                    c->esp_image, "::EFI", "::loader", to,   NULL};
        int status = 0;
        int r = ingot_remove_tree(AT_FDCWD, to, reterr);
        if (r >= 0)
                r = ingot_make_directories(to, 0755, reterr);
        return r < 0 ? r : run_program(argv, lenient ? &status : NULL, NULL, reterr);
}

static int fsck(const struct check *c, const char *how, int *ret_status, ingot_error *reterr)
{
        const char *const argv[] = {"fsck.vfat", how, c->esp_image, NULL};
        return run_program(argv, ret_status, NULL, reterr);
}

/* ---- what boots ---- */

static bool is_uki(const struct check *c, const struct ingot_inode *file, unsigned version)
{
        const struct ingot_span want = c->files[version].uki.span;
        _cleanup_free_ uint8_t *have = NULL;
        size_t size;
        return file->content.size == want.size &&
               ingot_inode_read(file, want.size, &have, &size, NULL) >= 0 &&
               memcmp(have, want.data, size) == 0;
}

static int compare_uki(const struct check *c, const struct ingot_boot_chain *chain, unsigned *ret,
                       ingot_error *reterr)
{
        for (*ret = OLD; *ret <= NEW; ++*ret)
                if (is_uki(c, chain->uki, *ret))
                        return 0;
        return ingot_fail(reterr, INGOT_E_REFUSED, "%s, which the loader takes, is of no release",
                          chain->uki_path);
}

/* What has the new release's name, and the end that loaders look for, is its whole UKI: it was
 * renamed when it was whole. */
static int check_names(const struct check *c, const struct ingot_tree *esp, ingot_error *reterr)
{
        const struct ingot_inode *folder = ingot_tree_lookup(esp, UKIS);
        char start[256];
        snprintf(start, sizeof(start), "%s_%s", c->o->name, c->o->versions[NEW]);
        for (size_t i = 0; folder && i < folder->entry_count; i++) {
                const struct ingot_entry *e = folder->entries + i;
                if (ingot_starts_with(e->name, start) && ingot_ends_with(e->name, ".efi") &&
                    !is_uki(c, e->inode, NEW))
                        return ingot_fail(
                                reterr, INGOT_E_REFUSED,
                                "%s, of %llu bytes, is not the UKI that was renamed to it", e->name,
                                (unsigned long long) e->inode->content.size);
        }
        return 0;
}

/* The release that the loader starts: its UKI is right, to the byte. Firmware is lenient: what our
 * reader of FAT refuses may still be read. */
static int find_booted(const struct check *c, unsigned *ret, ingot_error *reterr)
{
        _cleanup_esp_view_ struct ingot_esp_view view = INGOT_ESP_VIEW_NONE;
        _cleanup_boot_chain_ struct ingot_boot_chain chain = {0};
        _cleanup_strings_ struct ingot_strings notes = {0};
        int r = ingot_esp_view_open(&view, c->esp_image, NULL);
        if (r < 0) {
                ingot_esp_view_close(&view);
                view = INGOT_ESP_VIEW_NONE;
                r = copy_esp(c, c->seen, true, reterr);
                if (r >= 0)
                        r = ingot_esp_view_open(&view, c->seen, reterr);
        }
        if (r >= 0)
                r = ingot_boot_chain_find(view.tree, NULL, &chain, &notes, reterr);
        if (r >= 0)
                r = check_names(c, view.tree, reterr);
        return r < 0 ? r : compare_uki(c, &chain, ret, reterr);
}

/* Its root is on the disk under the UUIDs of its root hash, every block right. */
static int check_root(const struct check *c, const struct ingot_gpt *gpt, unsigned booted,
                      ingot_error *reterr)
{
        const uint8_t *hash = c->files[booted].release->root_hash;
        const struct ingot_uuid uuids[] = {ingot_verity_data_uuid(hash),
                                           ingot_verity_hash_uuid(hash)};
        static const char *const types[] = {"root-x86-64", "root-x86-64-verity"};
        const struct ingot_verity_check_options options = {.threads = 1};
        struct ingot_file file = c->work;
        const struct ingot_reader disk = ingot_file_reader(&file);
        struct ingot_reader parts[2];
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(parts); i++) {
                const struct ingot_gpt_partition *p =
                        ingot_gpt_by_uuid((struct ingot_gpt *) gpt, uuids + i);
                if (!p ||
                    !ingot_uuid_equal(&p->type, &ingot_partition_type_by_name(types[i])->uuid))
                        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no %s of what boots",
                                          types[i]);
                r = ingot_reader_part(&disk, ingot_gpt_offset(gpt, p), ingot_gpt_size(gpt, p),
                                      parts + i, reterr);
        }
        return r < 0 ? r : ingot_verity_check(parts, parts + 1, hash, &options, reterr);
}

/* sfdisk finds the partition of the root, too. */
static int ask_sfdisk(const struct check *c, unsigned booted, ingot_error *reterr)
{
        const char *const argv[] = {"sfdisk", "--dump", c->work_path, NULL};
        const struct ingot_uuid uuid = ingot_verity_data_uuid(c->files[booted].release->root_hash);
        _cleanup_free_ char *dump = NULL;
        char text[INGOT_UUID_TEXT_SIZE];
        ingot_uuid_format(&uuid, text);
        int r = run_program(argv, NULL, &dump, reterr);
        if (r >= 0 && !strcasestr(dump, text))
                return ingot_fail(reterr, INGOT_E_REFUSED, "sfdisk sees no partition %s", text);
        c->figures->tables_of_others += r >= 0;
        return r;
}

/* The machine that comes up. */
static int check_boot(const struct check *c, unsigned number, unsigned *ret_booted,
                      ingot_error *reterr)
{
        _cleanup_free_ struct ingot_gpt *gpt = malloc(sizeof(*gpt));
        struct ingot_file file = c->work;
        const struct ingot_reader disk = ingot_file_reader(&file);
        if (!gpt)
                return ingot_fail_nomem(reterr);
        int r = ingot_gpt_read(&disk, gpt, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "partition table");
        const struct ingot_gpt_partition *esp =
                ingot_gpt_by_type(gpt, &ingot_partition_type_by_name("esp")->uuid);
        if (!esp)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no ESP");
        r = cut_disk_write_part(c->o->disk, ingot_gpt_offset(gpt, esp), ingot_gpt_size(gpt, esp),
                                c->esp_image, reterr);
        if (r >= 0)
                r = find_booted(c, ret_booted, reterr);
        if (r >= 0)
                r = check_root(c, gpt, *ret_booted, reterr);
        if (r >= 0 && number % SFDISK_EVERY == 0)
                r = ask_sfdisk(c, *ret_booted, reterr);
        return r;
}

/* What fsck.vfat does at a boot, where it is installed, takes nothing away. */
static int repair(const struct check *c, unsigned booted, ingot_error *reterr)
{
        unsigned again;
        int before, repaired, after;
        int r = fsck(c, "-n", &before, reterr);
        if (r >= 0)
                r = fsck(c, "-a", &repaired, reterr);
        if (r >= 0)
                r = fsck(c, "-n", &after, reterr);
        if (r < 0)
                return r;
        *(before == 0 ? &c->figures->clean : &c->figures->dirty) += 1;
        if (repaired > 1 || after != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "fsck.vfat -a exits with %d, then -n %d",
                                  repaired, after);
        r = find_booted(c, &again, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "after fsck.vfat");
        if (again != booted)
                return ingot_fail(reterr, INGOT_E_REFUSED, "another version boots after fsck.vfat");
        return copy_esp(c, c->esp, false, reterr);
}

/* ---- the next update ---- */

struct need {
        uint64_t there;   /* bytes that the new release alone has, and that were there */
        uint64_t missing; /* … and that were not */
};

static void count(struct need *n, bool there, uint64_t size)
{
        *(there ? &n->there : &n->missing) += size;
}

static int count_blocks(const struct check *c, uint64_t offset, struct ingot_span want,
                        const uint8_t *from, struct need *n, ingot_error *reterr)
{
        uint8_t block[BLOCK];
        int r = 0;
        for (size_t i = 0; r >= 0 && i < want.size / BLOCK; i++) {
                if (from[i] != FETCHED)
                        continue;
                r = ingot_file_pread(c->work.fd, offset + i * BLOCK, block, BLOCK, reterr);
                if (r >= 0)
                        count(n, memcmp(block, want.data + i * BLOCK, BLOCK) == 0, BLOCK);
        }
        return r;
}

/* Pieces of the UKI that stand in any file beside it, at a multiple of their size. */
static int count_uki(const struct check *c, struct need *n, ingot_error *reterr)
{
        const struct ingot_release *release = c->files[NEW].release;
        struct ingot_span want = c->files[NEW].uki.span;
        size_t piece = release->extent_size;
        _cleanup_strings_ struct ingot_strings names = {0};
        _cleanup_free_ bool *found = calloc(release->extent_count + 1, sizeof(*found));
        char folder[2048];
        snprintf(folder, sizeof(folder), "%s/" UKIS, c->esp);
        int r = found ? ingot_list_files(folder, &names, reterr) : ingot_fail_nomem(reterr);
        for (size_t k = 0; r >= 0 && k < names.count; k++) {
                _cleanup_map_ struct ingot_map map = {0};
                char path[4096];
                snprintf(path, sizeof(path), "%s/%s", folder, names.items[k]);
                r = ingot_map_open(&map, path, reterr);
                for (size_t i = 0; r >= 0 && i < release->extent_count; i++)
                        for (size_t at = 0; at < map.span.size && !found[i]; at += piece) {
                                size_t size = want.size - i * piece;
                                size = size < piece ? size : piece;
                                found[i] = map.span.size - at >= size &&
                                           memcmp(map.span.data + at, want.data + i * piece,
                                                  size) == 0;
                        }
        }
        for (size_t i = 0; r >= 0 && i < release->extent_count; i++)
                count(n, found[i], want.size - i * piece < piece ? want.size - i * piece : piece);
        return r;
}

static int count_needs(const struct check *c, const struct ingot_update_target *t, struct need *n,
                       ingot_error *reterr)
{
        const struct files *f = c->files + NEW;
        int r = 0;
        if (t->work == INGOT_UPDATE_SLOT) {
                r = count_blocks(c, t->slot->offset[INGOT_SLOT_DATA], f->root.span, c->data_from, n,
                                 reterr);
                if (r >= 0)
                        r = count_blocks(c, t->slot->offset[INGOT_SLOT_TREE], f->tree.span,
                                         c->tree_from, n, reterr);
                n->missing += f->release->signature.size;
        }
        if (r >= 0 && t->work != INGOT_UPDATE_NOTHING)
                r = count_uki(c, n, reterr);
        char path[2048];
        snprintf(path, sizeof(path), "%s/" INGOT_ESP_MEASUREMENTS "/%s_%s" INGOT_MEASUREMENT_SUFFIX,
                 c->esp, c->o->name, c->o->versions[NEW]);
        if (t->work != INGOT_UPDATE_NOTHING)
                count(n, ingot_file_exists(path), f->release->measurement.size);
        return r;
}

/* What is written does not stand in the file any more as the cut left it. */
static int watch(void *context, const struct ingot_step *step, ingot_error *reterr)
{
        struct check *c = context;
        (void) reterr;
        if (step->kind == INGOT_STEP_WRITE)
                for (uint64_t at = step->offset / CUT_SECTOR;
                     at < (step->offset + step->size + CUT_SECTOR - 1) / CUT_SECTOR; at++)
                        c->have[at] = CUT_UNKNOWN;
        return 0;
}

static int open_machine(const struct check *c, unsigned booted, struct ingot_machine *ret,
                        struct ingot_update_target *ret_target, ingot_error *reterr)
{
        char root[2048];
        snprintf(root, sizeof(root), "%s/%s", c->o->root, c->o->versions[booted]);
        const struct ingot_machine_options o = {.root = root,
                                                .disk = c->work_path,
                                                .esp = c->esp,
                                                .running = c->files[booted].hash,
                                                .writable = true};
        int r = ingot_machine_open(&o, ret, reterr);
        ret->root = NULL; /* it was on the stack */
        return r < 0 ? r
                     : ingot_update_target_choose(ret, c->files[NEW].release, ret_target, reterr);
}

/* Everything of the new release is there, and it is what boots. */
static int check_end(const struct check *c, unsigned booted, ingot_error *reterr)
{
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        _cleanup_update_target_ struct ingot_update_target t = {0};
        int r = open_machine(c, booted, &m, &t, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < m.entries.count; i++)
                if (m.entries.items[i].next && m.entries.items[i].version &&
                    strcmp(m.entries.items[i].version, c->o->versions[NEW]) == 0 &&
                    t.work == INGOT_UPDATE_NOTHING)
                        return 0;
        return ingot_fail(reterr, INGOT_E_REFUSED, "after it the new version does not boot");
}

static int compare_needs(const struct check *c, const struct need *n, uint64_t fetched,
                         ingot_error *reterr)
{
        uint64_t again = fetched > n->missing ? fetched - n->missing : 0;
        double share = again == 0 ? 0 : n->there == 0 ? 1 : (double) again / (double) n->there;
        c->figures->fetched += fetched;
        c->figures->there += n->there;
        c->figures->worst = share > c->figures->worst ? share : c->figures->worst;
        if (share <= 0.05)
                return 0;
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "%llu bytes were fetched, %llu were missing and %llu were there",
                          (unsigned long long) fetched, (unsigned long long) n->missing,
                          (unsigned long long) n->there);
}

static int update_again(struct check *c, unsigned booted, ingot_error *reterr)
{
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        _cleanup_update_target_ struct ingot_update_target t = {0};
        _cleanup_source_ struct ingot_source source = {0};
        const struct ingot_source_options none = {0};
        struct ingot_apply_figures figures;
        struct need need = {0};
        int r = open_machine(c, booted, &m, &t, reterr);
        if (r >= 0)
                r = count_needs(c, &t, &need, reterr);
        if (r >= 0)
                r = ingot_source_open(c->o->releases, &none, &source, reterr);
        if (r < 0)
                return r;
        const struct ingot_apply_options o = {
                .sources = &source, .source_count = 1, .threads = 1, .watch = watch, .context = c};
        r = ingot_update_apply(&m, c->files[NEW].release, &t, &o, &figures, reterr);
        if (r < 0)
                return r;
        c->figures->slots += t.work == INGOT_UPDATE_SLOT;
        c->figures->entries += t.work == INGOT_UPDATE_ENTRY;
        r = compare_needs(c, &need, ingot_apply_fetched(&figures), reterr);
        return r < 0 ? r : check_end(c, booted, reterr);
}

static int check_cut(struct check *c, unsigned number, ingot_error *reterr)
{
        unsigned booted;
        int r = check_boot(c, number, &booted, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "boot");
        c->figures->booted[booted]++;
        r = ingot_under(reterr, repair(c, booted, reterr), "ESP");
        return r < 0 ? r : ingot_under(reterr, update_again(c, booted, reterr), "the next update");
}

int power_cut_check(const struct power_cut_options *o, struct power_cut_figures *ret,
                    ingot_error *reterr)
{
        _cleanup_(check_done) struct check c = {.o = o, .figures = ret, .work = INGOT_FILE_NONE};
        int r = prepare(&c, reterr);
        for (unsigned i = o->from; r >= 0 && i < o->to; i++) {
                ingot_error why = {0};
                cut_disk_cut(o->disk, i);
                r = cut_disk_write(o->disk, c.have, c.work.fd, reterr);
                if (r < 0 || check_cut(&c, i, &why) >= 0) {
                        ret->cuts += r >= 0;
                        continue;
                }
                ret->cuts++;
                ret->failures++;
                printf("cut %u, at entry %zu, %zu not flushed, %s: %s\n", i, o->disk->at,
                       o->disk->at - o->disk->durable, cut_disk_kind(o->disk), why.text);
        }
        return r;
}
