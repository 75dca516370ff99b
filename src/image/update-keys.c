/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each key under the name that UAPI.11 wants for its technology. */
#include "image/update-keys.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "trust/certificate.h"
#include "trust/openpgp-holder.h"
#include "trust/verifier-kind.h"
#include "trust/voa-name.h"

#include <fcntl.h>
#include <string.h>

#define OS_RELEASE_MAX ((size_t) 64 << 10)
#define PURPOSE "image"
#define FINGERPRINT_4 20 /* bytes */
#define NAME_DIGITS 16   /* hexadecimal digits that tell keys apart whose name is free */

struct install {
        struct ingot_tree *tree;
        const struct ingot_update_keys *keys;
        char *os;
        struct ingot_buffer keyring;
        uint64_t count;
};

static void install_done(struct install *i)
{
        free(i->os);
        ingot_buffer_done(&i->keyring);
}

/* ID= alone: releases change the rest of os-release. */
static int read_os(const struct ingot_tree *tree, char **ret, ingot_error *reterr)
{
        static const char *const paths[] = {"etc/os-release", "usr/lib/os-release"};
        const struct ingot_inode *inode = NULL;
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        for (size_t i = 0; i < ARRAY_SIZE(paths) && !inode; i++)
                inode = ingot_tree_resolve(tree, paths[i]);
        if (!inode || inode->type != INGOT_FILE_REGULAR)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "no os-release in the tree");
        int r = ingot_inode_read(inode, OS_RELEASE_MAX, &text, &size, reterr);
        if (r >= 0)
                r = ingot_voa_os_of_release(INGOT_SPAN(text, size), ret, reterr);
        if (r >= 0)
                (*ret)[strcspn(*ret, ":")] = 0;
        return ingot_under(reterr, r, "os-release");
}

static int put_verifier(const struct install *in, const char *purpose,
                        enum ingot_technology technology, const char *name,
                        struct ingot_span content, ingot_error *reterr)
{
        const struct ingot_voa_place place = {.os = in->os,
                                              .purpose = (char *) purpose,
                                              .context = (char *) "default",
                                              .name = (char *) name,
                                              .technology = technology};
        _cleanup_free_ char *where = NULL, *path = NULL;
        int r = ingot_voa_place_format(&place, &where, reterr);
        if (r >= 0)
                r = ingot_format(&path, reterr, "usr/share/voa/%s", where);
        return r < 0 ? r
                     : ingot_tree_put_bytes(in->tree, path, 0644, in->keys->mtime, content.data,
                                            content.size, reterr);
}

/* A fingerprint of version 4 is SHA-1's size, and zeros stand behind it. */
static size_t fingerprint_size(const struct ingot_openpgp_holder *h)
{
        static const uint8_t zeros[INGOT_SHA256_SIZE - FINGERPRINT_4];
        return memcmp(h->identity + FINGERPRINT_4, zeros, sizeof(zeros)) == 0 ? FINGERPRINT_4
                                                                              : INGOT_SHA256_SIZE;
}

static int add_openpgp(struct install *in, struct ingot_span content, ingot_error *reterr)
{
        _cleanup_openpgp_holder_ struct ingot_openpgp_holder *holder = NULL;
        char name[2 * INGOT_SHA256_SIZE + sizeof(".openpgp")];
        int r = ingot_openpgp_holder_decode(&holder, content, reterr);
        if (r < 0)
                return r;
        ingot_hex(name, holder->identity, fingerprint_size(holder));
        strcat(name, ".openpgp");
        r = put_verifier(in, PURPOSE, INGOT_TECHNOLOGY_OPENPGP, name,
                         ingot_buffer_span(&holder->certificate), reterr);
        if (r >= 0)
                r = ingot_buffer_append(&in->keyring, holder->certificate.data,
                                        holder->certificate.size, reterr);
        in->count++;
        return r;
}

static int add_certificate(struct install *in, const struct ingot_certificate *c,
                           ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer pem = {0};
        char name[NAME_DIGITS + 32];
        ingot_hex(name, ingot_certificate_fingerprint(c), NAME_DIGITS / 2);
        strcpy(name + NAME_DIGITS, "-certificate.pem");
        bool anchors = strcmp(ingot_certificate_subject(c), ingot_certificate_issuer(c)) == 0;
        int r = ingot_certificate_pem(c, &pem, reterr);
        if (r >= 0)
                r = put_verifier(in, PURPOSE, INGOT_TECHNOLOGY_X509, name, ingot_buffer_span(&pem),
                                 reterr);
        if (r >= 0 && anchors)
                r = put_verifier(in, INGOT_VOA_ANCHOR_PREFIX PURPOSE, INGOT_TECHNOLOGY_X509, name,
                                 ingot_buffer_span(&pem), reterr);
        in->count++;
        return r;
}

