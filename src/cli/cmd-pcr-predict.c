/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot pcr predict IMAGE|DIR|ESP|UKI */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/table.h"
#include "format/edk2-variables.h"
#include "image/esp-open.h"
#include "measure/boot-chain.h"
#include "measure/component-folder.h"
#include "measure/firmware-component.h"
#include "measure/measurement-components.h"
#include "measure/predict.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

struct predict_options {
        const char *profile, *uki, *pcrlock, *firmware, *variables;
        struct ingot_strings credentials, sysexts, confexts, addons;
};

static const struct option rows[] = {
        STRING(0, "profile", "N", struct predict_options, profile,
               "Only this profile of the UKI; otherwise all are computed, and 0 is shown"),
        STRING(0, "uki", "NAME", struct predict_options, uki,
               "This UKI of the ESP, not the one that the loader would start"),
        STRINGS(0, "credential", "FILE", struct predict_options, credentials,
                "As if this credential (NAME.cred) stood beside the UKI; may be repeated"),
        STRINGS(0, "sysext", "FILE", struct predict_options, sysexts,
                "The same with a system extension (NAME.raw)"),
        STRINGS(0, "confext", "FILE", struct predict_options, confexts,
                "The same with a configuration extension (NAME.confext.raw)"),
        STRINGS(0, "addon", "FILE", struct predict_options, addons,
                "The same with an addon (NAME.addon.efi)"),
        STRING(0, "vars", "FILE", struct predict_options, variables,
               "Tell PCR 7, too, of firmware with this variable store of edk2 (OVMF_VARS.fd)"),
        STRING(0, "pcrlock", "DIR", struct predict_options, pcrlock,
               "Write components for systemd-pcrlock into this folder, and list them"),
        STRING(0, "firmware", "LOG", struct predict_options, firmware,
               "With --pcrlock, those of firmware, too, out of this event log of the machine"),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static bool ends_with(const char *text, const char *suffix)
{
        size_t n = strlen(text), m = strlen(suffix);
        return n > m && strcasecmp(text + n - m, suffix) == 0;
}

/* Lays files beside the UKI, where the stub looks for what has such a name. */
static int add_files(struct ingot_esp_view *esp, const char *folder,
                     const struct ingot_strings *files, const char *option, const char *suffix,
                     ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < files->count; i++) {
                const char *file = files->items[i];
                bool confext = strcmp(option, "sysext") == 0 && ends_with(file, ".confext.raw");
                if (!ends_with(file, suffix) || confext)
                        return ingot_fail(reterr, INGOT_E_USAGE,
                                          "--%s=%s: the stub knows what a file is by its name, "
                                          "which must be NAME%s%s",
                                          option, file, suffix,
                                          confext ? " but not NAME.confext.raw" : "");
                r = ingot_esp_view_add(esp, folder, file, reterr);
        }
        return r;
}

static int add_all(struct ingot_esp_view *esp, const struct predict_options *o, ingot_error *reterr)
{
        _cleanup_boot_chain_ struct ingot_boot_chain chain = {0};
        _cleanup_strings_ struct ingot_strings notes = {0};
        if (o->credentials.count + o->sysexts.count + o->confexts.count + o->addons.count == 0)
                return 0;
        int r = ingot_boot_chain_find(esp->tree, o->uki, &chain, &notes, reterr);
        if (r >= 0)
                r = add_files(esp, chain.extra_path, &o->credentials, "credential", ".cred",
                              reterr);
        if (r >= 0)
                r = add_files(esp, chain.extra_path, &o->sysexts, "sysext", ".raw", reterr);
        if (r >= 0)
                r = add_files(esp, chain.extra_path, &o->confexts, "confext", ".confext.raw",
                              reterr);
        return r < 0 ? r
                     : add_files(esp, chain.extra_path, &o->addons, "addon", ".addon.efi", reterr);
}

static void print_program(const char *title, const struct ingot_measured_program *p)
{
        if (!p->path)
                return;
        printf("%s: ", title);
        print_text(stdout, p->path);
        printf(" (");
        print_text(stdout, p->info ? p->info : "it does not say who made it");
        printf(")\n");
}

/* What was looked at, before any figures. */
static void print_head(const struct ingot_measurement *m, const struct ingot_measured_profile *p)
{
        print_program("Loader", &m->loader);
        if (!m->loader.path)
                printf("Loader: none, firmware starts the UKI\n");
        print_program("UKI", &m->uki);
        printf("Profile: %" PRIu32, p->profile);
        if (p->title)
                printf(", ");
        print_text(stdout, p->title ? p->title : "");
        printf("\n");
        for (size_t i = 0; i < m->notes.count; i++) {
                printf("Note: ");
                print_text(stdout, m->notes.items[i]);
                printf("\n");
        }
}

