/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the recipe's section [Sign] wants signed, and by whom; read before the long work starts. */
#include "base/cleanup.h"
#include "base/size.h"
#include "image/build-state.h"
#include "trust/verifier-kind.h"

#include <fcntl.h>
#include <string.h>

/* Certificates of a file: X.509, or of OpenPGP for a release. */
static int add_who(struct ingot_sign_wish *w, enum ingot_purpose purpose, const char *path,
                   ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        enum ingot_technology technology;
        size_t size;
        if (purpose != INGOT_PURPOSE_RELEASE)
                return ingot_certificates_load(&w->certificates, path, reterr);
        int r = ingot_file_read(AT_FDCWD, path, 1 << 20, &data, &size, reterr);
        if (r < 0)
                return r;
        if (ingot_verifier_recognise(INGOT_SPAN(data, size), &technology, NULL) < 0 ||
            technology != INGOT_TECHNOLOGY_OPENPGP)
                return ingot_certificates_load(&w->certificates, path, reterr);
        r = ingot_sign_add_openpgp(w, INGOT_SPAN(data, size), reterr);
        return ingot_under(reterr, r, "%s", path);
}

static int wish(struct ingot_sign_request *q, const struct ingot_build *b,
                enum ingot_purpose purpose, enum ingot_recipe_key key, ingot_error *reterr)
{
        const struct ingot_strings *files = ingot_recipe_list(b->recipe, key);
        struct ingot_sign_wish *w = q->wishes + purpose;
        int r = 0;
        *w = (struct ingot_sign_wish){.wanted = true, .threshold = 1};
        for (size_t i = 0; r >= 0 && i < files->count; i++) {
                _cleanup_free_ char *path = NULL;
                r = ingot_recipe_path(b->recipe, files->items[i], &path, reterr);
                if (r >= 0)
                        r = add_who(w, purpose, path, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "Sign.%s", ingot_recipe_keys[key].key);
        }
        return r;
}

static int add_wishes(const struct ingot_build *b, struct ingot_sign_request *q,
                      ingot_error *reterr)
{
        int r = 0;
        if (ingot_recipe_bool(b->recipe, INGOT_SIGNING_SECURE_BOOT))
                r = wish(q, b, INGOT_PURPOSE_SECURE_BOOT, INGOT_SIGNING_SECURE_BOOT_CERTIFICATE,
                         reterr);
        if (r >= 0 && ingot_recipe_bool(b->recipe, INGOT_SIGNING_VERITY))
                r = wish(q, b, INGOT_PURPOSE_VERITY, INGOT_SIGNING_VERITY_CERTIFICATE, reterr);
        if (r >= 0 && ingot_recipe_bool(b->recipe, INGOT_SIGNING_RELEASE))
                r = wish(q, b, INGOT_PURPOSE_RELEASE, INGOT_SIGNING_RELEASE_CERTIFICATE, reterr);
        if (r < 0)
                return r;
        struct ingot_sign_wish *release = q->wishes + INGOT_PURPOSE_RELEASE;
        release->threshold = ingot_recipe_number(b->recipe, INGOT_SIGNING_RELEASE_THRESHOLD);
        size_t count = release->certificates.count + release->openpgp_count;
        if (count > 0 && release->threshold > count)
                return ingot_fail(reterr, INGOT_E_CONFLICT,
                                  "Sign.ReleaseThreshold is more than there are "
                                  "Sign.ReleaseCertificate (%zu)",
                                  count);
        return 0;
}

/* .pcrsig has exactly this size, or less where a number of an RSA signature were shorter: it has
 * the key's size always. */
