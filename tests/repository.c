/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Archives for tests: Packages, Packages.xz, Release and signatures. */
#include "repository.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"
#include "os/file.h"

#include <lzma.h>
#include <stdlib.h>

static bool put(const char *folder, const char *path, const void *data, size_t size)
{
        _cleanup_free_ char *full = NULL, *parent = NULL;
        ingot_error error;
        if (ingot_format(&full, &error, "%s/%s", folder, path) < 0 ||
            ingot_format(&parent, &error, "%.*s", (int) (strrchr(full, '/') - full), full) < 0 ||
            ingot_make_directories(parent, 0755, &error) < 0)
                return false;
        return ingot_outfile_put(full, data, size, 0644, &error) == 0;
}

static void digest(const void *data, size_t size, char ret[65])
{
        uint8_t sum[INGOT_SHA256_SIZE];
        ingot_sha256_of(data, size, sum);
        ingot_hex(ret, sum, sizeof(sum));
}

/* A package's file and its paragraph. */
static bool add_package(const char *folder, const struct repository_package *p, bool wrong,
                        struct ingot_buffer *index)
{
        size_t size = p->size ? p->size : 1000;
        _cleanup_free_ uint8_t *data = malloc(size);
        _cleanup_free_ char *path = NULL;
        char hex[65];
        ingot_error error;
        uint64_t state = size + (uint8_t) p->name[0] + (uint8_t) p->version[0];
        for (size_t i = 0; i < size; i++)
                data[i] = (uint8_t) ((state = state * 6364136223846793005 + 1442695040888963407) >>
                                     56);
        digest(data, size, hex);
        if (wrong)
                data[size / 2] ^= 1;
        return ingot_format(&path, &error, "pool/%s_%s+x_all.deb", p->name, p->version) >= 0 &&
               put(folder, path, data, size) &&
               ingot_buffer_printf(index, &error,
                                   "Package: %s\nVersion: %s\nArchitecture: all\n%sFilename: %s\n"
                                   "Size: %zu\nSHA256: %s\n\n",
                                   p->name, p->version, p->fields ? p->fields : "", path, size,
                                   hex) >= 0;
}

static bool add_sum(struct ingot_buffer *sums, const char *name, const void *data, size_t size)
{
        char hex[65];
        ingot_error error;
        digest(data, size, hex);
        return ingot_buffer_printf(sums, &error, " %s %zu %s\n", hex, size, name) >= 0;
}

static bool add_compressed(const char *folder, const struct repository_options *o,
                           const struct ingot_buffer *index, struct ingot_buffer *sums)
{
        size_t room = lzma_stream_buffer_bound(index->size), size = 0;
        _cleanup_free_ uint8_t *data = malloc(room);
        _cleanup_free_ char *path = NULL;
        char hex[65];
        ingot_error error;
        if (lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, index->data, index->size, data,
                                    &size, room) != LZMA_OK)
                return false;
        digest(data, size, hex);
        int r = o->by_hash ? ingot_format(&path, &error,
                                          "dists/%s/main/binary-amd64/by-hash/SHA256/%s", o->suite,
                                          hex)
                           : ingot_format(&path, &error, "dists/%s/main/binary-amd64/Packages.xz",
                                          o->suite);
        return r >= 0 && put(folder, path, data, size) &&
               add_sum(sums, "main/binary-amd64/Packages.xz", data, size);
}

static bool sign(const char *folder, struct signer *signer, const struct repository_options *o,
                 const struct ingot_buffer *release)
{
        _cleanup_buffer_ struct ingot_buffer signature = {0};
        _cleanup_free_ char *path = NULL, *second = NULL;
        ingot_error error;
        const char *text = (const char *) release->data, *hash = o->hash ? o->hash : "SHA256";
        if (o->detached)
                return signer_detached(signer, text, hash, &signature) &&
                       ingot_format(&path, &error, "dists/%s/Release", o->suite) >= 0 &&
                       ingot_format(&second, &error, "dists/%s/Release.gpg", o->suite) >= 0 &&
                       put(folder, path, release->data, release->size) &&
                       put(folder, second, signature.data, signature.size);
        if (!signer_clear(signer, text, hash, &signature) ||
            ingot_format(&path, &error, "dists/%s/InRelease", o->suite) < 0)
                return false;
        if (o->tampered)
                *(char *) memmem(signature.data, signature.size, "main/", 5) = 'M';
        return put(folder, path, signature.data, signature.size);
}

bool repository_write(const char *folder, struct signer *signer,
                      const struct repository_options *o)
{
        _cleanup_buffer_ struct ingot_buffer index = {0}, sums = {0}, release = {0};
        _cleanup_free_ char *path = NULL;
        ingot_error error;
        bool ok = true;
        for (const struct repository_package *p = o->packages; ok && p->name; p++)
                ok = add_package(folder, p, o->wrong_package && p == o->packages, &index);
        ok = ok && add_sum(&sums, "main/binary-amd64/Packages", index.data, index.size);
        if (ok && o->plain)
                ok = ingot_format(&path, &error, "dists/%s/main/binary-amd64/Packages",
                                  o->suite) >= 0 &&
                     put(folder, path, index.data, index.size);
        else
                ok = ok && add_compressed(folder, o, &index, &sums);
        ok = ok && ingot_buffer_printf(&release, &error,
                                       "Origin: Test\nSuite: %s\nCodename: test\n"
                                       "Date: Sat, 15 Nov 2025 10:12:13 UTC\n%s%s%s%s"
                                       "Architectures: amd64\nComponents: main\nSHA256:\n%s",
                                       o->suite, o->valid_until ? "Valid-Until: " : "",
                                       o->valid_until ? o->valid_until : "",
                                       o->valid_until ? "\n" : "",
                                       o->by_hash ? "Acquire-By-Hash: yes\n" : "",
                                       (char *) sums.data) >= 0;
        return ok && sign(folder, signer, o, &release);
}
