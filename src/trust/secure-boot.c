/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of Secure Boot keys: from files and variables, into them. */
#include "trust/secure-boot.h"
#include "base/cleanup.h"
#include "format/pe.h"

#define VENDOR_GLOBAL                                                                              \
        {                                                                                          \
                {                                                                                  \
                        0x8b, 0xe4, 0xdf, 0x61, 0x93, 0xca, 0x11, 0xd2, 0xaa, 0x0d, 0x00, 0xe0,    \
                                0x98, 0x03, 0x2b, 0x8c                                             \
                }                                                                                  \
        }
#define VENDOR_IMAGE_SECURITY                                                                      \
        {                                                                                          \
                {                                                                                  \
                        0xd7, 0x19, 0xb2, 0xcb, 0x3d, 0x3a, 0x45, 0x96, 0xa3, 0xbc, 0xda, 0xd0,    \
                                0x0e, 0x67, 0x65, 0x6f                                             \
                }                                                                                  \
        }

/* UEFI 2.10, 3.3 and 32.4.1. */
const struct ingot_secure_boot_fact ingot_secure_boot_facts[INGOT_SECURE_BOOT_VARIABLES] = {
        [INGOT_SECURE_BOOT_PK] = {"PK", VENDOR_GLOBAL, INGOT_SECURE_BOOT_PK},
        [INGOT_SECURE_BOOT_KEK] = {"KEK", VENDOR_GLOBAL, INGOT_SECURE_BOOT_PK},
        [INGOT_SECURE_BOOT_DB] = {"db", VENDOR_IMAGE_SECURITY, INGOT_SECURE_BOOT_KEK},
        [INGOT_SECURE_BOOT_DBX] = {"dbx", VENDOR_IMAGE_SECURITY, INGOT_SECURE_BOOT_KEK},
};

const struct ingot_uuid ingot_secure_boot_microsoft = {{0x77, 0xfa, 0x9a, 0xbd, 0x03, 0x59, 0x4d,
                                                        0x32, 0xbd, 0x60, 0x28, 0xf4, 0xe7, 0x8f,
                                                        0x78, 0x4b}};

const struct ingot_uuid ingot_secure_boot_shim = {{0x60, 0x5d, 0xab, 0x50, 0xe0, 0x46, 0x43, 0x00,
                                                   0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23}};

/* What edk2 (SecurityPkg, AuthenticatedVariableFormat.h) keeps beside them: is Secure Boot on, and
 * may whoever sits at the console change keys? */
static const struct {
        const char *name;
        struct ingot_uuid vendor;
        uint8_t value;
} edk2_switches[] = {
        {"SecureBootEnable",
         {{0xf0, 0xa3, 0x0b, 0xc7, 0xaf, 0x08, 0x45, 0x56, 0x99, 0xc4, 0x00, 0x10, 0x09, 0xc9, 0x3a,
           0x44}},
         1},
        {"CustomMode",
         {{0xc0, 0x76, 0xec, 0x0c, 0x70, 0x28, 0x43, 0x99, 0xa0, 0x72, 0x71, 0xee, 0x5c, 0x44, 0x8b,
           0x9f}},
         0},
};

void ingot_secure_boot_done(struct ingot_secure_boot *s)
{
        for (size_t i = 0; i < INGOT_SECURE_BOOT_VARIABLES; i++)
                ingot_efi_signatures_done(&s->variables[i].list);
        for (size_t i = 0; i < s->block_count; i++)
                free(s->blocks[i]);
        free(s->blocks);
        *s = (struct ingot_secure_boot){0};
}

/* A copy that lives as long as the set. */
static int own(struct ingot_secure_boot *s, struct ingot_span bytes, struct ingot_span *ret,
               ingot_error *reterr)
{
        uint8_t **blocks = realloc(s->blocks, (s->block_count + 1) * sizeof(*blocks));
        if (!blocks)
                return ingot_fail_nomem(reterr);
        s->blocks = blocks;
        uint8_t *copy = malloc(bytes.size ? bytes.size : 1);
        if (!copy)
                return ingot_fail_nomem(reterr);
        if (bytes.size > 0)
                memcpy(copy, bytes.data, bytes.size);
        s->blocks[s->block_count++] = copy;
        *ret = INGOT_SPAN(copy, bytes.size);
        return 0;
}

