/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/event-subject.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf16.h"
#include "format/device-path.h"
#include "measure/stub-rules.h"

#include <strings.h>

/* Types that say it, whatever the PCR. */
static const struct {
        uint32_t type;
        enum ingot_subject subject;
} types[] = {
        {INGOT_EV_S_CRTM_VERSION, INGOT_SUBJECT_FIRMWARE_VERSION},
        {INGOT_EV_S_CRTM_CONTENTS, INGOT_SUBJECT_FIRMWARE},
        {INGOT_EV_POST_CODE, INGOT_SUBJECT_FIRMWARE},
        {INGOT_EV_POST_CODE2, INGOT_SUBJECT_FIRMWARE},
        {INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB, INGOT_SUBJECT_FIRMWARE},
        {INGOT_EV_EFI_PLATFORM_FIRMWARE_BLOB2, INGOT_SUBJECT_FIRMWARE},
        {INGOT_EV_EFI_HCRTM_EVENT, INGOT_SUBJECT_FIRMWARE},
        {INGOT_EV_NONHOST_CODE, INGOT_SUBJECT_FIRMWARE},
        {INGOT_EV_NONHOST_CONFIG, INGOT_SUBJECT_FIRMWARE},
        {INGOT_EV_NONHOST_INFO, INGOT_SUBJECT_FIRMWARE},
        {INGOT_EV_CPU_MICROCODE, INGOT_SUBJECT_MICROCODE},
        {INGOT_EV_PLATFORM_CONFIG_FLAGS, INGOT_SUBJECT_PLATFORM_CONFIG},
        {INGOT_EV_TABLE_OF_DEVICES, INGOT_SUBJECT_PLATFORM_CONFIG},
        {INGOT_EV_EFI_BOOT_SERVICES_DRIVER, INGOT_SUBJECT_OPTION_ROM},
        {INGOT_EV_EFI_RUNTIME_SERVICES_DRIVER, INGOT_SUBJECT_OPTION_ROM},
        {INGOT_EV_EFI_GPT_EVENT, INGOT_SUBJECT_PARTITION_TABLE},
        {INGOT_EV_EFI_GPT_EVENT2, INGOT_SUBJECT_PARTITION_TABLE},
        {INGOT_EV_SEPARATOR, INGOT_SUBJECT_SEPARATOR},
        {INGOT_EV_EFI_ACTION, INGOT_SUBJECT_ACTION},
        {INGOT_EV_ACTION, INGOT_SUBJECT_ACTION},
};

static const struct {
        uint32_t tag;
        enum ingot_subject subject;
} tags[] = {
        {INGOT_LOADER_TAG_CONFIG, INGOT_SUBJECT_LOADER_CONF},
        {INGOT_TAG_SMBIOS_SYSTEM, INGOT_SUBJECT_SMBIOS},
        {INGOT_TAG_SMBIOS_BOARD, INGOT_SUBJECT_SMBIOS},
        {INGOT_TAG_SMBIOS_OEM, INGOT_SUBJECT_SMBIOS},
        {INGOT_STUB_TAG_DEVICETREE, INGOT_SUBJECT_ADDON_PART},
        {INGOT_STUB_TAG_INITRD, INGOT_SUBJECT_ADDON_PART},
        {INGOT_STUB_TAG_UCODE, INGOT_SUBJECT_ADDON_PART},
        {INGOT_STUB_TAG_PROFILE, INGOT_SUBJECT_PROFILE},
        {INGOT_KERNEL_TAG_INITRD, INGOT_SUBJECT_INITRD},
        {INGOT_KERNEL_TAG_OPTIONS, INGOT_SUBJECT_LOAD_OPTIONS},
};

/* How the text begins of what systemd's loader and stub, shim, GRUB, and on a confidential machine
 * the kernel measure. */
static const struct {
        const char *start;
        enum ingot_subject subject;
} texts[] = {
        {"Credentials initrd", INGOT_SUBJECT_CREDENTIALS},
        {"Global credentials initrd", INGOT_SUBJECT_CREDENTIALS},
        {"Entry credentials initrd", INGOT_SUBJECT_CREDENTIALS},
        {"System extension initrd", INGOT_SUBJECT_SYSEXT},
        {"Global system extension initrd", INGOT_SUBJECT_SYSEXT},
        {"Entry system extension initrd", INGOT_SUBJECT_SYSEXT},
        {"Configuration extension initrd", INGOT_SUBJECT_CONFEXT},
        {"Global configuration extension initrd", INGOT_SUBJECT_CONFEXT},
        {"Entry configuration extension initrd", INGOT_SUBJECT_CONFEXT},
        {"Linux initrd", INGOT_SUBJECT_INITRD},
        {"LOADED_IMAGE::LoadOptions", INGOT_SUBJECT_LOAD_OPTIONS},
        {".", INGOT_SUBJECT_UKI_SECTION},
        {"/", INGOT_SUBJECT_GRUB_FILE},
        {"(", INGOT_SUBJECT_GRUB_FILE},
        {"grub_cmd", INGOT_SUBJECT_GRUB_COMMAND},
        {"grub_kernel_cmdline", INGOT_SUBJECT_GRUB_COMMAND},
        {"kernel_cmdline", INGOT_SUBJECT_GRUB_COMMAND},
        {"MokList", INGOT_SUBJECT_MOK},
        {"MokSBState", INGOT_SUBJECT_MOK},
        {"Shim", INGOT_SUBJECT_MOK},
};

