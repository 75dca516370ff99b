/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What there is on a machine. */
#include "update/machine.h"
#include "base/cleanup.h"
#include "format/partition-type.h"
#include "format/os-release.h"
#include "os/block.h"
#include "os/device-mapper.h"
#include "os/efivar.h"
#include "os/mount.h"
#include "os/root.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#define TEXT_MAX ((size_t) 1 << 20)
#define ROOT_MAPPING "/dev/mapper/root"
#define ESP_OWN "/run/ingot/esp"
#define MACHINE_ID_DIGITS 32

#if defined(__aarch64__)
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE "x86-64"
#endif

void ingot_machine_close(struct ingot_machine *m)
{
        ingot_close_p(&m->root_fd);
        ingot_buffer_done(&m->os_release);
        free(m->name);
        free(m->version);
        free(m->id);
        free(m->disk_path);
        ingot_file_close(&m->disk);
        free(m->gpt);
        ingot_transfers_done(&m->transfers);
        free(m->esp);
        ingot_slots_done(&m->slots);
        ingot_boot_entries_done(&m->entries);
        *m = INGOT_MACHINE_NONE;
}

int ingot_machine_field(const struct ingot_machine *m, const char *key, char **ret,
                        ingot_error *reterr)
{
        return ingot_os_release_field(ingot_buffer_span(&m->os_release), key, ret, reterr);
}

const struct ingot_slot *ingot_machine_running(const struct ingot_machine *m)
{
        for (size_t i = 0; i < m->slots.count; i++)
                if (m->slots.items[i].running)
                        return m->slots.items + i;
        return NULL;
}

bool ingot_machine_soft(const struct ingot_machine *m)
{
        return m->has_running && m->has_booted &&
               memcmp(m->running, m->booted, sizeof(m->running)) != 0;
}

/* ---- the root file system ---- */

static int read_product(struct ingot_machine *m, ingot_error *reterr)
{
        int r = ingot_root_read(m->root_fd, "/etc/os-release", TEXT_MAX, &m->os_release, reterr);
        if (r == -INGOT_E_NOTFOUND)
                r = ingot_root_read(m->root_fd, "/usr/lib/os-release", TEXT_MAX, &m->os_release,
                                    reterr);
        if (r >= 0)
                r = ingot_machine_field(m, "IMAGE_ID", &m->name, reterr);
        if (r >= 0)
                r = ingot_machine_field(m, "IMAGE_VERSION", &m->version, reterr);
        if (r >= 0 && (!m->name || !*m->name))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "os-release has no IMAGE_ID: this system is not of an image "
                                  "that ingot built; where another one is meant, name its root "
                                  "with --root=DIR");
        return r;
}

static int read_id(struct ingot_machine *m, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        enum ingot_root_kind kind;
        int r = ingot_root_look(m->root_fd, "/etc/machine-id", &kind, reterr);
        if (r < 0 || kind != INGOT_ROOT_FILE)
                return r;
        r = ingot_root_read(m->root_fd, "/etc/machine-id", TEXT_MAX, &text, reterr);
        if (r < 0 || text.size < MACHINE_ID_DIGITS || text.data[0] == 'u') /* "uninitialized" */
                return r;
        return ingot_format(&m->id, reterr, "%.*s", MACHINE_ID_DIGITS, (const char *) text.data);
}

static void take_running(struct ingot_machine *m, const uint8_t root_hash[INGOT_SHA256_SIZE])
{
        memcpy(m->running, root_hash, sizeof(m->running));
        m->has_running = true;
}

/* What the loader started. */
static int read_booted(struct ingot_machine *m, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = ingot_format(&path, reterr, "%s/proc/cmdline", m->root ? m->root : "");
        if (r < 0 || (m->root && !ingot_file_exists(path)))
                return r;
        r = ingot_file_read(AT_FDCWD, path, TEXT_MAX, &text, &size, reterr);
        if (r >= 0)
                m->has_booted = ingot_root_hash_of_command_line((const char *) text, m->booted);
        return r;
}

/* The root's own, where it is this machine's; 1: that tells nothing. */
static int read_mapped(struct ingot_machine *m, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        int r = m->live ? ingot_dm_verity_of("/", &name, reterr) : 1;
        if (r == 0)
                r = ingot_dm_root_hash(name, m->running, reterr);
        m->has_running = r == 0;
        return r;
}

