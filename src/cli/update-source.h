/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where `ingot update check` and `apply` get releases from, and what they take of them. */
#pragma once

#include "cli/update.h"
#include "update/choose.h"
#include "update/config.h"
#include "update/extensions.h"
#include "update/reseal.h"
#include "update/tpm-check.h"

struct update_wish {
        struct update_machine machine;
        struct ingot_strings sources, keys, drop, luks;
        const char *channel, *version, *tpm;
        uint64_t threshold, limit;
        bool allow_lock_out;
        int reseal; /* enum below */
};
enum { UPDATE_RESEAL_AUTO, UPDATE_RESEAL_NO };
extern const char *const update_reseal_words[];

#define OPTION_UPDATE_WISH(T, m)                                                                   \
        STRINGS('s', "source", "URL", T, m.sources,                                                \
                "A URL or folder of releases; may be given again: the next one is asked for what " \
                "one has not, or has wrong; default: of update.conf"),                             \
                STRING(0, "channel", "NAME", T, m.channel,                                         \
                       "Of this channel; default: of update.conf, or stable"),                     \
                STRINGS('k', "key", "FILE", T, m.keys,                                             \
                        "Keys that may sign releases; default: of update.conf, or what VOA has "   \
                        "for this OS and images; may be given again"),                             \
                UINT('m', "threshold", "M", T, m.threshold,                                        \
                     "So many different keys must have signed; default: of update.conf, or 1"),    \
                STRING(0, "version", "VERSION", T, m.version,                                      \
                       "This one, also when it is older, failed before, or is not rolled out "     \
                       "yet"),                                                                     \
                STRINGS(0, "drop", "NAME", T, m.drop,                                              \
                        "Go on without this extension; may be given again"),                       \
                FLAG(0, "allow-lock-out", T, m.allow_lock_out,                                     \
                     "Go on although the TPM will not unlock what is locked to it"),               \
                CHOICE(0, "reseal", "WORD", T, m.reseal, update_reseal_words,                      \
                       "auto: make the TPM's policy anew where the new version needs it; or no"),  \
                STRINGS(0, "luks", "FILE", T, m.luks,                                              \
                        "A LUKS2 volume that must open, beside those of the disk and those that "  \
                        "are open; may be given again"),                                           \
                STRING(0, "tpm", "TPM", T, m.tpm,                                                  \
                       "Which TPM: a device, or swtpm:path=SOCKET; default: this machine's"),      \
                SIZE(0, "limit", "BYTES", T, m.limit, "Fetch at most so many bytes a second")

#define UPDATE_SOURCES_MAX 16

/* What is offered, verified, and what of it is taken. */
struct update_offer {
        struct update_view view;
        struct ingot_update_config config;
        struct ingot_source sources[UPDATE_SOURCES_MAX];
        size_t source_count;
        struct ingot_channel channel;
        struct ingot_update_choice choice;
        struct ingot_update_target target; /* when something is chosen */
        struct ingot_extensions extensions;
        struct ingot_extension_moves moves;
        struct ingot_tpm_locks locks;
        struct ingot_pcrlock_policy policy; /* when it is to be made anew: */
        struct ingot_reseal *reseal;        /* else NULL */
};
#define UPDATE_OFFER_NONE ((struct update_offer){.view = UPDATE_VIEW_NONE})
void update_offer_close(struct update_offer *o);
#define _cleanup_update_offer_ __attribute__((cleanup(update_offer_close)))

/* Finds the machine, gets the channel's release file from the first source that has one that
 * counts, and chooses version and slot. REFUSED: everything that a machine must not take. What was
 * learnt (the serial) is saved when WRITABLE. */
int update_offer_open(struct update_offer *o, const struct update_wish *wish, bool writable,
                      const struct ingot_log *log, ingot_error *reterr);

/* A line: there is nothing to be installed, because VERSION (NULL: none) is there already. */
void update_print_nothing(const struct update_offer *o);

/* Fills o->locks, and o->reseal when the policy is to be made anew. REFUSED: something that is
 * locked to the TPM would not open with the release; says by which PCRs, and what to do. */
int update_check_tpm(struct update_offer *o, const struct update_wish *wish,
                     const struct ingot_log *log, ingot_error *reterr);
/* All that is locked, a line each; a warning for each that cannot be known; the list "locks". */
void update_print_locks(const struct update_offer *o);
void update_warn_locks(const struct update_offer *o, const struct ingot_log *log);
int update_add_locks(const struct update_offer *o, struct json_object *json, ingot_error *reterr);
