/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An update on a machine of files: slots, boot entries, and what is refused. */
#include "base/cleanup.h"
#include "format/partition-type.h"
#include "image/esp-open.h"
#include "make-update.h"
#include "os/block.h"
#include "test.h"
#include "update/choose.h"
#include "update/components.h"
#include "update/keep.h"
#include "update/next-root.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ingot_error error;

static const char *new_folder(void)
{
        static unsigned count;
        char name[32];
        snprintf(name, sizeof(name), "u%u", count++);
        return test_path(name);
}

static bool esp_has(const struct made_update *u, const char *name)
{
        char path[1024];
        snprintf(path, sizeof(path), "%s/EFI/Linux/%s", u->esp, name);
        return ingot_file_exists(path);
}

/* Version 2 comes with a measurement manifest and a signature of it. */
static int add_measurement(struct made_update *u)
{
        static const char *const names[] = {"test_2.measurement.json",
                                            "test_2.measurement.json.2.gpg"};
        struct ingot_release *r = &u->versions[1].release;
        r->measurement_signatures = calloc(1, sizeof(*r->measurement_signatures));
        if (!r->measurement_signatures)
                return -INGOT_E_NOMEM;
        r->measurement_signature_count = 1;
        struct ingot_release_file *const files[] = {&r->measurement, r->measurement_signatures};
        int e = 0;
        for (size_t i = 0; e >= 0 && i < ARRAY_SIZE(files); i++) {
                char path[1024];
                snprintf(path, sizeof(path), "%s/%s", u->releases, names[i]);
                files[i]->size = 4;
                ingot_sha256_of("abc\n", 4, files[i]->sha256);
                e = ingot_strdup(&files[i]->name, names[i], &error);
                if (e >= 0)
                        e = ingot_outfile_put(path, "abc\n", 4, 0644, &error);
        }
        return e;
}

static unsigned measurements(const struct made_update *u)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        char path[1024];
        snprintf(path, sizeof(path), "%s/loader/ingot", u->esp);
        return ingot_list_files(path, &names, &error) == 0 ? (unsigned) names.count : 0;
}

static int rename_entry(const struct made_update *u, const char *from, const char *to)
{
        char a[1024], b[1024];
        snprintf(a, sizeof(a), "%s/EFI/Linux/%s", u->esp, from);
        snprintf(b, sizeof(b), "%s/EFI/Linux/%s", u->esp, to);
        return rename(a, b);
}

static unsigned boots(const struct made_update *u)
{
        _cleanup_esp_view_ struct ingot_esp_view view = INGOT_ESP_VIEW_NONE;
        _cleanup_file_ struct ingot_file disk = INGOT_FILE_NONE;
        if (ingot_esp_view_open(&view, u->esp, &error) < 0 ||
            ingot_file_open(&disk, u->disk, &error) < 0)
                return 0;
        const struct ingot_reader reader = ingot_file_reader(&disk);
        return made_boots(u, view.tree, &reader, &error);
}

/* Whatever this machine is. */
TEST(the_disk_of_a_file_system_is_found_in_sysfs)
{
        _cleanup_free_ char *disk = NULL, *path = NULL;
        CHECK_FAILS(ingot_block_disk_of("/proc", &disk, &error), INGOT_E_NOTFOUND,
                    "lies on no block device");
        CHECK_FAILS(ingot_block_disk_of("/no/such", &disk, &error), INGOT_E_NOTFOUND, "/no/such");
        if (ingot_block_disk_of("/var/tmp", &disk, &error) < 0)
                SKIP("/var/tmp lies on no disk that sysfs shows");
        CHECK_OK(ingot_format(&path, &error, "/sys/block/%s", disk));
        CHECK(ingot_file_exists(path));
}

TEST(a_machine_is_found_by_its_files)
{
        _cleanup_made_update_ struct made_update u = {0};
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(made_machine(&u, false, &m, &error));
        CHECK_STR(m.name, "test");
        CHECK_STR(m.version, "1");
        CHECK_STR(m.architecture, "x86-64");
        CHECK_EQ(m.slots.count, 2);
        CHECK_EQ(m.slots.items[0].state, INGOT_SLOT_WHOLE);
        CHECK(m.slots.items[0].running && !m.slots.items[1].running);
        CHECK_STR(m.slots.items[0].version, "1");
        CHECK_EQ(m.slots.items[1].state, INGOT_SLOT_EMPTY);
        CHECK_EQ(m.entries.count, 1);
        CHECK(m.entries.items[0].next && !m.entries.items[0].counted);
        CHECK(ingot_machine_running(&m) == m.slots.items);
}

