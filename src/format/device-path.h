/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * EFI device paths: where firmware found what it loaded, in the words that firmware shells use
 * (UEFI 2.10 section 10.3 for the nodes, 10.6 for the text).
 */
#pragma once

#include "base/buffer.h"

/*
 * Appends the text of a path, and a NUL that is not counted: "PciRoot(0x0)/Pci(0x3,0x0)/…". Several
 * paths of one variable are separated by commas. Nodes that have no words of their own are
 * "Path(TYPE,SUBTYPE,HEX)"; a path that is malformed ends with "…". Text of the path comes out as
 * UTF-8 without control characters.
 */
int ingot_device_path_text(struct ingot_span path, struct ingot_buffer *ret, ingot_error *reterr);

/* The file of the last node that names one, as UTF-8 ("\EFI\BOOT\BOOTX64.EFI"), or NULL in *ret. */
int ingot_device_path_file(struct ingot_span path, char **ret, ingot_error *reterr);
