/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ESP as a tree. */
#include "image/esp.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define LOADER_SIZE_MAX ((size_t) 16 << 20)
#define BLS_NAME_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+_.-"

/* Would "TEXT.efi" be read as a counted name? (UAPI.1: ^(.*)\+([0-9]+)(-([0-9]+))?\.efi$) */
static bool ends_in_counter(const char *text)
{
        const char *plus = strrchr(text, '+');
        if (!plus)
                return false;
        const char *p = plus + 1 + strspn(plus + 1, "0123456789");
        if (p == plus + 1)
                return false;
        if (*p == '-' && p[1])
                p += 1 + strspn(p + 1, "0123456789");
        return *p == 0;
}

static int check_word(const char *what, const char *text, ingot_error *reterr)
{
        if (!text || !*text || text[strspn(text, BLS_NAME_ALPHABET)])
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "%s '%.64s' cannot stand in a file name of the boot partition "
                                  "(letters, digits and + _ . -)",
                                  what, text ? text : "");
        return 0;
}

int ingot_esp_uki_name(const char *name, const char *version, unsigned tries, char **ret,
                       ingot_error *reterr)
{
        _cleanup_free_ char *stem = NULL, *whole = NULL;
        int r = check_word("the image's name", name, reterr);
        if (r >= 0)
                r = check_word("the version", version, reterr);
        if (r >= 0)
                r = ingot_format(&stem, reterr, "%s_%s", name, version);
        if (r < 0)
                return r;
        if (ends_in_counter(stem))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "'%.64s' ends as a boot counter does ('+' and digits)", stem);
        if (tries > 99)
                return ingot_fail(reterr, INGOT_E_USAGE, "%u tries: more than 99", tries);
        if (tries == 0)
                r = ingot_format(&whole, reterr, "%s.efi", stem);
        else
                r = ingot_format(&whole, reterr, "%s+%u-%s.efi", stem, tries,
                                 tries > 9 ? "00" : "0");
        if (r < 0)
                return r;
        if (strlen(whole) > INGOT_NAME_MAX)
                return ingot_fail(reterr, INGOT_E_USAGE, "the UKI's name would be longer than %d",
                                  INGOT_NAME_MAX);
        *ret = TAKE_PTR(whole);
        return 0;
}

/* systemd-boot, the signed one first. The content is copied: the ESP may outlive the system. */
static int put_loader(const struct ingot_esp_options *o, const char *architecture,
                      struct ingot_tree *tree, ingot_error *reterr)
{
        static const char *const suffixes[] = {".signed", ""};
        struct ingot_inode *inode = NULL;
        for (size_t i = 0; !inode && i < ARRAY_SIZE(suffixes); i++) {
                _cleanup_free_ char *path = NULL;
                int r = ingot_format(&path, reterr, "usr/lib/systemd/boot/efi/systemd-boot%s.efi%s",
                                     architecture, suffixes[i]);
                if (r < 0)
                        return r;
                inode = ingot_tree_resolve(o->system, path);
                if (inode && inode->type != INGOT_FILE_REGULAR)
                        inode = NULL;
        }
        if (!inode)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the tree has no usr/lib/systemd/boot/efi/systemd-boot%s.efi "
                                  "(package systemd-boot-efi)",
                                  architecture);
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_free_ char *fallback = NULL, *own = NULL;
        size_t size;
        int r = ingot_inode_read(inode, LOADER_SIZE_MAX, &data, &size, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "systemd-boot");
        r = ingot_format(&fallback, reterr, "EFI/BOOT/BOOT%s.EFI", architecture);
        for (char *p = fallback; r >= 0 && *p; p++)
                if (*p >= 'a' && *p <= 'z')
                        *p = (char) (*p - 'a' + 'A');
        if (r >= 0)
                r = ingot_format(&own, reterr, "EFI/systemd/systemd-boot%s.efi", architecture);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, fallback, 0644, o->mtime, data, size, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, own, 0644, o->mtime, data, size, reterr);
        return r;
}

static int put_configuration(const struct ingot_esp_options *o, struct ingot_tree *tree,
                             ingot_error *reterr)
{
        static const char *const folders[] = {"loader/entries", "loader/credentials",
                                              "loader/addons"};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        const char *timeout = o->timeout ? o->timeout : "0";
        if (!*timeout || timeout[strcspn(timeout, "\n\r \t")])
                return ingot_fail(reterr, INGOT_E_USAGE, "not a loader timeout: '%.32s'", timeout);
        int r = ingot_buffer_printf(&text, reterr, "timeout %s\n", timeout);
        for (const char *const *l = o->loader_lines; r >= 0 && l && *l; l++) {
                if (strpbrk(*l, "\n\r") || !ingot_utf8_valid(*l))
                        return ingot_fail(reterr, INGOT_E_USAGE, "not a line of loader.conf");
                r = ingot_buffer_printf(&text, reterr, "%s\n", *l);
        }
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(folders); i++)
                r = ingot_tree_make_directory(tree, folders[i], o->mtime, NULL, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, "loader/loader.conf", 0644, o->mtime, text.data,
                                         text.size, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, "loader/entries.srel", 0644, o->mtime, "type1\n", 6,
                                         reterr);
        return r;
}

static int put_uki(const struct ingot_esp_options *o, struct ingot_tree *tree, ingot_error *reterr)
{
        _cleanup_free_ char *name = NULL;
        _cleanup_(ingot_inode_free_p) struct ingot_inode *inode = NULL;
        struct ingot_inode *folder;
        int r = ingot_esp_uki_name(o->name, o->version, o->tries, &name, reterr);
        if (r >= 0)
                r = ingot_tree_make_directory(tree, "EFI/Linux", o->mtime, &folder, reterr);
        if (r >= 0)
                r = ingot_inode_new(INGOT_FILE_REGULAR, 0644, &inode, reterr);
        if (r < 0)
                return r;
        inode->mtime = o->mtime;
        inode->content = o->uki;
        r = ingot_tree_link(folder, name, inode, reterr);
        if (r < 0)
                return r;
        TAKE_PTR(inode);
        return 0;
}

int ingot_esp_tree(const struct ingot_esp_options *options, struct ingot_tree **ret,
                   ingot_error *reterr)
{
        _cleanup_(ingot_tree_free_p) struct ingot_tree *tree = NULL;
        const char *architecture = options->architecture ? options->architecture : "x64";
        int r = ingot_tree_new(&tree, reterr);
        if (r < 0)
                return r;
        tree->root->mtime = options->mtime;
        r = put_loader(options, architecture, tree, reterr);
        if (r >= 0)
                r = put_configuration(options, tree, reterr);
        if (r >= 0)
                r = put_uki(options, tree, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "EFI system partition");
        *ret = TAKE_PTR(tree);
        return 0;
}
