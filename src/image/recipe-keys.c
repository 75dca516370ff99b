/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of all that may stand in a recipe. */
#include "image/recipe.h"

#define MORE(s, k, t, d, c, text, ...)                                                             \
        {                                                                                          \
                .section = (s), .key = (k), .type = INGOT_VALUE_##t, .fallback = (d),              \
                .choices = (c), .summary = (text), __VA_ARGS__                                     \
        }
#define KEY(s, k, t, d, c, text) MORE(s, k, t, d, c, text, .place = false)
#define NUMBER(s, k, t, d, from, to, text) MORE(s, k, t, d, NULL, text, .least = from, .most = to)
#define PLACE(s, k, t, d, text) MORE(s, k, t, d, NULL, text, .place = true)

#define MIB ((uint64_t) 1 << 20)
#define TIB ((uint64_t) 1 << 40)

const struct ingot_recipe_key_info ingot_recipe_keys[INGOT_RECIPE_KEY_MAX] = {
        [INGOT_IMAGE_NAME] = KEY("Image", "Name", NAME, NULL, NULL,
                                 "Name of the product: file names, labels, IMAGE_ID"),
        [INGOT_IMAGE_VERSION] = KEY("Image", "Version", VERSION, NULL, NULL,
                                    "Version of the release, in the order of UAPI.10"),
        [INGOT_IMAGE_ARCHITECTURE] = KEY("Image", "Architecture", CHOICE, "x86-64", "x86-64",
                                         "Architecture of the image"),
        [INGOT_IMAGE_SEED] = KEY("Image", "Seed", UUID, NULL, NULL,
                                 "Seed of all UUIDs and of the verity salt; by default from Name"),
        [INGOT_IMAGE_TIMESTAMP] = NUMBER("Image", "Timestamp", UINT, NULL, 0, 253402300799,
                                         "Seconds since the epoch; no file is younger; by default "
                                         "the date of the locked repositories"),
        [INGOT_IMAGE_OUTPUT] = PLACE("Image", "Output", PATH, "build", "Folder of the artifacts"),
        [INGOT_DISTRIBUTION_NAME] = KEY("Distribution", "Name", CHOICE, "debian", "debian",
                                        "Distribution of the packages"),
        [INGOT_DISTRIBUTION_RELEASE] =
                KEY("Distribution", "Release", TEXT, NULL, NULL, "Its release: trixie, sid"),
        [INGOT_DISTRIBUTION_MIRROR] = PLACE("Distribution", "Mirror", TEXT, NULL,
                                            "Address of the archive; by default the host's own"),
        [INGOT_DISTRIBUTION_SOURCES] = KEY("Distribution", "Source", LINES, NULL, NULL,
                                           "A further source: [MIRROR] SUITE [COMPONENT]..."),
        [INGOT_DISTRIBUTION_COMPONENTS] = KEY("Distribution", "Components", WORDS, "main", NULL,
                                              "Components of the release to use"),
        [INGOT_DISTRIBUTION_KEYRING] =
                PLACE("Distribution", "Keyring", PATH, NULL,
                      "OpenPGP certificates that sign the indexes; by default the distribution's"),
        [INGOT_DISTRIBUTION_CHECK_VALID_UNTIL] =
                KEY("Distribution", "CheckValidUntil", BOOL, "yes", NULL,
                    "Refuse an index that is older than it says it may be"),
        [INGOT_PACKAGES_INSTALL] = KEY("Packages", "Install", WORDS, NULL, NULL,
                                       "Packages to install, with what they depend on"),
        [INGOT_PACKAGES_BASE] = KEY("Packages", "Base", CHOICE, "essential", "essential required",
                                    "What is installed beside them"),
        [INGOT_PACKAGES_ASSUME] =
                KEY("Packages", "Assume", WORDS, "linux-initramfs-tool", NULL,
                    "Packages that others may depend on and that are not installed"),
        [INGOT_PACKAGES_RECOMMENDS] = KEY("Packages", "Recommends", BOOL, "no", NULL,
                                          "Install recommended packages, too"),
        [INGOT_FILES_TREE] = KEY("Files", "Tree", LINES, NULL, NULL,
                                 "Folder laid over the image: SOURCE or SOURCE:TARGET"),
        [INGOT_FILES_TAR] = KEY("Files", "Tar", LINES, NULL, NULL,
                                "Archive laid over the image: SOURCE or SOURCE:TARGET"),
        [INGOT_FILES_FILE] = KEY("Files", "File", LINES, NULL, NULL,
                                 "One file: SOURCE:TARGET or SOURCE:TARGET:MODE"),
        [INGOT_FILES_REMOVE] = KEY("Files", "Remove", LINES, NULL, NULL,
                                   "What to remove: a path with *, ? and **"),
        [INGOT_FILES_MODES] = KEY("Files", "Modes", CHOICE, "normal", "normal keep",
                                  "Modes of a Tree: 0644 and 0755, or as on disk"),
        [INGOT_BOOT_COMMAND_LINE] = KEY("Boot", "CommandLine", WORDS, NULL, NULL,
                                        "Words added to the kernel's command line"),
        [INGOT_BOOT_PROFILES] = KEY("Boot", "Profile", LINES, NULL, NULL,
                                    "A further entry of the boot menu: ID:TITLE[:WORDS]"),
        [INGOT_BOOT_ESP_FILES] = KEY("Boot", "EspFile", LINES, NULL, NULL,
                                     "A file for the ESP: SOURCE or SOURCE:/TARGET"),
        [INGOT_BOOT_KERNEL] = KEY("Boot", "Kernel", TEXT, NULL, NULL,
                                  "Version of the kernel, where the tree has several"),
        [INGOT_BOOT_MODULES] = KEY("Boot", "Modules", WORDS, NULL, NULL,
                                   "Kernel modules of the initrd beside the usual ones"),
        [INGOT_BOOT_ETC] = KEY("Boot", "Etc", CHOICE, "overlay", "overlay volatile read-only",
                               "Changes to /etc are kept in /var, in memory, or not possible"),
        [INGOT_BOOT_SHELL] =
                KEY("Boot", "Shell", BOOL, "no", NULL, "Let rd.shell give a shell in the initrd"),
        [INGOT_BOOT_TRIES] = NUMBER("Boot", "Tries", UINT, "0", 0, 99,
                                    "Boot attempts until an entry counts as bad; 0: not counted"),
        [INGOT_BOOT_TIMEOUT] = NUMBER("Boot", "Timeout", UINT, "0", 0, UINT32_MAX,
                                      "Seconds that the boot menu is shown"),
        [INGOT_PARTITIONS_LAYOUT] = KEY("Partitions", "Layout", CHOICE, "ab", "ab single",
                                        "Two slots for updates, or one"),
        [INGOT_PARTITIONS_COMPRESSION] =
                KEY("Partitions", "Compression", CHOICE, "zstd", "zstd lz4hc lz4 none",
                    "Compression of the root file system"),
        [INGOT_PARTITIONS_LEVEL] = NUMBER("Partitions", "Level", UINT, NULL, 1, 22,
                                          "Level of the compression; by default the compressor's"),
        [INGOT_PARTITIONS_ESP_SIZE] = NUMBER("Partitions", "EspSize", SIZE, "512M", MIB, TIB,
                                             "Size of the EFI System Partition"),
        [INGOT_PARTITIONS_ROOT_SIZE] =
                NUMBER("Partitions", "RootSize", SIZE, NULL, MIB, TIB,
                       "Size of one root slot; by default the content and a quarter more"),
        [INGOT_PARTITIONS_VAR_SIZE] = NUMBER("Partitions", "VarSize", SIZE, "64M", 16 * MIB, TIB,
                                             "Size of /var in the image; it grows at first boot"),
        [INGOT_PARTITIONS_SECTOR_SIZE] = KEY("Partitions", "SectorSize", CHOICE, "512", "512 4096",
                                             "Logical sector size of the disk"),
        [INGOT_SYSTEM_HOSTNAME] = KEY("System", "Hostname", TEXT, NULL, NULL, "Name of the host"),
        [INGOT_SYSTEM_LOCALE] = KEY("System", "Locale", TEXT, "C.UTF-8", NULL, "LANG"),
        [INGOT_SYSTEM_TIME_ZONE] =
                KEY("System", "TimeZone", TEXT, "UTC", NULL, "Time zone: Europe/Berlin"),
        [INGOT_SYSTEM_KEYMAP] =
                KEY("System", "Keymap", TEXT, NULL, NULL, "Keyboard of the console"),
        [INGOT_SYSTEM_TARGET] =
                KEY("System", "Target", TEXT, "multi-user.target", NULL, "Where the boot goes"),
        [INGOT_SYSTEM_ROOT_PASSWORD] =
                KEY("System", "RootPassword", TEXT, NULL, NULL,
                    "Hash of root's password (crypt(5)); by default root is locked"),
        [INGOT_SYSTEM_USER] =
                KEY("System", "User", LINES, NULL, NULL,
                    "A user: NAME [uid=N] [groups=A,B] [shell=PATH] [password=HASH] [keys=FILE]"),
        [INGOT_SYSTEM_ENABLE] = KEY("System", "Enable", WORDS, NULL, NULL, "Units to enable"),
        [INGOT_SYSTEM_DISABLE] = KEY("System", "Disable", WORDS, NULL, NULL, "Units to disable"),
        [INGOT_SYSTEM_MASK] = KEY("System", "Mask", WORDS, NULL, NULL, "Units that never start"),
        [INGOT_SIGNING_PCR_PUBLIC_KEY] = KEY(
                "Sign", "PcrPublicKey", PATH, NULL, NULL,
                "RSA public key, or certificate, of the PCR policies; without it there are none"),
        [INGOT_SIGNING_PCR_BANKS] = KEY("Sign", "PcrBanks", WORDS, "sha256", NULL,
                                        "Banks to sign for: sha1, sha256, sha384, sha512"),
        [INGOT_SIGNING_SECURE_BOOT] = KEY("Sign", "SecureBoot", BOOL, "yes", NULL,
                                          "Ask for signatures of the UKI and the loader"),
        [INGOT_SIGNING_SECURE_BOOT_CERTIFICATE] =
                KEY("Sign", "SecureBootCertificate", LINES, NULL, NULL,
                    "Certificate that may sign them; by default any"),
        [INGOT_SIGNING_TABLE_SIZE] =
                NUMBER("Sign", "TableSize", SIZE, "4K", 512, 65536,
                       "Bytes kept free in each of them for its signature; a multiple of 8"),
        [INGOT_SIGNING_VERITY] =
                KEY("Sign", "Verity", BOOL, "yes", NULL, "Ask for a signature of the root hash"),
        [INGOT_SIGNING_VERITY_CERTIFICATE] = KEY("Sign", "VerityCertificate", LINES, NULL, NULL,
                                                 "Certificate that may sign it; by default any"),
        [INGOT_SIGNING_RELEASE] = KEY("Sign", "Release", BOOL, "yes", NULL,
                                      "Ask for signatures of the manifest and the sums"),
        [INGOT_SIGNING_RELEASE_CERTIFICATE] =
                KEY("Sign", "ReleaseCertificate", LINES, NULL, NULL,
                    "Certificate (X.509 or OpenPGP) that may sign them; by default any"),
        [INGOT_SIGNING_RELEASE_THRESHOLD] =
                NUMBER("Sign", "ReleaseThreshold", UINT, "1", 1, 64, "How many of them must sign"),
        /* No defaults here: they would be part of the digest of recipes without the section. */
        [INGOT_UPDATE_SOURCE] = KEY("Update", "Source", TEXT, NULL, NULL,
                                    "URL of the folder of releases; the section counts with it"),
        [INGOT_UPDATE_CHANNEL] =
                KEY("Update", "Channel", NAME, NULL, NULL, "Channel; by default stable"),
        [INGOT_UPDATE_KEYS] = KEY("Update", "Key", LINES, NULL, NULL,
                                  "Public key or certificate that signs releases"),
        [INGOT_UPDATE_THRESHOLD] = NUMBER("Update", "Threshold", UINT, NULL, 1, 64,
                                          "How many of them must sign; by default 1"),
        [INGOT_UPDATE_TIMER] = KEY("Update", "Timer", BOOL, NULL, NULL,
                                   "Update by itself, every few hours; by default no"),
        [INGOT_UPDATE_CHECKS] =
                KEY("Update", "Check", WORDS, NULL, NULL,
                    "Units that must be up before a boot of a new release counts as good"),
        [INGOT_UPDATE_BOOT_TIMEOUT] =
                NUMBER("Update", "BootTimeout", UINT, NULL, 30, 86400,
                       "Seconds until a boot that is not good has failed; by default 300"),
        [INGOT_UPDATE_WATCHDOG] =
                NUMBER("Update", "Watchdog", UINT, NULL, 0, 3600,
                       "Seconds until a watchdog restarts a machine that hangs; by default 60, 0: "
                       "none"),
};