TEST(an_update_goes_into_the_other_slot)
{
        _cleanup_made_update_ struct made_update u = {0};
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        struct made_apply a = {.version = 2};
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK_EQ(a.work, INGOT_UPDATE_SLOT);
        CHECK(a.figures.root.fetched < a.figures.root.data_size / 2);
        CHECK(a.figures.uki.fetched <= MADE_EXTENT);
        CHECK(esp_has(&u, "test_2+3-0.efi") && esp_has(&u, "test_1.efi"));
        CHECK_EQ(boots(&u), 2);
        CHECK_OK(made_machine(&u, false, &m, &error));
        CHECK_EQ(m.slots.items[1].state, INGOT_SLOT_WHOLE);
        CHECK_STR(m.slots.items[1].version, "2");
        CHECK_EQ(memcmp(m.slots.items[1].root_hash, u.versions[1].image.root_hash, 32), 0);
        for (unsigned i = 4; i <= 6; i++) {
                const struct ingot_gpt_partition *p = ingot_gpt_by_number(m.gpt, i);
                CHECK_STR(p->name, "test_2");
                CHECK_EQ(p->attributes, INGOT_GPT_READ_ONLY);
        }
        /* Once more: there is nothing to do. */
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK_EQ(a.work, INGOT_UPDATE_NOTHING);
}

TEST(the_next_one_takes_the_slot_that_is_free_then_and_old_ukis_go)
{
        _cleanup_made_update_ struct made_update u = {0};
        struct made_apply two = {.version = 2}, three = {.version = 3};
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(made_apply(&u, &two, &error));
        CHECK_OK(made_become(&u, 2, &error));
        CHECK_OK(made_apply(&u, &three, &error));
        CHECK(!esp_has(&u, "test_1.efi"));
        CHECK(esp_has(&u, "test_2.efi") && esp_has(&u, "test_3+3-0.efi"));
        CHECK_EQ(boots(&u), 3);
}

TEST(signatures_of_the_measurement_manifest_come_and_go_with_it)
{
        _cleanup_made_update_ struct made_update u = {0};
        struct made_apply a = {.version = 2};
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(add_measurement(&u));
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK_EQ(a.figures.other_fetched, u.versions[1].release.signature.size + 8);
        CHECK_EQ(measurements(&u), 2);
        CHECK_OK(made_become(&u, 2, &error));
        a = (struct made_apply){.version = 3};
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK_EQ(measurements(&u), 2); /* of the version that runs */
        CHECK_OK(made_become(&u, 3, &error));
        a = (struct made_apply){.version = 1};
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK_EQ(measurements(&u), 0);
}

struct course {
        struct ingot_apply_progress last;
        unsigned count;
        bool fell; /* something that must not */
};

static void follow(void *context, const struct ingot_apply_progress *now)
{
        struct course *c = context;
        const struct ingot_apply_progress *last = &c->last;
        c->fell |= c->count++ > 0 && (now->fetched < last->fetched || now->reused < last->reused ||
                                      now->fetched + now->reused + now->to_go !=
                                              last->fetched + last->reused + last->to_go);
        c->last = *now;
}

TEST(progress_is_of_all_that_is_written_and_ends_with_nothing_to_go)
{
        _cleanup_made_update_ struct made_update u = {0};
        struct course c = {0};
        struct made_apply a = {.version = 2, .progress = follow, .context = &c};
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(add_measurement(&u));
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK(c.count > 3);
        CHECK(!c.fell);
        CHECK_EQ(c.last.to_go, 0);
        CHECK_EQ(c.last.fetched, ingot_apply_fetched(&a.figures));
        CHECK_EQ(c.last.fetched + c.last.reused, ingot_apply_total(&a.figures));
        CHECK(c.last.fetched > a.figures.root.fetched + a.figures.root.tree_fetched);
        /* The root is there, the UKI is not. */
        CHECK_OK(made_become(&u, 2, &error));
        CHECK_OK(rename_entry(&u, "test_2.efi", "other.efi"));
        c = (struct course){0};
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK_EQ(a.work, INGOT_UPDATE_ENTRY);
        CHECK(!c.fell);
        CHECK_EQ(c.last.to_go, 0);
        CHECK_EQ(c.last.fetched + c.last.reused, ingot_apply_total(&a.figures));
}

