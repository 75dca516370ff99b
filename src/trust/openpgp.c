/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenPGP by librnp. Its own policy (weak digests by date) stays on; ours comes on top of it.
 *
 * librnp judges keys and signatures by one time. That is the later one of the clock and of the
 * signatures' own times, so that a clock which is behind (1970, on a machine without battery) makes
 * no signature one of the future. Whether a key had expired is asked for the time of the signature.
 */
#include "trust/openpgp.h"
#include "base/cleanup.h"
#include "trust/openpgp-anchor.h"
#include "trust/openpgp-keyring.h"

#include <ctype.h>
#include <stdlib.h>

#define SIGNATURES_MAX 64

static const char begin_clear[] = "-----BEGIN PGP SIGNED MESSAGE-----";
static const char begin_signature[] = "-----BEGIN PGP SIGNATURE-----";
static const char end_signature[] = "-----END PGP SIGNATURE-----";

static bool starts(struct ingot_span s, const char *prefix)
{
        return s.size >= strlen(prefix) && memcmp(s.data, prefix, strlen(prefix)) == 0;
}

/* Armour, or a packet of tag 2 with an old or a new header. */
bool ingot_openpgp_recognise(struct ingot_span text)
{
        return starts(text, begin_signature) ||
               (text.size > 2 && ((text.data[0] & 0xfc) == 0x88 || text.data[0] == 0xc2));
}

bool ingot_openpgp_recognise_clear(struct ingot_span text)
{
        return starts(text, begin_clear);
}

static const char *status_fault(rnp_result_t status)
{
        switch (status) {
        case RNP_SUCCESS:
                return NULL;
        case RNP_ERROR_SIGNATURE_EXPIRED:
                return "the signature is expired";
        case RNP_ERROR_KEY_NOT_FOUND:
                return "no verifier has its key";
        case RNP_ERROR_SIGNATURE_INVALID:
                return "the signature does not match";
        default:
                return "the signature cannot be read";
        }
}

static int keep_lower(char **ret, const char *text, ingot_error *reterr)
{
        int r = ingot_strdup(ret, text, reterr);
        for (char *c = *ret; r >= 0 && *c; c++)
                *c = (char) tolower((unsigned char) *c);
        return r;
}

/* The primary key of the one that signed: its fingerprint and name, and where it is from. */
static int find_primary(const struct ingot_openpgp_keyring *k, rnp_key_handle_t key,
                        struct ingot_judgement *j, rnp_key_handle_t *ret, ingot_error *reterr)
{
        _cleanup_(buffer_destroy) char *own = NULL, *fingerprint = NULL, *user = NULL;
        bool is_primary = false;
        if (rnp_key_is_primary(key, &is_primary) != RNP_SUCCESS ||
            rnp_key_get_fprint(key, &own) != RNP_SUCCESS ||
            (is_primary ? rnp_key_get_fprint(key, &fingerprint)
                        : rnp_key_get_primary_fprint(key, &fingerprint)) != RNP_SUCCESS ||
            rnp_locate_key(k->ffi, "fingerprint", fingerprint, ret) != RNP_SUCCESS || !*ret)
                return ingot_judgement_refuse(j, reterr, "the key's primary key is missing");
        free(j->key);
        j->key = NULL;
        int r = keep_lower(&j->key, fingerprint, reterr);
        j->verifier = ingot_openpgp_keyring_file(k, fingerprint, false);
        if (r >= 0 && !j->verifier)
                r = ingot_judgement_refuse(j, reterr, "%s", status_fault(RNP_ERROR_KEY_NOT_FOUND));
        if (r >= 0 && rnp_key_get_primary_uid(*ret, &user) == RNP_SUCCESS)
                r = ingot_strdup(&j->signer, user, reterr);
        if (r >= 0 && !is_primary)
                r = ingot_format(&j->comment, reterr, "by subkey %s", own);
        return r;
}

