/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error object: fixed size, no allocation, usable when out of memory. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
        const char *name;
        int exit_status;
} codes[INGOT_E_CODE_MAX] = {
        [INGOT_E_USAGE] = {"usage", 2},
        [INGOT_E_SYSTEM] = {"system", 1},
        [INGOT_E_NOMEM] = {"nomem", 1},
        [INGOT_E_FORMAT] = {"format", 1},
        [INGOT_E_REFUSED] = {"refused", 3},
        [INGOT_E_SPACE] = {"space", 1},
        [INGOT_E_LIMIT] = {"limit", 1},
        [INGOT_E_NOTFOUND] = {"notfound", 1},
        [INGOT_E_CONFLICT] = {"conflict", 1},
        [INGOT_E_UNSUPPORTED] = {"unsupported", 1},
        [INGOT_E_INTERNAL] = {"internal", 1},
};

__attribute__((format(printf, 4, 0))) static int fail(ingot_error *reterr, int code, int os,
                                                      const char *format, va_list args)
{
        if (reterr) {
                reterr->code = code;
                reterr->os = os;
                vsnprintf(reterr->text, sizeof(reterr->text), format, args);
        }
        return -code;
}

int ingot_fail(ingot_error *reterr, int code, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        int r = fail(reterr, code, 0, format, args);
        va_end(args);
        return r;
}

int ingot_fail_errno(ingot_error *reterr, const char *format, ...)
{
        int os = errno;
        va_list args;
        va_start(args, format);
        int r = fail(reterr, os == ENOMEM ? INGOT_E_NOMEM : INGOT_E_SYSTEM, os, format, args);
        va_end(args);
        return r;
}

int ingot_fail_nomem(ingot_error *reterr)
{
        return ingot_fail(reterr, INGOT_E_NOMEM, "out of memory");
}

int ingot_under(ingot_error *reterr, int r, const char *format, ...)
{
        if (!reterr || r >= 0)
                return r;
        char inner[sizeof(reterr->text)];
        memcpy(inner, reterr->text, sizeof(inner));
        va_list args;
        va_start(args, format);
        int n = vsnprintf(reterr->text, sizeof(reterr->text), format, args);
        va_end(args);
        if (n < 0 || (size_t) n >= sizeof(reterr->text))
                return r;
        snprintf(reterr->text + n, sizeof(reterr->text) - (size_t) n, ": %s", inner);
        return r;
}

const char *ingot_code_name(int code)
{
        return code > 0 && code < INGOT_E_CODE_MAX ? codes[code].name : "unknown";
}

int ingot_code_exit_status(int code)
{
        return code > 0 && code < INGOT_E_CODE_MAX ? codes[code].exit_status : 1;
}
