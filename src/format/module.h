/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a Linux kernel module says of itself: the strings KEY=VALUE of the section .modinfo of its
 * ELF file (Linux, include/linux/moduleparam.h; ELF gABI, chapter 4). 64-bit and 32-bit,
 * little-endian.
 */
#pragma once

#include "base/bytes.h"
#include "base/text.h"

/* The strings in the order of the file. FORMAT: no such ELF file, or its section headers point out
 * of it. A file without the section yields none. */
int ingot_module_info(struct ingot_span file, struct ingot_strings *ret, ingot_error *reterr);

/* The strings of the same form in a modules.builtin.modinfo, or of one section: KEY=VALUE, each with
 * a NUL behind. */
int ingot_module_info_split(struct ingot_span section, struct ingot_strings *ret,
                            ingot_error *reterr);
