/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each file is asked for the key, for the certificate, and for its authority. */
#include "trust/ssh-revoked.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"
#include "format/ssh-krl.h"
#include "trust/evp.h"

static bool same(struct ingot_span a, struct ingot_span b)
{
        return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* Does a line have that key? BLOB NULL: it is only looked whether they are lines of keys. */
static int ask_lines(struct ingot_span lines, const struct ingot_span *blob, ingot_error *reterr)
{
        unsigned number = 0;
        bool found = false;
        for (;;) {
                _cleanup_ssh_signer_ struct ingot_ssh_signer line = {0};
                int r = ingot_ssh_signers_next(&lines, &number, &line, reterr);
                if (r <= 0)
                        return r < 0 ? r : found;
                if (line.limited)
                        return ingot_fail(reterr, INGOT_E_FORMAT,
                                          "line %u: principals or options before a revoked key",
                                          number);
                found = found ||
                        (blob && same(*blob, line.certified ? line.certificate.key.blob
                                                            : ingot_buffer_span(&line.blob)));
        }
}

int ingot_ssh_revocations_check(struct ingot_span content, ingot_error *reterr)
{
        struct ingot_ssh_krl krl;
        if (ingot_ssh_krl_recognise(content))
                return ingot_ssh_krl_decode(content, &krl, reterr);
        return ingot_under(reterr, ask_lines(content, NULL, reterr),
                           "no revocation list of OpenSSH, no CRL, and no SSH keys one a line");
}

static int make_subject(struct ingot_span blob, struct ingot_ssh_subject *ret, ingot_error *reterr)
{
        uint8_t sha1[INGOT_EVP_DIGEST_MAX];
        size_t size;
        *ret = (struct ingot_ssh_subject){.blob = blob};
        ingot_sha256_of(blob.data, blob.size, ret->sha256);
        int r = ingot_evp_digest(blob, "SHA1", sha1, &size, reterr);
        if (r >= 0)
                memcpy(ret->sha1, sha1, sizeof(ret->sha1));
        return r;
}

/* VOA's are lists of OpenSSH; what is none of them cannot be passed over. */
static int ask(const struct ingot_key_file *f, const struct ingot_ssh_subject *s,
               ingot_error *reterr)
{
        struct ingot_span content = ingot_buffer_span(&f->content);
        struct ingot_ssh_krl krl;
        if (!f->load_path && !ingot_ssh_krl_recognise(content))
                return ask_lines(content, &s->blob, reterr);
        int r = ingot_ssh_krl_decode(content, &krl, reterr);
        return r < 0 ? r : ingot_ssh_krl_revokes(&krl, s);
}

/* The first file that names the subject; NULL: none does. */
static int find(const struct ingot_key_files *files, const struct ingot_ssh_subject *s,
                const struct ingot_key_file **ret, ingot_error *reterr)
{
        *ret = NULL;
        for (size_t i = 0; i < files->count; i++) {
                const struct ingot_key_file *f = files->items + i;
                if (!f->revokes || f->technology != INGOT_TECHNOLOGY_SSH)
                        continue;
                int r = ask(f, s, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", f->path);
                if (r > 0 && !*ret)
                        *ret = f;
        }
        return 0;
}

int ingot_ssh_revoked(const struct ingot_key_files *files, struct ingot_span blob,
                      const struct ingot_ssh_certificate *certificate, char **ret_reason,
                      ingot_error *reterr)
{
        const struct {
                const char *what;
                struct ingot_span blob;
                const struct ingot_ssh_certificate *certificate;
        } questions[] = {
                {"its key is revoked", blob, NULL},
                {"its certificate is revoked", blob, certificate},
                {"the authority of its certificate is revoked",
                 certificate ? certificate->authority.blob : blob, NULL},
        };
        for (size_t i = 0; i < (certificate ? ARRAY_SIZE(questions) : (size_t) 1); i++) {
                const struct ingot_key_file *file = NULL;
                struct ingot_ssh_subject s;
                int r = make_subject(questions[i].blob, &s, reterr);
                s.certificate = questions[i].certificate;
                if (r >= 0)
                        r = find(files, &s, &file, reterr);
                if (r >= 0 && file)
                        r = ingot_format(ret_reason, reterr, "%s (%s)", questions[i].what,
                                         file->path);
                if (r < 0 || file)
                        return r < 0 ? r : 1;
        }
        return 0;
}
