/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "make-update.h"
#include "base/cleanup.h"
#include "format/partition-type.h"
#include "format/pe.h"
#include "make-pe.h"
#include "measure/boot-chain.h"
#include "test.h"

#include <stdlib.h>

#define MIB ((uint64_t) 1 << 20)
#define UKI_TAIL 300000 /* as if it were the kernel */
#define LOADER "EFI/BOOT/BOOTX64.EFI"

/* A third of the blocks is of this version alone, the others of all. */
static void make_root(struct made_release *r, unsigned version)
{
        uint32_t content[MADE_BLOCKS];
        for (uint32_t i = 0; i < MADE_BLOCKS; i++)
                content[i] = i % 3 == 0 ? 1000 * version + i : i % 16 == 1 ? 0 : i;
        walk_image_make(&r->image, content, MADE_BLOCKS, 4096, 4096, 7);
        ingot_hex(r->hash, r->image.root_hash, INGOT_SHA256_SIZE);
}

static int make_uki(struct made_release *r, unsigned version, ingot_error *reterr)
{
        char line[128], release[128];
        uint64_t state = 5; /* the kernel is the same in all versions */
        snprintf(line, sizeof(line), "roothash=%s quiet", r->hash);
        snprintf(release, sizeof(release),
                 "ID=test\nVERSION_ID=%u\nIMAGE_ID=test\nIMAGE_VERSION=%u\n", version, version);
        const struct made_section sections[] = {{".osrel", release},
                                                {".cmdline", line},
                                                {".uname", "6.1"},
                                                {".linux", "kernel"},
                                                {".initrd", "initrd"}};
        struct ingot_span pe = make_pe(INGOT_PE_MACHINE_X86_64, sections, ARRAY_SIZE(sections));
        int e = ingot_buffer_append(&r->uki, pe.data, pe.size, reterr);
        free((void *) pe.data);
        for (size_t i = 0; e >= 0 && i < UKI_TAIL / 8; i++) {
                uint8_t word[8];
                ingot_le64_store(word, test_random(&state));
                e = ingot_buffer_append(&r->uki, word, sizeof(word), reterr);
        }
        return e < 0 ? e
                     : ingot_buffer_printf(&r->signature, reterr, "{\"rootHash\":\"%s\"}", r->hash);
}

static int put_part(struct made_update *u, struct ingot_release_file *f, const char *name,
                    const void *data, size_t size, ingot_error *reterr)
{
        char path[1024];
        snprintf(path, sizeof(path), "%s/%s", u->releases, name);
        f->size = size;
        ingot_sha256_of(data, size, f->sha256);
        int r = ingot_strdup(&f->name, name, reterr);
        return r < 0 ? r : ingot_outfile_put(path, data, size, 0644, reterr);
}

static int make_extents(struct made_release *r, ingot_error *reterr)
{
        size_t count = (r->uki.size + MADE_EXTENT - 1) / MADE_EXTENT;
        r->release.extent_size = MADE_EXTENT;
        r->release.extents = malloc(count * INGOT_SHA256_SIZE);
        if (!r->release.extents)
                return ingot_fail_nomem(reterr);
        for (; r->release.extent_count < count; r->release.extent_count++) {
                size_t at = r->release.extent_count * MADE_EXTENT;
                size_t n = r->uki.size - at < MADE_EXTENT ? r->uki.size - at : MADE_EXTENT;
                ingot_sha256_of(r->uki.data + at, n,
                                r->release.extents + r->release.extent_count * INGOT_SHA256_SIZE);
        }
        return 0;
}

static int make_release(struct made_update *u, unsigned version, ingot_error *reterr)
{
        struct made_release *r = u->versions + version - 1;
        struct ingot_release *release = &r->release;
        char names[4][128];
        make_root(r, version);
        snprintf(names[0], sizeof(names[0]), "test_%u.root.raw", version);
        snprintf(names[1], sizeof(names[1]), "test_%u.verity.raw", version);
        snprintf(names[2], sizeof(names[2]), "test_%u.sig.raw", version);
        snprintf(names[3], sizeof(names[3]), "test_%u.efi", version);
        int e = make_uki(r, version, reterr);
        if (e >= 0)
                e = ingot_format(&release->version, reterr, "%u", version);
        if (e >= 0)
                e = put_part(u, &release->root, names[0], r->image.data, r->image.data_size,
                             reterr);
        if (e >= 0)
                e = put_part(u, &release->tree, names[1], r->image.tree, r->image.tree_size,
                             reterr);
        if (e >= 0)
                e = put_part(u, &release->signature, names[2], r->signature.data, r->signature.size,
                             reterr);
        if (e >= 0)
                e = put_part(u, &release->uki, names[3], r->uki.data, r->uki.size, reterr);
        release->rollout = 100;
        release->verity = r->image.verity;
        memcpy(release->root_hash, r->image.root_hash, INGOT_SHA256_SIZE);
        return e < 0 ? e : make_extents(r, reterr);
}

/* ---- the machine ---- */