TEST(a_signature_of_the_measurement_manifest_that_is_another_file_is_refused)
{
        _cleanup_made_update_ struct made_update u = {0};
        struct made_apply a = {.version = 2};
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(add_measurement(&u));
        u.versions[1].release.measurement_signatures[0].sha256[0] ^= 1;
        CHECK_FAILS(made_apply(&u, &a, &error), INGOT_E_REFUSED, "measurement.json.2.gpg");
        CHECK_EQ(measurements(&u), 0);
        CHECK_EQ(boots(&u), 1);
}

TEST(a_slot_that_has_the_root_is_left_alone)
{
        _cleanup_made_update_ struct made_update u = {0};
        struct made_apply a = {.version = 2};
        uint8_t before[INGOT_SHA256_SIZE], after[INGOT_SHA256_SIZE];
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK_EQ(0, rename_entry(&u, "test_2+3-0.efi", "gone"));
        CHECK_OK(ingot_file_digest(u.disk, before, &error));
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK_EQ(a.work, INGOT_UPDATE_ENTRY);
        CHECK_OK(ingot_file_digest(u.disk, after, &error));
        CHECK_EQ(memcmp(before, after, sizeof(before)), 0);
        CHECK_EQ(boots(&u), 2);
}

TEST(a_slot_that_only_says_so_is_written_anew)
{
        _cleanup_made_update_ struct made_update u = {0};
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        struct made_apply a = {.version = 2};
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK_OK(made_machine(&u, true, &m, &error));
        CHECK_OK(ingot_file_pwrite(m.disk.fd, m.slots.items[1].offset[0] + 4096 * 3, "damage", 6,
                                   &error));
        CHECK_EQ(boots(&u), 0);
        CHECK_OK(made_apply(&u, &a, &error));
        CHECK_EQ(a.work, INGOT_UPDATE_SLOT);
        CHECK(a.figures.root.fetched <= 4096);
        CHECK_EQ(boots(&u), 2);
}

TEST(a_dry_run_writes_nothing_and_knows_the_bytes)
{
        _cleanup_made_update_ struct made_update u = {0};
        struct made_apply dry = {.version = 2, .dry_run = true}, real = {.version = 2};
        uint8_t before[INGOT_SHA256_SIZE], after[INGOT_SHA256_SIZE];
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(ingot_file_digest(u.disk, before, &error));
        CHECK_OK(made_apply(&u, &dry, &error));
        CHECK_OK(ingot_file_digest(u.disk, after, &error));
        CHECK_EQ(memcmp(before, after, sizeof(before)), 0);
        CHECK(!esp_has(&u, "test_2+3-0.efi") && !esp_has(&u, "test_2+3-0.efi.part"));
        CHECK_OK(made_apply(&u, &real, &error));
        CHECK_EQ(ingot_apply_fetched(&dry.figures), ingot_apply_fetched(&real.figures));
        CHECK_EQ(ingot_apply_total(&dry.figures), ingot_apply_total(&real.figures));
}

/* ---- broken off ---- */

struct breaking {
        unsigned steps, at;
};

static int break_off(void *context, const struct ingot_step *step, ingot_error *reterr)
{
        struct breaking *b = context;
        (void) step;
        return ++b->steps == b->at ? ingot_fail(reterr, INGOT_E_SYSTEM, "the plug was pulled") : 0;
}

TEST(broken_off_at_any_step_a_whole_version_boots_and_the_next_try_ends_it)
{
        struct breaking b = {.at = 1};
        for (bool whole = false; !whole; b.at++) {
                _cleanup_made_update_ struct made_update u = {0};
                struct made_apply a = {.version = 2, .watch = break_off, .context = &b};
                b.steps = 0;
                CHECK_OK(make_update(&u, new_folder(), &error));
                whole = made_apply(&u, &a, &error) >= 0;
                CHECK(whole || strstr(error.text, "the plug was pulled"));
                CHECK(boots(&u) == 1 || boots(&u) == 2);
                struct made_apply again = {.version = 2};
                CHECK_OK(made_apply(&u, &again, &error));
                CHECK_EQ(boots(&u), 2);
        }
        CHECK(b.at > 20);
}

