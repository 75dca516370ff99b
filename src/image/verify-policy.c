/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk against an image policy: which partitions systemd would take (UAPI.2, and the newest label
 * of each designator), how it would use them, and whether what protects them holds.
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "format/version.h"
#include "image/verify-state.h"

#include <stdlib.h>
#include <string.h>

#define CHECK "policy"

/* What would be taken of a disk, by designator. */
struct taken {
        const struct ingot_image *part[INGOT_DESIGNATOR_MAX];
};

static bool is_candidate(const struct ingot_image *part)
{
        return !(part->partition->attributes & INGOT_GPT_NO_AUTO) &&
               !ingot_verify_is_empty_slot(part);
}

/* The architecture of the first root or usr: an image is for one. */
static const char *architecture_of(const struct ingot_image *disk)
{
        for (size_t i = 0; i < disk->part_count; i++) {
                const struct ingot_partition_type *t =
                        ingot_partition_type_by_uuid(&disk->parts[i].partition->type);
                if (t && t->architecture && is_candidate(disk->parts + i))
                        return t->architecture;
        }
        return "";
}

static void take(const struct ingot_image *disk, struct taken *ret)
{
        const char *architecture = architecture_of(disk);
        for (size_t i = 0; i < disk->part_count; i++) {
                const struct ingot_image *p = disk->parts + i;
                const struct ingot_partition_type *t =
                        ingot_partition_type_by_uuid(&p->partition->type);
                if (!t || !is_candidate(p) ||
                    (t->architecture && strcmp(t->architecture, architecture) != 0))
                        continue;
                const struct ingot_image **place = ret->part + t->designator;
                if (!*place ||
                    ingot_version_compare((*place)->partition->name, p->partition->name) < 0)
                        *place = p;
        }
}

static uint32_t fstype_of(enum ingot_content content)
{
        switch (content) {
        case INGOT_CONTENT_EROFS:
                return INGOT_POLICY_EROFS;
        case INGOT_CONTENT_EXT4:
                return INGOT_POLICY_EXT4;
        case INGOT_CONTENT_FAT:
                return INGOT_POLICY_VFAT;
        default:
                return 0;
        }
}

static struct ingot_image_policy_found found_of(const struct ingot_image *part)
{
        if (!part)
                return (struct ingot_image_policy_found){0};
        uint64_t attributes = part->partition->attributes;
        return (struct ingot_image_policy_found){
                .present = true,
                .encrypted = part->content == INGOT_CONTENT_LUKS,
                .read_only = attributes & INGOT_GPT_READ_ONLY,
                .growfs = attributes & INGOT_GPT_GROW_FS,
                .fstype = fstype_of(part->content),
        };
}

/* Does the tree that the policy relies on hold, and who signed it? */
static int check_protection(const struct ingot_verify *v, const struct ingot_image *data,
                            enum ingot_designator d, uint32_t state, uint32_t allowed,
                            enum ingot_finding_state *worst, ingot_error *reterr)
{
        const char *name = ingot_designator_name(d);
        const struct ingot_verify_pair *p = NULL;
        for (size_t i = 0; i < v->pair_count; i++)
                if (v->pairs[i].data == data)
                        p = v->pairs + i;
        if (!p || !p->holds)
                return ingot_fail(reterr, INGOT_E_REFUSED, "%s has no hash tree that holds", name);
        if (state != INGOT_POLICY_SIGNED || (allowed & INGOT_POLICY_VERITY))
                return 0;
        if (p->signature == INGOT_FINDING_NO_KEY)
                *worst = INGOT_FINDING_NO_KEY;
        else if (p->signature != INGOT_FINDING_HOLDS)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "%s must be signed; its root hash is not, or not by a key that "
                                  "was given",
                                  name);
        return 0;
}

