/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the supervisor decodes without asking the kernel: paths of supervised processes, their
 * access-control lists, the ledger as bytes. The first byte says which. Calls themselves come as
 * numbers in registers; there is nothing to decode in them.
 */
#include "base/cleanup.h"
#include "os/acl.h"
#include "os/supervisor-call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TID 4711

static void require(bool holds)
{
        if (!holds)
                __builtin_trap();
}

static void path(const uint8_t *data, size_t size)
{
        char text[PATH_MAX] = "", own[PATH_MAX + 64], name[NAME_MAX + 1];
        memcpy(text, data, size < sizeof(text) ? size : sizeof(text) - 1);
        if (place_own_path(TID, text, own, sizeof(own))) {
                require(strncmp(own, "/proc/4711", 10) == 0 && (own[10] == 0 || own[10] == '/'));
                require(strlen(own) <= strlen(text) + 10 + strlen("/fd/0"));
        } else {
                snprintf(own, sizeof(own), "%s", text);
        }
        if (place_cut_name(own, name) != 0)
                return;
        require(*name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
        require(*own && (own[0] == '/') == (text[0] == '/'));
}

static void list(const uint8_t *data, size_t size)
{
        uint8_t *acl = malloc(size + 1);
        require(acl);
        memcpy(acl, data, size);
        if (ingot_acl_valid(acl, size)) {
                for (unsigned mode = 0; mode < 01000; mode += 0123) {
                        ingot_acl_follow_mode(acl, size, (uint16_t) mode);
                        require(ingot_acl_valid(acl, size) && ingot_acl_mode(acl, size) == mode);
                }
        }
        free(acl);
}

/* What was read is written, and read again as the same. */
static void ledger(const uint8_t *data, size_t size)
{
        _cleanup_(ingot_ledger_free_p) struct ingot_ledger *a = NULL, *b = NULL;
        _cleanup_buffer_ struct ingot_buffer bytes = {0}, again = {0};
        if (ingot_ledger_new(&a, NULL) < 0 || ingot_ledger_new(&b, NULL) < 0 ||
            ingot_ledger_decode(a, INGOT_SPAN(data, size), NULL) < 0)
                return;
        require(ingot_ledger_encode(a, &bytes, NULL) == 0 && bytes.size <= size);
        require(ingot_ledger_decode(b, ingot_buffer_span(&bytes), NULL) == 0);
        require(ingot_ledger_encode(b, &again, NULL) == 0 && again.size == bytes.size);
        require(ingot_ledger_count(a) == ingot_ledger_count(b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static void (*const parts[])(const uint8_t *data, size_t size) = {path, list, ledger};
        if (size > 0)
                parts[data[0] % 3](data + 1, size - 1);
        return 0;
}
