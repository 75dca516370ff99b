/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a UEFI variable. */
#include "measure/event-variable.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf16.h"
#include "trust/certificate.h"

#define OWNER_SIZE 16
#define CERTIFICATES_SHOWN 8

static int say_certificate(struct ingot_span der, const char *between, struct ingot_buffer *ret,
                           ingot_error *reterr)
{
        _cleanup_certificate_ struct ingot_certificate *c = NULL;
        bool good = ingot_certificate_decode(&c, der, NULL) >= 0;
        return ingot_buffer_printf(ret, reterr, "%s%s", between,
                                   good ? ingot_certificate_subject(c) : "?");
}

static int say_certificates(const struct ingot_efi_signatures *s, size_t count,
                            struct ingot_buffer *ret, ingot_error *reterr)
{
        size_t shown = 0;
        int r = ingot_buffer_printf(ret, reterr, "%zu certificate%s", count,
                                    count == 1 ? "" : "s");
        for (size_t i = 0; r >= 0 && i < s->count && shown < CERTIFICATES_SHOWN; i++)
                if (s->items[i].kind == INGOT_EFI_SIGNATURE_X509)
                        r = say_certificate(s->items[i].data, shown++ ? "; " : " (", ret, reterr);
        if (r >= 0 && shown < count)
                r = ingot_buffer_printf(ret, reterr, "; …");
        return r < 0 ? r : ingot_buffer_printf(ret, reterr, ")");
}

int ingot_event_signatures_text(const struct ingot_efi_signatures *s, struct ingot_buffer *ret,
                                ingot_error *reterr)
{
        size_t certificates = 0;
        for (size_t i = 0; i < s->count; i++)
                certificates += s->items[i].kind == INGOT_EFI_SIGNATURE_X509;
        size_t hashes = s->count - certificates;
        int r = 0;
        if (s->count == 0)
                return ingot_buffer_printf(ret, reterr, "nothing");
        if (certificates > 0)
                r = say_certificates(s, certificates, ret, reterr);
        if (r >= 0 && hashes > 0)
                r = ingot_buffer_printf(ret, reterr, "%s%zu hash%s", certificates ? ", " : "",
                                        hashes, hashes == 1 ? "" : "es");
        return r;
}

static int say_signatures(const struct ingot_event_variable *v, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        _cleanup_efi_signatures_ struct ingot_efi_signatures s = {0};
        if (ingot_efi_signatures_decode(v->data, &s, NULL) < 0)
                return ingot_buffer_printf(ret, reterr, "malformed, %zu bytes", v->data.size);
        return ingot_event_signatures_text(&s, ret, reterr);
}

static int say_boot_order(const struct ingot_event_variable *v, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i + 1 < v->data.size && i < 64; i += 2)
                r = ingot_buffer_printf(ret, reterr, "%s%04X", i ? " " : "",
                                        ingot_le16_load(v->data.data + i));
        return r;
}

static int say_boot_entry(const struct ingot_event_variable *v, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL, *safe = NULL;
        int r = ingot_event_boot_entry_name(v->data, &name, reterr);
        if (r < 0)
                return r;
        safe = ingot_escape(name);
        return safe ? ingot_buffer_printf(ret, reterr, "%s", safe) : ingot_fail_nomem(reterr);
}

static bool is_signature_database(const char *name)
{
        static const char *const names[] = {"PK",  "KEK", "db",      "dbx",      "dbt",
                                            "dbr", "MokList", "MokListX"};
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(names[i], name) == 0)
                        return true;
        return false;
}

static bool is_text(struct ingot_span data)
{
        for (size_t i = 0; i < data.size; i++)
                if ((data.data[i] < 0x20 || data.data[i] > 0x7e) && data.data[i] != '\n')
                        return false;
        return data.size > 1;
}

static int say_text(struct ingot_span data, struct ingot_buffer *ret, ingot_error *reterr)
{
        struct ingot_span line = data;
        while (line.size > 0 && line.data[line.size - 1] == '\n')
                line.size--;
        return ingot_event_data_text(line, ret, reterr);
}

int ingot_event_variable_text(const char *name, const struct ingot_event_variable *v,
                              struct ingot_buffer *ret, ingot_error *reterr)
{
        if (v->data.size == 0)
                return ingot_buffer_printf(ret, reterr, "empty");
        if (v->data.size == 1 && v->data.data[0] <= 1)
                return ingot_buffer_printf(ret, reterr, "%s", v->data.data[0] ? "on" : "off");
        if (strcmp(name, "BootOrder") == 0)
                return say_boot_order(v, ret, reterr);
        if (ingot_event_is_boot_entry(name))
                return say_boot_entry(v, ret, reterr);
        if (is_signature_database(name))
                return say_signatures(v, ret, reterr);
        if (is_text(v->data))
                return say_text(v->data, ret, reterr);
        return ingot_buffer_printf(ret, reterr, "%zu bytes", v->data.size);
}

/* Firmware measures an entry of db: the owner's GUID and a certificate. Shim leaves the owner out
 * for its own certificate. */
static bool find_certificate(struct ingot_span data, struct ingot_certificate **ret)
{
        if (ingot_certificate_decode(ret, data, NULL) >= 0)
                return true;
        return data.size > OWNER_SIZE &&
               ingot_certificate_decode(
                       ret, INGOT_SPAN(data.data + OWNER_SIZE, data.size - OWNER_SIZE), NULL) >= 0;
}

int ingot_event_authority_text(const char *name, const struct ingot_event_variable *v,
                               struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_certificate_ struct ingot_certificate *c = NULL;
        if (find_certificate(v->data, &c))
                return ingot_buffer_printf(ret, reterr, "%s", ingot_certificate_subject(c));
        if (is_signature_database(name) && v->data.size == OWNER_SIZE + 32)
                return ingot_buffer_printf(ret, reterr, "the hash of a program");
        return ingot_event_variable_text(name, v, ret, reterr);
}