/* "root signed, usr absent": of what the policy speaks. */
static int describe(const struct ingot_image_policy *policy,
                    const struct ingot_image_policy_result *result, char **ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_buffer_printf(&text, reterr, "%s", "");
        for (size_t i = 0; i < INGOT_IMAGE_POLICY_DESIGNATORS && r >= 0; i++) {
                enum ingot_designator d = ingot_image_policy_designators[i];
                _cleanup_free_ char *state = NULL;
                bool there = result->state[d] != INGOT_POLICY_ABSENT;
                bool protects = d == INGOT_DESIGNATOR_ROOT_VERITY ||
                                d == INGOT_DESIGNATOR_ROOT_VERITY_SIG ||
                                d == INGOT_DESIGNATOR_USR_VERITY ||
                                d == INGOT_DESIGNATOR_USR_VERITY_SIG;
                if (!policy->given[d] && (!there || protects))
                        continue;
                r = ingot_image_policy_print_flags(result->state[d], &state, reterr);
                if (r >= 0)
                        r = ingot_buffer_printf(&text, reterr, "%s%s %s%s", text.size ? ", " : "",
                                                ingot_designator_name(d), state,
                                                there && ingot_image_policy_is_open(policy, d)
                                                        ? " (the policy allows anything here)"
                                                        : "");
        }
        if (r >= 0)
                *ret = (char *) ingot_buffer_take(&text);
        return r;
}

static int check_disk(const struct ingot_verify *v, const struct ingot_image *disk,
                      enum ingot_finding_state *ret_state, char **ret_text, ingot_error *reterr)
{
        const struct ingot_image_policy *policy = v->options->policy;
        struct ingot_image_policy_found found[INGOT_DESIGNATOR_MAX];
        struct ingot_image_policy_result result;
        struct taken taken = {0};
        *ret_state = INGOT_FINDING_HOLDS;
        take(disk, &taken);
        for (size_t d = 0; d < INGOT_DESIGNATOR_MAX; d++)
                found[d] = found_of(taken.part[d]);
        int r = ingot_image_policy_check(policy, found, &result, reterr);
        for (size_t d = 0; d < INGOT_DESIGNATOR_MAX && r >= 0; d++)
                if (result.state[d] & (INGOT_POLICY_VERITY | INGOT_POLICY_SIGNED))
                        r = check_protection(
                                v, taken.part[d], (enum ingot_designator) d, result.state[d],
                                ingot_image_policy_get(policy, (enum ingot_designator) d),
                                ret_state, reterr);
        if (r >= 0 && result.undecided)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "whether an encrypted partition has integrity is not seen from "
                                  "outside");
        return r < 0 ? r : describe(policy, &result, ret_text, reterr);
}

static int visit(struct ingot_verify *v, struct ingot_verify_file *file, struct ingot_image *part,
                 struct ingot_image *program, struct ingot_image *image, ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        ingot_error error = {0};
        enum ingot_finding_state state;
        char *where;
        (void) part, (void) program;
        if (image->content != INGOT_CONTENT_DISK)
                return 0;
        int r = ingot_verify_where(v, file, NULL, NULL, &where, reterr);
        if (r < 0)
                return r;
        int e = check_disk(v, image, &state, &text, &error);
        if (e < 0)
                return ingot_verify_result(v, CHECK, where, v->options->policy_text, e, &error,
                                           reterr);
        if (state == INGOT_FINDING_NO_KEY)
                return ingot_verify_add(v, CHECK, where, INGOT_FINDING_NOT_CHECKED,
                                        v->options->policy_text,
                                        "it wants a signature; give its key with "
                                        "--key=verity=FILE",
                                        reterr);
        return ingot_verify_add(v, CHECK, where, state, v->options->policy_text, text, reterr);
}

int ingot_verify_policy(struct ingot_verify *v, ingot_error *reterr)
{
        size_t before = v->result.count;
        int r = v->options->policy ? ingot_verify_each(v, visit, reterr) : 0;
        if (r < 0 || !v->options->policy || v->result.count > before)
                return r;
        /* Asked for, and nothing to ask of: not an open door. */
        char *where;
        r = ingot_strdup(&where, v->file_count ? v->files[0].name : "", reterr);
        return r < 0 ? r
                     : ingot_verify_add(v, CHECK, where, INGOT_FINDING_NOT_CHECKED,
                                        v->options->policy_text,
                                        "a policy is for disk images, and none is here", reterr);
}
