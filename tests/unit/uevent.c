/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "os/uevent.h"
#include "test.h"

#define MESSAGE "add@/devices/vda\0ACTION=add\0DEVPATH=/devices/vda\0SUBSYSTEM=block\0SEQNUM=7"

TEST(a_message_is_told_by_its_subsystem)
{
        CHECK(ingot_uevent_matches(MESSAGE, sizeof(MESSAGE), "block"));
        CHECK(!ingot_uevent_matches(MESSAGE, sizeof(MESSAGE), "blo"));
        CHECK(!ingot_uevent_matches(MESSAGE, sizeof(MESSAGE), "blocks"));
        CHECK(!ingot_uevent_matches(MESSAGE, 20, "block"));
        CHECK(!ingot_uevent_matches("", 0, "block"));
}

TEST(waiting_ends_at_the_deadline)
{
        ingot_error error = {0};
        _cleanup_close_ int fd = -1;
        if (ingot_uevent_open(&fd, &error) < 0)
                SKIP("no uevents here");
        uint64_t start = ingot_monotonic_usec();
        CHECK_EQ(ingot_uevent_wait(fd, "no such subsystem", start + 30000, &error), 0);
        CHECK(ingot_monotonic_usec() >= start + 30000);
}
