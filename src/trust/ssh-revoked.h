/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is revoked of SSH: by lists of OpenSSH (format/ssh-krl.h), and by keys one a line, as sshd's
 * RevokedKeys and `ssh-keygen -Y verify -r` take them. A key takes its certificates with it, and an
 * authority all that it issued; a certificate in a list of lines stands for its key. Who revokes
 * says no time: all that was signed is refused (decision 073).
 */
#pragma once

#include "format/sshsig.h"
#include "trust/verdict.h"

/* Is CONTENT one of both? FORMAT: malformed, or a line with principals or options; UNSUPPORTED. */
int ingot_ssh_revocations_check(struct ingot_span content, ingot_error *reterr);

/*
 * 1: the files that revoke name that key (its blob), its certificate (or NULL) or the certificate's
 * authority, and *ret_reason, which the caller frees, says which, and the file; 0: none does. A
 * list that cannot be read is an error, VOA's too: it might have named them.
 */
int ingot_ssh_revoked(const struct ingot_key_files *files, struct ingot_span blob,
                      const struct ingot_ssh_certificate *certificate, char **ret_reason,
                      ingot_error *reterr);
