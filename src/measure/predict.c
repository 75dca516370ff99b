/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The prediction as a whole: what stands on the ESP, firmware, loader, and then each profile. */
#include "measure/predict.h"
#include "base/cleanup.h"
#include "base/utf16.h"
#include "format/loader-info.h"
#include "measure/pcr11.h"
#include "measure/pcrsig.h"
#include "measure/predict-state.h"
#include "format/os-release.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELD_SIZE_MAX ((size_t) 1 << 20)

static void predict_done(struct ingot_predict *p)
{
        for (size_t i = 0; i < p->addon_count; i++)
                ingot_uki_done(&p->addons[i].uki);
        free(p->addons);
        for (unsigned i = 0; i < INGOT_ARCHIVE_MAX; i++)
                ingot_stub_archive_done(&p->archives[i].archive);
        free(p->sections);
        free(p->authorities);
        ingot_secure_boot_done(&p->keys);
        ingot_uki_done(&p->uki);
        ingot_boot_chain_done(&p->chain);
}

static int add(struct ingot_predict *p, const struct ingot_predict_event *e,
               struct ingot_measured_event **ret, ingot_error *reterr)
{
        struct ingot_measured_event *event;
        int r = ingot_measured_profile_add(p->profile, &event, reterr);
        if (r >= 0)
                r = ingot_strdup(&event->component, e->component, reterr);
        if (r < 0)
                return r;
        event->type = e->type;
        event->tag = e->tag;
        event->by = e->by;
        event->phase = e->phase;
        event->confidential = !e->plain && e->by < INGOT_MEASURER_INITRD;
        event->insecure = e->insecure;
        event->record.pcr = e->pcr;
        *ret = event;
        return 0;
}

int ingot_predict_put(struct ingot_predict *p, const struct ingot_predict_event *e,
                      const struct ingot_record *record, ingot_error *reterr, const char *what, ...)
{
        struct ingot_measured_event *event;
        char text[512];
        va_list arguments;
        va_start(arguments, what);
        vsnprintf(text, sizeof(text), what, arguments);
        va_end(arguments);
        int r = add(p, e, &event, reterr);
        if (r < 0)
                return r;
        event->record = *record;
        event->record.pcr = e->pcr;
        event->state = e->provisional ? INGOT_MEASURED_PROVISIONAL : INGOT_MEASURED_FINAL;
        if (e->provisional)
                r = ingot_strdup(&event->reason, e->provisional, reterr);
        return r < 0 ? r : ingot_strdup(&event->what, text, reterr);
}

int ingot_predict_put_data(struct ingot_predict *p, const struct ingot_predict_event *e,
                           struct ingot_span data, const char *what, ingot_error *reterr)
{
        struct ingot_record record = {.banks = (1u << INGOT_BANK_MAX) - 1};
        int r = 0;
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                r = ingot_bank_digest(bank, data, record.digest[bank], reterr);
        return r < 0 ? r : ingot_predict_put(p, e, &record, reterr, "%s", what);
}

int ingot_predict_put_unknown(struct ingot_predict *p, const struct ingot_predict_event *e,
                              const char *what, const char *reason, ingot_error *reterr)
{
        struct ingot_measured_event *event;
        int r = add(p, e, &event, reterr);
        if (r < 0)
                return r;
        event->state = INGOT_MEASURED_UNKNOWN;
        r = ingot_strdup(&event->what, what, reterr);
        return r < 0 ? r : ingot_strdup(&event->reason, reason, reterr);
}

int ingot_predict_note(struct ingot_predict *p, ingot_error *reterr, const char *format, ...)
{
        char text[1024];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        return ingot_strings_add(&p->m->notes, text, reterr);
}

