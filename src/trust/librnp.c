/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One lock for all threads: stderr is one. */
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