static int print_events(const struct ingot_measured_profile *p, ingot_error *reterr)
{
        static const struct table_column columns[] = {{"PCR", true, false},
                                                      {"BY", false, false},
                                                      {"STATE", false, false},
                                                      {"WHAT", false, true}};
        _cleanup_table_ struct table t = TABLE(columns);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < p->count; i++) {
                const struct ingot_measured_event *e = p->events + i;
                r = table_addf(&t, reterr, "%" PRIu32, e->record.pcr);
                if (r >= 0)
                        r = table_add(&t, ingot_measurer_name(e->by), reterr);
                if (r >= 0)
                        r = table_add(&t, ingot_measured_state_name(e->state), reterr);
                if (r >= 0)
                        r = table_add(&t, e->what, reterr);
        }
        if (r >= 0)
                table_print(&t, stdout);
        return r;
}

/* The phases whose value is not that of the phase before: PCR 11 has one for each. */
static int print_pcr(const struct ingot_measured_profile *p, uint32_t number, bool secure_boot,
                     ingot_error *reterr)
{
        struct ingot_pcr before = {0};
        int before_state = -1;
        for (enum ingot_phase phase = INGOT_PHASE_ENTER_INITRD; phase < INGOT_PHASE_MAX; phase++) {
                char hex[2 * INGOT_BANK_SIZE_MAX + 1] = "unknown";
                struct ingot_pcr pcr = {0};
                int state = ingot_measured_value(p, number, phase, secure_boot, &pcr, NULL, reterr);
                if (state < 0)
                        return state;
                if (state == before_state && memcmp(&pcr, &before, sizeof(pcr)) == 0)
                        continue;
                if (state != INGOT_MEASURED_UNKNOWN)
                        ingot_hex(hex, pcr.value[INGOT_BANK_SHA256],
                                  ingot_bank_size(INGOT_BANK_SHA256));
                printf("%2" PRIu32 " %s%s%s%s\n", number, hex, number == 11 ? " " : "",
                       number == 11 ? ingot_phase_name(phase) : "",
                       !ingot_measured_depends(p, number) ? ""
                       : secure_boot                      ? " on"
                                                          : " off");
                before = pcr;
                before_state = state;
        }
        return 0;
}

static int print_values(const struct ingot_measured_profile *p, ingot_error *reterr)
{
        struct ingot_pcr pcr;
        bool depends = false;
        int r = 0;
        for (unsigned i = 0; i < INGOT_MEASURED_PCR_COUNT; i++)
                depends = depends || ingot_measured_depends(p, ingot_measured_pcrs[i]);
        printf("\nPCRs (sha256)%s:\n", depends ? ", with Secure Boot off and on" : "");
        for (unsigned i = 0; r >= 0 && i < INGOT_MEASURED_PCR_COUNT; i++)
                for (unsigned on = 0; r >= 0 && on < 2; on++)
                        if (on == 0 || ingot_measured_depends(p, ingot_measured_pcrs[i]))
                                r = print_pcr(p, ingot_measured_pcrs[i], on == 1, reterr);
        if (r >= 0 && ingot_measured_value(p, 7, INGOT_PHASE_READY, false, &pcr, NULL, reterr) !=
                              INGOT_MEASURED_UNKNOWN)
                r = print_pcr(p, 7, false, reterr);
        return r;
}

/* Each PCR that is not final, and the first reason why. */
static int print_doubts(const struct ingot_measured_profile *p, ingot_error *reterr)
{
        for (unsigned i = 0; i < INGOT_MEASURED_PCR_COUNT; i++) {
                const struct ingot_measured_event *why;
                struct ingot_pcr pcr;
                int state = ingot_measured_value(p, ingot_measured_pcrs[i], INGOT_PHASE_READY,
                                                 false, &pcr, &why, reterr);
                if (state < 0)
                        return state;
                if (state == INGOT_MEASURED_FINAL)
                        continue;
                printf("\nPCR %" PRIu32 " is %s, because of: ", ingot_measured_pcrs[i],
                       ingot_measured_state_name(why->state));
                print_text(stdout, why->what);
                printf(";\n  ");
                print_text(stdout, why->reason);
                printf("\n");
        }
        return 0;
}

static int print_all(const struct ingot_measurement *m, ingot_error *reterr)
{
        const struct ingot_measured_profile *p = m->profiles;
        print_head(m, p);
        printf("\n");
        int r = print_events(p, reterr);
        if (r >= 0)
                r = print_values(p, reterr);
        return r < 0 ? r : print_doubts(p, reterr);
}

