/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of the static program, as the assembler took them in (init-bytes.S.in). */
#include "image/init-program.h"

extern const uint8_t ingot_init_start[], ingot_init_end[];

struct ingot_span ingot_init_program(void)
{
        return (struct ingot_span){.data = ingot_init_start,
                                   .size = (size_t) (ingot_init_end - ingot_init_start)};
}
