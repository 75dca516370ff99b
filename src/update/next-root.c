/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preparing /run/nextroot. docs/decisions/134-soft-reboot-mounts-twice.md */
#include "update/next-root.h"
#include "base/cleanup.h"
#include "format/cpio.h"
#include "format/init-config.h"
#include "format/uki.h"
#include "os/block.h"
#include "os/device-mapper.h"
#include "os/etc.h"
#include "os/kernel.h"
#include "os/mount.h"
#include "os/process.h"
#include "os/verity-root.h"

#include <string.h>

#define NEXT "/run/nextroot"
#define INIT_CONF "etc/init.conf"
#define INIT_CONF_MAX ((size_t) 256 << 10)
#define TIMEOUT_MSEC 30000
/* Of the device and of the overlay's folder; what runs has the one, what comes the other. */
#define DEVICE_OTHER "root-soft"
#define WORK "work"
#define WORK_OTHER "work-soft"

/* ---- whether ---- */

bool ingot_systemd_version_parse(const char *text, unsigned *ret)
{
        static const char name[] = "systemd ";
        char digits[8] = "";
        uint64_t version;
        if (!ingot_starts_with(text, name))
                return false;
        text += sizeof(name) - 1;
        size_t n = strspn(text, "0123456789");
        if (n == 0 || n >= sizeof(digits))
                return false;
        memcpy(digits, text, n);
        if (!ingot_parse_u64(digits, &version))
                return false;
        *ret = (unsigned) version;
        return true;
}

int ingot_next_root_check_systemd(ingot_error *reterr)
{
        static const char *const argv[] = {"systemctl", "--version", NULL};
        const struct ingot_program program = {
                .argv = argv, .package = "systemd", .timeout_msec = TIMEOUT_MSEC};
        _cleanup_process_result_ struct ingot_process_result result = {0};
        unsigned version = 0;
        int r = ingot_process_run(&program, &result, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "soft reboot");
        const char *text = result.output.size ? (const char *) result.output.data : "";
        if (!ingot_systemd_version_parse(text, &version))
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "soft reboot: systemctl does not say which systemd it is of");
        if (version < INGOT_SYSTEMD_SOFT_REBOOT)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "systemd %u has no soft reboot, which came with %d: restart with "
                                  "--reboot",
                                  version, INGOT_SYSTEMD_SOFT_REBOOT);
        /* sd_booted(3) */
        if (!ingot_file_exists("/run/systemd/system"))
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "a soft reboot is systemd's, which is not process 1 here");
        return 0;
}

int ingot_next_root_check_machine(const struct ingot_machine *m, ingot_error *reterr)
{
        const uint8_t *booted = m->has_booted ? m->booted : m->running;
        if (!ingot_machine_running(m))
                return ingot_fail(
                        reterr, INGOT_E_REFUSED,
                        "what runs is not from a slot of %s, so a soft reboot has nothing "
                        "to go on from: restart with --reboot",
                        m->disk_path);
        for (size_t i = 0; i < m->entries.count; i++) {
                const struct ingot_boot_entry *e = m->entries.items + i;
                if (e->counted && e->has_root_hash &&
                    memcmp(e->root_hash, booted, INGOT_SHA256_SIZE) == 0)
                        return ingot_fail(
                                reterr, INGOT_E_REFUSED,
                                "what was started is on trial (%s), which a soft reboot would "
                                "break off: wait until it is found good; see 'systemctl status "
                                "boot-complete.target systemd-bless-boot.service'",
                                e->file);
        }
        return 0;
}

/* ---- what the initrd would do ---- */

static int read_initrd(const struct ingot_reader *uki_file, struct ingot_init_config *ret,
                       ingot_error *reterr)
{
        _cleanup_uki_ struct ingot_uki uki = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        struct ingot_reader content;
        size_t size;
        int r = ingot_uki_read(uki_file, &uki, reterr);
        if (r < 0)
                return r;
        const struct ingot_uki_section *s = ingot_uki_find(&uki, 0, INGOT_UKI_INITRD);
        if (!s)
                return ingot_fail(reterr, INGOT_E_REFUSED, "it has no initrd");
        r = ingot_pe_section_reader(uki_file, &s->pe, &content, reterr);
        if (r >= 0)
                r = ingot_cpio_read(&content, NULL, &tree, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "initrd");
        const struct ingot_inode *inode = ingot_tree_resolve(tree, INIT_CONF);
        if (!inode || inode->type != INGOT_FILE_REGULAR)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "its initrd is not ingot's: what it would mount is not known");
        r = ingot_inode_read(inode, INIT_CONF_MAX, &text, &size, reterr);
        if (r >= 0)
                r = ingot_init_config_parse(INGOT_SPAN(text, size), ret, reterr);
        return ingot_under(reterr, r, INIT_CONF);
}