/* Everything that was fetched before the last steps is there. */
TEST(what_was_fetched_is_not_fetched_again)
{
        _cleanup_made_update_ struct made_update u = {0};
        struct breaking count = {0}, late = {0};
        struct made_apply a = {.version = 2, .watch = break_off, .context = &count};
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(made_apply(&u, &a, &error));
        _cleanup_made_update_ struct made_update v = {0};
        late.at = count.steps - 3;
        struct made_apply broken = {.version = 2, .watch = break_off, .context = &late};
        CHECK_OK(make_update(&v, new_folder(), &error));
        CHECK_FAILS(made_apply(&v, &broken, &error), INGOT_E_SYSTEM, "the plug");
        struct made_apply again = {.version = 2};
        CHECK_OK(made_apply(&v, &again, &error));
        CHECK_EQ(ingot_apply_fetched(&again.figures), 0);
}

/* ---- refused ---- */

struct choosing {
        struct made_update u;
        struct ingot_machine m;
        struct ingot_update_target t;
};

static void choosing_done(struct choosing *c)
{
        ingot_update_target_done(&c->t);
        ingot_machine_close(&c->m);
        made_update_done(&c->u);
}

TEST(refused_a_slot_that_is_too_small)
{
        _cleanup_(choosing_done) struct choosing c = {.m = INGOT_MACHINE_NONE};
        CHECK_OK(make_update(&c.u, new_folder(), &error));
        CHECK_OK(made_machine(&c.u, false, &c.m, &error));
        c.u.versions[1].release.root.size = 2 << 20;
        CHECK_FAILS(ingot_update_target_choose(&c.m, &c.u.versions[1].release, &c.t, &error),
                    INGOT_E_REFUSED, "no space: version 2 needs a slot of 2097152 bytes");
}

TEST(refused_a_disk_whose_other_slot_is_of_another_product)
{
        _cleanup_(choosing_done) struct choosing c = {.m = INGOT_MACHINE_NONE};
        CHECK_OK(make_update(&c.u, new_folder(), &error));
        CHECK_OK(made_machine(&c.u, true, &c.m, &error));
        strcpy(ingot_gpt_by_number(c.m.gpt, 4)->name, "other_7");
        const struct ingot_writer w = ingot_file_writer(&c.m.disk);
        CHECK_OK(ingot_gpt_write(c.m.gpt, &w, &error));
        CHECK_OK(ingot_machine_refresh(&c.m, &error));
        CHECK_EQ(c.m.slots.items[1].state, INGOT_SLOT_FOREIGN);
        CHECK_FAILS(ingot_update_target_choose(&c.m, &c.u.versions[1].release, &c.t, &error),
                    INGOT_E_REFUSED, "1 is of another product (which are never written)");
}

static int put_transfer(const struct made_update *u, const char *relative)
{
        char path[1024], text[256];
        snprintf(path, sizeof(path), "%s/etc/sysupdate.d", u->root);
        int r = ingot_make_directories(path, 0755, &error);
        snprintf(path, sizeof(path), "%s/etc/sysupdate.d/uki.transfer", u->root);
        snprintf(text, sizeof(text),
                 "[Target]\nType=regular-file\nPath=/EFI/Linux\nPathRelativeTo=%s\n"
                 "MatchPattern=test_@v.efi\n",
                 relative);
        return r < 0 ? r : ingot_outfile_put(path, text, strlen(text), 0644, &error);
}

