/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The smallest kernel module that has a .modinfo section: for tests. */
#pragma once

#include "base/buffer.h"

/* A 64-bit ELF file with the sections: none, .modinfo of INFO (strings, each with its NUL), names. */
static inline void make_module(struct ingot_buffer *b, const char *info, size_t info_size)
{
        static const char names[] = "\0.modinfo\0.shstrtab";
        uint8_t head[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1}, sections[3 * 64] = {0};
        size_t names_at = sizeof(head) + info_size, sections_at = names_at + sizeof(names);
        ingot_le64_store(head + 40, sections_at);
        ingot_le16_store(head + 58, 64);
        ingot_le16_store(head + 60, 3);
        ingot_le16_store(head + 62, 2);
        ingot_le32_store(sections + 64, 1);
        ingot_le64_store(sections + 64 + 24, sizeof(head));
        ingot_le64_store(sections + 64 + 32, info_size);
        ingot_le32_store(sections + 128, 10);
        ingot_le64_store(sections + 128 + 24, names_at);
        ingot_le64_store(sections + 128 + 32, sizeof(names));
        ingot_buffer_append(b, head, sizeof(head), NULL);
        ingot_buffer_append(b, info, info_size, NULL);
        ingot_buffer_append(b, names, sizeof(names), NULL);
        ingot_buffer_append(b, sections, sizeof(sections), NULL);
}
