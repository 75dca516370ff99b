/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/lock.h"
#include "base/cleanup.h"
#include "measure/super-policy.h"
#include "measure/tpm-policy.h"
#include "os/file.h"

#include <string.h>

static int write_index(struct ingot_lock *l, struct ingot_span data, ingot_error *reterr)
{
        _cleanup_tpm_session_ struct ingot_tpm_session s = {0};
        int r = ingot_tpm_session_start(l->tpm, &s, reterr);
        if (r >= 0)
                r = ingot_tpm_policy_signed(&s, INGOT_SPAN(l->pin.secret, l->pin.size), reterr);
        return r < 0 ? r : ingot_tpm_nv_write(&s, l->policy.nv_index, data, reterr);
}

static int roll_back(struct ingot_lock *l, ingot_error *reterr)
{
        int r = 0;
        if (l->defined)
                r = ingot_tpm_nv_undefine(l->tpm, l->policy.nv_index, reterr);
        else if (l->written && l->before.size > 0)
                r = write_index(l, ingot_buffer_span(&l->before), reterr);
        l->defined = l->written = false;
        return r;
}

void ingot_lock_discard(struct ingot_lock *l)
{
        (void) roll_back(l, NULL);
        ingot_pcrlock_policy_done(&l->policy);
        ingot_buffer_done(&l->before);
        explicit_bzero(&l->pin, sizeof(l->pin));
        *l = (struct ingot_lock){0};
}

void ingot_lock_keep(struct ingot_lock *l)
{
        l->defined = l->written = false;
}

static int copy_sets(struct ingot_pcr_sets *ret, const struct ingot_pcr_sets *from,
                     ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < from->count; i++) {
                struct ingot_pcr_values *set;
                r = ingot_pcr_sets_add(ret, from->items[i].pcr, from->items[i].bank, &set, reterr);
                for (size_t k = 0; r >= 0 && k < from->items[i].count; k++)
                        r = ingot_pcr_values_add(set, from->items[i].values[k], reterr);
        }
        return r;
}

static int copy(struct ingot_buffer *ret, const struct ingot_buffer *from, ingot_error *reterr)
{
        return ingot_buffer_append(ret, from->data, from->size, reterr);
}

/* ---- a new index ---- */

static int write_digest(struct ingot_lock *l, ingot_error *reterr)
{
        uint8_t data[INGOT_PCRLOCK_NV_DATA_SIZE];
        ingot_pcrlock_nv_data(&l->digest, data);
        int r = write_index(l, INGOT_SPAN(data, sizeof(data)), reterr);
        l->written = l->written || r >= 0;
        return r;
}

/* systemd keeps the public area of before the first write, and the handle of after it: a session
 * with an index is by its name, which that changes. */
static int describe(struct ingot_lock *l, ingot_error *reterr)
{
        _cleanup_tpm_nv_ struct ingot_tpm_nv before = {0}, after = {0};
        int r = ingot_tpm_nv_public(l->tpm, l->policy.nv_index, &before, reterr);
        if (r >= 0)
                r = write_digest(l, reterr);
        if (r >= 0)
                r = ingot_tpm_nv_public(l->tpm, l->policy.nv_index, &after, reterr);
        if (r >= 0)
                r = copy(&l->policy.nv_public, &before.public_area, reterr);
        return r < 0 ? r : copy(&l->policy.nv_handle, &after.serialized, reterr);
}

static int define(struct ingot_lock *l, uint32_t index, ingot_error *reterr)
{
        struct ingot_policy write, sealed;
        ingot_pcrlock_write_policy(&l->pin, &write);
        int r = ingot_tpm_nv_define(l->tpm, index, write.digest, INGOT_PCRLOCK_NV_DATA_SIZE,
                                    &l->policy.nv_index, reterr);
        if (r < 0)
                return r;
        l->defined = true;
        r = describe(l, reterr);
        if (r >= 0)
                r = ingot_tpm_srk(l->tpm, &l->policy.srk_handle, reterr);
        if (r >= 0)
                r = ingot_pcrlock_sealed_policy(
                        INGOT_SPAN(l->policy.nv_public.data + 2, l->policy.nv_public.size - 2),
                        &sealed, reterr);
        if (r < 0)
                return r;
        return ingot_tpm_seal(l->tpm, sealed.digest, INGOT_SPAN(l->pin.secret, l->pin.size),
                              &l->policy.pin_private, &l->policy.pin_public, reterr);
}

/* ---- the index that there is ---- */

static int unseal_pin(struct ingot_tpm *t, const struct ingot_pcrlock_policy *p,
                      struct ingot_pcrlock_pin *ret, ingot_error *reterr)
{
        _cleanup_tpm_session_ struct ingot_tpm_session s = {0};
        _cleanup_buffer_ struct ingot_buffer blob = {0}, secret = {0};
        int r = ingot_tpm_session_start(t, &s, reterr);
        if (r >= 0)
                r = ingot_tpm_pcrlock(&s, p, reterr);
        if (r >= 0)
                r = copy(&blob, &p->pin_private, reterr);
        if (r >= 0)
                r = copy(&blob, &p->pin_public, reterr);
        if (r >= 0)
                r = ingot_tpm_unseal(&s, ingot_buffer_span(&blob), &secret, reterr);
        if (r >= 0 && secret.size > sizeof(ret->secret))
                r = ingot_fail(reterr, INGOT_E_FORMAT, "the PIN has %zu bytes", secret.size);
        if (r >= 0) {
                memcpy(ret->secret, secret.data, secret.size);
                ret->size = secret.size;
        }
        if (secret.data)
                explicit_bzero(secret.data, secret.size);
        return r;
}

