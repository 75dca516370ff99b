/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* efivarfs: a file a variable, NAME-VENDOR, whose first four bytes are the attributes. */
#include "os/efivar.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <fcntl.h>
#include <unistd.h>

#define FOLDER "/sys/firmware/efi/efivars"
#define VALUE_MAX (1 << 20)
#define ATTRIBUTES_SIZE 4

static int variable_path(const char *name, const char *vendor, char **ret, ingot_error *reterr)
{
        return ingot_format(ret, reterr, FOLDER "/%s-%s", name, vendor);
}

int ingot_efivar_read(const char *name, const char *vendor, uint8_t **ret, size_t *ret_size,
                      ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = variable_path(name, vendor, &path, reterr);
        if (r >= 0)
                r = ingot_file_read(AT_FDCWD, path, VALUE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        if (size < ATTRIBUTES_SIZE)
                return ingot_fail(reterr, INGOT_E_FORMAT, "%s: %zu bytes", path, size);
        memmove(data, data + ATTRIBUTES_SIZE, size - ATTRIBUTES_SIZE + 1);
        *ret = TAKE_PTR(data);
        *ret_size = size - ATTRIBUTES_SIZE;
        return 0;
}

int ingot_efivar_read_text(const char *name, const char *vendor, char **ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size, length = 0;
        int r = ingot_efivar_read(name, vendor, &data, &size, reterr);
        if (r < 0)
                return r;
        _cleanup_free_ char *text = malloc(size / 2 + 1);
        if (!text)
                return ingot_fail_nomem(reterr);
        for (; length < size / 2; length++) {
                uint16_t unit = ingot_le16_load(data + 2 * length);
                if (unit == 0)
                        break;
                text[length] = unit < 0x80 ? (char) unit : '?';
        }
        text[length] = 0;
        *ret = TAKE_PTR(text);
        return 0;
}

bool ingot_efivar_exists(const char *name, const char *vendor)
{
        _cleanup_free_ char *path = NULL;
        return variable_path(name, vendor, &path, NULL) >= 0 && access(path, F_OK) == 0;
}
