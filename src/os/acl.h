/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * POSIX access-control lists in the form of the extended attributes system.posix_acl_*: a
 * little-endian version (2), then 8 bytes an entry: tag (2), permissions (2), id (4);
 * linux/posix_acl_xattr.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is it a list of at most a few thousand entries, with owner, group and others, and a mask where
 * somebody is named? */
bool ingot_acl_valid(const uint8_t *acl, size_t size);
/* Does it say no more than nine permission bits do? */
bool ingot_acl_trivial(const uint8_t *acl, size_t size);
/* The nine bits of a valid list: the group's are those of the mask. */
uint16_t ingot_acl_mode(const uint8_t *acl, size_t size);
/* Puts a mode's nine bits into the list, as chmod does. */
void ingot_acl_follow_mode(uint8_t *acl, size_t size, uint16_t mode);
