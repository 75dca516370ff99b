/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "swtpm.h"
#include "oracle.h"
#include "test.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define TRIES 500 /* of 10 ms */

static bool answers(const char *path)
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        memcpy(a.sun_path, path, strlen(path) + 1);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool ok = fd >= 0 && connect(fd, (struct sockaddr *) &a, sizeof(a)) == 0;
        if (fd >= 0)
                close(fd);
        return ok;
}

static bool run(struct swtpm *s)
{
        char state[160], server[160], control[160];
        snprintf(state, sizeof(state), "dir=%s,mode=0600", s->folder);
        snprintf(server, sizeof(server), "type=unixio,path=%s", s->socket);
        snprintf(control, sizeof(control), "type=unixio,path=%s.ctrl", s->socket);
        const char *const argv[] = {"swtpm",
                                    "socket",
                                    "--tpm2",
                                    "--server",
                                    server,
                                    "--ctrl",
                                    control,
                                    "--tpmstate",
                                    state,
                                    "--flags",
                                    "not-need-init,startup-clear",
                                    NULL};
        struct ingot_program p = {.argv = argv, .own_group = true};
        unlink(s->socket);
        if (ingot_process_start(&p, (int[3]){-1, -1, -1}, &s->process, NULL) < 0)
                return false;
        for (int i = 0; i < TRIES; i++) {
                if (answers(s->socket))
                        return true;
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        return false;
}

bool swtpm_start(struct swtpm *s)
{
        static unsigned next;
        *s = (struct swtpm){.process = INGOT_PROCESS_NONE};
        snprintf(s->folder, sizeof(s->folder), "%.80s/tpm%u", test_folder(), next++);
        snprintf(s->socket, sizeof(s->socket), "%.90s/socket", s->folder);
        snprintf(s->where, sizeof(s->where), "swtpm:path=%s", s->socket);
        return oracle_found("swtpm") && mkdir(s->folder, 0700) == 0 && run(s);
}

bool swtpm_reboot(struct swtpm *s)
{
        ingot_process_stop(&s->process, 2000);
        return run(s);
}

void swtpm_stop(struct swtpm *s)
{
        ingot_process_stop(&s->process, 2000);
}

int swtpm_measure(struct ingot_tpm *t, unsigned pcr, const char *word, ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        ingot_sha256_of(word, strlen(word), digest);
        return ingot_tpm_pcr_extend(t, pcr, 0x000b, INGOT_SPAN(digest, sizeof(digest)), reterr);
}
