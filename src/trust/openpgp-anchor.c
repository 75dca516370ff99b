/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certifications are checked in a keyring that is of the time in question. */
#include "trust/openpgp-anchor.h"
#include "base/cleanup.h"
#include "trust/openpgp-keyring.h"

#include <stdlib.h>
#include <string.h>

enum { SIGNATURES_MAX = 20000, USER_IDS_MAX = 1000 };

/* One certificate, while its certifications are looked at. */
struct work {
        const struct ingot_openpgp_keyring *keyring;
        struct ingot_strings *anchors;
        const char *fault;
};

static void uid_destroy(rnp_uid_handle_t *uid)
{
        rnp_uid_handle_destroy(*uid);
}

static bool is_certification(const char *type)
{
        return strncmp(type, "certification (", strlen("certification (")) == 0;
}

static bool is_revocation(const char *type)
{
        return strcmp(type, "certification revocation") == 0;
}

/* The anchor that made S, and by which file it is one; NULL when none did. */
static const struct ingot_key_file *anchor_of(const struct work *w, rnp_signature_handle_t s,
                                              rnp_key_handle_t *ret)
{
        _cleanup_(buffer_destroy) char *fingerprint = NULL;
        bool primary = false;
        if (rnp_signature_get_signer(s, ret) != RNP_SUCCESS || !*ret ||
            rnp_key_is_primary(*ret, &primary) != RNP_SUCCESS || !primary ||
            rnp_key_get_fprint(*ret, &fingerprint) != RNP_SUCCESS)
                return NULL;
        return ingot_openpgp_keyring_file(w->keyring, fingerprint, true);
}

/* Did the anchor of FILE revoke, at CREATED or later, what it said of the user ID? Whether that
 * matches is not asked: librnp 0.16 takes all revocations for the key's own and finds none of
 * another that matches, and what stands in a verifier's file can only refuse here. */
static bool is_withdrawn(const struct work *w, rnp_uid_handle_t uid, size_t count,
                         const struct ingot_key_file *file, uint32_t created)
{
        for (size_t i = 0; i < count; i++) {
                _cleanup_(signature_destroy) rnp_signature_handle_t s = NULL;
                _cleanup_(buffer_destroy) char *type = NULL;
                _cleanup_(key_destroy) rnp_key_handle_t key = NULL;
                uint32_t when = 0;
                if (rnp_uid_get_signature_at(uid, i, &s) == RNP_SUCCESS &&
                    rnp_signature_get_type(s, &type) == RNP_SUCCESS && is_revocation(type) &&
                    rnp_signature_get_creation(s, &when) == RNP_SUCCESS && when >= created &&
                    anchor_of(w, s, &key) == file)
                        return true;
        }
        return false;
}

static const char *certification_fault(rnp_signature_handle_t s, rnp_key_handle_t anchor,
                                       uint32_t created)
{
        _cleanup_(buffer_destroy) char *hash = NULL;
        bool certifies = false, revoked = true;
        if (rnp_key_is_revoked(anchor, &revoked) != RNP_SUCCESS || revoked)
                return "the trust anchor that certifies its key is revoked";
        if (ingot_openpgp_key_fault(anchor, created) ||
            rnp_key_allows_usage(anchor, "certify", &certifies) != RNP_SUCCESS || !certifies)
                return "the trust anchor that certifies its key was not valid for that, or is weak";
        if (rnp_signature_get_hash_alg(s, &hash) != RNP_SUCCESS || !ingot_openpgp_hash_strong(hash))
                return "the certification by its trust anchor has a weak digest";
        switch (rnp_signature_is_valid(s, 0)) {
        case RNP_SUCCESS:
                return NULL;
        case RNP_ERROR_SIGNATURE_EXPIRED:
                return "the certification by its trust anchor is expired";
        default:
                return "the certification by its trust anchor does not match";
        }
}

static int take_anchor(struct work *w, const struct ingot_key_file *file, ingot_error *reterr)
{
        for (size_t i = 0; i < w->anchors->count; i++)
                if (strcmp(w->anchors->items[i], file->path) == 0)
                        return 0;
        return ingot_strings_add(w->anchors, file->path, reterr);
}