TEST(refused_a_disk_with_xbootldr_where_the_ukis_belong_there)
{
        _cleanup_(choosing_done) struct choosing c = {.m = INGOT_MACHINE_NONE};
        CHECK_OK(make_update(&c.u, new_folder(), &error));
        CHECK_OK(put_transfer(&c.u, "boot"));
        CHECK_OK(made_machine(&c.u, true, &c.m, &error)); /* it is the ESP */
        ingot_gpt_by_number(c.m.gpt, 6)->type = ingot_partition_type_by_name("xbootldr")->uuid;
        const struct ingot_writer w = ingot_file_writer(&c.m.disk);
        CHECK_OK(ingot_gpt_write(c.m.gpt, &w, &error));
        ingot_machine_close(&c.m);
        CHECK_FAILS(made_machine(&c.u, true, &c.m, &error), INGOT_E_UNSUPPORTED,
                    "uki.transfer: PathRelativeTo=boot is the XBOOTLDR partition");
        CHECK_OK(put_transfer(&c.u, "esp"));
        CHECK_OK(made_machine(&c.u, true, &c.m, &error));
}

TEST(refused_an_esp_that_is_too_small_with_what_could_go)
{
        _cleanup_(choosing_done) struct choosing c = {.m = INGOT_MACHINE_NONE};
        char path[1024];
        CHECK_OK(make_update(&c.u, new_folder(), &error));
        snprintf(path, sizeof(path), "%s/EFI/Linux/rescue.efi", c.u.esp);
        CHECK_OK(ingot_outfile_put(path, "x", 1, 0644, &error));
        CHECK_OK(made_machine(&c.u, false, &c.m, &error));
        CHECK_OK(ingot_update_target_choose(&c.m, &c.u.versions[1].release, &c.t, &error));
        CHECK_OK(ingot_update_target_check_esp(&c.m, &c.u.versions[1].release, &c.t, 1 << 20,
                                               &error));
        CHECK_FAILS(
                ingot_update_target_check_esp(&c.m, &c.u.versions[1].release, &c.t, 1000, &error),
                INGOT_E_REFUSED, "what could go: rescue.efi (1 bytes)");
}

TEST(refused_a_machine_whose_version_runs_on_trial)
{
        _cleanup_(choosing_done) struct choosing c = {.m = INGOT_MACHINE_NONE};
        struct made_apply two = {.version = 2};
        CHECK_OK(make_update(&c.u, new_folder(), &error));
        CHECK_OK(made_apply(&c.u, &two, &error));
        CHECK_OK(made_become(&c.u, 2, &error));
        CHECK_EQ(0, rename_entry(&c.u, "test_2.efi", "test_2+2-1.efi"));
        CHECK_OK(made_machine(&c.u, false, &c.m, &error));
        c.m.live = true;
        CHECK_FAILS(ingot_update_target_choose(&c.m, &c.u.versions[2].release, &c.t, &error),
                    INGOT_E_REFUSED, "what runs is on trial (test_2+2-1.efi)");
}

/* Version 2 runs by a soft reboot, the loader started 1. */
static int soft_machine(struct choosing *c)
{
        struct made_apply two = {.version = 2};
        int r = make_update(&c->u, new_folder(), &error);
        if (r >= 0)
                r = made_apply(&c->u, &two, &error);
        if (r >= 0)
                r = made_machine(&c->u, false, &c->m, &error);
        if (r < 0)
                return r;
        c->m.has_booted = c->m.has_running = true;
        memcpy(c->m.booted, c->u.versions[0].release.root_hash, INGOT_SHA256_SIZE);
        memcpy(c->m.running, c->u.versions[1].release.root_hash, INGOT_SHA256_SIZE);
        return ingot_machine_refresh(&c->m, &error);
}

TEST(what_the_loader_started_stays_after_a_soft_reboot)
{
        _cleanup_(choosing_done) struct choosing c = {.m = INGOT_MACHINE_NONE};
        CHECK_OK(soft_machine(&c));
        CHECK(ingot_machine_soft(&c.m));
        CHECK_STR(ingot_machine_running(&c.m)->version, "2");
        CHECK_FAILS(ingot_update_target_choose(&c.m, &c.u.versions[2].release, &c.t, &error),
                    INGOT_E_REFUSED, "by a soft reboot: version 1, which the boot loader started");
        /* 1 itself is there. */
        CHECK_OK(ingot_update_target_choose(&c.m, &c.u.versions[0].release, &c.t, &error));
        CHECK_EQ(c.t.work, INGOT_UPDATE_NOTHING);
}

