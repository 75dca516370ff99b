/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching: each file of the signed release, made and checked, then all at once. */
#include "image/sign-attach.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "image/esp.h"
#include "image/sign-disk.h"
#include "image/sign-program.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t) 256 << 10)
#define SUMS "SHA256SUMS"

struct release {
        struct ingot_sign_request q;
        char *folder;
        struct ingot_outfile *files;
        size_t count;
        struct ingot_buffer pcrsig, table, verity;
        int uki_fd;             /* of the signed UKI, or -1 when it stays as it is */
        struct ingot_tree *esp; /* files for the ESP: the measurement manifest and its signatures */
};

static void release_done(struct release *l)
{
        for (size_t i = 0; i < l->count; i++)
                ingot_outfile_discard(l->files + i);
        free(l->files);
        free(l->folder);
        ingot_tree_free(l->esp);
        ingot_buffer_done(&l->pcrsig);
        ingot_buffer_done(&l->table);
        ingot_buffer_done(&l->verity);
        ingot_sign_request_done(&l->q);
}

int ingot_sign_find(const char *path, char **ret, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        const char *found = NULL;
        struct stat st;
        if (stat(path, &st) < 0)
                return ingot_fail_errno(reterr, "look at %s", path);
        if (!S_ISDIR(st.st_mode))
                return ingot_strdup(ret, path, reterr);
        int r = ingot_list_directory(AT_FDCWD, path, &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                if (!ingot_ends_with(names.items[i], ".sign.json") || names.items[i][0] == '.')
                        continue;
                if (found)
                        return ingot_fail(reterr, INGOT_E_CONFLICT,
                                          "%s has more than one signing request, %s and %s: name "
                                          "one",
                                          path, found, names.items[i]);
                found = names.items[i];
        }
        if (r >= 0 && !found)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "%s has no signing request (*.sign.json)", path);
        return r < 0 ? r : ingot_format(ret, reterr, "%s/%s", path, found);
}

static int new_file(struct release *l, const char *name, struct ingot_outfile **ret,
                    ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        struct ingot_outfile *more = reallocarray(l->files, l->count + 1, sizeof(*l->files));
        if (!more)
                return ingot_fail_nomem(reterr);
        l->files = more;
        int r = ingot_format(&path, reterr, "%s/%s", l->folder, name);
        if (r >= 0)
                r = ingot_outfile_create(more + l->count, path, 0644, reterr);
        if (r < 0)
                return r;
        *ret = more + l->count++;
        return 0;
}

static int put_file(struct release *l, const char *name, struct ingot_span bytes,
                    ingot_error *reterr)
{
        struct ingot_outfile *f;
        int r = new_file(l, name, &f, reterr);
        return r < 0 ? r : ingot_file_write_all(f->fd, bytes.data, bytes.size, reterr);
}

/* What goes onto the ESP, too. */
static int put_on_esp(struct release *l, const char *name, struct ingot_span bytes,
                      ingot_error *reterr)
{
        _cleanup_free_ char *stem = NULL;
        int r = ingot_format(&stem, reterr, "%s" INGOT_MEASUREMENT_SUFFIX, l->q.label);
        if (r < 0 || !ingot_starts_with(name, stem))
                return r;
        if (!l->esp)
                r = ingot_tree_new(&l->esp, reterr);
        return r < 0 ? r
                     : ingot_tree_put_bytes(l->esp, name, 0644, (int64_t) l->q.timestamp,
                                            bytes.data, bytes.size, reterr);
}

/* Copies all of R, and gives its digest. */
static int copy_all(const struct ingot_reader *r, int fd, uint8_t ret[INGOT_SHA256_SIZE],
                    ingot_error *reterr)
{
        _cleanup_free_ uint8_t *piece = malloc(PIECE);
        struct ingot_sha256 h;
        if (!piece)
                return ingot_fail_nomem(reterr);
        ingot_sha256_init(&h);
        for (uint64_t at = 0; at < r->size;) {
                size_t n = (size_t) ingot_min_u64(PIECE, r->size - at);
                int e = ingot_read_at(r, at, piece, n, reterr);
                if (e >= 0)
                        e = ingot_file_pwrite(fd, at, piece, n, reterr);
                if (e < 0)
                        return e;
                ingot_sha256_update(&h, piece, n);
                at += n;
        }
        ingot_sha256_final(&h, ret);
        return 0;
}

