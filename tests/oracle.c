/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds and runs other people's programs. */
#include "oracle.h"
#include "test.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool below(const char *root, const char *program)
{
        static const char *const folders[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin",
                                              "/usr/lib/systemd"};
        char path[4096];
        for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
                snprintf(path, sizeof(path), "%s%s/%s", root, folders[i], program);
                if (access(path, X_OK) == 0)
                        return true;
        }
        return false;
}

bool oracle_found_newest(const char *program)
{
        const char *root = getenv("INGOT_ORACLES");
        return root && geteuid() == 0 && below(root, program);
}

bool oracle_found(const char *program)
{
        return below("", program) || oracle_found_newest(program);
}

const char *oracle_file(const char *name, const void *data, size_t size)
{
        const char *path = test_path(name);
        FILE *f = fopen(path, "wb");
        bool ok = f && ftruncate(fileno(f), (off_t) size) == 0;
        for (size_t at = 0; ok && at < size; at += 4096) {
                static const char zeros[4096];
                size_t n = size - at < 4096 ? size - at : 4096;
                if (memcmp((const char *) data + at, zeros, n) != 0)
                        ok = fseeko(f, (off_t) at, SEEK_SET) == 0 &&
                             fwrite((const char *) data + at, n, 1, f) == 1;
        }
        if ((f && fclose(f) != 0) || !ok) {
                perror(path);
                exit(1);
        }
        return path;
}

static char *read_all(FILE *f)
{
        size_t size = 0, room = 4096, n;
        char *text = malloc(room);
        while (text && (n = fread(text + size, 1, room - size - 1, f)) > 0) {
                size += n;
                if (size + 1 == room)
                        text = realloc(text, room *= 2);
        }
        if (text)
                text[size] = 0;
        return text;
}

static int run(char **ret, bool here, const char *command)
{
        char full[12800];
        snprintf(full, sizeof(full), "PATH=$PATH:/usr/sbin:/sbin; export PATH; %s %s",
                 here ? "" : test_source("tools/oracles run"), command);
        fflush(stdout);
        FILE *f = popen(full, "r");
        if (!f)
                return -1;
        char *text = read_all(f);
        int status = pclose(f);
        if (ret)
                *ret = text;
        else
                free(text);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int oracle_run(char **ret, const char *format, ...)
{
        char command[8192], program[64] = "";
        va_list args;
        va_start(args, format);
        vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        sscanf(command, "%63s", program);
        return run(ret, below("", program), command);
}

int oracle_run_newest(char **ret, const char *format, ...)
{
        char command[8192];
        va_list args;
        va_start(args, format);
        vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        return run(ret, false, command);
}