static int print_as_json(const struct ingot_measurement *m, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_measurement_json(m, &o, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

/* What firmware did on a machine, as components. */
static int add_firmware(const char *path, struct ingot_components *c, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_free_ char *note = NULL;
        _cleanup_eventlog_ struct ingot_eventlog log = {0};
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_EVENTLOG_SIZE_MAX, &bytes, &size, reterr);
        if (r < 0)
                return r;
        r = ingot_eventlog_decode(INGOT_SPAN(bytes, size), &log, reterr);
        if (r >= 0)
                r = ingot_firmware_components(&log, c, &note, reterr);
        if (r >= 0 && note)
                print_warning(note);
        return r < 0 ? ingot_under(reterr, r, "%s", path) : r;
}

static int write_components(const struct ingot_measurement *m, const struct predict_options *o,
                            ingot_error *reterr)
{
        _cleanup_components_ struct ingot_components c = {0};
        int r = o->firmware ? add_firmware(o->firmware, &c, reterr) : 0;
        if (r >= 0)
                r = ingot_measurement_components(m, &c, reterr);
        if (r >= 0)
                r = ingot_components_write(&c, o->pcrlock, reterr);
        for (size_t i = 0; r >= 0 && i < c.count; i++)
                for (size_t k = 0; k < c.items[i].count; k++) {
                        const struct ingot_variant *v = c.items[i].variants + k;
                        print_text(stdout, c.items[i].id);
                        printf(".pcrlock%s", v->own ? "\n" : ".d/");
                        print_text(stdout, v->own ? "" : v->id);
                        printf("%s", v->own ? "" : ".pcrlock\n");
                }
        return r;
}

static int read_variables(const char *path, struct ingot_edk2_variables *ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_EDK2_FILE_MAX, &bytes, &size, reterr);
        if (r >= 0)
                r = ingot_under(reterr,
                                ingot_edk2_variables_decode(INGOT_SPAN(bytes, size), ret, reterr),
                                "%s", path);
        return r;
}

static int parse_profile(const char *text, struct ingot_predict_options *ret, ingot_error *reterr)
{
        uint64_t value;
        if (!text)
                return 0;
        if (!ingot_parse_u64(text, &value) || value >= INGOT_MEASURED_PROFILES_MAX)
                return ingot_fail(reterr, INGOT_E_USAGE, "--profile: not a profile's number: '%s'",
                                  text);
        ret->one = true;
        ret->profile = (uint32_t) value;
        return 0;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct predict_options *o = in->options;
        const char *where = in->operands[0];
        _cleanup_esp_view_ struct ingot_esp_view esp = INGOT_ESP_VIEW_NONE;
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_edk2_variables_ struct ingot_edk2_variables variables = {0};
        struct ingot_predict_options wanted = {.uki = o->uki};
        if (o->firmware && !o->pcrlock)
                return ingot_fail(reterr, INGOT_E_USAGE, "--firmware goes with --pcrlock");
        if (o->pcrlock && in->json)
                return ingot_fail(reterr, INGOT_E_USAGE, "--json and --pcrlock exclude each other");
        int r = parse_profile(o->profile, &wanted, reterr);
        if (r >= 0)
                r = ingot_esp_view_open(&esp, where, reterr);
        if (r >= 0 && o->variables) {
                r = read_variables(o->variables, &variables, reterr);
                wanted.variables = &variables;
        }
        if (r < 0)
                return r;
        r = add_all(&esp, o, reterr);
        if (r >= 0)
                r = ingot_measurement_predict(esp.tree, &wanted, &m, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", where);
        if (o->pcrlock)
                return write_components(&m, o, reterr);
        return in->json ? print_as_json(&m, reterr) : print_all(&m, reterr);
}

static const struct example examples[] = {
        {"ingot pcr predict image.raw", "Show what a machine measures when it starts an image"},
        {"ingot pcr predict --json image.raw", "The same for a program: a measurement manifest"},
        {"ingot pcr predict --credential=a.cred image.raw",
         "See what a credential beside the UKI changes"},
        {"ingot pcr predict --pcrlock=pcrlock.d image.raw",
         "Write the components that systemd-pcrlock makes a policy of"},
        {"ingot pcr predict image.efi", "Look at a UKI alone, which firmware starts itself"},
        {0},
};

const struct command cmd_pcr_predict = {
        .name = "pcr predict",
        .synopsis = "IMAGE|DIR|ESP|UKI",
        .summary = "Tell what a machine will measure, before it starts",
        .details =
                "Looks at an ESP (in the image of a disk, as a file, or the folder where it is "
                "mounted) or at a UKI, and computes what firmware, systemd-boot, systemd-stub, the "
                "kernel and the initrd will measure: the events in their order, and the values of "
                "PCR 4, 9, 11, 12 and 13 that follow. No TPM is needed. What stub and loader do "
                "depends on their version (252 to 262), which is read out of them.\n"
                "\n"
                "What depends on the machine or on chance is \"unknown\", and the reason is told. "
                "\"provisional\" is what changes when the image is signed.\n"
                "\n"
                "It is told for a firmware that starts the loader at once and measures what the "
                "TCG "
                "specification has it measure, and for a machine that adds nothing to the command "
                "line. The table shows SHA-256; --json has all banks, all profiles, and the "
                "registers of a TDX machine (docs/formats/measurement.md).\n"
                "\n"
                "PCR 7 follows from the keys in firmware: with --vars, a variable store as ingot "
                "boot takes it and ingot key enroll makes it, it is told. Where Secure Boot is on, "
                "addons that it refuses are left out, and loader and UKI must pass.\n"
                "\n"
                "With --pcrlock loader, UKI and what follows become components of systemd-pcrlock, "
                "each profile a variant; with --vars what firmware measures of its keys, too. What "
                "is unknown is left out: systemd-pcrlock does not use "
                "a PCR in which it sees what no component explains.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .options_size = sizeof(struct predict_options),
        .run = run,
};