static int merge(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                 const struct ingot_efi_signature *signature, ingot_error *reterr)
{
        struct ingot_efi_signatures *list = &s->variables[which].list;
        struct ingot_efi_signature copy = *signature;
        if (ingot_efi_signatures_find(list, &signature->type, signature->data))
                return 0;
        int r = own(s, signature->data, &copy.data, reterr);
        return r < 0 ? r : ingot_efi_signatures_merge(list, &copy, reterr);
}

static int parse_certificates(struct ingot_secure_boot *s, struct ingot_span file,
                              const struct ingot_uuid *owner, struct ingot_efi_signatures *ret,
                              ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates all = {0};
        int r = ingot_certificates_decode(&all, file, reterr);
        for (size_t i = 0; r >= 0 && i < all.count; i++) {
                struct ingot_span der;
                r = own(s, ingot_certificate_der(all.items[i]), &der, reterr);
                if (r >= 0)
                        r = ingot_efi_signatures_add(ret, INGOT_EFI_SIGNATURE_X509, owner, der,
                                                     reterr);
        }
        return r;
}

static int parse_program(struct ingot_secure_boot *s, struct ingot_span file,
                         const struct ingot_uuid *owner, struct ingot_efi_signatures *ret,
                         ingot_error *reterr)
{
        struct ingot_reader reader = ingot_reader_of_span(&file);
        _cleanup_pe_ struct ingot_pe pe = {0};
        uint8_t digest[INGOT_SHA256_SIZE];
        struct ingot_span owned;
        int r = ingot_pe_decode(&reader, &pe, reterr);
        if (r >= 0)
                r = ingot_pe_authenticode_sha256(&reader, &pe, digest, reterr);
        if (r >= 0)
                r = own(s, INGOT_SPAN(digest, sizeof(digest)), &owned, reterr);
        return r < 0 ? r
                     : ingot_efi_signatures_add(ret, INGOT_EFI_SIGNATURE_SHA256, owner, owned,
                                                reterr);
}

static bool starts_with(struct ingot_span file, const char *magic)
{
        size_t n = strlen(magic);
        return file.size >= n && memcmp(file.data, magic, n) == 0;
}

/* What a file holds, as entries that live as long as S. */
static int parse_file(struct ingot_secure_boot *s, struct ingot_span file,
                      const struct ingot_uuid *owner, struct ingot_efi_signatures *ret,
                      ingot_error *reterr)
{
        struct ingot_span owned;
        struct ingot_efi_auth auth;
        if (starts_with(file, "MZ"))
                return parse_program(s, file, owner, ret, reterr);
        if (starts_with(file, "0") || starts_with(file, "-----BEGIN ") ||
            starts_with(file, "Certificate:"))
                return parse_certificates(s, file, owner, ret, reterr);
        int r = own(s, ingot_efi_variable_data(file), &owned, reterr);
        if (r < 0)
                return r;
        if (ingot_efi_auth_decode(owned, &auth, NULL) >= 0)
                owned = auth.payload;
        r = ingot_efi_signatures_decode(owned, ret, reterr);
        return r == -INGOT_E_FORMAT ? ingot_under(reterr, r,
                                                  "no certificate, signature list, signed update "
                                                  "or EFI program")
                                    : r;
}

int ingot_secure_boot_add(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                          struct ingot_span file, const struct ingot_uuid *owner,
                          ingot_error *reterr)
{
        _cleanup_efi_signatures_ struct ingot_efi_signatures list = {0};
        int r = parse_file(s, file, owner, &list, reterr);
        for (size_t i = 0; r >= 0 && i < list.count; i++)
                r = ingot_efi_signatures_merge(&s->variables[which].list, list.items + i, reterr);
        return r < 0 ? r : 0;
}

int ingot_secure_boot_remove(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                             struct ingot_span file, ingot_error *reterr)
{
        _cleanup_efi_signatures_ struct ingot_efi_signatures list = {0};
        struct ingot_efi_signatures *v = &s->variables[which].list;
        const struct ingot_uuid nobody = {0};
        size_t kept = 0, before = v->count;
        int r = parse_file(s, file, &nobody, &list, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < before; i++)
                if (!ingot_efi_signatures_find(&list, &v->items[i].type, v->items[i].data))
                        v->items[kept++] = v->items[i];
        v->count = kept;
        return kept == before;
}