static int read_config(const struct ingot_machine *m, const char *version, const uint8_t *root_hash,
                       struct ingot_init_config *ret, ingot_error *reterr)
{
        const struct ingot_boot_entry *e = ingot_boot_entry_of(&m->entries, version, root_hash);
        _cleanup_free_ char *path = NULL;
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        if (!e)
                return ingot_fail(reterr, INGOT_E_REFUSED, "version %s has no boot entry", version);
        int r = ingot_format(&path, reterr, "%s/%s/%s", m->esp, m->transfers.uki_folder, e->file);
        if (r >= 0)
                r = ingot_file_open(&file, path, reterr);
        if (r < 0)
                return r;
        const struct ingot_reader reader = ingot_file_reader(&file);
        return ingot_under(reterr, read_initrd(&reader, ret, reterr), "%s", e->file);
}

/* ---- its device ---- */

struct next {
        const struct ingot_machine *m;
        const struct ingot_slot *slot;
        const struct ingot_log *log;
        const char *version;
        enum ingot_etc_mode etc;
        const char *device, *work; /* the names that what runs has not */
};

static int choose_names(struct next *n, ingot_error *reterr)
{
        _cleanup_free_ char *device = NULL;
        int r = ingot_dm_verity_of("/", &device, reterr);
        if (r != 0)
                return r < 0 ? r
                             : ingot_fail(reterr, INGOT_E_REFUSED,
                                          "the root file system is not that of a slot, checked by "
                                          "dm-verity: restart with --reboot");
        bool first = strcmp(device, INGOT_VERITY_ROOT) == 0;
        n->device = first ? DEVICE_OTHER : INGOT_VERITY_ROOT;
        n->work = first ? WORK_OTHER : WORK;
        return 0;
}

/* The node of a partition of the slot, below /dev; the machine's disk is a device. */
static int find_node(const struct next *n, enum ingot_slot_part part, char **ret,
                     ingot_error *reterr)
{
        const char *disk = n->m->disk_path;
        if (!ingot_starts_with(disk, "/dev/"))
                return ingot_fail(reterr, INGOT_E_REFUSED, "%s is no device", disk);
        return ingot_block_partition(disk + strlen("/dev/"), n->slot->numbers[part], ret, reterr);
}

/* Its place may be there, and empty. */
static bool has_signature(const struct next *n)
{
        const struct ingot_gpt_partition *p =
                ingot_gpt_by_number(n->m->gpt, n->slot->numbers[INGOT_SLOT_SIGNATURE]);
        return p && strcmp(p->name, INGOT_LABEL_EMPTY_SLOT) != 0;
}

static int mount_root(const struct next *n, ingot_error *reterr)
{
        _cleanup_free_ char *data = NULL, *tree = NULL, *signature = NULL;
        _cleanup_strings_ struct ingot_strings signatures = {0};
        int r = find_node(n, INGOT_SLOT_DATA, &data, reterr);
        if (r >= 0)
                r = find_node(n, INGOT_SLOT_TREE, &tree, reterr);
        if (r >= 0 && has_signature(n))
                r = find_node(n, INGOT_SLOT_SIGNATURE, &signature, reterr);
        if (r >= 0 && signature)
                r = ingot_strings_add(&signatures, signature, reterr);
        if (r < 0)
                return r;
        const struct ingot_verity_root root = {.name = n->device,
                                               .data_node = data,
                                               .hash_node = tree,
                                               .signature_nodes = signatures,
                                               .root_hash = n->slot->root_hash};
        return ingot_verity_root_mount(&root, NEXT, n->log, reterr);
}

/* ---- its mounts ---- */