TEST(a_soft_reboot_goes_on_from_a_slot_that_is_good)
{
        _cleanup_(choosing_done) struct choosing c = {.m = INGOT_MACHINE_NONE};
        CHECK_OK(soft_machine(&c));
        /* The entry of 2 has all its tries: it is not what was started. */
        CHECK_OK(ingot_next_root_check_machine(&c.m, &error));
        CHECK_EQ(0, rename_entry(&c.u, "test_1.efi", "test_1+2-1.efi"));
        CHECK_OK(ingot_machine_refresh(&c.m, &error));
        CHECK_FAILS(ingot_next_root_check_machine(&c.m, &error), INGOT_E_REFUSED,
                    "what was started is on trial (test_1+2-1.efi)");
        memset(c.m.running, 7, sizeof(c.m.running));
        CHECK_OK(ingot_machine_refresh(&c.m, &error));
        CHECK_FAILS(ingot_next_root_check_machine(&c.m, &error), INGOT_E_REFUSED,
                    "not from a slot");
}

/* Both are known before anything is mounted. */
TEST(a_soft_reboot_goes_into_a_slot_whose_initrd_can_be_read)
{
        _cleanup_(choosing_done) struct choosing c = {.m = INGOT_MACHINE_NONE};
        CHECK_OK(soft_machine(&c));
        CHECK_FAILS(
                ingot_next_root_mount(&c.m, "3", c.u.versions[2].release.root_hash, NULL, &error),
                INGOT_E_REFUSED, "version 3 has no slot");
        CHECK_FAILS(
                ingot_next_root_mount(&c.m, "1", c.u.versions[0].release.root_hash, NULL, &error),
                INGOT_E_FORMAT, "test_1.efi: initrd");
}

TEST(the_version_of_systemd)
{
        static const char *const bad[] = {"", "systemd", "systemd x", "udev 257",
                                          "systemd 99999999"};
        unsigned version = 0;
        CHECK(ingot_systemd_version_parse("systemd 257 (257.9-1~deb13u1)\n+PAM\n", &version));
        CHECK_EQ(version, 257);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                CHECK(!ingot_systemd_version_parse(bad[i], &version));
}

struct picking {
        struct choosing c;
        struct ingot_release releases[2];
        struct ingot_channel channel;
        struct ingot_update_state state;
        struct ingot_update_choice choice;
};

static void picking_done(struct picking *p)
{
        ingot_update_choice_done(&p->choice);
        ingot_update_state_done(&p->state);
        choosing_done(&p->c);
}

/* Versions 3 and 2 of the channel "stable". */
static int pick(struct picking *p)
{
        *p = (struct picking){.c.m = INGOT_MACHINE_NONE};
        int r = make_update(&p->c.u, new_folder(), &error);
        if (r >= 0)
                r = made_machine(&p->c.u, false, &p->c.m, &error);
        p->releases[0] = p->c.u.versions[2].release;
        p->releases[1] = p->c.u.versions[1].release;
        p->channel = (struct ingot_channel){.name = (char *) "test",
                                            .channel = (char *) "stable",
                                            .architecture = (char *) "x86-64",
                                            .serial = 5,
                                            .releases = p->releases,
                                            .release_count = 2};
        return r;
}

static int choose(struct picking *p, const char *version)
{
        ingot_update_choice_done(&p->choice);
        p->choice = (struct ingot_update_choice){0};
        return ingot_update_choose(&p->c.m, &p->channel, &p->state, version, &p->choice, &error);
}

TEST(the_newest_version_is_taken_and_one_that_runs_is_not)
{
        _cleanup_(picking_done) struct picking p;
        CHECK_OK(pick(&p));
        CHECK_OK(choose(&p, NULL));
        CHECK_STR(p.choice.release->version, "3");
        free(p.c.m.version);
        p.c.m.version = strdup("3");
        CHECK_OK(choose(&p, NULL));
        CHECK(!p.choice.release && p.choice.passed.count == 0);
        CHECK_OK(choose(&p, "2"));
        CHECK_STR(p.choice.release->version, "2");
        CHECK_FAILS(choose(&p, "9"), INGOT_E_NOTFOUND, "has no version 9; the newest is 3");
}

