/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two programs get a connected pair of sockets, so there is no path to keep short and no moment
 * to wait for. A new TPM is manufactured by swtpm_setup where it is installed: without it swtpm has
 * all PCR banks active, which slows an emulated firmware down.
 */
#include "vm/tpm.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/event.h"
#include "os/file.h"

#include <sys/stat.h>

static int manufacture(const char *folder, ingot_error *reterr)
{
        const char *const argv[] = {"swtpm_setup", "--tpm2",       "--tpmstate", folder,
                                    "--pcr-banks", "sha256",       "--config",   "/dev/null",
                                    NULL};
        struct ingot_program p = {.argv = argv, .timeout_msec = 60000};
        ingot_error error = {0};
        int r = ingot_process_run(&p, NULL, &error);
        if (r == -INGOT_E_NOTFOUND)
                return 0;
        if (r < 0 && reterr)
                *reterr = error;
        return r;
}

int ingot_tpm_start(const char *folder, struct ingot_process *ret, int *ret_fd,
                    ingot_error *reterr)
{
        struct stat st;
        bool new = stat(folder, &st) < 0;
        int r = ingot_make_directories(folder, 0700, reterr);
        if (r >= 0 && new)
                r = manufacture(folder, reterr);
        int pair[2];
        if (r >= 0)
                r = ingot_socket_pair(pair, reterr);
        if (r < 0)
                return r;
        /* swtpm's end must block as it was made to; QEMU takes either */
        _cleanup_close_ int qemu = pair[0], mine = pair[1];
        _cleanup_free_ char *state = NULL, *control = NULL;
        r = ingot_format(&state, reterr, "dir=%s,mode=0600", folder);
        if (r >= 0)
                r = ingot_format(&control, reterr, "type=unixio,clientfd=%d", mine);
        if (r < 0)
                return r;
        const char *const argv[] = {"swtpm",  "socket", "--tpm2",      "--tpmstate", state,
                                    "--ctrl", control,  "--terminate", NULL};
        struct ingot_program p = {.argv = argv,
                                  .package = "swtpm",
                                  .own_group = true,
                                  .keep = &mine,
                                  .keep_count = 1};
        r = ingot_process_start(&p, (int[3]){-1, -1, -1}, ret, reterr);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(qemu);
        return 0;
}
