/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/lock-recovery.h"
#include "base/cleanup.h"
#include "cli/open-volumes.h"
#include "cli/print.h"
#include "cli/recovery-key.h"
#include "measure/luks-token.h"
#include "os/file.h"
#include "os/terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void lock_recovery_done(struct lock_recovery *k)
{
        ingot_strings_done(&k->volumes);
        explicit_bzero(k->key, sizeof(k->key));
}

/* A volume that was found and cannot be read may have no recovery key; one that was named must be
 * one. */
static int look_at(struct lock_recovery *k, const char *path, bool named, ingot_error *reterr)
{
        _cleanup_luks_tokens_ struct ingot_luks_tokens tokens = {0};
        ingot_error error = {0};
        int r = ingot_luks_tokens_read(path, &tokens, &error);
        if (r < 0 && named) {
                if (reterr)
                        *reterr = error;
                return r;
        }
        if (r >= 0 && ingot_luks_tokens_have_recovery(&tokens))
                return 0;
        return ingot_strings_add(&k->volumes, path, reterr);
}

int lock_recovery_look(struct lock_recovery *k, const struct lock_options *o, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings found = {0};
        const struct ingot_strings *volumes = o->luks.count > 0 ? &o->luks : &found;
        int r = o->luks.count > 0 ? 0 : open_volumes_find(o->root, &found, reterr);
        for (size_t i = 0; r >= 0 && i < volumes->count; i++)
                r = look_at(k, volumes->items[i], volumes == &o->luks, reterr);
        k->due = !ingot_file_exists(o->policy) && (volumes->count == 0 || k->volumes.count > 0);
        return r;
}

/* "/dev/sda2 and /dev/sdb2 have no recovery key"; nothing when no volume is known. */
static void print_lacking(const struct lock_recovery *k)
{
        for (size_t i = 0; i < k->volumes.count; i++) {
                printf("%s", i == 0 ? ": " : i + 1 < k->volumes.count ? ", " : " and ");
                print_text(stdout, k->volumes.items[i]);
        }
        if (k->volumes.count > 0)
                printf(" ha%s none", k->volumes.count == 1 ? "s" : "ve");
}

void lock_recovery_print_due(const struct lock_recovery *k)
{
        if (!k->due)
                return;
        printf("\nIt would be the first policy. A recovery key is offered before it is made");
        print_lacking(k);
        printf("\n");
}

static int ask(const struct lock_recovery *k, bool *ret, ingot_error *reterr)
{
        printf("\nThis is the first policy of this machine. What is locked by it needs a way in "
               "for "
               "when the\nTPM does not unlock: a recovery key, to be kept on paper");
        print_lacking(k);
        printf(".\n");
        fflush(stdout);
        return ingot_terminal_ask_yes("Make a recovery key now? [Y/n] ", ret, reterr);
}

static void show(const struct lock_recovery *k, const struct ingot_log *log)
{
        printf("\nRecovery key, which is not shown again:\n");
        recovery_key_print(k->key, log);
        printf("\nIt opens nothing yet. Add it:\n");
        for (size_t i = 0; i < k->volumes.count; i++) {
                printf("  cryptsetup luksAddKey ");
                print_text(stdout, k->volumes.items[i]);
                printf("\n");
        }
        if (k->volumes.count == 0)
                printf("  cryptsetup luksAddKey DEVICE\n");
        fflush(stdout);
}

static void tell_none(const struct ingot_log *log)
{
        ingot_warn(log, "this is the first policy, no recovery key is known of, and there is no "
                        "terminal to offer one on: --recovery-key=show makes one, "
                        "--recovery-key=none says that another way in is there");
}

int lock_recovery_offer(struct lock_recovery *k, const struct lock_options *o, bool json,
                        const struct ingot_log *log, ingot_error *reterr)
{
        bool wanted = o->recovery == LOCK_RECOVERY_SHOW;
        bool terminal =
                !json && ingot_is_terminal(STDIN_FILENO) && ingot_is_terminal(STDOUT_FILENO);
        int r = 0;
        if (o->recovery < 0 && k->due && terminal)
                r = ask(k, &wanted, reterr);
        else if (o->recovery < 0 && k->due)
                tell_none(log);
        if (r >= 0 && wanted)
                r = ingot_recovery_key_new(k->key, reterr);
        if (r >= 0 && wanted && !json)
                show(k, log);
        return r;
}