TEST(passed_over_a_version_that_failed_here_unless_it_is_named)
{
        _cleanup_(picking_done) struct picking p;
        CHECK_OK(pick(&p));
        const struct ingot_update_failure f = {.version = (char *) "3",
                                               .reason = (char *) "failed at app.service"};
        CHECK_OK(ingot_update_failure_add(&p.state, &f, &error));
        CHECK_OK(choose(&p, NULL));
        CHECK_STR(p.choice.release->version, "2");
        CHECK_STR(p.choice.passed.items[0],
                  "version 3 is not taken: it failed on this machine, failed at app.service "
                  "(--version=3 tries it again)");
        CHECK_OK(choose(&p, "3"));
        CHECK_STR(p.choice.release->version, "3");
}

TEST(passed_over_a_version_that_is_not_rolled_out_to_this_machine)
{
        _cleanup_(picking_done) struct picking p;
        CHECK_OK(pick(&p));
        unsigned place = ingot_update_rollout_place("00112233445566778899aabbccddeeff", "3");
        CHECK_EQ(place, 75); /* printf '%s' 00112233445566778899aabbccddeeff3 | sha256sum */
        p.releases[0].rollout = place;
        CHECK_OK(choose(&p, NULL));
        CHECK_STR(p.choice.release->version, "2");
        CHECK(strstr(p.choice.passed.items[0], "version 3 is not taken yet: it is rolled out to"));
        p.releases[0].rollout = place + 1;
        CHECK_OK(choose(&p, NULL));
        CHECK_STR(p.choice.release->version, "3");
}

TEST(a_roll_out_reaches_about_as_many_machines_as_it_says)
{
        unsigned reached = 0;
        for (unsigned i = 0; i < 1000; i++) {
                char id[33];
                snprintf(id, sizeof(id), "%032x", i);
                reached += ingot_update_rollout_place(id, "2.0") < 25;
        }
        CHECK(reached > 200 && reached < 300);
}

TEST(refused_a_version_against_the_pin)
{
        _cleanup_(picking_done) struct picking p;
        CHECK_OK(pick(&p));
        p.state.pin = strdup("2");
        CHECK_OK(choose(&p, NULL));
        CHECK_STR(p.choice.release->version, "2");
        CHECK_FAILS(choose(&p, "3"), INGOT_E_REFUSED,
                    "pinned to 2 ('ingot update pin --none' ends that)");
}

TEST(refused_a_version_below_the_minimum)
{
        _cleanup_(picking_done) struct picking p;
        CHECK_OK(pick(&p));
        p.channel.minimum = (char *) "3";
        CHECK_FAILS(choose(&p, "2"), INGOT_E_REFUSED, "2");
        p.channel.minimum = NULL;
        p.c.m.transfers.minimum = strdup("2.5");
        CHECK_FAILS(choose(&p, "2"), INGOT_E_REFUSED, "MinVersion=2.5");
}

/* ---- back, and tidy ---- */

static int rollback(const struct made_update *u, const char *version, char **from, char **to)
{
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        int r = made_machine(u, true, &m, &error);
        struct ingot_steps s = {.disk = &m.disk, .esp = m.esp, .open = INGOT_FILE_NONE};
        return r < 0 ? r : ingot_update_rollback(&m, &s, version, from, to, &error);
}

TEST(back_to_the_version_before_by_the_names_of_entries)
{
        _cleanup_made_update_ struct made_update u = {0};
        _cleanup_free_ char *from = NULL, *to = NULL, *a = NULL, *b = NULL;
        struct made_apply two = {.version = 2};
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_FAILS(rollback(&u, NULL, &a, &b), INGOT_E_REFUSED, "no version to go back to");
        CHECK_OK(made_apply(&u, &two, &error));
        CHECK_OK(made_become(&u, 2, &error));
        CHECK_OK(rollback(&u, NULL, &from, &to));
        CHECK_STR(from, "2");
        CHECK_STR(to, "1");
        CHECK(esp_has(&u, "test_2+0-1.efi") && !esp_has(&u, "test_2.efi"));
        CHECK_EQ(boots(&u), 1);
}

