/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel and stub, by where Debian and the UAPI say they are. */
#include "image/kernel.h"
#include "base/buffer.h"
#include "base/cleanup.h"

#include <string.h>

#define STUB_SIZE_MAX ((size_t) 16 << 20)

void ingot_kernel_done(struct ingot_kernel *k)
{
        free(k->version);
        free(k->path);
        *k = (struct ingot_kernel){0};
}

/* As strverscmp, but "6.9" is older than "6.10" and a word older than a number, as kernels go. */
static int compare_versions(const char *a, const char *b)
{
        while (*a || *b) {
                size_t n = strspn(a, "0123456789"), m = strspn(b, "0123456789");
                if (n > 0 && m > 0) {
                        for (; n > 1 && *a == '0'; n--)
                                a++;
                        for (; m > 1 && *b == '0'; m--)
                                b++;
                        int d = n != m ? (n > m) - (n < m) : memcmp(a, b, n);
                        if (d != 0)
                                return d;
                        a += n;
                        b += m;
                        continue;
                }
                /* "6.12-rc1" comes before "6.12", which is Debian's "~" and the kernel's "-rc". */
                bool early_a = *a == '~' || ingot_starts_with(a, "-rc");
                bool early_b = *b == '~' || ingot_starts_with(b, "-rc");
                if (early_a != early_b)
                        return early_a ? -1 : 1;
                if (*a != *b)
                        return (unsigned char) *a - (unsigned char) *b;
                a++;
                b++;
        }
        return 0;
}

/* The image of VERSION in *ret, if the tree has one. */
static int look_at(const struct ingot_tree *tree, const char *version, struct ingot_kernel *ret,
                   ingot_error *reterr)
{
        static const char *const places[] = {"usr/lib/modules/%s/vmlinuz", "boot/vmlinuz-%s"};
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                _cleanup_kernel_ struct ingot_kernel k = {0};
                const char *hole = strstr(places[i], "%s");
                int r = ingot_format(&k.path, reterr, "%.*s%s%s", (int) (hole - places[i]),
                                     places[i], version, hole + 2);
                if (r >= 0)
                        r = ingot_strdup(&k.version, version, reterr);
                if (r < 0)
                        return r;
                k.image = ingot_tree_resolve(tree, k.path);
                if (!k.image || k.image->type != INGOT_FILE_REGULAR)
                        continue;
                *ret = k;
                k = (struct ingot_kernel){0};
                return 1;
        }
        return 0;
}

static int none_found(const char *wanted, const struct ingot_buffer *names, ingot_error *reterr)
{
        if (!wanted)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the tree has no kernel (usr/lib/modules/*/vmlinuz or "
                                  "boot/vmlinuz-* beside its modules)");
        return ingot_fail(reterr, INGOT_E_NOTFOUND, "the tree has no kernel %s (it has%s)", wanted,
                          names->size ? (const char *) names->data : " none");
}

int ingot_kernel_find(const struct ingot_tree *tree, const char *wanted, struct ingot_kernel *ret,
                      ingot_error *reterr)
{
        _cleanup_kernel_ struct ingot_kernel best = {0};
        _cleanup_buffer_ struct ingot_buffer names = {0};
        const struct ingot_inode *modules = ingot_tree_resolve(tree, "usr/lib/modules");
        size_t count = modules && modules->type == INGOT_FILE_DIRECTORY ? modules->entry_count : 0;
        for (size_t i = 0; i < count; i++) {
                const struct ingot_entry *e = modules->entries + i;
                _cleanup_kernel_ struct ingot_kernel k = {0};
                if (e->inode->type != INGOT_FILE_DIRECTORY)
                        continue;
                int r = look_at(tree, e->name, &k, reterr);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                r = ingot_buffer_printf(&names, reterr, " %s", e->name);
                if (r < 0)
                        return r;
                if (wanted ? strcmp(wanted, e->name) != 0
                           : best.version && compare_versions(e->name, best.version) <= 0)
                        continue;
                ingot_kernel_done(&best);
                best = k;
                k = (struct ingot_kernel){0};
        }
        if (!best.version)
                return none_found(wanted, &names, reterr);
        *ret = best;
        best = (struct ingot_kernel){0};
        return 0;
}

int ingot_stub_find(const struct ingot_tree *tree, const char *architecture,
                    struct ingot_inode **ret, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL;
        int r = ingot_format(&path, reterr, "usr/lib/systemd/boot/efi/linux%s.efi.stub",
                             architecture);
        if (r < 0)
                return r;
        struct ingot_inode *inode = ingot_tree_resolve(tree, path);
        if (!inode || inode->type != INGOT_FILE_REGULAR)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "the tree has no %s (package systemd-boot-efi)", path);
        *ret = inode;
        return 0;
}

int ingot_loader_info(const struct ingot_inode *program, char **ret, ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_inode_read(program, STUB_SIZE_MAX, &data, &size, reterr);
        return r < 0 ? r : ingot_loader_info_find(INGOT_SPAN(data, size), ret, reterr);
}

static int add_removed(void *context, const char *path, struct ingot_inode *inode,
                       ingot_error *reterr)
{
        struct ingot_strings *removed = context;
        if (!ingot_starts_with(path, "boot/"))
                return strcmp(path, "boot") != 0 && inode->type == INGOT_FILE_DIRECTORY;
        return ingot_strings_add(removed, path, reterr);
}

/* Links of Debian's kernel packages to what goes. */
static int remove_links(struct ingot_tree *tree, struct ingot_strings *removed, ingot_error *reterr)
{
        static const char *const links[] = {"initrd.img", "initrd.img.old", "vmlinuz",
                                            "vmlinuz.old"};
        for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
                const struct ingot_inode *inode = ingot_tree_lookup(tree, links[i]);
                if (!inode || inode->type != INGOT_FILE_SYMLINK ||
                    !ingot_starts_with(inode->target, "boot/"))
                        continue;
                int r = removed ? ingot_strings_add(removed, links[i], reterr) : 0;
                if (r >= 0)
                        r = ingot_tree_remove(tree, links[i], reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int ingot_kernel_empty_boot(struct ingot_tree *tree, struct ingot_strings *removed,
                            ingot_error *reterr)
{
        struct ingot_inode *boot = ingot_tree_lookup(tree, "boot");
        if (!boot || boot->type != INGOT_FILE_DIRECTORY)
                return 0;
        int r = removed ? ingot_tree_walk(tree, add_removed, removed, reterr) : 0;
        while (r >= 0 && boot->entry_count > 0)
                r = ingot_tree_unlink(boot, boot->entries[boot->entry_count - 1].name, reterr);
        return r < 0 ? r : remove_links(tree, removed, reterr);
}