static int add_slot(struct ingot_gpt *gpt, const struct made_release *r, ingot_error *reterr)
{
        static const struct ingot_uuid seed = {{9}};
        static const char *const types[] = {"root-x86-64", "root-x86-64-verity",
                                            "root-x86-64-verity-sig"};
        static const uint64_t sizes[] = {MIB + 65536, 65536, 16384};
        int e = 0;
        for (size_t i = 0; e >= 0 && i < ARRAY_SIZE(types); i++) {
                const struct ingot_uuid uuids[] = {ingot_verity_data_uuid(r->image.root_hash),
                                                   ingot_verity_hash_uuid(r->image.root_hash)};
                const bool full = gpt->partition_count < 3;
                const struct ingot_gpt_request q = {
                        .type = ingot_partition_type_by_name(types[i])->uuid,
                        .uuid = full && i < 2 ? uuids[i] : (struct ingot_uuid){{0}},
                        .seed = &seed,
                        .size = sizes[i],
                        .align = 65536,
                        .attributes = INGOT_GPT_READ_ONLY | (full ? 0 : INGOT_GPT_NO_AUTO),
                        .name = full ? "test_1" : "_empty"};
                e = ingot_gpt_add(gpt, &q, NULL, reterr);
        }
        return e;
}

static int write_disk(const struct made_update *u, ingot_error *reterr)
{
        static const struct ingot_uuid uuid = {{2}};
        _cleanup_free_ struct ingot_gpt *gpt = malloc(sizeof(*gpt));
        _cleanup_outfile_ struct ingot_outfile disk = INGOT_OUTFILE_NONE;
        const struct made_release *r = u->versions;
        ingot_gpt_init(gpt, 512, &uuid);
        int e = add_slot(gpt, r, reterr);
        if (e >= 0)
                e = add_slot(gpt, r, reterr);
        if (e >= 0)
                e = ingot_gpt_set_size(gpt, 0, 0, reterr);
        if (e >= 0)
                e = ingot_outfile_create(&disk, u->disk, 0644, reterr);
        if (e < 0)
                return e;
        const struct ingot_writer w = ingot_outfile_writer(&disk);
        const struct ingot_buffer parts[] = {{.data = r->image.data, .size = r->image.data_size},
                                             {.data = r->image.tree, .size = r->image.tree_size},
                                             r->signature};
        for (size_t i = 0; e >= 0 && i < ARRAY_SIZE(parts); i++)
                e = ingot_write_at(&w, ingot_gpt_offset(gpt, gpt->partitions + i), parts[i].data,
                                   parts[i].size, reterr);
        if (e >= 0)
                e = ingot_gpt_write(gpt, &w, reterr);
        return e < 0 ? e : ingot_outfile_commit(&disk, reterr);
}

static int put_below(const char *folder, const char *name, const void *data, size_t size,
                     ingot_error *reterr)
{
        char path[1024], *slash;
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        slash = strrchr(path, '/');
        *slash = 0;
        int r = ingot_make_directories(path, 0755, reterr);
        *slash = '/';
        return r < 0 ? r : ingot_outfile_put(path, data, size, 0644, reterr);
}

static int make_machine(const struct made_update *u, ingot_error *reterr)
{
        static const char release[] = "ID=test\nVERSION_ID=1\nIMAGE_ID=test\nIMAGE_VERSION=1\n";
        static const char id[] = "00112233445566778899aabbccddeeff\n";
        static const struct made_section loader[] = {{".text", "loader"}};
        struct ingot_span pe = make_pe(INGOT_PE_MACHINE_X86_64, loader, 1);
        char line[128];
        snprintf(line, sizeof(line), "quiet roothash=%s\n", u->versions[0].hash);
        int r = write_disk(u, reterr);
        if (r >= 0)
                r = put_below(u->esp, LOADER, pe.data, pe.size, reterr);
        free((void *) pe.data);
        if (r >= 0)
                r = put_below(u->esp, "EFI/Linux/test_1.efi", u->versions[0].uki.data,
                              u->versions[0].uki.size, reterr);
        if (r >= 0)
                r = put_below(u->root, "usr/lib/os-release", release, sizeof(release) - 1, reterr);
        if (r >= 0)
                r = put_below(u->root, "etc/machine-id", id, sizeof(id) - 1, reterr);
        return r < 0 ? r : put_below(u->root, "proc/cmdline", line, strlen(line), reterr);
}

int make_update(struct made_update *u, const char *folder, ingot_error *reterr)
{
        memset(u, 0, sizeof(*u));
        snprintf(u->folder, sizeof(u->folder), "%s", folder);
        snprintf(u->disk, sizeof(u->disk), "%s/disk.raw", folder);
        snprintf(u->esp, sizeof(u->esp), "%s/esp", folder);
        snprintf(u->root, sizeof(u->root), "%s/machine", folder);
        snprintf(u->releases, sizeof(u->releases), "%s/releases", folder);
        int r = ingot_make_directories(u->releases, 0755, reterr);
        for (unsigned i = 1; r >= 0 && i <= MADE_VERSIONS; i++)
                r = make_release(u, i, reterr);
        return r < 0 ? r : make_machine(u, reterr);
}

