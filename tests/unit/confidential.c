/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "os/confidential.h"
#include "test.h"

#define AMD .ebx = 0x68747541, .edx = 0x69746e65, .ecx = 0x444d4163   /* AuthenticAMD */
#define INTEL .ebx = 0x756e6547, .edx = 0x49656e69, .ecx = 0x6c65746e /* GenuineIntel */
#define TDX .ebx = 0x65746e49, .edx = 0x5844546c, .ecx = 0x20202020   /* "IntelTDX    " */
#define HYPERV .ebx = 0x7263694d, .ecx = 0x666f736f, .edx = 0x76482074 /* Microsoft Hv */

struct leaf {
        uint32_t number;
        struct ingot_cpuid value;
};

static const struct leaf *leaves;

static struct ingot_cpuid fake(uint32_t number)
{
        for (const struct leaf *l = leaves; l->number != UINT32_MAX; l++)
                if (l->number == number)
                        return l->value;
        return (struct ingot_cpuid){0};
}

static bool ask(const struct leaf *of)
{
        leaves = of;
        return ingot_confidential_by(fake);
}

#define GUEST {1, {.ecx = UINT32_C(1) << 31}}
#define LAST {UINT32_MAX, {0}}

TEST(guests_whose_memory_is_encrypted_are_confidential)
{
        CHECK(ask((struct leaf[]){GUEST, {0, {AMD}}, {0x80000000, {.eax = 0x8000001f}},
                                  {0x8000001f, {.eax = 2}}, LAST}));
        CHECK(ask((struct leaf[]){GUEST, {0, {INTEL}}, {0x21, {TDX}}, LAST}));
        for (uint32_t type = 2; type <= 3; type++)
                CHECK(ask((struct leaf[]){GUEST, {0, {AMD}}, {0x40000000, {.eax = 0x4000000c, HYPERV}},
                                          {0x40000003, {.ebx = 1 << 22}},
                                          {0x4000000c, {.ebx = 0xf0 | type}}, LAST}));
}

TEST(other_machines_are_not)
{
        CHECK(!ask((struct leaf[]){LAST}));
        CHECK(!ask((struct leaf[]){GUEST, {0, {INTEL}}, LAST}));
        /* the machine that could encrypt its guests */
        CHECK(!ask((struct leaf[]){{0, {AMD}}, {0x80000000, {.eax = 0x8000001f}},
                                   {0x8000001f, {.eax = 2}}, LAST}));
        /* a processor without that leaf answers with another's */
        CHECK(!ask((struct leaf[]){GUEST, {0, {AMD}}, {0x80000000, {.eax = 0x80000008}},
                                   {0x8000001f, {.eax = 2}}, LAST}));
        /* Hyper-V: isolation by software only; the partition that manages the others */
        CHECK(!ask((struct leaf[]){GUEST, {0, {AMD}}, {0x40000000, {.eax = 0x4000000c, HYPERV}},
                                   {0x40000003, {.ebx = 1 << 22}}, {0x4000000c, {.ebx = 1}}, LAST}));
        CHECK(!ask((struct leaf[]){GUEST, {0, {AMD}}, {0x40000000, {.eax = 0x4000000c, HYPERV}},
                                   {0x40000003, {.ebx = 1 << 22 | 1 << 12}},
                                   {0x4000000c, {.ebx = 2}}, LAST}));
        CHECK(!ask((struct leaf[]){GUEST, {0, {INTEL}}, {0x40000000, {.eax = 0x40000006, HYPERV}},
                                   {0x40000003, {.ebx = 1 << 22}}, {0x4000000c, {.ebx = 3}}, LAST}));
}
