/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who made a stub or a loader: systemd puts the text "#### LoaderInfo: systemd-stub 257.9-1 ####"
 * into section .sdmagic of both, and of what is made from them (systemd-boot(7), "LoaderInfo").
 */
#pragma once

#include "format/pe.h"

/* The text between the marks ("systemd-stub 257.9-1~deb13u1"), the first one in BYTES. FORMAT when
 * there is none. The caller frees. */
int ingot_loader_info_find(struct ingot_span bytes, char **ret, ingot_error *reterr);

/* The same of a PE image; NULL in *ret when it has no such section. */
int ingot_loader_info_read(const struct ingot_reader *r, const struct ingot_pe *pe, char **ret,
                           ingot_error *reterr);

/* The major version in such a text ("systemd-stub 257.9-1" is 257); 0 when there is none. */
unsigned ingot_loader_major(const char *info);
