/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel, stub and initrd out of the tree; then, with the root hash, the UKI and the ESP's tree. */
#include "base/cleanup.h"
#include "base/size.h"
#include "format/fat.h"
#include "format/partition-type.h"
#include "format/uki.h"
#include "image/build-measurement.h"
#include "image/build-state.h"
#include "image/build-update.h"
#include "image/esp.h"
#include "image/hermetic.h"
#include "image/init-program.h"
#include "image/initrd.h"
#include "image/modules.h"

#include <stdlib.h>
#include <string.h>

#define PROGRAM_MAX ((size_t) 256 << 20)

static int read_program(const struct ingot_inode *inode, struct ingot_buffer *ret,
                        ingot_error *reterr)
{
        uint8_t *data;
        size_t size;
        int r = ingot_inode_read(inode, PROGRAM_MAX, &data, &size, reterr);
        if (r >= 0)
                *ret = (struct ingot_buffer){.data = data, .size = size, .allocated = size + 1};
        return r;
}

static int find_programs(struct ingot_build *b, ingot_error *reterr)
{
        struct ingot_inode *stub;
        int r = ingot_kernel_find(b->tree, ingot_recipe_text(b->recipe, INGOT_BOOT_KERNEL),
                                  &b->kernel, reterr);
        if (r >= 0)
                r = read_program(b->kernel.image, &b->kernel_image, reterr);
        if (r >= 0)
                r = ingot_stub_find(b->tree, "x64", &stub, reterr);
        if (r >= 0)
                r = read_program(stub, &b->stub, reterr);
        if (r >= 0)
                r = ingot_loader_info(stub, &b->stub_info, reterr);
        return r;
}

static int wanted_modules(const struct ingot_build *b, struct ingot_strings *ret,
                          ingot_error *reterr)
{
        const struct ingot_strings *more = ingot_recipe_list(b->recipe, INGOT_BOOT_MODULES);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ingot_modules_default_count; i++)
                r = ingot_strings_add(ret, ingot_modules_default[i], reterr);
        for (size_t i = 0; r >= 0 && i < more->count; i++)
                r = ingot_strings_add(ret, more->items[i], reterr);
        for (const char *const *m = ingot_watchdog_modules;
             r >= 0 && ingot_build_watchdog(b->recipe) > 0 && *m; m++)
                r = ingot_strings_add(ret, *m, reterr);
        return r;
}

static int make_initrd(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings modules = {0};
        const struct ingot_partition_type *type = ingot_partition_type_by_name("var");
        struct ingot_uuid var = ingot_gpt_uuid_from_seed(&b->seed, &type->uuid, 1);
        struct ingot_initrd_options options = {
                .version = b->kernel.version,
                .init = ingot_init_program(),
                .shell = ingot_recipe_bool(b->recipe, INGOT_BOOT_SHELL),
                .var = &var,
                .restart = ingot_build_has_update(b->recipe),
                .watchdog = ingot_build_watchdog(b->recipe),
                .mtime = 0, /* so that an initrd of the same files is the same */
                .log = b->options->log};
        int r = wanted_modules(b, &modules, reterr);
        if (r < 0)
                return r;
        if (!ingot_etc_mode_parse(ingot_recipe_text(b->recipe, INGOT_BOOT_ETC), &options.etc))
                return ingot_fail(reterr, INGOT_E_INTERNAL, "Boot.Etc");
        options.modules = (const char *const *) modules.items;
        options.module_count = modules.count;
        return ingot_under(reterr, ingot_initrd_build(b->tree, &options, &b->initrd, reterr),
                           "initrd");
}

static bool has_one(const struct ingot_build *b, const char *const *paths)
{
        for (; *paths; paths++)
                if (ingot_tree_resolve(b->tree, *paths))
                        return true;
        return false;
}

/* systemd measures the later phases of a boot with a program of its own, which distributions may
 * have in a package apart, through libtss2, which it loads when it is there. */
static bool has_tss(const struct ingot_build *b)
{
        static const char *const libraries[] = {"usr/lib/x86_64-linux-gnu/libtss2-esys.so.0",
                                                "usr/lib64/libtss2-esys.so.0",
                                                "usr/lib/libtss2-esys.so.0", NULL};
        static const char *const programs[] = {"usr/lib/systemd/systemd-pcrextend",
                                               "usr/lib/systemd/systemd-pcrphase", NULL};
        return has_one(b, libraries) && has_one(b, programs);
}

