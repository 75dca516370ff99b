/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Temporary folders. */
#include "os/temporary.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>

int ingot_temporary_create(struct ingot_temporary *ret, const char *name, ingot_error *reterr)
{
        const char *top = getenv("TMPDIR");
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "%s/%s-XXXXXX", top && *top == '/' ? top : "/var/tmp",
                             name);
        if (r < 0)
                return r;
        if (!mkdtemp(path))
                return ingot_fail_errno(reterr, "make the folder %s", path);
        ret->path = TAKE_PTR(path);
        return 0;
}

void ingot_temporary_remove(struct ingot_temporary *t)
{
        if (!t->path)
                return;
        (void) ingot_remove_tree(AT_FDCWD, t->path, NULL);
        free(t->path);
        t->path = NULL;
}