static int judge_key(const struct ingot_openpgp_keyring *k, rnp_key_handle_t key,
                     struct ingot_judgement *j, ingot_error *reterr)
{
        _cleanup_(key_destroy) rnp_key_handle_t primary = NULL;
        bool signs = false;
        int r = find_primary(k, key, j, &primary, reterr);
        if (r < 0 || !primary)
                return r;
        const char *fault = ingot_openpgp_key_fault(primary, j->created);
        if (!fault)
                fault = ingot_openpgp_key_fault(key, j->created);
        if (!fault && (rnp_key_allows_usage(key, "sign", &signs) != RNP_SUCCESS || !signs))
                fault = "the key may not sign (its key flags)";
        return fault ? ingot_judgement_refuse(j, reterr, "%s", fault) : 0;
}

/* The key's number from the signature, which is all there is of a key that nobody has. */
static int keep_key_id(rnp_op_verify_signature_t s, struct ingot_judgement *j, ingot_error *reterr)
{
        _cleanup_(signature_destroy) rnp_signature_handle_t handle = NULL;
        _cleanup_(buffer_destroy) char *id = NULL;
        if (rnp_op_verify_signature_get_handle(s, &handle) != RNP_SUCCESS ||
            rnp_signature_get_keyid(handle, &id) != RNP_SUCCESS || !id)
                return 0;
        return keep_lower(&j->key, id, reterr);
}

/* A verifier of VOA, where there are trust anchors or where they are asked for, counts only when so
 * many of them certify it. */
static int judge_anchors(const struct ingot_signature_request *q, struct ingot_judgement *j,
                         ingot_error *reterr)
{
        size_t wanted = q->anchors ? q->anchors : q->keys->anchored;
        const char *fault = NULL;
        if (wanted == 0 || !j->verifier->load_path)
                return 0;
        int r = ingot_openpgp_certified_quiet(q->keys, j->key, j->created, q->now, &j->anchors,
                                              &fault, reterr);
        if (r < 0 || j->anchors.count >= wanted)
                return r;
        if (j->anchors.count == 0)
                return ingot_judgement_refuse(j, reterr, "%s",
                                              fault ? fault : "no trust anchor certifies its key");
        return ingot_judgement_refuse(j, reterr, "%zu of %zu trust anchors certify its key",
                                      j->anchors.count, wanted);
}

static int judge_one(const struct ingot_openpgp_keyring *k, const struct ingot_signature_request *q,
                     rnp_op_verify_signature_t s, rnp_result_t result, struct ingot_verdict *v,
                     ingot_error *reterr)
{
        _cleanup_(buffer_destroy) char *hash = NULL;
        _cleanup_(key_destroy) rnp_key_handle_t key = NULL;
        struct ingot_judgement *j;
        uint32_t created = 0;
        int r = ingot_verdict_add(v, INGOT_TECHNOLOGY_OPENPGP, &j, reterr);
        if (r >= 0)
                r = keep_key_id(s, j, reterr);
        if (r < 0)
                return r;
        rnp_op_verify_signature_get_times(s, &created, NULL);
        j->created = created;
        if (rnp_op_verify_signature_get_hash(s, &hash) != RNP_SUCCESS)
                return ingot_judgement_refuse(j, reterr, "the signature cannot be read");
        if (rnp_op_verify_signature_get_key(s, &key) == RNP_SUCCESS && key)
                r = judge_key(k, key, j, reterr);
        if (r >= 0 && !ingot_openpgp_hash_strong(hash))
                r = ingot_judgement_refuse(j, reterr, "its digest is weak (%s)", hash);
        const char *fault = status_fault(rnp_op_verify_signature_get_status(s));
        if (!fault && !key)
                fault = status_fault(RNP_ERROR_KEY_NOT_FOUND);
        if (!fault && result != RNP_SUCCESS)
                fault = rnp_result_to_string(result);
        if (r >= 0 && fault)
                r = ingot_judgement_refuse(j, reterr, "%s", fault);
        return r < 0 || j->reason ? r : judge_anchors(q, j, reterr);
}

