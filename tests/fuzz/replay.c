/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replays a corpus through a fuzz target without a fuzzer: `NAME FOLDER…`. Each file is run as it
 * is, then cut at several places, then with single bytes changed at places that a fixed generator
 * picks, so that an ordinary test run goes beyond the corpus. Prints TAP: one line for each folder.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *read_file(const char *path, size_t *size)
{
        FILE *f = fopen(path, "rb");
        if (!f)
                return NULL;
        fseek(f, 0, SEEK_END);
        *size = (size_t) ftell(f);
        rewind(f);
        uint8_t *data = malloc(*size + 1);
        if (data && fread(data, 1, *size, f) != *size) {
                free(data);
                data = NULL;
        }
        fclose(f);
        return data;
}

static void run_exact(const uint8_t *data, size_t size)
{
        /* A copy of just that size, so that a sanitizer sees the first byte behind it. */
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, data, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
}

static void run_changed(uint8_t *data, size_t size)
{
        uint64_t state = size * 2654435761u + 1;
        run_exact(data, size);
        for (int i = 0; i < 8 && size > 0; i++)
                run_exact(data, size * (size_t) i / 8);
        for (int i = 0; i < 64 && size > 0; i++) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                size_t at = (size_t) (state >> 33) % (i % 2 && size > 512 ? 512 : size);
                uint8_t before = data[at];
                data[at] = (uint8_t) (i % 3 == 0 ? 0xff : i % 3 == 1 ? 0 : before ^ 1 << i % 8);
                run_exact(data, size);
                data[at] = before;
        }
}

int main(int argc, char **argv)
{
        printf("1..%d\n", argc - 1);
        int status = 0;
        for (int i = 1; i < argc; i++) {
                struct dirent **names = NULL;
                int n = scandir(argv[i], &names, NULL, alphasort), files = 0;
                for (int k = 0; k < n; k++) {
                        char path[4096];
                        size_t size = 0;
                        snprintf(path, sizeof(path), "%s/%s", argv[i], names[k]->d_name);
                        uint8_t *data = names[k]->d_name[0] == '.' ? NULL : read_file(path, &size);
                        if (data) {
                                run_changed(data, size);
                                files++;
                        }
                        free(data);
                        free(names[k]);
                }
                free(names);
                status |= files == 0;
                printf("%sok %d - %s: %d files\n", files ? "" : "not ", i, argv[i], files);
        }
        return status;
}