void made_update_done(struct made_update *u)
{
        for (size_t i = 0; i < MADE_VERSIONS; i++) {
                walk_image_done(&u->versions[i].image);
                ingot_buffer_done(&u->versions[i].uki);
                ingot_buffer_done(&u->versions[i].signature);
                ingot_release_done(&u->versions[i].release);
        }
}

int made_machine(const struct made_update *u, bool writable, struct ingot_machine *ret,
                 ingot_error *reterr)
{
        const struct ingot_machine_options o = {
                .root = u->root, .disk = u->disk, .esp = u->esp, .writable = writable};
        return ingot_machine_open(&o, ret, reterr);
}

int made_apply(const struct made_update *u, struct made_apply *a, ingot_error *reterr)
{
        const struct ingot_release *release = &u->versions[a->version - 1].release;
        _cleanup_machine_ struct ingot_machine m = INGOT_MACHINE_NONE;
        _cleanup_update_target_ struct ingot_update_target t = {0};
        _cleanup_source_ struct ingot_source source = {0};
        const struct ingot_source_options none = {0};
        int r = made_machine(u, true, &m, reterr);
        if (r >= 0)
                r = ingot_update_target_choose(&m, release, &t, reterr);
        if (r >= 0)
                r = ingot_source_open(u->releases, &none, &source, reterr);
        if (r < 0)
                return r;
        const struct ingot_apply_options o = {.sources = &source,
                                              .source_count = 1,
                                              .threads = 1,
                                              .dry_run = a->dry_run,
                                              .watch = a->watch,
                                              .progress = a->progress,
                                              .context = a->context};
        a->work = t.work;
        return ingot_update_apply(&m, release, &t, &o, &a->figures, reterr);
}

int made_become(const struct made_update *u, unsigned version, ingot_error *reterr)
{
        char text[256], from[1024], to[1024];
        snprintf(text, sizeof(text), "roothash=%s\n", u->versions[version - 1].hash);
        int r = put_below(u->root, "proc/cmdline", text, strlen(text), reterr);
        snprintf(text, sizeof(text), "ID=test\nIMAGE_ID=test\nIMAGE_VERSION=%u\n", version);
        if (r >= 0)
                r = put_below(u->root, "usr/lib/os-release", text, strlen(text), reterr);
        snprintf(from, sizeof(from), "%s/EFI/Linux/test_%u+3-0.efi", u->esp, version);
        snprintf(to, sizeof(to), "%s/EFI/Linux/test_%u.efi", u->esp, version);
        return r < 0 ? r : ingot_file_rename(from, to, reterr);
}

/* ---- what would boot ---- */

static unsigned version_of(const struct made_update *u, const struct ingot_inode *uki)
{
        for (unsigned i = 0; i < MADE_VERSIONS; i++) {
                const struct ingot_buffer *want = &u->versions[i].uki;
                _cleanup_free_ uint8_t *have = NULL;
                size_t size;
                if (uki->content.size == want->size &&
                    ingot_inode_read(uki, want->size, &have, &size, NULL) >= 0 &&
                    memcmp(have, want->data, size) == 0)
                        return i + 1;
        }
        return 0;
}

static int check_slot(const struct made_update *u, unsigned version,
                      const struct ingot_reader *disk, ingot_error *reterr)
{
        _cleanup_free_ struct ingot_gpt *gpt = malloc(sizeof(*gpt));
        const uint8_t *hash = u->versions[version - 1].image.root_hash;
        const struct ingot_uuid uuids[] = {ingot_verity_data_uuid(hash),
                                           ingot_verity_hash_uuid(hash)};
        static const char *const types[] = {"root-x86-64", "root-x86-64-verity"};
        const struct ingot_verity_check_options options = {.threads = 1};
        struct ingot_reader parts[2];
        int r = ingot_gpt_read(disk, gpt, reterr);
        for (size_t i = 0; r >= 0 && i < 2; i++) {
                const struct ingot_gpt_partition *p = ingot_gpt_by_uuid(gpt, uuids + i);
                if (!p ||
                    !ingot_uuid_equal(&p->type, &ingot_partition_type_by_name(types[i])->uuid))
                        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no %s of version %u", types[i],
                                          version);
                r = ingot_reader_part(disk, ingot_gpt_offset(gpt, p), ingot_gpt_size(gpt, p),
                                      parts + i, reterr);
        }
        return r < 0 ? r : ingot_verity_check(parts, parts + 1, hash, &options, reterr);
}

unsigned made_boots(const struct made_update *u, const struct ingot_tree *esp,
                    const struct ingot_reader *disk, ingot_error *reterr)
{
        _cleanup_boot_chain_ struct ingot_boot_chain chain = {0};
        _cleanup_strings_ struct ingot_strings notes = {0};
        if (ingot_boot_chain_find(esp, NULL, &chain, &notes, reterr) < 0)
                return 0;
        unsigned version = version_of(u, chain.uki);
        if (version == 0) {
                ingot_fail(reterr, INGOT_E_FORMAT, "%s is of no release", chain.uki_path);
                return 0;
        }
        return check_slot(u, version, disk, reterr) < 0 ? 0 : version;
}