static int read_running(struct ingot_machine *m, const struct ingot_machine_options *o,
                        ingot_error *reterr)
{
        int r = read_booted(m, reterr);
        if (r < 0)
                return r;
        if (o->running) {
                m->has_running = ingot_unhex(m->running, sizeof(m->running), o->running);
                return m->has_running
                               ? 0
                               : ingot_fail(reterr, INGOT_E_USAGE,
                                            "'%.80s' is no root hash of 64 digits", o->running);
        }
        r = read_mapped(m, reterr);
        if (r == 1 && m->has_booted)
                take_running(m, m->booted);
        return r < 0 ? r : 0;
}

/* ---- the disk ---- */

static int find_disk(struct ingot_machine *m, const struct ingot_machine_options *o,
                     ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        if (o->disk)
                return ingot_strdup(&m->disk_path, o->disk, reterr);
        if (o->root)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "which disk belongs to %s? Name it with --disk=FILE", o->root);
        int r = ingot_block_disk_of("/", &name, reterr);
        if (r == -INGOT_E_NOTFOUND) /* on no disk: something lies over it */
                r = ingot_block_disk_of(ROOT_MAPPING, &name, reterr);
        if (r < 0)
                return ingot_under(
                        reterr, r,
                        "which disk the root file system is on (--disk=DEVICE names it)");
        return ingot_format(&m->disk_path, reterr, "/dev/%s", name);
}

/* That of the disk's root partitions, else ingot's own. */
static const char *architecture_of(const struct ingot_gpt *gpt)
{
        for (size_t i = 0; i < gpt->partition_count; i++) {
                const struct ingot_partition_type *t =
                        ingot_partition_type_by_uuid(&gpt->partitions[i].type);
                if (t && t->designator == INGOT_DESIGNATOR_ROOT)
                        return t->architecture;
        }
        return ARCHITECTURE;
}

static int read_table(struct ingot_machine *m, ingot_error *reterr)
{
        struct ingot_reader reader = ingot_file_reader(&m->disk);
        return ingot_under(reterr, ingot_gpt_read(&reader, m->gpt, reterr), "%s", m->disk_path);
}

static int open_disk(struct ingot_machine *m, const struct ingot_machine_options *o,
                     ingot_error *reterr)
{
        int r = find_disk(m, o, reterr);
        if (r >= 0)
                r = o->writable ? ingot_file_open_update(&m->disk, m->disk_path, reterr)
                                : ingot_file_open(&m->disk, m->disk_path, reterr);
        if (r < 0)
                return r;
        m->gpt = calloc(1, sizeof(*m->gpt));
        if (!m->gpt)
                return ingot_fail_nomem(reterr);
        r = read_table(m, reterr);
        if (r >= 0)
                m->architecture = architecture_of(m->gpt);
        return r;
}

/* ---- the ESP ---- */

/* Is it a folder of a FAT on that disk? A FAT elsewhere (a USB stick) is not ours. */
static bool is_esp(const struct ingot_machine *m, const char *path)
{
        _cleanup_free_ char *disk = NULL;
        return ingot_mount_is_fat(path) && ingot_block_disk_of(path, &disk, NULL) >= 0 &&
               ingot_starts_with(m->disk_path, "/dev/") &&
               strcmp(disk, m->disk_path + strlen("/dev/")) == 0;
}

/* Where only this process sees it. */
static int mount_esp(struct ingot_machine *m, bool writable, ingot_error *reterr)
{
        const struct ingot_partition_type *type = ingot_partition_type_by_name("esp");
        const struct ingot_gpt_partition *p = ingot_gpt_by_type(m->gpt, &type->uuid);
        _cleanup_free_ char *name = NULL, *device = NULL;
        if (!p || !ingot_starts_with(m->disk_path, "/dev/"))
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "no ESP is mounted at /efi, /boot or /boot/efi, and %s has none: "
                                  "name its folder with --esp=DIR",
                                  m->disk_path);
        int r = ingot_block_partition(m->disk_path + strlen("/dev/"), p->number, &name, reterr);
        if (r >= 0)
                r = ingot_format(&device, reterr, "/dev/%s", name);
        if (r < 0)
                return r;
        const struct ingot_mount mount = {.source = device,
                                          .target = ESP_OWN,
                                          .type = "vfat",
                                          .flags = MS_NODEV | MS_NOEXEC | MS_NOSUID |
                                                   (writable ? 0 : MS_RDONLY),
                                          .options = "umask=0077"};
        r = ingot_mount_private(&mount, reterr);
        return r < 0 ? ingot_under(reterr, r, "the ESP") : ingot_strdup(&m->esp, ESP_OWN, reterr);
}

