/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tree for each rule of UAPI.11: what stands in it, what is looked up, and every verifier, mask
 * and warning that comes of it.
 */
#include "trust/voa.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "trust/voa-name.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SSH_SHA256 "66402c9468c58941dd19ffd650bf2b42f9226f83d3bd06ad515d0e5104a77020"
#define SSH_KEY                                                                                    \
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me\n"
#define CERTIFIED_SHA256 "4e946206f296b9067568d143485bb23be7a93363b1b64b7bb13e665800052157"
/* The one of tests/signatures/data.certified-ed25519.ssh. */
#define CERTIFICATE                                                                                \
        "ssh-ed25519-cert-v01@openssh.com "                                                        \
        "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAII5VDsKpxaE4ENNFzSjkXFk1"             \
        "P4RKUsM+SlQRXINfXlJHAAAAILXa5+gvb4PLTpsjIFK9pqGOZFTytRhzAJIJ9udJeFGcAAAAAAAA"             \
        "AAEAAAABAAAABWEga2V5AAAAIgAAABVjZXJ0aWZpZWRAZXhhbXBsZS5vcmcAAAAFb3RoZXIAAAAA"             \
        "AAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJt"             \
        "aXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAK"             \
        "cGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1"             \
        "MTkAAAAgweuA7s4ql0h0B72wlPbOKZVrdrnW0/XsXA8QSlyZYc8AAABTAAAAC3NzaC1lZDI1NTE5"             \
        "AAAAQNXpIXEacGOLNJmRGnCgZrpcNbvWtGvRu8FXrqNqwPsTW0z1ru6g1R40m/t4O1nhPx51mdeC"             \
        "d4rDFOjVEm/RHg8=\n"
#define SHORT_KEY                                                                                  \
        "untrusted comment: minisign public key 0706050403020100\n"                                \
        "RWQAAQIDBAUGBwABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
#define PEM "-----BEGIN CERTIFICATE-----\n"
#define FINGERPRINT "@FPR@"

enum { ENTRIES_MAX = 8 };

/* PATH holds CONTENT, or is a link when CONTENT starts with "-> ", or a folder without. */
struct entry {
        const char *path, *content;
};

struct fixture {
        const char *rule;
        struct entry entries[ENTRIES_MAX];
        const char *want; /* a line each: "STATE PATH [BY]", "mask PATH", "FAULT PATH" */
        const char *os, *purpose, *context;
        bool user;
};

#define OWN "arch/package/default/minisign/a.pub"
#define SSH "arch/package/default/ssh/" SSH_SHA256 ".pub"
#define PGP "arch/package/default/openpgp/" FINGERPRINT ".openpgp"

