/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The power cut. One update is recorded: every write to the disk, and every change of the ESP, with
 * the flushes between them. The ESP is a real FAT, changed by mtools; which sectors a change writes
 * is seen by comparing. Then the plug is pulled at 200 places: what was flushed is there, of what
 * was not each sector is there or not, by a seed. After each cut a whole version boots, every block
 * of it verified; and the next update ends what was begun, without fetching again what was there.
 */
#include "base/cleanup.h"
#include "image/esp-open.h"
#include "make-update.h"
#include "oracle.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>

#define CUTS 200
#define SECTOR 512
#define ESP_SIZE ((uint64_t) 4 << 20)
#define UKIS "EFI/Linux"

static ingot_error error;

/* A write of whole sectors to one of the two media, or its flush. */
struct change {
        bool esp, flush;
        uint64_t offset;
        uint8_t *data; /* NULL: a flush */
        size_t size;
};

struct record {
        struct made_update u;
        char image[600]; /* of the ESP */
        uint8_t *disk_before, *esp_before;
        size_t disk_size;
        uint8_t *esp_now;         /* what mtools made of it so far */
        struct ingot_buffer file; /* the one that is open on the ESP */
        struct change *changes;
        size_t count;
};

static void record_done(struct record *r)
{
        for (size_t i = 0; i < r->count; i++)
                free(r->changes[i].data);
        free(r->changes);
        free(r->disk_before);
        free(r->esp_before);
        free(r->esp_now);
        ingot_buffer_done(&r->file);
        made_update_done(&r->u);
}

static void add(struct record *r, struct change c)
{
        r->changes = reallocarray(r->changes, r->count + 1, sizeof(c));
        r->changes[r->count++] = c;
}

static uint8_t *copy_of(const void *data, size_t size)
{
        uint8_t *copy = malloc(size);
        memcpy(copy, data, size);
        return copy;
}

/* Which sectors of the ESP did the last command of mtools change? */
static int compare_esp(struct record *r, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *now = NULL;
        size_t size;
        int e = ingot_file_read(AT_FDCWD, r->image, ESP_SIZE, &now, &size, reterr);
        for (size_t at = 0; e >= 0 && at < size; at += SECTOR)
                if (memcmp(now + at, r->esp_now + at, SECTOR) != 0)
                        add(r, (struct change){.esp = true,
                                               .offset = at,
                                               .data = copy_of(now + at, SECTOR),
                                               .size = SECTOR});
        if (e >= 0)
                memcpy(r->esp_now, now, size);
        return e;
}

static int put_file(struct record *r, const char *path, ingot_error *reterr)
{
        const char *file = oracle_file("esp-file", r->file.data, r->file.size);
        if (oracle_run(NULL, "mcopy -o -D o -i '%s' '%s' '::%s'", r->image, file, path) != 0)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "mcopy %s", path);
        return compare_esp(r, reterr);
}

static int move_file(struct record *r, const char *from, const char *to, ingot_error *reterr)
{
        const char *name = strrchr(to, '/') + 1;
        /* The kernel replaces what is there; mren does not. Nothing of an update does either. */
        if (oracle_run(NULL, "mren -i '%s' '::%s' '%s'", r->image, from, name) != 0)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "mren %s", from);
        return compare_esp(r, reterr);
}

static int remove_file(struct record *r, const char *path, ingot_error *reterr)
{
        if (oracle_run(NULL, "mdel -i '%s' '::%s' 2>/dev/null", r->image, path) != 0)
                return 0; /* it is not there */
        return compare_esp(r, reterr);
}

static int watch(void *context, const struct ingot_step *step, ingot_error *reterr)
{
        struct record *r = context;
        switch (step->kind) {
        case INGOT_STEP_WRITE:
                add(r, (struct change){.offset = step->offset,
                                       .data = copy_of(step->data, (size_t) step->size),
                                       .size = (size_t) step->size});
                return 0;
        case INGOT_STEP_FLUSH:
                add(r, (struct change){.flush = true});
                return 0;
        case INGOT_STEP_ESP_OPEN:
                r->file.size = 0;
                return 0;
        case INGOT_STEP_ESP_WRITE:
                if (step->offset + step->size > r->file.size &&
                    ingot_buffer_append_zeros(&r->file,
                                              (size_t) (step->offset + step->size) - r->file.size,
                                              reterr) < 0)
                        return -INGOT_E_NOMEM;
                memcpy(r->file.data + step->offset, step->data, (size_t) step->size);
                return 0;
        case INGOT_STEP_ESP_SIZE:
                return 0;
        case INGOT_STEP_ESP_SYNC:
                if (put_file(r, step->path, reterr) < 0)
                        return -INGOT_E_INTERNAL;
                break;
        case INGOT_STEP_ESP_RENAME:
                return move_file(r, step->path, step->to, reterr);
        case INGOT_STEP_ESP_REMOVE:
                return remove_file(r, step->path, reterr);
        case INGOT_STEP_ESP_FLUSH:
                break;
        }
        add(r, (struct change){.esp = true, .flush = true});
        return 0;
}

