/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Would an update lock this machine out? The release's measurement manifest says what its UKI will
 * measure; the policy in the TPM's NV index (pcrlock.json) and the tokens of LUKS2 volumes on the
 * disk say which values unlock.
 */
#include "base/cleanup.h"
#include "cli/pcr-status.h"
#include "cli/update-source.h"
#include "format/luks2.h"
#include "measure/pcr-mask.h"
#include "update/fetch-file.h"

#include <fcntl.h>

/* What the UKI decides: boot manager's code, command line and initrd, the UKI, its parameters,
 * extensions of the initrd. */
#define UKI_PCRS (1u << 4 | 1u << 9 | 1u << 11 | 1u << 12 | 1u << 13)

/* PCRs that a token is sealed to by their values; those are never the same after an update. */
static uint32_t sealed_pcrs(const struct ingot_luks_tokens *tokens)
{
        uint32_t mask = 0;
        for (size_t i = 0; i < tokens->count; i++) {
                const struct ingot_sealed *s = &tokens->items[i].sealed;
                if (s->count > 0)
                        mask |= s->pcrs & UKI_PCRS;
        }
        return mask;
}

static int check_volume(const struct ingot_reader *part, const char *label, ingot_error *reterr)
{
        _cleanup_luks2_ struct ingot_luks2 header = {0};
        _cleanup_luks_tokens_ struct ingot_luks_tokens tokens = {0};
        char text[INGOT_PCR_MASK_TEXT_MAX];
        if (ingot_luks2_read(part, &header, NULL) < 0 ||
            ingot_luks_tokens_decode(ingot_buffer_span(&header.json), &tokens, NULL) < 0)
                return 0; /* it is none */
        uint32_t mask = sealed_pcrs(&tokens);
        return mask ? ingot_fail(
                              reterr, INGOT_E_REFUSED,
                              "the volume %s is sealed to the value of PCR %s, which every update "
                              "changes: enroll it anew by a policy ('ingot pcr lock' and 'ingot "
                              "key enroll', or a signed one), or have its passphrase at hand and "
                              "say --allow-lock-out",
                              label, ingot_pcr_mask_text(mask, text))
                    : 0;
}

static int check_volumes(struct ingot_machine *m, ingot_error *reterr)
{
        const struct ingot_reader disk = ingot_file_reader(&m->disk);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < m->gpt->partition_count; i++) {
                const struct ingot_gpt_partition *p = m->gpt->partitions + i;
                struct ingot_reader part;
                r = ingot_reader_part(&disk, ingot_gpt_offset(m->gpt, p), ingot_gpt_size(m->gpt, p),
                                      &part, reterr);
                if (r >= 0)
                        r = check_volume(&part, p->name, reterr);
        }
        return r;
}

/* Where the manifest is kept while it is looked at. */
static int fetch_manifest(struct update_offer *o, const struct update_wish *wish, char **ret,
                          const struct ingot_log *log, ingot_error *reterr)
{
        const struct ingot_walk_options options = {
                .sources = o->sources, .source_count = o->source_count, .log = log};
        int r = ingot_format(ret, reterr, "%s" INGOT_UPDATE_STATE_FOLDER "/next.measurement.json",
                             wish->machine.root ? wish->machine.root : "");
        return r < 0 ? r
                     : ingot_fetch_file(&o->choice.release->measurement, *ret, &options, reterr);
}

static int check_policy(const struct status *s, const char *version, ingot_error *reterr)
{
        for (size_t i = 0; i < s->next_count; i++)
                if (s->next[i].unlocks == INGOT_UNLOCK_NO)
                        return ingot_fail(
                                reterr, INGOT_E_REFUSED,
                                "version %s would not unlock what is locked to the TPM: %s; give "
                                "the policy its values first ('ingot pcr predict --pcrlock' over "
                                "the new UKI, then 'ingot pcr lock'), or have a recovery key at "
                                "hand and say --allow-lock-out",
                                version,
                                s->next[i].why.data ? (const char *) s->next[i].why.data : "");
        return 0;
}

int update_check_tpm(struct update_offer *o, const struct update_wish *wish,
                     const struct ingot_log *log, ingot_error *reterr)
{
        struct status_options options = {.root = wish->machine.root, .tpm = wish->tpm};
        _cleanup_status_ struct status first = {.options = &options};
        _cleanup_status_ struct status second = {.options = &options};
        _cleanup_strings_ struct ingot_strings paths = {0};
        _cleanup_free_ char *path = NULL;
        if (wish->allow_lock_out)
                return 0;
        int r = check_volumes(&o->view.machine, reterr);
        if (r >= 0)
                r = status_gather(&first, reterr);
        if (r < 0 || !first.facts.policy)
                return r;
        if (!o->choice.release->measurement.name)
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "this machine is locked by a policy of the TPM, and version %s "
                                  "does not say what it measures: publish it with its measurement "
                                  "manifest, or say --allow-lock-out",
                                  o->choice.release->version);
        r = fetch_manifest(o, wish, &path, log, reterr);
        if (r >= 0)
                r = ingot_strings_add(&paths, path, reterr);
        if (r < 0)
                return r;
        options.manifests = paths;
        r = status_gather(&second, reterr);
        (void) ingot_file_remove(path, NULL);
        return r < 0 ? r : check_policy(&second, o->choice.release->version, reterr);
}