static const struct fixture fixtures[] = {
        {"the highest load path overrides",
         {{"/etc/voa/" OWN, SHORT_KEY},
          {"/usr/local/share/voa/" OWN, SHORT_KEY},
          {"/usr/share/voa/" OWN, SHORT_KEY}},
         "used /etc/voa/" OWN "\n"
         "shadowed /usr/local/share/voa/" OWN " /etc/voa/" OWN "\n"
         "shadowed /usr/share/voa/" OWN " /etc/voa/" OWN "\n"},
        {"technologies that merge use all copies",
         {{"/etc/voa/" SSH, SSH_KEY}, {"/run/voa/" SSH, SSH_KEY}, {"/usr/share/voa/" SSH, SSH_KEY}},
         "used /etc/voa/" SSH "\n"
         "used /run/voa/" SSH " copy\n"
         "used /usr/share/voa/" SSH " copy\n"},
        {"certificates of X.509 merge, too",
         {{"/etc/voa/arch/image/default/x509/v-certificate.pem", PEM},
          {"/usr/share/voa/arch/image/default/x509/v-certificate.pem", PEM}},
         "used /etc/voa/arch/image/default/x509/v-certificate.pem\n"
         "used /usr/share/voa/arch/image/default/x509/v-certificate.pem copy\n"},
        {"copies of an OpenPGP certificate merge",
         {{"/etc/voa/" PGP, "@PGP@"}, {"/usr/share/voa/" PGP, "@PGP@"}},
         "used /etc/voa/" PGP "\n"
         "used /usr/share/voa/" PGP " copy\n"},
        {"a mask in /etc masks all copies",
         {{"/etc/voa/" SSH, "-> /dev/null"},
          {"/run/voa/" SSH, SSH_KEY},
          {"/usr/share/voa/" SSH, SSH_KEY}},
         "masked /run/voa/" SSH " /etc/voa/" SSH "\n"
         "masked /usr/share/voa/" SSH " /etc/voa/" SSH "\n"
         "mask /etc/voa/" SSH "\n"},
        {"a mask in /run masks a file in /etc",
         {{"/etc/voa/" OWN, SHORT_KEY}, {"/run/voa/" OWN, "-> /dev/null"}},
         "masked /etc/voa/" OWN " /run/voa/" OWN "\n"
         "mask /run/voa/" OWN "\n"},
        {"a mask may be a relative link, and needs no device",
         {{"/etc/voa/" OWN, "-> ../../../../../../dev/null"}, {"/usr/share/voa/" OWN, SHORT_KEY}},
         "masked /usr/share/voa/" OWN " /etc/voa/" OWN "\n"
         "mask /etc/voa/" OWN "\n"},
        {"a mask of the vendor counts, with a warning",
         {{"/usr/local/share/voa/" OWN, "-> /dev/null"}, {"/usr/share/voa/" OWN, SHORT_KEY}},
         "masked /usr/share/voa/" OWN " /usr/local/share/voa/" OWN "\n"
         "mask /usr/local/share/voa/" OWN "\n"
         "misplaced-mask /usr/local/share/voa/" OWN "\n"},
        {"a mask holds in its own context alone",
         {{"/etc/voa/" OWN, "-> /dev/null"},
          {"/usr/share/voa/arch/package/core/minisign/a.pub", SHORT_KEY}},
         "used /usr/share/voa/arch/package/core/minisign/a.pub\n"
         "mask /etc/voa/" OWN "\n"},
        {"a link to what is masked is masked",
         {{"/etc/voa/" OWN, "-> /dev/null"},
          {"/usr/share/voa/" OWN, SHORT_KEY},
          {"/usr/share/voa/arch/package/core/minisign/a.pub", "-> ../../default/minisign/a.pub"}},
         "masked /usr/share/voa/arch/package/core/minisign/a.pub /etc/voa/" OWN "\n"
         "masked /usr/share/voa/" OWN " /etc/voa/" OWN "\n"
         "mask /etc/voa/" OWN "\n"},
        {"a mask at the end of a chain is one",
         {{"/etc/voa/" OWN, "-> /usr/local/share/voa/" OWN},
          {"/usr/local/share/voa/" OWN, "-> /dev/null"},
          {"/usr/share/voa/" OWN, SHORT_KEY}},
         "masked /usr/share/voa/" OWN " /etc/voa/" OWN "\n"
         "mask /etc/voa/" OWN "\n"
         "mask /usr/local/share/voa/" OWN "\n"
         "misplaced-mask /usr/local/share/voa/" OWN "\n"},
        {"a folder cannot be masked",
         {{"/etc/voa/arch/package", "-> /dev/null"}, {"/usr/share/voa/" OWN, SHORT_KEY}},
         "used /usr/share/voa/" OWN "\n"
         "folder-mask /etc/voa/arch/package\n"},
        {"revocation lists of SSH all count, and masks of them do not",
         {{"/etc/voa/arch/package/default/ssh/a.krl", "x"},
          {"/run/voa/arch/package/default/ssh/a.krl", "-> /dev/null"},
          {"/usr/share/voa/arch/package/default/ssh/a.krl", "y"},
          {"/usr/share/voa/arch/package/default/ssh/.krl", "z"},
          {"/usr/share/voa/arch/trust-anchor-package/default/ssh/b.krl", "-> nowhere/b.krl"},
          {"/usr/share/voa/arch/package/default/minisign/a.krl", "x"}},
         "revokes /etc/voa/arch/package/default/ssh/a.krl 1\n"
         "revokes /usr/share/voa/arch/package/default/ssh/a.krl 1\n"
         "revokes /usr/share/voa/arch/trust-anchor-package/default/ssh/b.krl 0\n"
         "revocations-mask /run/voa/arch/package/default/ssh/a.krl\n"
         "name /usr/share/voa/arch/package/default/minisign/a.krl\n"
         "name /usr/share/voa/arch/package/default/ssh/.krl\n"
         "dangling /usr/share/voa/arch/trust-anchor-package/default/ssh/b.krl\n"},
        {"the administrator's hold for users",
         {{"/etc/voa/arch/package/default/ssh/a.krl", "x"}},
         "revokes /etc/voa/arch/package/default/ssh/a.krl 1\n",
         .user = true},
        {"a certificate of SSH has the name of its key",
         {{"/etc/voa/arch/package/default/ssh/" CERTIFIED_SHA256 ".pub", CERTIFICATE}},
         "used /etc/voa/arch/package/default/ssh/" CERTIFIED_SHA256 ".pub\n"},
        {"and is no trust anchor",
         {{"/etc/voa/arch/trust-anchor-package/default/ssh/" CERTIFIED_SHA256 ".pub", CERTIFICATE}},
         "content /etc/voa/arch/trust-anchor-package/default/ssh/" CERTIFIED_SHA256 ".pub\n"},
        {"links to a lower load path are followed, absolute or relative",
         {{"/etc/voa/" OWN, "-> /usr/share/voa/" OWN},
          {"/etc/voa/" SSH, "-> ../../../../../../usr/share/voa/" SSH},
          {"/usr/share/voa/" OWN, SHORT_KEY},
          {"/usr/share/voa/" SSH, SSH_KEY}},
         "used /etc/voa/" SSH " /usr/share/voa/" SSH "\n"
         "used /usr/share/voa/" SSH " copy\n"
         "used /etc/voa/" OWN " /usr/share/voa/" OWN "\n"
         "shadowed /usr/share/voa/" OWN " /etc/voa/" OWN "\n"},
        {"folders may be links, of each level",
         {{"/usr/share/voa/arch/package/default/minisign/a.pub", SHORT_KEY},
          {"/usr/local/share/voa/arch", "-> /usr/share/voa/arch"},
          {"/etc/voa/arch/package", "-> ../../../usr/local/share/voa/arch/package/"}},
         "used /etc/voa/" OWN " /usr/share/voa/" OWN "\n"
         "shadowed /usr/local/share/voa/" OWN " /etc/voa/" OWN "\n"
         "shadowed /usr/share/voa/" OWN " /etc/voa/" OWN "\n"},
        {"a dangling link is passed over",
         {{"/etc/voa/" OWN, "-> /usr/share/voa/" OWN}},
         "dangling /etc/voa/" OWN "\n"},
        {"a link through what is no folder dangles",
         {{"/etc/voa/" OWN, "-> /usr/share/voa/arch/package/x/minisign/a.pub"},
          {"/usr/share/voa/arch/package/x", SHORT_KEY}},
         "dangling /etc/voa/" OWN "\n"
         "type /usr/share/voa/arch/package/x\n"},
        {"links in a circle are passed over",
         {{"/etc/voa/" OWN, "-> ../../x/minisign/a.pub"},
          {"/etc/voa/arch/package/x/minisign/a.pub", "-> ../../default/minisign/a.pub"}},
         "loop /etc/voa/" OWN "\n"
         "loop /etc/voa/arch/package/x/minisign/a.pub\n"},
        {"a renamed link is passed over, and the next copy taken",
         {{"/etc/voa/" OWN, "-> /usr/share/voa/arch/package/default/minisign/b.pub"},
          {"/usr/share/voa/" OWN, SHORT_KEY},
          {"/usr/share/voa/arch/package/default/minisign/b.pub", SHORT_KEY}},
         "used /usr/share/voa/" OWN "\n"
         "used /usr/share/voa/arch/package/default/minisign/b.pub\n"
         "renamed /etc/voa/" OWN "\n"},
        {"a chain with one wrong name is passed over",
         {{"/etc/voa/" OWN, "-> /usr/local/share/voa/" OWN},
          {"/usr/local/share/voa/" OWN, "-> b.pub"},
          {"/usr/local/share/voa/arch/package/default/minisign/b.pub", SHORT_KEY}},
         "used /usr/local/share/voa/arch/package/default/minisign/b.pub\n"
         "renamed /etc/voa/" OWN "\n"
         "renamed /usr/local/share/voa/" OWN "\n"},
        {"a folder's link needs its name, too",
         {{"/usr/share/voa/debian", "-> arch"}, {"/usr/share/voa/" OWN, SHORT_KEY}},
         "used /usr/share/voa/" OWN "\n"
         "renamed /usr/share/voa/debian\n"},
        {"an upward link is passed over",
         {{"/etc/voa/" OWN, SHORT_KEY}, {"/usr/share/voa/" OWN, "-> /etc/voa/" OWN}},
         "used /etc/voa/" OWN "\n"
         "upward /usr/share/voa/" OWN "\n"},
        {"a link whose target's folder leads up is passed over",
         {{"/usr/local/share/voa/" OWN, "-> /usr/share/voa/" OWN},
          {"/usr/share/voa/arch", "-> /etc/voa/arch"},
          {"/etc/voa/" OWN, SHORT_KEY}},
         "used /etc/voa/" OWN "\n"
         "upward /usr/local/share/voa/" OWN "\n"
         "upward /usr/share/voa/arch\n"},
        {"a link out of the load paths is passed over",
         {{"/etc/voa/" OWN, "-> /opt/a.pub"}, {"/opt/a.pub", SHORT_KEY}},
         "outside /etc/voa/" OWN "\n"},
        {"a link that comes back from outside is passed over",
         {{"/etc/voa/" OWN, "-> /opt/a.pub"},
          {"/opt/a.pub", "-> /usr/share/voa/" OWN},
          {"/usr/share/voa/" OWN, SHORT_KEY}},
         "used /usr/share/voa/" OWN "\n"
         "outside /etc/voa/" OWN "\n"},
        {"a folder outside that is a link back is passed over",
         {{"/etc/voa/" OWN, "-> /opt/default/minisign/a.pub"},
          {"/opt/default", "-> /usr/share/voa/arch/package/default"},
          {"/usr/share/voa/" OWN, SHORT_KEY}},
         "used /usr/share/voa/" OWN "\n"
         "outside /etc/voa/" OWN "\n"},
        {"a link into /run is passed over",
         {{"/etc/voa/" OWN, "-> /run/voa/" OWN}, {"/run/voa/" OWN, SHORT_KEY}},
         "used /run/voa/" OWN "\n"
         "ephemeral /etc/voa/" OWN "\n"},
        {"a link in /run that is no mask is passed over",
         {{"/run/voa/" OWN, "-> /usr/share/voa/" OWN}, {"/usr/share/voa/" OWN, SHORT_KEY}},
         "used /usr/share/voa/" OWN "\n"
         "ephemeral-link /run/voa/" OWN "\n"},
        {"a folder where a file belongs is passed over, linked or not",
         {{"/etc/voa/" OWN, NULL},
          {"/usr/local/share/voa/" OWN, "-> /usr/share/voa/arch/a.pub"},
          {"/usr/share/voa/arch/a.pub/x", SHORT_KEY}},
         "type /etc/voa/" OWN "\n"
         "type /usr/local/share/voa/" OWN "\n"
         "type /usr/share/voa/arch/a.pub/x\n"},
        {"a file where a folder belongs is passed over",
         {{"/etc/voa/arch/package", SHORT_KEY}, {"/usr/share/voa/" OWN, SHORT_KEY}},
         "used /usr/share/voa/" OWN "\n"
         "type /etc/voa/arch/package\n"},
        {"/usr/local may itself be a link",
         {{"/usr/local", "-> ../var/usrlocal"},
          {"/etc/voa/" OWN, "-> /usr/local/share/voa/" OWN},
          {"/var/usrlocal/share/voa/" OWN, SHORT_KEY}},
         "used /etc/voa/" OWN " /var/usrlocal/share/voa/" OWN "\n"
         "shadowed /usr/local/share/voa/" OWN " /etc/voa/" OWN "\n"},
        {"an OS of six parts is passed over",
         {{"/etc/voa/a:b:c:d:e:f/package/default/minisign/a.pub", SHORT_KEY}},
         "name /etc/voa/a:b:c:d:e:f\n"},
        {"an OS of five parts, some empty, is one",
         {{"/etc/voa/a:::d:e/package/default/minisign/a.pub", SHORT_KEY}},
         "used /etc/voa/a:::d:e/package/default/minisign/a.pub\n"},
        {"colons at the end of an OS are an error, which who asks for it hears of",
         {{"/etc/voa/arch::/package/default/minisign/a.pub", SHORT_KEY}},
         "name /etc/voa/arch::\n",
         .os = "arch"},
        {"no OS implies another",
         {{"/etc/voa/" OWN, SHORT_KEY},
          {"/etc/voa/arch:1/package/default/minisign/a.pub", SHORT_KEY}},
         "used /etc/voa/arch:1/package/default/minisign/a.pub\n",
         .os = "arch:1"},
        {"a role never starts with trust-anchor-",
         {{"/etc/voa/arch/trust-anchor-trust-anchor-x/default/x509/a-certificate.pem", PEM},
          {"/etc/voa/arch/trust-anchor-/default/x509/a-certificate.pem", PEM},
          {"/etc/voa/arch/Image/default/x509/a-certificate.pem", PEM}},
         "name /etc/voa/arch/Image\n"
         "name /etc/voa/arch/trust-anchor-\n"
         "name /etc/voa/arch/trust-anchor-trust-anchor-x\n"},
        {"trust anchors stand beside what they vouch for",
         {{"/etc/voa/arch/trust-anchor-image/default/x509/a-certificate.pem", PEM},
          {"/etc/voa/arch/image/default/x509/a-certificate.pem", PEM},
          {"/etc/voa/arch/package/default/x509/a-certificate.pem", PEM}},
         "used /etc/voa/arch/image/default/x509/a-certificate.pem\n"
         "used /etc/voa/arch/trust-anchor-image/default/x509/a-certificate.pem anchor\n",
         .purpose = "image"},
        {"minisign and signify have no anchors",
         {{"/etc/voa/arch/trust-anchor-image/default/minisign/a.pub", SHORT_KEY},
          {"/etc/voa/arch/trust-anchor-image/default/signify/a.pub", SHORT_KEY}},
         "anchor /etc/voa/arch/trust-anchor-image/default/minisign\n"
         "anchor /etc/voa/arch/trust-anchor-image/default/signify\n"},
        {"and none by a link",
         {{"/usr/share/voa/arch/trust-anchor-image/default/minisign/a.pub", SHORT_KEY},
          {"/etc/voa/" OWN, "-> /usr/share/voa/arch/trust-anchor-image/default/minisign/a.pub"}},
         "anchor /etc/voa/" OWN "\n"
         "anchor /usr/share/voa/arch/trust-anchor-image/default/minisign\n"},
        {"a technology that is not known is named",
         {{"/etc/voa/arch/package/default/openpgp:2/a", SSH_KEY}},
         "name /etc/voa/arch/package/default/openpgp:2\n"},
        {"names that are no verifier's are named",
         {{"/etc/voa/arch/package/default/ssh/me.pub", SSH_KEY},
          {"/etc/voa/arch/package/default/openpgp/README", "x"},
          {"/etc/voa/arch/package/default/x509/a.pem", PEM},
          {"/etc/voa/arch/package/default/signify/.pub", SHORT_KEY}},
         "name /etc/voa/arch/package/default/openpgp/README\n"
         "name /etc/voa/arch/package/default/signify/.pub\n"
         "name /etc/voa/arch/package/default/ssh/me.pub\n"
         "name /etc/voa/arch/package/default/x509/a.pem\n"},
        {"an SSH key has the name of its fingerprint",
         {{"/etc/voa/arch/package/default/ssh/"
           "00402c9468c58941dd19ffd650bf2b42f9226f83d3bd06ad515d0e5104a77020.pub",
           SSH_KEY}},
         "fingerprint /etc/voa/arch/package/default/ssh/"
         "00402c9468c58941dd19ffd650bf2b42f9226f83d3bd06ad515d0e5104a77020.pub\n"},
        {"an OpenPGP certificate has the name of its fingerprint",
         {{"/etc/voa/arch/package/default/openpgp/"
           "0123456789abcdef0123456789abcdef01234567.openpgp",
           "@PGP@"}},
         "fingerprint /etc/voa/arch/package/default/openpgp/"
         "0123456789abcdef0123456789abcdef01234567.openpgp\n"},
        {"content of another technology is passed over",
         {{"/etc/voa/" OWN, SSH_KEY},
          {"/etc/voa/" SSH, SSH_KEY SSH_KEY},
          {"/etc/voa/" PGP, "nothing"}},
         "content /etc/voa/" OWN "\n"
         "content /etc/voa/" PGP "\n"
         "content /etc/voa/" SSH "\n"},
        {"a certificate is not named as a public key",
         {{"/etc/voa/arch/image/default/x509/a-public-key.pem", PEM}},
         "content /etc/voa/arch/image/default/x509/a-public-key.pem\n"},
        {"of several contexts one is asked for",
         {{"/etc/voa/" OWN, SHORT_KEY}, {"/etc/voa/arch/package/core/minisign/a.pub", SHORT_KEY}},
         "used /etc/voa/arch/package/core/minisign/a.pub\n",
         .context = "core"},
        {"a user's lookup sees the administrator's masks",
         {{"/etc/voa/" OWN, "-> /dev/null"},
          {"/run/voa/" SSH, "-> /dev/null"},
          {"/home/u/.config/voa/" OWN, SHORT_KEY},
          {"/usr/share/voa/" SSH, SSH_KEY}},
         "masked /usr/share/voa/" SSH " /run/voa/" SSH "\n"
         "masked /home/u/.config/voa/" OWN " /etc/voa/" OWN "\n"
         "mask /etc/voa/" OWN "\n"
         "mask /run/voa/" SSH "\n",
         .user = true},
        {"but does not trust what the administrator has",
         {{"/etc/voa/" OWN, SHORT_KEY}, {"/etc/voa/" SSH, SSH_KEY}},
         "",
         .user = true},
        {"except as a copy of the user's own, which may be revoked in it",
         {{"/etc/voa/" SSH, SSH_KEY},
          {"/home/u/.local/share/voa/" SSH, SSH_KEY},
          {"/etc/voa/" OWN, SHORT_KEY},
          {"/home/u/.local/share/voa/" OWN, SHORT_KEY}},
         "used /etc/voa/" SSH " copy\n"
         "used /home/u/.local/share/voa/" SSH "\n"
         "used /home/u/.local/share/voa/" OWN "\n",
         .user = true},
        {"and only where the name says that both are of one key",
         {{"/etc/voa/arch/image/default/x509/v-certificate.pem", PEM},
          {"/home/u/.config/voa/arch/image/default/x509/v-certificate.pem", PEM}},
         "used /home/u/.config/voa/arch/image/default/x509/v-certificate.pem\n",
         .user = true},
        {"a user's load paths have their order",
         {{"/home/u/.config/voa/" OWN, SHORT_KEY},
          {"/etc/xdg/voa/" OWN, SHORT_KEY},
          {"/run/user/1000/voa/" OWN, SHORT_KEY},
          {"/home/u/.local/share/voa/" OWN, SHORT_KEY},
          {"/usr/local/share/voa/" OWN, SHORT_KEY},
          {"/usr/share/voa/" OWN, SHORT_KEY}},
         "used /home/u/.config/voa/" OWN "\n"
         "shadowed /etc/xdg/voa/" OWN " /home/u/.config/voa/" OWN "\n"
         "shadowed /run/user/1000/voa/" OWN " /home/u/.config/voa/" OWN "\n"
         "shadowed /home/u/.local/share/voa/" OWN " /home/u/.config/voa/" OWN "\n"
         "shadowed /usr/local/share/voa/" OWN " /home/u/.config/voa/" OWN "\n"
         "shadowed /usr/share/voa/" OWN " /home/u/.config/voa/" OWN "\n",
         .user = true},
        {"a user's links lead down, and not into the runtime folder",
         {{"/home/u/.config/voa/" OWN, "-> /usr/share/voa/" OWN},
          {"/home/u/.local/share/voa/" OWN, "-> /run/user/1000/voa/" OWN},
          {"/run/user/1000/voa/" OWN, SHORT_KEY},
          {"/usr/share/voa/" OWN, SHORT_KEY}},
         "used /home/u/.config/voa/" OWN " /usr/share/voa/" OWN "\n"
         "shadowed /run/user/1000/voa/" OWN " /home/u/.config/voa/" OWN "\n"
         "shadowed /usr/share/voa/" OWN " /home/u/.config/voa/" OWN "\n"
         "ephemeral /home/u/.local/share/voa/" OWN "\n",
         .user = true},
};

