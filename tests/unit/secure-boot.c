/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of Secure Boot keys, and the signed updates that are made of them. */
#include "trust/secure-boot-files.h"
#include "base/cleanup.h"
#include "format/pe.h"
#include "make-pe.h"
#include "oracle.h"
#include "os/file.h"
#include "test.h"

#include <fcntl.h>

struct pair {
        struct ingot_key *key;
        struct ingot_certificate *certificate;
};

static void pair_done(struct pair *p)
{
        ingot_key_free(p->key);
        ingot_certificate_free(p->certificate);
}
#define _cleanup_pair_ __attribute__((cleanup(pair_done)))

/* Valid from BEGINS on. */
static int make(struct pair *ret, const char *name, int64_t begins, ingot_error *reterr)
{
        const struct ingot_certificate_profile profile = {.common_name = name,
                                                          .not_before = begins,
                                                          .not_after = begins + 100000000,
                                                          .serial = {1, (uint8_t) name[0]}};
        int r = ingot_key_generate(&ret->key, INGOT_KEY_RSA, 2048, reterr);
        return r < 0 ? r : ingot_certificate_create(&ret->certificate, ret->key, &profile, reterr);
}

#define BEGINS 1700000000

static const struct ingot_uuid owner = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static int add(struct ingot_secure_boot *s, enum ingot_secure_boot_variable which,
               const struct pair *p, ingot_error *reterr)
{
        return ingot_secure_boot_add(s, which, ingot_certificate_der(p->certificate), &owner,
                                     reterr);
}

/* A set with one certificate each in PK, KEK and db. */
static int make_set(struct ingot_secure_boot *s, struct pair pairs[3], ingot_error *reterr)
{
        static const char *const names[] = {"PK", "KEK", "db"};
        int r = 0;
        for (int i = 0; r >= 0 && i < 3; i++) {
                r = make(pairs + i, names[i], BEGINS + i, reterr);
                if (r >= 0)
                        r = add(s, (enum ingot_secure_boot_variable) i, pairs + i, reterr);
        }
        return r;
}

static void pairs_done(struct pair (*pairs)[3])
{
        for (int i = 0; i < 3; i++)
                pair_done(*pairs + i);
}
#define _cleanup_pairs_ __attribute__((cleanup(pairs_done)))

TEST(a_file_is_recognised_by_its_content)
{
        ingot_error error = {0};
        _cleanup_pair_ struct pair p = {0};
        _cleanup_secure_boot_ struct ingot_secure_boot s = {0};
        _cleanup_buffer_ struct ingot_buffer pem = {0}, list = {0};
        struct made_section section = {".text", "code"};
        struct ingot_span program = make_pe(INGOT_PE_MACHINE_X86_64, &section, 1);
        _cleanup_free_ uint8_t *owned = (uint8_t *) program.data;
        CHECK(owned);
        CHECK_OK(make(&p, "db", BEGINS, &error));
        CHECK_OK(ingot_certificate_pem(p.certificate, &pem, &error));
        CHECK_OK(ingot_secure_boot_add(&s, INGOT_SECURE_BOOT_DB, ingot_buffer_span(&pem), &owner,
                                       &error));
        CHECK_OK(ingot_secure_boot_add(&s, INGOT_SECURE_BOOT_DB, program, &owner, &error));
        const struct ingot_efi_signatures *db = &s.variables[INGOT_SECURE_BOOT_DB].list;
        CHECK_EQ(db->count, 2);
        CHECK_EQ(db->items[0].kind, INGOT_EFI_SIGNATURE_X509);
        CHECK_EQ(db->items[1].kind, INGOT_EFI_SIGNATURE_SHA256);
        /* The same again changes nothing, whichever form it has. */
        CHECK_OK(add(&s, INGOT_SECURE_BOOT_DB, &p, &error));
        CHECK_OK(ingot_efi_signatures_encode(db, &list, &error));
        CHECK_OK(ingot_secure_boot_add(&s, INGOT_SECURE_BOOT_DB, ingot_buffer_span(&list), &owner,
                                       &error));
        CHECK_EQ(db->count, 2);
        /* And as efivarfs shows a variable. */
        _cleanup_buffer_ struct ingot_buffer dump = {0};
        CHECK_OK(ingot_buffer_append(&dump, "\x27\0\0", 4, &error));
        CHECK_OK(ingot_buffer_append(&dump, list.data, list.size, &error));
        CHECK_OK(ingot_secure_boot_add(&s, INGOT_SECURE_BOOT_DBX, ingot_buffer_span(&dump), &owner,
                                       &error));
        CHECK_EQ(s.variables[INGOT_SECURE_BOOT_DBX].list.count, 2);
        CHECK_FAILS(ingot_secure_boot_add(&s, INGOT_SECURE_BOOT_DB, INGOT_SPAN("#!/bin/sh", 9),
                                          &owner, &error),
                    INGOT_E_FORMAT, "no certificate, signature list, signed update or EFI program");
        CHECK_OK(ingot_secure_boot_remove(&s, INGOT_SECURE_BOOT_DB, program, &error));
        CHECK_EQ(db->count, 1);
        CHECK_EQ(ingot_secure_boot_remove(&s, INGOT_SECURE_BOOT_DB, program, &error), 1);
}

