/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the prediction share (measure/predict*.c); of one ESP and one UKI. */
#pragma once

#include "measure/boot-chain.h"
#include "measure/digests.h"
#include "measure/predict.h"
#include "measure/stub-archive.h"
#include "measure/stub-rules.h"
#include "trust/secure-boot.h"

struct ingot_predict_addon {
        const char *name;
        const struct ingot_reader *reader;
        struct ingot_uki uki;
        bool global;                /* of every UKI */
        const char *problem;        /* why it is not known what becomes of it, or NULL */
        struct ingot_record record; /* what firmware measures of it */
};

/* In the order in which they are measured, and handed to the kernel. */
enum ingot_predict_archive {
        INGOT_ARCHIVE_CREDENTIALS,
        INGOT_ARCHIVE_GLOBAL_CREDENTIALS,
        INGOT_ARCHIVE_SYSEXT,
        INGOT_ARCHIVE_GLOBAL_SYSEXT,
        INGOT_ARCHIVE_CONFEXT,
        INGOT_ARCHIVE_GLOBAL_CONFEXT,
        INGOT_ARCHIVE_MAX
};

struct ingot_predict_file {
        bool there;
        struct ingot_stub_archive archive;
        struct ingot_record record;
};

struct ingot_predict {
        const struct ingot_predict_options *options;
        struct ingot_boot_chain chain;
        const struct ingot_loader_rules *loader; /* NULL: none, or not known */
        const struct ingot_stub_rules *stub;     /* NULL: not known */
        struct ingot_uki uki;
        struct ingot_record image; /* the UKI as firmware measures it */
        bool signed_later;         /* .pcrsig is not signed yet */
        bool kernel_measures;      /* new enough to measure what it is given */

        const struct ingot_edk2_variables *variables; /* the firmware's; NULL: not known */
        struct ingot_secure_boot keys;                /* of them */
        bool secure_boot;                             /* known to be on */
        bool *authorities; /* of each entry of db: was it measured in this profile? */

        struct ingot_predict_addon *addons;
        size_t addon_count;
        struct ingot_predict_file archives[INGOT_ARCHIVE_MAX];
        /* Of each section of the UKI the two measurements, once they were computed. */
        struct {
                bool known;
                struct ingot_record records[2];
        } * sections;

        struct ingot_measurement *m;
        struct ingot_measured_profile *profile; /* the one that is made */
};

static inline const struct ingot_reader *ingot_predict_reader(const struct ingot_predict *p)
{
        return &p->chain.uki->content;
}

/* What is said of an event but its digests. */
struct ingot_predict_event {
        const char *component;
        uint32_t pcr, type, tag;
        enum ingot_measurer by;
        enum ingot_phase phase;
        const char *provisional; /* why it is */
        bool plain;              /* not in the register of a confidential machine */
        bool insecure;           /* only when Secure Boot is off */
};

#define INGOT_PREDICT_COMPONENT_UKI "650-uki"
#define INGOT_PREDICT_COMPONENT_SIDECARS "660-uki-extra"

/* Adds an event; of RECORD only the digests count. */
int ingot_predict_put(struct ingot_predict *p, const struct ingot_predict_event *e,
                      const struct ingot_record *record, ingot_error *reterr, const char *what, ...)
        __attribute__((format(printf, 5, 6)));
/* The same with the digests of DATA. */
int ingot_predict_put_data(struct ingot_predict *p, const struct ingot_predict_event *e,
                           struct ingot_span data, const char *what, ingot_error *reterr);
/* One that is not known. */
int ingot_predict_put_unknown(struct ingot_predict *p, const struct ingot_predict_event *e,
                              const char *what, const char *reason, ingot_error *reterr);
int ingot_predict_note(struct ingot_predict *p, ingot_error *reterr, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Text in UTF-16 with a NUL, as strings of EFI are measured; 1: the stub would make something else
 * of it, which is not known. */
int ingot_predict_utf16(const char *text, struct ingot_buffer *ret, ingot_error *reterr);

/* Does the stub take a file of that name? Of names it compares the ends without regard to case. */
bool ingot_predict_name_matches(const struct ingot_entry *e, const char *suffix,
                                const char *not_suffix);

/* The firmware's variables, where they are known; the events of them. */
int ingot_predict_read_variables(struct ingot_predict *p, ingot_error *reterr);
int ingot_predict_variables(struct ingot_predict *p, ingot_error *reterr);
/* The entry of db that vouches for an image that is started. */
int ingot_predict_authority(struct ingot_predict *p, const struct ingot_reader *image,
                            const char *path, ingot_error *reterr);
/* Is it known that Secure Boot refuses the image? */
bool ingot_predict_refuses(const struct ingot_predict *p, const struct ingot_reader *image);

/* Addons and archives: what is the same for all profiles. */
int ingot_predict_find_addons(struct ingot_predict *p, ingot_error *reterr);
int ingot_predict_find_archives(struct ingot_predict *p, ingot_error *reterr);

/* Does the stub take what is in it? 1 yes, 0 no, and NOTE, which may be NULL, says why. */
int ingot_predict_addon_used(const struct ingot_predict *p, const struct ingot_predict_addon *addon,
                             const char **note, ingot_error *reterr);
/* The first section of that kind in an addon, or NULL. */
const struct ingot_pe_section *ingot_predict_addon_find(const struct ingot_predict_addon *addon,
                                                        enum ingot_uki_kind kind);
/* The section that this profile uses, or NULL when the stub takes it as absent. */
const struct ingot_uki_section *ingot_predict_section(const struct ingot_predict *p,
                                                      enum ingot_uki_kind kind);

/* Command lines as the stub has them: without control characters, and spaces at the end. */
struct ingot_predict_lines {
        char *global, *own; /* of the addons, joined; NULL: none */
        char *whole;        /* what the kernel is given; NULL: nothing */
        bool strange;       /* no UTF-8: what the stub makes of it is not known */
};
void ingot_predict_lines_done(struct ingot_predict_lines *lines);
#define _cleanup_predict_lines_ __attribute__((cleanup(ingot_predict_lines_done)))
int ingot_predict_lines(const struct ingot_predict *p, struct ingot_predict_lines *ret,
                        ingot_error *reterr);

/* All that the stub measures, and what it makes firmware measure. */
int ingot_predict_stub(struct ingot_predict *p, ingot_error *reterr);
/* What the kernel's EFI stub measures of the command line and initrd that the stub gives it. */
int ingot_predict_kernel(struct ingot_predict *p, ingot_error *reterr);
/* The words of the phases, and what else an initrd measures. */
int ingot_predict_phases(struct ingot_predict *p, ingot_error *reterr);