static int find_esp(struct ingot_machine *m, const struct ingot_machine_options *o,
                    ingot_error *reterr)
{
        static const char *const places[] = {"/efi", "/boot", "/boot/efi"};
        if (o->esp)
                return ingot_strdup(&m->esp, o->esp, reterr);
        if (!m->live)
                return ingot_fail(
                        reterr, INGOT_E_USAGE,
                        "where is the ESP of that machine? Name its folder with --esp=DIR");
        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (is_esp(m, places[i]))
                        return ingot_strdup(&m->esp, places[i], reterr);
        return mount_esp(m, o->writable, reterr);
}

/* The entry that a variable of the loader's names, as it is without counters; NULL: none. */
static char *chosen_by_variable(const struct ingot_machine *m)
{
        static const char *const names[] = {"LoaderEntryOneShot", "LoaderEntryPreferred",
                                            "LoaderEntryDefault"};
        char *chosen = NULL;
        for (size_t i = 0; m->live && i < ARRAY_SIZE(names); i++)
                if (ingot_efivar_read_text(names[i], INGOT_EFIVAR_LOADER, &chosen, NULL) >= 0)
                        return chosen;
        return NULL;
}

static int find_entries(struct ingot_machine *m, ingot_error *reterr)
{
        _cleanup_free_ char *chosen = chosen_by_variable(m);
        return ingot_under(
                reterr, ingot_boot_entries_find(m->esp, &m->transfers, chosen, &m->entries, reterr),
                "%s", m->esp);
}

/* Nobody said what runs: the version that the root file system says it is, else what the loader
 * would start. */
static void assume_running(struct ingot_machine *m)
{
        const struct ingot_slot *s =
                m->version ? ingot_slots_by_version(&m->slots, m->version) : NULL;
        if (s)
                take_running(m, s->root_hash);
        for (size_t i = 0; !m->has_running && i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (e->next && e->has_root_hash)
                        take_running(m, e->root_hash);
        }
}

static int find_slots(struct ingot_machine *m, ingot_error *reterr)
{
        ingot_slots_done(&m->slots);
        return ingot_slots_find(m->gpt, &m->transfers, m->has_running ? m->running : NULL,
                                &m->slots, reterr);
}

int ingot_machine_refresh(struct ingot_machine *m, ingot_error *reterr)
{
        ingot_boot_entries_done(&m->entries);
        int r = read_table(m, reterr);
        if (r >= 0)
                r = find_entries(m, reterr);
        return r < 0 ? r : find_slots(m, reterr);
}

static bool has_xbootldr(struct ingot_gpt *gpt)
{
        return ingot_gpt_by_type(gpt, &ingot_partition_type_by_name("xbootldr")->uuid);
}

static int open_machine(struct ingot_machine *m, const struct ingot_machine_options *o,
                        ingot_error *reterr)
{
        int r = ingot_root_open(o->root, &m->root_fd, reterr);
        if (r >= 0)
                r = read_product(m, reterr);
        if (r >= 0)
                r = read_id(m, reterr);
        if (r >= 0)
                r = read_running(m, o, reterr);
        if (r >= 0)
                r = open_disk(m, o, reterr);
        if (r < 0)
                return r;
        const struct ingot_transfer_system system = {.root = m->root_fd,
                                                     .os_release =
                                                             ingot_buffer_span(&m->os_release),
                                                     .name = m->name,
                                                     .architecture = m->architecture,
                                                     .has_xbootldr = has_xbootldr(m->gpt),
                                                     .log = o->log};
        r = ingot_transfers_load(&system, &m->transfers, reterr);
        if (r >= 0)
                r = find_esp(m, o, reterr);
        if (r >= 0)
                r = find_entries(m, reterr);
        if (r >= 0)
                r = find_slots(m, reterr);
        if (r < 0 || m->has_running)
                return r;
        assume_running(m);
        return find_slots(m, reterr);
}

int ingot_machine_open(const struct ingot_machine_options *o, struct ingot_machine *ret,
                       ingot_error *reterr)
{
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        m.root = o->root;
        m.live = !o->root && !o->disk;
        int r = open_machine(&m, o, reterr);
        if (r < 0)
                return r;
        *ret = m;
        m = INGOT_MACHINE_NONE;
        return 0;
}