static int pcrsig_size(const struct ingot_key *key, const struct ingot_strings *banks,
                       size_t profiles, uint64_t *ret, ingot_error *reterr)
{
        size_t paths = 0;
        while (ingot_pcr11_paths[paths])
                paths++;
        if (profiles > 1)
                paths *= profiles;
        _cleanup_pcrsig_ struct ingot_pcrsig s = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < banks->count; i++)
                for (size_t k = 0; r >= 0 && k < paths; k++) {
                        struct ingot_pcrsig_entry *e;
                        r = ingot_pcrsig_add(&s, &e, reterr);
                        if (r < 0)
                                break;
                        e->pcrs = 1u << INGOT_PCRSIG_PCR;
                        if (!ingot_bank_parse(banks->items[i], &e->bank))
                                return ingot_fail(reterr, INGOT_E_FORMAT,
                                                  "Sign.PcrBanks: '%s' is no bank of PCRs (sha1, "
                                                  "sha256, sha384, sha512)",
                                                  banks->items[i]);
                        r = ingot_buffer_append_zeros(&e->signature, (ingot_key_bits(key) + 7) / 8,
                                                      reterr);
                }
        if (r >= 0)
                r = ingot_pcrsig_encode(&s, &text, reterr);
        if (r >= 0)
                *ret = ingot_align_up(text.size, 64);
        return r;
}

/* A public key, or the one of a certificate. */
static int load_public_key(const char *path, struct ingot_key **ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, 1 << 20, &data, &size, reterr);
        if (r < 0)
                return r;
        if (!strstr((char *) data, "-----BEGIN CERTIFICATE-----"))
                return ingot_key_decode_public(ret, INGOT_SPAN(data, size), reterr);
        _cleanup_certificate_ struct ingot_certificate *c = NULL;
        r = ingot_certificate_decode(&c, INGOT_SPAN(data, size), reterr);
        return r < 0 ? r : ingot_certificate_key(c, ret, reterr);
}

/* Before the long work: with keys given, what is wanted must have its signers. */
static int check_signers(const struct ingot_build *b, ingot_error *reterr)
{
        for (unsigned i = 0; b->options->signers && i < INGOT_PURPOSES; i++) {
                const struct ingot_sign_wish *w = b->request.wishes + i;
                const struct ingot_signer *s = NULL;
                uint64_t count = 0;
                while ((s = ingot_signers_find(b->options->signers, i, s)))
                        count++;
                if (w->wanted && count < w->threshold)
                        return ingot_fail(reterr, INGOT_E_CONFLICT,
                                          "the recipe wants a signature for %s: give --key %s=KEY, "
                                          "or change its section [Sign]",
                                          ingot_purpose_word(i), ingot_purpose_word(i));
        }
        return 0;
}

static int prepare_pcr(struct ingot_build *b, ingot_error *reterr)
{
        struct ingot_sign_request *q = &b->request;
        const char *file = ingot_recipe_text(b->recipe, INGOT_SIGNING_PCR_PUBLIC_KEY);
        _cleanup_free_ char *path = NULL;
        if (!file)
                return 0;
        int r = ingot_recipe_path(b->recipe, file, &path, reterr);
        if (r >= 0)
                r = load_public_key(path, &q->pcr_key, reterr);
        if (r >= 0 && ingot_key_kind(q->pcr_key) != INGOT_KEY_RSA)
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                               "%s: TPMs check PCR policies by RSA keys alone", path);
        if (r >= 0)
                r = ingot_key_public_pem(q->pcr_key, &q->pcr_pem, reterr);
        if (r >= 0)
                r = pcrsig_size(q->pcr_key, ingot_recipe_list(b->recipe, INGOT_SIGNING_PCR_BANKS),
                                b->profiles.count, &q->pcrsig_size, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "Sign.PcrPublicKey");
        /* An object without signatures, which readers understand, in as much room as they take. */
        r = ingot_buffer_printf(&b->pcrsig, reterr, "{}%*s", (int) q->pcrsig_size - 2, "");
        if (r < 0)
                return r;
        q->wishes[INGOT_PURPOSE_PCR] = (struct ingot_sign_wish){.wanted = true, .threshold = 1};
        return 0;
}

int ingot_build_sign_prepare(struct ingot_build *b, ingot_error *reterr)
{
        int r = add_wishes(b, &b->request, reterr);
        if (r >= 0 && ingot_recipe_number(b->recipe, INGOT_SIGNING_TABLE_SIZE) % 8 != 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "Sign.TableSize is no multiple of 8");
        if (r >= 0)
                r = prepare_pcr(b, reterr);
        return r < 0 ? r : check_signers(b, reterr);
}