static const char fingerprint[] = "7f39e8c609012ffd8b1e94d86d1718c26bbdab6a";
static char *certificate;

/* TEXT with the test's certificate and its fingerprint in it. */
static char *filled(const char *text)
{
        char *out = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&out, &size);
        for (const char *p = text; *p; p++) {
                if (ingot_starts_with(p, "@PGP@"))
                        fputs(certificate, f);
                else if (ingot_starts_with(p, FINGERPRINT))
                        fputs(fingerprint, f);
                else {
                        putc(*p, f);
                        continue;
                }
                p += strlen("@PGP@") - 1;
        }
        fclose(f);
        return out;
}

static int make_entry(const char *root, const struct entry *e, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *folder = NULL, *below = filled(e->path);
        _cleanup_free_ char *content = e->content ? filled(e->content) : NULL;
        int r = ingot_format(&path, reterr, "%s%s", root, below);
        if (r >= 0)
                r = ingot_strdup(&folder, path, reterr);
        if (r < 0)
                return r;
        *strrchr(folder, '/') = 0;
        r = ingot_make_directories(content ? folder : path, 0755, reterr);
        if (r < 0 || !content)
                return r;
        if (ingot_starts_with(content, "-> "))
                return symlink(content + 3, path) < 0 ? ingot_fail_errno(reterr, "link %s", path)
                                                      : 0;
        return ingot_outfile_put(path, content, strlen(content), 0644, reterr);
}