/* ---- recording ---- */

/* The ESP of a machine that runs version 2, as a FAT: a small one, of 16 bits, for speed. */
static int make_esp(struct record *r, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *zeros = calloc(1, (size_t) ESP_SIZE);
        int e = ingot_outfile_put(r->image, zeros, (size_t) ESP_SIZE, 0644, reterr);
        if (e >= 0 && (oracle_run(NULL, "mkfs.vfat -F 16 -s 1 -n ESP '%s' >/dev/null", r->image) ||
                       oracle_run(NULL, "mcopy -s -i '%s' '%s/EFI' ::", r->image, r->u.esp)))
                return ingot_fail(reterr, INGOT_E_INTERNAL, "make the ESP");
        return e;
}

/* From version 2 to 3, over version 1. */
static int record(struct record *r, const char *folder, ingot_error *reterr)
{
        size_t size;
        struct made_apply first = {.version = 2};
        struct made_apply a = {.version = 3, .watch = watch, .context = r};
        memset(r, 0, sizeof(*r));
        int e = make_update(&r->u, folder, reterr);
        if (e >= 0)
                e = made_apply(&r->u, &first, reterr);
        if (e >= 0)
                e = made_become(&r->u, 2, reterr);
        snprintf(r->image, sizeof(r->image), "%s/esp.raw", folder);
        if (e >= 0)
                e = make_esp(r, reterr);
        if (e >= 0)
                e = ingot_file_read(AT_FDCWD, r->u.disk, SIZE_MAX / 2, &r->disk_before,
                                    &r->disk_size, reterr);
        if (e >= 0)
                e = ingot_file_read(AT_FDCWD, r->image, ESP_SIZE, &r->esp_before, &size, reterr);
        if (e >= 0)
                r->esp_now = copy_of(r->esp_before, (size_t) ESP_SIZE);
        return e < 0 ? e : made_apply(&r->u, &a, reterr);
}

/* ---- cutting ---- */

struct cut {
        uint8_t *disk, *esp;
        struct ingot_span disk_span, esp_span;
};

static void cut_done(struct cut *c)
{
        free(c->disk);
        free(c->esp);
}

/* The last flush of that medium before AT. */
static size_t durable(const struct record *r, size_t at, bool esp)
{
        while (at > 0 && !(r->changes[at - 1].flush && r->changes[at - 1].esp == esp))
                at--;
        return at;
}

/* The first AT changes were made when the power went. */
static void cut_at(const struct record *r, size_t at, uint64_t *random, struct cut *ret)
{
        const size_t safe[] = {durable(r, at, false), durable(r, at, true)};
        ret->disk = copy_of(r->disk_before, r->disk_size);
        ret->esp = copy_of(r->esp_before, (size_t) ESP_SIZE);
        for (size_t i = 0; i < at; i++) {
                const struct change *c = r->changes + i;
                uint8_t *to = c->esp ? ret->esp : ret->disk;
                for (size_t k = 0; k < c->size; k += SECTOR)
                        if (i < safe[c->esp] || test_random(random) % 2)
                                memcpy(to + c->offset + k, c->data + k,
                                       c->size - k < SECTOR ? c->size - k : SECTOR);
        }
        ret->disk_span = INGOT_SPAN(ret->disk, r->disk_size);
        ret->esp_span = INGOT_SPAN(ret->esp, (size_t) ESP_SIZE);
}

/* Blocks of version 3 that stand at their place in the first slot; those that stand nowhere. */
static void count_blocks(const struct record *r, const struct cut *c, uint64_t slot,
                         uint64_t *ret_there, uint64_t *ret_missing)
{
        const struct walk_image *new = &r->u.versions[2].image, *old = &r->u.versions[1].image;
        *ret_there = *ret_missing = 0;
        for (size_t i = 0; i < MADE_BLOCKS; i++) {
                const uint8_t *want = new->data + i * 4096;
                bool there = memcmp(c->disk + slot + i * 4096, want, 4096) == 0, found = there;
                for (size_t k = 0; !found && k < MADE_BLOCKS; k++)
                        found = memcmp(old->data + k * 4096, want, 4096) == 0;
                *ret_there += there;
                *ret_missing += !found;
        }
}

/* What a boot loader reads of the ESP, which is lenient, and before any check of the file system.
 */
