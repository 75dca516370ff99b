/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As systemd's service manager imports them (systemd 257 to 262, src/core/import-creds.c), so that a
 * unit finds the same ones whoever did it. */
#include "init/credentials.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "format/smbios.h"
#include "init/cmdline.h"
#include "init/message.h"
#include "os/confidential.h"
#include "os/file.h"
#include "os/mount.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define DMI "/sys/firmware/dmi/tables/DMI"
#define DMI_MAX (4 * 1024 * 1024)
#define ALL_MAX (1024 * 1024) /* systemd's limit: of all, and so of one */
#define FLAGS (MS_NODEV | MS_NOSUID | MS_NOEXEC)

/* What came so far. */
struct import {
        size_t size, count;
};

bool init_credential_name_valid(const char *name)
{
        size_t size = strlen(name);
        if (size == 0 || size > 255 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                return false;
        for (size_t i = 0; i < size; i++)
                if (name[i] < ' ' || name[i] >= 127 || strchr("/:", name[i]))
                        return false;
        return true;
}

void init_credential_done(struct init_credential *c)
{
        free(c->name);
        ingot_buffer_done(&c->value);
        *c = (struct init_credential){0};
}

int init_credential_decode(const char *text, char separator, bool binary,
                           struct init_credential *ret, ingot_error *reterr)
{
        _cleanup_credential_ struct init_credential c = {0};
        const char *at = strchr(text, separator);
        c.name = strndup(text, at ? (size_t) (at - text) : strlen(text));
        if (!c.name)
                return ingot_fail_nomem(reterr);
        if (!at)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no '%c' between name and value",
                                  separator);
        if (!init_credential_name_valid(c.name))
                return ingot_fail(reterr, INGOT_E_FORMAT, "no name for a credential");
        struct ingot_span value = INGOT_SPAN(at + 1, strlen(at + 1));
        int r = binary ? ingot_base64_decode(value, &c.value, reterr)
                       : ingot_buffer_append(&c.value, value.data, value.size, reterr);
        if (r < 0)
                return r;
        *ret = c;
        c = (struct init_credential){0};
        return 0;
}

/* A folder in memory that is never swapped out. */
static int make_folder(ingot_error *reterr)
{
        static const struct ingot_mount m = {.target = INIT_CREDENTIALS_SYSTEM,
                                             .type = "ramfs",
                                             .flags = FLAGS,
                                             .options = "mode=0700"};
        int r = ingot_make_directories(INIT_CREDENTIALS_SYSTEM, 0700, reterr);
        return r < 0 ? r : ingot_mount(&m, reterr);
}

static int put(struct import *i, const struct init_credential *c, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        if (c->value.size > ALL_MAX - i->size)
                return ingot_fail(reterr, INGOT_E_LIMIT, "credentials of more than 1 MiB");
        int r = i->count == 0 ? make_folder(reterr) : 0;
        if (r >= 0)
                r = ingot_format(&path, reterr, INIT_CREDENTIALS_SYSTEM "/%s", c->name);
        if (r >= 0 && i->count > 0 && ingot_file_exists(path))
                return 0;
        if (r >= 0)
                r = ingot_file_put_new(path, c->value.data, c->value.size, 0400, reterr);
        if (r < 0)
                return r;
        i->size += c->value.size;
        i->count++;
        return 0;
}

static void take(struct import *i, const char *text, char separator, bool binary)
{
        _cleanup_credential_ struct init_credential c = {0};
        ingot_error error = {0};
        int r = init_credential_decode(text, separator, binary, &c, &error);
        if (r >= 0)
                r = put(i, &c, &error);
        /* its name, never its value */
        const char *end = strchr(text, separator);
        if (r < 0)
                init_tell("credential %.*s is left out: %s", end ? (int) (end - text) : 0, text,
                          error.text);
}

static int take_oem_string(void *context, const char *text, ingot_error *reterr)
{
        static const char plain[] = "io.systemd.credential:";
        static const char binary[] = "io.systemd.credential.binary:";
        (void) reterr;
        if (ingot_starts_with(text, plain))
                take(context, text + sizeof(plain) - 1, '=', false);
        else if (ingot_starts_with(text, binary))
                take(context, text + sizeof(binary) - 1, '=', true);
        return 0;
}

static void import_smbios(struct import *i)
{
        _cleanup_free_ uint8_t *table = NULL;
        ingot_error error = {0};
        size_t size;
        if (access(DMI, F_OK) < 0)
                return;
        if (ingot_confidential()) {
                init_say("a confidential guest: its firmware's credentials are not taken");
                return;
        }
        int r = ingot_file_read(AT_FDCWD, DMI, DMI_MAX, &table, &size, &error);
        if (r >= 0)
                r = ingot_smbios_oem_strings(INGOT_SPAN(table, size), take_oem_string, i, &error);
        if (r < 0)
                init_tell_error("credentials of the firmware", &error);
}

static int import_cmdline(struct import *i, const char *cmdline, ingot_error *reterr)
{
        static const struct {
                const char *key;
                bool binary;
        } keys[] = {{"systemd.set_credential", false}, {"systemd.set_credential_binary", true}};
        int r = 0;
        for (size_t k = 0; r >= 0 && k < ARRAY_SIZE(keys); k++) {
                _cleanup_strings_ struct ingot_strings values = {0};
                r = init_cmdline_values(cmdline, keys[k].key, &values, reterr);
                for (size_t n = 0; r >= 0 && n < values.count; n++)
                        take(i, values.items[n], ':', keys[k].binary);
        }
        return r;
}

int init_credentials_import(const char *cmdline, ingot_error *reterr)
{
        static const struct ingot_mount closed = {.source = "ramfs",
                                                  .target = INIT_CREDENTIALS_SYSTEM,
                                                  .type = "ramfs",
                                                  .flags = MS_REMOUNT | MS_BIND | MS_RDONLY | FLAGS};
        struct import i = {0};
        import_smbios(&i);
        int r = import_cmdline(&i, cmdline, reterr);
        if (r >= 0 && i.count > 0)
                r = ingot_mount(&closed, reterr);
        return r < 0 ? r : i.count > 0;
}