static int not_the_file(const char *name, ingot_error *reterr)
{
        return ingot_fail(reterr, INGOT_E_REFUSED,
                          "%s is not the file that the request was made for: take the artifacts "
                          "of the same build",
                          name);
}

static const struct ingot_sign_thing *uki_thing(const struct ingot_sign_request *q)
{
        for (size_t i = 0; i < q->thing_count; i++)
                if (q->things[i].purpose == INGOT_PURPOSE_SECURE_BOOT && q->things[i].artifact)
                        return q->things + i;
        return NULL;
}

/* The UKI with PCR signatures and its own; its digest is known from the request. */
static int write_uki(struct release *l, size_t content, ingot_error *reterr)
{
        const struct ingot_sign_thing *t = uki_thing(&l->q);
        _cleanup_file_ struct ingot_file source = INGOT_FILE_NONE;
        _cleanup_free_ char *path = NULL;
        uint8_t want[INGOT_BANK_SIZE_MAX], digest[INGOT_SHA256_SIZE];
        struct ingot_sign_program p;
        struct ingot_outfile *f;
        int r = ingot_format(&path, reterr, "%s/%s", l->folder, l->q.uki);
        if (r >= 0)
                r = ingot_file_open(&source, path, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&source);
        r = ingot_under(reterr, ingot_sign_program_open(&reader, t ? t->table : 0, &p, reterr),
                        "%s", l->q.uki);
        if (r >= 0 &&
            ((t && p.size != t->size) || (l->pcrsig.size > 0 && p.pcrsig_size != l->pcrsig.size)))
                r = not_the_file(l->q.uki, reterr);
        if (r < 0)
                return r;
        if (l->pcrsig.size > 0)
                ingot_sign_program_put_pcrsig(&p, ingot_buffer_span(&l->pcrsig));
        if (t)
                ingot_sign_program_put_table(&p, ingot_buffer_span(&l->table));
        struct ingot_reader whole = ingot_sign_program_reader(&p);
        r = new_file(l, l->q.uki, &f, reterr);
        if (r >= 0)
                r = copy_all(&whole, f->fd, digest, reterr);
        if (r >= 0)
                r = ingot_sign_content_digest(&l->q, content, want, reterr);
        if (r >= 0 && memcmp(want, digest, sizeof(digest)) != 0)
                r = not_the_file(l->q.uki, reterr);
        if (r >= 0)
                l->uki_fd = f->fd;
        return r;
}

/* What stands whole in the request: verity signature, manifest, sums. */
static int write_contents(struct release *l, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; r >= 0 && i < l->q.content_count; i++) {
                const char *name = l->q.contents[i].name;
                _cleanup_buffer_ struct ingot_buffer bytes = {0};
                if (strchr(name, '#') || strcmp(name, SUMS) == 0)
                        continue;
                if (strchr(name, '/') || name[0] == '.')
                        return ingot_fail(reterr, INGOT_E_FORMAT, "'%s' is no file name", name);
                if (strcmp(name, l->q.uki) == 0) {
                        r = write_uki(l, i, reterr);
                        continue;
                }
                r = ingot_sign_content_bytes(&l->q, i, &bytes, reterr);
                if (r >= 0)
                        r = put_file(l, name, ingot_buffer_span(&bytes), reterr);
                if (r >= 0)
                        r = put_on_esp(l, name, ingot_buffer_span(&bytes), reterr);
        }
        return r;
}

static bool is_new(const struct release *l, const char *name)
{
        for (size_t i = 0; i < l->count; i++)
                if (strcmp(l->files[i].name, name) == 0)
                        return true;
        return false;
}

