/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mapped files. */
#include "os/map.h"
#include "base/cleanup.h"
#include "os/file.h"

#include <sys/mman.h>

int ingot_map_open(struct ingot_map *ret, const char *path, ingot_error *reterr)
{
        _cleanup_file_ struct ingot_file f = INGOT_FILE_NONE;
        int r = ingot_file_open(&f, path, reterr);
        if (r < 0)
                return r;
        *ret = (struct ingot_map){0};
        if (f.size == 0)
                return 0;
        if (f.size > SIZE_MAX / 2)
                return ingot_fail(reterr, INGOT_E_LIMIT, "map %s", path);
        void *p = mmap(NULL, (size_t) f.size, PROT_READ, MAP_PRIVATE, f.fd, 0);
        if (p == MAP_FAILED)
                return ingot_fail_errno(reterr, "map %s", path);
        *ret = (struct ingot_map){.span = INGOT_SPAN(p, f.size), .mapped = p};
        return 0;
}

void ingot_map_close(struct ingot_map *m)
{
        if (m->mapped)
                munmap(m->mapped, m->span.size);
        *m = (struct ingot_map){0};
}
