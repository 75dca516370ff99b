/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/explain-cause.h"

#include "base/cleanup.h"
#include "measure/explain-detail.h"

#define FIRMWARE_ADVICE                                                                            \
        "A firmware update does this, and so does another machine. If you made one, renew the "    \
        "policies that are bound to this PCR; if not, find out who did."
#define SETUP_ADVICE                                                                               \
        "The firmware's setup does this, or a change of hardware. If you made one, renew the "     \
        "policies that are bound to this PCR."
#define BOOT_ADVICE                                                                                \
        "Installing a system, or efibootmgr, does this. No policy should be bound to this PCR: "   \
        "it changes without a danger."
#define KEYS_ADVICE                                                                                \
        "fwupd, an update of the firmware or an enrolment of keys does this. If you expected "     \
        "one, renew the policies that are bound to this PCR; if not, look at who may boot this "      \
        "machine (ingot trust list)."
#define UPDATE_ADVICE                                                                              \
        "An update of the system does this. If it was one, renew the policies that are bound to "  \
        "this PCR, or bind them to the vendor's signature of PCR 11; if not, verify the file "     \
        "(ingot verify)."
#define INITRD_ADVICE                                                                              \
        "An update of the system does this. So does systemd-stub of 261 or newer on each machine "  \
        "and after each reset of its secret, which it puts into the initrd: then bind no policy "   \
        "to this PCR."
#define ESP_ADVICE                                                                                 \
        "Look at what lies on the ESP, which is not protected. If it belongs there, renew the "    \
        "policies that are bound to this PCR; if not, remove it."
#define SYSTEM_ADVICE                                                                              \
        "This is another installation, or the identity of this one was changed. Keys that are "    \
        "bound to this PCR need to be enrolled again."
#define LATER_ADVICE                                                                               \
        "The two were not taken at the same time of the boot. Compare logs of the same phase."
#define OTHER_ADVICE                                                                               \
        "Compare the two events with 'ingot pcr log'. If you know what was changed, renew the "    \
        "policies that are bound to this PCR."

