/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root file system. Its root hash is trusted: it stands in the command line, which is measured,
 * and signed with the UKI. */
#include "init/root.h"
#include "init/message.h"
#include "os/verity-root.h"

static void tell(void *context, const char *text)
{
        (void) context;
        init_tell("%s", text);
}

int init_root_mount(const struct init_root_place *place,
                    const uint8_t root_hash[INGOT_SHA256_SIZE], ingot_error *reterr)
{
        static const struct ingot_log log = {.warning = tell};
        const struct ingot_verity_root root = {.name = INGOT_VERITY_ROOT,
                                               .data_node = place->data_node,
                                               .hash_node = place->hash_node,
                                               .signature_nodes = place->signature_nodes,
                                               .root_hash = root_hash};
        int r = ingot_verity_root_mount(&root, INIT_SYSROOT, &log, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "root");
        if (r > 0)
                init_say("the kernel takes the signature of the root hash");
        init_say("root is on %s, protected by the tree on %s", place->data_node, place->hash_node);
        return 0;
}