/* Without it an image is measured up to its initrd, which is well; only who binds a secret to a
 * later phase is told. */
static void warn_unmeasured(const struct ingot_build *b)
{
        if (b->measures_phases || !ingot_recipe_text(b->recipe, INGOT_SIGNING_PCR_PUBLIC_KEY))
                return;
        ingot_warn(b->options->log,
                   "no libtss2-esys or no systemd-pcrextend in the tree: the phases sysinit and "
                   "ready are not measured, and what is sealed to them stays closed; add the "
                   "packages (Debian 13: libtss2-esys-3.0.2-0t64 libtss2-rc0t64; where "
                   "there is one, systemd-tpm) to Packages.Install");
}

int ingot_build_kernel(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings removed = {0};
        int r = find_programs(b, reterr);
        b->measures_phases = has_tss(b);
        if (r >= 0)
                warn_unmeasured(b);
        if (r >= 0)
                r = make_initrd(b, reterr);
        if (r >= 0)
                r = ingot_kernel_empty_boot(b->tree, &removed, reterr);
        if (r < 0)
                return r;
        b->kernel.image = NULL; /* went with /boot, perhaps */
        return ingot_dpkg_forget(b->tree, &removed, b->timestamp, reterr);
}

int ingot_build_check_command_line(const struct ingot_recipe *recipe, ingot_error *reterr)
{
        const struct ingot_strings *words = ingot_recipe_list(recipe, INGOT_BOOT_COMMAND_LINE);
        const struct ingot_strings *origins = &recipe->values[INGOT_BOOT_COMMAND_LINE].origins;
        size_t quotes = 0;
        for (size_t i = 0; i < words->count; i++) {
                for (const char *c = words->items[i]; *c; c++)
                        quotes += *c == '"';
                int r = ingot_command_line_check(words->items[i], "Boot.CommandLine",
                                                 origins->items[i], reterr);
                if (r < 0)
                        return r;
        }
        if (quotes % 2)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "%s: Boot.CommandLine opens a quote that it does not close",
                                  origins->items[0]);
        return 0;
}

int ingot_build_profile_line(const char *command_line, const struct ingot_profile *profile,
                             char **ret, ingot_error *reterr)
{
        bool more = profile->words && *profile->words;
        return ingot_format(ret, reterr, "%s%s%s", command_line, more ? " " : "",
                            more ? profile->words : "");
}

static int make_command_line(const struct ingot_build *b, char **ret, ingot_error *reterr)
{
        const struct ingot_strings *words = ingot_recipe_list(b->recipe, INGOT_BOOT_COMMAND_LINE);
        _cleanup_buffer_ struct ingot_buffer line = {0};
        char hex[2 * INGOT_SHA256_SIZE + 1];
        ingot_hex(hex, b->root_hash, INGOT_SHA256_SIZE);
        int r = ingot_buffer_printf(&line, reterr, "roothash=%s", hex);
        for (size_t i = 0; r >= 0 && i < words->count; i++)
                r = ingot_buffer_printf(&line, reterr, " %s", words->items[i]);
        if (r >= 0)
                r = ingot_build_update_words(b->recipe, &line, reterr);
        if (r >= 0)
                *ret = (char *) ingot_buffer_take(&line);
        return r;
}

/* The sections of the UKI, and what they point to. */
struct sections {
        struct ingot_uki_input *inputs;
        struct ingot_span *spans;
        char **lines; /* command lines of the profiles */
        size_t count, line_count;
};

static void sections_done(struct sections *s)
{
        for (size_t i = 0; i < s->line_count; i++)
                free(s->lines[i]);
        free(s->lines);
        free(s->inputs);
        free(s->spans);
}

static void add_section(struct sections *s, enum ingot_uki_kind kind, const void *data, size_t size)
{
        s->spans[s->count] = INGOT_SPAN(data, size);
        s->inputs[s->count] =
                (struct ingot_uki_input){kind, ingot_reader_of_span(&s->spans[s->count])};
        s->count++;
}

