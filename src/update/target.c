/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The choice of a slot, and of what has to go for it. */
#include "update/target.h"
#include "base/cleanup.h"
#include "format/version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ESP_SLACK ((uint64_t) 256 << 10) /* for folders and the file system's own */

const char *ingot_update_work_name(enum ingot_update_work w)
{
        static const char *const names[] = {[INGOT_UPDATE_NOTHING] = "nothing",
                                            [INGOT_UPDATE_ENTRY] = "uki",
                                            [INGOT_UPDATE_SLOT] = "slot"};
        return names[w];
}

void ingot_update_target_done(struct ingot_update_target *t)
{
        free(t->entry);
        ingot_strings_done(&t->remove);
        ingot_strings_done(&t->stale);
}

static bool same_hash(const uint8_t *a, const uint8_t *b)
{
        return memcmp(a, b, INGOT_SHA256_SIZE) == 0;
}

bool ingot_update_entry_held(const struct ingot_machine *m, const struct ingot_boot_entry *e,
                             const struct ingot_slot *except)
{
        if (!e->has_root_hash || (m->has_running && same_hash(e->root_hash, m->running)))
                return true;
        for (size_t i = 0; i < m->slots.count; i++) {
                const struct ingot_slot *s = m->slots.items + i;
                if (s != except && s->state == INGOT_SLOT_WHOLE &&
                    same_hash(s->root_hash, e->root_hash))
                        return true;
        }
        return false;
}

/* ---- the slot ---- */

static bool is_protected(const struct ingot_machine *m, const struct ingot_slot *s)
{
        return s->version && ingot_strings_contains(&m->transfers.protect, s->version) &&
               s->state == INGOT_SLOT_WHOLE;
}

/* After a soft reboot: what the loader started, and so is known to start. */
static bool is_booted(const struct ingot_machine *m, const struct ingot_slot *s)
{
        return ingot_machine_soft(m) && s->state == INGOT_SLOT_WHOLE &&
               same_hash(s->root_hash, m->booted);
}

static bool may_be_written(const struct ingot_machine *m, const struct ingot_slot *s)
{
        return s->state != INGOT_SLOT_FOREIGN && !s->running && !is_booted(m, s) &&
               !is_protected(m, s);
}

static uint64_t part_needs(const struct ingot_release *r, enum ingot_slot_part part)
{
        const struct ingot_release_file *files[] = {&r->root, &r->tree, &r->signature};
        return files[part]->name ? files[part]->size : 0;
}

static bool fits(const struct ingot_slot *s, const struct ingot_release *release)
{
        for (enum ingot_slot_part i = 0; i < INGOT_SLOT_PARTS; i++)
                if (part_needs(release, i) > s->size[i])
                        return false;
        return true;
}

static bool is_begun(const struct ingot_slot *s, const char *version)
{
        return s->state == INGOT_SLOT_BEGUN && strcmp(s->version, version) == 0;
}

/* How gladly a slot is given away: the one that was begun, then what is empty or broken, then the
 * oldest version. */
static int gladness(const struct ingot_slot *s, const char *version)
{
        if (is_begun(s, version))
                return 3;
        return s->state == INGOT_SLOT_EMPTY ? 2 : s->state == INGOT_SLOT_BEGUN ? 1 : 0;
}

static bool better(const struct ingot_slot *a, const struct ingot_slot *b, const char *version)
{
        int d = gladness(a, version) - gladness(b, version);
        if (d == 0 && a->state == INGOT_SLOT_WHOLE)
                d = ingot_version_compare(b->version, a->version);
        return d > 0;
}

