/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/explain-expected.h"

#include "base/cleanup.h"
#include "measure/explain-align.h"

/* Words of the manifest for what the stub makes of files, and those of the log. */
static const struct {
        const char *expected, *logged;
} archives[] = {
        {"credentials of every UKI", "Global credentials initrd"},
        {"credentials", "Credentials initrd"},
        {"system extensions of every UKI", "Global system extension initrd"},
        {"system extensions", "System extension initrd"},
        {"configuration extensions of every UKI", "Global configuration extension initrd"},
        {"configuration extensions", "Configuration extension initrd"},
};

/* "section .linux, 12345 bytes" → ".linux"; false when it is none. */
static bool section_name(const char *what, char **ret, ingot_error *reterr, int *r)
{
        static const char start[] = "section ";
        if (!ingot_starts_with(what, start))
                return false;
        what += sizeof(start) - 1;
        *r = ingot_format(ret, reterr, "%.*s", (int) strcspn(what, ","), what);
        return true;
}

/* "EFI/Linux/a.efi" → "\EFI\Linux\a.efi": as firmware writes it. */
static int file_name(const char *path, char **ret, ingot_error *reterr)
{
        int r = ingot_format(ret, reterr, "%s%s", strchr(path, '/') ? "\\" : "", path);
        for (char *c = r < 0 ? NULL : *ret; c && *c; c++)
                *c = *c == '/' ? '\\' : *c;
        return r;
}

static int name_of_program(const struct ingot_measured_event *m, struct ingot_explain_event *ret,
                           ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        int r = 0;
        if (section_name(m->what, &name, reterr, &r)) {
                ret->subject = INGOT_SUBJECT_PROGRAM;
                return r < 0 ? r : ingot_strdup(&ret->name, "", reterr);
        }
        r = file_name(m->what, &ret->name, reterr);
        if (r >= 0)
                ret->subject = ingot_subject_of_words(m->record.pcr, m->type, 0, ret->name);
        return r;
}

static int name_of_text(const struct ingot_measured_event *m, struct ingot_explain_event *ret,
                        ingot_error *reterr)
{
        const char *words = m->what;
        int r = 0;
        for (size_t i = 0; i < ARRAY_SIZE(archives) && words == m->what; i++)
                if (ingot_starts_with(m->what, archives[i].expected))
                        words = archives[i].logged;
        ret->subject = ingot_subject_of_words(m->record.pcr, m->type, 0, words);
        if (ret->subject == INGOT_SUBJECT_COMMAND_LINE)
                return ingot_strdup(&ret->name, "", reterr);
        if (section_name(m->what, &ret->name, reterr, &r))
                return r;
        return ingot_strdup(&ret->name, words, reterr);
}

/* What the running system measures has no type: it is the word, or the mark, itself. */
static int name_of_word(const struct ingot_measured_event *m, struct ingot_explain_event *ret,
                        ingot_error *reterr)
{
        enum ingot_phase phase;
        ret->subject =
                ingot_phase_parse(m->what, &phase) ? INGOT_SUBJECT_PHASE : INGOT_SUBJECT_MARK;
        return ingot_strdup(&ret->name, m->what, reterr);
}

static int name_expected(const struct ingot_measured_event *m, struct ingot_explain_event *ret,
                         ingot_error *reterr)
{
        if (m->by == INGOT_MEASURER_INITRD || m->by == INGOT_MEASURER_SYSTEM)
                return name_of_word(m, ret, reterr);
        if (m->type == INGOT_EV_EFI_BOOT_SERVICES_APPLICATION)
                return name_of_program(m, ret, reterr);
        if (m->type == INGOT_EV_IPL)
                return name_of_text(m, ret, reterr);
        ret->subject = ingot_subject_of_words(m->record.pcr, m->type, m->tag, m->what);
        const char *tag = ingot_event_tag_name(m->tag);
        return ingot_strdup(&ret->name,
                            ret->subject == INGOT_SUBJECT_SEPARATOR ? ""
                            : tag                                   ? tag
                                                                    : m->what,
                            reterr);
}

