/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format/loader-info.h"
#include "base/cleanup.h"

#include <stdlib.h>

#define SECTION_SIZE_MAX 4096

int ingot_loader_info_find(struct ingot_span bytes, char **ret, ingot_error *reterr)
{
        static const char begin[] = "#### LoaderInfo: ", end[] = " ####";
        const uint8_t *at =
                bytes.size > 0 ? memmem(bytes.data, bytes.size, begin, sizeof(begin) - 1) : NULL;
        if (!at)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no program of systemd: it has no mark");
        at += sizeof(begin) - 1;
        size_t left = bytes.size - (size_t) (at - bytes.data);
        const uint8_t *stop = memmem(at, left < 256 ? left : 256, end, sizeof(end) - 1);
        if (!stop)
                return ingot_fail(reterr, INGOT_E_FORMAT, "its mark has no end");
        _cleanup_free_ char *text = strndup((const char *) at, (size_t) (stop - at));
        if (!text)
                return ingot_fail_nomem(reterr);
        for (const char *p = text; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "its mark is no text");
        *ret = TAKE_PTR(text);
        return 0;
}

int ingot_loader_info_read(const struct ingot_reader *r, const struct ingot_pe *pe, char **ret,
                           ingot_error *reterr)
{
        const struct ingot_pe_section *section = ingot_pe_find(pe, ".sdmagic");
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        if (!section) {
                *ret = NULL;
                return 0;
        }
        int e = ingot_pe_section_read(r, section, SECTION_SIZE_MAX, &data, &size, reterr);
        return e < 0 ? e : ingot_loader_info_find(INGOT_SPAN(data, size), ret, reterr);
}

unsigned ingot_loader_major(const char *info)
{
        const char *space = strchr(info, ' ');
        unsigned value = 0;
        for (const char *p = space ? space + 1 : ""; *p >= '0' && *p <= '9' && value < 100000; p++)
                value = value * 10 + (unsigned) (*p - '0');
        return value;
}
