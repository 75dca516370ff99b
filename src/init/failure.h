/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a boot that failed. */
#pragma once

#include "base/error.h"
#include "format/init-config.h"

/*
 * Tells the error, then: with boot counting, or Restart=yes, a restart after Reboot= seconds, so
 * that the loader comes to the entry before; else a shell, where recipe and command line allow it;
 * else power off after a minute.
 */
_Noreturn void init_failure(const ingot_error *error, const struct ingot_init_config *config,
                            bool shell_asked);

/* From now to the next call the boot may take so many seconds; then the machine restarts, where
 * INIT_FAILURE would have restarted it. 0: as long as it likes. */
void init_limit(const struct ingot_init_config *config, unsigned seconds);

/* Does the loader count the tries of this entry? */
bool init_boot_is_counted(void);
/* Does the file name of an entry have a counter (UAPI.1: "name+LEFT.efi", "name+LEFT-DONE.efi")? */
bool init_entry_has_counter(const char *name);
