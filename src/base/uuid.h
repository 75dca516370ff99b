/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UUIDs: 16 bytes in the order of their text (as sd_id128). GPT stores the first three fields
 * little-endian; ingot_uuid_gpt_load/store convert.
 *
 * Derivation: HMAC-SHA256(key, message), first 16 bytes, with version 4 and variant bits set: the
 * scheme of systemd-repart and of the DPS for /var (UAPI.2, "Variable Data Partition").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INGOT_UUID_TEXT_SIZE 37 /* with the NUL */

struct ingot_uuid {
        uint8_t bytes[16];
};

/* The only form: 8-4-4-4-12 hex digits, or 32 hex digits. */
bool ingot_uuid_parse(const char *text, struct ingot_uuid *ret);
void ingot_uuid_format(const struct ingot_uuid *u, char ret[INGOT_UUID_TEXT_SIZE]);
bool ingot_uuid_equal(const struct ingot_uuid *a, const struct ingot_uuid *b);
bool ingot_uuid_is_null(const struct ingot_uuid *u);
struct ingot_uuid ingot_uuid_gpt_load(const uint8_t p[16]);
void ingot_uuid_gpt_store(uint8_t p[16], const struct ingot_uuid *u);

/* v4(HMAC-SHA256(key, message)). */
struct ingot_uuid ingot_uuid_derive(const struct ingot_uuid *key, const void *message, size_t size);