int ingot_secure_boot_keep(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                           const struct ingot_secure_boot *from, bool only_microsoft,
                           ingot_error *reterr)
{
        const struct ingot_efi_signatures *list = &from->variables[which].list;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < list->count; i++)
                if (!only_microsoft ||
                    ingot_uuid_equal(&list->items[i].owner, &ingot_secure_boot_microsoft))
                        r = merge(s, which, list->items + i, reterr);
        return r;
}

static bool contains_all(const struct ingot_efi_signatures *a, const struct ingot_efi_signatures *b)
{
        for (size_t i = 0; i < b->count; i++)
                if (!ingot_efi_signatures_find(a, &b->items[i].type, b->items[i].data))
                        return false;
        return true;
}

bool ingot_secure_boot_same(const struct ingot_secure_boot *a, const struct ingot_secure_boot *b,
                            enum ingot_secure_boot_variable which)
{
        return contains_all(&a->variables[which].list, &b->variables[which].list) &&
               contains_all(&b->variables[which].list, &a->variables[which].list);
}

int ingot_secure_boot_from_store(struct ingot_secure_boot *s,
                                 const struct ingot_edk2_variables *store, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < INGOT_SECURE_BOOT_VARIABLES; i++) {
                const struct ingot_secure_boot_fact *fact = ingot_secure_boot_facts + i;
                const struct ingot_edk2_variable *v =
                        ingot_edk2_variables_find(store, fact->name, &fact->vendor);
                struct ingot_span owned;
                if (!v)
                        continue;
                s->variables[i].time = v->time;
                r = own(s, INGOT_SPAN(v->data, v->size), &owned, reterr);
                if (r >= 0)
                        r = ingot_efi_signatures_decode(owned, &s->variables[i].list, reterr);
                if (r < 0)
                        ingot_under(reterr, r, "%s", fact->name);
        }
        return r;
}

bool ingot_secure_boot_is_on(const struct ingot_edk2_variables *store)
{
        const struct ingot_secure_boot_fact *fact = ingot_secure_boot_facts + INGOT_SECURE_BOOT_PK;
        const struct ingot_edk2_variable *pk =
                ingot_edk2_variables_find(store, fact->name, &fact->vendor);
        const struct ingot_edk2_variable *enable = ingot_edk2_variables_find(
                store, edk2_switches[0].name, &edk2_switches[0].vendor);
        return pk && pk->size > 0 && (!enable || enable->size == 0 || enable->data[0] == 1);
}

int ingot_secure_boot_to_store(const struct ingot_secure_boot *s, const struct ingot_efi_time *time,
                               struct ingot_edk2_variables *store, ingot_error *reterr)
{
        const struct ingot_efi_time none = {0};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(edk2_switches); i++)
                r = ingot_edk2_variables_set(store, edk2_switches[i].name, &edk2_switches[i].vendor,
                                             INGOT_EFI_NON_VOLATILE | INGOT_EFI_BOOT_ACCESS, &none,
                                             INGOT_SPAN(&edk2_switches[i].value, 1), reterr);
        for (size_t i = 0; r >= 0 && i < INGOT_SECURE_BOOT_VARIABLES; i++) {
                const struct ingot_secure_boot_fact *fact = ingot_secure_boot_facts + i;
                _cleanup_buffer_ struct ingot_buffer lists = {0};
                r = ingot_efi_signatures_encode(&s->variables[i].list, &lists, reterr);
                if (r >= 0)
                        r = ingot_edk2_variables_set(store, fact->name, &fact->vendor,
                                                     INGOT_EFI_KEY_ATTRIBUTES, time,
                                                     ingot_buffer_span(&lists), reterr);
        }
        return r;
}

int ingot_secure_boot_from_auth(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                                struct ingot_span file, ingot_error *reterr)
{
        struct ingot_efi_auth auth;
        struct ingot_span owned;
        int r = own(s, file, &owned, reterr);
        if (r >= 0)
                r = ingot_efi_auth_decode(owned, &auth, reterr);
        if (r >= 0)
                r = ingot_efi_signatures_decode(auth.payload, &s->variables[which].list, reterr);
        if (r >= 0)
                s->variables[which].time = auth.time;
        return r;
}

