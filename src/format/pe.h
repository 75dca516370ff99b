/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PE images, the file format of EFI programs: headers, sections, Authenticode digest, checksum,
 * and new sections behind those of an existing image (a stub).
 *
 * Source: Microsoft "PE Format" (headers and checksum), "Windows Authenticode Portable Executable
 * Signature Format" (digest). No size or offset of a file is believed: ingot_pe_decode refuses an
 * image whose headers or sections do not lie in the file. Offsets are bytes from the file's start.
 */
#pragma once

#include "base/io.h"
#include "base/sha256.h"

#define INGOT_PE_SECTIONS_MAX 1024
#define INGOT_PE_DIRECTORIES 16
#define INGOT_PE_SUBSYSTEM_EFI_APPLICATION 10

#define INGOT_PE_MACHINE_I386 0x014c
#define INGOT_PE_MACHINE_X86_64 0x8664
#define INGOT_PE_MACHINE_ARM64 0xaa64

/* Section characteristics (the two that ingot writes). */
#define INGOT_PE_DATA 0x40000040u /* initialized data, readable */
#define INGOT_PE_CODE 0x60000020u /* code, readable, executable */

struct ingot_pe_section {
        char name[9];           /* 8 bytes of the header, and a NUL */
        uint32_t virtual_size;  /* bytes in memory: exactly the content for what ingot appends */
        uint32_t address;       /* in memory, from the image base */
        uint32_t raw_size;      /* bytes in the file; the rest up to virtual_size is zeros */
        uint32_t raw_offset;    /* 0 when raw_size is 0 */
        uint32_t characteristics;
};

struct ingot_pe_directory {
        uint32_t address; /* in memory; of the certificate table: an offset in the file */
        uint32_t size;
};

struct ingot_pe {
        uint16_t machine;
        uint32_t timestamp;
        bool plus; /* PE32+: 64 bits */
        uint64_t image_base;
        uint32_t entry;
        uint32_t section_alignment, file_alignment; /* powers of two */
        uint32_t initialized_data_size, image_size, headers_size;
        uint32_t checksum;
        uint16_t subsystem;
        uint32_t directory_count; /* at most INGOT_PE_DIRECTORIES */
        struct ingot_pe_directory directories[INGOT_PE_DIRECTORIES];

        /* Where things stand in the file. */
        uint32_t coff_offset;              /* the COFF header, behind "PE\0\0" */
        uint32_t optional_offset;          /* the optional header */
        uint32_t checksum_offset;          /* its CheckSum */
        uint32_t certificate_entry_offset; /* its 5th data directory, 0 when there is none */
        uint32_t section_table_offset;
        uint64_t file_size;

        struct ingot_pe_section *sections; /* as in the file */
        size_t section_count;
};

/* The headers. FORMAT when they are no PE image's or point out of the file; LIMIT when there are
 * more than INGOT_PE_SECTIONS_MAX sections. */
int ingot_pe_decode(const struct ingot_reader *r, struct ingot_pe *ret, ingot_error *reterr);
void ingot_pe_done(struct ingot_pe *pe);

/* The first section of that name, or NULL. */
const struct ingot_pe_section *ingot_pe_find(const struct ingot_pe *pe, const char *name);

/* "x86-64", "arm64" …, or NULL: the architecture words of DPS (UAPI.2). */
const char *ingot_pe_machine_name(uint16_t machine);

/* The attribute certificate table (offset, size); size 0 when the image is not signed. */
struct ingot_pe_directory ingot_pe_certificates(const struct ingot_pe *pe);

/* The bytes of a section that stand in the file: the first min(virtual_size, raw_size) ones. */
int ingot_pe_section_reader(const struct ingot_reader *r, const struct ingot_pe_section *section,
                            struct ingot_reader *ret, ingot_error *reterr);

/* The section as it is in memory: virtual_size bytes, zeros behind what the file has. The caller
 * frees *ret; one NUL stands behind it. LIMIT above MAX bytes. */
int ingot_pe_section_read(const struct ingot_reader *r, const struct ingot_pe_section *section,
                          size_t max, uint8_t **ret, size_t *ret_size, ingot_error *reterr);

/* SHA-256 of the section as it is in memory. LIMIT when more than 16 MiB of it are zeros that the
 * file does not have: a header must not cost unbounded time. */
int ingot_pe_section_sha256(const struct ingot_reader *r, const struct ingot_pe_section *section,
                            uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr);

/*
 * The Authenticode digest: what a Secure Boot signature signs and what firmware extends into PCR 4.
 * The headers without CheckSum and certificate directory entry, the sections in file order, what
 * follows them without the certificate table, then zeros up to a multiple of 8. FORMAT when
 * sections overlap or the certificate table is not at the end.
 */
int ingot_pe_authenticode_sha256(const struct ingot_reader *r, const struct ingot_pe *pe,
                                 uint8_t ret[INGOT_SHA256_SIZE], ingot_error *reterr);

/* The bytes that such a digest covers, piece by piece; without the zeros at the end: firmware, which
 * measures a file as it is, adds none. */
typedef void (*ingot_pe_bytes_fn)(void *context, const uint8_t *data, size_t size);
int ingot_pe_authenticode_bytes(const struct ingot_reader *r, const struct ingot_pe *pe,
                                ingot_pe_bytes_fn fn, void *context, ingot_error *reterr);

/* CheckSum: the 16-bit sum, with end-around carry, of a file whose CheckSum is 0, and its size. */
struct ingot_pe_sum {
        uint64_t value, size;
};
void ingot_pe_sum_update(struct ingot_pe_sum *sum, const void *data, size_t size);
uint32_t ingot_pe_sum_final(const struct ingot_pe_sum *sum);

/* What CheckSum should be. */
int ingot_pe_checksum(const struct ingot_reader *r, const struct ingot_pe *pe, uint32_t *ret,
                      ingot_error *reterr);

/* A section to append: its parts stand one behind the other, each but the last padded with zeros
 * to 4 bytes (as the kernel wants it of concatenated initrds). */
struct ingot_pe_addition {
        const char *name; /* 1 to 8 bytes */
        const struct ingot_reader *parts;
        size_t part_count;
        uint32_t characteristics;
};

/* New content for a section that the image has, in place of the old. */
struct ingot_pe_replacement {
        const char *name;
        struct ingot_span content;
};

/*
 * Writes IMAGE with these sections behind its own, and its size to *ret_size. Everything else of
 * the image stays, the timestamp too; a signature is left out, and so are symbols. Where replaced
 * content outgrows its place in the file, what follows it there moves; addresses in memory never
 * change. Sizes, and CheckSum, are made right. Content is streamed.
 * SPACE: no room for the section headers, or in memory for a replaced section. LIMIT: over 4 GiB.
 * The writer must give zeros where nothing was written.
 */
int ingot_pe_extend(struct ingot_span image, const struct ingot_pe_addition *additions,
                    size_t addition_count, const struct ingot_pe_replacement *replacement,
                    const struct ingot_writer *out, uint64_t *ret_size, ingot_error *reterr);

#define _cleanup_pe_ __attribute__((cleanup(ingot_pe_done)))
