/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files: whole reads, readers over file descriptors, and outputs that appear whole or not at all. */
#pragma once

#include "base/buffer.h"
#include "base/io.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdbool.h>
#include <sys/types.h>

/* The whole file in *ret (the caller frees; one NUL stands behind it). LIMIT above MAX bytes. */
int ingot_file_read(int dirfd, const char *path, size_t max, uint8_t **ret, size_t *ret_size,
                    ingot_error *reterr);

/* Exactly SIZE bytes at OFFSET; FORMAT when the file ends before. */
int ingot_file_pread(int fd, uint64_t offset, void *ret, size_t size, ingot_error *reterr);
/* All of a regular file that is open as FD, appended; NAME is for errors. FORMAT: it is none; LIMIT
 * above MAX bytes. */
int ingot_file_append(int fd, const char *name, size_t max, struct ingot_buffer *ret,
                      ingot_error *reterr);
int ingot_file_pwrite(int fd, uint64_t offset, const void *data, size_t size, ingot_error *reterr);
int ingot_file_write_all(int fd, const void *data, size_t size, ingot_error *reterr);

/* A regular file or block device, opened for reading, with its reader. The reader points to the
 * object. A path's error names the path. */
struct ingot_file {
        int fd;
        uint64_t size;
};
int ingot_file_open(struct ingot_file *ret, const char *path, ingot_error *reterr);
/* The same for writing what is there; each write is on the disk when it returns. */
int ingot_file_open_writable(struct ingot_file *ret, const char *path, ingot_error *reterr);
/* The same, where a write is on the disk when the next _flush has returned: for many writes. */
int ingot_file_open_update(struct ingot_file *ret, const char *path, ingot_error *reterr);
/* The same of a file that is made when it is not there; not through a link. */
int ingot_file_open_new(struct ingot_file *ret, const char *path, mode_t mode, ingot_error *reterr);
int ingot_file_flush(const struct ingot_file *f, ingot_error *reterr);
int ingot_file_truncate(struct ingot_file *f, uint64_t size, ingot_error *reterr);
struct ingot_writer ingot_file_writer(struct ingot_file *f);
void ingot_file_close(struct ingot_file *f);
struct ingot_reader ingot_file_reader(struct ingot_file *f);

/*
 * An output file: written under a temporary name beside its final one (".NAME.PID-N.part"), and
 * renamed over it on commit, after fsync of the file and of its folder. Discarded unless
 * committed. Killed at any point, no half-written file stands under the final name; the temporary
 * one, which its process keeps locked, is what ingot_outfile_sweep() then removes.
 */
struct ingot_outfile {
        int fd;
        int dirfd;
        char *temporary, *name;
};
int ingot_outfile_create(struct ingot_outfile *ret, const char *path, mode_t mode,
                         ingot_error *reterr);
int ingot_outfile_commit(struct ingot_outfile *o, ingot_error *reterr);
/* The same without waiting for the disk: only for what is checked before it is believed. */
int ingot_outfile_publish(struct ingot_outfile *o, ingot_error *reterr);
void ingot_outfile_discard(struct ingot_outfile *o);
struct ingot_writer ingot_outfile_writer(struct ingot_outfile *o);
/* Removes the temporary files in FOLDER that no process has open any more, as far as it can. */
void ingot_outfile_sweep(const char *folder);
/* All of it at once. */
int ingot_outfile_put(const char *path, const void *data, size_t size, mode_t mode,
                      ingot_error *reterr);

/* A file that was not there before; on failure it is gone again. CONFLICT when it is there. */
int ingot_file_put_new(const char *path, const void *data, size_t size, mode_t mode,
                       ingot_error *reterr);
/* Its mode, after links; NOTFOUND. */
int ingot_file_mode(const char *path, mode_t *ret, ingot_error *reterr);
/* Is anything of that name there, be it a link to nowhere? */
bool ingot_file_exists(const char *path);

/* Makes PATH if need be, and locks it until *ret_fd is closed. CONFLICT: another process has it. */
int ingot_file_lock(const char *path, int *ret_fd, ingot_error *reterr);

/* 0 when PATH is there (and sets its time of change to now, where that is allowed), 1 when not. */
int ingot_file_touch(const char *path, ingot_error *reterr);
/* Not there is no error. */
int ingot_file_remove(const char *path, ingot_error *reterr);
/* Replaces what is there; nothing is waited for. */
int ingot_file_rename(const char *path, const char *to, ingot_error *reterr);
/* Waits until the folder, and then all of its file system, is on the disk. NOTFOUND. */
int ingot_folder_flush(const char *path, ingot_error *reterr);
/* Bytes that are free on the file system of PATH. */
int ingot_file_space(const char *path, uint64_t *ret, ingot_error *reterr);
int ingot_file_digest(const char *path, uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr);

/* mkdir -p. */
int ingot_make_directories(const char *path, mode_t mode, ingot_error *reterr);
/* rm -rf of one path on one file system; not there is no error. Makes folders writable first. */
int ingot_remove_tree(int dirfd, const char *path, ingot_error *reterr);
/* The regular files (links are followed) in the folder PATH, sorted, but for those whose name starts
 * with a dot. 1 when PATH is no folder. */
int ingot_list_files(const char *path, struct ingot_strings *ret, ingot_error *reterr);
/* The names in a folder, sorted, without "." and "..". */
int ingot_list_directory(int dirfd, const char *path, struct ingot_strings *ret,
                         ingot_error *reterr);

#define _cleanup_file_ __attribute__((cleanup(ingot_file_close)))
#define _cleanup_outfile_ __attribute__((cleanup(ingot_outfile_discard)))
#define INGOT_FILE_NONE ((struct ingot_file){.fd = -1})
#define INGOT_OUTFILE_NONE ((struct ingot_outfile){.fd = -1, .dirfd = -1})
