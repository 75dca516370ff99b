/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is this machine a confidential guest, which must not believe what its hypervisor tells it: AMD SEV,
 * Intel TDX, or either under Hyper-V? Read from CPUID; where that leaves it open (only a register
 * that user space cannot read tells), the answer is yes.
 *
 * Sources: AMD64 Architecture Programmer's Manual, volume 3, E.4.17 (leaf 0x8000001f); Intel TDX
 * Module Base Architecture Specification, leaf 0x21; Hypervisor Top Level Functional Specification,
 * leaves 0x40000003 and 0x4000000c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ingot_cpuid {
        uint32_t eax, ebx, ecx, edx;
};

bool ingot_confidential(void);
/* The same by what CPUID, sub-leaf 0, says. */
bool ingot_confidential_by(struct ingot_cpuid (*cpuid)(uint32_t leaf));
