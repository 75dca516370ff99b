/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does the digest of an event agree with the data that stands beside it? */
#include "measure/event.h"

#include "base/cleanup.h"
#include "measure/bank.h"

/* Which bytes of an event are measured, by the profile's table of events. */
enum measured {
        MEASURED_ELSEWHERE, /* the data only describes what was measured */
        MEASURED_DATA,
        MEASURED_VARIABLE, /* the variable's content alone, or all of the data */
};

static enum measured measured(uint32_t type)
{
        switch (type) {
        case INGOT_EV_EFI_ACTION:
        case INGOT_EV_ACTION:
        case INGOT_EV_SEPARATOR:
        case INGOT_EV_S_CRTM_VERSION:
        case INGOT_EV_EFI_GPT_EVENT:
        case INGOT_EV_EFI_VARIABLE_DRIVER_CONFIG:
        case INGOT_EV_EFI_VARIABLE_BOOT2:
        case INGOT_EV_EFI_VARIABLE_AUTHORITY:
                return MEASURED_DATA;
        case INGOT_EV_EFI_VARIABLE_BOOT:
                return MEASURED_VARIABLE;
        default:
                return MEASURED_ELSEWHERE;
        }
}

static bool digest_is_of(const struct ingot_event_digest *digest, enum ingot_bank bank,
                         struct ingot_span data)
{
        uint8_t want[INGOT_BANK_SIZE_MAX];
        return digest->size == ingot_bank_size(bank) &&
               ingot_bank_digest(bank, data, want, NULL) >= 0 &&
               memcmp(want, digest->data, digest->size) == 0;
}

static bool agrees(const struct ingot_event *e, const struct ingot_event_digest *digest,
                   enum ingot_bank bank)
{
        struct ingot_event_variable v;
        if (digest_is_of(digest, bank, e->data))
                return true;
        return measured(e->type) == MEASURED_VARIABLE &&
               ingot_event_variable_decode(e->data, &v) && digest_is_of(digest, bank, v.data);
}

enum ingot_event_match ingot_event_match(const struct ingot_event *e)
{
        bool checked = false;
        if (measured(e->type) == MEASURED_ELSEWHERE)
                return INGOT_EVENT_UNCHECKED;
        for (size_t i = 0; i < e->digest_count; i++) {
                enum ingot_bank bank;
                if (!ingot_bank_of_algorithm(e->digests[i].algorithm, &bank))
                        continue;
                if (!agrees(e, e->digests + i, bank))
                        return INGOT_EVENT_DIFFERS;
                checked = true;
        }
        return checked ? INGOT_EVENT_MATCHES : INGOT_EVENT_UNCHECKED;
}
