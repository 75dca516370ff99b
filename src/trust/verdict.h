/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The vocabulary of every verification: files of keys that may verify and where they were found,
 * the question, and the answer for each signature. The technologies (trust/openpgp.h, ssh.h,
 * x509.h, minisign.h) add judgements to a verdict; trust/signature.h is the way in.
 */
#pragma once

#include "base/buffer.h"
#include "base/io.h"
#include "base/text.h"
#include "trust/technology.h"

/* A file of keys, with the bytes it had when it was found. */
struct ingot_key_file {
        enum ingot_technology technology;
        char *path;
        char *load_path; /* of VOA; NULL: the caller named the file */
        char *link;      /* the link it was reached by, or NULL */
        bool anchor;     /* certifies signers, and signs nothing itself */
        bool revokes;    /* says only which keys and certificates do not count any more */
        struct ingot_buffer content;
};

struct ingot_key_files {
        struct ingot_key_file *items;
        size_t count, allocated;
        bool anchored; /* VOA has trust anchors of OpenPGP: its verifiers count by them alone */
        struct ingot_strings masked; /* names of SSH verifiers that VOA masks: "SHA-256.pub" */
};

void ingot_key_files_done(struct ingot_key_files *k);
#define _cleanup_key_files_ __attribute__((cleanup(ingot_key_files_done)))
/* Reads PATH, named by the caller, and recognises its technology. NOTFOUND, FORMAT. */
int ingot_key_files_add(struct ingot_key_files *k, const char *path, ingot_error *reterr);
/* The same of what is revoked: a revocation list of OpenSSH (format/ssh-krl.h), SSH keys and
 * certificates, one a line, or CRLs of X.509 in PEM; FORMAT: none of them. */
int ingot_key_files_add_revoked(struct ingot_key_files *k, const char *path, ingot_error *reterr);
/* Is there one that may verify? Not what only says what is revoked. */
bool ingot_key_files_verify(const struct ingot_key_files *k);
/* Takes over *file, also on failure. */
int ingot_key_files_take(struct ingot_key_files *k, struct ingot_key_file *file,
                         ingot_error *reterr);

/* What is asked. */
struct ingot_signature_request {
        const struct ingot_reader *content; /* what is said to be signed; read once or twice */
        const struct ingot_key_files *keys;
        const char *purpose, *context; /* as in VOA; NULL: none */
        const char *identity;          /* SSH: the signer must be this principal; NULL: any */
        uint64_t now;                  /* seconds since 1970, where a signature says no time */
        bool undated; /* X.509, where a signature says no time: a certificate's dates do not count */
        size_t threshold;              /* so many different keys must have signed; 0 is 1 */
        size_t anchors; /* OpenPGP: so many trust anchors must certify a verifier of VOA; 0: one
                         * where there are some */
};

/* What one signature is worth. Texts come from outside: escape them before a terminal. */
struct ingot_judgement {
        enum ingot_technology technology;
        char *signature;                     /* the file it stands in; NULL: in the document */
        char *signer;                        /* user ID, principal, subject; NULL: not known */
        char *key;                           /* fingerprint as the technology writes it, or NULL */
        char *identity;                      /* what makes keys different; NULL: `key` does */
        const struct ingot_key_file *verifier; /* that has the key; NULL: none has */
        const char *algorithm;               /* "Ed25519", "RSA-4096 with SHA-512"; or NULL */
        char *comment;                       /* what else the signature says and signs, or NULL */
        uint64_t created;                    /* seconds since 1970; 0: the signature says no time */
        struct ingot_strings anchors;        /* paths of VOA's that certify the key */
        char *reason;                        /* why it does not count; NULL: it holds */
};

struct ingot_verdict {
        struct ingot_judgement *items;
        size_t count, allocated;
        struct ingot_strings warnings; /* about key files that were passed over */
        size_t holding, threshold;     /* different keys whose signature holds; how many must */
};

void ingot_judgement_done(struct ingot_judgement *j);
#define _cleanup_judgement_ __attribute__((cleanup(ingot_judgement_done)))
void ingot_verdict_done(struct ingot_verdict *v);
#define _cleanup_verdict_ __attribute__((cleanup(ingot_verdict_done)))
/* A new judgement, zeroed but for its technology, in *ret until the next one is added. */
int ingot_verdict_add(struct ingot_verdict *v, enum ingot_technology technology,
                      struct ingot_judgement **ret, ingot_error *reterr);
/* The reason why it does not count. The first one stays. */
int ingot_judgement_refuse(struct ingot_judgement *j, ingot_error *reterr, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* A key file that cannot be used: of one that the caller named it is an error, else a warning. */
int ingot_verdict_bad_key(struct ingot_verdict *v, const struct ingot_key_file *file, int r,
                          ingot_error *reterr);
/* Counts the different keys of the judgements that hold. */
void ingot_verdict_count(struct ingot_verdict *v);

/* "2026-11-22 13:48:29 UTC". */
void ingot_time_text(uint64_t seconds, char ret[32]);
