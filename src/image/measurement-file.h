/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A measurement manifest (docs/formats/measurement.md) where it stands, with the signatures beside
 * it: on an ESP in loader/ingot/, or as a file. Nothing of it is believed before it is checked.
 */
#pragma once

#include "format/tree.h"
#include "trust/signature.h"

struct ingot_measurement_file {
        char *where; /* "loader/ingot/a_1.measurement.json on the ESP", or its path */
        struct ingot_buffer text;
        struct ingot_signature_file *signatures; /* their names and contents belong to this */
        size_t signature_count;
};

void ingot_measurement_file_done(struct ingot_measurement_file *f);
#define _cleanup_measurement_file_ __attribute__((cleanup(ingot_measurement_file_done)))

/* Is NAME that of a signature of OF beside it? "OF.p7s", "OF.2.p7s" …, or of OpenPGP "OF.gpg",
 * "OF.asc". */
bool ingot_is_signature_name(const char *name, const char *of, bool *ret_openpgp);

/* The file at PATH. NOTFOUND, LIMIT. */
int ingot_measurement_file_read(const char *path, struct ingot_measurement_file *ret,
                                ingot_error *reterr);
/* The one of that NAME in the files of an ESP; 1: there is none. */
int ingot_measurement_file_of_esp(const struct ingot_tree *esp, const char *name,
                                  struct ingot_measurement_file *ret, ingot_error *reterr);
/* The names of those on an ESP, sorted. */
int ingot_measurement_file_names(const struct ingot_tree *esp, struct ingot_strings *ret,
                                 ingot_error *reterr);

/*
 * Have as many of the request's keys signed it as must? *RET_BY is the first of them, or its key.
 * No clock is asked (`undated`), as for the other files of a release. REFUSED when not, also when
 * nobody signed it.
 */
int ingot_measurement_file_check(const struct ingot_measurement_file *f,
                                 const struct ingot_signature_request *q, char **ret_by,
                                 ingot_error *reterr);
