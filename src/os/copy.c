/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copying: copy_file_range(2), which shares extents where it can, over the parts with data. */
#include "os/copy.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#define CHUNK ((size_t) 1 << 20)

static int copy_by_hand(int from, uint64_t from_offset, int to, uint64_t to_offset, uint64_t size,
                        ingot_error *reterr)
{
        _cleanup_free_ uint8_t *buffer = malloc(CHUNK);
        if (!buffer)
                return ingot_fail_nomem(reterr);
        while (size > 0) {
                size_t n = size < CHUNK ? (size_t) size : CHUNK;
                int r = ingot_file_pread(from, from_offset, buffer, n, reterr);
                if (r >= 0)
                        r = ingot_file_pwrite(to, to_offset, buffer, n, reterr);
                if (r < 0)
                        return r;
                from_offset += n;
                to_offset += n;
                size -= n;
        }
        return 0;
}

static int copy_data(int from, uint64_t from_offset, int to, uint64_t to_offset, uint64_t size,
                     ingot_error *reterr)
{
        off_t in = (off_t) from_offset, out = (off_t) to_offset;
        while (size > 0) {
                ssize_t n = copy_file_range(from, &in, to, &out, (size_t) size, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return copy_by_hand(from, (uint64_t) in, to, (uint64_t) out, size, reterr);
                size -= (uint64_t) n;
        }
        return 0;
}

int ingot_copy_sparse(int from, uint64_t from_offset, int to, uint64_t to_offset, uint64_t size,
                      ingot_error *reterr)
{
        uint64_t at = from_offset, end = from_offset + size;
        off_t length = lseek(from, 0, SEEK_END);
        if (length < 0)
                return ingot_fail_errno(reterr, "seek");
        if (end < at || end > (uint64_t) length)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "the source ends at %" PRIu64 ", in the range to copy",
                                  (uint64_t) length);
        while (at < end) {
                off_t data = lseek(from, (off_t) at, SEEK_DATA);
                if (data < 0 && errno == ENXIO)
                        break;
                if (data < 0)
                        data = (off_t) at;
                if ((uint64_t) data >= end)
                        break;
                off_t hole = lseek(from, data, SEEK_HOLE);
                uint64_t stop = hole < 0 || (uint64_t) hole > end ? end : (uint64_t) hole;
                int r = copy_data(from, (uint64_t) data, to,
                                  to_offset + ((uint64_t) data - from_offset),
                                  stop - (uint64_t) data, reterr);
                if (r < 0)
                        return r;
                at = stop;
        }
        off_t have = lseek(to, 0, SEEK_END);
        if (have < 0)
                return ingot_fail_errno(reterr, "seek");
        if ((uint64_t) have < to_offset + size && ftruncate(to, (off_t) (to_offset + size)) < 0)
                return ingot_fail_errno(reterr, "set the size of the copy");
        return 0;
}
