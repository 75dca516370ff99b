/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signature technologies: what a verifier (a public key or certificate) and a signature can be.
 * Their names, and what their verifiers' files end in, are those of UAPI.11 (VOA).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum ingot_technology {
        INGOT_TECHNOLOGY_OPENPGP,  /* RFC 4880, RFC 9580: a certificate */
        INGOT_TECHNOLOGY_SSH,      /* a public key as OpenSSH writes it; signatures are SSHSIG */
        INGOT_TECHNOLOGY_X509,     /* a PEM certificate or public key; signatures are CMS */
        INGOT_TECHNOLOGY_MINISIGN, /* a minisign public key */
        INGOT_TECHNOLOGY_SIGNIFY,  /* OpenBSD's signify, whose keys have minisign's form */
        INGOT_TECHNOLOGY_COUNT
};

/* "openpgp". */
const char *ingot_technology_name(enum ingot_technology t);
bool ingot_technology_parse(const char *name, enum ingot_technology *ret);
/* "OpenPGP": for messages and tables. */
const char *ingot_technology_title(enum ingot_technology t);
/* What the name of a verifier's file ends in, as a text for messages: ".openpgp". */
const char *ingot_technology_suffix(enum ingot_technology t);
/* Does the file's name end so, with something in front? X.509 has two suffixes. */
bool ingot_technology_suffix_matches(enum ingot_technology t, const char *name);
/* Are a verifier's copies in several load paths combined, instead of the first one taken alone? */
bool ingot_technology_merges(enum ingot_technology t);
/* May it have trust anchors? Not where keys are trusted directly and by nothing else. */
bool ingot_technology_anchors(enum ingot_technology t);
