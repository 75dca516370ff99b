/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What there is to see of PCRs and of what is locked to them. */
#include "cli/pcr-status.h"
#include "base/cleanup.h"
#include "cli/tpm.h"
#include "image/measurement-file.h"
#include "os/file.h"
#include "os/root.h"

#include <fcntl.h>
#include <stdlib.h>

#define SIGNATURES "/tpm2-pcr-signature.json"

void status_done(struct status *s)
{
        ingot_boot_log_done(&s->log);
        free(s->log_problem);
        ingot_tpm_state_done(&s->tpm);
        ingot_pcrlock_policy_done(&s->policy);
        ingot_pcrsig_done(&s->signatures);
        ingot_buffer_done(&s->policy_why);
        for (size_t i = 0; i < s->volume_count; i++)
                ingot_luks_tokens_done(&s->volumes[i].tokens);
        free(s->volumes);
        ingot_strings_done(&s->credentials);
        for (size_t i = 0; i < s->next_count; i++) {
                ingot_buffer_done(&s->next[i].why);
                free(s->next[i].signer);
        }
        free(s->next);
}

/* A machine without a log is one of the things that a status is about; a file that was named and
 * cannot be read is not. */
static int load_log(struct status *s, ingot_error *reterr)
{
        const struct status_options *o = s->options;
        const struct ingot_boot_log_request q = {
                .firmware = o->log, .userspace = o->userspace, .root = o->root};
        ingot_error error = {0};
        int r = ingot_boot_log_load(&q, &s->log, &error);
        if (r < 0 && (o->log || o->userspace || r == -INGOT_E_NOMEM)) {
                if (reterr)
                        *reterr = error;
                return r;
        }
        s->has_log = r >= 0;
        if (r >= 0)
                r = ingot_boot_log_problem(&s->log, &error);
        if (r >= 0 && s->log.interrupted)
                r = ingot_fail(&error, INGOT_E_FORMAT,
                               "the log of user space may lack a measurement (its sticky bit is "
                               "set)");
        return r < 0 ? ingot_strdup(&s->log_problem, error.text, reterr) : 0;
}

/* Below the root, unless the file was named. 1: there is none. */
static int read_named(const struct status *s, const char *named, const char *path, size_t max,
                      struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_close_ int root = -1;
        enum ingot_root_kind kind;
        if (named) {
                _cleanup_free_ uint8_t *bytes = NULL;
                size_t size;
                int r = ingot_file_read(AT_FDCWD, named, max, &bytes, &size, reterr);
                return r < 0 ? r : ingot_buffer_append(ret, bytes, size, reterr);
        }
        int r = ingot_root_open(s->options->root, &root, reterr);
        if (r >= 0)
                r = ingot_root_look(root, path, &kind, reterr);
        if (r < 0)
                return r;
        return kind == INGOT_ROOT_FILE ? ingot_root_read(root, path, max, ret, reterr) : 1;
}