/* Takes down what there is of us, also of a process that was killed. */
static int unmount(ingot_error *reterr)
{
        static const char *const targets[] = {NEXT "/etc", NEXT "/var", NEXT};
        _cleanup_free_ char *device = NULL;
        int r = 0;
        if (!ingot_mount_is(NEXT))
                return 0;
        if (ingot_dm_verity_of(NEXT, &device, NULL) != 0)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "somebody else has mounted " NEXT " for a soft reboot");
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(targets); i++)
                if (ingot_mount_is(targets[i]))
                        r = ingot_unmount(targets[i], reterr);
        return r < 0 ? r : ingot_dm_remove_later(device, reterr);
}

static int check_modules(const struct next *n, ingot_error *reterr)
{
        _cleanup_free_ char *kernel = NULL, *here = NULL, *there = NULL;
        int r = ingot_kernel_release(&kernel, reterr);
        if (r >= 0)
                r = ingot_format(&here, reterr, "/usr/lib/modules/%s/modules.dep", kernel);
        if (r >= 0)
                r = ingot_format(&there, reterr, NEXT "%s", here);
        /* What modprobe goes by; a kernel that is whole in itself has none anywhere. */
        if (r < 0 || ingot_file_exists(there) || !ingot_file_exists(here))
                return r;
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "version %s has no modules for the kernel that runs (%s): the kernel "
                          "changed, so it takes a full restart, 'systemctl reboot'",
                          n->version, kernel);
}

static int check_systemd(const struct next *n, ingot_error *reterr)
{
        static const char *const files[] = {"/usr/lib/os-release", "/usr/lib/systemd/systemd"};
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                _cleanup_free_ char *path = NULL;
                int r = ingot_format(&path, reterr, NEXT "%s", files[i]);
                if (r < 0)
                        return r;
                if (!ingot_file_exists(path))
                        return ingot_fail(reterr, INGOT_E_REFUSED,
                                          "version %s has no %s, which a soft reboot needs: it "
                                          "takes a full restart, 'systemctl reboot'",
                                          n->version, files[i]);
        }
        return 0;
}

static int mount_all(const struct next *n, ingot_error *reterr)
{
        _cleanup_free_ char *disk = NULL;
        bool persistent = ingot_block_disk_of("/var", &disk, NULL) >= 0;
        int r = mount_root(n, reterr);
        if (r >= 0)
                r = check_modules(n, reterr);
        if (r >= 0)
                r = check_systemd(n, reterr);
        if (r >= 0 && !ingot_mount_is("/var"))
                r = ingot_fail(reterr, INGOT_E_REFUSED, "/var is no mount that could be kept");
        if (r >= 0)
                r = ingot_mount_again("/var", NEXT "/var", reterr);
        return r < 0 ? r : ingot_etc_mount(NEXT, n->etc, persistent, n->work, reterr);
}

int ingot_next_root_mount(const struct ingot_machine *m, const char *version,
                          const uint8_t root_hash[INGOT_SHA256_SIZE], const struct ingot_log *log,
                          ingot_error *reterr)
{
        _cleanup_init_config_ struct ingot_init_config config = {0};
        struct next n = {.m = m,
                         .slot = ingot_slots_by_hash(&m->slots, root_hash),
                         .log = log,
                         .version = version};
        if (!n.slot)
                return ingot_fail(reterr, INGOT_E_REFUSED, "version %s has no slot", version);
        int r = read_config(m, version, root_hash, &config, reterr);
        n.etc = config.etc;
        if (r >= 0)
                r = choose_names(&n, reterr);
        if (r >= 0)
                r = ingot_mount_of_system(reterr);
        if (r >= 0)
                r = unmount(reterr);
        if (r >= 0)
                r = ingot_make_directories(NEXT, 0755, reterr);
        if (r < 0)
                return r;
        ingot_dm_remove(n.device, NULL); /* of an earlier root, where it is still there */
        r = mount_all(&n, reterr);
        if (r < 0)
                unmount(NULL);
        return r < 0 ? r : 0;
}

int ingot_next_root_start(ingot_error *reterr)
{
        static const char *const argv[] = {"systemctl", "soft-reboot", NULL};
        const struct ingot_program program = {.argv = argv, .package = "systemd"};
        _cleanup_free_ char *device = NULL;
        int r = ingot_dm_verity_of("/", &device, reterr);
        if (r == 0)
                r = ingot_dm_remove_later(device, reterr);
        if (r >= 0)
                r = ingot_process_run(&program, NULL, reterr);
        if (r < 0)
                unmount(NULL);
        return r;
}
