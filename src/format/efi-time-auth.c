/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EFI_TIME and EFI_VARIABLE_AUTHENTICATION_2. */
#include "format/efi-time-auth.h"
#include "base/utf16.h"

#define CERTIFICATE_HEADER_SIZE 8 /* WIN_CERTIFICATE */
#define REVISION 0x0200
#define TYPE_EFI_GUID 0x0ef1
#define NAME_MAX_UNITS 1024

/* EFI_CERT_TYPE_PKCS7_GUID 4aafd29d-68df-49ee-8aa9-347d375665a7 */
static const struct ingot_uuid type_pkcs7 = {{0x4a, 0xaf, 0xd2, 0x9d, 0x68, 0xdf, 0x49, 0xee, 0x8a,
                                              0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7}};

struct ingot_efi_time ingot_efi_time_load(const uint8_t p[INGOT_EFI_TIME_SIZE])
{
        return (struct ingot_efi_time){.year = ingot_le16_load(p),
                                       .month = p[2],
                                       .day = p[3],
                                       .hour = p[4],
                                       .minute = p[5],
                                       .second = p[6]};
}

void ingot_efi_time_store(uint8_t p[INGOT_EFI_TIME_SIZE], const struct ingot_efi_time *t)
{
        memset(p, 0, INGOT_EFI_TIME_SIZE);
        ingot_le16_store(p, t->year);
        p[2] = t->month;
        p[3] = t->day;
        p[4] = t->hour;
        p[5] = t->minute;
        p[6] = t->second;
}

#define LEAP_DAYS_UNTIL_1970 477 /* from year 1 on */

/* Days from 1970-01-01 to the first of MONTH (1 to 12) of YEAR >= 1970, Gregorian. */
static uint64_t days_before(uint64_t year, unsigned month)
{
        static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
        uint64_t y = year - 1, leap_days = y / 4 - y / 100 + y / 400 - LEAP_DAYS_UNTIL_1970;
        uint64_t days = (year - 1970) * 365 + leap_days;
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        return days + before[month - 1] + (leap && month > 2);
}

uint64_t ingot_efi_time_to_unix(const struct ingot_efi_time *t)
{
        if (t->year < 1970 || t->month < 1 || t->month > 12 || t->day < 1 || t->day > 31)
                return 0;
        uint64_t days = days_before(t->year, t->month) + t->day - 1;
        return ((days * 24 + t->hour) * 60 + t->minute) * 60 + t->second;
}

bool ingot_efi_time_from_unix(uint64_t seconds, struct ingot_efi_time *ret)
{
        uint64_t days = seconds / 86400, rest = seconds % 86400, year = 1970 + days / 366;
        unsigned month = 1;
        if (seconds >= days_before(10000, 1) * 86400)
                return false;
        while (days_before(year + 1, 1) <= days)
                year++;
        while (month < 12 && days_before(year, month + 1) <= days)
                month++;
        *ret = (struct ingot_efi_time){
                .year = (uint16_t) year,
                .month = (uint8_t) month,
                .day = (uint8_t) (days - days_before(year, month) + 1),
                .hour = (uint8_t) (rest / 3600),
                .minute = (uint8_t) (rest / 60 % 60),
                .second = (uint8_t) (rest % 60),
        };
        return true;
}

int ingot_efi_auth_decode(struct ingot_span bytes, struct ingot_efi_auth *ret, ingot_error *reterr)
{
        struct ingot_cursor c = ingot_cursor_over(bytes);
        struct ingot_span time = ingot_cursor_take(&c, INGOT_EFI_TIME_SIZE);
        size_t left = ingot_cursor_left(&c);
        uint32_t size = ingot_cursor_le32(&c);
        uint16_t revision = ingot_cursor_le16(&c), type = ingot_cursor_le16(&c);
        struct ingot_span guid = ingot_cursor_take(&c, 16);
        if (c.failed || revision != REVISION || type != TYPE_EFI_GUID)
                return ingot_fail(reterr, INGOT_E_FORMAT, "no signed update of an EFI variable");
        struct ingot_uuid u = ingot_uuid_gpt_load(guid.data);
        if (!ingot_uuid_equal(&u, &type_pkcs7))
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "its signature is of another type than PKCS#7");
        if (size < CERTIFICATE_HEADER_SIZE + 16 || size > left)
                return ingot_fail(reterr, INGOT_E_FORMAT,
                                  "its signature has %u bytes, and the file has %zu", size, left);
        struct ingot_efi_auth auth = {.time = ingot_efi_time_load(time.data)};
        auth.signature = ingot_cursor_take(&c, size - CERTIFICATE_HEADER_SIZE - 16);
        auth.payload = ingot_cursor_take(&c, ingot_cursor_left(&c));
        *ret = auth;
        return 0;
}

int ingot_efi_auth_encode(const struct ingot_efi_auth *auth, struct ingot_buffer *ret,
                          ingot_error *reterr)
{
        uint8_t header[INGOT_EFI_TIME_SIZE + CERTIFICATE_HEADER_SIZE + 16];
        uint8_t *certificate = header + INGOT_EFI_TIME_SIZE;
        size_t size = CERTIFICATE_HEADER_SIZE + 16 + auth->signature.size;
        if (size > UINT32_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "a signature of %zu bytes", size);
        ingot_efi_time_store(header, &auth->time);
        ingot_le32_store(certificate, (uint32_t) size);
        ingot_le16_store(certificate + 4, REVISION);
        ingot_le16_store(certificate + 6, TYPE_EFI_GUID);
        ingot_uuid_gpt_store(certificate + 8, &type_pkcs7);
        int r = ingot_buffer_append(ret, header, sizeof(header), reterr);
        if (r >= 0)
                r = ingot_buffer_append(ret, auth->signature.data, auth->signature.size, reterr);
        return r < 0 ? r : ingot_buffer_append(ret, auth->payload.data, auth->payload.size, reterr);
}

int ingot_efi_auth_signed_bytes(const char *name, const struct ingot_uuid *vendor,
                                uint32_t attributes, const struct ingot_efi_time *time,
                                struct ingot_span payload, struct ingot_buffer *ret,
                                ingot_error *reterr)
{
        uint16_t units[NAME_MAX_UNITS];
        uint8_t bytes[2 * NAME_MAX_UNITS], fixed[16 + 4 + INGOT_EFI_TIME_SIZE];
        size_t count;
        if (!ingot_utf16_from_utf8(name, units, NAME_MAX_UNITS, &count))
                return ingot_fail(reterr, INGOT_E_USAGE, "'%s' is no name of an EFI variable",
                                  name);
        for (size_t i = 0; i < count; i++)
                ingot_le16_store(bytes + 2 * i, units[i]);
        ingot_uuid_gpt_store(fixed, vendor);
        ingot_le32_store(fixed + 16, attributes);
        ingot_efi_time_store(fixed + 20, time);
        int r = ingot_buffer_append(ret, bytes, 2 * count, reterr);
        if (r >= 0)
                r = ingot_buffer_append(ret, fixed, sizeof(fixed), reterr);
        return r < 0 ? r : ingot_buffer_append(ret, payload.data, payload.size, reterr);
}
