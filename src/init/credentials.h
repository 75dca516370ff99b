/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Credentials that the machine's surroundings pass in: OEM strings of SMBIOS and the kernel's command
 * line (systemd.system-credentials(7)). systemd imports them itself, but not when an initrd hands
 * credentials of the stub over: it then takes it that the initrd did both (docs/decisions/039).
 */
#pragma once

#include "base/buffer.h"
#include "base/text.h"

#include <stdbool.h>

#define INIT_CREDENTIALS_SYSTEM "/run/credentials/@system"

/* May a credential have this name? (systemd: a file name of at most 255 bytes, printable ASCII,
 * with none of the characters of paths and lists.) */
bool init_credential_name_valid(const char *name);

struct init_credential {
        char *name;
        struct ingot_buffer value;
};
void init_credential_done(struct init_credential *c);
#define _cleanup_credential_ __attribute__((cleanup(init_credential_done)))

/* "NAME<separator>VALUE", the value in base64 where it is BINARY. FORMAT otherwise. */
int init_credential_decode(const char *text, char separator, bool binary,
                           struct init_credential *ret, ingot_error *reterr);

/*
 * All of them to /run/credentials/@system, where the first of a name counts: those of SMBIOS
 * ("io.systemd.credential:NAME=VALUE", "io.systemd.credential.binary:NAME=BASE64"), unless this is a
 * confidential guest, then "systemd.set_credential=NAME:VALUE" and "…_binary=" of the command line.
 * 1: there were any. One that cannot be used is told and left out.
 */
int init_credentials_import(const char *cmdline, ingot_error *reterr);