/* {} is the name of what is there now, or else of what was. */
static const struct row {
        const char *id;
        bool replaces, groups;
        const char *changed, *added, *removed;
        explain_detail_fn detail; /* behind `changed`, and of a boot entry behind all */
        const char *advice;
} rows[INGOT_SUBJECT_MAX] = {
        [INGOT_SUBJECT_OTHER] = {"event", false, false, "the measurement '{}' is another",
                                 "something more is measured: '{}'",
                                 "something is measured no more: '{}'", NULL, OTHER_ADVICE},
        [INGOT_SUBJECT_FIRMWARE_VERSION] = {"firmware-version", true, false,
                                            "the firmware's version is another",
                                            "the firmware tells its version now",
                                            "the firmware tells its version no more",
                                            explain_detail_words, FIRMWARE_ADVICE},
        [INGOT_SUBJECT_FIRMWARE] = {"firmware", true, true, "the firmware is another ({})",
                                    "the firmware has another part ({})",
                                    "a part of the firmware is gone ({})", NULL, FIRMWARE_ADVICE},
        [INGOT_SUBJECT_MICROCODE] = {"microcode", true, true, "the CPU's microcode is another",
                                     "the firmware loads microcode into the CPU now",
                                     "the firmware loads microcode into the CPU no more", NULL,
                                     FIRMWARE_ADVICE},
        [INGOT_SUBJECT_SMBIOS] = {"smbios", false, false,
                                  "what the firmware says of the machine differs ({})",
                                  "the firmware's words of the machine are measured now ({})",
                                  "the firmware's words of the machine are measured no more ({})",
                                  NULL, SETUP_ADVICE},
        [INGOT_SUBJECT_PLATFORM_CONFIG] = {"platform-config", true, true,
                                           "the platform's configuration is another ({})",
                                           "the platform's configuration has something new ({})",
                                           "something of the platform's configuration is gone ({})",
                                           NULL, SETUP_ADVICE},
        [INGOT_SUBJECT_BOOT_ORDER] = {"boot-order", false, false, "the boot order changed",
                                      "there is a boot order now", "there is no boot order any more",
                                      explain_detail_words, BOOT_ADVICE},
        [INGOT_SUBJECT_BOOT_ENTRY] = {"boot-entry", false, false, "a boot entry is another: {}",
                                      "a boot entry was added: {}", "a boot entry is gone: {}",
                                      explain_detail_boot_entry, BOOT_ADVICE},
        [INGOT_SUBJECT_OPTION_ROM] = {"option-rom", false, false,
                                      "the option ROM of {} is another",
                                      "an option ROM is new, of {}", "an option ROM is gone, of {}",
                                      NULL, SETUP_ADVICE},
        [INGOT_SUBJECT_OPTION_ROM_CONFIG] = {"option-rom-config", false, true,
                                             "the configuration of an option ROM is another ({})",
                                             "an option ROM has a configuration now ({})",
                                             "an option ROM has a configuration no more ({})", NULL,
                                             SETUP_ADVICE},
        [INGOT_SUBJECT_SECURE_BOOT] = {"secure-boot", true, false, "Secure Boot",
                                       "the firmware tells of Secure Boot now",
                                       "the firmware tells of Secure Boot no more",
                                       explain_detail_on_off,
                                       "If you did not switch it in the firmware's setup, somebody "
                                       "else did: do not enter passphrases before you know who."},
        [INGOT_SUBJECT_KEYS] = {"keys", false, false, "the firmware has another {} now",
                                "the firmware has a {} now", "the firmware has no {} any more",
                                explain_detail_keys, KEYS_ADVICE},
        [INGOT_SUBJECT_VARIABLE] = {"variable", false, false, "the firmware's variable {} is another",
                                    "the firmware measures a variable {} now",
                                    "the firmware measures the variable {} no more",
                                    explain_detail_words, SETUP_ADVICE},
        [INGOT_SUBJECT_AUTHORITY] = {"authority", true, false,
                                     "programs are let pass by another key ({})",
                                     "programs are let pass by one key more ({})",
                                     "programs are let pass by one key less ({})",
                                     explain_detail_words, KEYS_ADVICE},
        [INGOT_SUBJECT_SBAT_LEVEL] = {"sbat-level", true, false,
                                      "shim refuses other old programs (SbatLevel)",
                                      "shim measures which old programs it refuses (SbatLevel)",
                                      "shim does not measure which old programs it refuses "
                                      "(SbatLevel)",
                                      explain_detail_words, KEYS_ADVICE},
        [INGOT_SUBJECT_SEPARATOR] = {"separator", true, false,
                                     "the firmware ended its part in another way: an error",
                                     "the firmware's separator is new",
                                     "the firmware's separator is missing", NULL, FIRMWARE_ADVICE},
        [INGOT_SUBJECT_ACTION] = {"action", false, false, "the firmware reports '{}' otherwise",
                                  "the firmware reports '{}'",
                                  "the firmware reports '{}' no more", NULL, SETUP_ADVICE},
        [INGOT_SUBJECT_LOADER] = {"loader", true, false, "another boot loader",
                                  "one boot loader more: {}", "one boot loader less: {}",
                                  explain_detail_file, UPDATE_ADVICE},
        [INGOT_SUBJECT_UKI] = {"uki", true, false, "another UKI", "one UKI more: {}",
                               "one UKI less: {}", explain_detail_file, UPDATE_ADVICE},
        [INGOT_SUBJECT_ADDON] = {"addon", false, false, "the addon {} is another",
                                 "an addon was added on the ESP: {}",
                                 "an addon on the ESP is gone: {}", NULL, ESP_ADVICE},
        [INGOT_SUBJECT_PROGRAM] = {"program", true, false,
                                   "another program without a file (a kernel in its UKI, mostly)",
                                   "one program more without a file (a kernel in its UKI, mostly)",
                                   "one program less without a file (a kernel in its UKI, mostly)",
                                   NULL, UPDATE_ADVICE},
        [INGOT_SUBJECT_PARTITION_TABLE] = {"partition-table", true, false,
                                           "the partition table changed",
                                           "the partition table is measured now",
                                           "the partition table is measured no more",
                                           explain_detail_partitions,
                                           "Installing, repartitioning and systemd-repart do this. "
                                           "If you did that, renew the policies that are bound to "
                                           "this PCR."},
        [INGOT_SUBJECT_LOADER_CONF] = {"loader-conf", true, false,
                                       "the boot loader's configuration is another (loader.conf)",
                                       "the boot loader has a configuration now (loader.conf)",
                                       "the boot loader has no configuration any more "
                                       "(loader.conf)",
                                       NULL, ESP_ADVICE},
        [INGOT_SUBJECT_GRUB_COMMAND] = {"grub-commands", false, true,
                                        "GRUB ran other commands, first '{}'",
                                        "GRUB ran more commands, first '{}'",
                                        "GRUB ran fewer commands: not '{}'", NULL, ESP_ADVICE},
        [INGOT_SUBJECT_GRUB_FILE] = {"grub-files", false, true, "GRUB read other files, first {}",
                                     "GRUB read more files, first {}",
                                     "GRUB read fewer files: not {}", NULL, ESP_ADVICE},
        [INGOT_SUBJECT_INITRD] = {"initrd", true, false, "the kernel got another initrd",
                                  "the kernel got an initrd", "the kernel got no initrd", NULL,
                                  INITRD_ADVICE},
        [INGOT_SUBJECT_LOAD_OPTIONS] = {"command-line", true, false,
                                        "the kernel got another command line",
                                        "the kernel got a command line",
                                        "the kernel got no command line", NULL, UPDATE_ADVICE},
        [INGOT_SUBJECT_UKI_SECTION] = {"uki-section", false, false, NULL, NULL, NULL, NULL,
                                       UPDATE_ADVICE},
        [INGOT_SUBJECT_COMMAND_LINE] = {"command-line", true, false, "the command line is another",
                                        "a command line was given to the UKI",
                                        "no command line was given to the UKI",
                                        explain_detail_command_line, ESP_ADVICE},
        [INGOT_SUBJECT_CREDENTIALS] = {"credentials", true, false,
                                       "the credentials on the ESP are others ({})",
                                       "a credential was added on the ESP ({})",
                                       "there are no credentials on the ESP any more ({})", NULL,
                                       ESP_ADVICE},
        [INGOT_SUBJECT_SYSEXT] = {"sysext", true, false,
                                  "the system extensions on the ESP are others ({})",
                                  "a system extension was added on the ESP ({})",
                                  "there are no system extensions on the ESP any more ({})", NULL,
                                  ESP_ADVICE},
        [INGOT_SUBJECT_CONFEXT] = {"confext", true, false,
                                   "the configuration extensions on the ESP are others ({})",
                                   "a configuration extension was added on the ESP ({})",
                                   "there are no configuration extensions on the ESP any more ({})",
                                   NULL, ESP_ADVICE},
        [INGOT_SUBJECT_ADDON_PART] = {"addon-part", false, false, "an {} is another",
                                      "an {} is new", "an {} is gone", NULL, ESP_ADVICE},
        [INGOT_SUBJECT_PROFILE] = {"profile", true, false, "the UKI was started with another profile",
                                   "the UKI was started with a profile that is not its first",
                                   "the UKI was started with its first profile", NULL,
                                   "Choose the profile in the boot menu that the policy is for."},
        [INGOT_SUBJECT_MOK] = {"mok", false, false, "shim has another {} now",
                               "shim has a {} now", "shim has no {} any more", NULL, KEYS_ADVICE},
        [INGOT_SUBJECT_PHASE] = {"phase", false, false, "the phase '{}' is measured otherwise",
                                 "the boot is in a later phase ('{}')",
                                 "the boot is not yet in the phase '{}'", NULL, LATER_ADVICE},
        [INGOT_SUBJECT_MACHINE_ID] = {"machine-id", true, false, "the system has another machine id",
                                      "the machine id is measured now",
                                      "the machine id is measured no more", NULL, SYSTEM_ADVICE},
        [INGOT_SUBJECT_FILE_SYSTEM] = {"file-system", false, false,
                                       "the file system at {} is another",
                                       "a file system more is measured, at {}",
                                       "a file system less is measured, at {}",
                                       explain_detail_file_system, SYSTEM_ADVICE},
        [INGOT_SUBJECT_VOLUME_KEY] = {"volume-key", false, false,
                                      "the volume {} was opened with another key",
                                      "the volume {} was opened", "the volume {} was not opened",
                                      NULL, SYSTEM_ADVICE},
        [INGOT_SUBJECT_MARK] = {"mark", false, false, "the system's mark '{}' is another",
                                "the system measured its mark '{}'",
                                "the system did not measure its mark '{}'", NULL, LATER_ADVICE},
        [INGOT_SUBJECT_PRODUCT_ID] = {"product-id", true, false,
                                      "the machine has another product id",
                                      "the product id is measured now",
                                      "the product id is measured no more", explain_detail_words,
                                      SYSTEM_ADVICE},
        [INGOT_SUBJECT_KEY_SLOT] = {"keyslot", false, false,
                                    "the volume {} was unlocked by another key slot",
                                    "the volume {} was unlocked", "the volume {} was not unlocked",
                                    explain_detail_words, SYSTEM_ADVICE},
        [INGOT_SUBJECT_VERITY] = {"verity", false, false,
                                  "the verity device {} has other content or another signer",
                                  "the verity device {} was opened",
                                  "the verity device {} was not opened", explain_detail_words,
                                  UPDATE_ADVICE},
};

