/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is more than one call of librnp. One lock for all threads: stderr is one. */
#include "trust/librnp.h"

#include <pthread.h>

static pthread_mutex_t quiet_lock = PTHREAD_MUTEX_INITIALIZER;

struct quiet quiet_begin(void)
{
        pthread_mutex_lock(&quiet_lock);
        struct quiet q = {.null = fopen("/dev/null", "we"), .real = stderr};
        if (q.null)
                stderr = q.null;
        return q;
}

void quiet_end(struct quiet *q)
{
        stderr = q->real;
        if (q->null)
                fclose(q->null);
        pthread_mutex_unlock(&quiet_lock);
}

rnp_key_handle_t next_primary(rnp_ffi_t ffi, rnp_identifier_iterator_t fingerprints)
{
        const char *name;
        while (rnp_identifier_iterator_next(fingerprints, &name) == RNP_SUCCESS && name) {
                rnp_key_handle_t key = NULL;
                bool primary = false;
                if (rnp_locate_key(ffi, "fingerprint", name, &key) == RNP_SUCCESS && key &&
                    rnp_key_is_primary(key, &primary) == RNP_SUCCESS && primary)
                        return key;
                rnp_key_handle_destroy(key);
        }
        return NULL;
}
