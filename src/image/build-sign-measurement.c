/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The measurement manifest of a build that is signed by others: what hangs on their answers is
 * described in the request, so that they can finish it. */
#include "base/cleanup.h"
#include "base/size.h"
#include "image/build-measurement.h"
#include "image/build-state.h"
#include "image/esp.h"
#include "image/sign-program.h"

#include <stdlib.h>
#include <string.h>

#define PCR_BOOT 4
#define PCR_KERNEL 9
#define REGISTER_PCRS 0xff00u /* PCR 8 to 15: RTMR 2 of a TDX machine */

/* The initrd of one profile, as it passes by: the digests' states up to a block before the place of
 * the PCR signatures, and all bytes from there on. */
struct initrd {
        struct ingot_digest *digests[INGOT_BANK_MAX];
        uint64_t digested;        /* bytes, a multiple of BLOCK */
        struct ingot_buffer rest; /* what was not digested */
        bool found, too_long;
        size_t hole; /* in rest */
};

#define BLOCK 128 /* a multiple of the blocks of all digests */
#define MARK "{\"ingot\":\"00a78fc1-6a4b-4d5e-9f3b-the place of PCR signatures\"}"

struct signed_build {
        struct ingot_build *b;
        struct ingot_sign_request *q;
        struct ingot_buffer placeholder; /* of .pcrsig */
        struct initrd *initrds;
        size_t initrd_count;
        bool nomem;                          /* while an initrd passed by */
        struct ingot_sign_program *programs; /* as they will be, without signatures */
        struct ingot_inode **inodes;         /* whose content they are, … */
        struct ingot_reader *contents;       /* … and what it was */
        size_t program_count;
        const struct ingot_sign_program *uki;
        struct ingot_measurement m;
        struct ingot_sign_marks marks;
};

static void signed_build_done(struct signed_build *s)
{
        for (size_t i = 0; i < s->initrd_count; i++) {
                for (unsigned bank = 0; bank < INGOT_BANK_MAX; bank++)
                        ingot_digest_free(s->initrds[i].digests[bank]);
                ingot_buffer_done(&s->initrds[i].rest);
        }
        for (size_t i = 0; i < s->program_count; i++)
                s->inodes[i]->content = s->contents[i];
        free(s->initrds);
        free(s->programs);
        free(s->inodes);
        free(s->contents);
        ingot_buffer_done(&s->placeholder);
        ingot_measurement_done(&s->m);
        ingot_sign_marks_done(&s->marks);
}

/* A program of the ESP as it is signed: with room for a signature, which its digest is without. */
static int replace_program(struct signed_build *s, const char *path, uint64_t table,
                           ingot_error *reterr)
{
        struct ingot_inode *inode = ingot_tree_lookup(s->b->esp, path);
        size_t i = s->program_count;
        if (!inode)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "no %s", path);
        int r = ingot_sign_program_open(&inode->content, table, s->programs + i, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        if (strcmp(path, s->q->esp_uki) == 0) {
                s->uki = s->programs + i;
                if (s->placeholder.size > 0)
                        ingot_sign_program_put_pcrsig(s->programs + i,
                                                      ingot_buffer_span(&s->placeholder));
        }
        s->inodes[i] = inode;
        s->contents[i] = inode->content;
        inode->content = ingot_sign_program_reader(s->programs + i);
        s->program_count++;
        return 0;
}

static int replace_programs(struct signed_build *s, ingot_error *reterr)
{
        const struct ingot_sign_request *q = s->q;
        size_t most = 1;
        int r = 0;
        for (size_t i = 0; i < q->thing_count; i++)
                most += q->things[i].esp.count;
        s->programs = calloc(most, sizeof(*s->programs));
        s->inodes = calloc(most, sizeof(*s->inodes));
        s->contents = calloc(most, sizeof(*s->contents));
        if (!s->programs || !s->inodes || !s->contents)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < q->thing_count; i++)
                for (size_t k = 0; r >= 0 && k < q->things[i].esp.count; k++)
                        r = replace_program(s, q->things[i].esp.items[k], q->things[i].table,
                                            reterr);
        if (r >= 0 && !s->uki)
                r = replace_program(s, q->esp_uki, 0, reterr);
        return r;
}

/* JSON with no signature in it, that is found again. */
static int make_placeholder(struct signed_build *s, ingot_error *reterr)
{
        size_t size = (size_t) s->q->pcrsig_size;
        if (s->b->pcrsig.size == 0)
                return 0;
        if (size < sizeof(MARK))
                return ingot_fail(reterr, INGOT_E_INTERNAL, ".pcrsig is too small");
        return ingot_buffer_printf(&s->placeholder, reterr, MARK "%*s",
                                   (int) (size - (sizeof(MARK) - 1)), "");
}

