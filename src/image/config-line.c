/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of systemd's line-wise configuration files. */
#include "image/config-line.h"
#include "base/cleanup.h"

#include <string.h>

#define FILE_SIZE_MAX ((size_t) 1 << 20)

int ingot_config_word(struct ingot_buffer *out, const char *text, ingot_error *reterr)
{
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789/._-+:@,=~";
        if (!*text)
                return ingot_buffer_printf(out, reterr, "-");
        if (!text[strspn(text, plain)])
                return ingot_buffer_printf(out, reterr, "%s", text);
        int r = ingot_buffer_printf(out, reterr, "\"");
        for (const unsigned char *p = (const unsigned char *) text; *p && r >= 0; p++) {
                if (*p == '%')
                        r = ingot_buffer_printf(out, reterr, "%%%%");
                else if (*p == '"' || *p == '\\')
                        r = ingot_buffer_printf(out, reterr, "\\%c", *p);
                else if (*p < 0x20 || *p >= 0x7f)
                        r = ingot_buffer_printf(out, reterr, "\\x%02x", *p);
                else
                        r = ingot_buffer_printf(out, reterr, "%c", *p);
        }
        return r < 0 ? r : ingot_buffer_printf(out, reterr, "\"");
}

/* The words of one line; quotes group and go. */
static int split_line(const char *line, size_t size, struct ingot_strings *ret,
                      ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer word = {0};
        const char *end = line + size;
        while (line < end) {
                char quote = 0;
                bool any = false;
                word.size = 0;
                for (; line < end && (quote || !strchr(" \t\r", *line)); line++) {
                        any = true;
                        if (quote ? *line == quote : (*line == '"' || *line == '\'')) {
                                quote = quote ? 0 : *line;
                                continue;
                        }
                        int r = ingot_buffer_append(&word, line, 1, reterr);
                        if (r < 0)
                                return r;
                }
                if (any) {
                        int r = ingot_strings_add_n(ret, word.size ? (char *) word.data : "",
                                                    word.size, reterr);
                        if (r < 0)
                                return r;
                }
                line += line < end;
        }
        return 0;
}

static int lines_of(const struct ingot_inode *inode, ingot_config_line_fn fn, void *context,
                    ingot_error *reterr)
{
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        int r = ingot_inode_read(inode, FILE_SIZE_MAX, &data, &size, reterr);
        for (const char *p = (const char *) data; r >= 0 && p && *p;) {
                _cleanup_strings_ struct ingot_strings words = {0};
                size_t n = strcspn(p, "\n");
                const char *start = p + strspn(p, " \t");
                if (*start != '#' && start < p + n) {
                        r = split_line(start, (size_t) (p + n - start), &words, reterr);
                        if (r >= 0 && words.count > 0)
                                r = fn(context, &words, reterr);
                }
                p += n + (p[n] == '\n');
        }
        return r < 0 ? r : 0;
}

int ingot_config_lines(const struct ingot_tree *tree, const char *folder, ingot_config_line_fn fn,
                       void *context, ingot_error *reterr)
{
        const struct ingot_inode *directory = ingot_tree_resolve(tree, folder);
        if (!directory || directory->type != INGOT_FILE_DIRECTORY)
                return 0;
        for (size_t i = 0; i < directory->entry_count; i++) {
                _cleanup_free_ char *path = NULL;
                const char *name = directory->entries[i].name;
                if (!ingot_ends_with(name, ".conf"))
                        continue;
                int r = ingot_format(&path, reterr, "%s/%s", folder, name);
                if (r < 0)
                        return r;
                const struct ingot_inode *inode = ingot_tree_resolve(tree, path);
                if (!inode || inode->type != INGOT_FILE_REGULAR ||
                    inode->content.size > FILE_SIZE_MAX)
                        continue;
                r = lines_of(inode, fn, context, reterr);
                if (r < 0)
                        return ingot_under(reterr, r, "%s", path);
        }
        return 0;
}
