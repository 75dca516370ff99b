/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debian packages: ar and tar, as far as packages use them. */
#include "format/deb.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEMBERS_MAX 64
#define BLOCK 512

/* A field of decimal digits, blanks behind it. */
static bool parse_decimal(const uint8_t *field, size_t size, uint64_t *ret)
{
        char text[24];
        if (size >= sizeof(text))
                return false;
        memcpy(text, field, size);
        while (size > 0 && text[size - 1] == ' ')
                size--;
        text[size] = 0;
        return ingot_parse_u64(text, ret);
}

/* Is it BASE with one of tar's suffixes? A GNU ar puts '/' behind names. */
static bool is_member(const char *name, const char *base)
{
        size_t n = strlen(base);
        return strncmp(name, base, n) == 0 && (!name[n] || name[n] == '.');
}

static int decode_member(const struct ingot_reader *package, uint64_t at, char name[17],
                         struct ingot_deb_part *ret, ingot_error *reterr)
{
        /* ar(5): name 16, time 12, owner 6, group 6, mode 8, size 10, and two bytes. */
        uint8_t header[INGOT_DEB_HEADER_SIZE];
        uint64_t size = 0;
        int r = ingot_read_at(package, at, header, sizeof(header), reterr);
        if (r < 0)
                return r;
        if (header[58] != 0x60 || header[59] != 0x0a || !parse_decimal(header + 48, 10, &size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "bad member header at %" PRIu64, at);
        if (!ingot_range_inside(at + sizeof(header), size, package->size))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a member goes beyond the end");
        memcpy(name, header, 16);
        name[16] = 0;
        size_t n = 16;
        while (n > 0 && (name[n - 1] == ' ' || name[n - 1] == '/'))
                name[--n] = 0;
        *ret = (struct ingot_deb_part){.offset = at + sizeof(header), .size = size};
        return 0;
}

static int check_version(const struct ingot_reader *package, const char *name,
                         const struct ingot_deb_part *part, ingot_error *reterr)
{
        char text[5] = "";
        if (strcmp(name, "debian-binary") != 0 || part->size < 4)
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a Debian package");
        int r = ingot_read_at(package, part->offset, text, 4, reterr);
        if (r >= 0 && strncmp(text, "2.", 2) != 0)
                r = ingot_fail(reterr, INGOT_E_UNSUPPORTED, "package format %.3s", text);
        return r;
}

int ingot_deb_decode(const struct ingot_reader *package, struct ingot_deb *ret, ingot_error *reterr)
{
        char magic[8], name[17];
        uint64_t at = sizeof(magic);
        if (package->size < sizeof(magic))
                return ingot_fail(reterr, INGOT_E_FORMAT, "not a Debian package");
        int r = ingot_read_at(package, 0, magic, sizeof(magic), reterr);
        if (r >= 0 && memcmp(magic, INGOT_DEB_MAGIC, sizeof(magic)) != 0)
                r = ingot_fail(reterr, INGOT_E_FORMAT, "not a Debian package");
        bool control = false;
        struct ingot_deb deb = {0};
        for (unsigned i = 0; r >= 0 && i < MEMBERS_MAX && at < package->size; i++) {
                struct ingot_deb_part part = {0};
                r = decode_member(package, at, name, &part, reterr);
                if (r < 0)
                        break;
                at = part.offset + part.size + part.size % 2;
                part.compressed = ingot_ends_with(name, ".tar") == 0;
                if (i == 0) {
                        r = check_version(package, name, &part, reterr);
                } else if (!control && is_member(name, "control.tar")) {
                        deb.control = part;
                        control = true;
                } else if (control && is_member(name, "data.tar")) {
                        deb.data = part;
                        *ret = deb;
                        return 0;
                } else if (name[0] != '_') {
                        r = ingot_fail(reterr, INGOT_E_FORMAT, "unexpected member '%s'", name);
                }
        }
        return r < 0 ? r : ingot_fail(reterr, INGOT_E_FORMAT, "it lacks a member");
}

int ingot_deb_member_encode(const char *name, uint64_t size, uint8_t ret[INGOT_DEB_HEADER_SIZE],
                            ingot_error *reterr)
{
        char text[INGOT_DEB_HEADER_SIZE + 32];
        if (size > 9999999999 || strlen(name) > 16)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s of %" PRIu64 " bytes", name, size);
        snprintf(text, sizeof(text), "%-16s%-12d%-6d%-6d%-8s%-10" PRIu64 "`\n", name, 0, 0, 0,
                 "100644", size);
        memcpy(ret, text, INGOT_DEB_HEADER_SIZE);
        return 0;
}

void ingot_deb_tar_begin(struct ingot_deb_tar *t, const struct ingot_reader *reader)
{
        t->reader = *reader;
        t->at = 0;
        t->files = 0;
}

/* Octal digits with blanks before and a blank or NUL behind; or GNU's base 256. */
static bool parse_number(const uint8_t *field, size_t size, uint64_t *ret)
{
        uint64_t value = 0;
        size_t i = 0;
        if (field[0] & 0x80) {
                value = field[0] & 0x7f;
                for (i = 1; i < size; i++) {
                        if (value >> 56)
                                return false;
                        value = value << 8 | field[i];
                }
                *ret = value;
                return true;
        }
        while (i < size && field[i] == ' ')
                i++;
        for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
                value = value << 3 | (uint64_t) (field[i] - '0');
        if (i < size && field[i] != ' ' && field[i] != 0)
                return false;
        *ret = value;
        return true;
}

static bool parse_narrow(const uint8_t *field, size_t size, uint32_t *ret)
{
        uint64_t value;
        if (!parse_number(field, size, &value) || value > UINT32_MAX)
                return false;
        *ret = (uint32_t) value;
        return true;
}

static bool checksum_right(const uint8_t header[BLOCK])
{
        uint64_t want, sum = 0;
        for (size_t i = 0; i < BLOCK; i++)
                sum += i >= 148 && i < 156 ? ' ' : header[i];
        return parse_number(header + 148, 8, &want) && want == sum;
}

static bool all_zeros(const uint8_t header[BLOCK])
{
        for (size_t i = 0; i < BLOCK; i++)
                if (header[i])
                        return false;
        return true;
}

/* "./a//b/" → "a/b", in place. Refuses "..". */
static int normalise(char *path, ingot_error *reterr)
{
        char *out = path;
        if (strchr(path, '\n'))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a file name with a newline");
        for (char *in = path; *in;) {
                in += strspn(in, "/");
                size_t n = strcspn(in, "/");
                if (n == 2 && in[0] == '.' && in[1] == '.')
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a path that leads out: %s",
                                          path);
                if (n > INGOT_NAME_MAX)
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a name of %zu bytes", n);
                if (n > 0 && !(n == 1 && in[0] == '.')) {
                        if (out != path)
                                *out++ = '/';
                        memmove(out, in, n);
                        out += n;
                }
                in += n;
        }
        *out = 0;
        return 0;
}