static const struct {
        const char *name, *id, *what;
} sections[] = {
        {".linux", "kernel", "kernel"},
        {".osrel", "os-release", "os-release"},
        {".cmdline", "command-line", "command line"},
        {".initrd", "initrd", "initrd"},
        {".ucode", "microcode", "microcode"},
        {".splash", "splash", "boot picture"},
        {".dtb", "devicetree", "devicetree"},
        {".dtbauto", "devicetree", "devicetree"},
        {".uname", "kernel-version", "kernel version"},
        {".sbat", "sbat", "SBAT"},
        {".pcrpkey", "pcr-key", "key for signed PCR policies"},
        {".profile", "profile", "profile"},
        {".hwids", "hwids", "list of hardware"},
        {".efifw", "efi-firmware", "EFI firmware"},
};

bool explain_cause_replaces(enum ingot_subject subject)
{
        return rows[subject].replaces;
}

bool explain_cause_groups(enum ingot_subject subject)
{
        return rows[subject].groups;
}

/* {} of PATTERN is NAME. */
static int say(struct ingot_buffer *ret, const char *pattern, const char *name, ingot_error *reterr)
{
        const char *hole = strstr(pattern, "{}");
        if (!hole)
                return ingot_buffer_printf(ret, reterr, "%s", pattern);
        return ingot_buffer_printf(ret, reterr, "%.*s%s%s", (int) (hole - pattern), pattern,
                                   *name ? name : "?", hole + 2);
}

