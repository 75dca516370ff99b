/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cleanup attributes. Every local that owns something has one; the last statements of a function
 * hand the thing out with TAKE_PTR or TAKE_FD.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Defines FN_p(TYPE **): the cleanup function of a pointer that FN frees. FN accepts NULL. */
#define INGOT_DEFINE_CLEANUP(type, fn)                                                             \
        static inline void fn##_p(type **p)                                                        \
        {                                                                                          \
                if (*p)                                                                            \
                        fn(*p);                                                                    \
        }                                                                                          \
        struct ingot_semicolon

static inline void ingot_free_p(void *p)
{
        free(*(void **) p);
}

static inline void ingot_close_p(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

#define _cleanup_free_ _cleanup_(ingot_free_p)
#define _cleanup_close_ _cleanup_(ingot_close_p)

#define TAKE_PTR(p)                                                                                \
        __extension__({                                                                            \
                __typeof__(p) *taken_at_ = &(p);                                                   \
                __typeof__(p) taken_ = *taken_at_;                                                 \
                *taken_at_ = NULL;                                                                 \
                taken_;                                                                            \
        })

static inline int ingot_take_fd(int *fd)
{
        int taken = *fd;
        *fd = -1;
        return taken;
}

#define TAKE_FD(fd) ingot_take_fd(&(fd))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