int ingot_secure_boot_certificates(const struct ingot_secure_boot *s,
                                   enum ingot_secure_boot_variable which,
                                   struct ingot_certificates *ret, ingot_error *reterr)
{
        const struct ingot_efi_signatures *list = &s->variables[which].list;
        for (size_t i = 0; i < list->count; i++) {
                if (list->items[i].kind != INGOT_EFI_SIGNATURE_X509)
                        continue;
                int r = ingot_certificates_decode(ret, list->items[i].data, reterr);
                if (r < 0 && r != -INGOT_E_FORMAT)
                        return r;
        }
        return 0;
}

int ingot_secure_boot_find_signer(const struct ingot_secure_boot *s,
                                  enum ingot_secure_boot_variable which,
                                  const struct ingot_key *key, struct ingot_certificate **ret,
                                  ingot_error *reterr)
{
        _cleanup_certificates_ struct ingot_certificates all = {0};
        int r = ingot_secure_boot_certificates(s, which, &all, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < all.count; i++)
                if (ingot_certificate_fits(all.items[i], key))
                        return ingot_certificate_decode(ret, ingot_certificate_der(all.items[i]),
                                                        reterr);
        return ingot_fail(reterr, INGOT_E_NOTFOUND, "no certificate in %s is that of the key",
                          ingot_secure_boot_facts[which].name);
}

struct ingot_uuid ingot_secure_boot_owner(struct ingot_span platform_certificate)
{
        /* 5d3a0a5b-8d3c-4e57-9d6e-1f4c8a1f2b90: any one, as long as it never changes. */
        static const struct ingot_uuid key = {{0x5d, 0x3a, 0x0a, 0x5b, 0x8d, 0x3c, 0x4e, 0x57, 0x9d,
                                               0x6e, 0x1f, 0x4c, 0x8a, 0x1f, 0x2b, 0x90}};
        return ingot_uuid_derive(&key, platform_certificate.data, platform_certificate.size);
}

int ingot_secure_boot_time(const struct ingot_secure_boot *new, const struct ingot_secure_boot *old,
                           struct ingot_efi_time *ret, ingot_error *reterr)
{
        uint64_t time = 0;
        for (size_t i = 0; i < INGOT_SECURE_BOOT_VARIABLES; i++) {
                _cleanup_certificates_ struct ingot_certificates all = {0};
                int r = ingot_secure_boot_certificates(new, (enum ingot_secure_boot_variable) i,
                                                       &all, reterr);
                if (r < 0)
                        return r;
                for (size_t k = 0; k < all.count; k++) {
                        int64_t begins = ingot_certificate_not_before(all.items[k]);
                        if (begins > 0 && (uint64_t) begins > time)
                                time = (uint64_t) begins;
                }
                uint64_t last = old ? ingot_efi_time_to_unix(&old->variables[i].time) : 0;
                if (last > 0 && last >= time)
                        time = last + 1;
        }
        if (!ingot_efi_time_from_unix(time, ret))
                return ingot_fail(reterr, INGOT_E_LIMIT, "a time after the year 9999");
        return 0;
}

int ingot_secure_boot_sign(const struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
                           const struct ingot_efi_time *time, const struct ingot_key *key,
                           const struct ingot_secure_boot *signers, struct ingot_buffer *ret,
                           ingot_error *reterr)
{
        const struct ingot_secure_boot_fact *fact = ingot_secure_boot_facts + which;
        _cleanup_certificate_ struct ingot_certificate *certificate = NULL;
        _cleanup_buffer_ struct ingot_buffer lists = {0};
        struct ingot_efi_update update = {.name = fact->name,
                                          .vendor = fact->vendor,
                                          .attributes = INGOT_EFI_KEY_ATTRIBUTES,
                                          .time = *time};
        int r = ingot_secure_boot_find_signer(signers, fact->signer, key, &certificate, reterr);
        if (r >= 0)
                r = ingot_efi_signatures_encode(&s->variables[which].list, &lists, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "sign %s", fact->name);
        update.payload = ingot_buffer_span(&lists);
        return ingot_efi_auth_sign(&update, key, certificate, ret, reterr);
}