static const char *direction(const struct explain_change *c)
{
        return !c->before ? "added" : !c->after ? "removed" : "changed";
}

static int section_words(const struct explain_change *c, const char *name,
                         struct ingot_buffer *text, char **ret_id, ingot_error *reterr)
{
        const char *id = "uki-section", *what = "section";
        for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
                if (strcmp(sections[i].name, name) == 0) {
                        id = sections[i].id;
                        what = sections[i].what;
                }
        int r = !c->before  ? ingot_buffer_printf(text, reterr, "the UKI has a %s now (section %s)",
                                                  what, name)
                : !c->after ? ingot_buffer_printf(
                                      text, reterr, "the UKI has no %s any more (section %s)", what,
                                      name)
                            : ingot_buffer_printf(text, reterr,
                                                  "the UKI has another %s (section %s)", what, name);
        return r < 0 ? r : ingot_format(ret_id, reterr, "%s-%s", id, direction(c));
}

/* "dbx-changed": of a variable of keys its own name. */
static int make_id(const struct explain_change *c, const char *base, const char *name, char **ret,
                   ingot_error *reterr)
{
        bool keys = (c->after ? c->after : c->before)->subject == INGOT_SUBJECT_KEYS;
        int r = ingot_format(ret, reterr, "%s-%s", keys ? name : base, direction(c));
        for (char *p = r < 0 ? NULL : *ret; p && *p; p++)
                *p = (char) (*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
        return r;
}

static int row_words(const struct explain_change *c, const struct row *row, const char *name,
                     struct ingot_buffer *text, char **ret_id, ingot_error *reterr)
{
        bool both = c->before && c->after;
        const char *pattern = both ? row->changed : c->after ? row->added : row->removed;
        int r = say(text, pattern, name, reterr);
        if (r >= 0 && row->detail && (both || row->detail == explain_detail_boot_entry))
                r = row->detail(c->before, c->after, text, reterr);
        return r < 0 ? r : make_id(c, row->id, name, ret_id, reterr);
}

/* Words that are not of what was measured are no reason to trust. */
static int warn_of_lies(const struct explain_change *c, struct ingot_buffer *text,
                        ingot_error *reterr)
{
        const struct ingot_explain_event *e = c->after;
        bool lies = e && ((e->firmware && ingot_event_match(e->firmware) == INGOT_EVENT_DIFFERS) ||
                          (e->userspace &&
                           ingot_userspace_event_match(e->userspace) == INGOT_EVENT_DIFFERS));
        return lies ? ingot_buffer_printf(text, reterr,
                                          "; but what the log says of it is not what was measured")
                    : 0;
}

int explain_cause_words(const struct explain_change *change, struct ingot_cause *ret,
                        ingot_error *reterr)
{
        const struct ingot_explain_event *e = change->after ? change->after : change->before;
        const struct row *row = rows + e->subject;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *id = NULL;
        int r = e->subject == INGOT_SUBJECT_UKI_SECTION
                        ? section_words(change, e->name, &text, &id, reterr)
                        : row_words(change, row, e->name, &text, &id, reterr);
        if (r >= 0)
                r = warn_of_lies(change, &text, reterr);
        if (r < 0)
                return r;
        ret->text = (char *) ingot_buffer_take(&text);
        ret->id = TAKE_PTR(id);
        ret->advice = row->advice;
        return 0;
}