int ingot_predict_utf16(const char *text, struct ingot_buffer *ret, ingot_error *reterr)
{
        size_t size = strlen(text), count;
        _cleanup_free_ uint16_t *units = calloc(size + 1, sizeof(*units));
        if (!units)
                return ingot_fail_nomem(reterr);
        if (!ingot_utf16_from_utf8(text, units, size, &count))
                return 1;
        for (size_t i = 0; i < count; i++)
                if (units[i] >= 0xd800 && units[i] <= 0xdfff)
                        return 1;
        for (size_t i = 0; i <= count; i++) {
                uint8_t bytes[2];
                ingot_le16_store(bytes, i < count ? units[i] : 0);
                int r = ingot_buffer_append(ret, bytes, 2, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What is the firmware's own, and then what the TCG specification has every firmware measure. */
static int put_firmware(struct ingot_predict *p, ingot_error *reterr)
{
        static const struct {
                uint32_t pcr;
                uint32_t type;
                const char *component, *what, *reason;
        } unknown[] = {
                {0, INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB, "250-firmware-code-early",
                 "the firmware's code", "the firmware is the machine's"},
                {1, INGOT_EV_EFI_VARIABLE_BOOT, "250-firmware-config-early",
                 "the firmware's settings", "they are the machine's"},
                {2, INGOT_EV_EFI_BOOT_SERVICES_DRIVER, "550-firmware-code-late",
                 "drivers of devices", "they are the machine's"},
                {3, INGOT_EV_EFI_VARIABLE_BOOT, "550-firmware-config-late", "settings of devices",
                 "they are the machine's"},
        };
        static const char action[] = "Calling EFI Application from Boot Option";
        static const uint8_t zeros[4];
        struct ingot_predict_event e = {.by = INGOT_MEASURER_FIRMWARE};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(unknown); i++) {
                e.pcr = unknown[i].pcr;
                e.type = unknown[i].type;
                e.component = unknown[i].component;
                r = ingot_predict_put_unknown(p, &e, unknown[i].what, unknown[i].reason, reterr);
        }
        if (r >= 0)
                r = ingot_predict_variables(p, reterr);
        e.pcr = 4;
        e.type = INGOT_EV_EFI_ACTION;
        e.component = "350-action-efi-application";
        if (r >= 0)
                r = ingot_predict_put_data(p, &e, INGOT_SPAN(action, sizeof(action) - 1), action,
                                           reterr);
        e.type = INGOT_EV_SEPARATOR;
        for (e.pcr = 0; r >= 0 && e.pcr < 8; e.pcr++) {
                e.component = e.pcr == 7 ? "400-secureboot-separator" : "500-separator";
                r = ingot_predict_put_data(p, &e, INGOT_SPAN(zeros, 4), "separator", reterr);
        }
        e.pcr = 5;
        e.type = INGOT_EV_EFI_GPT_EVENT;
        e.component = "600-gpt";
        return r < 0 ? r
                     : ingot_predict_put_unknown(p, &e, "the partition table",
                                                 "it is the disk's, and grows with it", reterr);
}

static const char *later(const struct ingot_predict *p, const char *why)
{
        return p->signed_later ? why : NULL;
}

static int put_config(struct ingot_predict *p, ingot_error *reterr)
{
        struct ingot_predict_event e = {.by = INGOT_MEASURER_LOADER,
                                        .component = "640-loader-conf",
                                        .pcr = 5,
                                        .type = INGOT_EV_EVENT_TAG,
                                        .tag = INGOT_LOADER_TAG_CONFIG,
                                        .plain = !p->loader->smbios};
        _cleanup_digests_ struct ingot_digests d = {0};
        struct ingot_record record = {0};
        if (!p->chain.config || !p->loader->config)
                return 0;
        ingot_digests_start(&d);
        int r = ingot_digests_read(&d, &p->chain.config->content, reterr);
        if (r >= 0)
                r = ingot_digests_finish(&d, &record, reterr);
        return r < 0 ? r : ingot_predict_put(p, &e, &record, reterr, "loader.conf");
}

static int put_smbios(struct ingot_predict *p, enum ingot_measurer by, ingot_error *reterr)
{
        struct ingot_predict_event e = {
                .by = by, .component = "630-smbios", .pcr = 1, .type = INGOT_EV_EVENT_TAG};
        return ingot_predict_put_unknown(p, &e, "SMBIOS tables 1, 2 and 11",
                                         "they are the machine's", reterr);
}

/* What systemd-boot passes to a UKI, and measures. */
static int put_options(struct ingot_predict *p, ingot_error *reterr)
{
        struct ingot_predict_event e = {.by = INGOT_MEASURER_LOADER,
                                        .component = INGOT_PREDICT_COMPONENT_UKI,
                                        .pcr = 12,
                                        .type = INGOT_EV_IPL};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        char option[16];
        if (!p->loader->implied)
                return ingot_predict_put_unknown(
                        p, &e, "the command line that the loader passes on",
                        "this version measures it, and the stub again when Secure Boot is off",
                        reterr);
        if (p->profile->profile == 0)
                return 0;
        if (!p->loader->profiles)
                return ingot_predict_put_unknown(p, &e, "the choice of the profile",
                                                 "this version of the loader knows no profiles",
                                                 reterr);
        snprintf(option, sizeof(option), "@%" PRIu32, p->profile->profile);
        int r = ingot_predict_utf16(option, &text, reterr);
        return r < 0 ? r
                     : ingot_predict_put_data(p, &e, ingot_buffer_span(&text), "command line @N",
                                              reterr);
}

static int put_image(struct ingot_predict *p, const char *component, const char *provisional,
                     const struct ingot_record *record, const struct ingot_inode *inode,
                     const char *path, ingot_error *reterr)
{
        struct ingot_predict_event e = {.by = INGOT_MEASURER_FIRMWARE,
                                        .component = component,
                                        .pcr = 4,
                                        .type = INGOT_EV_EFI_BOOT_SERVICES_APPLICATION,
                                        .provisional = provisional};
        int r = ingot_predict_authority(p, &inode->content, path, reterr);
        return r < 0 ? r : ingot_predict_put(p, &e, record, reterr, "%s", path);
}

/* A loader of somebody else: what it does is not known, but for the stub's own events. */
static int put_stranger(struct ingot_predict *p, ingot_error *reterr)
{
        static const uint32_t pcrs[] = {4, 5, 9, 12, 7};
        size_t count = p->variables ? ARRAY_SIZE(pcrs) : ARRAY_SIZE(pcrs) - 1;
        struct ingot_predict_event e = {.by = INGOT_MEASURER_LOADER, .component = "640-loader"};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < count; i++) {
                e.pcr = pcrs[i];
                r = ingot_predict_put_unknown(p, &e, "what the loader loads and measures",
                                              "it is not a systemd-boot of version 252 to 262",
                                              reterr);
        }
        return r;
}

static int put_loader(struct ingot_predict *p, const struct ingot_record *image,
                      ingot_error *reterr)
{
        int r = put_image(p, "620-loader", NULL, image, p->chain.loader, p->chain.loader_path,
                          reterr);
        if (r >= 0 && !p->loader)
                return put_stranger(p, reterr);
        if (r >= 0 && p->loader->smbios)
                r = put_smbios(p, INGOT_MEASURER_LOADER, reterr);
        return r < 0 ? r : put_config(p, reterr);
}

/* Opens an EFI program: who made it, its Authenticode digests. */
static int read_program(const struct ingot_inode *inode, const char *path,
                        struct ingot_measured_program *ret, struct ingot_record *ret_image,
                        ingot_error *reterr)
{
        _cleanup_pe_ struct ingot_pe pe = {0};
        ingot_error ignored;
        int r = ingot_pe_decode(&inode->content, &pe, reterr);
        if (r >= 0)
                r = ingot_digests_of_image(&inode->content, &pe, ret_image, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        memcpy(ret->digest, ret_image->digest[INGOT_BANK_SHA256],
               ingot_bank_size(INGOT_BANK_SHA256));
        if (ingot_loader_info_read(&inode->content, &pe, &ret->info, &ignored) < 0)
                ret->info = NULL;
        return ingot_strdup(&ret->path, path, reterr);
}

/* Is there a policy for PCR 11 to be signed, that is not? */
static int look_for_signatures(struct ingot_predict *p, ingot_error *reterr)
{
        const struct ingot_uki_section *s = ingot_uki_find(&p->uki, 0, INGOT_UKI_PCRSIG);
        _cleanup_pcrsig_ struct ingot_pcrsig signatures = {0};
        _cleanup_free_ uint8_t *text = NULL;
        ingot_error error = {0};
        size_t size;
        if (!s || s->pe.virtual_size == 0)
                return 0;
        int r = ingot_pe_section_read(ingot_predict_reader(p), &s->pe, INGOT_PCRSIG_SIZE_MAX, &text,
                                      &size, &error);
        if (r >= 0)
                r = ingot_pcrsig_decode(INGOT_SPAN(text, size), &signatures, &error);
        if (r < 0)
                return ingot_predict_note(p, reterr, "%s: .pcrsig: %s", p->chain.uki_path,
                                          error.text);
        p->signed_later = signatures.count == 0;
        for (size_t i = 0; i < signatures.count; i++)
                if (signatures.entries[i].signature.size == 0)
                        p->signed_later = true;
        return 0;
}

static int read_text(struct ingot_predict *p, uint32_t profile, enum ingot_uki_kind kind,
                     uint8_t **ret, size_t *ret_size, ingot_error *reterr)
{
        const struct ingot_uki_section *s = ingot_uki_find(&p->uki, profile, kind);
        *ret_size = 0;
        if (!s || s->pe.virtual_size == 0)
                return 0;
        return ingot_pe_section_read(ingot_predict_reader(p), &s->pe, FIELD_SIZE_MAX, ret, ret_size,
                                     reterr);
}

static int read_names(struct ingot_predict *p, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = read_text(p, 0, INGOT_UKI_OSREL, &text, &size, reterr);
        if (r >= 0)
                r = ingot_os_release_field(INGOT_SPAN(text, size), "IMAGE_ID", &p->m->name, reterr);
        if (r >= 0)
                r = ingot_os_release_field(INGOT_SPAN(text, size), "IMAGE_VERSION", &p->m->version,
                                           reterr);
        return r;
}

/* Did the kernel measure what it is given already (5.17)? Without .uname it is taken to be new. */
static int read_kernel(struct ingot_predict *p, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        unsigned major = 0, minor = 0;
        int r = read_text(p, 0, INGOT_UKI_UNAME, &text, &size, reterr);
        p->kernel_measures = r < 0 || size == 0 ||
                             sscanf((const char *) text, "%u.%u", &major, &minor) != 2 ||
                             major > 5 || (major == 5 && minor >= 17);
        return r;
}

static unsigned version_of(const char *info, const char *program)
{
        size_t n = strlen(program);
        return info && strncmp(info, program, n) == 0 && info[n] == ' ' ? ingot_loader_major(info)
                                                                        : 0;
}

static int open_uki(struct ingot_predict *p, ingot_error *reterr)
{
        const char *path = p->chain.uki_path;
        int r = ingot_uki_read(ingot_predict_reader(p), &p->uki, reterr);
        if (r >= 0 && !ingot_uki_is_uki(&p->uki))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "it is no UKI: it has no section .linux");
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        const char *machine = ingot_pe_machine_name(p->uki.pe.machine);
        r = ingot_strdup(&p->m->architecture, machine ? machine : "unknown", reterr);
        if (r >= 0)
                r = read_program(p->chain.uki, path, &p->m->uki, &p->image, reterr);
        if (r >= 0)
                p->stub = ingot_stub_rules_of(version_of(p->m->uki.info, "systemd-stub"));
        if (r >= 0)
                r = look_for_signatures(p, reterr);
        if (r >= 0)
                r = read_names(p, reterr);
        if (r >= 0)
                r = read_kernel(p, reterr);
        p->sections = calloc(p->uki.section_count + 1, sizeof(*p->sections));
        return r >= 0 && !p->sections ? ingot_fail_nomem(reterr) : r;
}

/* The title for the menu, or the id. */
static int read_title(struct ingot_predict *p, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        int r = read_text(p, p->profile->profile, INGOT_UKI_PROFILE, &text, &size, reterr);
        if (r >= 0)
                r = ingot_os_release_field(INGOT_SPAN(text, size), "TITLE", &p->profile->title,
                                           reterr);
        if (r >= 0 && !p->profile->title)
                r = ingot_os_release_field(INGOT_SPAN(text, size), "ID", &p->profile->title,
                                           reterr);
        return r;
}

static int predict_profile(struct ingot_predict *p, uint32_t profile,
                           const struct ingot_record *loader, ingot_error *reterr)
{
        int r = ingot_measurement_add(p->m, &p->profile, reterr);
        if (r < 0)
                return r;
        p->profile->profile = profile;
        free(p->authorities);
        p->authorities = NULL;
        r = read_title(p, reterr);
        if (r >= 0)
                r = put_firmware(p, reterr);
        if (r >= 0 && p->chain.loader)
                r = put_loader(p, loader, reterr);
        if (r >= 0)
                r = put_image(p, INGOT_PREDICT_COMPONENT_UKI,
                              later(p, "the policies in its .pcrsig are not signed yet"), &p->image,
                              p->chain.uki, p->chain.uki_path, reterr);
        if (r >= 0 && p->loader)
                r = put_options(p, reterr);
        if (r >= 0 && !p->chain.loader && p->stub && p->stub->secret)
                r = put_smbios(p, INGOT_MEASURER_STUB, reterr);
        if (r >= 0)
                r = ingot_predict_stub(p, reterr);
        if (r >= 0)
                r = ingot_predict_kernel(p, reterr);
        return r < 0 ? r : ingot_predict_phases(p, reterr);
}

static int predict_profiles(struct ingot_predict *p, const struct ingot_predict_options *o,
                            const struct ingot_record *loader, ingot_error *reterr)
{
        uint32_t count = p->uki.profile_count ? p->uki.profile_count : 1;
        int r = 0;
        if (o->one && o->profile >= count)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "%s has no profile %" PRIu32 ", it has %" PRIu32,
                                  p->chain.uki_path, o->profile, count);
        for (uint32_t i = 0; r >= 0 && i < count; i++)
                if (!o->one || i == o->profile)
                        r = predict_profile(p, i, loader, reterr);
        return r;
}

int ingot_measurement_predict(const struct ingot_tree *esp, const struct ingot_predict_options *o,
                              struct ingot_measurement *ret, ingot_error *reterr)
{
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_(predict_done) struct ingot_predict p = {
                .options = o, .variables = o->variables, .m = &m};
        struct ingot_record loader = {0};
        int r = ingot_boot_chain_find(esp, o->uki, &p.chain, &m.notes, reterr);
        if (r >= 0)
                r = open_uki(&p, reterr);
        if (r >= 0 && p.chain.loader)
                r = read_program(p.chain.loader, p.chain.loader_path, &m.loader, &loader, reterr);
        if (r >= 0)
                p.loader = ingot_loader_rules_of(version_of(m.loader.info, "systemd-boot"));
        if (r >= 0 && p.variables)
                r = ingot_predict_read_variables(&p, reterr);
        if (r >= 0)
                r = ingot_predict_find_addons(&p, reterr);
        if (r >= 0)
                r = ingot_predict_find_archives(&p, reterr);
        if (r >= 0)
                r = predict_profiles(&p, o, &loader, reterr);
        if (r < 0)
                return r;
        *ret = m;
        m = (struct ingot_measurement){0};
        return 0;
}