static int start_initrd(struct signed_build *s, uint32_t profile, struct initrd **ret,
                        ingot_error *reterr)
{
        while (s->initrd_count <= profile) {
                struct initrd *more =
                        reallocarray(s->initrds, s->initrd_count + 1, sizeof(*s->initrds));
                if (!more)
                        return ingot_fail_nomem(reterr);
                s->initrds = more;
                struct initrd *i = more + s->initrd_count++;
                *i = (struct initrd){0};
                for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++) {
                        int r = ingot_digest_new(bank, &i->digests[bank], reterr);
                        if (r < 0)
                                return r;
                }
        }
        *ret = s->initrds + profile;
        return 0;
}

/* Whole blocks off the front of what was not digested, but for the last KEEP bytes. */
static void digest_front(struct initrd *i, size_t keep)
{
        size_t size = i->rest.size > keep ? (i->rest.size - keep) / BLOCK * BLOCK : 0;
        if (size == 0)
                return;
        for (enum ingot_bank bank = 0; bank < INGOT_BANK_MAX; bank++)
                ingot_digest_update(i->digests[bank], i->rest.data, size);
        memmove(i->rest.data, i->rest.data + size, i->rest.size - size);
        i->rest.size -= size;
        i->digested += size;
}

static int add_to_initrd(struct signed_build *s, struct initrd *i, struct ingot_span bytes)
{
        int r = ingot_buffer_append(&i->rest, bytes.data, bytes.size, NULL);
        if (r < 0)
                return r;
        if (i->found) {
                i->too_long = i->rest.size - i->hole > INGOT_SIGN_LITERAL_MAX;
                return 0;
        }
        const uint8_t *found =
                memmem(i->rest.data, i->rest.size, s->placeholder.data, s->placeholder.size);
        size_t before = i->rest.size, at = found ? (size_t) (found - i->rest.data) : 0;
        i->found = found;
        digest_front(i, found ? before - at : s->placeholder.size);
        i->hole = found ? at - (before - i->rest.size) : 0;
        return 0;
}

static void take_initrd(void *context, uint32_t profile, struct ingot_span bytes)
{
        struct signed_build *s = context;
        struct initrd *i = NULL;
        int r = start_initrd(s, profile, &i, NULL);
        if (r >= 0 && !i->too_long)
                r = add_to_initrd(s, i, bytes);
        s->nomem |= r < 0;
}

/* The initrd as a content of one digest: its state, the bytes up to the PCR signatures, these, and
 * the rest. */
static int describe_initrd(const struct signed_build *s, const struct initrd *i,
                           enum ingot_bank bank, struct ingot_sign_content *c, ingot_error *reterr)
{
        struct ingot_sign_part *p;
        size_t end = i->hole + s->placeholder.size;
        int r = 0;
        if (i->digested > 0) {
                r = ingot_sign_add_part(c, INGOT_SIGN_STATE, &p, reterr);
                if (r < 0)
                        return r;
                ingot_digest_export(i->digests[bank], p->state);
                p->size = i->digested;
        }
        r = ingot_sign_add_part(c, INGOT_SIGN_BYTES, &p, reterr);
        if (r >= 0)
                r = ingot_buffer_append(&p->bytes, i->rest.data, i->hole, reterr);
        if (r >= 0)
                r = ingot_sign_add_part(c, INGOT_SIGN_PCRSIG, &p, reterr);
        if (r < 0)
                return r;
        p->size = s->placeholder.size;
        r = ingot_sign_add_part(c, INGOT_SIGN_BYTES, &p, reterr);
        return r < 0 ? r
                     : ingot_buffer_append(&p->bytes, i->rest.data + end, i->rest.size - end,
                                           reterr);
}

static int new_content(struct signed_build *s, enum ingot_bank bank, const char *name,
                       struct ingot_sign_content **ret, ingot_error *reterr)
{
        int r = ingot_sign_add_content(s->q, name, ret, reterr);
        if (r >= 0)
                (*ret)->algorithm = bank;
        return r;
}

/* What firmware measures of the UKI. */
static int add_image(struct signed_build *s, enum ingot_bank bank, ingot_error *reterr)
{
        struct ingot_sign_program program = *s->uki;
        struct ingot_reader hashed = ingot_sign_program_hashed(&program);
        struct ingot_sign_hole hole = {.from = program.pcrsig_offset - 12,
                                       .to = program.pcrsig_offset - 12 + program.pcrsig_size,
                                       .kind = INGOT_SIGN_PCRSIG};
        struct ingot_sign_content *c;
        _cleanup_free_ char *name = NULL;
        int r = ingot_format(&name, reterr, "%s#measured:%s", s->q->uki, ingot_bank_name(bank));
        if (r >= 0)
                r = new_content(s, bank, name, &c, reterr);
        return r < 0 ? r : ingot_sign_describe(c, &hashed, 0, hashed.size, &hole, 1, reterr);
}

