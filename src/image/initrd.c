/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The initrd as a tree, written by the cpio writer, compressed by one thread of zstd. */
#include "image/initrd.h"
#include "base/cleanup.h"
#include "format/cpio.h"
#include "image/modules.h"

#include <stdlib.h>
#include <zstd.h>

#define LEVEL_DEFAULT 19
#define SHELL_MAX (64u << 20)

int ingot_initrd_config(const struct ingot_initrd_options *o, const struct ingot_modules *modules,
                        struct ingot_buffer *ret, ingot_error *reterr)
{
        int r = ingot_buffer_printf(ret, reterr, "Etc=%s\nShell=%s\n", ingot_etc_mode_name(o->etc),
                                    o->shell ? "yes" : "no");
        if (r >= 0 && o->var) {
                char text[INGOT_UUID_TEXT_SIZE];
                ingot_uuid_format(o->var, text);
                r = ingot_buffer_printf(ret, reterr, "Var=%s\n", text);
        }
        if (r >= 0 && o->var_size > 0)
                r = ingot_buffer_printf(ret, reterr, "VarSize=%llu\n",
                                        (unsigned long long) o->var_size);
        if (r >= 0 && o->timeout > 0)
                r = ingot_buffer_printf(ret, reterr, "Timeout=%u\n", o->timeout);
        if (r >= 0 && o->reboot > 0)
                r = ingot_buffer_printf(ret, reterr, "Reboot=%u\n", o->reboot);
        if (r >= 0 && o->restart)
                r = ingot_buffer_printf(ret, reterr, "Restart=yes\n");
        if (r >= 0 && o->watchdog > 0)
                r = ingot_buffer_printf(ret, reterr, "Watchdog=%u\n", o->watchdog);
        for (size_t i = 0; r >= 0 && i < modules->module_count; i++)
                r = ingot_buffer_printf(ret, reterr, "Module=/%s\n", modules->items[i].path);
        return r;
}

static int add_files(struct ingot_tree *t, const struct ingot_initrd_options *o,
                     const struct ingot_modules *m, ingot_error *reterr)
{
        static const char *const folders[] = {"dev", "etc", "proc", "run", "sys", "sysroot", "usr"};
        _cleanup_buffer_ struct ingot_buffer config = {0};
        struct ingot_inode *folder;
        int r = ingot_initrd_config(o, m, &config, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(folders); i++)
                r = ingot_tree_make_directory(t, folders[i], o->mtime, &folder, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(t, "init", 0755, o->mtime, o->init.data, o->init.size,
                                         reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(t, "etc/init.conf", 0644, o->mtime, config.data,
                                         config.size, reterr);
        /* The kernel looks for firmware in /lib. */
        if (r >= 0)
                r = ingot_tree_put_symlink(t, "lib", "usr/lib", o->mtime, reterr);
        for (size_t i = 0; r >= 0 && i < m->count; i++)
                r = ingot_tree_put_bytes(t, m->items[i].path, 0644, o->mtime, m->items[i].data,
                                         m->items[i].size, reterr);
        return r;
}

/* For rd.shell: the root's own busybox, when it has one. docs/decisions/062-rescue-shell.md */
static int add_shell(struct ingot_tree *t, const struct ingot_tree *root,
                     const struct ingot_initrd_options *o, ingot_error *reterr)
{
        static const char path[] = "bin/busybox";
        const struct ingot_inode *inode = o->shell ? ingot_tree_resolve(root, path) : NULL;
        _cleanup_free_ uint8_t *program = NULL;
        size_t size;
        if (o->shell && !inode)
                inode = ingot_tree_resolve(root, "usr/bin/busybox");
        if (!inode || inode->type != INGOT_FILE_REGULAR)
                return 0;
        int r = ingot_inode_read(inode, SHELL_MAX, &program, &size, reterr);
        if (r >= 0)
                r = ingot_tree_put_bytes(t, path, 0755, o->mtime, program, size, reterr);
        return ingot_under(reterr, r, "/%s", path);
}

static int append_at(void *context, uint64_t offset, const void *data, size_t size,
                     ingot_error *reterr)
{
        struct ingot_buffer *b = context;
        int r = 0;
        if (offset + size > b->size)
                r = ingot_buffer_append_zeros(b, (size_t) (offset + size) - b->size, reterr);
        if (r >= 0 && size > 0)
                memcpy(b->data + offset, data, size);
        return r;
}

static int compress(const struct ingot_buffer *plain, int level, struct ingot_buffer *ret,
                    ingot_error *reterr)
{
        size_t bound = ZSTD_compressBound(plain->size);
        int r = ingot_buffer_reserve(ret, bound, reterr);
        if (r < 0)
                return r;
        size_t size = ZSTD_compress(ret->data, bound, plain->data, plain->size,
                                    level ? level : LEVEL_DEFAULT);
        if (ZSTD_isError(size))
                return ingot_fail(reterr, INGOT_E_INTERNAL, "compress: %s",
                                  ZSTD_getErrorName(size));
        ret->size = size;
        return 0;
}

static int write_archive(const struct ingot_tree *t, const struct ingot_initrd_options *o,
                         struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer plain = {0};
        struct ingot_writer out = {.write_at = append_at,
                                   .context = o->uncompressed ? ret : &plain};
        uint64_t size;
        int r = ingot_cpio_write(t, &(struct ingot_cpio_options){0}, &out, &size, reterr);
        return r < 0 || o->uncompressed ? r : compress(&plain, o->level, ret, reterr);
}

int ingot_initrd_build(const struct ingot_tree *root, const struct ingot_initrd_options *o,
                       struct ingot_buffer *ret, ingot_error *reterr)
{
        _cleanup_modules_ struct ingot_modules modules = {0};
        _cleanup_(ingot_tree_free_p) struct ingot_tree *t = NULL;
        const struct ingot_modules_options wanted = {
                .version = o->version,
                .wanted = o->modules ? o->modules : ingot_modules_default,
                .wanted_count = o->modules ? o->module_count : ingot_modules_default_count,
                .missing_is_error = o->missing_is_error,
                .log = o->log,
        };
        int r = ingot_modules_closure(root, &wanted, &modules, reterr);
        if (r >= 0)
                r = ingot_tree_new(&t, reterr);
        if (r >= 0)
                r = add_files(t, o, &modules, reterr);
        if (r >= 0)
                r = add_shell(t, root, o, reterr);
        if (r >= 0)
                t->root->mtime = o->mtime;
        if (r >= 0)
                r = write_archive(t, o, ret, reterr);
        return ingot_under(reterr, r, "initrd");
}
