/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The root of a soft reboot, by systemd-soft-reboot.service(8): systemd stops what runs and goes
 * into what is mounted on /run/nextroot; kernel, initrd and boot loader are left out. Mounted there
 * is what the initrd of the release would mount: the root by dm-verity, /var, and the layer over
 * /etc.
 *
 * The release's own UKI is not started, so whether it starts is not known until a restart; PCRs,
 * command line and what the loader says stay those of the UKI that was started.
 */
#pragma once

#include "update/machine.h"

#define INGOT_SYSTEMD_SOFT_REBOOT 254 /* the version that brought it */

/* The version in what `systemctl --version` prints: "systemd 257 (257.9-1~deb13u1)". */
bool ingot_systemd_version_parse(const char *text, unsigned *ret);
/* REFUSED: process 1 is no systemd that can do it. */
int ingot_next_root_check_systemd(ingot_error *reterr);
/* REFUSED, with the way that there is: what runs is not from a slot, or the entry that was started
 * is on trial. */
int ingot_next_root_check_machine(const struct ingot_machine *m, ingot_error *reterr);

/*
 * Mounts the version, which is in a slot of this machine, for all processes. REFUSED, besides what
 * can fail: its root has no modules for the kernel that runs, or its initrd is not ingot's. Nothing
 * stays behind when it fails. From here on the calling thread sees the mounts of process 1, no more
 * those of its own (an ESP).
 */
int ingot_next_root_mount(const struct ingot_machine *m, const char *version,
                          const uint8_t root_hash[INGOT_SHA256_SIZE], const struct ingot_log *log,
                          ingot_error *reterr);
/* Goes into it; the device of the root that runs then goes by itself. Unmounts it when systemd does
 * not take it. */
int ingot_next_root_start(ingot_error *reterr);