static int judge_all(const struct ingot_openpgp_keyring *k, const struct ingot_signature_request *q,
                     rnp_op_verify_t op, rnp_result_t result, struct ingot_verdict *v,
                     ingot_error *reterr)
{
        size_t count = 0;
        rnp_op_verify_get_signature_count(op, &count);
        if (count == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "there is no signature (%s)",
                                  rnp_result_to_string(result));
        if (count > SIGNATURES_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%zu signatures are too many", count);
        for (size_t i = 0; i < count; i++) {
                rnp_op_verify_signature_t s = NULL;
                int r = rnp_op_verify_get_signature_at(op, i, &s) == RNP_SUCCESS
                                ? judge_one(k, q, s, result, v, reterr)
                                : ingot_fail(reterr, INGOT_E_INTERNAL, "signature %zu", i);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What was asked to be verified, as librnp reads it. */
struct subject {
        const struct ingot_reader *content; /* NULL: clear-signed */
        struct ingot_span text;             /* the signature or the document */
        uint64_t at;
        int r; /* why the content could not be read */
        ingot_error *error;
};

static bool read_content(void *context, void *buffer, size_t size, size_t *ret_size)
{
        struct subject *s = context;
        size_t n = s->content->size - s->at < size ? (size_t) (s->content->size - s->at) : size;
        if (n > 0)
                s->r = ingot_read_at(s->content, s->at, buffer, n, s->error);
        s->at += n;
        *ret_size = n;
        return s->r >= 0;
}

struct operation {
        rnp_input_t content, text;
        rnp_output_t out;
        rnp_op_verify_t op;
};

static void operation_done(struct operation *o)
{
        verify_destroy(&o->op);
        output_destroy(&o->out);
        input_destroy(&o->content);
        input_destroy(&o->text);
}

static int start(struct operation *o, rnp_ffi_t ffi, struct subject *s, ingot_error *reterr)
{
        bool ok = rnp_input_from_memory(&o->text, s->text.data, s->text.size, false) == RNP_SUCCESS;
        if (s->content)
                ok = ok &&
                     rnp_input_from_callback(&o->content, read_content, NULL, s) == RNP_SUCCESS &&
                     rnp_op_verify_detached_create(&o->op, ffi, o->content, o->text) == RNP_SUCCESS;
        else
                ok = ok && rnp_output_to_memory(&o->out, 0) == RNP_SUCCESS &&
                     rnp_op_verify_create(&o->op, ffi, o->text, o->out) == RNP_SUCCESS;
        return ok ? 0 : ingot_fail_nomem(reterr);
}

/* The time to judge by: see above. The signatures are read once without keys and content. */
static int find_time(const struct ingot_signature_request *q, const struct subject *s,
                     uint64_t *ret, ingot_error *reterr)
{
        static const struct ingot_reader nothing = {0};
        _cleanup_(ffi_destroy) rnp_ffi_t ffi = NULL;
        _cleanup_(operation_done) struct operation o = {0};
        struct subject empty = *s;
        size_t count = 0;
        if (s->content)
                empty.content = &nothing;
        if (rnp_ffi_create(&ffi, "GPG", "GPG") != RNP_SUCCESS)
                return ingot_fail_nomem(reterr);
        int r = start(&o, ffi, &empty, reterr);
        if (r < 0)
                return r;
        rnp_op_verify_execute(o.op);
        rnp_op_verify_get_signature_count(o.op, &count);
        *ret = q->now;
        for (size_t i = 0; i < count && i < SIGNATURES_MAX; i++) {
                rnp_op_verify_signature_t one = NULL;
                uint32_t created = 0;
                if (rnp_op_verify_get_signature_at(o.op, i, &one) == RNP_SUCCESS &&
                    rnp_op_verify_signature_get_times(one, &created, NULL) == RNP_SUCCESS &&
                    created > *ret)
                        *ret = created;
        }
        return 0;
}

static int judge(const struct ingot_signature_request *q, struct subject *s, struct operation *o,
                 struct ingot_verdict *v, ingot_error *reterr)
{
        _cleanup_(quiet_end) __attribute__((unused)) struct quiet quiet = quiet_begin();
        _cleanup_openpgp_keyring_ struct ingot_openpgp_keyring k = {0};
        uint64_t time = 0;
        s->error = reterr;
        int r = find_time(q, s, &time, reterr);
        if (r >= 0)
                r = ingot_openpgp_keyring_load(&k, q->keys, time, v, reterr);
        if (r >= 0)
                r = start(o, k.ffi, s, reterr);
        if (r < 0)
                return r;
        rnp_result_t result = rnp_op_verify_execute(o->op);
        r = s->r < 0 ? s->r : judge_all(&k, q, o->op, result, v, reterr);
        verify_destroy(&o->op); /* before the keys go */
        o->op = NULL;
        return r;
}

int ingot_openpgp_judge(const struct ingot_signature_request *q, struct ingot_span signature,
                        struct ingot_verdict *v, ingot_error *reterr)
{
        _cleanup_(operation_done) struct operation o = {0};
        struct subject s = {.content = q->content, .text = signature};
        return judge(q, &s, &o, v, reterr);
}

/* Behind the first line, and lines of "Hash:", to the empty one. */
static int skip_head(const uint8_t **p, const uint8_t *end, ingot_error *reterr)
{
        size_t known = sizeof(begin_clear) - 1;
        for (;;) {
                const uint8_t *line = memchr(*p, '\n', (size_t) (end - *p));
                if (!line)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "the document ends in its head");
                for (const uint8_t *c = *p + known; c < line; c++)
                        if (known == 0 ? !isprint(*c) && *c != '\r' : !isspace(*c))
                                return ingot_fail(reterr, INGOT_E_FORMAT,
                                                  "a malformed line before the signed text");
                *p = line + 1;
                known = 0;
                if (*p < end && (**p == '\n' || **p == '\r'))
                        return 0;
                if (!starts(INGOT_SPAN(*p, (size_t) (end - *p)), "Hash: "))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "another line than \"Hash:\" before the signed text");
        }
}

/* Only "Hash:" may stand in front of the signed text, and nothing behind the signature: whoever
 * reads the document could take it for signed. */
static int check_frame(struct ingot_span d, ingot_error *reterr)
{
        const uint8_t *end = d.data + d.size, *p = d.data;
        if (!ingot_openpgp_recognise_clear(d))
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a clear-signed document");
        if (d.size > INGOT_OPENPGP_DOCUMENT_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a document of %zu bytes is too large",
                                  d.size);
        int r = skip_head(&p, end, reterr);
        if (r < 0)
                return r;
        const uint8_t *last =
                memmem(p, (size_t) (end - p), end_signature, sizeof(end_signature) - 1);
        if (!last)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the end of the signature is missing");
        for (last += sizeof(end_signature) - 1; last < end; last++)
                if (!isspace(*last))
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "%zu bytes behind the signature are not signed",
                                          (size_t) (end - last));
        return 0;
}

int ingot_openpgp_judge_clear(const struct ingot_signature_request *q, struct ingot_span document,
                              struct ingot_buffer *ret_text, struct ingot_verdict *v,
                              ingot_error *reterr)
{
        _cleanup_(operation_done) struct operation o = {0};
        struct subject s = {.text = document};
        size_t first = v->count, size = 0;
        uint8_t *text = NULL;
        int r = check_frame(document, reterr);
        if (r >= 0)
                r = judge(q, &s, &o, v, reterr);
        if (r < 0)
                return r;
        for (; first < v->count && v->items[first].reason; first++)
                ;
        if (first == v->count)
                return 0;
        if (rnp_output_memory_get_buf(o.out, &text, &size, false) != RNP_SUCCESS)
                return ingot_fail(reterr, INGOT_E_INTERNAL, "take the signed text");
        return ingot_buffer_append(ret_text, text, size, reterr);
}
