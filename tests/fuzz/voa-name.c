/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as a place in a VOA hierarchy, as an os-release and as a key: what is accepted stays
 * within the alphabet, is one path of five names, and comes back as it was.
 */
#include "base/cleanup.h"
#include "trust/verifier-kind.h"
#include "trust/voa-name.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const char *text)
{
        static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz._-:/";
        struct ingot_voa_place place = {0};
        _cleanup_free_ char *back = NULL;
        ingot_error error;
        if (ingot_voa_place_parse(text, &place, &error) < 0)
                return;
        if (ingot_voa_place_format(&place, &back, &error) < 0 || strcmp(back, text) != 0)
                abort();
        size_t directories = strlen(place.os) + strlen(place.purpose) + strlen(place.context) +
                             strlen(ingot_technology_name(place.technology)) + 4;
        if (strspn(text, allowed) < directories || strchr(place.name, '/') ||
            strcmp(place.os, "..") == 0 || strcmp(place.purpose, "..") == 0 ||
            strcmp(place.context, "..") == 0)
                abort();
        ingot_voa_place_done(&place);
}

static void check_release(struct ingot_span text)
{
        _cleanup_free_ char *os = NULL;
        ingot_error error;
        if (ingot_voa_os_of_release(text, &os, &error) == 0 && strlen(os) < 256 &&
            ingot_voa_os_fault(os) && os[0] != '.')
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = malloc(size + 1);
        enum ingot_technology technology;
        ingot_error error;
        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = 0;
        check_place(text);
        check_release(INGOT_SPAN(data, size));
        (void) ingot_verifier_recognise(INGOT_SPAN(data, size), &technology, &error);
        return 0;
}