static int add_initrd(struct signed_build *s, uint32_t profile, enum ingot_bank bank,
                      ingot_error *reterr)
{
        struct ingot_sign_content *c;
        _cleanup_free_ char *name = NULL;
        int r = ingot_format(&name, reterr, "%s#initrd:%u:%s", s->q->uki, profile,
                             ingot_bank_name(bank));
        if (r >= 0)
                r = new_content(s, bank, name, &c, reterr);
        return r < 0 ? r : describe_initrd(s, s->initrds + profile, bank, c, reterr);
}

/* An event that hangs on answers gets marks for digests, and is final. */
static int settle(struct signed_build *s, struct ingot_measured_event *e,
                  const size_t contents[INGOT_BANK_MAX], ingot_error *reterr)
{
        int r = 0;
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++)
                r = ingot_sign_mark(&s->marks, ingot_bank_size(bank), contents[bank],
                                    e->record.digest[bank], reterr);
        e->state = INGOT_MEASURED_FINAL;
        free(e->reason);
        e->reason = NULL;
        return r;
}

/* What stands behind the signatures cannot all be in a request. */
static int give_up(struct ingot_measured_event *e, ingot_error *reterr)
{
        free(e->reason);
        e->reason = NULL;
        e->state = INGOT_MEASURED_UNKNOWN;
        e->record.banks = 0;
        return ingot_strdup(&e->reason,
                            "an addon's initrd stands behind the PCR signatures, and is too large "
                            "for a signing request",
                            reterr);
}

static int settle_initrd(struct signed_build *s, uint32_t profile, struct ingot_measured_event *e,
                         ingot_error *reterr)
{
        size_t contents[INGOT_BANK_MAX];
        int r = 0;
        if (profile >= s->initrd_count || !s->initrds[profile].found)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "no PCR signatures in the initrd");
        if (s->initrds[profile].too_long)
                return give_up(e, reterr);
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++) {
                contents[bank] = s->q->content_count;
                r = add_initrd(s, profile, bank, reterr);
        }
        return r < 0 ? r : settle(s, e, contents, reterr);
}

/* All that is provisional hangs on the PCR signatures: the UKI itself, and the initrds. */
static int settle_events(struct signed_build *s, ingot_error *reterr)
{
        size_t image[INGOT_BANK_MAX];
        int r = 0;
        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++) {
                image[bank] = s->q->content_count;
                r = add_image(s, bank, reterr);
        }
        for (size_t i = 0; r >= 0 && i < s->m.profile_count; i++)
                for (size_t k = 0; r >= 0 && k < s->m.profiles[i].count; k++) {
                        struct ingot_measured_event *e = s->m.profiles[i].events + k;
                        if (e->state != INGOT_MEASURED_PROVISIONAL)
                                continue;
                        if (e->record.pcr == PCR_BOOT)
                                r = settle(s, e, image, reterr);
                        else if (e->record.pcr == PCR_KERNEL)
                                r = settle_initrd(s, s->m.profiles[i].profile, e, reterr);
                        else
                                r = ingot_fail(reterr, INGOT_E_INTERNAL, "PCR %u: %s",
                                               e->record.pcr, e->reason);
                }
        if (r >= 0)
                r = ingot_sign_mark(&s->marks, INGOT_SHA256_SIZE, image[INGOT_BANK_SHA256],
                                    s->m.uki.digest, reterr);
        return r;
}

/* A value of a PCR, or of a register: known, or that of a content. */
struct chain {
        enum ingot_bank bank;
        struct ingot_pcr pcr; /* with the marks' digests in it */
        size_t content;       /* or INGOT_SIGN_NONE */
};

static size_t marked_content(const struct signed_build *s, const uint8_t *digest, size_t size)
{
        char hex[2 * INGOT_BANK_SIZE_MAX + 1];
        ingot_hex(hex, digest, size);
        for (size_t i = 0; i < s->marks.count; i++)
                if (strcmp(s->marks.items[i].hex, hex) == 0)
                        return s->marks.items[i].content;
        return INGOT_SIGN_NONE;
}

/* One half of what an extended value is the digest of. */
static int add_half(struct ingot_sign_content *c, const uint8_t *bytes, size_t size, size_t content,
                    ingot_error *reterr)
{
        struct ingot_sign_part *p;
        bool known = content == INGOT_SIGN_NONE;
        int r = ingot_sign_add_part(c, known ? INGOT_SIGN_BYTES : INGOT_SIGN_RAW, &p, reterr);
        if (r < 0)
                return r;
        p->of = content;
        return known ? ingot_buffer_append(&p->bytes, bytes, size, reterr) : 0;
}