static int look_at_user_id(struct work *w, rnp_uid_handle_t uid, ingot_error *reterr)
{
        size_t count = 0;
        rnp_uid_get_signature_count(uid, &count);
        if (count > SIGNATURES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a user ID of %zu certifications", count);
        for (size_t i = 0; i < count; i++) {
                _cleanup_(signature_destroy) rnp_signature_handle_t s = NULL;
                _cleanup_(buffer_destroy) char *type = NULL;
                _cleanup_(key_destroy) rnp_key_handle_t key = NULL;
                const struct ingot_key_file *file;
                uint32_t created = 0;
                if (rnp_uid_get_signature_at(uid, i, &s) != RNP_SUCCESS ||
                    rnp_signature_get_type(s, &type) != RNP_SUCCESS || !is_certification(type) ||
                    rnp_signature_get_creation(s, &created) != RNP_SUCCESS ||
                    !(file = anchor_of(w, s, &key)))
                        continue;
                const char *fault = certification_fault(s, key, created);
                if (!fault && is_withdrawn(w, uid, count, file, created))
                        fault = "the certification by its trust anchor is revoked";
                if (fault)
                        w->fault = fault;
                int r = fault ? 0 : take_anchor(w, file, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int look_at_key(struct work *w, const char *fingerprint, ingot_error *reterr)
{
        _cleanup_(key_destroy) rnp_key_handle_t key = NULL;
        size_t count = 0;
        int r = 0;
        if (rnp_locate_key(w->keyring->ffi, "fingerprint", fingerprint, &key) != RNP_SUCCESS ||
            !key || rnp_key_get_uid_count(key, &count) != RNP_SUCCESS)
                return 0;
        if (count > USER_IDS_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a certificate of %zu user ids", count);
        for (size_t i = 0; r >= 0 && i < count; i++) {
                _cleanup_(uid_destroy) rnp_uid_handle_t uid = NULL;
                bool valid = false, revoked = true;
                if (rnp_key_get_uid_handle_at(key, i, &uid) != RNP_SUCCESS ||
                    rnp_uid_is_valid(uid, &valid) != RNP_SUCCESS || !valid ||
                    rnp_uid_is_revoked(uid, &revoked) != RNP_SUCCESS || revoked)
                        continue;
                r = look_at_user_id(w, uid, reterr);
        }
        return r;
}

/* The anchors, and the copies of one verifier: VOA names them by its fingerprint. */
static int choose_files(const struct ingot_key_files *files, const char *fingerprint,
                        struct ingot_key_files *ret, ingot_error *reterr)
{
        ret->items = calloc(files->count + 1, sizeof(*ret->items));
        if (!ret->items)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < files->count; i++) {
                const struct ingot_key_file *f = files->items + i;
                const char *slash = strrchr(f->path, '/');
                if (f->technology == INGOT_TECHNOLOGY_OPENPGP && f->load_path && slash &&
                    (f->anchor || ingot_starts_with(slash + 1, fingerprint)))
                        ret->items[ret->count++] = *f;
        }
        return 0;
}

static void choice_done(struct ingot_key_files *files)
{
        free(files->items); /* what is in them is another's */
}

int ingot_openpgp_certified_quiet(const struct ingot_key_files *files, const char *fingerprint,
                                  uint64_t time, uint64_t now, struct ingot_strings *ret_anchors,
                                  const char **ret_fault, ingot_error *reterr)
{
        __attribute__((cleanup(choice_done))) struct ingot_key_files chosen = {0};
        const uint64_t times[] = {time, now};
        *ret_fault = NULL;
        int r = choose_files(files, fingerprint, &chosen, reterr);
        for (size_t i = 0; r >= 0 && i < (time == now ? 1 : ARRAY_SIZE(times)); i++) {
                _cleanup_openpgp_keyring_ struct ingot_openpgp_keyring k = {0};
                _cleanup_verdict_ struct ingot_verdict ignored = {0};
                struct work w = {.keyring = &k, .anchors = ret_anchors};
                r = ingot_openpgp_keyring_load(&k, &chosen, times[i], &ignored, reterr);
                if (r >= 0)
                        r = look_at_key(&w, fingerprint, reterr);
                if (w.fault)
                        *ret_fault = w.fault;
        }
        return r;
}

int ingot_openpgp_certified(const struct ingot_key_files *files, const char *fingerprint,
                            uint64_t time, uint64_t now, struct ingot_strings *ret_anchors,
                            const char **ret_fault, ingot_error *reterr)
{
        _cleanup_(quiet_end) __attribute__((unused)) struct quiet quiet = quiet_begin();
        return ingot_openpgp_certified_quiet(files, fingerprint, time, now, ret_anchors, ret_fault,
                                             reterr);
}