static int take_old(struct ingot_lock *l, const struct ingot_lock_options *o, ingot_error *reterr)
{
        const struct ingot_pcrlock_policy *old = o->old;
        l->policy.nv_index = old->nv_index;
        int r = copy(&l->policy.nv_handle, &old->nv_handle, reterr);
        if (r >= 0)
                r = copy(&l->policy.nv_public, &old->nv_public, reterr);
        if (r >= 0)
                r = copy(&l->policy.srk_handle, &old->srk_handle, reterr);
        if (r >= 0)
                r = copy(&l->policy.pin_public, &old->pin_public, reterr);
        if (r >= 0)
                r = copy(&l->policy.pin_private, &old->pin_private, reterr);
        if (r >= 0)
                r = ingot_tpm_nv_read(l->tpm, old->nv_index, &l->before, reterr);
        if (r == -INGOT_E_NOTFOUND)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the TPM has no NV index %#x, which pcrlock.json names: it was "
                                  "cleared, or it is another; remove that file to begin anew",
                                  old->nv_index);
        if (r < 0)
                return r;
        if (o->pin) {
                ingot_pcrlock_pin_of(o->pin, &l->pin);
                return 0;
        }
        r = unseal_pin(l->tpm, old, &l->pin, reterr);
        return r < 0 ? ingot_under(reterr, r,
                                   "the old policy does not give out its PIN, so give the recovery "
                                   "PIN")
                     : 0;
}

int ingot_lock_prepare(struct ingot_lock *lock, struct ingot_tpm *t,
                       const struct ingot_lock_options *options, ingot_error *reterr)
{
        _cleanup_lock_ struct ingot_lock l = {.tpm = t};
        const struct ingot_super_policy_options nesting = {.nested = options->nested};
        if (options->sets->count == 0)
                return ingot_fail(reterr, INGOT_E_USAGE, "a policy over no PCR");
        l.policy.bank = options->sets->items[0].bank;
        int r = copy_sets(&l.policy.sets, options->sets, reterr);
        if (r >= 0)
                r = ingot_super_policy(&l.digest, &l.policy.sets, &nesting, reterr);
        if (r >= 0)
                r = ingot_tpm_pcrs_check(t, &l.policy.sets, "the new policy", reterr);
        if (r >= 0 && options->old)
                r = take_old(&l, options, reterr);
        if (r >= 0 && !options->old) {
                ingot_pcrlock_pin_of(options->pin, &l.pin);
                r = define(&l, options->nv_index, reterr);
        }
        if (r < 0)
                return r;
        *lock = l;
        l = (struct ingot_lock){0};
        return 0;
}

/* The TPM refuses a write by another PIN. */
static int write_new(struct ingot_lock *l, ingot_error *reterr)
{
        ingot_error error = {0};
        int r = l->written ? 0 : write_digest(l, &error);
        if (r == -INGOT_E_REFUSED)
                return ingot_fail(reterr, INGOT_E_REFUSED, "the recovery PIN is wrong: %s",
                                  error.text);
        if (r < 0 && reterr)
                *reterr = error;
        return r;
}

int ingot_lock_activate(struct ingot_lock *lock, ingot_error *reterr)
{
        struct ingot_pcrlock_pin pin = {0};
        ingot_error error = {0};
        int r = write_new(lock, reterr);
        if (r < 0)
                return r;
        r = unseal_pin(lock->tpm, &lock->policy, &pin, &error);
        explicit_bzero(&pin, sizeof(pin));
        if (r >= 0)
                return 0;
        int back = roll_back(lock, reterr);
        if (back < 0)
                return ingot_under(reterr, back,
                                   "the new policy unseals nothing (%s), and the old one could not "
                                   "be put back",
                                   error.text);
        if (reterr)
                *reterr = error;
        return ingot_under(reterr, r, "the new policy unseals nothing, so the old one is back");
}

/* pcrlock.json is on the disk before the index is written, and takes its name after. */
static int write_both(struct ingot_lock *lock, const char *path, ingot_error *reterr)
{
        _cleanup_outfile_ struct ingot_outfile out = INGOT_OUTFILE_NONE;
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = ingot_pcrlock_policy_encode(&lock->policy, &text, reterr);
        if (r >= 0)
                r = ingot_outfile_create(&out, path, 0644, reterr);
        if (r >= 0)
                r = ingot_file_write_all(out.fd, text.data, text.size, reterr);
        if (r >= 0)
                r = ingot_lock_activate(lock, reterr);
        if (r >= 0)
                r = ingot_outfile_commit(&out, reterr);
        if (r >= 0)
                ingot_lock_keep(lock);
        return r;
}

int ingot_lock_make(struct ingot_tpm *t, const struct ingot_lock_options *options, const char *path,
                    uint32_t *ret_nv_index, ingot_error *reterr)
{
        _cleanup_lock_ struct ingot_lock lock = {0};
        int r = ingot_lock_prepare(&lock, t, options, reterr);
        if (r >= 0)
                r = write_both(&lock, path, reterr);
        if (r < 0)
                return r;
        *ret_nv_index = lock.policy.nv_index;
        return 0;
}
