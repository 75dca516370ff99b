/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What unlocks a LUKS2 volume: the tokens and key slots of its header (format/luks2.h). */
#pragma once

#include "base/io.h"
#include "base/text.h"
#include "measure/sealed.h"

#define INGOT_LUKS_TOKENS_MAX 32 /* as many as LUKS2 has */

struct ingot_luks_token {
        uint64_t id;
        char *type;                 /* "systemd-tpm2", "systemd-recovery" … */
        struct ingot_strings slots; /* that it unlocks */
        struct ingot_sealed sealed; /* of systemd-tpm2; without blobs: `problem` says why */
        char *problem;
};

struct ingot_luks_tokens {
        struct ingot_luks_token *items;
        size_t count;
        size_t slots, passphrases; /* key slots; those that no token is for */
};
void ingot_luks_tokens_done(struct ingot_luks_tokens *t);
#define _cleanup_luks_tokens_ __attribute__((cleanup(ingot_luks_tokens_done)))

/* Of the volume, or device with one, at PATH, which the error names. NOTFOUND: it is no LUKS volume;
 * UNSUPPORTED: one of another kind than LUKS2. */
int ingot_luks_tokens_read(const char *path, struct ingot_luks_tokens *ret, ingot_error *reterr);
int ingot_luks_tokens_of(const struct ingot_reader *volume, struct ingot_luks_tokens *ret,
                         ingot_error *reterr);
/* Has a recovery key that systemd-cryptenroll made. */
bool ingot_luks_tokens_have_recovery(const struct ingot_luks_tokens *t);

/* FORMAT, LIMIT. A token that cannot be read is told of in its `problem`. */
int ingot_luks_tokens_decode(struct ingot_span json, struct ingot_luks_tokens *ret,
                             ingot_error *reterr);