/* The content of a 'L' or 'K' member. */
static int read_long(struct ingot_deb_tar *t, uint64_t size, char *ret, ingot_error *reterr)
{
        if (size == 0 || size > INGOT_DEB_PATH_MAX - 1)
                return ingot_fail(reterr, INGOT_E_FORMAT, "a path of %" PRIu64 " bytes", size);
        int r = ingot_read_at(&t->reader, t->at, ret, (size_t) size, reterr);
        ret[size] = 0;
        return r;
}

/* Name, or target, of an ordinary header. */
static void take_short(const uint8_t header[BLOCK], char *path, char *target)
{
        bool ustar = memcmp(header + 257,
                            "ustar\0"
                            "00",
                            8) == 0;
        if (!*path && ustar && header[345])
                snprintf(path, INGOT_DEB_PATH_MAX, "%.155s/%.100s", (const char *) header + 345,
                         (const char *) header);
        else if (!*path)
                snprintf(path, INGOT_DEB_PATH_MAX, "%.100s", (const char *) header);
        if (!*target)
                snprintf(target, INGOT_DEB_PATH_MAX, "%.100s", (const char *) header + 157);
}

static int decode_type(uint8_t flag, struct ingot_deb_file *ret, ingot_error *reterr)
{
        static const struct {
                char flag;
                enum ingot_file_type type;
        } types[] = {
                {'0', INGOT_FILE_REGULAR}, {0, INGOT_FILE_REGULAR},     {'7', INGOT_FILE_REGULAR},
                {'1', INGOT_FILE_REGULAR}, {'2', INGOT_FILE_SYMLINK},   {'3', INGOT_FILE_CHARACTER},
                {'4', INGOT_FILE_BLOCK},   {'5', INGOT_FILE_DIRECTORY}, {'6', INGOT_FILE_FIFO},
        };
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if ((uint8_t) types[i].flag == flag) {
                        ret->type = types[i].type;
                        ret->hard_link = flag == '1';
                        return 0;
                }
        return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "a member of kind 0x%02x", flag);
}

