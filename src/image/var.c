/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The empty /var: ext4 made by mke2fs, with all that is random or of this host given. The features
 * are named one by one, so that the host's mke2fs.conf decides nothing.
 */
#include "base/cleanup.h"
#include "image/build-state.h"
#include "os/copy.h"
#include "os/process.h"

#include <fcntl.h>
#include <inttypes.h>

#define FEATURES                                                                                   \
        "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,"          \
        "sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum"

static int run_mke2fs(const char *path, const struct ingot_uuid *seed, uint64_t size,
                      int64_t timestamp, ingot_error *reterr)
{
        char uuid[INGOT_UUID_TEXT_SIZE], hash[INGOT_UUID_TEXT_SIZE];
        struct ingot_uuid u = ingot_uuid_derive(seed, "var-file-system", 15);
        struct ingot_uuid h = ingot_uuid_derive(seed, "var-hash-seed", 13);
        _cleanup_free_ char *extended = NULL, *blocks = NULL, *fake = NULL, *epoch = NULL;
        ingot_uuid_format(&u, uuid);
        ingot_uuid_format(&h, hash);
        int r = ingot_format(&extended, reterr,
                             "hash_seed=%s,lazy_itable_init=0,lazy_journal_init=0,nodiscard,"
                             "root_owner=0:0",
                             hash);
        if (r >= 0)
                r = ingot_format(&blocks, reterr, "%" PRIu64, size / 4096);
        if (r >= 0)
                r = ingot_format(&fake, reterr, "E2FSPROGS_FAKE_TIME=%" PRId64, timestamp);
        if (r >= 0)
                r = ingot_format(&epoch, reterr, "SOURCE_DATE_EPOCH=%" PRId64, timestamp);
        if (r < 0)
                return r;
        const char *const argv[] = {"mke2fs", "-q",     "-F",     "-t",  "ext4",   "-b",    "4096",
                                    "-I",     "256",    "-i",     "16384", "-m",   "1",     "-J",
                                    size >= 64 << 20 ? "size=16" : "size=4",
                                    "-O",     FEATURES, "-U",     uuid,  "-E",     extended, path,
                                    blocks,   NULL};
        const char *const environment[] = {fake, epoch, "MKE2FS_CONFIG=/dev/null", NULL};
        const struct ingot_program program = {.argv = argv,
                                              .package = "e2fsprogs",
                                              .environment = environment,
                                              .timeout_msec = 300000};
        return ingot_process_run(&program, NULL, reterr);
}

int ingot_var_write(const struct ingot_uuid *seed, uint64_t size, int64_t timestamp,
                    const char *work, struct ingot_outfile *disk, uint64_t offset,
                    ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "%s/var.ext4", work);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return ingot_fail_errno(reterr, "create %s", path);
        if (ftruncate(fd, (off_t) size) < 0)
                return ingot_fail_errno(reterr, "set the size of %s", path);
        r = run_mke2fs(path, seed, size, timestamp, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "/var");
        return ingot_copy_sparse(fd, 0, disk->fd, offset, size, reterr);
}