/* The first profile is the UKI itself; of the others only the command line is their own. */
static int add_profiles(const struct ingot_build *b, const char *command_line, struct sections *s,
                        ingot_error *reterr)
{
        for (size_t i = 0; i < b->profiles.count; i++) {
                const struct ingot_profile *p = b->profiles.items + i;
                add_section(s, INGOT_UKI_PROFILE, p->text, strlen(p->text));
                if (i == 0)
                        continue;
                char **line = s->lines + s->line_count;
                int r = ingot_build_profile_line(command_line, p, line, reterr);
                if (r < 0)
                        return r;
                s->line_count++;
                add_section(s, INGOT_UKI_CMDLINE, *line, strlen(*line));
        }
        return 0;
}

static int write_uki(const struct ingot_build *b, const char *command_line,
                     const struct ingot_writer *out, uint64_t *ret_size, ingot_error *reterr)
{
        size_t most = INGOT_UKI_OTHER + 2 * b->profiles.count;
        _cleanup_(sections_done) struct sections s = {
                .inputs = calloc(most, sizeof(*s.inputs)),
                .spans = calloc(most, sizeof(*s.spans)),
                .lines = calloc(b->profiles.count + 1, sizeof(*s.lines))};
        struct ingot_inode *release = ingot_tree_resolve(b->tree, "etc/os-release");
        if (!release)
                release = ingot_tree_resolve(b->tree, "usr/lib/os-release");
        if (!release || release->type != INGOT_FILE_REGULAR)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no os-release in the tree");
        if (!s.inputs || !s.spans || !s.lines)
                return ingot_fail_nomem(reterr);
        s.inputs[s.count++] = (struct ingot_uki_input){INGOT_UKI_OSREL, release->content};
        add_section(&s, INGOT_UKI_CMDLINE, command_line, strlen(command_line));
        add_section(&s, INGOT_UKI_UNAME, b->kernel.version, strlen(b->kernel.version));
        add_section(&s, INGOT_UKI_SBAT, ingot_uki_sbat, strlen(ingot_uki_sbat));
        add_section(&s, INGOT_UKI_LINUX, b->kernel_image.data, b->kernel_image.size);
        add_section(&s, INGOT_UKI_INITRD, b->initrd.data, b->initrd.size);
        if (b->pcrsig.size > 0) {
                add_section(&s, INGOT_UKI_PCRPKEY, b->request.pcr_pem.data,
                            b->request.pcr_pem.size);
                add_section(&s, INGOT_UKI_PCRSIG, b->pcrsig.data, b->pcrsig.size);
        }
        int r = add_profiles(b, command_line, &s, reterr);
        return r < 0 ? r
                     : ingot_uki_build(ingot_buffer_span(&b->stub), s.inputs, s.count, out,
                                       ret_size, reterr);
}

static int make_esp(const struct ingot_build *b, struct ingot_reader uki, struct ingot_tree **ret,
                    ingot_error *reterr)
{
        struct ingot_esp_options esp = {
                .system = b->tree,
                .name = b->name,
                .version = b->version,
                .uki = uki,
                .tries = (unsigned) ingot_recipe_number(b->recipe, INGOT_BOOT_TRIES),
                .timeout = ingot_recipe_text(b->recipe, INGOT_BOOT_TIMEOUT),
                .mtime = b->timestamp};
        int r = ingot_under(reterr, ingot_esp_tree(&esp, ret, reterr), "ESP");
        return r < 0 ? r : ingot_build_esp_files(b, *ret, reterr);
}

static int write_nowhere(void *context, uint64_t offset, const void *data, size_t size,
                         ingot_error *reterr)
{
        (void) context;
        (void) offset;
        (void) data;
        (void) size;
        (void) reterr;
        return 0;
}

