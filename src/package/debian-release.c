/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debian's Release files: which files a suite has, their digests, and how long that holds. */
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "format/deb822.h"
#include "package/debian.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#define CLOCK_TOLERANCE 86400 /* seconds that a mirror's clock may be ahead of ours */

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* RFC 5322 dates in English and UTC, the only ones that the archive writes. */
bool ingot_debian_parse_date(struct ingot_span text, uint64_t *ret)
{
        char copy[64], month[4], zone[8];
        struct tm tm = {0};
        int end = 0;
        if (text.size == 0 || text.size >= sizeof(copy))
                return false;
        memcpy(copy, text.data, text.size);
        copy[text.size] = 0;
        const char *p = strchr(copy, ',');
        if (sscanf(p ? p + 1 : copy, " %2d %3s %4d %2d:%2d:%2d %5s%n", &tm.tm_mday, month,
                   &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, zone, &end) != 7 ||
            (p ? p + 1 : copy)[end] != 0)
                return false;
        if (strcmp(zone, "UTC") != 0 && strcmp(zone, "GMT") != 0 && strcmp(zone, "+0000") != 0)
                return false;
        for (tm.tm_mon = 0; tm.tm_mon < 12; tm.tm_mon++)
                if (strcmp(month, months[tm.tm_mon]) == 0)
                        break;
        if (tm.tm_mon == 12 || tm.tm_year < 1970 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
            tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 ||
            tm.tm_sec < 0 || tm.tm_sec > 60)
                return false;
        tm.tm_year -= 1900;
        *ret = (uint64_t) timegm(&tm);
        return true;
}

bool ingot_debian_list_has(struct ingot_span list, const char *word)
{
        for (struct ingot_span w; ingot_deb822_word(&list, &w);)
                if (ingot_span_is(w, word))
                        return true;
        return false;
}

static int decode_date(const struct ingot_deb822_field *f, uint64_t *ret, ingot_error *reterr)
{
        if (ingot_debian_parse_date(f->value, ret))
                return 0;
        return ingot_fail(reterr, INGOT_E_FORMAT, "no date: %.*s: %.*s", (int) f->name.size,
                          (const char *) f->name.data,
                          (int) (f->value.size < 64 ? f->value.size : 64),
                          (const char *) f->value.data);
}

static int decode_field(struct ingot_debian_release *release, const struct ingot_deb822_field *f,
                        ingot_error *reterr)
{
        if (ingot_deb822_is(f, "Suite"))
                release->suite = f->value;
        else if (ingot_deb822_is(f, "Codename"))
                release->codename = f->value;
        else if (ingot_deb822_is(f, "Architectures"))
                release->architectures = f->value;
        else if (ingot_deb822_is(f, "SHA256"))
                release->sums = f->value;
        else if (ingot_deb822_is(f, "Acquire-By-Hash"))
                release->by_hash = ingot_span_is(f->value, "yes");
        else if (ingot_deb822_is(f, "No-Support-for-Architecture-all"))
                release->all_included = ingot_debian_list_has(f->value, "Packages");
        else if (ingot_deb822_is(f, "Date"))
                return decode_date(f, &release->date, reterr);
        else if (ingot_deb822_is(f, "Valid-Until"))
                return decode_date(f, &release->valid_until, reterr);
        return 0;
}

int ingot_debian_release_decode(struct ingot_span text, struct ingot_debian_release *ret,
                                ingot_error *reterr)
{
        struct ingot_deb822 d = ingot_deb822_over(text);
        struct ingot_debian_release release = {.text = text};
        struct ingot_deb822_field f;
        int r = ingot_deb822_paragraph(&d, reterr);
        if (r == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the release is empty");
        while (r > 0 && (r = ingot_deb822_field(&d, &f, reterr)) > 0)
                if ((r = decode_field(&release, &f, reterr)) < 0)
                        return r;
                else
                        r = 1;
        if (r < 0)
                return r;
        if (release.sums.size == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the release has no SHA256 sums");
        if (release.date == 0)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the release has no date");
        *ret = release;
        return 0;
}

static bool span_text(struct ingot_span s, char *ret, size_t size)
{
        if (s.size >= size)
                return false;
        memcpy(ret, s.data, s.size);
        ret[s.size] = 0;
        return true;
}

int ingot_debian_release_find(const struct ingot_debian_release *release, const char *path,
                              struct ingot_debian_file *ret, ingot_error *reterr)
{
        struct ingot_span left = release->sums, digest, size, name;
        while (ingot_deb822_word(&left, &digest)) {
                char hex[2 * INGOT_SHA256_SIZE + 1], number[24];
                struct ingot_debian_file f;
                if (!ingot_deb822_word(&left, &size) || !ingot_deb822_word(&left, &name))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "the sums end in a line");
                if (!ingot_span_is(name, path))
                        continue;
                if (!span_text(digest, hex, sizeof(hex)) ||
                    !ingot_unhex(f.sha256, sizeof(f.sha256), hex) ||
                    !span_text(size, number, sizeof(number)) || !ingot_parse_u64(number, &f.size))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "the sum of %s is malformed",
                                          path);
                *ret = f;
                return 0;
        }
        return 1;
}

static void date_text(uint64_t date, char ret[32])
{
        struct tm tm;
        time_t t = (time_t) date;
        gmtime_r(&t, &tm);
        strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

int ingot_debian_release_check(const struct ingot_debian_release *release, const char *suite,
                               uint64_t now, bool allow_expired, ingot_error *reterr)
{
        char date[32];
        if (!ingot_span_is(release->suite, suite) && !ingot_span_is(release->codename, suite))
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "the release is of suite %.*s, not of %s",
                                  (int) ingot_min_u64(release->codename.size, 100),
                                  (const char *) release->codename.data, suite);
        if (allow_expired)
                return 0;
        if (release->valid_until > 0 && release->valid_until < now) {
                date_text(release->valid_until, date);
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "the index was valid until %s: the mirror is stale, or holds "
                                  "back updates (to take it all the same: "
                                  "Distribution.CheckValidUntil=no)",
                                  date);
        }
        if (release->date > now + CLOCK_TOLERANCE) {
                date_text(release->date, date);
                return ingot_fail(reterr, INGOT_E_REFUSED,
                                  "the index is of %s, which is to come: is this machine's clock "
                                  "right? (to take it all the same: "
                                  "Distribution.CheckValidUntil=no)",
                                  date);
        }
        return 0;
}
