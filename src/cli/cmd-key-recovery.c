/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot key recovery: a key for a person, who keeps it on paper. */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/recovery-key.h"
#include "measure/recovery-key.h"
#include "os/file.h"

#include <string.h>

struct recovery_options {
        const char *output;
};

static const struct option rows[] = {
        STRING('o', "output", "FILE", struct recovery_options, output,
               "Write it there, for its owner alone, and show nothing"),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static int print_json_key(const char *key, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "recovery_key", key, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct recovery_options *o = in->options;
        char key[INGOT_RECOVERY_KEY_LENGTH + 1] = "";
        int r = ingot_recovery_key_new(key, reterr);
        if (r >= 0 && o->output)
                r = ingot_file_put_new(o->output, key, strlen(key), 0600, reterr);
        else if (r >= 0 && in->json)
                r = print_json_key(key, reterr);
        else if (r >= 0)
                recovery_key_print(key, in->log);
        explicit_bzero(key, sizeof(key));
        return r;
}

static const struct example examples[] = {
        {"ingot key recovery", "Show a new recovery key, on a terminal as a QR code, too"},
        {"ingot key recovery --output=recovery.key", "Write it where cryptsetup can read it"},
        {0},
};

const struct command cmd_key_recovery = {
        .name = "key recovery",
        .synopsis = "",
        .summary = "Make a recovery key, for when nothing else unlocks",
        .details = "Makes 256 random bits and shows them as 64 letters, in eight groups of eight, "
                   "which are at the same place on all keyboards; on a terminal as a QR code, too. "
                   "systemd's recovery keys are the same. The key is kept nowhere: unless it goes "
                   "into a FILE, this is the only time that it is seen.\n"
                   "\n"
                   "It opens nothing yet. To let it unlock a volume, add it as one of its "
                   "passphrases: "
                   "'cryptsetup luksAddKey DEVICE FILE'. A file ends without a newline, which "
                   "would be "
                   "part of the passphrase.",
        .rows = rows,
        .examples = examples,
        .options_size = sizeof(struct recovery_options),
        .run = run,
};