/* The files that stay as they are must be those of the sums; then the sums. */
static int check_and_write_sums(struct release *l, ingot_error *reterr)
{
        size_t content = ingot_sign_find_content(&l->q, SUMS);
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        _cleanup_free_ char *text = NULL;
        if (content == INGOT_SIGN_NONE)
                return ingot_fail(reterr, INGOT_E_FORMAT, "the request has no " SUMS);
        int r = ingot_sign_content_bytes(&l->q, content, &bytes, reterr);
        if (r < 0)
                return r;
        text = strndup(bytes.data ? (char *) bytes.data : "", bytes.size);
        if (!text)
                return ingot_fail_nomem(reterr);
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n"));) {
                uint8_t want[INGOT_SHA256_SIZE], digest[INGOT_SHA256_SIZE];
                _cleanup_free_ char *path = NULL;
                if (!*line)
                        continue;
                if (strlen(line) < 67 || strchr(line, '/'))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a line in " SUMS);
                const char *name = line + 66;
                line[64] = 0;
                if (is_new(l, name))
                        continue;
                if (!ingot_unhex(want, sizeof(want), line))
                        return ingot_fail(reterr, INGOT_E_FORMAT, "a line in " SUMS);
                r = ingot_format(&path, reterr, "%s/%s", l->folder, name);
                if (r >= 0)
                        r = ingot_file_digest(path, digest, reterr);
                if (r >= 0 && memcmp(want, digest, sizeof(want)) != 0)
                        r = not_the_file(name, reterr);
                if (r < 0)
                        return r;
        }
        return put_file(l, SUMS, ingot_buffer_span(&bytes), reterr);
}

static const char *const suffixes[] = {".p7s", ".gpg"};

int ingot_sign_signature_name(const struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                              size_t answer, char **ret, ingot_error *reterr)
{
        const char *of = q->contents[t->content].name;
        bool openpgp = t->answers[answer].openpgp;
        size_t number = 1;
        for (size_t i = 0; i < answer; i++)
                number += !t->answers[i].openpgp == !openpgp;
        return number == 1 ? ingot_format(ret, reterr, "%s%s", of, suffixes[openpgp])
                           : ingot_format(ret, reterr, "%s.%zu%s", of, number, suffixes[openpgp]);
}

static int write_signatures(struct release *l, ingot_error *reterr)
{
        int r = 0;
        for (size_t i = 0; i < l->q.thing_count; i++) {
                const struct ingot_sign_thing *t = l->q.things + i;
                for (size_t k = 0; t->purpose == INGOT_PURPOSE_RELEASE && k < t->answer_count;
                     k++) {
                        _cleanup_buffer_ struct ingot_buffer der = {0};
                        _cleanup_free_ char *name = NULL;
                        r = ingot_sign_signature_name(&l->q, t, k, &name, reterr);
                        if (r >= 0)
                                r = ingot_sign_detached(t->answers + k, &der, reterr);
                        if (r >= 0)
                                r = put_file(l, name, ingot_buffer_span(&der), reterr);
                        if (r >= 0)
                                r = put_on_esp(l, name, ingot_buffer_span(&der), reterr);
                        if (r < 0)
                                return r;
                }
        }
        return r;
}

/* The disk image, and its sum beside it: nobody could have signed that one. */
static int write_image(struct release *l, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *line = NULL, *name = NULL;
        struct ingot_outfile *f;
        uint8_t digest[INGOT_SHA256_SIZE];
        char hex[2 * INGOT_SHA256_SIZE + 1];
        struct ingot_sign_disk disk = {.request = &l->q,
                                       .uki_fd = l->uki_fd,
                                       .verity = ingot_buffer_span(&l->verity),
                                       .files = l->esp};
        int r = ingot_format(&path, reterr, "%s/%s", l->folder, l->q.image);
        if (r >= 0)
                r = new_file(l, l->q.image, &f, reterr);
        if (r >= 0)
                r = ingot_under(reterr, ingot_sign_disk_write(&disk, path, f, digest, reterr), "%s",
                                l->q.image);
        if (r < 0)
                return r;
        ingot_hex(hex, digest, sizeof(digest));
        r = ingot_format(&line, reterr, "%s  %s\n", hex, l->q.image);
        if (r >= 0)
                r = ingot_format(&name, reterr, "%s.sha256", l->q.image);
        return r < 0 ? r : put_file(l, name, INGOT_SPAN(line, strlen(line)), reterr);
}

