/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/signers.h"

void signers_done(struct signers *s)
{
        ingot_key_files_done(&s->keys);
}

int signers_load(struct signers *s, const struct verify_options *o, const char *root,
                 const struct ingot_log *log, ingot_error *reterr)
{
        struct verify_options given = *o; /* its lists stay the options' */
        if (o->keys.count == 0 && o->os.count == 0) {
                bool useless = o->purpose || o->context || o->threshold || o->anchors;
                return useless ? ingot_fail(reterr, INGOT_E_USAGE,
                                            "name who may sign the manifest with --key=FILE, or "
                                            "let VOA find the keys with --os=OS")
                               : 1;
        }
        if (!given.purpose && given.os.count > 0)
                given.purpose = "image";
        given.root = root;
        return verify_request(&given, log, &s->keys, &s->request, reterr);
}
