/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The EFI programs that a machine can start: those of an ESP, whatever it is given as. */
#pragma once

#include "base/io.h"

/* READER is good during the call; NAME tells the program from others. < 0 ends the walk. */
typedef int (*ingot_efi_program_fn)(void *context, const char *name,
                                    const struct ingot_reader *reader, ingot_error *reterr);

/*
 * Calls FN for each EFI program of WHERE: a program, an image of a disk or of an ESP, or the folder
 * of a mounted ESP, of which files named *.efi count; in the order of the names. NOTFOUND when
 * WHERE is not there; FORMAT when a file holds no program.
 */
int ingot_efi_programs(const char *where, ingot_efi_program_fn fn, void *context,
                       ingot_error *reterr);
