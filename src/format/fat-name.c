/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Short names as the specification generates them ("The Basis-Name Generation Algorithm", "The
 * Numeric-Tail Generation Algorithm"), but with a tail only where the basis is lossy, so that
 * "bootx64.efi" is BOOTX64.EFI. Case is folded by a fixed table of the European scripts.
 */
#include "format/fat-name.h"
#include "base/cleanup.h"
#include "base/utf16.h"

#include <stdio.h>
#include <string.h>

/* Upper case of a unit: Latin, Greek, Cyrillic. Alphabets whose letters come in pairs, the capital
 * on even numbers, or (two stretches) on odd ones. */
static uint16_t fold(uint16_t c)
{
        bool latin1 = c >= 0xe0 && c <= 0xfe && c != 0xf7;
        bool greek = c >= 0x3b1 && c <= 0x3cb && c != 0x3c2;
        if ((c >= 'a' && c <= 'z') || latin1 || greek || (c >= 0x430 && c <= 0x44f))
                return (uint16_t) (c - 32);
        if (c >= 0x450 && c <= 0x45f)
                return (uint16_t) (c - 80);
        if (c == 0xff)
                return 0x178;
        bool odd_capital = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
        bool even_capital = (c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) ||
                            (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481) ||
                            (c >= 0x48a && c <= 0x4bf) || (c >= 0x4d0 && c <= 0x52f);
        if (odd_capital)
                return (uint16_t) (c - (c % 2 == 0));
        if (even_capital)
                return (uint16_t) (c & ~1u);
        return c;
}

static bool short_char(uint16_t c)
{
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c < 0x80 && c > 0 && strchr("$%'-_@~`!(){}^#&", c));
}

/* Units [from, to) into a field of SIZE bytes; how many were used. */
static size_t put_field(struct ingot_fat_name *name, size_t from, size_t to, uint8_t *field,
                        size_t size)
{
        size_t n = 0;
        for (size_t i = from; i < to; i++) {
                uint16_t c = name->units[i], upper = c < 0x80 ? fold(c) : '_';
                if (c == ' ' || c == '.' || (c & 0xfc00) == 0xdc00) {
                        name->lossy = true;
                        continue;
                }
                name->lossy |= c >= 0x80 || !short_char(upper) || n == size;
                name->only_short &= c == upper;
                if (n < size)
                        field[n++] = short_char(upper) ? (uint8_t) upper : '_';
        }
        return n;
}

static void make_basis(struct ingot_fat_name *name)
{
        size_t start = 0, dot = name->unit_count;
        while (start < name->unit_count && name->units[start] == '.')
                start++;
        for (size_t i = start + 1; i < name->unit_count; i++)
                if (name->units[i] == '.')
                        dot = i;
        name->lossy = start > 0;
        name->only_short = true;
        memset(name->short_name, ' ', sizeof(name->short_name));
        if (put_field(name, start, dot, name->short_name, 8) == 0) {
                name->short_name[0] = '_';
                name->lossy = true;
        }
        if (dot < name->unit_count)
                put_field(name, dot + 1, name->unit_count, name->short_name + 8, 3);
        name->only_short &= !name->lossy;
}

int ingot_fat_name_init(struct ingot_fat_name *ret, const char *text, ingot_error *reterr)
{
        uint16_t units[INGOT_FAT_UNITS_MAX];
        struct ingot_fat_name name = {.text = text};
        if (!ingot_utf16_from_utf8(text, units, INGOT_FAT_UNITS_MAX, &name.unit_count) ||
            name.unit_count == 0)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "FAT cannot hold a name that is no UTF-8 or too long");
        for (size_t i = 0; i < name.unit_count; i++)
                if (units[i] < 0x20 || units[i] == 0x7f ||
                    (units[i] < 0x80 && strchr("\"*/:<>?\\|", units[i])))
                        return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                          "FAT cannot hold a name with the character %#x",
                                          units[i]);
        uint16_t last = units[name.unit_count - 1];
        if (last == '.' || last == ' ' || units[0] == ' ')
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED,
                                  "FAT cannot hold a name that starts or ends with a space, or "
                                  "ends with a dot");
        name.units = malloc(name.unit_count * sizeof(*units));
        if (!name.units)
                return ingot_fail_nomem(reterr);
        memcpy(name.units, units, name.unit_count * sizeof(*units));
        make_basis(&name);
        *ret = name;
        return 0;
}