bool ingot_sign_is_signature_of(const char *name, const char *of)
{
        const char *rest = name + strlen(of);
        if (!ingot_starts_with(name, of))
                return false;
        if (rest[0] == '.' && rest[1] >= '1' && rest[1] <= '9')
                rest += 1 + strspn(rest + 1, "0123456789");
        for (size_t k = 0; k < ARRAY_SIZE(suffixes); k++)
                if (strcmp(rest, suffixes[k]) == 0)
                        return true;
        return false;
}

static bool is_signature(const struct release *l, const char *name)
{
        for (size_t i = 0; i < l->q.thing_count; i++)
                if (l->q.things[i].purpose == INGOT_PURPOSE_RELEASE &&
                    ingot_sign_is_signature_of(name, l->q.contents[l->q.things[i].content].name))
                        return true;
        return false;
}

/* Signatures that an earlier attach left, by more signers or other ones. */
static int remove_leftovers(const struct release *l, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings names = {0};
        int r = ingot_list_directory(AT_FDCWD, *l->folder ? l->folder : "/", &names, reterr);
        for (size_t i = 0; r >= 0 && i < names.count; i++) {
                _cleanup_free_ char *path = NULL;
                if (is_new(l, names.items[i]) || !is_signature(l, names.items[i]))
                        continue;
                r = ingot_format(&path, reterr, "%s/%s", l->folder, names.items[i]);
                if (r >= 0)
                        r = ingot_file_remove(path, reterr);
        }
        return r;
}

static int commit(struct release *l, struct ingot_strings *ret_files, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        struct ingot_outfile *last = NULL;
        int r = ingot_format(&path, reterr, "%s/" SUMS, l->folder);
        for (size_t i = 0; r >= 0 && i < l->count; i++) {
                r = ingot_strings_add(ret_files, l->files[i].name, reterr);
                if (r >= 0 && fsync(l->files[i].fd) < 0)
                        r = ingot_fail_errno(reterr, "sync %s", l->files[i].name);
        }
        if (r >= 0)
                r = ingot_file_remove(path, reterr);
        if (r >= 0)
                r = remove_leftovers(l, reterr);
        for (size_t i = 0; r >= 0 && i < l->count; i++) {
                if (strcmp(l->files[i].name, SUMS) == 0)
                        last = l->files + i;
                else
                        r = ingot_outfile_commit(l->files + i, reterr);
        }
        return r >= 0 && last ? ingot_outfile_commit(last, reterr) : r;
}

static int prepare(struct release *l, const char *path, ingot_error *reterr)
{
        _cleanup_free_ char *request = NULL;
        int r = ingot_sign_find(path, &request, reterr);
        if (r >= 0)
                r = ingot_sign_request_load(request, &l->q, reterr);
        if (r >= 0 && l->q.release)
                r = ingot_fail(reterr, INGOT_E_CONFLICT, "%s is of a folder of releases", request);
        if (r < 0)
                return r;
        const char *slash = strrchr(request, '/');
        r = slash ? ingot_format(&l->folder, reterr, "%.*s", (int) (slash - request), request)
                  : ingot_strdup(&l->folder, ".", reterr);
        if (r >= 0 && slash == request)
                l->folder[0] = 0;
        if (r >= 0)
                r = ingot_sign_check_complete(&l->q, reterr);
        if (r >= 0 && l->q.wishes[INGOT_PURPOSE_PCR].wanted)
                r = ingot_sign_pcrsig(&l->q, &l->pcrsig, reterr);
        if (r >= 0 && l->q.wishes[INGOT_PURPOSE_VERITY].wanted)
                r = ingot_sign_verity(&l->q, &l->verity, reterr);
        if (r >= 0 && uki_thing(&l->q))
                r = ingot_sign_table(&l->q, uki_thing(&l->q), &l->table, reterr);
        return r;
}

int ingot_sign_attach(const char *path, struct ingot_strings *ret_files, ingot_error *reterr)
{
        _cleanup_(release_done) struct release l = {.uki_fd = -1};
        int r = prepare(&l, path, reterr);
        if (r >= 0)
                r = write_contents(&l, reterr);
        if (r >= 0)
                r = check_and_write_sums(&l, reterr);
        if (r >= 0)
                r = write_signatures(&l, reterr);
        if (r >= 0)
                r = write_image(&l, reterr);
        return r < 0 ? r : commit(&l, ret_files, reterr);
}
