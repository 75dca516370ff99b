/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signing request of a build, NAME.sign.json (docs/formats/signing-request.md): all that is to
 * be signed, and all that is needed to sign it somewhere else, with nothing but this file.
 *
 *     stage 1   PCR policies, root hash      known when the build ends
 *     stage 2   Authenticode of programs     the UKI has the PCR policies' signatures in it
 *     stage 3   manifest, sums               the digest of the signed UKI is in them
 *
 * What a stage needs of the answers to the one before is a content: a sequence of parts, of which
 * some come from answers. Of a large file only its end is a part; what stands before is the state
 * of SHA-256 behind it.
 */
#pragma once

#include "base/sha256.h"
#include "base/text.h"
#include "measure/digest-state.h"
#include "measure/pcrsig.h"
#include "trust/signer.h"

struct json_object;

#define INGOT_SIGN_REQUEST_MAX ((size_t) 64 << 20)
#define INGOT_SIGN_TABLE_MAX 65536 /* of an Authenticode certificate table */
#define INGOT_SIGN_NONE SIZE_MAX

enum ingot_sign_part_kind {
        INGOT_SIGN_STATE, /* only the first part: what the digest knows of the first SIZE bytes */
        INGOT_SIGN_BYTES,
        INGOT_SIGN_ZEROS,  /* SIZE of them */
        INGOT_SIGN_DIGEST, /* of another content: hexadecimal digits */
        INGOT_SIGN_RAW,    /* the same, its bytes */
        INGOT_SIGN_PCRSIG, /* the PCR signatures, with spaces behind them */
        INGOT_SIGN_VERITY, /* the content of the verity signature partition */
        INGOT_SIGN_TABLE,  /* a certificate table with the answer to a thing */
};

struct ingot_sign_part {
        enum ingot_sign_part_kind kind;
        uint64_t from, size; /* FROM: of what is inserted, where the part starts */
        uint8_t state[INGOT_DIGEST_STATE_MAX];
        struct ingot_buffer bytes;
        size_t of; /* DIGEST, RAW: a content that stands before; TABLE: a thing */
};

struct ingot_sign_content {
        char *name; /* of a file; with "#…" behind it: of something about that file */
        struct ingot_sign_part *parts;
        size_t part_count;
        enum ingot_bank algorithm; /* of its digest and its state; SHA-256 unless said */
        unsigned depth;            /* how many contents build on each other below it */
        bool known;                /* the digest was computed */
        uint8_t digest[INGOT_BANK_SIZE_MAX];
};

struct ingot_sign_answer {
        struct ingot_certificate *certificate; /* NULL of a PCR policy, and where the next is not */
        struct ingot_openpgp_holder *openpgp;  /* only of a release, or NULL */
        struct ingot_buffer signature; /* as ingot_key_sign() makes it, or a whole OpenPGP one */
};

struct ingot_sign_thing {
        char *id;
        enum ingot_purpose purpose; /* it decides what is signed, and in which stage */
        char *artifact;             /* the file it goes into, or that it becomes; or NULL */
        struct ingot_strings esp;   /* files on the ESP that it goes into */

        /* pcr */
        enum ingot_bank bank;
        char *phases;
        char *profile; /* the ID of the UKI's profile; NULL: the first, or the only one */
        uint8_t value[INGOT_BANK_SIZE_MAX];
        uint8_t policy[INGOT_SHA256_SIZE];
        /* verity */
        uint8_t root_hash[INGOT_SHA256_SIZE];
        /* secure-boot */
        uint64_t size;                     /* of the program without a certificate table */
        uint64_t table;                    /* of its certificate table, a multiple of 8 */
        uint8_t digest[INGOT_SHA256_SIZE]; /* where content is INGOT_SIGN_NONE */
        /* secure-boot, release */
        size_t content;

        struct ingot_sign_answer *answers;
        size_t answer_count;
};

/* What is wanted of a purpose. */
struct ingot_sign_wish {
        bool wanted;
        uint64_t threshold;                     /* how many must answer; 1 but for release */
        struct ingot_certificates certificates; /* who may, … */
        struct ingot_openpgp_holder **openpgp; /* … and by OpenPGP; none of both: who has a key */
        size_t openpgp_count;
};

struct ingot_sign_request {
        char *name, *version, *architecture; /* of the image */
        char *label;                         /* NAME_VERSION */
        char *image;                         /* the disk image's file */
        char *uki;                           /* the UKI's file, … */
        char *esp_uki;                       /* … and where it stands on the ESP */
        char *release; /* of a folder of releases: its release file. Then there is no label, no
                        * image and no UKI, and only release keys sign */
        uint64_t timestamp;
        struct ingot_sign_wish wishes[INGOT_PURPOSES];
        struct ingot_key *pcr_key; /* public; NULL without PCR policies */
        struct ingot_buffer pcr_pem;
        uint64_t pcrsig_size;            /* bytes of .pcrsig */
        struct ingot_sign_thing *things; /* by stages */
        size_t thing_count;
        struct ingot_sign_content *contents;
        size_t content_count;
};