/* Of the registers the one for PCR 8 to 15: into the others the firmware measures what is not
 * predicted, between what is. */
#define REGISTER_OF_SYSTEM 3

static unsigned predicted(bool registers)
{
        unsigned mask = 0;
        if (registers)
                return 1u << REGISTER_OF_SYSTEM;
        for (size_t i = 0; i < INGOT_MEASURED_PCR_COUNT; i++)
                mask |= 1u << ingot_measured_pcrs[i];
        return mask;
}

/* How far the boot has come, by the log of user space. */
static enum ingot_phase phase_of(const struct ingot_explain_side *side)
{
        enum ingot_phase reached = INGOT_PHASE_BOOT, phase;
        for (size_t i = 0; i < side->count; i++)
                if (side->events[i].subject == INGOT_SUBJECT_PHASE &&
                    ingot_phase_parse(side->events[i].name, &phase) && phase > reached)
                        reached = phase;
        return reached;
}

static int side_of_profile(const struct ingot_measurement *all,
                           const struct ingot_measured_profile *profile, enum ingot_phase phase,
                           bool secure_boot, bool registers, struct ingot_explain_side *ret,
                           ingot_error *reterr)
{
        _cleanup_explain_side_ struct ingot_explain_side side = {.registers = registers};
        struct ingot_explain_event *e;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < profile->count; i++) {
                const struct ingot_measured_event *m = profile->events + i;
                if (m->phase > phase)
                        break;
                if (m->insecure && secure_boot)
                        continue;
                if (registers && (!m->confidential || m->record.pcr < 8 || m->record.pcr > 15))
                        continue;
                r = ingot_explain_side_add(&side, &e, reterr);
                if (r < 0)
                        return r;
                e->record = m->record;
                e->expected = m;
                r = name_expected(m, e, reterr);
                e->info = e->subject == INGOT_SUBJECT_LOADER ? all->loader.info
                          : e->subject == INGOT_SUBJECT_UKI  ? all->uki.info
                                                             : NULL;
                if (registers)
                        e->record.pcr = REGISTER_OF_SYSTEM;
        }
        if (r < 0)
                return r;
        *ret = side;
        side = (struct ingot_explain_side){0};
        return 0;
}

int ingot_explain_expected(const struct ingot_measurement *m,
                           const struct ingot_explain_side *after, uint32_t *ret_profile,
                           struct ingot_explain_side *ret_before, struct ingot_causes *ret,
                           ingot_error *reterr)
{
        _cleanup_causes_ struct ingot_causes best = {0};
        _cleanup_explain_side_ struct ingot_explain_side best_side = {0};
        const struct ingot_measured_profile *found = NULL;
        enum ingot_phase phase = phase_of(after);
        /* Each profile, with Secure Boot off and on. */
        for (size_t k = 0; k < 2 * m->profile_count; k++) {
                _cleanup_causes_ struct ingot_causes causes = {0};
                _cleanup_explain_side_ struct ingot_explain_side side = {0};
                const struct ingot_measured_profile *p = m->profiles + k / 2;
                int r = side_of_profile(m, p, phase, k % 2 == 1, after->registers, &side, reterr);
                if (r >= 0)
                        r = explain_pcrs(&side, after, predicted(after->registers), &causes, reterr);
                if (r < 0)
                        return r;
                if (found && causes.count >= best.count)
                        continue;
                found = p;
                ingot_causes_done(&best);
                ingot_explain_side_done(&best_side);
                best = causes;
                best_side = side;
                causes = (struct ingot_causes){0};
                side = (struct ingot_explain_side){0};
        }
        if (!found)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "the manifest has no profile");
        *ret_profile = found->profile;
        *ret_before = best_side;
        best_side = (struct ingot_explain_side){0};
        *ret = best;
        best = (struct ingot_causes){0};
        return 0;
}
