/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small packages made by tests, byte by byte: tars by tar_add(), then deb_bytes(). Failures end the
 * test program: there is nothing to go on with.
 */
#pragma once

#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tar_member {
        const char *path, *target, *content;
        char type; /* '0' file, '1' hard link, '2' link, '3' device, '5' folder, 'L' … */
        unsigned mode, uid, gid, major, minor;
};

static inline void must(int r)
{
        if (r < 0)
                abort();
}

static inline void tar_seal(uint8_t header[512])
{
        unsigned sum = 0;
        memset(header + 148, ' ', 8);
        for (int i = 0; i < 512; i++)
                sum += header[i];
        snprintf((char *) header + 148, 8, "%06o", sum);
}

static inline void tar_add(struct ingot_buffer *tar, const struct tar_member *m)
{
        uint8_t header[512] = {0};
        char *h = (char *) header;
        size_t size = m->content ? strlen(m->content) : 0;
        memcpy(h, m->path, strlen(m->path));
        snprintf(h + 100, 8, "%07o", m->mode);
        snprintf(h + 108, 8, "%07o", m->uid);
        snprintf(h + 116, 8, "%07o", m->gid);
        snprintf(h + 124, 12, "%011o", (unsigned) size & 07777777777);
        snprintf(h + 136, 12, "%011o", 1000000u);
        h[156] = m->type;
        if (m->target)
                memcpy(h + 157, m->target, strlen(m->target));
        memcpy(h + 257,
               "ustar\0"
               "00",
               8);
        snprintf(h + 329, 8, "%07o", m->major);
        snprintf(h + 337, 8, "%07o", m->minor);
        tar_seal(header);
        must(ingot_buffer_append(tar, header, sizeof(header), NULL));
        must(ingot_buffer_append(tar, m->content, size, NULL));
        must(ingot_buffer_align(tar, 512, NULL));
}

static inline void ar_add(struct ingot_buffer *ar, const char *name, const void *data, size_t size)
{
        must(ingot_buffer_printf(ar, NULL, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0,
                                 "100644", size));
        must(ingot_buffer_append(ar, data, size, NULL));
        if (size % 2)
                must(ingot_buffer_append(ar, "\n", 1, NULL));
}

static inline void deb_bytes(struct ingot_buffer *deb, const struct ingot_buffer *control,
                             const struct ingot_buffer *data)
{
        must(ingot_buffer_append(deb, "!<arch>\n", 8, NULL));
        ar_add(deb, "debian-binary", "2.0\n", 4);
        ar_add(deb, "control.tar", control->data, control->size);
        ar_add(deb, "data.tar", data->data, data->size);
}