static enum ingot_subject subject_of_text(uint32_t pcr, const char *text)
{
        static const enum ingot_subject by_pcr[] = {
                [5] = INGOT_SUBJECT_LOADER_CONF,  [8] = INGOT_SUBJECT_GRUB_COMMAND,
                [9] = INGOT_SUBJECT_GRUB_FILE,    [11] = INGOT_SUBJECT_UKI_SECTION,
                [12] = INGOT_SUBJECT_COMMAND_LINE, [13] = INGOT_SUBJECT_SYSEXT,
                [14] = INGOT_SUBJECT_MOK,
        };
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (ingot_starts_with(text, texts[i].start))
                        return texts[i].subject;
        return pcr < ARRAY_SIZE(by_pcr) ? by_pcr[pcr] : INGOT_SUBJECT_OTHER;
}

/* UKIs, and the addons beside them, have their places in the ESP (UAPI.1, systemd-stub(7)). */
static enum ingot_subject subject_of_file(const char *file)
{
        if (!*file)
                return INGOT_SUBJECT_PROGRAM;
        if (strcasestr(file, ".addon.efi"))
                return INGOT_SUBJECT_ADDON;
        if (strcasestr(file, "\\EFI\\Linux\\"))
                return INGOT_SUBJECT_UKI;
        return INGOT_SUBJECT_LOADER;
}

enum ingot_subject ingot_subject_of_words(uint32_t pcr, uint32_t type, uint32_t tag,
                                          const char *words)
{
        static const enum ingot_subject by_pcr[] = {
                INGOT_SUBJECT_FIRMWARE,
                INGOT_SUBJECT_PLATFORM_CONFIG,
                INGOT_SUBJECT_OPTION_ROM,
                INGOT_SUBJECT_OPTION_ROM_CONFIG,
        };
        if (type == INGOT_EV_IPL)
                return subject_of_text(pcr, words);
        if (type == INGOT_EV_EFI_BOOT_SERVICES_APPLICATION)
                return subject_of_file(words);
        for (size_t i = 0; type == INGOT_EV_EVENT_TAG && i < ARRAY_SIZE(tags); i++)
                if (tags[i].tag == tag)
                        return tags[i].subject;
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (types[i].type == type)
                        return types[i].subject;
        if (type == INGOT_EV_EVENT_TAG && pcr == INGOT_SUBJECT_NO_PCR)
                return subject_of_text(pcr, words);
        return pcr < ARRAY_SIZE(by_pcr) ? by_pcr[pcr] : INGOT_SUBJECT_OTHER;
}

static enum ingot_subject subject_of_variable(uint32_t type, const char *name)
{
        static const char *const keys[] = {"PK", "KEK", "db", "dbx", "dbt", "dbr"};
        if (type == INGOT_EV_EFI_VARIABLE_AUTHORITY)
                return strcmp(name, "SbatLevel") == 0 ? INGOT_SUBJECT_SBAT_LEVEL
                                                      : INGOT_SUBJECT_AUTHORITY;
        if (strcmp(name, "SecureBoot") == 0)
                return INGOT_SUBJECT_SECURE_BOOT;
        if (strcmp(name, "BootOrder") == 0)
                return INGOT_SUBJECT_BOOT_ORDER;
        if (ingot_event_is_boot_entry(name))
                return INGOT_SUBJECT_BOOT_ENTRY;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (strcmp(keys[i], name) == 0)
                        return INGOT_SUBJECT_KEYS;
        return INGOT_SUBJECT_VARIABLE;
}

static int escaped(const char *text, char **ret, ingot_error *reterr)
{
        *ret = ingot_escape(text);
        return *ret ? 0 : ingot_fail_nomem(reterr);
}

/* 1: the event's data is no variable. */
static int of_variable(const struct ingot_event *e, enum ingot_subject *ret, char **ret_name,
                       ingot_error *reterr)
{
        struct ingot_event_variable v;
        _cleanup_free_ char *name = NULL;
        if (!ingot_event_variable_decode(e->data, &v))
                return 1;
        int r = ingot_utf16_text(v.name, &name, reterr);
        if (r < 0)
                return r;
        *ret = subject_of_variable(e->type, name);
        return escaped(name, ret_name, reterr);
}

/* The file of an image; of one without, and of drivers, the whole path. */
static int of_image(const struct ingot_event *e, uint32_t pcr, enum ingot_subject *ret,
                    char **ret_name, ingot_error *reterr)
{
        struct ingot_span path = {0};
        _cleanup_free_ char *file = NULL;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        bool application = e->type == INGOT_EV_EFI_BOOT_SERVICES_APPLICATION;
        int r = 0;
        if (ingot_event_image_decode(e->data, &path) && application)
                r = ingot_device_path_file(path, &file, reterr);
        if (r >= 0)
                r = ingot_device_path_text(path, &text, reterr);
        if (r < 0)
                return r;
        bool named = file && strchr(file, '\\');
        *ret = ingot_subject_of_words(pcr, e->type, 0, named ? file : "");
        return escaped(named ? file : (const char *) text.data, ret_name, reterr);
}

