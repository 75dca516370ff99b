/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of the static program, taken in by the assembler; meson names the file. */
#include "image/init-program.h"

__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "ingot_init_start:\n"
        ".incbin \"" INGOT_INIT_FILE "\"\n"
        "ingot_init_end:\n"
        ".popsection\n");

extern const uint8_t ingot_init_start[], ingot_init_end[];

struct ingot_span ingot_init_program(void)
{
        return (struct ingot_span){.data = ingot_init_start,
                                   .size = (size_t) (ingot_init_end - ingot_init_start)};
}