void ingot_fat_name_done(struct ingot_fat_name *name)
{
        free(name->units);
        name->units = NULL;
}

uint8_t ingot_fat_name_checksum(const uint8_t short_name[11])
{
        uint8_t sum = 0;
        for (size_t i = 0; i < 11; i++)
                sum = (uint8_t) ((uint8_t) (sum << 7 | sum >> 1) + short_name[i]);
        return sum;
}

static int compare_folded(const void *va, const void *vb)
{
        const struct ingot_fat_name *a = *(struct ingot_fat_name *const *) va;
        const struct ingot_fat_name *b = *(struct ingot_fat_name *const *) vb;
        for (size_t i = 0; i < a->unit_count && i < b->unit_count; i++) {
                int d = fold(a->units[i]) - fold(b->units[i]);
                if (d != 0)
                        return d;
        }
        return (a->unit_count > b->unit_count) - (a->unit_count < b->unit_count);
}

static int check_case(struct ingot_fat_name *const *names, size_t count, ingot_error *reterr)
{
        _cleanup_free_ struct ingot_fat_name **sorted = calloc(count + 1, sizeof(*sorted));
        if (!sorted)
                return ingot_fail_nomem(reterr);
        memcpy(sorted, names, count * sizeof(*sorted));
        qsort(sorted, count, sizeof(*sorted), compare_folded);
        for (size_t i = 1; i < count; i++)
                if (compare_folded(sorted + i - 1, sorted + i) == 0)
                        return ingot_fail(reterr, INGOT_E_CONFLICT,
                                          "'%s' and '%s' are the same name on FAT",
                                          sorted[i - 1]->text, sorted[i]->text);
        return 0;
}

/* A set of short names: open addressing, never more than half full. */
struct set {
        const uint8_t **slots;
        size_t mask;
};

/* Enters it; false when it was there. */
static bool claim(struct set *set, const uint8_t *short_name)
{
        uint32_t hash = 2166136261u;
        for (size_t i = 0; i < 11; i++)
                hash = (hash ^ short_name[i]) * 16777619u;
        for (size_t at = hash & set->mask;; at = (at + 1) & set->mask) {
                if (!set->slots[at]) {
                        set->slots[at] = short_name;
                        return true;
                }
                if (memcmp(set->slots[at], short_name, 11) == 0)
                        return false;
        }
}

static int claim_with_tail(struct set *set, struct ingot_fat_name *name, ingot_error *reterr)
{
        uint8_t basis[8];
        size_t length = 8;
        memcpy(basis, name->short_name, 8);
        while (basis[length - 1] == ' ')
                length--;
        for (unsigned n = 1; n < 1000000; n++) {
                char tail[9];
                size_t digits = (size_t) snprintf(tail, sizeof(tail), "~%u", n);
                size_t keep = length < 8 - digits ? length : 8 - digits;
                memset(name->short_name, ' ', 8);
                memcpy(name->short_name, basis, keep);
                memcpy(name->short_name + keep, tail, digits);
                if (claim(set, name->short_name))
                        return 0;
        }
        return ingot_fail(reterr, INGOT_E_LIMIT, "'%s': too many names like it", name->text);
}

int ingot_fat_names_settle(struct ingot_fat_name *const *names, size_t count, ingot_error *reterr)
{
        struct set set = {.mask = 15};
        while (set.mask < 2 * count)
                set.mask = 2 * set.mask + 1;
        _cleanup_free_ const uint8_t **slots = calloc(set.mask + 1, sizeof(*slots));
        if (!slots)
                return ingot_fail_nomem(reterr);
        set.slots = slots;
        int r = check_case(names, count, reterr);
        for (size_t i = 0; i < count && r >= 0; i++)
                if (!names[i]->lossy && !claim(&set, names[i]->short_name))
                        r = ingot_fail(reterr, INGOT_E_CONFLICT,
                                       "'%s' and another are the same name on FAT",
                                       names[i]->text);
        for (size_t i = 0; i < count && r >= 0; i++)
                if (names[i]->lossy)
                        r = claim_with_tail(&set, names[i], reterr);
        return r;
}
