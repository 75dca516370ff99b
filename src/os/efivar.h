/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EFI variables through efivarfs at /sys/firmware/efi/efivars. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The vendor of boot loader and stub (systemd's Boot Loader Interface). */
#define INGOT_EFIVAR_LOADER "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

/* The value without its attributes, in *RET (the caller frees). NOTFOUND without EFI, too. */
int ingot_efivar_read(const char *name, const char *vendor, uint8_t **ret, size_t *ret_size,
                      ingot_error *reterr);

/* A value of UTF-16LE text, as ASCII ('?' for everything else). */
int ingot_efivar_read_text(const char *name, const char *vendor, char **ret, ingot_error *reterr);

/* Is there such a variable? */
bool ingot_efivar_exists(const char *name, const char *vendor);