static int decode_numbers(const uint8_t header[BLOCK], struct ingot_deb_file *ret,
                          ingot_error *reterr)
{
        uint32_t mode;
        uint64_t mtime;
        if (!parse_narrow(header + 100, 8, &mode) || !parse_narrow(header + 108, 8, &ret->uid) ||
            !parse_narrow(header + 116, 8, &ret->gid) || !parse_number(header + 136, 12, &mtime) ||
            mtime > (uint64_t) INT64_MAX || !parse_narrow(header + 329, 8, &ret->major) ||
            !parse_narrow(header + 337, 8, &ret->minor))
                return ingot_fail(reterr, INGOT_E_FORMAT, "a bad number");
        ret->mode = (uint16_t) (mode & 07777);
        ret->mtime = (int64_t) mtime;
        return 0;
}

static int decode_file(struct ingot_deb_tar *t, const uint8_t header[BLOCK], uint64_t size,
                       struct ingot_deb_file *ret, ingot_error *reterr)
{
        take_short(header, t->path, t->target);
        int r = decode_type(header[156], ret, reterr);
        if (r >= 0)
                r = decode_numbers(header, ret, reterr);
        size_t n = strlen(t->path);
        /* Before ustar a folder was a file whose name ends in '/'. */
        if (r >= 0 && header[156] != '5' && ret->type == INGOT_FILE_REGULAR && n > 0 &&
            t->path[n - 1] == '/')
                ret->type = INGOT_FILE_DIRECTORY;
        if (r >= 0)
                r = normalise(t->path, reterr);
        if (r >= 0 && ret->hard_link)
                r = normalise(t->target, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%.200s", t->path);
        bool content = ret->type == INGOT_FILE_REGULAR && !ret->hard_link;
        bool has_target = ret->hard_link || ret->type == INGOT_FILE_SYMLINK;
        if ((!*t->path && ret->type != INGOT_FILE_DIRECTORY) || (has_target && !*t->target))
                return ingot_fail(reterr, INGOT_E_FORMAT, "%.200s: a file without a name", t->path);
        ret->path = t->path;
        ret->target = has_target ? t->target : NULL;
        ret->offset = t->at;
        ret->size = content ? size : 0;
        return 1;
}

int ingot_deb_tar_next(struct ingot_deb_tar *t, struct ingot_deb_file *ret, ingot_error *reterr)
{
        uint8_t header[BLOCK];
        *ret = (struct ingot_deb_file){0};
        *t->path = *t->target = 0;
        while (t->at < t->reader.size) {
                uint64_t size = 0;
                int r = ingot_read_at(&t->reader, t->at, header, sizeof(header), reterr);
                if (r < 0)
                        return r;
                if (all_zeros(header))
                        return 0;
                if (!checksum_right(header) || !parse_number(header + 124, 12, &size))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a bad tar header at %" PRIu64,
                                          t->at);
                t->at += BLOCK;
                if (!ingot_range_inside(t->at, size, t->reader.size))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a file goes beyond the end");
                if (++t->files > INGOT_DEB_FILES_MAX)
                        return ingot_fail(reterr, INGOT_E_LIMIT, "too many files");
                if (header[156] == 'L')
                        r = read_long(t, size, t->path, reterr);
                else if (header[156] == 'K')
                        r = read_long(t, size, t->target, reterr);
                else
                        r = decode_file(t, header, size, ret, reterr);
                t->at += ingot_align_up(size, BLOCK);
                if (r != 0)
                        return r;
        }
        return 0;
}