static int refuse_slots(const struct ingot_machine *m, const struct ingot_release *release,
                        ingot_error *reterr)
{
        const struct ingot_slot *booted = NULL;
        size_t foreign = 0, small = 0;
        uint64_t largest = 0;
        for (size_t i = 0; i < m->slots.count; i++) {
                const struct ingot_slot *s = m->slots.items + i;
                foreign += s->state == INGOT_SLOT_FOREIGN;
                booted = is_booted(m, s) ? s : booted;
                if (!may_be_written(m, s))
                        continue;
                small++;
                if (s->size[INGOT_SLOT_DATA] > largest)
                        largest = s->size[INGOT_SLOT_DATA];
        }
        if (small > 0)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "no space: version %s needs a slot of %" PRIu64 " bytes for the "
                                  "root, %" PRIu64 " for its hash tree and %" PRIu64
                                  " for a signature, and the largest root slot has %" PRIu64
                                  ": build it smaller, or a new disk layout (Partitions.RootSize)",
                                  release->version, release->root.size, release->tree.size,
                                  part_needs(release, INGOT_SLOT_SIGNATURE), largest);
        if (booted)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "what runs came by a soft reboot: version %s, which the boot "
                                  "loader started, stays until a restart has shown that what runs "
                                  "starts, too: 'systemctl reboot'",
                                  booted->version);
        return ingot_fail(
                reterr, INGOT_E_REFUSED,
                "%s has no slot to write to: of %zu one runs%s, and %zu %s of another "
                "product%s; an image of the layout 'ab' has a second one",
                m->disk_path, m->slots.count,
                m->transfers.protect.count ? ", some are protected by ProtectVersion=" : "",
                foreign, foreign == 1 ? "is" : "are", foreign ? " (which are never written)" : "");
}

static int choose_slot(const struct ingot_machine *m, const struct ingot_release *release,
                       struct ingot_update_target *t, ingot_error *reterr)
{
        for (size_t i = 0; i < m->slots.count; i++) {
                const struct ingot_slot *s = m->slots.items + i;
                if (!may_be_written(m, s) || !fits(s, release))
                        continue;
                if (!t->slot || better(s, t->slot, release->version))
                        t->slot = s;
        }
        if (!t->slot)
                return refuse_slots(m, release, reterr);
        t->work = INGOT_UPDATE_SLOT;
        t->begun = is_begun(t->slot, release->version);
        return 0;
}

/* ---- a slot that has it ---- */

/* 0: every block is right; 1: not. */
static int check_slot(const struct ingot_machine *m, const struct ingot_slot *s,
                      ingot_error *reterr)
{
        struct ingot_file file = m->disk;
        const struct ingot_reader disk = ingot_file_reader(&file);
        ingot_error why = {0};
        int r = s->running ? 0 : ingot_slot_verify(s, &disk, &why);
        return r == -INGOT_E_NOMEM ? ingot_fail_nomem(reterr) : r < 0;
}

/* Does the file hold what the release says, piece by piece? */
static int check_entry(const struct ingot_machine *m, const struct ingot_boot_entry *e,
                       const struct ingot_release *release, bool *ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_free_ uint8_t *piece = malloc(release->extent_size);
        uint8_t digest[INGOT_SHA256_SIZE];
        *ret = false;
        if (!piece)
                return ingot_fail_nomem(reterr);
        int r = ingot_format(&path, reterr, "%s/%s/%s", m->esp, m->transfers.uki_folder, e->file);
        if (r >= 0)
                r = ingot_file_open(&file, path, reterr);
        if (r < 0 || file.size != release->uki.size)
                return r;
        for (size_t i = 0; i < release->extent_count; i++) {
                uint64_t at = (uint64_t) i * release->extent_size;
                size_t n = release->uki.size - at < release->extent_size
                                   ? (size_t) (release->uki.size - at)
                                   : release->extent_size;
                if (ingot_file_pread(file.fd, at, piece, n, NULL) < 0)
                        return 0;
                ingot_sha256_of(piece, n, digest);
                if (!same_hash(digest, release->extents + i * INGOT_SHA256_SIZE))
                        return 0;
        }
        *ret = true;
        return 0;
}

static int choose_existing(const struct ingot_machine *m, const struct ingot_release *release,
                           struct ingot_update_target *t, ingot_error *reterr)
{
        const struct ingot_slot *s = ingot_slots_by_hash(&m->slots, release->root_hash);
        const struct ingot_boot_entry *e =
                ingot_boot_entry_of(&m->entries, release->version, release->root_hash);
        bool right = false;
        int r = s ? check_slot(m, s, reterr) : 1;
        if (r < 0)
                return r;
        if (r == 1 && s) {
                /* It is damaged: its UUIDs are the ones that are wanted, so it is the one. */
                if (!fits(s, release))
                        return refuse_slots(m, release, reterr);
                t->slot = s;
                t->work = INGOT_UPDATE_SLOT;
                t->begun = true;
                return 0;
        }
        if (r == 1)
                return choose_slot(m, release, t, reterr);
        t->slot = s;
        t->work = INGOT_UPDATE_ENTRY;
        if (e && !ingot_boot_entry_bad(e))
                r = check_entry(m, e, release, &right, reterr);
        if (r == 0 && right)
                t->work = INGOT_UPDATE_NOTHING;
        return r < 0 ? r : 0;
}