static int add_x509(struct install *in, struct ingot_span content, ingot_error *reterr)
{
        _cleanup_(ingot_certificates_done) struct ingot_certificates all = {0};
        int r = ingot_certificates_decode(&all, content, reterr);
        for (size_t i = 0; r >= 0 && i < all.count; i++)
                r = add_certificate(in, all.items[i], reterr);
        return r;
}

/* A file for each line that is a key. */
static int add_ssh(struct install *in, struct ingot_span content, ingot_error *reterr)
{
        _cleanup_strings_ struct ingot_strings lines = {0};
        _cleanup_free_ char *text = strndup((const char *) content.data, content.size);
        if (!text)
                return ingot_fail_nomem(reterr);
        int r = ingot_strings_split(&lines, text, "\r\n", reterr);
        for (size_t i = 0; r >= 0 && i < lines.count; i++) {
                _cleanup_buffer_ struct ingot_buffer blob = {0};
                _cleanup_free_ char *line = NULL;
                uint8_t digest[INGOT_SHA256_SIZE];
                char name[2 * INGOT_SHA256_SIZE + 8];
                if (lines.items[i][0] == '#')
                        continue;
                struct ingot_span s = INGOT_SPAN(lines.items[i], strlen(lines.items[i]));
                r = ingot_verifier_ssh_blob(s, &blob, reterr);
                if (r >= 0)
                        r = ingot_format(&line, reterr, "%s\n", lines.items[i]);
                if (r < 0)
                        return r;
                ingot_sha256_of(blob.data, blob.size, digest);
                ingot_hex(name, digest, sizeof(digest));
                strcat(name, ".pub");
                r = put_verifier(in, PURPOSE, INGOT_TECHNOLOGY_SSH, name,
                                 INGOT_SPAN(line, strlen(line)), reterr);
                in->count++;
        }
        return r;
}

static int add_other(struct install *in, enum ingot_technology technology,
                     struct ingot_span content, ingot_error *reterr)
{
        uint8_t digest[INGOT_SHA256_SIZE];
        char name[NAME_DIGITS + 8];
        ingot_sha256_of(content.data, content.size, digest);
        ingot_hex(name, digest, NAME_DIGITS / 2);
        strcat(name, ".pub");
        in->count++;
        return put_verifier(in, PURPOSE, technology, name, content, reterr);
}

static int add_file(struct install *in, const char *path, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        enum ingot_technology technology;
        size_t size;
        int r = ingot_file_read(AT_FDCWD, path, INGOT_VERIFIER_SIZE_MAX, &data, &size, reterr);
        if (r < 0)
                return r;
        struct ingot_span content = INGOT_SPAN(data, size);
        r = ingot_verifier_recognise(content, &technology, reterr);
        if (r >= 0)
                r = technology == INGOT_TECHNOLOGY_OPENPGP ? add_openpgp(in, content, reterr)
                    : technology == INGOT_TECHNOLOGY_X509  ? add_x509(in, content, reterr)
                    : technology == INGOT_TECHNOLOGY_SSH
                            ? add_ssh(in, content, reterr)
                            : add_other(in, technology, content, reterr);
        return ingot_under(reterr, r, "%s", path);
}

/* An empty one verifies nothing, as it should where there is no OpenPGP key. */
static int put_keyrings(const struct install *in, struct ingot_strings *changed,
                        ingot_error *reterr)
{
        static const char *const paths[] = {"usr/lib/systemd/import-pubring.gpg",
                                            "usr/lib/systemd/import-pubring.pgp"};
        int r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(paths); i++) {
                r = ingot_tree_put_bytes(in->tree, paths[i], 0644, in->keys->mtime,
                                         in->keyring.data, in->keyring.size, reterr);
                if (r >= 0)
                        r = ingot_strings_add(changed, paths[i], reterr);
        }
        return r;
}

int ingot_update_keys_install(struct ingot_tree *tree, const struct ingot_update_keys *keys,
                              struct ingot_strings *changed, ingot_error *reterr)
{
        _cleanup_(install_done) struct install in = {.tree = tree, .keys = keys};
        int r = read_os(tree, &in.os, reterr);
        for (size_t i = 0; r >= 0 && i < keys->files->count; i++)
                r = add_file(&in, keys->files->items[i], reterr);
        if (r >= 0 && in.count < keys->threshold)
                r = ingot_fail(reterr, INGOT_E_CONFLICT,
                               "Update.Threshold is more than there are keys in Update.Key (%llu)",
                               (unsigned long long) in.count);
        return r < 0 ? r : put_keyrings(&in, changed, reterr);
}
