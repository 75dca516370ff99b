/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The initrd's program (src/init), which is carried inside of ingot. */
#pragma once

#include "base/bytes.h"

struct ingot_span ingot_init_program(void);
