/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of tests/signatures. */
#include "fixture.h"
#include "os/file.h"

#include <fcntl.h>

void fixture_done(struct fixture *f)
{
        ingot_buffer_done(&f->data);
        ingot_buffer_done(&f->signature);
        ingot_key_files_done(&f->keys);
        ingot_verdict_done(&f->verdict);
}

static const char *path(const char *name)
{
        static char text[512];
        snprintf(text, sizeof(text), "tests/signatures/%s", name);
        return test_source(text);
}

static int load(const char *name, struct ingot_buffer *ret, ingot_error *reterr)
{
        int r = ingot_file_read(AT_FDCWD, path(name), 1 << 20, &ret->data, &ret->size, reterr);
        ret->allocated = ret->size;
        return r;
}

int fixture_key(struct fixture *f, const char *name, ingot_error *reterr)
{
        return ingot_key_files_add(&f->keys, path(name), reterr);
}

int fixture_open(struct fixture *f, const char *data, const char *signature, ingot_error *reterr)
{
        int r = load(data, &f->data, reterr);
        return r < 0 ? r : load(signature, &f->signature, reterr);
}

int fixture_verify(struct fixture *f, ingot_error *reterr)
{
        struct ingot_span span = ingot_buffer_span(&f->data);
        struct ingot_reader reader = ingot_reader_of_span(&span);
        struct ingot_signature_request q = f->request;
        struct ingot_signature_file file = {"signature", ingot_buffer_span(&f->signature)};
        q.keys = &f->keys;
        if (!q.content)
                q.content = &reader;
        ingot_verdict_done(&f->verdict);
        return ingot_signature_verify(&q, &file, 1, &f->verdict, reterr);
}