static void describe_verifier(FILE *f, const struct ingot_voa_verifier *v)
{
        fprintf(f, "%s %s", ingot_voa_state_name(v->state), v->path);
        if (v->by)
                fprintf(f, " %s", v->by);
        else if (v->links.count > 0)
                fprintf(f, " %s", v->target);
        fprintf(f, "%s%s\n", v->copy ? " copy" : "", v->anchor ? " anchor" : "");
}

static char *describe(const struct ingot_voa_result *r)
{
        char *out = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&out, &size);
        for (size_t i = 0; i < r->verifier_count; i++)
                describe_verifier(f, r->verifiers + i);
        for (size_t i = 0; i < r->revocations_count; i++)
                fprintf(f, "revokes %s %zu\n", r->revocations[i].path,
                        r->revocations[i].content.size);
        for (size_t i = 0; i < r->mask_count; i++)
                fprintf(f, "mask %s\n", r->masks[i].path);
        for (size_t i = 0; i < r->warning_count; i++)
                fprintf(f, "%s %s\n", ingot_voa_fault_name(r->warnings[i].fault),
                        r->warnings[i].path);
        fclose(f);
        return out;
}

static int find(const struct fixture *x, const char *root, struct ingot_voa_result *ret,
                ingot_error *reterr)
{
        static const struct ingot_voa_user user = {.home = "/home/u",
                                                   .runtime_dir = "/run/user/1000"};
        _cleanup_voa_paths_ struct ingot_voa_paths paths = {0};
        int r = x->user ? ingot_voa_paths_user(&paths, &user, reterr)
                        : ingot_voa_paths_system(&paths, reterr);
        if (r < 0)
                return r;
        const struct ingot_voa_lookup lookup = {.root = root,
                                                .paths = &paths,
                                                .os = &x->os,
                                                .os_count = x->os != NULL,
                                                .purpose = x->purpose,
                                                .anchors = true,
                                                .context = x->context,
                                                .technology = -1};
        return ingot_voa_find(&lookup, ret, reterr);
}