void ingot_sign_wish_done(struct ingot_sign_wish *w);
void ingot_sign_request_done(struct ingot_sign_request *q);
#define _cleanup_sign_request_ __attribute__((cleanup(ingot_sign_request_done)))

/* FORMAT: not of this format, or it contradicts itself; LIMIT. Answers are not judged. */
int ingot_sign_request_decode(struct ingot_span text, struct ingot_sign_request *ret,
                              ingot_error *reterr);
int ingot_sign_request_load(const char *path, struct ingot_sign_request *ret, ingot_error *reterr);
int ingot_sign_request_encode(struct ingot_sign_request *q, struct ingot_buffer *ret,
                              ingot_error *reterr);
/* Written whole, in place of what was there. */
int ingot_sign_request_save(struct ingot_sign_request *q, const char *path, ingot_error *reterr);

/* New ones at the end, good until the next one is added. */
int ingot_sign_add_thing(struct ingot_sign_request *q, enum ingot_purpose purpose, const char *id,
                         struct ingot_sign_thing **ret, ingot_error *reterr);
int ingot_sign_add_content(struct ingot_sign_request *q, const char *name,
                           struct ingot_sign_content **ret, ingot_error *reterr);
int ingot_sign_add_part(struct ingot_sign_content *c, enum ingot_sign_part_kind kind,
                        struct ingot_sign_part **ret, ingot_error *reterr);
/* Who may sign, too, from a file with an OpenPGP certificate. */
int ingot_sign_add_openpgp(struct ingot_sign_wish *w, struct ingot_span content,
                           ingot_error *reterr);
/* The index, or INGOT_SIGN_NONE. */
size_t ingot_sign_find_content(const struct ingot_sign_request *q, const char *name);

/* 1, 2 or 3. */
unsigned ingot_sign_stage(enum ingot_purpose purpose);
/* "rsassa-pkcs1-sha256" …: of what is made of the signature. */
const char *ingot_sign_algorithm(enum ingot_purpose purpose);

/* These return 1, and change nothing, where an answer is missing that they need. A digest has the
 * size of its algorithm's. */
int ingot_sign_content_digest(struct ingot_sign_request *q, size_t content,
                              uint8_t ret[INGOT_BANK_SIZE_MAX], ingot_error *reterr);
/* Appended. UNSUPPORTED when it starts with a state. */
int ingot_sign_content_bytes(struct ingot_sign_request *q, size_t content, struct ingot_buffer *ret,
                             ingot_error *reterr);
/* A new object in LIST with what every description of a thing begins with: "id", "stage",
 * "purpose", "algorithm". */
int ingot_sign_thing_json(const struct ingot_sign_thing *t, struct json_object *list,
                          struct json_object **ret, ingot_error *reterr);
/* What the key signs. */
int ingot_sign_to_be_signed(struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                            struct ingot_buffer *ret, ingot_error *reterr);
/* .pcrsig, pcrsig_size bytes; the certificate table of a program; the verity signature partition.
 */
int ingot_sign_pcrsig(const struct ingot_sign_request *q, struct ingot_buffer *ret,
                      ingot_error *reterr);
int ingot_sign_table(struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                     struct ingot_buffer *ret, ingot_error *reterr);
int ingot_sign_verity(const struct ingot_sign_request *q, struct ingot_buffer *ret,
                      ingot_error *reterr);
/* Who gave it: subject or user ID; "" of a PCR policy. 32 bytes that tell signers apart, or NULL.
 */
const char *ingot_sign_answer_by(const struct ingot_sign_answer *a);
const uint8_t *ingot_sign_answer_identity(const struct ingot_sign_answer *a);
/* One answer over what a thing's key signs, detached: PKCS#7, or the OpenPGP signature. */
int ingot_sign_detached(const struct ingot_sign_answer *a, struct ingot_buffer *ret,
                        ingot_error *reterr);

/* Whether the thing has the answers that it needs. */
bool ingot_sign_is_answered(const struct ingot_sign_request *q, const struct ingot_sign_thing *t);
/* REFUSED, naming the thing, when an answer is not what it should be: a wrong signature, one by
 * somebody who may not, the same one twice. Answers to what cannot be known yet are refused, too.
 */
int ingot_sign_check(struct ingot_sign_request *q, ingot_error *reterr);
/* The same, and REFUSED when a thing lacks an answer that is wanted. */
int ingot_sign_check_complete(struct ingot_sign_request *q, ingot_error *reterr);

/*
 * Answers all that these signers can, stage by stage; what has its answers is left as it is. The
 * number of new answers in *ret_made. REFUSED when a signer may not sign what it is given for, or
 * what stands there already does not hold.
 */
int ingot_sign_answer(struct ingot_sign_request *q, const struct ingot_signers *signers,
                      size_t *ret_made, ingot_error *reterr);