static unsigned load(const struct record *r, const struct cut *c, const char *image,
                     ingot_error *reterr)
{
        const struct ingot_reader disk = ingot_reader_of_span(&c->disk_span);
        _cleanup_esp_view_ struct ingot_esp_view view = INGOT_ESP_VIEW_NONE;
        char folder[1024];
        snprintf(folder, sizeof(folder), "%s/seen", r->u.folder);
        if (ingot_remove_tree(AT_FDCWD, folder, reterr) < 0)
                return 0;
        snprintf(folder, sizeof(folder), "%s/seen/" UKIS, r->u.folder);
        if (ingot_make_directories(folder, 0755, reterr) < 0)
                return 0;
        _cleanup_free_ char *names = NULL;
        if (oracle_run(&names, "mdir -b -i '%s' '::" UKIS "'", image) != 0) {
                ingot_fail(reterr, INGOT_E_FORMAT, "the folder of the UKIs cannot be read");
                return 0;
        }
        /* A file that cannot be read (one that was being removed) is no entry. */
        char *rest = NULL;
        for (char *name = strtok_r(names, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest))
                if (ingot_ends_with(name, ".efi"))
                        (void) oracle_run(NULL, "mcopy -n -i '%s' '%s' '%s' 2>/dev/null", image,
                                          name, folder);
        snprintf(folder, sizeof(folder), "%s/seen", r->u.folder);
        if (ingot_esp_view_open(&view, folder, reterr) < 0)
                return 0;
        return made_boots(&r->u, view.tree, &disk, reterr);
}

/* The machine as it is found when the power is back, and fsck.vfat has run, as at each boot. */
static int come_back(const struct record *r, const struct cut *c, const char *image,
                     ingot_error *reterr)
{
        int status = oracle_run(NULL, "fsck.vfat -a '%s' >/dev/null", image);
        if (status != 0 && status != 1)
                return ingot_fail(reterr, INGOT_E_FORMAT, "fsck.vfat -a exits with %d", status);
        if (oracle_run(NULL, "fsck.vfat -n '%s' >/dev/null", image) != 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "fsck.vfat did not repair it");
        int e = ingot_remove_tree(AT_FDCWD, r->u.esp, reterr);
        if (e >= 0)
                e = ingot_make_directories(r->u.esp, 0755, reterr);
        if (e >= 0 && oracle_run(NULL, "mcopy -s -n -i '%s' ::EFI '%s'", image, r->u.esp) != 0)
                e = ingot_fail(reterr, INGOT_E_FORMAT, "the ESP cannot be read");
        return e < 0 ? e : ingot_outfile_put(r->u.disk, c->disk, r->disk_size, 0644, reterr);
}

static uint64_t first_slot(const struct record *r)
{
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        return made_machine(&r->u, false, &m, &error) < 0 ? 0 : m.slots.items[0].offset[0];
}

/* 0, or < 0 with what is wrong. */
static int check_cut(const struct record *r, size_t at, uint64_t slot, uint64_t *random,
                     unsigned *ret_version, ingot_error *reterr)
{
        _cleanup_(cut_done) struct cut c = {0};
        struct made_apply again = {.version = 3};
        uint64_t there, missing;
        cut_at(r, at, random, &c);
        char image[sizeof(r->image) + 8];
        snprintf(image, sizeof(image), "%s", oracle_file("cut.raw", c.esp, (size_t) ESP_SIZE));
        *ret_version = load(r, &c, image, reterr);
        if (*ret_version == 0)
                return ingot_under(reterr, -INGOT_E_REFUSED, "nothing whole boots");
        count_blocks(r, &c, slot, &there, &missing);
        int e = come_back(r, &c, image, reterr);
        if (e >= 0)
                e = made_apply(&r->u, &again, reterr);
        if (e < 0)
                return ingot_under(reterr, e, "the next update");
        if (again.figures.root.fetched > missing * 4096 + there * 4096 / 20)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "fetched %llu bytes, but only %llu blocks were missing",
                                  (unsigned long long) again.figures.root.fetched,
                                  (unsigned long long) missing);
        return 0;
}

TEST(after_200_power_cuts_a_whole_version_boots_and_the_next_update_ends_it)
{
        _cleanup_(record_done) struct record r = {0};
        uint64_t random = test_seed();
        unsigned seen[4] = {0};
        if (!oracle_found("mcopy") || !oracle_found("mren") || !oracle_found("mdel") ||
            !oracle_found("fsck.vfat") || !oracle_found("mkfs.vfat"))
                SKIP("mtools or dosfstools are missing");
        CHECK_OK(record(&r, test_path("cut"), &error));
        uint64_t slot = first_slot(&r);
        CHECK(slot > 0);
        CHECK(r.count > 60);
        for (unsigned i = 0; i < CUTS; i++) {
                /* Each fourth at the end, where it is decided which version boots. */
                size_t last = i % 4 == 0 && r.count > 16 ? r.count - 16 : 0;
                size_t at = last + (size_t) (test_random(&random) % (r.count - last + 1));
                unsigned version = 0;
                int e = check_cut(&r, at, slot, &random, &version, &error);
                if (e < 0)
                        test_report(__FILE__, __LINE__, "cut %u, after %zu of %zu changes: %s", i,
                                    at, r.count, error.text);
                CHECK(e >= 0);
                seen[version]++;
        }
        printf("# %zu changes; after the cut version 2 booted %u times, version 3 %u times\n",
               r.count, seen[2], seen[3]);
        CHECK(seen[1] == 0 && seen[2] > 0 && seen[3] > 0);
}