static int load_certificate(ingot_error *reterr)
{
        uint8_t *data = NULL;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, test_source("tests/keys/verifier.openpgp"), 1 << 16,
                                &data, &size, reterr);
        certificate = (char *) data;
        return r;
}

static void run_fixture(const struct fixture *x, size_t number)
{
        ingot_error error = {0};
        _cleanup_free_ char *root = NULL, *want = NULL, *got = NULL;
        _cleanup_voa_ struct ingot_voa_result result = {0};
        CHECK_OK(ingot_format(&root, &error, "%s/%zu", test_folder(), number));
        CHECK_OK(ingot_make_directories(root, 0755, &error));
        for (size_t i = 0; i < ENTRIES_MAX && x->entries[i].path; i++)
                CHECK_OK(make_entry(root, x->entries + i, &error));
        CHECK_OK(find(x, root, &result, &error));
        want = filled(x->want);
        got = describe(&result);
        if (strcmp(want, got) != 0)
                test_report(__FILE__, __LINE__, "%s:\n%sinstead of\n%s", x->rule, got, want);
        for (size_t i = 0; i < result.warning_count; i++)
                CHECK(result.warnings[i].reason[0]);
        ingot_remove_tree(AT_FDCWD, root, NULL);
}

TEST(every_rule_of_the_hierarchy_has_its_tree)
{
        ingot_error error = {0};
        CHECK_OK(load_certificate(&error));
        for (size_t i = 0; i < ARRAY_SIZE(fixtures); i++) {
#if !HAVE_PACKAGES
                if (strstr(fixtures[i].want, FINGERPRINT) || strstr(fixtures[i].rule, "OpenPGP"))
                        continue;
#endif
                run_fixture(fixtures + i, i);
        }
        free(TAKE_PTR(certificate));
}