static int extend(struct signed_build *s, struct chain *chain, const uint8_t *digest,
                  ingot_error *reterr)
{
        size_t size = ingot_bank_size(chain->bank);
        size_t of = marked_content(s, digest, size), old = chain->content;
        struct ingot_pcr before = chain->pcr;
        struct ingot_sign_content *c;
        _cleanup_free_ char *name = NULL;
        int r = ingot_pcr_extend_digest(&chain->pcr, chain->bank, digest, reterr);
        if (r < 0 || (of == INGOT_SIGN_NONE && old == INGOT_SIGN_NONE))
                return r;
        const uint8_t *value = chain->pcr.value[chain->bank];
        chain->content = marked_content(s, value, size);
        if (chain->content != INGOT_SIGN_NONE)
                return 0;
        chain->content = s->q->content_count;
        r = ingot_format(&name, reterr, "%s#extended:%zu", s->q->uki, chain->content);
        if (r >= 0)
                r = new_content(s, chain->bank, name, &c, reterr);
        if (r >= 0)
                r = add_half(c, before.value[chain->bank], size, old, reterr);
        if (r >= 0)
                r = add_half(c, digest, size, of, reterr);
        return r < 0 ? r : ingot_sign_mark_as(&s->marks, value, size, chain->content, reterr);
}

/* The values that a profile's events give the PCRs of a set, in one bank. Behind what is not known
 * there is no value. */
static int extend_all(struct signed_build *s, const struct ingot_measured_profile *p, uint32_t pcrs,
                      bool confidential, bool secure_boot, enum ingot_bank bank,
                      ingot_error *reterr)
{
        struct chain chain = {.bank = bank, .content = INGOT_SIGN_NONE};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < p->count; i++) {
                const struct ingot_measured_event *e = p->events + i;
                if (e->record.nv_index || e->record.pcr > 31 || !(pcrs >> e->record.pcr & 1) ||
                    (confidential && !e->confidential) || (secure_boot && e->insecure))
                        continue;
                if (e->state == INGOT_MEASURED_UNKNOWN)
                        return 0;
                r = extend(s, &chain, e->record.digest[bank], reterr);
        }
        return r;
}

static int settle_values(struct signed_build *s, ingot_error *reterr)
{
        static const uint32_t sets[] = {1u << PCR_BOOT, 1u << PCR_KERNEL};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < s->m.profile_count; i++) {
                const struct ingot_measured_profile *p = s->m.profiles + i;
                for (size_t k = 0; r >= 0 && k < ARRAY_SIZE(sets); k++)
                        for (enum ingot_bank bank = 0; r >= 0 && bank < INGOT_BANK_MAX; bank++) {
                                r = extend_all(s, p, sets[k], false, false, bank, reterr);
                                if (r >= 0 && sets[k] == 1u << PCR_BOOT)
                                        r = extend_all(s, p, sets[k], false, true, bank, reterr);
                        }
                if (r >= 0)
                        r = extend_all(s, p, REGISTER_PCRS, true, false, INGOT_BANK_SHA384, reterr);
        }
        return r;
}

int ingot_build_sign_measurement(struct ingot_build *b, uint64_t *ret_size, ingot_error *reterr)
{
        _cleanup_(signed_build_done) struct signed_build s = {.b = b, .q = &b->request};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        _cleanup_free_ char *name = NULL;
        struct ingot_predict_options options = {.uki = s.q->esp_uki};
        int r = make_placeholder(&s, reterr);
        if (r >= 0)
                r = replace_programs(&s, reterr);
        if (s.placeholder.size > 0) {
                options.initrd = take_initrd;
                options.context = &s;
        }
        if (r >= 0)
                r = ingot_build_predict(b, &options, &s.m, reterr);
        if (r >= 0 && s.nomem)
                r = ingot_fail_nomem(reterr);
        if (r >= 0 && s.placeholder.size > 0)
                r = settle_events(&s, reterr);
        if (r >= 0 && s.placeholder.size > 0)
                r = settle_values(&s, reterr);
        if (r >= 0)
                r = ingot_build_measurement_text(&s.m, &text, reterr);
        if (r >= 0)
                r = ingot_format(&name, reterr, "%s" INGOT_MEASUREMENT_SUFFIX, b->label);
        if (r < 0)
                return r;
        *ret_size = text.size;
        return ingot_sign_add_text(s.q, &s.marks, name, (char *) text.data, reterr);
}