static bool is_variable(uint32_t type)
{
        return type == INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG || type == INGOT_EV_EFI_VARIABLE_BOOT ||
               type == INGOT_EV_EFI_VARIABLE_BOOT2 || type == INGOT_EV_EFI_VARIABLE_AUTHORITY;
}

static bool is_image(uint32_t type)
{
        return type == INGOT_EV_EFI_BOOT_SERVICES_APPLICATION ||
               type == INGOT_EV_EFI_BOOT_SERVICES_DRIVER ||
               type == INGOT_EV_EFI_RUNTIME_SERVICES_DRIVER;
}

/* Of these the words change with the thing itself, so they are no name. */
static bool has_no_name(enum ingot_subject subject)
{
        return subject == INGOT_SUBJECT_FIRMWARE_VERSION || subject == INGOT_SUBJECT_COMMAND_LINE ||
               subject == INGOT_SUBJECT_PARTITION_TABLE || subject == INGOT_SUBJECT_SEPARATOR ||
               subject == INGOT_SUBJECT_MICROCODE;
}

int ingot_subject_of_event(const struct ingot_event *e, bool registers, enum ingot_subject *ret,
                           char **ret_name, ingot_error *reterr)
{
        uint32_t pcr = registers ? INGOT_SUBJECT_NO_PCR : e->index;
        _cleanup_buffer_ struct ingot_buffer words = {0};
        struct ingot_span content;
        uint32_t tag = 0;
        int r = is_variable(e->type) ? of_variable(e, ret, ret_name, reterr) : 1;
        if (r != 1)
                return r;
        if (is_image(e->type))
                return of_image(e, pcr, ret, ret_name, reterr);
        if (e->type == INGOT_EV_EVENT_TAG)
                (void) ingot_event_tag_decode(e->data, &tag, &content);
        r = ingot_event_text(e, &words, reterr);
        if (r < 0)
                return r;
        *ret = ingot_subject_of_words(pcr, e->type, tag, (const char *) words.data);
        if (*ret == INGOT_SUBJECT_PLATFORM_CONFIG && strstr((const char *) words.data, "SMBIOS"))
                *ret = INGOT_SUBJECT_SMBIOS;
        return ingot_strdup(ret_name, has_no_name(*ret) ? "" : (const char *) words.data, reterr);
}

/* The WHICHth field of a string with colons, escaped; "" when there is none. */
static int field_of(const char *string, unsigned which, char **ret, ingot_error *reterr)
{
        _cleanup_free_ char *field = NULL;
        for (; string && which > 0; which--) {
                string = strchr(string, ':');
                string = string ? string + 1 : NULL;
        }
        int r = ingot_format(&field, reterr, "%.*s", (int) (string ? strcspn(string, ":") : 0),
                             string ? string : "");
        return r < 0 ? r : escaped(field, ret, reterr);
}

/* Types of systemd's events, and which field of the string, from 0, is the name; -1: all of it,
 * -2: none. */
static const struct {
        const char *type;
        enum ingot_subject subject;
        int field;
} userspace_types[] = {
        {"phase", INGOT_SUBJECT_PHASE, -1},
        {"machine-id", INGOT_SUBJECT_MACHINE_ID, -2},
        {"filesystem", INGOT_SUBJECT_FILE_SYSTEM, 1},
        {"volume-key", INGOT_SUBJECT_VOLUME_KEY, 1},
        {"product-id", INGOT_SUBJECT_PRODUCT_ID, -2},
        {"keyslot", INGOT_SUBJECT_KEY_SLOT, 1},
        {"dm-verity", INGOT_SUBJECT_VERITY, 1},
        {"nvpcr-init", INGOT_SUBJECT_MARK, 1},
        {"nvpcr-separator", INGOT_SUBJECT_MARK, 0},
        {"os-separator", INGOT_SUBJECT_MARK, 0},
};

int ingot_subject_of_userspace(const struct ingot_userspace_event *e, enum ingot_subject *ret,
                               char **ret_name, ingot_error *reterr)
{
        const char *string = e->string ? e->string : "";
        for (size_t i = 0; e->type && i < ARRAY_SIZE(userspace_types); i++) {
                int field = userspace_types[i].field;
                if (strcmp(userspace_types[i].type, e->type) != 0)
                        continue;
                *ret = userspace_types[i].subject;
                return field == -1   ? escaped(string, ret_name, reterr)
                       : field == -2 ? ingot_strdup(ret_name, "", reterr)
                                     : field_of(string, (unsigned) field, ret_name, reterr);
        }
        *ret = INGOT_SUBJECT_OTHER;
        return escaped(string, ret_name, reterr);
}
