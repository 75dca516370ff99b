/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-verity DATA HASH THREADS: writes the hash area of DATA; prints the root hash. */
#include "base/cleanup.h"
#include "base/text.h"
#include "format/verity.h"
#include "os/file.h"

#include <stdio.h>

static int run(char **argv, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        _cleanup_free_ uint8_t *area = NULL;
        struct ingot_verity_builder_options o = {.threads = (unsigned) atoi(argv[3])};
        struct ingot_uuid seed;
        uint8_t root[INGOT_VERITY_DIGEST_SIZE];
        char hex[2 * sizeof(root) + 1];
        size_t size;
        ingot_uuid_parse("00112233-4455-6677-8899-aabbccddeeff", &seed);
        ingot_verity_from_seed(&o.verity, &seed);
        int r = ingot_file_open(&file, argv[1], reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&file);
        r = ingot_verity_build(&reader, &o, &area, &size, root, reterr);
        if (r >= 0)
                r = ingot_outfile_put(argv[2], area, size, 0644, reterr);
        if (r < 0)
                return r;
        ingot_hex(hex, root, sizeof(root));
        puts(hex);
        return 0;
}

int main(int argc, char **argv)
{
        ingot_error error = {0};
        if (argc != 4)
                return 2;
        if (run(argv, &error) >= 0)
                return 0;
        fprintf(stderr, "bench-verity: %s\n", error.text);
        return 1;
}
