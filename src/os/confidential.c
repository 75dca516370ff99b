/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaves of CPUID. */
#include "os/confidential.h"
#include "base/bytes.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define VENDOR 0
#define FEATURES 1
#define HYPERVISOR (UINT32_C(1) << 31) /* ecx of FEATURES */
#define TDX 0x21
#define HYPERV 0x40000000
#define HYPERV_PRIVILEGES 0x40000003 /* ebx: … */
#define HYPERV_CPU_MANAGEMENT (UINT32_C(1) << 12)
#define HYPERV_ISOLATION (UINT32_C(1) << 22)
#define HYPERV_ISOLATION_CONFIGURATION 0x4000000c
#define HYPERV_ISOLATION_SNP 2
#define HYPERV_ISOLATION_TDX 3
#define HIGHEST_EXTENDED 0x80000000
#define ENCRYPTED_MEMORY 0x8000001f
#define SEV (UINT32_C(1) << 1) /* eax of ENCRYPTED_MEMORY */

/* Three registers, in this order, as twelve characters. */
static bool spells(uint32_t a, uint32_t b, uint32_t c, const char *word)
{
        uint8_t bytes[12];
        ingot_le32_store(bytes, a);
        ingot_le32_store(bytes + 4, b);
        ingot_le32_store(bytes + 8, c);
        return memcmp(bytes, word, sizeof(bytes)) == 0;
}

static bool isolated_by_hyperv(struct ingot_cpuid (*cpuid)(uint32_t leaf))
{
        struct ingot_cpuid c = cpuid(HYPERV);
        if (!spells(c.ebx, c.ecx, c.edx, "Microsoft Hv") || c.eax < HYPERV_ISOLATION_CONFIGURATION)
                return false;
        c = cpuid(HYPERV_PRIVILEGES);
        if (!(c.ebx & HYPERV_ISOLATION) || (c.ebx & HYPERV_CPU_MANAGEMENT))
                return false;
        uint32_t type = cpuid(HYPERV_ISOLATION_CONFIGURATION).ebx & 0xf;
        return type == HYPERV_ISOLATION_SNP || type == HYPERV_ISOLATION_TDX;
}

bool ingot_confidential_by(struct ingot_cpuid (*cpuid)(uint32_t leaf))
{
        if (!(cpuid(FEATURES).ecx & HYPERVISOR))
                return false;
        struct ingot_cpuid c = cpuid(VENDOR);
        if (spells(c.ebx, c.edx, c.ecx, "AuthenticAMD") &&
            cpuid(HIGHEST_EXTENDED).eax >= ENCRYPTED_MEMORY &&
            (cpuid(ENCRYPTED_MEMORY).eax & SEV))
                return true;
        c = cpuid(TDX);
        if (spells(c.ebx, c.edx, c.ecx, "IntelTDX    "))
                return true;
        return isolated_by_hyperv(cpuid);
}

#if defined(__x86_64__)
static struct ingot_cpuid read_cpuid(uint32_t leaf)
{
        struct ingot_cpuid c;
        __cpuid_count(leaf, 0, c.eax, c.ebx, c.ecx, c.edx);
        return c;
}

bool ingot_confidential(void)
{
        return ingot_confidential_by(read_cpuid);
}
#else
bool ingot_confidential(void)
{
        return true;
}
#endif
