/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of keys and of judgements. */
#include "trust/verdict.h"
#include "base/cleanup.h"
#include "format/ssh-krl.h"
#include "os/file.h"
#include "trust/ssh-revoked.h"
#include "trust/verifier-kind.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void key_file_done(struct ingot_key_file *f)
{
        free(f->path);
        free(f->load_path);
        free(f->link);
        ingot_buffer_done(&f->content);
}

void ingot_key_files_done(struct ingot_key_files *k)
{
        for (size_t i = 0; i < k->count; i++)
                key_file_done(&k->items[i]);
        free(k->items);
        ingot_strings_done(&k->masked);
        *k = (struct ingot_key_files){0};
}

/* Room for one more of SIZE bytes in ITEMS. */
static int grow(void **items, size_t count, size_t *allocated, size_t size, ingot_error *reterr)
{
        if (count < *allocated)
                return 0;
        size_t n = *allocated ? *allocated * 2 : 8;
        void *more = reallocarray(*items, n, size);
        if (!more)
                return ingot_fail_nomem(reterr);
        *items = more;
        *allocated = n;
        return 0;
}

int ingot_key_files_take(struct ingot_key_files *k, struct ingot_key_file *file,
                         ingot_error *reterr)
{
        void *items = k->items;
        int r = grow(&items, k->count, &k->allocated, sizeof(*k->items), reterr);
        k->items = items;
        if (r < 0)
                key_file_done(file);
        else
                k->items[k->count++] = *file;
        *file = (struct ingot_key_file){0};
        return r;
}

bool ingot_key_files_verify(const struct ingot_key_files *k)
{
        for (size_t i = 0; i < k->count; i++)
                if (!k->items[i].revokes)
                        return true;
        return false;
}

static int read_key_file(const char *path, struct ingot_key_file *ret, ingot_error *reterr)
{
        int r = ingot_file_read(AT_FDCWD, path, INGOT_VERIFIER_SIZE_MAX, &ret->content.data,
                                &ret->content.size, reterr);
        ret->content.allocated = ret->content.size;
        return r < 0 ? r : ingot_strdup(&ret->path, path, reterr);
}

int ingot_key_files_add(struct ingot_key_files *k, const char *path, ingot_error *reterr)
{
        __attribute__((cleanup(key_file_done))) struct ingot_key_file file = {0};
        int r = read_key_file(path, &file, reterr);
        if (r < 0)
                return r;
        struct ingot_span content = ingot_buffer_span(&file.content);
        file.revokes = ingot_ssh_krl_recognise(content);
        r = ingot_under(reterr, ingot_verifier_recognise(content, &file.technology, reterr), "%s",
                        path);
        return r < 0 ? r : ingot_key_files_take(k, &file, reterr);
}

int ingot_key_files_add_revoked(struct ingot_key_files *k, const char *path, ingot_error *reterr)
{
        static const char crl[] = "-----BEGIN X509 CRL-----";
        __attribute__((cleanup(key_file_done))) struct ingot_key_file file = {.revokes = true};
        int r = read_key_file(path, &file, reterr);
        if (r < 0)
                return r;
        struct ingot_span content = ingot_buffer_span(&file.content);
        bool x509 = content.size > 0 && memmem(content.data, content.size, crl, strlen(crl));
        file.technology = x509 ? INGOT_TECHNOLOGY_X509 : INGOT_TECHNOLOGY_SSH;
        r = x509 ? 0 : ingot_ssh_revocations_check(content, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "%s", path);
        return ingot_key_files_take(k, &file, reterr);
}

void ingot_judgement_done(struct ingot_judgement *j)
{
        free(j->signature);
        free(j->signer);
        free(j->key);
        free(j->identity);
        free(j->comment);
        ingot_strings_done(&j->anchors);
        free(j->reason);
}

void ingot_verdict_done(struct ingot_verdict *v)
{
        for (size_t i = 0; i < v->count; i++)
                ingot_judgement_done(&v->items[i]);
        free(v->items);
        ingot_strings_done(&v->warnings);
        *v = (struct ingot_verdict){0};
}

int ingot_verdict_add(struct ingot_verdict *v, enum ingot_technology technology,
                      struct ingot_judgement **ret, ingot_error *reterr)
{
        void *items = v->items;
        int r = grow(&items, v->count, &v->allocated, sizeof(*v->items), reterr);
        v->items = items;
        if (r < 0)
                return r;
        *ret = &v->items[v->count++];
        **ret = (struct ingot_judgement){.technology = technology};
        return 0;
}

int ingot_judgement_refuse(struct ingot_judgement *j, ingot_error *reterr, const char *format, ...)
{
        va_list list;
        if (j->reason)
                return 0;
        va_start(list, format);
        int n = vasprintf(&j->reason, format, list);
        va_end(list);
        if (n >= 0)
                return 0;
        j->reason = NULL;
        return ingot_fail_nomem(reterr);
}

int ingot_verdict_bad_key(struct ingot_verdict *v, const struct ingot_key_file *file, int r,
                          ingot_error *reterr)
{
        _cleanup_free_ char *text = NULL;
        ingot_under(reterr, r, "%s", file->path);
        if (!file->load_path || r == -INGOT_E_NOMEM)
                return r;
        r = ingot_format(&text, reterr, "%s is passed over", reterr ? reterr->text : file->path);
        return r < 0 ? r : ingot_strings_add(&v->warnings, text, reterr);
}

static const char *identity(const struct ingot_judgement *j)
{
        return j->identity ? j->identity : j->key;
}

void ingot_verdict_count(struct ingot_verdict *v)
{
        v->holding = 0;
        for (size_t i = 0; i < v->count; i++) {
                bool again = v->items[i].reason || !identity(&v->items[i]);
                for (size_t k = 0; !again && k < i; k++)
                        again = !v->items[k].reason && identity(&v->items[k]) &&
                                strcmp(identity(&v->items[k]), identity(&v->items[i])) == 0;
                v->holding += !again;
        }
}

void ingot_time_text(uint64_t seconds, char ret[32])
{
        struct tm tm;
        time_t t = (time_t) seconds;
        if (!gmtime_r(&t, &tm) || strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                snprintf(ret, 32, "%llu", (unsigned long long) seconds);
}
