/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine-id(5), from the initrd's side; docs/decisions/035-machine-id.md says why this way. */
#include "init/machine-id.h"
#include "base/cleanup.h"
#include "init/message.h"
#include "init/root.h"
#include "os/file.h"

#include <fcntl.h>
#include <sys/random.h>

#define FILE_MAX 256
#define ETC_ID INIT_SYSROOT "/etc/machine-id"
#define RUN_ID "/run/machine-id"
#define NOTE "lib/ingot/machine-id"
#define UPPER "lib/ingot/etc/upper/machine-id"

bool init_machine_id_parse(const char *text, struct ingot_uuid *ret)
{
        char digits[33] = {0};
        size_t size = strnlen(text, 34);
        if (size != 32 && !(size == 33 && text[32] == '\n'))
                return false;
        memcpy(digits, text, 32);
        return ingot_unhex(ret->bytes, 16, digits) && !ingot_uuid_is_null(ret);
}

bool init_machine_id_read(const char *path, struct ingot_uuid *ret)
{
        _cleanup_free_ uint8_t *text = NULL;
        size_t size;
        return ingot_file_read(AT_FDCWD, path, FILE_MAX, &text, &size, NULL) >= 0 &&
               init_machine_id_parse((const char *) text, ret);
}

bool init_machine_id_of_var(const char *var, struct ingot_uuid *ret)
{
        static const char *const names[] = {UPPER, NOTE};
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_free_ char *path = NULL;
                if (ingot_format(&path, NULL, "%s/%s", var, names[i]) >= 0 &&
                    init_machine_id_read(path, ret))
                        return true;
        }
        return false;
}

static int write_id(const char *path, const struct ingot_uuid *id, ingot_error *reterr)
{
        char text[34];
        ingot_hex(text, id->bytes, 16);
        memcpy(text + 32, "\n", 2);
        return ingot_outfile_put(path, text, 33, 0444, reterr);
}

static int make_id(struct ingot_uuid *ret, ingot_error *reterr)
{
        if (getrandom(ret->bytes, sizeof(ret->bytes), 0) != (ssize_t) sizeof(ret->bytes))
                return ingot_fail_errno(reterr, "get random bytes");
        ret->bytes[6] = (uint8_t) ((ret->bytes[6] & 0x0f) | 0x40);
        ret->bytes[8] = (uint8_t) ((ret->bytes[8] & 0x3f) | 0x80);
        return 0;
}

/* /etc/machine-id of a boot that does not know its id yet: at the first boot the word that systemd
 * looks for, later (with an /etc that forgets) the id itself. */
static int write_etc(enum ingot_etc_mode etc, bool first, const struct ingot_uuid *id,
                     ingot_error *reterr)
{
        static const char word[] = "uninitialized\n";
        if (etc == INGOT_ETC_READ_ONLY)
                return 0;
        if (etc == INGOT_ETC_VOLATILE && !first)
                return write_id(ETC_ID, id, reterr);
        return ingot_outfile_put(ETC_ID, word, sizeof(word) - 1, 0444, reterr);
}

int init_machine_id_settle(enum ingot_etc_mode etc, bool persistent, struct ingot_uuid *ret,
                           ingot_error *reterr)
{
        static const char note[] = INIT_SYSROOT "/var/" NOTE;
        struct ingot_uuid id;
        int r = 0;
        if (init_machine_id_read(ETC_ID, ret)) {
                /* Where /etc keeps it, the note has done its work: emptying /etc/machine-id is to
                 * give a new id. */
                if (etc == INGOT_ETC_OVERLAY && persistent)
                        ingot_remove_tree(AT_FDCWD, note, NULL);
                return 0;
        }
        bool first = !(persistent && init_machine_id_read(note, &id));
        if (first) {
                r = make_id(&id, reterr);
                if (r >= 0 && persistent)
                        r = ingot_make_directories(INIT_SYSROOT "/var/lib/ingot", 0755, reterr);
                if (r >= 0 && persistent)
                        r = write_id(note, &id, reterr);
        }
        if (r >= 0)
                r = write_etc(etc, first, &id, reterr);
        if (r >= 0)
                r = write_id(RUN_ID, &id, reterr);
        if (r < 0)
                return ingot_under(reterr, r, "machine id");
        if (first)
                init_say("this machine has a new id");
        *ret = id;
        return 0;
}