TEST(the_time_is_later_than_certificates_and_updates)
{
        ingot_error error = {0};
        _cleanup_pairs_ struct pair pairs[3] = {0};
        _cleanup_secure_boot_ struct ingot_secure_boot s = {0}, old = {0};
        struct ingot_efi_time time;
        CHECK_OK(make_set(&s, pairs, &error));
        CHECK_OK(ingot_secure_boot_time(&s, NULL, &time, &error));
        CHECK_EQ(ingot_efi_time_to_unix(&time), BEGINS + 2);
        CHECK(ingot_efi_time_from_unix(BEGINS + 1000, &old.variables[INGOT_SECURE_BOOT_DBX].time));
        CHECK_OK(ingot_secure_boot_time(&s, &old, &time, &error));
        CHECK_EQ(ingot_efi_time_to_unix(&time), BEGINS + 1001);
}

TEST(an_update_holds_for_its_signer_name_and_content_alone)
{
        ingot_error error = {0};
        _cleanup_pairs_ struct pair pairs[3] = {0};
        _cleanup_secure_boot_ struct ingot_secure_boot s = {0};
        _cleanup_certificates_ struct ingot_certificates kek = {0}, pk = {0};
        _cleanup_buffer_ struct ingot_buffer file = {0};
        struct ingot_efi_time time;
        struct ingot_efi_auth auth;
        size_t which = 7;
        const struct ingot_secure_boot_fact *db = ingot_secure_boot_facts + INGOT_SECURE_BOOT_DB;
        CHECK_OK(make_set(&s, pairs, &error));
        CHECK_OK(ingot_secure_boot_time(&s, NULL, &time, &error));
        CHECK_FAILS(ingot_secure_boot_sign(&s, INGOT_SECURE_BOOT_DB, &time, pairs[0].key, &s, &file,
                                           &error),
                    INGOT_E_NOTFOUND, "no certificate in KEK is that of the key");
        CHECK_OK(ingot_secure_boot_sign(&s, INGOT_SECURE_BOOT_DB, &time, pairs[1].key, &s, &file,
                                        &error));
        CHECK_OK(ingot_secure_boot_certificates(&s, INGOT_SECURE_BOOT_KEK, &kek, &error));
        CHECK_OK(ingot_secure_boot_certificates(&s, INGOT_SECURE_BOOT_PK, &pk, &error));
        CHECK_OK(ingot_efi_auth_decode(ingot_buffer_span(&file), &auth, &error));
        CHECK_OK(ingot_efi_auth_verify(&auth, "db", &db->vendor, INGOT_EFI_KEY_ATTRIBUTES, &kek,
                                       &which, &error));
        CHECK_EQ(which, 0);
        CHECK_FAILS(ingot_efi_auth_verify(&auth, "db", &db->vendor, INGOT_EFI_KEY_ATTRIBUTES, &pk,
                                          &which, &error),
                    INGOT_E_REFUSED, "db");
        CHECK_FAILS(ingot_efi_auth_verify(&auth, "dbx", &db->vendor, INGOT_EFI_KEY_ATTRIBUTES, &kek,
                                          &which, &error),
                    INGOT_E_REFUSED, "dbx");
        file.data[file.size - 1] ^= 1;
        CHECK_FAILS(ingot_efi_auth_verify(&auth, "db", &db->vendor, INGOT_EFI_KEY_ATTRIBUTES, &kek,
                                          &which, &error),
                    INGOT_E_REFUSED, "db");
}