TEST(cleaning_removes_what_broke_off_and_nothing_else)
{
        _cleanup_made_update_ struct made_update u = {0};
        _cleanup_strings_ struct ingot_strings removed = {0};
        struct breaking b = {.at = 60};
        struct made_apply a = {.version = 2, .watch = break_off, .context = &b};
        char path[1024];
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK(made_apply(&u, &a, &error) < 0);
        snprintf(path, sizeof(path), "%s/EFI/Linux/test_2+3-0.efi.part", u.esp);
        CHECK_OK(ingot_outfile_put(path, "x", 1, 0644, &error));
        snprintf(path, sizeof(path), "%s/EFI/Linux/other.efi", u.esp);
        CHECK_OK(ingot_outfile_put(path, "x", 1, 0644, &error));
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        CHECK_OK(made_machine(&u, true, &m, &error));
        CHECK_EQ(m.slots.items[1].state, INGOT_SLOT_BEGUN);
        struct ingot_steps s = {.disk = &m.disk, .esp = m.esp, .open = INGOT_FILE_NONE};
        CHECK_OK(ingot_update_clean(&m, &s, &removed, &error));
        CHECK_EQ(m.slots.items[1].state, INGOT_SLOT_EMPTY);
        CHECK(ingot_strings_contains(&removed, "test_2+3-0.efi.part"));
        CHECK(!esp_has(&u, "test_2+3-0.efi.part"));
        CHECK(esp_has(&u, "test_1.efi") && esp_has(&u, "other.efi"));
        CHECK_EQ(boots(&u), 1);
}

/* ---- components ---- */

static const char *version_of(const struct ingot_machine *m, const char *variant)
{
        static char text[64];
        _cleanup_free_ char *version = NULL;
        if (ingot_update_component_version(m, variant, &version, &error) < 0)
                return "error";
        snprintf(text, sizeof(text), "%s", version ? version : "none");
        return text;
}

TEST(a_component_is_of_the_version_that_its_uki_is_named_after)
{
        _cleanup_made_update_ struct made_update u = {0};
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(made_machine(&u, false, &m, &error));
        CHECK_STR(version_of(&m, "test_2"), "2");
        CHECK_STR(version_of(&m, "test_2@1"), "2");
        CHECK_STR(version_of(&m, "test_2@1.secure-boot"), "2");
        CHECK_STR(version_of(&m, "test_2.secure-boot.ingot-update"), "2");
        CHECK_STR(version_of(&m, "other_2"), "none");
        CHECK_STR(version_of(&m, "generated"), "none");
        CHECK_STR(version_of(&m, "test_"), "none");
        CHECK(ingot_update_component_own("test_2.ingot-update"));
        CHECK(!ingot_update_component_own("test_2"));
        CHECK(ingot_update_component_needed(&m, NULL, "1"));
        CHECK(!ingot_update_component_needed(&m, NULL, "2"));
}

static const char *put_component(const struct made_update *u, const char *name)
{
        static char path[1024];
        snprintf(path, sizeof(path), "%s" INGOT_UPDATE_COMPONENTS "/%s", u->root, name);
        char *slash = strrchr(path, '/');
        *slash = 0;
        int r = ingot_make_directories(path, 0755, &error);
        *slash = '/';
        return r < 0 || ingot_outfile_put(path, "{}", 2, 0644, &error) < 0 ? NULL : path;
}

TEST(components_of_a_version_without_an_entry_go_when_an_update_wrote_them)
{
        static const char *const stay[] = {
                "650-uki.pcrlock.d/test_1.ingot-update.pcrlock", "650-uki.pcrlock.d/test_2.pcrlock",
                "650-uki.pcrlock.d/other_2.ingot-update.pcrlock",
                "650-uki.pcrlock.d/test_2.ingot-update", "test_2.ingot-update.pcrlock"};
        _cleanup_made_update_ struct made_update u = {0};
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        _cleanup_strings_ struct ingot_strings gone = {0};
        CHECK_OK(make_update(&u, new_folder(), &error));
        CHECK_OK(made_machine(&u, true, &m, &error));
        CHECK_OK(ingot_update_components_sweep(&m, &gone, &error));
        for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
                CHECK(put_component(&u, stay[i]));
        CHECK(put_component(&u, "650-uki.pcrlock.d/test_2.ingot-update.pcrlock"));
        CHECK_OK(ingot_update_components_sweep(&m, &gone, &error));
        CHECK_EQ(gone.count, 1u);
        CHECK_STR(gone.items[0], "650-uki.pcrlock.d/test_2.ingot-update.pcrlock");
        CHECK_OK(ingot_update_components_sweep(&m, &gone, &error));
        CHECK_EQ(gone.count, 1u);
}