/* ---- what goes ---- */

static int list_entries(const struct ingot_machine *m, const struct ingot_release *release,
                        struct ingot_update_target *t, ingot_error *reterr)
{
        const struct ingot_slot *written = t->work == INGOT_UPDATE_SLOT ? t->slot : NULL;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (!e->version)
                        continue;
                if (!ingot_update_entry_held(m, e, written)) {
                        t->esp_freed += e->size;
                        r = ingot_strings_add(&t->remove, e->file, reterr);
                } else if (strcmp(e->version, release->version) == 0 &&
                           strcmp(e->file, t->entry) != 0) {
                        r = ingot_strings_add(&t->stale, e->file, reterr);
                }
        }
        for (size_t i = 0; r >= 0 && i < m->entries.temporary.count; i++) {
                const char *name = m->entries.temporary.items[i];
                size_t n = strlen(t->entry);
                if (strncmp(name, t->entry, n) != 0 || strcmp(name + n, INGOT_ENTRY_TEMPORARY) != 0)
                        r = ingot_strings_add(&t->remove, name, reterr);
        }
        return r;
}

/* Were the other slot written now, a version that does not work would be all there is. */
static int check_trial(const struct ingot_machine *m, const struct ingot_update_target *t,
                       ingot_error *reterr)
{
        if (!m->live || t->work != INGOT_UPDATE_SLOT || t->slot->state != INGOT_SLOT_WHOLE)
                return 0;
        for (size_t i = 0; i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (e->has_root_hash && m->has_running && same_hash(e->root_hash, m->running) &&
                    e->counted)
                        return ingot_fail(
                                reterr, INGOT_E_REFUSED,
                                "what runs is on trial (%s): the version in the other "
                                "slot stays until it is found good; see 'systemctl status "
                                "boot-complete.target systemd-bless-boot.service'",
                                e->file);
        }
        return 0;
}

int ingot_update_target_choose(const struct ingot_machine *m, const struct ingot_release *release,
                               struct ingot_update_target *ret, ingot_error *reterr)
{
        _cleanup_update_target_ struct ingot_update_target t = {0};
        int r = ingot_boot_entry_name(&m->transfers, release->version, &t.entry, reterr);
        if (r >= 0)
                r = choose_existing(m, release, &t, reterr);
        if (r >= 0)
                r = check_trial(m, &t, reterr);
        if (r >= 0 && t.work != INGOT_UPDATE_NOTHING)
                r = list_entries(m, release, &t, reterr);
        if (r < 0)
                return r;
        *ret = t;
        t = (struct ingot_update_target){0};
        return 0;
}

/* What a person might remove: entries that are not ours, or are bad. */
static int list_removable(const struct ingot_machine *m, const struct ingot_update_target *t,
                          struct ingot_buffer *out, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (ingot_strings_contains(&t->remove, e->file) ||
                    (e->version && ingot_update_entry_held(m, e, NULL)))
                        continue;
                r = ingot_buffer_printf(out, reterr, "%s%s (%" PRIu64 " bytes)",
                                        out->size ? ", " : "", e->file, e->size);
        }
        return r;
}

int ingot_update_target_check_esp(const struct ingot_machine *m,
                                  const struct ingot_release *release,
                                  const struct ingot_update_target *t, uint64_t esp_free,
                                  ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer others = {0};
        uint64_t needed = release->uki.size + ESP_SLACK +
                          (release->measurement.name ? release->measurement.size : 0);
        for (size_t i = 0; i < release->measurement_signature_count; i++)
                needed += release->measurement_signatures[i].size;
        if (t->work == INGOT_UPDATE_NOTHING || esp_free + t->esp_freed >= needed)
                return 0;
        int r = list_removable(m, t, &others, reterr);
        if (r < 0)
                return r;
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "the ESP is too small: the UKI of version %s needs %" PRIu64
                          " bytes, and %" PRIu64 " are free%s%s%s",
                          release->version, needed, esp_free + t->esp_freed,
                          t->esp_freed ? " once the old UKI of the slot is gone" : "",
                          others.size ? "; what could go: "
                                      : "; nothing on it could go, so it "
                                        "takes a larger one",
                          others.size ? (const char *) others.data : "");
}
