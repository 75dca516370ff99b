/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A secret is never an argument and never in the environment: others could see it there. */
#include "cli/passphrase.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"
#include "os/terminal.h"

#include <fcntl.h>
#include <stdio.h>

#define FILE_SIZE_MAX 4096

static int from_file(const char *file, char *ret, size_t size, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t n;
        int r = ingot_file_read(AT_FDCWD, file, FILE_SIZE_MAX, &data, &n, reterr);
        if (r < 0)
                return r;
        size_t length = strcspn((char *) data, "\r\n");
        if (length == 0 || length >= size)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "%s holds no passphrase in its first line",
                               file);
        else
                snprintf(ret, size, "%.*s", (int) length, (char *) data);
        explicit_bzero(data, n);
        return r;
}

static int from_terminal(const char *what, char *ret, size_t size, ingot_error *reterr)
{
        _cleanup_free_ char *prompt = NULL, *escaped = ingot_escape(what);
        if (!escaped)
                return ingot_fail_nomem(reterr);
        int r = ingot_format(&prompt, reterr, "Passphrase of %s: ", escaped);
        if (r >= 0)
                r = ingot_terminal_ask_secret(prompt, ret, size, reterr);
        return ingot_under(reterr, r, "passphrase of %s", what);
}

static int ask(void *context, const char *what, char *ret, size_t size, ingot_error *reterr)
{
        return context ? from_file(context, ret, size, reterr)
                       : from_terminal(what, ret, size, reterr);
}

struct ingot_key_ask passphrase_from(const char *file)
{
        return (struct ingot_key_ask){.ask = ask, .context = (void *) file};
}