/* A UKI with another root hash has the size of the one to come. */
int ingot_build_check_esp(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        _cleanup_free_ char *line = NULL;
        const struct ingot_writer nowhere = {.write_at = write_nowhere};
        struct ingot_reader uki = {0};
        uint64_t needed, given = ingot_recipe_number(b->recipe, INGOT_PARTITIONS_ESP_SIZE);
        struct ingot_fat_options options = {.label = "ESP",
                                            .sector_size = (uint32_t) ingot_recipe_number(
                                                    b->recipe, INGOT_PARTITIONS_SECTOR_SIZE),
                                            .time = b->timestamp};
        int r = make_command_line(b, &line, reterr);
        if (r >= 0)
                r = ingot_under(reterr, write_uki(b, line, &nowhere, &uki.size, reterr), "UKI");
        /* Signatures of it and of the loader, which stands there twice. */
        if (ingot_recipe_bool(b->recipe, INGOT_SIGNING_SECURE_BOOT))
                uki.size += 3 * ingot_recipe_number(b->recipe, INGOT_SIGNING_TABLE_SIZE) +
                            ingot_build_esp_signatures(b);
        uki.size += ingot_build_measurement_room(b);
        if (r >= 0)
                r = make_esp(b, uki, &tree, reterr);
        if (r >= 0)
                r = ingot_under(reterr, ingot_fat_size_needed(tree, &options, &needed, reterr),
                                "EFI System Partition");
        if (r < 0 || needed <= given)
                return r;
        return ingot_build_fail_small(b, INGOT_PARTITIONS_ESP_SIZE, "EFI System Partition needs",
                                      needed, reterr);
}

int ingot_uki_extents_new(uint64_t size, struct ingot_uki_extents *ret, ingot_error *reterr)
{
        size_t count = (size_t) ((size + INGOT_UKI_EXTENT - 1) / INGOT_UKI_EXTENT);
        uint8_t *digests = calloc(count + 1, INGOT_SHA256_SIZE);
        if (!digests)
                return ingot_fail_nomem(reterr);
        *ret = (struct ingot_uki_extents){.size = size, .digests = digests, .count = count};
        return 0;
}

int ingot_uki_extents_copy(const struct ingot_uki_extents *e, struct ingot_uki_extents *ret,
                           ingot_error *reterr)
{
        int r = ingot_uki_extents_new(e->size, ret, reterr);
        if (r >= 0)
                memcpy(ret->digests, e->digests, e->count * INGOT_SHA256_SIZE);
        return r;
}

void ingot_uki_extents_done(struct ingot_uki_extents *e)
{
        free(e->digests);
        *e = (struct ingot_uki_extents){0};
}

int ingot_build_uki_extents(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *piece = malloc((size_t) INGOT_UKI_EXTENT);
        _cleanup_(ingot_uki_extents_done) struct ingot_uki_extents e = {0};
        int r = piece ? ingot_uki_extents_new(b->uki_size, &e, reterr) : ingot_fail_nomem(reterr);
        for (size_t i = 0; r >= 0 && i < e.count; i++) {
                uint64_t at = i * INGOT_UKI_EXTENT;
                size_t n = (size_t) ingot_min_u64(INGOT_UKI_EXTENT, e.size - at);
                r = ingot_file_pread(b->uki.fd, at, piece, n, reterr);
                if (r >= 0)
                        ingot_sha256_of(piece, n, e.digests + i * INGOT_SHA256_SIZE);
        }
        if (r < 0)
                return r;
        b->uki_extents = e;
        e = (struct ingot_uki_extents){0};
        return 0;
}

static int read_uki(void *context, uint64_t offset, void *ret, size_t size, ingot_error *reterr)
{
        const struct ingot_build *b = context;
        return ingot_file_pread(b->uki.fd, offset, ret, size, reterr);
}

int ingot_build_uki(struct ingot_build *b, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL, *path = NULL;
        int r = make_command_line(b, &b->command_line, reterr);
        if (r >= 0)
                r = ingot_format(&name, reterr, "%s.efi", b->label);
        if (r >= 0)
                r = ingot_build_output_path(b, name, &path, reterr);
        if (r >= 0)
                r = ingot_outfile_create(&b->uki, path, 0644, reterr);
        if (r >= 0) {
                struct ingot_writer out = ingot_outfile_writer(&b->uki);
                r = write_uki(b, b->command_line, &out, &b->uki_size, reterr);
        }
        if (r < 0)
                return ingot_under(reterr, r, "UKI");
        struct ingot_reader uki = {.read_at = read_uki, .context = b, .size = b->uki_size};
        r = make_esp(b, uki, &b->esp, reterr);
        return r < 0 ? r : ingot_build_measurement(b, reterr);
}