static int load_policy(struct status *s, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = read_named(s, s->options->policy, INGOT_PCRLOCK_POLICY_PATH,
                           INGOT_PCRLOCK_POLICY_SIZE_MAX, &text, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        r = ingot_pcrlock_policy_decode(ingot_buffer_span(&text), &s->policy, reterr);
        if (r >= 0)
                s->facts.policy = &s->policy;
        return r;
}

/* Where systemd looks for it. */
static int load_signatures(struct status *s, ingot_error *reterr)
{
        static const char *const paths[] = {"/etc/systemd" SIGNATURES, "/run/systemd" SIGNATURES,
                                            "/usr/lib/systemd" SIGNATURES};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = 1;
        for (size_t i = 0; r == 1 && i < ARRAY_SIZE(paths); i++)
                r = read_named(s, s->options->signatures, paths[i], INGOT_PCRSIG_SIZE_MAX, &text,
                               reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        r = ingot_pcrsig_decode(ingot_buffer_span(&text), &s->signatures, reterr);
        if (r >= 0)
                s->facts.signatures = &s->signatures;
        return r;
}

static int load_volumes(struct status *s, ingot_error *reterr)
{
        const struct ingot_strings *paths = &s->options->luks;
        int r = 0;
        s->volumes = calloc(paths->count + 1, sizeof(*s->volumes));
        if (!s->volumes)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; r >= 0 && i < paths->count; i++) {
                struct status_volume *v = s->volumes + s->volume_count++;
                v->path = paths->items[i];
                r = ingot_luks_tokens_read(v->path, &v->tokens, reterr);
        }
        return r;
}

/* Where the ESP may be mounted. */
static int list_credentials(struct status *s, ingot_error *reterr)
{
        static const char *const folders[] = {"/efi/loader/credentials", "/boot/loader/credentials",
                                              "/boot/efi/loader/credentials"};
        _cleanup_close_ int root = -1;
        int r = ingot_root_open(s->options->root, &root, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(folders); i++) {
                _cleanup_strings_ struct ingot_strings names = {0};
                r = ingot_root_list(root, folders[i], &names, reterr);
                for (size_t k = 0; r == 0 && k < names.count; k++)
                        if (ingot_ends_with(names.items[k], ".cred"))
                                r = ingot_strings_add(&s->credentials, names.items[k], reterr);
        }
        return r < 0 ? r : 0;
}

static int add_next(struct status *s, const char *path, const char *signer,
                    const struct ingot_measured_profile *p, ingot_error *reterr)
{
        struct status_next *more = reallocarray(s->next, s->next_count + 1, sizeof(*more));
        if (!more)
                return ingot_fail_nomem(reterr);
        s->next = more;
        struct status_next *n = more + s->next_count++;
        *n = (struct status_next){.path = path, .profile = p->profile};
        const struct ingot_next_boot next = {.profile = p, .log = s->has_log ? &s->log : NULL};
        int r = signer ? ingot_strdup(&n->signer, signer, reterr) : 0;
        if (r >= 0)
                r = ingot_policy_unlocks_next(&s->policy, &next, &n->unlocks, &n->why, reterr);
        s->locked += r >= 0 && n->unlocks == INGOT_UNLOCK_NO;
        return r;
}

/* SIGNERS: NULL when nobody said who they are. */
static int load_manifest(struct status *s, const char *path,
                         const struct ingot_signature_request *signers, ingot_error *reterr)
{
        _cleanup_measurement_file_ struct ingot_measurement_file f = {0};
        _cleanup_measurement_ struct ingot_measurement m = {0};
        _cleanup_free_ char *signer = NULL;
        int r = ingot_measurement_file_read(path, &f, reterr);
        if (r >= 0 && signers)
                r = ingot_measurement_file_check(&f, signers, &signer, reterr);
        if (r < 0)
                return r;
        r = ingot_measurement_decode(ingot_buffer_span(&f.text), &m, reterr);
        for (size_t i = 0; r >= 0 && i < m.profile_count; i++)
                r = add_next(s, path, signer, m.profiles + i, reterr);
        return ingot_under(reterr, r, "%s", path);
}

static int load_next(struct status *s, const struct ingot_log *log, ingot_error *reterr)
{
        const struct status_options *o = s->options;
        _cleanup_signers_ struct signers keys = {0};
        int unchecked = signers_load(&keys, &o->signers, o->root, log, reterr), r = unchecked;
        if (r >= 0 && o->manifests.count > 0 && !s->facts.policy)
                return ingot_fail(
                        reterr, INGOT_E_NOTFOUND,
                        "no policy that a manifest could be compared with: no pcrlock.json");
        for (size_t i = 0; r >= 0 && i < o->manifests.count; i++)
                r = load_manifest(s, o->manifests.items[i], unchecked ? NULL : &keys.request,
                                  reterr);
        return r < 0 ? r : 0;
}

/* What does not unlock, by any of its tokens of a TPM. */
static int count_locked(struct status *s, ingot_error *reterr)
{
        int r = 0;
        if (s->facts.policy)
                r = ingot_policy_unlocks(&s->facts, &s->policy_unlocks, &s->policy_why, reterr);
        s->locked += r >= 0 && s->facts.policy && s->policy_unlocks == INGOT_UNLOCK_NO;
        for (size_t i = 0; r >= 0 && i < s->volume_count; i++) {
                const struct ingot_luks_tokens *t = &s->volumes[i].tokens;
                for (size_t k = 0; r >= 0 && k < t->count; k++) {
                        _cleanup_buffer_ struct ingot_buffer why = {0};
                        enum ingot_unlock unlocks;
                        if (t->items[k].sealed.count == 0)
                                continue;
                        r = ingot_sealed_unlocks(&t->items[k].sealed, &s->facts, &unlocks, &why,
                                                 reterr);
                        s->locked += r >= 0 && unlocks == INGOT_UNLOCK_NO;
                }
        }
        return r;
}

static int read_tpm(struct status *s, ingot_error *reterr)
{
        const struct status_options *o = s->options;
        const struct ingot_tpm_state_request q = {.where = o->root ? o->tpm : tpm_where(o->tpm),
                                                  .root = o->root,
                                                  .policy = s->facts.policy};
        int r = ingot_tpm_state_read(&q, &s->tpm, reterr);
        if (r >= 0)
                r = ingot_pcr_stand(s->has_log ? &s->log : NULL, &s->tpm, s->pcrs, reterr);
        for (unsigned i = 0; r >= 0 && i < INGOT_PCR_COUNT; i++)
                s->differing |= (uint32_t) (s->pcrs[i] == INGOT_PCR_DIFFERS) << i;
        s->facts.tpm = &s->tpm;
        return r;
}

int status_gather(struct status *s, const struct ingot_log *log, ingot_error *reterr)
{
        int r = load_log(s, reterr);
        if (r >= 0)
                r = load_policy(s, reterr);
        if (r >= 0)
                r = load_signatures(s, reterr);
        if (r >= 0)
                r = load_volumes(s, reterr);
        if (r >= 0)
                r = list_credentials(s, reterr);
        if (r >= 0)
                r = read_tpm(s, reterr);
        if (r >= 0)
                r = count_locked(s, reterr);
        return r < 0 ? r : load_next(s, log, reterr);
}
