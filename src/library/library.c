/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public face: version and errors. */
#include "library/public.h"

const char *ingot_version(void)
{
        return INGOT_VERSION;
}

const char *ingot_error_name(int code)
{
        return code > 0 && code < INGOT_E_CODE_MAX ? ingot_code_name(code) : "unknown";
}