TEST(what_goes_into_a_store_comes_out_of_it)
{
        ingot_error error = {0};
        _cleanup_pairs_ struct pair pairs[3] = {0};
        _cleanup_secure_boot_ struct ingot_secure_boot s = {0}, again = {0}, kept = {0};
        _cleanup_edk2_variables_ struct ingot_edk2_variables store = {0};
        struct ingot_efi_time time;
        uint8_t digest[32] = {5};
        CHECK_OK(make_set(&s, pairs, &error));
        CHECK_OK(ingot_efi_signatures_add(&s.variables[INGOT_SECURE_BOOT_DB].list,
                                          INGOT_EFI_SIGNATURE_SHA256, &ingot_secure_boot_microsoft,
                                          INGOT_SPAN(digest, 32), &error));
        CHECK_OK(ingot_secure_boot_time(&s, NULL, &time, &error));
        CHECK_OK(ingot_secure_boot_to_store(&s, &time, &store, &error));
        CHECK_OK(ingot_secure_boot_from_store(&again, &store, &error));
        for (int i = 0; i < INGOT_SECURE_BOOT_VARIABLES; i++)
                CHECK(ingot_secure_boot_same(&s, &again, (enum ingot_secure_boot_variable) i));
        CHECK_EQ(ingot_efi_time_to_unix(&again.variables[INGOT_SECURE_BOOT_DB].time), BEGINS + 2);
        CHECK_OK(ingot_secure_boot_keep(&kept, INGOT_SECURE_BOOT_DB, &again, true, &error));
        CHECK_EQ(kept.variables[INGOT_SECURE_BOOT_DB].list.count, 1);
        CHECK_EQ(kept.variables[INGOT_SECURE_BOOT_DB].list.items[0].data.data[0], 5);
}

/* sign-efi-sig-list (package efitools) makes the same bytes. */
TEST(updates_are_those_of_efitools_to_the_byte)
{
        ingot_error error = {0};
        _cleanup_pairs_ struct pair pairs[3] = {0};
        _cleanup_secure_boot_ struct ingot_secure_boot s = {0};
        _cleanup_buffer_ struct ingot_buffer key = {0}, pem = {0}, list = {0}, ours = {0};
        _cleanup_free_ uint8_t *theirs = NULL;
        size_t size;
        char path[512], out[600];
        struct ingot_efi_time time;
        if (!oracle_found("sign-efi-sig-list"))
                SKIP("no sign-efi-sig-list");
        CHECK_OK(make_set(&s, pairs, &error));
        CHECK(ingot_efi_time_from_unix(1767225600, &time)); /* 2026-01-01 */
        CHECK_OK(ingot_secure_boot_sign(&s, INGOT_SECURE_BOOT_DB, &time, pairs[1].key, &s, &ours,
                                        &error));
        CHECK_OK(ingot_key_private_pem(pairs[1].key, NULL, &key, &error));
        CHECK_OK(ingot_certificate_pem(pairs[1].certificate, &pem, &error));
        CHECK_OK(ingot_efi_signatures_encode(&s.variables[INGOT_SECURE_BOOT_DB].list, &list,
                                             &error));
        snprintf(path, sizeof(path), "%s", oracle_file("kek.key", key.data, key.size));
        const char *certificate = oracle_file("kek.crt", pem.data, pem.size);
        const char *lists = oracle_file("db.esl", list.data, list.size);
        snprintf(out, sizeof(out), "%s/db.auth", test_folder());
        CHECK_EQ(oracle_run(NULL,
                            "sign-efi-sig-list -t '2026-01-01 00:00:00' -k %s -c %s db %s %s "
                            ">/dev/null",
                            path, certificate, lists, out),
                 0);
        CHECK_OK(ingot_file_read(AT_FDCWD, out, 65536, &theirs, &size, &error));
        CHECK_EQ(size, ours.size);
        CHECK(memcmp(theirs, ours.data, size) == 0);
}

TEST(a_folder_of_updates_is_read_as_it_was_written)
{
        ingot_error error = {0};
        _cleanup_pairs_ struct pair pairs[3] = {0};
        _cleanup_secure_boot_ struct ingot_secure_boot s = {0}, again = {0}, none = {0};
        static const bool all[INGOT_SECURE_BOOT_VARIABLES] = {true, true, true, true};
        struct ingot_secure_boot_signing signing = {.signers = &s};
        char folder[512];
        snprintf(folder, sizeof(folder), "%s/loader/keys/auto", test_folder());
        CHECK_EQ(ingot_secure_boot_folder_load(&none, folder, &error), 1);
        CHECK_OK(make_set(&s, pairs, &error));
        CHECK_OK(ingot_secure_boot_time(&s, NULL, &signing.time, &error));
        signing.keys[INGOT_SECURE_BOOT_PK] = pairs[0].key;
        CHECK_FAILS(ingot_secure_boot_folder_save(&s, all, &signing, folder, &error),
                    INGOT_E_NOTFOUND, "db is signed by the key of KEK");
        CHECK_EQ(ingot_secure_boot_folder_load(&none, folder, &error), 1);
        signing.keys[INGOT_SECURE_BOOT_KEK] = pairs[1].key;
        CHECK_OK(ingot_secure_boot_folder_save(&s, all, &signing, folder, &error));
        CHECK_EQ(ingot_secure_boot_folder_load(&again, folder, &error), 0);
        for (int i = 0; i < INGOT_SECURE_BOOT_VARIABLES; i++)
                CHECK(ingot_secure_boot_same(&s, &again, (enum ingot_secure_boot_variable) i));
}
