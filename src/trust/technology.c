/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of the technologies of UAPI.11. */
#include "trust/technology.h"
#include "base/text.h"

#include <string.h>

static const struct {
        const char *name, *title, *suffix, *other_suffix;
        bool merges, anchors;
} technologies[] = {
        [INGOT_TECHNOLOGY_OPENPGP] = {"openpgp", "OpenPGP", ".openpgp", NULL, true, true},
        [INGOT_TECHNOLOGY_SSH] = {"ssh", "SSH", ".pub", NULL, true, true},
        [INGOT_TECHNOLOGY_X509] = {"x509", "X.509", "-certificate.pem", "-public-key.pem", true,
                                   true},
        [INGOT_TECHNOLOGY_MINISIGN] = {"minisign", "minisign", ".pub", NULL, false, false},
        [INGOT_TECHNOLOGY_SIGNIFY] = {"signify", "signify", ".pub", NULL, false, false},
};

const char *ingot_technology_name(enum ingot_technology t)
{
        return technologies[t].name;
}

const char *ingot_technology_title(enum ingot_technology t)
{
        return technologies[t].title;
}

const char *ingot_technology_suffix(enum ingot_technology t)
{
        return technologies[t].suffix;
}

bool ingot_technology_parse(const char *name, enum ingot_technology *ret)
{
        for (int t = 0; t < INGOT_TECHNOLOGY_COUNT; t++)
                if (strcmp(technologies[t].name, name) == 0) {
                        *ret = (enum ingot_technology) t;
                        return true;
                }
        return false;
}

static bool ends(const char *name, const char *suffix)
{
        return suffix && strlen(name) > strlen(suffix) && ingot_ends_with(name, suffix);
}

bool ingot_technology_suffix_matches(enum ingot_technology t, const char *name)
{
        return ends(name, technologies[t].suffix) || ends(name, technologies[t].other_suffix);
}

bool ingot_technology_merges(enum ingot_technology t)
{
        return technologies[t].merges;
}

bool ingot_technology_anchors(enum ingot_technology t)
{
        return technologies[t].anchors;
}
